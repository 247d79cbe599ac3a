"""Pages cut into chunks: by headings, tables, paragraphs, lines and sentences, within a budget of content.

A chunk is a span of one page's stored text and names its place: the headings above it, its lines or rows, and the
column names of the table that its rows belong to. Content is measured in the text itself (`content_of`), so that a
passage says about the same in every language, whatever pieces an embedding model's vocabulary makes of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from semantic_text_splitter import TextSplitter

from desktop_llm.knowledge.readers import Table

# Raise this when the chunks of ordinary pages become better: stored pages are then cut and embedded again.
CHUNKER_VERSION = 2

# About 700 characters of English prose on average, 200 of Chinese, 50 words of a table of numbers.
BUDGET = 900.0
# The rows of a table stand for themselves: with fewer of them in a chunk, each is found by what it says.
_SHARE_OF_ROWS = 0.4
# A longer table would be more passages than a document may have.
_LONG_TABLE = 200_000

# What one character says, in letters of an alphabet: the same text has 0.31 as many characters in Chinese as in
# English, 0.43 in Japanese, 0.5 in Korean, 0.85 in Arabic and Hebrew (the Universal Declaration of Human Rights).
_IDEOGRAPHS, _KANA, _HANGUL, _CONSONANTS = 3.2, 2.0, 2.0, 1.15
# A digit or a sign is a piece of its own for most models, and figures say more than words.
_SIGN = 2.0
_SIGNS = re.compile(r"[^\w\s]|\d")
_OTHER_SCRIPTS = (
    (re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"), _IDEOGRAPHS),
    (re.compile("[\u3040-\u30ff]"), _KANA),
    (re.compile("[\uac00-\ud7af]"), _HANGUL),
    (re.compile("[\u0590-\u08ff]"), _CONSONANTS),
)

# The splitter's time grows with the square of a text that has no sentences and lines: 0.1 s for this much, minutes for
# a few megabytes.
_MAX_SECTION = 100_000
# A piece of content seldom stands for more characters; without this bound, another measure than ours could make a chunk
# of any length.
_MAX_CHARACTERS_PER_UNIT = 8
# The splitter counts characters, and some parts of a section say more with as many of them.
_ROOM = 0.95
# A new heading begins a new chunk, unless the chunk before it would be smaller than this share of the budget.
_SMALL_SHARE = 0.25
# A line shorter than this share of its page's long lines ends a paragraph.
_SHORT_LINE_SHARE = 0.75
_MAX_PLACE_LENGTH = 120
_MAX_HEADINGS_LENGTH = 300
HEADING_BORDER = " › "
_BETWEEN_PARTS = "\n\n"

Span = tuple[int, int]
Measure = Callable[[str], float]


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
    """`pages[page_index].text[start:end]` (code points), and where that is.

    `place` is short, for people ("7. Repairs", "line 12–40", "Budget, A5:F9"); `headings` are all that stand above it,
    outermost first ("Part II › 7. Repairs"); `header` are the column names of its rows if it does not hold them itself.
    """

    page_index: int
    start: int
    end: int
    place: str
    headings: str = ""
    header: str = ""


def content_of(text: str) -> float:
    """How much a text says, in letters of an alphabet."""
    content = len(text) + (_SIGN - 1) * len(_SIGNS.findall(text))
    if not text.isascii():
        content += sum((weight - 1) * len(script.findall(text)) for script, weight in _OTHER_SCRIPTS)
    return content


def chunk_pages(pages: Sequence[PageContent], measure: Measure = content_of, budget: float = BUDGET) -> Iterator[Chunk]:
    """Cut the pages of one document, in order, as they are asked for. No chunk crosses a page, is blank, or begins or
    ends with white space, except for the indentation of its first line.
    """
    cutter = _Cutter(measure, budget)
    above: list[tuple[int, str]] = []
    part = ""
    for index, page in enumerate(pages):
        places = _Places(page, above if page.place == part else [])
        for start, end in cutter.spans(page):
            yield Chunk(index, start, end, *places.of(start, end))
        above, part = places.last, page.place


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
    """Cuts the pages of one document."""

    def __init__(self, measure: Measure, budget: float) -> None:
        self._measure = measure
        self._budget = budget

    def spans(self, page: PageContent) -> Iterator[Span]:
        """The spans of the page's chunks, in order."""
        after = 0
        for start, end in self._joined(page):
            # Code and lists say a part of what they say by their indentation.
            line = page.text.rfind("\n", after, start) + 1
            indented = (line or not after) and not page.text[line:start].strip()
            after = end
            yield (line if indented else start), end

    def _joined(self, page: PageContent) -> Iterator[Span]:
        """The pieces of the page's sections, put together while they fit."""
        flowing = page.text if page.number is None or page.lines else _flowing(page.text)
        joined: tuple[int, int, float, float] | None = None
        for section, rows in _sections(page):
            is_short = section[1] - section[0] <= _LONG_TABLE
            budget, fresh = self._budget * (_SHARE_OF_ROWS if rows and is_short else 1.0), True
            split = self._rows if rows else self._split
            for start, end, cost in split(page.text if rows else flowing, section, budget):
                if joined and self._fits(joined[2], cost, min(budget, joined[3]), fresh=fresh):
                    joined = (joined[0], end, joined[2] + cost, budget)
                else:
                    if joined:
                        yield joined[:2]
                    joined = (start, end, cost, budget)
                fresh = False
        if joined:
            yield joined[:2]

    def _fits(self, before: float, cost: float, budget: float, *, fresh: bool) -> bool:
        return before + cost <= budget and (not fresh or before < self._budget * _SMALL_SHARE)

    def _rows(self, text: str, section: Span, budget: float) -> Iterator[tuple[int, int, float]]:
        """The rows of a table; only one that is longer than a whole chunk is cut."""
        start, end = section
        while start < end:
            line_end = text.find("\n", start, end)
            line_end = end if line_end < 0 else line_end
            row = text[start:line_end]
            if row.strip():
                if (cost := self._cost(row)) <= self._budget:
                    yield start, start + len(row.rstrip()), cost
                else:
                    yield from self._split(text, (start, line_end), self._budget)
            start = line_end + 1

    def _split(self, text: str, section: Span, budget: float) -> Iterator[tuple[int, int, float]]:
        start, end = section
        per_unit = (end - start) / max(1.0, self._cost(text[start:end]))
        yield from self._split_to(text, start, end, budget, _ROOM * budget * per_unit)

    def _split_to(
        self, text: str, start: int, end: int, budget: float, capacity: float
    ) -> Iterator[tuple[int, int, float]]:
        """Pieces of about equal length, each within the budget; `capacity` is the first guess in characters."""
        parts = max(1.0, -(-(end - start) // capacity))
        even = capacity if parts > 4 else min(capacity, 1.15 * (end - start) / parts)
        for offset, piece in TextSplitter(max(1, int(even))).chunk_indices(text[start:end]):
            if not (piece := piece.strip()):
                continue
            piece_start = start + offset
            cost = self._cost(piece)
            if cost > budget and len(piece) > 1:
                narrower = min(0.9 * even * budget / cost, len(piece) * 0.6)
                yield from self._split_to(text, piece_start, piece_start + len(piece), budget, narrower)
            else:
                yield piece_start, piece_start + len(piece), cost

    def _cost(self, piece: str) -> float:
        return max(self._measure(piece), len(piece) / _MAX_CHARACTERS_PER_UNIT)


def _sections(page: PageContent) -> Iterator[tuple[Span, bool]]:
    """The page cut at its headings and tables, and inside sections that are too long for the splitter; with each,
    whether it holds rows of a table.
    """
    cuts = {0, len(page.text), *(start for start, _, _ in page.headings)}
    rows = {table.start: min(table.end, len(page.text)) for table in page.tables}
    cuts.update(rows.keys(), rows.values())
    inside = 0  # the end of the table that the section is in
    for start, end in pairwise(sorted(cuts)):
        inside = max(inside, rows.get(start, 0))
        if start < inside:
            yield (start, end), True
        else:
            yield from ((span, False) for span in _shorter(page.text, start, end))


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
    """Where spans of a page are; `above` are the levels and titles of the headings that apply at its beginning."""

    def __init__(self, page: PageContent, above: Sequence[tuple[int, str]]) -> None:
        self._page = page
        headings = sorted(page.headings)
        self._starts = [start for start, _, _ in headings]
        self._paths = [list(above)]  # before the first heading, and from each one on
        for _, level, title in headings:
            self._paths.append([*(each for each in self._paths[-1] if each[0] < level), (level, title)])
        self._tables = sorted(page.tables, key=lambda table: table.start)
        self._table_starts = [table.start for table in self._tables]
        ends = [0, *self._table_starts]
        counts = (page.text.count("\n", start, end) for start, end in pairwise(ends))
        self._table_lines = [1 + lines for lines in accumulate(counts)]
        self._counted = 0  # up to here, so many lines ended
        self._lines = 0

    @property
    def last(self) -> list[tuple[int, str]]:
        """The headings that still apply on the next page."""
        return self._paths[-1]

    def of(self, start: int, end: int) -> tuple[str, str, str]:
        """The place, headings and header of a span. Spans come in order."""
        # The first heading inside a span speaks for it if none stands above.
        at = bisect_right(self._starts, start)
        path = self._paths[at]
        if not path and at < len(self._starts) and self._starts[at] < end:
            path = self._paths[at + 1]
        nearest = path[-1][1] if path else ""
        table = self._table_in(start, end)
        rows = self._rows(start, end, table) if table is not None else ""
        if not (nearest or rows) and self._page.lines:
            rows = f"line {_range(self._line(start), self._line(end - 1))}"
        place = ", ".join(filter(None, (self._page.place, nearest, rows)))
        headings = HEADING_BORDER.join(filter(None, (self._page.place, *(title for _, title in path))))
        return place[:_MAX_PLACE_LENGTH], headings[-_MAX_HEADINGS_LENGTH:], self._header(start, table)

    def _table_in(self, start: int, end: int) -> int | None:
        """The number of the first table with rows in the span."""
        before = bisect_right(self._table_starts, start) - 1
        first = before if before >= 0 and self._tables[before].end > start else before + 1
        return first if first < len(self._tables) and self._tables[first].start < end else None

    def _header(self, start: int, number: int | None) -> str:
        if number is None:
            return ""
        table = self._tables[number]
        return "" if table.header in self._page.text[start : table.start] else table.header

    def _rows(self, start: int, end: int, number: int) -> str:
        table = self._tables[number]
        if not table.first_row:
            return ""
        before = table.first_row - self._table_lines[number]
        first = max(1, before + self._line(start))
        last = before + self._line(min(end, table.end) - 1)
        if left := table.columns.partition(":")[0]:
            right = table.columns.rpartition(":")[2]
            return f"{left}{first}:{right}{last}"
        return f"row{'s' * (last > first)} {_range(first, last)}"

    def _line(self, position: int) -> int:
        self._lines += self._page.text.count("\n", self._counted, position)
        self._counted = position
        return self._lines + 1


def _range(first: int, last: int) -> str:
    return f"{first}–{last}" if last > first else f"{first}"
