"""Sentences and the words that carry their meaning, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from desktop_llm.knowledge.keywords import folded
from desktop_llm.knowledge.stop_words import EMPTY_WORDS

Span = tuple[int, int]

MAX_SENTENCE_LENGTH = 400  # a longer one is really a list or a table: it is cut at its lines

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s|$)|[。！？]+[」』”]*|\n\s*\n")
_ABBREVIATION = re.compile(
    r"\b(?:[A-Za-zÄÖÜ]|e\.g|i\.e|cf|vs|etc|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|Art|Abs|Sec|pp|ca|bzw|usw|z\.\s?B|d\.\s?h)$"
)
# A number with a full stop is an ordinal behind a German article or preposition, before a month, and at a line's start.
_ORDINAL = re.compile(r"(?:^|\n|\b(?:der|die|das|den|dem|des|am|im|zum|vom|ab|bis|und|seit|vor|nach)\s+)\d{1,2}$")
_MONTH = re.compile(r"\s+(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\W_]+")


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
    """The words that carry meaning; two characters are one in languages without blanks."""
    return [word for word in _WORD.findall(folded(text)) if word.casefold() not in EMPTY_WORDS]


def _ends(text: str, lines_end: bool) -> list[int]:
    ends = [match.end() for match in _END.finditer(text) if not _is_abbreviation(text, match)]
    if lines_end:
        ends += [match.end() for match in re.finditer("\n", text)]
    return sorted(set(ends))


def _is_abbreviation(text: str, match: re.Match[str]) -> bool:
    if match.group() != ".":
        return False
    if re.search(r"\b[ap]\.\s?m$", text[max(0, match.start() - 4) : match.start()]):
        return not re.match(r"\s+[A-ZÄÖÜ]", text[match.end() : match.end() + 3])
    if _ABBREVIATION.search(text, max(0, match.start() - 12), match.start()):
        return True
    digits = re.search(r"\d{1,2}$", text[max(0, match.start() - 2) : match.start()])
    if digits and (
        _MONTH.match(text, match.end()) or _ORDINAL.search(text[max(0, match.start() - 12) : match.start()])
    ):
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
