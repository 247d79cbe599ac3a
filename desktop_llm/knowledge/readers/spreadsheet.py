"""Excel's workbooks of every age (XLSX, XLSM, XLSB, XLS), read by calamine; formulas by what they gave."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable, Iterator

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_CELLS
from desktop_llm.knowledge.readers import Parsing, Source, Summary, too_large
from desktop_llm.knowledge.readers.numbers import shown
from desktop_llm.knowledge.readers.package import Package, attribute, damage, descendants, opened
from desktop_llm.knowledge.readers.sheets import Row, Sheet, page_of_sheets
from desktop_llm.words import tr

_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# What calamine unpacks; pictures and embedded files are none of its business.
_UNPACKED = re.compile(r"xl/(?!media/|embeddings/).*\.(?:xml|bin)", re.IGNORECASE)
# calamine reserves room for as many strings as a part says at its beginning.
_COUNT = re.compile(rb'[cC]ount="(\d+)"')
_HEAD_BYTES = 10_000
# A cell of a sheet's XML that holds anything; one that is only formatted ends with a slash.
_CELL = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*?\s)?r="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>')
_STYLE = re.compile(rb'\ss="(\d+)"')
# Excel's own formats of percentages.
_PERCENT_FORMATS = frozenset({"9", "10"})

Cells = frozenset[tuple[int, int]]


def read(source: Source) -> Parsing:
    """All sheets that hold anything as one page. Raises DocumentError for protected, damaged or exploding files."""
    title, shares = "", dict[str, Cells]()
    if source.data.startswith(b"PK"):
        with opened(source) as package:
            title = package.title()
            _check(package)
            with contextlib.suppress(DocumentError):  # too large to be read twice: the bare numbers will do
                shares = dict(_shares(package))
    page = page_of_sheets(_sheets(source.data, shares))
    yield page
    return Summary(title or source.stem)


def _sheets(data: bytes, shares: dict[str, Cells]) -> Iterator[Sheet]:
    """The sheets by calamine, which panics on some damages. (A panic is no Exception.)"""
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for index, facts in enumerate(workbook.sheets_metadata):
            if facts.typ not in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet):
                continue
            sheet = workbook.get_sheet_by_index(index)
            if sheet.start is not None:
                hidden = facts.visible != SheetVisibleEnum.Visible
                yield _sheet(sheet, shares.get(sheet.name, frozenset()), hidden=hidden)
    except CalamineError as error:
        if "assword" in str(error):
            raise DocumentError(tr("Protected by a password"), cause="protected") from None
        raise damage(data) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise DocumentError(tr("Damaged"), cause="damaged", details=str(error)) from None


def _sheet(sheet: CalamineSheet, shares: Cells, *, hidden: bool) -> Sheet:
    row, column = sheet.start or (0, 0)
    merged = [
        (top - row, left - column, bottom - row, right - column)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
    ]
    rows = ([shown(value) for value in values] for values in sheet.to_python())
    if shares:
        rows = (
            [
                f"{shown(value * 100)}%" if isinstance(value, float) and (down, across) in shares else shown(value)
                for across, value in enumerate(values, column + 1)
            ]
            for down, values in enumerate(sheet.to_python(), row + 1)
        )
    return Sheet(sheet.name, enumerate(_unmerged(rows, merged), row), column, hidden)


def _unmerged(rows: Iterable[Row], merged: list[tuple[int, int, int, int]]) -> Iterator[Row]:
    """The rows, in which a value that stands over several rows stands in each of them.

    It belongs to all of these, but only the first one holds it. Over several columns it stands once, as it is shown.
    """
    tall = sorted(area for area in merged if area[2] > area[0])
    open_areas: list[tuple[int, int, str]] = []
    place = 0
    for index, values in enumerate(rows):
        open_areas = [area for area in open_areas if area[0] >= index]
        for _, column, value in open_areas:
            if 0 <= column < len(values) and not values[column]:
                values[column] = value
        while place < len(tall) and tall[place][0] <= index:
            top, left, bottom, _ = tall[place]
            if top == index and 0 <= left < len(values) and values[left] and len(open_areas) < len(values):
                open_areas.append((bottom, left, values[left]))
            place += 1
        yield values


def _shares(package: Package) -> Iterator[tuple[str, Cells]]:
    """By sheet, the cells whose numbers are shown as percentages, as (row, column) from 1; calamine does not tell."""
    styles = package.side_part("xl/styles.xml")
    codes = {attribute(each, "numFmtId"): attribute(each, "formatCode") for each in descendants(styles, "numFmt")}
    formats = [attribute(each, "numFmtId") for table in descendants(styles, "cellXfs") for each in table]
    shown_so = {
        str(index).encode()
        for index, identity in enumerate(formats)
        if identity in _PERCENT_FORMATS or "%" in codes.get(identity, "")
    }
    book = package.side_part("xl/workbook.xml") if shown_so else None
    relations = package.relations("xl/workbook.xml") if shown_so else {}
    for sheet in descendants(book, "sheet"):
        identity = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
        if identity in relations and relations[identity].part in package:
            cells = _CELL.finditer(package.data(relations[identity].part))
            styled = ((cell, _STYLE.search(cell[0])) for cell in cells)
            found = (cell for cell, style in styled if style and style[1] in shown_so)
            places = frozenset((int(cell[2]), _column_number(cell[1].decode())) for cell in found)
            yield attribute(sheet, "name"), places


def _check(package: Package) -> None:
    """Refuse a workbook that would take far more memory than it holds, before calamine unpacks it.

    Calamine holds the whole rectangle between a sheet's first and last cell, and unpacks parts without a limit.
    """
    for name in filter(_UNPACKED.fullmatch, package.names()):
        data = package.data(name)
        if any(int(count) > len(data) for count in _COUNT.findall(data[:_HEAD_BYTES])):
            raise DocumentError(tr("Damaged"), cause="damaged")
        if _SHEET_PART.fullmatch(name):
            _check_size(data)


def _check_size(data: bytes) -> None:
    right = bottom = 0
    left = top = 1 << 30
    for cell in _CELL.finditer(data):
        column, row = _column_number(cell[1].decode()), int(cell[2])
        right, bottom, left, top = max(right, column), max(bottom, row), min(left, column), min(top, row)
    _check_area(bottom - top + 1, right - left + 1)


def _check_area(rows: int, columns: int) -> None:
    """Refuse a sheet whose rectangle has too many cells. Raises DocumentError."""
    if rows > 0 and columns > 0 and rows * columns > MAX_CELLS:
        raise too_large(
            tr(
                "a sheet spreads over {cells:,.0f} million cells, and {limit:,.0f} million is the limit",
                cells=rows * columns / 1e6,
                limit=MAX_CELLS / 1e6,
            )
        )


def _column_number(name: str) -> int:
    """The number of a column, from 1, by its letters."""
    number = 0
    for letter in name:
        number = 26 * number + ord(letter) - 64
    return number
