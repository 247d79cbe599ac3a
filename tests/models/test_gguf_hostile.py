"""Files like those that once broke llama.cpp: each is refused with a reason before native code sees it."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf import read_header, read_header_from
from tests.models.hostile_files import ESCAPING_TEMPLATES, HOSTILE, with_template
from tests.models.mutants import mutants, named_mutants


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


# Each ended the process of llama.cpp, at loading or at the first token, before it was refused here.
DEADLY = (
    "epsilon nan",
    "epsilon -inf",
    "epsilon -1e-05",
    "rope scaled by magic",
    "0 layers",
    "513 layers",
    "2147483647 layers",
    "experts without use",
    "experts in groups",
    "use of no experts",
    "more predicted layers than layers",
    "a duplicate token",
    "a token that is the same up to its end",
    "an empty token and its stand-in",
    "no token for the line end",
    "a byte token below zero",
    "a byte token of letters",
    "a byte token of small letters",
    "a vocabulary of kind bert",
    "a vocabulary of kind rwkv",
    "a table of characters, that points outside",
    "token_embd of format 26",
    "blk.0.attn_q of format 24",
    "blk.0.attn_norm of format 1",
    "output_norm of format 27",
    "queries in format 25",
    "embedding in format 28",
    "norm in format 30",
)
# These make a model say nonsense.
MEANINGLESS = (
    "epsilon inf",
    "epsilon 0.0",
    "0 heads",
    "no heads in a list",
    "3 heads",
    "3 heads for keys",
    "rope over 7",
    "rope over 32",
    "base nan",
    "base 0.0",
    "rope scaled by nan",
    "rope scaled by -1.0",
    "an attention scale of nothing",
    "scores of nothing",
    "eos out of range",
    "fewer types",
    "fewer scores",
)
HARMLESS = ("two empty tokens", "no output", "padding out of range", "no end", "queries in format 1", "more scores")


def test_what_would_end_the_engine_or_make_no_sense_is_refused_with_a_reason() -> None:
    made = named_mutants()
    told = {name: refusal(made[name]) for name in (*DEADLY, *MEANINGLESS)}
    assert [name for name, message in told.items() if not message.startswith("model.gguf ")] == []
    assert [name for name in HARMLESS if refusal(made[name])] == []


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% set x = 'a' * 1000000 %}{{ x }}",
        "{{ 9 ** 9 ** 9 }}",
    ],
)
def test_a_template_that_counts_beyond_all_need_is_refused(template: str) -> None:
    assert "counts beyond all need" in refusal(with_template(template))
    assert not refusal(with_template("1000000 ** 2 {{ messages }}{% set b = {16384: 512} %}{{ '1000000 ** 9' }}"))
