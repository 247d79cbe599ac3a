"""Files like those that broke llama.cpp before: each is refused with its reason before native code sees it."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf import read_header, read_header_from
from tests.models.hostile_files import ESCAPING_TEMPLATES, HOSTILE, with_template
from tests.models.mutants import mutants


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_known_attack_is_refused_with_its_reason(tmp_path: Path, attack: str) -> None:
    data, reason = HOSTILE[attack]
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=reason):
        read_header(path)


@pytest.mark.parametrize("template", ESCAPING_TEMPLATES)
def test_a_template_that_reaches_out_of_its_sandbox_is_refused(template: str) -> None:
    data = with_template(template)
    with pytest.raises(ModelFileError, match="reach beyond the conversation"):
        read_header_from(io.BytesIO(data), len(data), "model.gguf")


@pytest.mark.parametrize(
    "template",
    [
        "Speak for yourself. {{ messages }} You are __not__ a cycler; import what you need from the list.",
        "{% for m in messages %}{{ m.content | selectattr }}{{ m.role | replace('__', '') }}{% endfor %}<__media__>",
    ],
)
def test_a_template_that_only_looks_like_it_is_read(template: str) -> None:
    data = with_template(template)
    assert read_header_from(io.BytesIO(data), len(data), "model.gguf").chat_template == template


def refusal(data: bytes) -> str:
    try:
        read_header_from(io.BytesIO(data), len(data), "model.gguf")
    except ModelFileError as error:
        return error.message
    return ""


def test_every_mutant_is_read_or_refused_in_a_sentence() -> None:
    refusals = [refusal(data) for data in mutants(random.Random(5), 300)]
    told = [message for message in refusals if message]
    assert 100 < len(told) < 300
    assert all(message.startswith("model.gguf ") and message.endswith(".") for message in told)
