"""RTF: every code page, what is shown and nothing else."""

from __future__ import annotations

import pytest

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import read, read_page


def rtf(body: str, head: str = r"\ansi\ansicpg1252\deff0") -> bytes:
    return f"{{\\rtf1{head} {body}}}".encode("latin-1")


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (r"\ansi\ansicpg1250", r"za\'bf\'f3\'b3\'e6", "zażółć"),
        (r"\ansi\ansicpg1252{\fonttbl{\f1\fcharset204 Arial;}}", r"\f1 \'cc\'e8\'f0 \f0 caf\'e9", "Мир café"),
        (r"\ansi\ansicpg932", r"\'8a\'bf\'8e\'9a", "漢字"),
        (r"\mac", r"caf\'8e", "café"),
        (r"\ansi\uc1", r"\u8364? \u-10179?\u-8704? \uc2\u1052\'cc\'cc\uc0\u1080", "€ 😀 Ми"),
        (r"\ansi", "tab\\tab dash\\endash\\~x\\_y{\\b bold}\r\n same line", "tab\tdash–\xa0x-ybold same line"),
    ],
)
def test_letters_of_every_code_page_are_read(head: str, body: str, text: str) -> None:
    assert read_page("a.rtf", rtf(body, head)).text == text


def test_only_what_is_shown_is_read() -> None:
    body = (
        r"{\*\generator Any;}{\info{\title The lease}{\author Ann}}{\colortbl;\red0;}{\pict\wmetafile8 0102}"
        r"All {\v hidden }{\deleted gone }{\field{\*\fldinst HYPERLINK x}{\fldrslt linked}}\par"
        r"\bin5 }}{{}Next{\*\bkmkstart b}\v  not\v0 .\par"
    )
    (page,), kind, summary = read("a.rtf", rtf(body))
    assert page.text == "All linked\n\nNext."
    assert (kind.format, summary.title) == ("RTF", "The lease")


def test_headings_lists_notes_and_headers_are_kept() -> None:
    body = (
        r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}{\header Draft\par}"
        r"\pard\s1 Keys\par\pard{\listtext\tab 1.\tab}One key{\footnote\chftn  Or two.}.{\*\atnauthor Ann}"
        r"{\*\annotation So?}\par{\pntext\'b7\tab}A point\par"
    )
    page = read_page("a.rtf", rtf(body))
    assert page.text == "Keys\n\n1. One key.\n\nNote 1: Or two.\n\nComment by Ann: So?\n\n• A point\n\nDraft"
    assert page.headings == ((0, 1, "Keys"),)


def test_a_table_is_rows_with_their_header() -> None:
    row = r"\trowd\pard\intbl {}\cell {}\cell\row"
    body = r"Before\par" + row.format("Town", "Rent") + row.format(r"Lyon\par north", "900") + r"\pard After\par"
    page = read_page("a.rtf", rtf(body))
    assert page.text == "Before\n\nTown | Rent\nLyon north | 900\n\nAfter"
    (table,) = page.tables
    assert (page.text[table.start : table.end], table.header) == ("Lyon north | 900", "Town | Rent")


@pytest.mark.parametrize(
    "body", ["cut {\\b short", "}}}} more", "\\", "{" * 50_000, "\\u99999999999 \\'zz \\bin999999999 x"]
)
def test_the_rest_of_a_broken_file_is_read(body: str) -> None:
    assert read_page("a.rtf", rtf("Text " + body)).text.startswith("Text")


def test_what_is_no_rtf_says_so() -> None:
    with pytest.raises(DocumentError, match="not what its name says"):
        read("a.rtf", b"\x00\x01\x02")
