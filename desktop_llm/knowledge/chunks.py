"""Pages cut into chunks: by headings, paragraphs, lines and sentences, within a budget of tokens.

A chunk is a span of one page's stored text and names its place: the heading above it, or its lines or rows.
The splitter (text-splitter's, in Rust) works on characters; how many make the budget is learnt from the tokens counted
so far, and a piece over the budget is split again. So each text is tokenized about once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from semantic_text_splitter import TextSplitter

from desktop_llm.knowledge.readers import Table

# Raise this when the chunks of ordinary pages become better: stored pages are then cut and embedded again.
CHUNKER_VERSION = 1

# A tokenizer can overflow its stack on a longer run of characters, so it never gets one.
_LONG_RUN = re.compile(r"[^\s。．，、！？；：…]{2000,}")
_RUN_LENGTH = 2000
# The splitter's time grows with the square of a text that has no sentences and lines: 0.1 s for this much, minutes for
# a few megabytes.
_MAX_SECTION = 100_000
# A token seldom stands for more characters; without this bound, a run that is one unknown token could become a chunk of
# any length.
_MAX_CHARACTERS_PER_TOKEN = 8
_FIRST_GUESS = 4.0
# A new heading begins a new chunk, unless the chunk before it would be smaller than this share of the budget.
_SMALL_SHARE = 0.25
# A line shorter than this share of its page's long lines ends a paragraph.
_SHORT_LINE_SHARE = 0.75
_MAX_PLACE_LENGTH = 120
_BETWEEN_PARTS = "\n\n"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page as a reader gave it (`readers.Page`)."""

    number: int | None
    text: str
    headings: tuple[tuple[int, int, str], ...] = ()
    lines: bool = False
    tables: tuple[Table, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`pages[page_index].text[start:end]` (code points), and its place in words ("7. Repairs", "line 12–40")."""

    page_index: int
    start: int
    end: int
    place: str


def chunk_pages(
    pages: Sequence[PageContent], count_tokens: Callable[[str], int], budget_tokens: int = 220
) -> Iterator[Chunk]:
    """Cut the pages of one document, in order, as they are asked for. No chunk crosses a page, is blank, or begins or
    ends with white space.

    `count_tokens` gives the tokens of a text without special tokens.
    """
    cutter = _Cutter(count_tokens, budget_tokens)
    heading = part = ""
    for index, page in enumerate(pages):
        places = _Places(page, heading if page.place == part else "")
        for start, end in cutter.spans(page):
            place = places.of(start, end)
            yield Chunk(index, start, end, ", ".join(filter(None, (page.place, place))))
        heading, part = places.last, page.place


def joined(pages: Sequence[PageContent], chunks: Iterable[Chunk]) -> tuple[list[PageContent], list[Chunk]]:
    """The pages with parts of the same number, or without one, as one page each, and their chunks moved with them."""
    texts: list[list[str]] = []
    whole: list[PageContent] = []
    moved: list[tuple[int, int]] = []
    length = 0
    for page in pages:
        if whole and whole[-1].number == page.number:
            length += len(_BETWEEN_PARTS)
        else:
            whole.append(page)
            texts.append([])
            length = 0
        moved.append((len(whole) - 1, length))
        texts[-1].append(page.text)
        length += len(page.text)
    return (
        [replace(page, text=_BETWEEN_PARTS.join(parts)) for page, parts in zip(whole, texts, strict=True)],
        [_moved(chunk, *moved[chunk.page_index]) for chunk in chunks],
    )


def _moved(chunk: Chunk, index: int, by: int) -> Chunk:
    return replace(chunk, page_index=index, start=chunk.start + by, end=chunk.end + by)


class _Cutter:
    """Cuts the pages of one document and learns on the way how many characters its tokens have on average."""

    def __init__(self, count_tokens: Callable[[str], int], budget_tokens: int) -> None:
        self._count_tokens = count_tokens
        self._budget = budget_tokens
        self._characters = 2_000.0
        self._tokens = self._characters / _FIRST_GUESS

    def spans(self, page: PageContent) -> Iterator[Span]:
        """The spans of the page's chunks, in order."""
        flowing = page.text if page.number is None or page.lines else _flowing(page.text)
        joined: tuple[int, int, int] | None = None
        for section in _sections(page):
            fresh = True
            for start, end in self._split(flowing, section):
                cost = self._cost(page.text[start:end])
                if joined and self._fits(joined[2], cost, fresh=fresh):
                    joined = (joined[0], end, joined[2] + cost)
                else:
                    if joined:
                        yield joined[:2]
                    joined = (start, end, cost)
                fresh = False
        if joined:
            yield joined[:2]

    def _fits(self, before: int, cost: int, *, fresh: bool) -> bool:
        return before + cost <= self._budget and (not fresh or before < self._budget * _SMALL_SHARE)

    def _split(self, text: str, section: Span) -> Iterator[Span]:
        start, end = section
        per_token = min(self._characters / self._tokens, _MAX_CHARACTERS_PER_TOKEN)
        yield from self._split_to(text, start, end, self._budget * per_token)

    def _split_to(self, text: str, start: int, end: int, capacity: float) -> Iterator[Span]:
        """Pieces of about equal length, each within the budget; `capacity` is the first guess in characters."""
        parts = max(1.0, -(-(end - start) // capacity))
        even = capacity if parts > 4 else min(capacity, 1.15 * (end - start) / parts)
        for offset, piece in TextSplitter(max(1, int(even))).chunk_indices(text[start:end]):
            if not (piece := piece.strip()):
                continue
            piece_start = start + offset
            cost = self._cost(piece, learn=True)
            if cost > self._budget and len(piece) > 1:
                narrower = min(0.9 * even * self._budget / cost, len(piece) * 0.6)
                yield from self._split_to(text, piece_start, piece_start + len(piece), narrower)
            else:
                yield piece_start, piece_start + len(piece)

    def _cost(self, piece: str, *, learn: bool = False) -> int:
        tokens = self._count_tokens(piece)
        if learn:
            self._characters += len(piece)
            self._tokens += tokens
        return max(tokens, -(-len(piece) // _MAX_CHARACTERS_PER_TOKEN))


def _sections(page: PageContent) -> Iterable[Span]:
    """The page cut at its headings, inside runs that are too long for a tokenizer, and inside sections that are too
    long for the splitter.
    """
    cuts = {0, len(page.text), *(start for start, _, _ in page.headings)}
    for run in _LONG_RUN.finditer(page.text):
        cuts.update(range(run.start(), run.end(), _RUN_LENGTH))
        cuts.add(run.end())
    for start, end in pairwise(sorted(cuts)):
        yield from _shorter(page.text, start, end)


def _shorter(text: str, start: int, end: int) -> Iterator[Span]:
    """The section in parts that the splitter can take, cut at the end of a paragraph, line, sentence or word."""
    while end - start > _MAX_SECTION:
        latest = start + _MAX_SECTION
        earliest = latest - _MAX_SECTION // 10
        joints = (text.rfind(joint, earliest, latest) for joint in ("\n\n", "\n", ". ", " "))
        cut = next((joint + 1 for joint in joints if joint >= 0), latest)
        yield start, cut
        start = cut
    yield start, end


def _flowing(text: str) -> str:
    """The text of a printed page with the line breaks inside its paragraphs as spaces, character for character.

    A page has a break at every line; chunks should end with sentences, not with lines.
    """
    lines = text.split("\n")
    lengths = sorted(len(line) for line in lines if line.strip())
    if len(lengths) < 3:
        return text
    short = _SHORT_LINE_SHARE * lengths[int(len(lengths) * 0.8)]
    parts = [
        line + ("\n" if len(line) < short or not following.strip() else " ") for line, following in pairwise(lines)
    ]
    return "".join([*parts, lines[-1]])


class _Places:
    """Where spans of a page are, in words; `before` is the heading that was last on earlier pages."""

    def __init__(self, page: PageContent, before: str) -> None:
        self._headings = sorted(page.headings)
        self._starts = [start for start, _, _ in self._headings]
        self._before = before
        self._columns = next((table.header for table in page.tables), "")
        self._text = page.text if page.lines else None
        self._counted = 0  # up to here, so many lines ended
        self._lines = 0

    @property
    def last(self) -> str:
        """The heading that still applies on the next page."""
        return self._headings[-1][2] if self._headings else self._before

    def of(self, start: int, end: int) -> str:
        """The nearest heading at or above the span; else its lines or rows; else nothing. Spans come in order."""
        above = bisect_right(self._starts, start)
        heading = self._headings[above - 1][2] if above else self._before
        if not heading and above < len(self._starts) and self._starts[above] < end:
            heading = self._headings[above][2]
        if heading or self._text is None:
            return heading[:_MAX_PLACE_LENGTH]
        first, last = self._line(self._text, start), self._line(self._text, end - 1)
        numbers = f"{first}–{last}" if last > first else f"{first}"
        if self._columns:
            return f"row{'s' * (last > first)} {numbers}: {self._columns}"[:_MAX_PLACE_LENGTH]
        return f"line {numbers}"

    def _line(self, text: str, position: int) -> int:
        self._lines += text.count("\n", self._counted, position)
        self._counted = position
        return self._lines + 1
