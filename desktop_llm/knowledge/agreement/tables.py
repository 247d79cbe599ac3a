"""The rows of tables in a text, each read as one statement: what stands under each column's name.

A table is two lines or more with the same number of cells between borders ("|", tabs, semicolons, or commas as in a CSV
file). Its first line names the columns if no cell in it is a number; a passage from the middle of a table is handed the
names. What a claim says of a row has to stand under the column that the claim names (`differ_in_column`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.terms import Term, terms
from desktop_llm.knowledge.sentences import Span

_FEWEST_COLUMNS = 2
_FEWEST_COMMAS = 2  # in each line; two lines of prose may well have one comma each
_RULE = re.compile(r"[\s|:+=-]+$")
_UNIT = re.compile(r"[(\[/]\s*([^\W\d_]{1,12}|[%€$£])\s*[)\]]?\s*$")
_NUMBER = re.compile(r"\s*[-+]?\d[\d.,' ]*\s*$")


@dataclass
class Row(Clause):
    """A row of a table as a clause without a verb; the segment of each term is its column.

    `names` are the places of the terms that name a column rather than stand in it.
    """

    names: frozenset[int] = frozenset()

    @property
    def captions(self) -> frozenset[int]:
        """The name of the first column: it only says what the rows are about."""
        return frozenset(place for place in self.names if self.segments[place] == 0)

    @property
    def verbs(self) -> list[bool]:
        """Nothing in a row is a verb."""
        return [False] * len(self.terms)


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of a table at `[start:end]`, with its cells and the names of their columns ("" each if unknown)."""

    start: int
    end: int
    cells: tuple[str, ...]
    columns: tuple[str, ...]


def table_lines(text: str, columns: str = "") -> list[TableLine]:
    """The lines of the tables in a text, those that name the columns too; `columns` are names from before the text,
    with borders or commas between them.
    """
    lines = [(match.start(), match.end(), match[0]) for match in re.finditer(r"[^\n]+", text)]
    found: list[TableLine] = []
    place = 0
    while place < len(lines):
        border, width = _border(lines[place][2])
        rows = _run(lines, place, border, width) if border else []
        if len(rows) < 1 + (not columns):
            place += 1
            continue
        found += _with_names(rows, columns)
        place = next(at for at, line in enumerate(lines) if line[0] == rows[-1][0]) + 1
        while place < len(lines) and _RULE.match(lines[place][2]):
            place += 1
    return found


def read_rows(lines: Sequence[TableLine], first: int, language: str) -> Iterator[Row]:
    """Each line of a table as a clause; their sentences are numbered from `first`."""
    for number, line in enumerate(lines, first):
        row = Row(sentence=number, language=language)
        names: set[int] = set()
        for column, (cell, name) in enumerate(zip(line.cells, line.columns, strict=True)):
            unit = _UNIT.search(name)
            value = f"{cell} {unit[1]}" if unit and _NUMBER.match(cell) else cell
            for term in terms(name, language) if cell.strip() else ():
                names.add(len(row.terms))
                _add(row, term, column)
            for term in terms(value, language):
                _add(row, term, column)
            row.joints[column] = "|"
        row.names = frozenset(names)
        if row.terms:
            yield row


def differ_in_column(compared: Compared) -> bool:
    """Whether a claim names a column, but has what stands under another one."""
    row = compared.evidence
    if not isinstance(row, Row):
        return False
    named = {row.segments[other] for other in compared.taken if other in row.names}
    given = {row.segments[other] for other in compared.taken if other not in row.names}
    elsewhere = any(column for column in given - named)
    return elsewhere and any(not _says(compared, row, column) for column in named - given if column)


def _says(compared: Compared, row: Row, column: int) -> bool:
    """Whether the claim has what stands in a column, though its words were found in another one with the same."""
    wanted = {key for place in compared.pairs for key in compared.claim.terms[place].wanted}
    return any(
        number == column and place not in row.names and not wanted.isdisjoint(row.terms[place].offers)
        for place, number in enumerate(row.segments)
    )


def _add(row: Row, term: Term, column: int) -> None:
    if term.kind != "break":
        row.terms.append(term)
        row.segments.append(column)


def _border(line: str) -> tuple[str, int]:
    """What stands between a line's cells, and how many there are; "" if it is no row."""
    for border in "|\t;":
        width = len(_cells(line, border))
        if width >= _FEWEST_COLUMNS:
            return border, width
    commas = line.count(",")
    return (",", commas + 1) if commas >= _FEWEST_COMMAS and not re.search(r",\s", line) else ("", 0)


def _cells(line: str, border: str) -> list[str]:
    return [cell.strip(' \t"') for cell in (line.strip().strip("|") if border == "|" else line).split(border)]


Line = tuple[int, int, str]


def _run(lines: Sequence[Line], place: int, border: str, width: int) -> list[tuple[int, int, list[str]]]:
    """The rows from a line on that have as many cells, without rules such as "|---|---|"."""
    rows: list[tuple[int, int, list[str]]] = []
    for start, end, line in lines[place:]:
        if rows and _RULE.match(line):
            continue
        cells = _cells(line, border)
        if len(cells) != width or (border == "," and re.search(r",\s", line)):
            break
        rows.append((start, end, cells))
    return rows


def _with_names(rows: Sequence[tuple[int, int, list[str]]], columns: str) -> Iterator[TableLine]:
    width = len(rows[0][2])
    handed = re.split(r"\s*[|,;\t]\s*", columns) if columns else []
    names = handed if len(handed) == width else [""] * width
    if len(rows) > 1 and all(cell and not re.search(r"^\W?\d", cell) for cell in rows[0][2]):
        names = rows[0][2]
        rows = rows[1:]
    for start, end, cells in rows:
        yield TableLine(start, end, tuple(cells), tuple(names))


def outside(text: str, lines: Sequence[TableLine]) -> Iterator[Span]:
    """The spans of a text that are in no table."""
    position = 0
    for line in lines:
        if text[position : line.start].strip():
            yield position, line.start
        position = line.end
    if text[position:].strip() or not lines:
        yield position, len(text)
