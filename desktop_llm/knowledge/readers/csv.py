"""Tables as text: one row in each line, a border between cells, the column names as the table's heading."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary, Table, suffix_of
from desktop_llm.knowledge.readers.blocks import CELL_BORDER
from desktop_llm.knowledge.readers.encodings import decode
from desktop_llm.words import tr

_DELIMITERS = ",;\t|"
_LOOKED_AT = 50
_HEADER_WITHIN = 5
_MAX_CELL_LENGTH = 1_000_000
# A cell with line breaks is text that somebody typed; a quote that is closed later than this was left open.
_MOST_LINES_A_ROW = 100
# A file with more open quotes than this does not quote its cells.
_MOST_OPEN = 1_000

Row = list[str]


def read(source: Source) -> Parsing:
    """All rows as one page, in which line numbers are row numbers. Those below the column names are its table."""
    text = decode(source.data)
    csv.field_size_limit(_MAX_CELL_LENGTH)
    lines = text.split("\n")
    delimiter = _delimiter(lines, source.name)
    rows = [_cells(row) for row in _rows(lines, delimiter)]
    if not any(rows):
        raise DocumentError(tr("Empty"), cause="empty")
    lines = [CELL_BORDER.join(row) for row in rows]
    text = "\n".join(lines).rstrip("\n")
    header = _header(rows)
    start = sum(len(line) + 1 for line in lines[:header])
    columns = lines[header - 1] if header else ""
    tables = (Table(start, len(text), columns, header + 1),) if start < len(text) else ()
    yield Page(None, text, lines=True, tables=tables)
    return Summary(source.stem)


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[Row]:
    """The rows of a table. A quote that is never closed, or not where a cell ends, costs its own row alone."""
    width = _usual_width(lines[:_LOOKED_AT], delimiter)
    at = opened = 0
    while at < len(lines):
        taken = 1
        row = _strictly(lines[at : at + 1], delimiter)
        if row is None and opened < _MOST_OPEN:
            row, taken = _several_lines(lines[at : at + _MOST_LINES_A_ROW], delimiter, width)
            opened += row is None
        yield _loosely(lines[at], delimiter, width) if row is None else row
        at += taken


def _several_lines(lines: Sequence[str], delimiter: str, width: int) -> tuple[Row | None, int]:
    """The row that the lines begin with, if its cells hold line breaks, and how many lines it has."""
    for count in range(2, len(lines) + 1):
        if '"' not in lines[count - 1]:
            continue
        row = _strictly(lines[:count], delimiter)
        if row is not None:
            return (row, count) if len(row) == width else (None, 1)
    return None, 1


def _strictly(lines: Sequence[str], delimiter: str) -> Row | None:
    """The lines as one row, every quote in its place; None if they are not."""
    if '"' not in lines[0]:
        return lines[0].split(delimiter)
    try:
        return next(csv.reader(["\n".join(lines)], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _loosely(line: str, delimiter: str, width: int) -> Row:
    """The line as a row of the usual width if quotes are overlooked, or else taken as they stand."""
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        row = []
    return row if len(row) == width else line.split(delimiter)


def _cells(row: Row) -> Row:
    # A line break inside a cell would turn one row into two lines.
    cells = [" ".join(cell.split()) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _delimiter(lines: Sequence[str], name: str) -> str:
    """The delimiter that gives the most rows the same number of cells; more cells are better."""
    if suffix_of(name) in {"tsv", "tab"}:
        return "\t"
    filled = list(islice((line for line in lines if line.strip()), _LOOKED_AT))
    return max(_DELIMITERS, key=lambda delimiter: _agreement(filled, delimiter))


def _agreement(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    widths = _widths(lines, delimiter)
    width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
    return (count, width) if width > 1 else (0, 0)


def _usual_width(lines: Sequence[str], delimiter: str) -> int:
    return max(_widths(lines, delimiter).items(), key=lambda item: (item[0] > 1, item[1]))[0]


def _widths(lines: Sequence[str], delimiter: str) -> Counter[int]:
    """How many of the lines have how many cells."""
    return Counter(len(_strictly([line], delimiter) or line.split(delimiter)) for line in lines)


def _header(rows: list[Row]) -> int:
    """The number of the row of column names, from 1: the first of full width without a number in it, near the top; 0
    if there is none.
    """
    width = Counter(len(row) for row in rows[:_LOOKED_AT] if row).most_common(1)
    for number, row in enumerate(rows[:_HEADER_WITHIN], 1):
        if width and len(row) >= width[0][0] and all(cell and not cell[:1].isdigit() for cell in row):
            return number
    return 0
