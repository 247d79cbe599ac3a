"""Tables as text: one row in each line, a border between cells, the column names as the table's heading."""

from __future__ import annotations

import csv
import io
from collections import Counter
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

Row = list[str]


def read(source: Source) -> Parsing:
    """All rows as one page, in which line numbers are row numbers. Those below the column names are its table."""
    text = decode(source.data)
    csv.field_size_limit(_MAX_CELL_LENGTH)
    try:
        delimiter = _delimiter(text, source.name)
        rows = [_cells(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error:
        rows = [[line] for line in text.split("\n")]
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


def _cells(row: Row) -> Row:
    # A line break inside a cell would turn one row into two lines.
    cells = [" ".join(cell.split()) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _delimiter(text: str, name: str) -> str:
    """The delimiter that gives the most rows the same number of cells; more cells are better."""
    if suffix_of(name) in {"tsv", "tab"}:
        return "\t"
    lines = list(islice((line for line in text.split("\n") if line.strip()), _LOOKED_AT))
    return max(_DELIMITERS, key=lambda delimiter: _agreement(lines, delimiter))


def _agreement(lines: Row, delimiter: str) -> tuple[int, int]:
    widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
    width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
    return (count, width) if width > 1 else (0, 0)


def _header(rows: list[Row]) -> int:
    """The number of the row of column names, from 1: the first of full width without a number in it, near the top; 0
    if there is none.
    """
    width = Counter(len(row) for row in rows[:_LOOKED_AT] if row).most_common(1)
    for number, row in enumerate(rows[:_HEADER_WITHIN], 1):
        if width and len(row) >= width[0][0] and all(cell and not cell[:1].isdigit() for cell in row):
            return number
    return 0
