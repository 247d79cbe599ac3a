"""Words as the keyword index knows them: the same folding for stored text and for questions."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import Stemmer

from desktop_llm.knowledge.stop_words import empty_words_of, named

# Porter stems English words and hardly changes other languages; accents are removed.
TOKENIZER = "porter unicode61 remove_diacritics 2"

MAX_QUERY_WORDS = 64
# Chinese, Japanese and Korean are written without spaces: pairs of characters stand for words.
_CHARACTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0e7f"
_UNSPACED = re.compile(f"[{_CHARACTERS}]+")
# A line of a printed page ends anywhere in a word, and vertical text has a character a line.
_BROKEN = re.compile(f"(?<=[{_CHARACTERS}])[ \u3000]*\n[ \u3000]*(?=[{_CHARACTERS}])")
_WORD = re.compile(r"[^\W_]+")
# "2.2", "10:30", "12/2021" in a question are one word, though the index has their parts.
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)+")
_ASKED = re.compile(rf"{_NUMBER.pattern}|{_WORD.pattern}")
# Languages whose script tells how to stem them.
_STEMMED = (
    (re.compile("[\u0400-\u04ff]"), "russian"),
    (re.compile("[\u0600-\u06ff]"), "arabic"),
    (re.compile("[\u0370-\u03ff]"), "greek"),
)
# Pairs with a particle, and question words, in Chinese and Japanese.
_EMPTY_PAIR = re.compile(
    "^.?[的是了吗呢在和はがをにのでともかへ].?$|什么|多少|哪里|哪个|怎么|如何|为何|何时|いつ|どこ|なに|だれ|いく|くら"
)
_OTHER_SCRIPT = re.compile("[\u0370-\u04ff\u0600-\u06ff]+")
_ACCENTS = re.compile("(?<![иИ])[\u0300-\u036f]+")  # й is a letter of its own, which the stemmer knows
# All of ASCII that stands in no word, as a blank.
_BORDERS = {code: " " for code in range(128) if not chr(code).isalnum()}


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a question as the index knows it; `written` is how it must be written to count: "May", but not "may",
    and "2.2", but not "2 2". Empty if that does not matter.
    """

    word: str
    written: str = ""


def folded(text: str) -> str:
    """The text with pairs of characters for the words of languages without blanks."""
    return _UNSPACED.sub(lambda run: f" {_pairs(run.group())} ", _BROKEN.sub("", text))


def indexed(text: str) -> str:
    """The text as it goes into the keyword index."""
    return _stemmed_by_script(folded(text))


def query_words(text: str) -> list[QueryWord]:
    """The distinct meaningful words of a question (all words if none is), in order, at most 64."""
    return meaningful(text) or _distinct(
        [QueryWord(_stemmed_by_script(word.lower())) for word in _WORD.findall(folded(text))]
    )


def meaningful(text: str) -> list[QueryWord]:
    """The distinct words of a question that say something by themselves, in order, at most 64."""
    written = _ASKED.findall(folded(text))
    empty = empty_words_of(text)
    names = {*named(written, empty), *filter(_NUMBER.fullmatch, written)}
    return _distinct(
        [
            QueryWord(_stemmed_by_script(word.lower()), word if word in names else "")
            for word in written
            if word in names or not (word.lower() in empty or _EMPTY_PAIR.search(word))
        ]
    )


def match_any(words: Iterable[str]) -> str:
    """An FTS5 expression that finds any of the words, quoted so that none is taken for an operator."""
    return " OR ".join(f'"{word}"' for word in words)


def plain_words(text: str) -> list[str]:
    """The words of a text in lower case and without accents, in order, repeated ones too, not stemmed."""
    if text.isascii():
        return text.lower().translate(_BORDERS).split()  # several times as fast as an expression
    return _WORD.findall(plain(folded(text)))


def plain(text: str) -> str:
    """The text in lower case and without accents."""
    if text.isascii():
        return text.lower()
    apart = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", apart).lower()


@functools.lru_cache(200_000)
def stem(word: str) -> str:
    """The stem of a plain word, as the index has it."""
    by_script = _stem_by_script(word)
    return by_script if by_script != word else str(_stemmer("porter").stemWord(word))


def stem_asked(word: str) -> str:
    """The stem of a `QueryWord.word`, as `stem` gives it for the same word in a text."""
    # Words of other scripts are stems there, and the stem of a stem may be another.
    return plain(word) if _OTHER_SCRIPT.match(word) else stem(plain(word))


def _stemmed_by_script(text: str) -> str:
    return _OTHER_SCRIPT.sub(lambda run: _stem_by_script(run.group()), text)


@functools.lru_cache(50_000)
def _stem_by_script(word: str) -> str:
    for script, language in _STEMMED:
        if script.match(word):
            return str(_stemmer(language).stemWord(word.lower()))
    return word


@functools.cache
def _stemmer(language: str) -> Any:
    return Stemmer.Stemmer(language)


def _distinct(words: Iterable[QueryWord]) -> list[QueryWord]:
    found: dict[str, QueryWord] = {}
    for each in words:
        if each.word not in found or each.written:
            found[each.word] = each
    return list(found.values())[:MAX_QUERY_WORDS]


def _pairs(run: str) -> str:
    return " ".join(run[start : start + 2] for start in range(max(1, len(run) - 1)))
