"""What is embedded, and what only the keyword index keeps."""

from __future__ import annotations

import base64
import random

import pytest

from desktop_llm.knowledge.language import is_language

BYTES = random.Random(5).randbytes(700)
GERMAN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft heißt der Verein."


@pytest.mark.parametrize(
    "text",
    [
        "The rent is 1,250 euros; see https://example.org/a/very/long/path/that/goes/on/and/on?page=7 for more.",
        GERMAN,
        "合同自二〇二四年四月一日起生效，租金每月一千二百元，应于每月三日前支付。" * 8,
        "Договор вступает в силу 1 апреля.",
        "def area(width: float, height: float) -> float:\n    return width * height\n",
        "Ann,7,Berlin\nBob,9,Oslo\n",
        "| 2023 | 1,250 | 980 |\n| Total rent | 2,230 | |",
    ],
)
def test_words_of_any_language_are_language(text: str) -> None:
    assert is_language(text)


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(BYTES).decode(),
        base64.encodebytes(BYTES).decode(),
        BYTES.hex(),
        "a=function(b){c(b)+d;e[b]=f},g=0;" * 20,
        "4711,0815\n" * 50,
        "... --- ...",
    ],
    ids=["base64", "base64 in lines", "hex", "minified", "numbers", "dashes"],
)
def test_data_is_none(text: str) -> None:
    assert not is_language(text)
