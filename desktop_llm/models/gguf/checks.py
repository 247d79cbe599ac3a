"""What a model file claims of itself, held against llama.cpp's limits: it ends its process, or worse, on some of these.

Each rule has a precedent: integer overflows in sizes, lists that are shorter than they are read, layers beyond its
tables, templates that reach out of their sandbox.
"""

from __future__ import annotations

import re

from desktop_llm.models.gguf.reader import MAX_LAYERS, Contents, number
from desktop_llm.models.gguf.tables import KNOWN_ARCHITECTURES
from desktop_llm.models.gguf.words import damaged, printable, unsupported
from desktop_llm.words import tr

MAX_EXPERTS = 1_024  # LLAMA_MAX_EXPERTS
# Far beyond any model, near enough that products of two stay within 64 bits.
_MAX_LENGTHS = {
    "embedding_length": 1 << 20,
    "feed_forward_length": 1 << 24,
    "attention.head_count": 1 << 16,
    "attention.head_count_kv": 1 << 16,
    "attention.key_length": 1 << 16,
    "attention.value_length": 1 << 16,
    "rope.dimension_count": 1 << 16,
    "expert_count": MAX_EXPERTS,
    "expert_used_count": MAX_EXPERTS,
    "vocab_size": 1 << 24,
    "ssm.inner_size": 1 << 20,
    "ssm.state_size": 1 << 16,
    "ssm.conv_kernel": 1 << 10,
    "ssm.time_step_rank": 1 << 20,
    "ssm.group_count": 1 << 16,
}
_TOKENS = "tokenizer.ggml.tokens"
_TEMPLATE = "tokenizer.chat_template"
# Templates have no use for these; they are the ways out of a template's sandbox that are known.
_ESCAPE = re.compile(
    r"__(?:class|mro|bases?|subclasses|globals|builtins|init|import|getattr|getattribute|getitem|dict|code|call|func"
    r"|self|module|loader|spec|doc|new|name|closure|reduce|reduce_ex|context)__"
    r"|_TemplateReference|\\x5f|\\u005f|\\137|\|\s*attr\b|\b(?:lipsum|cycler|joiner|url_for|get_flashed_messages)\s*[.(|\[]"
    r"|\.(?:mro|gi_frame|gi_code|cr_frame|ag_frame|tb_frame|f_globals|f_builtins|f_back|func_globals)\b"
    r"|\{%[-+]?\s*(?:include|import|extends|from)\b",
    re.IGNORECASE,
)


def check(contents: Contents, name: str) -> None:
    """Raise ModelFileError where the engine should not see this file; `name` is for the sentence."""
    architecture = contents.architecture
    if architecture not in KNOWN_ARCHITECTURES:
        shown = f"“{printable(architecture)[:40]}”" if architecture else tr("no name")
        raise unsupported(name, tr("has an architecture this version does not know ({name})", name=shown))
    layers = number(contents.properties, f"{architecture}.block_count")
    if not 0 <= layers <= MAX_LAYERS:
        raise damaged(name, tr("claims {layers:,} layers", layers=layers))
    _check_lengths(contents, name)
    _check_vocabulary(contents, name)
    _check_templates(contents, name)


def _check_lengths(contents: Contents, name: str) -> None:
    for key, limit in _MAX_LENGTHS.items():
        value = contents.properties.get(f"{contents.architecture}.{key}")
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, int) and not 0 <= item <= limit:
                raise damaged(name, tr("claims an absurd size ({key}: {value:,})", key=key, value=item))
    used = number(contents.properties, f"{contents.architecture}.expert_used_count")
    experts = number(contents.properties, f"{contents.architecture}.expert_count")
    if used > experts:
        raise damaged(name, tr("claims to use {used:,} of {experts:,} experts", used=used, experts=experts))


def _check_vocabulary(contents: Contents, name: str) -> None:
    tokens = contents.length(_TOKENS)
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        if key in contents.lists and contents.length(key) < tokens:
            raise damaged(name, tr("has a vocabulary whose lists differ in length"))


def _check_templates(contents: Contents, name: str) -> None:
    for key, value in contents.properties.items():
        if key.startswith(_TEMPLATE) and isinstance(value, str) and _ESCAPE.search(value):
            raise unsupported(name, tr("has a chat template that tries to reach beyond the conversation"))
