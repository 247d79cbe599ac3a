"""Words as the keyword index knows them: the same folding for what is stored and what is asked."""

from __future__ import annotations

import re

# Porter stems English and hardly touches other languages; accents are folded.
TOKENIZER = "porter unicode61 remove_diacritics 2"

MAX_QUERY_WORDS = 64
# Chinese, Japanese and Korean are written without spaces: pairs of characters stand for words.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0e7f]+")
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Text as it goes into the keyword index."""
    return _UNSPACED.sub(lambda run: f" {_pairs(run.group())} ", text)


def query_words(text: str) -> list[str]:
    """The distinct words of a question, lower case, in order, at most 64."""
    found = dict.fromkeys(_WORD.findall(folded(text).lower()))
    return list(found)[:MAX_QUERY_WORDS]


def match_any(words: list[str]) -> str:
    """An FTS5 expression that finds any of the words; they are quoted, so that none is taken for an operator."""
    return " OR ".join(f'"{word}"' for word in words)


def _pairs(run: str) -> str:
    return " ".join(run[start : start + 2] for start in range(max(1, len(run) - 1)))
