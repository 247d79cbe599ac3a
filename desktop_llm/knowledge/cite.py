"""Finds the passages that support an answer: checks its marks, finds the quotes, adds missing marks.

Small models write few marks or wrong ones, so each sentence of the answer is compared with the sentences of the
passages: by the share of its meaning words, weighed by how rare they are among the passages, that a quote holds. A
citation shows a span of the stored text, never the model's words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from desktop_llm.knowledge.sentences import Span, numbers, sentences, words
from desktop_llm.knowledge.shapes import Cited
from desktop_llm.message import Citation

StoredText = Callable[[str, int | None], str | None]
"""The stored text of a document's page, None if it is gone."""

# A mark or a group of marks, but not the text of a link.
_MARK = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?!\()")
_CODE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_NO_STATEMENT = re.compile(r"\s*(#|\||>|[-=*_]{3,}\s*$)")
_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")

_QUOTE_SENTENCES = 3
_EXTRA_SENTENCE = 0.06  # how much one more sentence must add to a quote
_AGREEING_NUMBERS = 0.15
_SUPPORTED = 0.62  # a sentence without a mark gets one from this score on
_KEPT = 0.2  # a mark that the model wrote stays from this score on
_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class _Quote:
    """The best span of one passage for a sentence, and how much of the sentence it holds."""

    passage: Citation
    start: int
    end: int
    support: float
    numbers_agree: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the answer: a sentence with the passage numbers it names, or text to leave as it is (`words` 0)."""

    text: str
    marks: tuple[int, ...]
    words: int


def cite(answer: str, passages: Sequence[Citation], stored_text: StoredText) -> Cited:
    """Check an answer against the passages that the model was given; each mark of the result has a citation."""
    evidence = _Evidence(passages)
    text = ""
    citations: list[Citation] = []
    unsupported: list[Span] = []
    for piece in _pieces(answer):
        quotes = evidence.quotes_for(piece) if piece.words or piece.marks else []
        cited = _marked(piece.text, [quote.passage.number for quote in quotes])
        if passages and piece.words >= _FEWEST_WORDS and not quotes:
            lead = len(cited) - len(cited.lstrip())
            unsupported.append((len(text) + lead, len(text) + len(cited.rstrip())))
        citations += [_citation(quote, stored_text) for quote in quotes]
        text += cited
    return Cited(text, tuple(citations), tuple(unsupported))


class _Evidence:
    """The passages, cut into sentences, with the weight of each word."""

    def __init__(self, passages: Sequence[Citation]) -> None:
        self._passages = {passage.number: passage for passage in passages}
        self._sentences = {number: list(sentences(each.text)) for number, each in self._passages.items()}
        held = Counter(
            word
            for number, spans in self._sentences.items()
            for start, end in spans
            for word in set(words(self._passages[number].text[start:end]))
        )
        total = sum(map(len, self._sentences.values()))
        self._weight = cache(lambda word: math.log(1 + (total + 1) / (held[word] + 0.5)))

    def quotes_for(self, piece: _Piece) -> list[_Quote]:
        """The quotes to show with a sentence: from the passages it names, otherwise the best one of any passage."""
        said, counted = words(piece.text), numbers(_BULLET.sub("", piece.text))
        if not said:
            return []
        named = [self._best(number, said, counted) for number in piece.marks if number in self._passages]
        if kept := [quote for quote in named if quote.support >= _KEPT and counted <= numbers(quote.passage.text)]:
            return kept
        if len(said) < _FEWEST_WORDS:
            return []
        best = max((self._best(number, said, counted) for number in self._passages), key=_fit, default=None)
        return [best] if best is not None and best.support >= _SUPPORTED and best.numbers_agree else []

    def _best(self, number: int, said: Sequence[str], counted: set[str]) -> _Quote:
        passage = self._passages[number]
        return max((self._quote(passage, span, said, counted) for span in self._spans(number)), key=_fit)

    def _spans(self, number: int) -> Iterator[tuple[int, int, int]]:
        spans = self._sentences[number] or [(0, len(self._passages[number].text))]
        for first in range(len(spans)):
            for last in range(first, min(first + _QUOTE_SENTENCES, len(spans))):
                yield spans[first][0], spans[last][1], last - first

    def _quote(self, passage: Citation, span: tuple[int, int, int], said: Sequence[str], counted: set[str]) -> _Quote:
        start, end, extra = span
        text = passage.text[start:end]
        there = set(words(text))
        total = sum(self._weight(word) for word in set(said))
        shared = sum(self._weight(word) for word in set(said) & there)
        support = shared / total - _EXTRA_SENTENCE * extra
        return _Quote(passage, start, end, support, counted <= numbers(text))


def _fit(quote: _Quote) -> float:
    return quote.support + _AGREEING_NUMBERS * quote.numbers_agree


def _pieces(answer: str) -> Iterator[_Piece]:
    """The answer cut into pieces, with the marks taken out of its sentences."""
    position = 0
    for code in _CODE.finditer(answer):
        if code.group().startswith("`") and "\n" not in code.group() and not code.group().startswith("```"):
            continue  # code inside a sentence is part of it
        yield from _statements(answer[position : code.start()])
        yield _Piece(code.group(), (), 0)
        position = code.end()
    yield from _statements(answer[position:])


def _statements(text: str) -> Iterator[_Piece]:
    position = 0
    for start, end in _with_trailing_marks(text):
        if start > position:
            yield _Piece(text[position:start], (), 0)
        yield _statement(text[start:end])
        position = end
    if position < len(text):
        yield _Piece(text[position:], (), 0)


def _with_trailing_marks(text: str) -> Iterator[Span]:
    """The spans of the sentences; a mark behind a full stop belongs to the sentence before it."""
    held: Span | None = None
    for start, end in sentences(text, lines_end=True):
        behind = re.match(rf"(?:{_MARK.pattern})+[.]?", text[start:end])
        if held is not None and behind and "\n" not in text[held[1] : start]:
            held = (held[0], start + behind.end())
            if start + behind.end() >= end:
                continue
            start += behind.end()
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _statement(text: str) -> _Piece:
    marks = tuple(dict.fromkeys(int(number) for group in _MARK.findall(text) for number in re.findall(r"\d+", group)))
    bare = _MARK.sub("", text)
    is_statement = not _NO_STATEMENT.match(bare) and not bare.rstrip("*_ ").endswith((":", "?"))
    return _Piece(bare, marks, len(words(bare)) if is_statement else 0)


def _marked(text: str, passage_numbers: Sequence[int]) -> str:
    """The sentence with its marks before the full stop."""
    if not passage_numbers:
        return text
    body = text.rstrip()
    ending = re.search(r"[.!…。！]+$", body)
    cut = ending.start() if ending else len(body)
    marks = "".join(f"[{number}]" for number in passage_numbers)
    return f"{body[:cut]} {marks}{body[cut:]}{text[len(body) :]}"


def _citation(quote: _Quote, stored_text: StoredText) -> Citation:
    passage = quote.passage
    start, end = passage.start + quote.start, passage.start + quote.end
    text = passage.text[quote.start : quote.end]
    stored = stored_text(passage.document, passage.page)
    return Citation(
        number=passage.number,
        document=passage.document,
        page=passage.page,
        start=start,
        end=end,
        text=text,
        score=round(min(1.0, max(0.0, quote.support)), 4),
        place=passage.place,
        verified=stored is not None and stored[start:end] == text,
    )
