"""Compares the chat templates in model files with published ones, and offers a few formats to use instead.

A template is an untrusted program that writes the prompt. A manipulated one can add hidden instructions without any
change to the weights. So its hash is compared with those of published templates (`assets/chat_templates.json`), a
difference is shown, and the person can replace the template.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from desktop_llm.models.gguf import Header
from desktop_llm.paths import asset

TemplateState = Literal["known", "different", "missing", "unknown"]

_CHATML = """\
{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_LLAMA_3 = """\
{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>

{{ message.content | trim }}<|eot_id|>{% endfor %}\
{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %}"""

# The next three formats have no system role, so the system prompt goes before the first question.
_WITH_SYSTEM_IN_QUESTION = """\
{% set ns = namespace(system='') %}{% for message in messages %}\
{% if message.role == 'system' %}{% set ns.system = message.content | trim + '\\n\\n' %}\
{% elif message.role == 'user' %}USER{% set ns.system = '' %}{% else %}ASSISTANT{% endif %}{% endfor %}"""

_GEMMA = (
    "{{ bos_token }}"
    + _WITH_SYSTEM_IN_QUESTION.replace(
        "USER", "<start_of_turn>user\n{{ ns.system }}{{ message.content | trim }}<end_of_turn>\n"
    ).replace("ASSISTANT", "<start_of_turn>model\n{{ message.content | trim }}<end_of_turn>\n")
    + "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_MISTRAL = "{{ bos_token }}" + _WITH_SYSTEM_IN_QUESTION.replace(
    "USER", "[INST] {{ ns.system }}{{ message.content | trim }} [/INST]"
).replace("ASSISTANT", " {{ message.content | trim }}{{ eos_token }}")
_ALPACA = """\
{% for message in messages %}\
{% if message.role == 'system' %}{{ message.content | trim }}

{% elif message.role == 'user' %}### Instruction:
{{ message.content | trim }}

{% else %}### Response:
{{ message.content | trim }}{{ eos_token }}

{% endif %}{% endfor %}{% if add_generation_prompt %}### Response:
{% endif %}"""

FORMATS: Mapping[str, str] = MappingProxyType(
    {"ChatML": _CHATML, "Llama 3": _LLAMA_3, "Gemma": _GEMMA, "Mistral": _MISTRAL, "Alpaca": _ALPACA}
)

# Families with Llama's architecture and another format than Llama 3.
_FORMAT_OF_LLAMA_LIKE = (
    ("Mistral", r"mi[sx]tral"),
    ("ChatML", r"smollm|hermes|dolphin|orca|chatml|\byi\b|tinyllama"),
    ("Alpaca", r"alpaca|vicuna"),
)
_FORMAT_OF_ARCHITECTURE = (
    ("gemma", "Gemma"),
    ("llama", "Llama 3"),
    ("mistral", "Mistral"),
)


@dataclass(frozen=True, slots=True)
class _Published:
    """The hashes of the templates that were published with models whose names match `model`."""

    model: re.Pattern[str]
    sha256: frozenset[str]


def template_state(header: Header) -> TemplateState:
    """How the model's template compares with the published ones.

    "known": the template was published like this. "different": the makers of this model published other templates.
    "unknown": no published template is known for this model. "missing": the file has no template.
    """
    if not header.chat_template:
        return "missing"
    published, every = _published()
    found = sha256_of_template(header.chat_template)
    name = re.sub(r"[-_\s]+", " ", header.name)
    own = [entry for entry in published if entry.model.search(name)]
    if any(found in entry.sha256 for entry in own) or (not own and found in every):
        return "known"
    return "different" if own else "unknown"


def sha256_of_template(template: str) -> str:
    """The hash of a template without the white space around it, which converters add or remove."""
    return hashlib.sha256(template.strip().encode()).hexdigest()


def suggested_format(architecture: str, name: str) -> str:
    """The name in FORMATS of the format that a model without a template most likely understands."""
    if architecture == "llama":
        for chat_format, names in _FORMAT_OF_LLAMA_LIKE:
            if re.search(names, name, re.IGNORECASE):
                return chat_format
    for beginning, chat_format in _FORMAT_OF_ARCHITECTURE:
        if architecture.startswith(beginning):
            return chat_format
    return "ChatML"


@functools.cache
def _published() -> tuple[tuple[_Published, ...], frozenset[str]]:
    data = json.loads(asset("chat_templates.json").read_bytes())
    entries = tuple(
        _Published(re.compile(entry["model"], re.IGNORECASE), frozenset(entry["sha256"])) for entry in data["templates"]
    )
    return entries, frozenset(data["others"]).union(*(entry.sha256 for entry in entries))
