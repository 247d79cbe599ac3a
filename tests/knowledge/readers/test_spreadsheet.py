"""Workbooks: values as people read them, tables with their columns and cells, and nothing that explodes."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page, Table
from tests.knowledge.readers.making import packed, read, read_page

Fill = Callable[[xlsxwriter.Workbook], None]


def workbook(fill: Fill) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        fill(book)
    return out.getvalue()


def texts(page: Page) -> list[str]:
    return [page.text[table.start : table.end] for table in page.tables]


def test_a_sheet_is_a_section_and_its_tables_name_their_cells() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("Prices")
        sheet.write("B2", "Prices of 2024")
        for column, name in enumerate(("Town", "Rent", "Since"), 1):
            sheet.write(3, column, name)
        sheet.write_row(4, 1, ["Lyon", 900, 2019])
        sheet.write_row(5, 1, ["Bari", 650.5, 2021])
        sheet.write_row(8, 1, ["Total", 1550.5])
        book.add_worksheet("Empty")
        hidden = book.add_worksheet("Old")
        hidden.hide()
        hidden.write("A1", "kept")

    (page,), kind, summary = read("rents.xlsx", workbook(fill))
    assert page.text.split("\n\n") == [
        "Prices of 2024",
        "Town | Rent | Since\nLyon | 900 | 2019\nBari | 650.5 | 2021",
        "Total | 1550.5",
        "kept",
    ]
    assert [(level, title) for _, level, title in page.headings] == [(1, "Prices"), (1, "Old (hidden)")]
    assert page.tables[1] == Table(36, 73, "Town | Rent | Since", first_row=5, columns="B:D")
    assert texts(page)[1] == "Lyon | 900 | 2019\nBari | 650.5 | 2021"
    # Rows after a gap that are no wider than the table above have the same columns.
    assert page.tables[2].header == "Town | Rent | Since"
    assert (kind.format, summary.title) == ("Excel", "rents")


def test_values_are_shown_without_noise() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        date = book.add_format({"num_format": "dd.mm.yyyy"})
        time = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet.write_row(0, 0, [123456789012345, 0.1 + 0.2, 1e-5, -3.0, 1.5e15, True])
        sheet.write_datetime(1, 0, datetime.datetime(2024, 5, 1), date)
        sheet.write_datetime(1, 1, datetime.datetime(2024, 5, 1, 14, 30), time)
        sheet.write_formula(1, 2, "=A1*2", value=246)
        sheet.write_string(1, 3, "007")
        sheet.write(1, 4, "two\nlines")

    assert read_page("a.xlsx", workbook(fill)).text == (
        "123456789012345 | 0.3 | 0.00001 | -3 | 1500000000000000 | TRUE\n"
        "2024-05-01 | 2024-05-01 14:30 | 246 | 007 | two lines"
    )


def test_a_share_is_shown_in_percent() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("Shares")
        sheet.write_row(1, 1, ["Lyon", 0.5])
        sheet.write(1, 3, 0.125, book.add_format({"num_format": "0%"}))
        sheet.write(1, 4, 0.07, book.add_format({"num_format": "0.0 %"}))

    assert read_page("a.xlsx", workbook(fill)).text == "Lyon | 0.5 | 12.5% | 7%"


def test_a_value_merged_over_rows_stands_in_each_of_them() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Region", "Town", "People"])
        sheet.merge_range(1, 0, 2, 0, "North")
        sheet.write_row(1, 1, ["Oslo", 700])
        sheet.write_row(2, 1, ["Turku", 195])
        sheet.merge_range(3, 0, 3, 1, "Sum")
        sheet.write(3, 2, 895)

    assert texts(read_page("a.xlsx", workbook(fill))) == ["North | Oslo | 700\nNorth | Turku | 195\nSum |  | 895"]


def test_years_can_be_names_of_columns() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Item", 2021, 2022])
        sheet.write_row(1, 0, ["Rent", 900, 950])

    assert read_page("a.xlsx", workbook(fill)).tables[0].header == "Item | 2021 | 2022"


def sheet_of(cells: str) -> bytes:
    """A workbook of one sheet with this XML."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="One" sheetId="1"'
            ' r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
            f'relationships"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><dimension ref="A1:XFD1048576"/><sheetData>{cells}'
            "</sheetData></worksheet>",
        }
    )


def test_a_sheet_that_only_says_it_is_huge_is_read() -> None:
    rows = '<row r="1"><c r="A1"><v>5</v></c></row>' + "".join(
        f'<row r="{row}"><c r="XFD{row}" s="1"/></row>' for row in (2, 1_048_576)
    )
    assert read_page("a.xlsx", sheet_of(rows)).text == "5"


def test_a_sheet_that_would_fill_the_memory_is_refused() -> None:
    rows = '<row r="1"><c r="A1"><v>5</v></c></row><row r="1048576"><c r="XFD1048576"><v>6</v></c></row>'
    with pytest.raises(DocumentError, match="spreads over 17,180 million cells"):
        read("a.xlsx", sheet_of(rows))


def test_a_workbook_that_lies_about_its_strings_is_damaged() -> None:
    data = sheet_of('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("xl/sharedStrings.xml", '<sst count="1" uniqueCount="99999999999"><si><t>x</t></si></sst>')
    with pytest.raises(DocumentError, match=r"^Damaged$"):
        read("a.xlsx", out.getvalue())


def test_old_workbooks_and_lists_under_a_workbooks_name_are_read() -> None:
    assert read_page("export.xls", b"Town\tRent\nLyon\t900\n").tables[0].header == "Town | Rent"
    html = b"<html><table><tr><td>Town<td>Rent<tr><td>Lyon<td>900</table></html>"
    assert read_page("export.xls", html).text == "Town | Rent\nLyon | 900"
