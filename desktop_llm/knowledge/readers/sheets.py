"""Sheets put together as one page, each a section with its name as the heading.

Rows that touch are a table with its column names, a row in each line, so that a passage can name its cells
("Prices!A2:F31").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_PAGE_LENGTH, MAX_TABLES
from desktop_llm.knowledge.readers import Page, Table, too_large
from desktop_llm.knowledge.readers.blocks import CELL_BORDER, looks_like_header
from desktop_llm.words import tr

# Column names stand below a title or two, if not on top.
_HEADER_WITHIN = 5

Row = list[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's rows as texts, in order, each with its place (from 0); empty ones may be left out. Their first cell is
    in column `first_column` (from 0).
    """

    name: str
    rows: Iterable[tuple[int, Sequence[str]]]
    first_column: int = 0
    hidden: bool = False


def page_of_sheets(sheets: Iterable[Sheet]) -> Page:
    """The sheets one below the other, each with its name as a heading. Raises DocumentError "Empty" without text."""
    writing = _Writing()
    for sheet in sheets:
        writing.add(sheet)
    return writing.page()


class _Writing:
    """Puts sheets together as one page."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[tuple[int, int, str]] = []
        self._tables: list[Table] = []

    def page(self) -> Page:
        """All that was added."""
        if not self._parts:
            raise DocumentError(tr("Empty"), cause="empty")
        return Page(None, "".join(self._parts), tuple(self._headings), tables=tuple(self._tables))

    def add(self, sheet: Sheet) -> None:
        """Add a sheet, unless it is empty."""
        named = False
        header: tuple[str, int] = ("", 0)
        for first_row, rows in _areas(sheet):
            if not named:
                title = tr("{sheet} (hidden)", sheet=sheet.name) if sheet.hidden else sheet.name
                self._headings.append((self._length + 2 * bool(self._parts), 1, title))
                named = True
            header = self._add_area(sheet, first_row, rows, header)

    def _add_area(self, sheet: Sheet, first_row: int, rows: list[Row], above: tuple[str, int]) -> tuple[str, int]:
        """Add rows that follow each other; returns the column names that apply now and the number of columns."""
        left = min(next(index for index, cell in enumerate(cells) if cell) for cells in rows)
        width = max(len(cells) for cells in rows) - left
        lines = [CELL_BORDER.join(cells[left:]) for cells in rows]
        found = _header(rows, left)
        header = (lines[found], width) if found is not None else above if above[1] >= width else ("", 0)
        start = self._length + (2 if self._parts else 0)
        text = "\n".join(lines)
        self._parts.append(("\n\n" if self._parts else "") + text)
        self._length = start + len(text)
        if self._length > MAX_PAGE_LENGTH:
            raise too_large(tr("more than {limit} million characters of text", limit=MAX_PAGE_LENGTH // 1_000_000))
        skipped = 0 if found is None else found + 1
        begins = start + sum(len(line) + 1 for line in lines[:skipped])
        if begins < self._length and len(self._tables) < MAX_TABLES:
            first = sheet.first_column + left
            columns = f"{column_name(first)}:{column_name(first + width - 1)}"
            self._tables.append(Table(begins, self._length, header[0], first_row + skipped + 1, columns))
        return header


def _areas(sheet: Sheet) -> Iterator[tuple[int, list[Row]]]:
    """The rows that follow each other without an empty one between them, with the place of the first."""
    area: list[Row] = []
    first = 0
    for index, values in sheet.rows:
        cells = [" ".join(value.split()) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if area and (not cells or index != first + len(area)):
            yield first, area
            area = []
        if cells:
            first = first if area else index
            area.append(cells)
    if area:
        yield first, area


def _header(rows: list[Row], left: int) -> int | None:
    """Which of the first rows holds the column names; None if none does. There is a row below it."""
    for index, (cells, below) in enumerate(pairwise(rows[: _HEADER_WITHIN + 1])):
        width = max(len(cells), len(below)) - left
        if width > 1 and looks_like_header(cells[left:], width):
            return index
    return None


def column_name(index: int) -> str:
    """The letters of a column, from 0: A to Z, AA and so on."""
    name, index = "", index + 1
    while index > 0:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name
