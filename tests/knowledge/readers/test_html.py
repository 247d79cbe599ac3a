"""HTML: what a browser would show of lists, tables, hidden parts and pictures, in every encoding."""

from __future__ import annotations

import pytest

from desktop_llm.knowledge.readers import Page
from tests.knowledge.readers.making import read, read_page


def page_of(html: str) -> Page:
    return read_page("a.html", f"<body>{html}</body>".encode())


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ol><li>one<li>two</ol>", "1. one\n2. two"),
        ("<ol start=3><li>three<li value=7>seven<li>eight</ol>", "3. three\n7. seven\n8. eight"),
        ("<ol reversed><li>x<li>y</ol>", "2. x\n1. y"),
        ("<ol type=a start=26><li>x<li>y</ol>", "z. x\naa. y"),
        ("<ol type=I><li>x<li>y<li>z<li>w</ol>", "I. x\nII. y\nIII. z\nIV. w"),
        ('<ol style="list-style-type: lower-roman" start=9><li>x<li>y</ol>', "ix. x\nx. y"),
        ('<ol start="much"><li>x</ol>', "1. x"),
        ("<ol><li>one<ol type=A><li>in<ul><li>deep</ul></ol><li>two</ol>", "1. one\n  A. in\n    • deep\n2. two"),
        ("<ol><li><p>a</p><p>b</p><li>c</ol>", "1. a\nb\n2. c"),
        ("<ol><li><li>second</ol>", "2. second"),
    ],
)
def test_ordered_lists_keep_their_numbers(html: str, text: str) -> None:
    assert page_of(html).text == text


def tables(page: Page) -> list[tuple[str, str]]:
    return [(table.header, page.text[table.start : table.end]) for table in page.tables]


def test_a_table_hands_over_its_column_names() -> None:
    page = page_of(
        "<table><caption>Rents</caption><tr><th>Town<th>Rent</tr><tr><td>Lyon<td>900</tr><tr><td>Nice<td></tr></table>"
        "<p>Between</p><table><tr><td>Key<td>Held by</tr><tr><td>cellar<td>Ann</tr></table>"
        "<table><tr><td>1<td>2</tr><tr><td>3<td>4</tr></table>"
    )
    assert page.text.startswith("Rents\n\nTown | Rent\nLyon | 900\nNice\n\nBetween\n\nKey | Held by\n")
    assert tables(page) == [
        ("Town | Rent", "Lyon | 900\nNice"),
        ("Key | Held by", "cellar | Ann"),
        ("", "1 | 2\n3 | 4"),
    ]


def test_cells_that_span_stand_where_they_are_seen() -> None:
    page = page_of(
        "<table><thead><tr><th rowspan=2>Town<th colspan=2>2021<th><th>Note</tr><tr><th>Q1<th>Q2<th><th></tr></thead>"
        "<tr><td rowspan=2>Lyon<td>4<td>5<td><td>x</tr><tr><td>6<td>7<td><td></tr><tr><td colspan=3>none<td><td>y</tr>"
        "</table>"
    )
    assert tables(page) == [("Town | 2021 Q1 | 2021 Q2 | Note", "Lyon | 4 | 5 | x\nLyon | 6 | 7\nnone |  |  | y")]


def test_a_cell_that_spans_without_end_does_no_harm() -> None:
    rows = "<tr><td colspan=99999999>a<td rowspan=99999999>b</tr>" * 500
    assert page_of(f"<table>{rows}</table>").text.count("a") == 500


def test_what_is_hidden_is_left_out() -> None:
    html = (
        '<p>seen</p><p hidden>no</p><p style="DISPLAY : none">no</p><div style="visibility:hidden">no</div>'
        "<script>no</script><style>no</style><noscript>no</noscript><template><p>no</p></template><dialog>no</dialog>"
        "<table><tr><td>x<td hidden>no<td>z</tr></table><ol><li>a<li hidden>no<li>b</ol><!-- no -->"
    )
    assert page_of(html).text == "seen\n\nx | z\n\n1. a\n2. b"


def test_pictures_are_what_is_said_in_their_place() -> None:
    html = '<p>See <img alt="a chart of rents"><img alt="IMG_1.png"><img alt=""> below co&shy;operative</p>'
    assert page_of(html).text == "See a chart of rents below cooperative"


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "euc-jp", "utf-16"])
def test_the_encoding_is_the_one_that_fits(charset: str) -> None:
    html = f'<head><meta charset="{charset}"><title>山</title></head><body><p>山の上の家を借りました。</p></body>'
    (page,), _, summary = read("a.html", html.encode(charset))
    assert (page.text, summary.title) == ("山の上の家を借りました。", "山")


def test_a_saved_page_is_read_from_its_mail() -> None:
    mhtml = (
        b"From: <Saved by Blink>\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n'
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<title>Lease</title><p>K=C3=B6ln</p>\r\n--b\r\n"
        b"Content-Type: text/css\r\n\r\np {}\r\n--b--\r\n"
    )
    for name in ("a.mhtml", "a.mht", "a.html"):
        (page,), _, summary = read(name, mhtml)
        assert (page.text, summary.title) == ("Köln", "Lease")
