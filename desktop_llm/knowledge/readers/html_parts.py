"""What HTML leaves to the browser: the numbers of ordered lists, and which cell of a table stands in which column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from selectolax.lexbor import LexborNode

from desktop_llm.knowledge.readers.blocks import LONGEST_CELL, looks_like_header

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_ONES = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_STYLES = {"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A", "lower-roman": "i"}
_STYLES |= {"upper-roman": "I", "decimal": "1", "none": "none"}
_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*(?:[^;]*\s)?(" + "|".join(_STYLES) + r")\b", re.IGNORECASE)
# A cell that says it spans more is a mistake or means harm.
_MOST_SPANNED = 100
_MOST_CELLS = 200_000
_CELLS = frozenset({"td", "th"})
_GROUPS = frozenset({"thead", "tbody", "tfoot"})


@dataclass(slots=True)
class Numbering:
    """The numbers of one ordered list: the next one, the step to the one after it, and how they are written."""

    number: int
    step: int
    kind: str

    @classmethod
    def of(cls, node: LexborNode) -> Self:
        """The numbering of an `ol` element."""
        attributes = node.attributes
        is_reversed = "reversed" in attributes
        last = sum(child.tag == "li" for child in node.iter()) if is_reversed else 1
        styled = _STYLE.search(attributes.get("style") or "")
        kind = _STYLES[styled[1].lower()] if styled else (attributes.get("type") or "1").strip()
        return cls(_number(attributes.get("start"), last), -1 if is_reversed else 1, kind)

    def next(self, item: LexborNode) -> str:
        """The mark before an item: its own number if it names one."""
        number = _number(item.attributes.get("value"), self.number)
        self.number = number + self.step
        return "" if self.kind == "none" else f"{_written(number, self.kind)}. "


def _number(text: str | None, otherwise: int) -> int:
    found = re.match(r"\s*[-+]?\d{1,9}", text or "")
    return int(found[0]) if found else otherwise


def _written(number: int, kind: str) -> str:
    if kind in ("a", "A") and number > 0:
        letters = ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord(kind) + letter) + letters
        return letters
    if kind in ("i", "I") and 0 < number < 4000:
        roman = ""
        for value, letters in _ROMAN:
            roman += letters * (number // value)
            number %= value
        roman += _ROMAN_ONES[number]
        return roman if kind == "i" else roman.upper()
    return str(number)


@dataclass(frozen=True, slots=True)
class _Cell:
    node: LexborNode
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of data: its captions, and its rows of cells with whether the row is part of the table's head."""

    captions: list[LexborNode]
    _rows: list[tuple[list[_Cell], bool]]

    @classmethod
    def of(cls, table: LexborNode, skipped: set[int]) -> Self | None:
        """The table's grid; None for a table that only lays out a text, as old pages and mails do."""
        nested = any(inner.mem_id != table.mem_id for inner in table.css("table"))
        if nested or table.attributes.get("role") in ("presentation", "none"):
            return None
        captions, rows, named = [], [], False
        for part in table.iter():
            if part.mem_id in skipped:
                continue
            if part.tag == "caption":
                captions.append(part)
            for each in part.iter() if part.tag in _GROUPS else (part,):
                if each.tag != "tr" or each.mem_id in skipped:
                    continue
                cells = [_cell(cell) for cell in each.iter() if cell.tag in _CELLS and cell.mem_id not in skipped]
                heads = [cell.node.tag == "th" for cell in cells]
                named = named or any(heads)
                rows.append((cells, part.tag == "thead" or (bool(heads) and all(heads))))
        if not rows or (not named and any(len(cell.node.text()) > LONGEST_CELL for cells, _ in rows for cell in cells)):
            return None
        return cls(captions, rows)

    def rows(self, text_of: Callable[[LexborNode], str]) -> Iterator[tuple[list[str], bool]]:
        """The texts of each row's cells, and whether they are the names of the columns.

        A cell over several rows stands in each of them; columns that are empty everywhere are left out. Several rows of
        names become one.
        """
        rows = self._filled(text_of)
        width = max(map(len, rows), default=0)
        used = [column for column in range(width) if any(row[column] for row in rows if column < len(row))]
        shown = [[row[column] if column < len(row) else "" for column in used] for row in rows]
        heads = [
            is_head and len(set(filter(None, row))) > 1 for (_, is_head), row in zip(self._rows, shown, strict=True)
        ]
        first = next((index for index, row in enumerate(shown) if any(row)), 0)
        if not any(heads) and _names_columns(shown[first:]):
            heads[first] = True
        start = heads.index(True) if True in heads else len(heads)
        end = next((index for index in range(start, len(heads)) if not heads[index]), len(heads))
        yield from ((row, False) for row in shown[:start])
        if start < end:
            yield [" ".join(dict.fromkeys(filter(None, names))) for names in zip(*shown[start:end], strict=True)], True
        yield from ((row, False) for row in shown[end:])

    def _filled(self, text_of: Callable[[LexborNode], str]) -> list[list[str]]:
        rows: list[list[str]] = []
        above: _Hanging = {}
        total = 0
        for cells, is_head in self._rows:
            row: list[str] = []
            below: _Hanging = {}
            for cell in cells:
                _hang(row, above, below)
                text = text_of(cell.node)
                if cell.rows > 1:
                    below[len(row)] = (text, cell.rows - 1)
                # The name over several columns is the name of each of them; other text is not said twice.
                row += [text, *[text if is_head else ""] * (cell.columns - 1)]
            _hang(row, above, below)
            above = below
            total += len(row)
            rows.append(row if total <= _MOST_CELLS else [cell for cell in row if cell])
        return rows


def _names_columns(rows: list[list[str]]) -> bool:
    """Whether the first row names columns, in a table that does not say so: each row below has to be one of data."""
    below = [sum(map(bool, row)) for row in rows[1:] if any(row)]
    return bool(below) and min(below) > 1 and looks_like_header(rows[0], len(rows[0]))


# By column: the text of a cell that reaches down, and into how many rows more.
_Hanging = dict[int, tuple[str, int]]


def _hang(row: list[str], above: _Hanging, below: _Hanging) -> None:
    """Add the cells that reach down into this row at the place where it has got to."""
    while found := above.get(len(row)):
        text, rows = found
        if rows > 1:
            below[len(row)] = (text, rows - 1)
        row.append(text)


def _cell(node: LexborNode) -> _Cell:
    columns, rows = (_number(node.attributes.get(name), 1) for name in ("colspan", "rowspan"))
    return _Cell(node, max(1, min(columns, _MOST_SPANNED)), max(1, min(rows, _MOST_SPANNED)))
