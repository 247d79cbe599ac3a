"""Sentences and their words, in any language, without a model: enough to tell whether two sentences say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from desktop_llm.knowledge.keywords import EMPTY_WORDS, folded

Span = tuple[int, int]

MAX_SENTENCE_LENGTH = 400  # a longer one is really a list or a table: it is cut at its lines

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s|$)|[。！？]+[」』”]*|\n\s*\n")
_ABBREVIATION = re.compile(
    r"\b(?:[A-Za-zÄÖÜ]|e\.g|i\.e|cf|vs|etc|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|Art|Abs|Sec|pp|ca|bzw|usw|z\.\s?B|d\.\s?h|\d{1,2})$"
)
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\W_]+")
_STEM_LENGTH = 6


def sentences(text: str, *, lines_end: bool = False) -> Iterator[Span]:
    """The spans of a text's sentences, without the white space around them; with `lines_end`, a line break ends one
    too.
    """
    start = 0
    for end in [*_ends(text, lines_end), len(text)]:
        if end > start:
            yield from _cut(text, *_stripped(text, start, end))
            start = end


def words(text: str) -> list[str]:
    """The words that carry meaning, shortened so that inflected forms match, and the numbers in one notation."""
    found = (word.casefold() for word in _WORD.findall(folded(text)))
    return [_short(word) for word in found if word not in EMPTY_WORDS]


def numbers(text: str) -> set[str]:
    """The numbers in a text, thousands' separators left out."""
    return {_short(word) for word in _WORD.findall(text) if word[0].isdigit()}


def _ends(text: str, lines_end: bool) -> list[int]:
    ends = [match.end() for match in _END.finditer(text) if not _is_abbreviation(text, match)]
    if lines_end:
        ends += [match.end() for match in re.finditer("\n", text)]
    return sorted(set(ends))


def _is_abbreviation(text: str, match: re.Match[str]) -> bool:
    if match.group() != ".":
        return False
    if _ABBREVIATION.search(text, max(0, match.start() - 12), match.start()):
        return True
    following = text[match.end() : match.end() + 2].strip()
    return bool(following) and following[0].islower()


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    if end - start <= MAX_SENTENCE_LENGTH or "\n" not in text[start:end]:
        if end > start:
            yield start, end
        return
    for match in re.finditer(r"[^\n]+", text[start:end]):
        line = _stripped(text, start + match.start(), start + match.end())
        if line[1] > line[0]:
            yield line


def _stripped(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))


def _short(word: str) -> str:
    if word[0].isdigit():
        plain = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", word).replace(",", ".")
        return re.sub(r"\.0+$", "", plain)
    return word[:_STEM_LENGTH]
