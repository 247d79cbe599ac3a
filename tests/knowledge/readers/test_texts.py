"""The formats that are text: encodings, headings, menus, rows."""

from __future__ import annotations

import pytest

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Table
from tests.knowledge.readers.making import pdf, read, read_page, word


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße aus Köln", "utf-8"),
        ("Grüße aus Köln", "utf-8-sig"),
        ("Grüße aus Köln", "utf-16"),
        ("Grüße aus Köln", "utf-32"),
        ("Grüße aus Köln, Straße und Öl", "latin-1"),
        ("naïve café déjà vu, “quoted” – and more", "cp1252"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Однажды, в студеную зимнюю пору, я из лесу вышел", "cp866"),
        ("Привет мир, как дела", "cp1251"),
        ("/* 温度センサーの値を読む（校正済み） */", "shift_jis"),
        ("中文文本测试内容", "gb18030"),
    ],
)
def test_text_in_an_old_encoding_is_read_right(text: str, encoding: str) -> None:
    assert read_page("a.txt", text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("Договор аренды заключён в 2021 году.", "cp1251 koi8-r cp866 iso8859_5 utf-16-le utf-16-be utf-32-le"),
        ("ДОГОВОР АРЕНДЫ КВАРТИРЫ", "cp1251 koi8-r cp866"),
        ("家賃は毎月三日に支払います。", "cp932 euc-jp iso2022_jp utf-16-le utf-16-be utf-32-be"),
        ("这是一个测试文件。猫可以养，狗不可以。", "gb18030 utf-16-le utf-16-be"),
        ("這是一個測試文件。貓可以養，狗不可以。", "big5 utf-16-be"),
        ("이것은 시험 문서입니다. 임대료는 매월 3일에 지급합니다.", "euc-kr utf-16-le"),
        ("Αυτό είναι ένα κείμενο δοκιμής.", "cp1253"),
        ("No dogs.\n", "utf-16-le utf-16-be utf-32-le utf-32-be"),
        ("Élève à côté de la forêt, où l'été dura.", "cp1252 utf-16-le"),
    ],
)
def test_text_in_any_encoding_is_read_without_a_mark(text: str, encodings: str) -> None:
    for encoding in encodings.split():
        assert read_page("a.txt", text.encode(encoding)).text == text, encoding


@pytest.mark.parametrize("data", [bytes(range(256)) * 8, b"\x7fELF\2\1\1\0\0\0\0" * 50, b"\0" * 500])
def test_what_is_no_text_is_told_so(data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"Not text|Empty"):
        read_page("a.txt", data)


def test_a_python_file_is_read_in_the_encoding_it_declares() -> None:
    text = "# -*- coding: koi8-r -*-\nname = 'мир'\n"
    (page,), kind, summary = read("a.py", text.encode("koi8-r"))
    assert page.text == text
    assert (kind.format, summary.title) == ("Source code", "a.py")


def test_line_ends_are_one_kind_and_stray_nuls_are_gone() -> None:
    assert read_page("a.log", b"one\r\ntwo\rthree\x00\n").text == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "Empty"),
        ("a.txt", b" \n\t", "Empty"),
        ("photo.txt", bytes(range(256)) * 20, "Not text"),
        ("program", b"\x7fELF" + bytes(5000), "Not text"),
        ("a.csv", b",,\n,,\n", "Empty"),
        ("a.html", b"<title>only a title</title><script>run()</script>", "Empty"),
        ("music.mp3", b"ID3", r"Not a kind of document this app can read \(.mp3\)"),
    ],
)
def test_a_file_without_text_says_what_it_is(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=f"^{reason}$"):
        read(name, data)


def test_too_long_a_text_is_refused() -> None:
    with pytest.raises(DocumentError, match="more than 10 million characters"):
        read("a.txt", b"word " * 2_000_001)


def test_a_name_without_a_suffix_is_read_as_text() -> None:
    assert read("Makefile", b"all:\n\tmake\n")[1].format == "Text"


@pytest.mark.parametrize(
    ("name", "data", "format", "text"),
    [
        ("scan", pdf(["Clause one."]), "PDF", "Clause one."),
        ("letter.txt", word(), "Word", "Three months’ notice."),
        ("README", b"%PDF as a word", "Text", "%PDF as a word"),
        ("notes.log", b"PK as a word", "Text", "PK as a word"),
    ],
)
def test_a_file_whose_name_tells_nothing_is_read_as_what_it_is(name: str, data: bytes, format: str, text: str) -> None:
    pages, kind, _ = read(name, data)
    assert pages[0].text.split("\n")[-1] == text
    assert kind.format == format


def test_markdown_keeps_its_source_and_knows_its_headings() -> None:
    text = (
        "---\ntitle: no heading\n---\n# A `b` [c](http://d)\n\n```\n# code\n```\n\nUnderlined\n---\n\n- item\n---\n"
        "<!--\n# hidden\n-->\n### Third ###\n"
    )
    page = read_page("a.md", text.encode())
    text = text.replace("<!--\n# hidden\n-->", "\n\n")
    assert page.text == text
    assert [(level, title) for _, level, title in page.headings] == [(1, "A b c"), (2, "Underlined"), (3, "Third")]
    assert [text[start:].split("\n")[0] for start, _, _ in page.headings] == [
        "# A `b` [c](http://d)",
        "Underlined",
        "### Third ###",
    ]


def test_html_reads_as_it_is_shown() -> None:
    html = """<html><head><title>The page</title><style>p {}</style></head><body>
    <nav><nav><a href=x>Home</a></nav></nav><h1>Big <i>news</i></h1><p>One<b>word</b> and<br>a line.</p>
    <div style="display:none"><p style="display: none">secret</p></div>
    <ul><li>first<li><p>second</p></ul><pre>a
  b</pre><table><tr><th>Name<th>Age<tr><td>Ann<td>7</table><script>run()</script></body>"""
    (page,), kind, summary = read("a.html", html.encode())
    assert page.text == "Big news\n\nOneword and\na line.\n\n• first\n• second\n\na\n  b\n\nName | Age\nAnn | 7"
    assert page.headings == ((0, 1, "Big news"),)
    assert (kind.format, summary.title) == ("HTML", "The page")


def test_a_menu_is_left_out_unless_it_is_the_page() -> None:
    menu = "<ul>" + "".join(f"<li><a href=x>Link {number}</a>" for number in range(20)) + "</ul>"
    assert read_page("a.html", f"{menu}<p>{'content ' * 100}".encode()).text == ("content " * 100).strip()
    assert "Link 19" in read_page("a.html", menu.encode()).text


def test_a_table_that_lays_out_a_text_gives_paragraphs() -> None:
    html = f"<table><tr><td>{'<p>Some words of a paragraph.</p>' * 20}</td></tr></table>"
    assert read_page("a.html", html.encode()).text.count("\n\n") == 19


def test_html_in_another_encoding_than_it_says_is_read_right() -> None:
    html = '<meta charset="utf-8"><p>В деревне жил старый мудрый человек, и все его любили.</p>'
    assert "мудрый" in read_page("a.html", html.encode("cp1251")).text


def test_a_csv_row_is_a_line_and_the_column_names_are_known() -> None:
    page = read_page("a.csv", 'Cups;;\nTeam;City;Cups\n"Maple\nLeafs";TOR;13\n\nBlues;STL;1\n'.encode("utf-16"))
    assert page.text.split("\n") == ["Cups", "Team | City | Cups", "Maple Leafs | TOR | 13", "", "Blues | STL | 1"]
    assert page.tables == (Table(24, len(page.text), "Team | City | Cups", first_row=3),)
    assert page.lines


def test_an_open_quote_costs_its_own_row_alone() -> None:
    rows = [f"P-{number},{number}/8 pipe,{number * 3}" for number in range(20)]
    rows[3] = 'P-3,"3/4 pipe,9'
    rows[9] = 'P-9,3/4" pipe,27'
    rows[15] = 'P-15,"3/4 pipe,45'
    page = read_page("a.csv", "\n".join(["part,size,stock", *rows]).encode())
    lines = page.text.split("\n")
    assert len(lines) == 21
    assert [lines[4], lines[10], lines[16]] == ['P-3 | "3/4 pipe | 9', 'P-9 | 3/4" pipe | 27', 'P-15 | "3/4 pipe | 45']
    assert lines[5] == "P-4 | 4/8 pipe | 12"


def test_a_cell_may_hold_line_breaks_delimiters_and_quotes() -> None:
    data = b'name,note,x\na,"two\n\nlines, and ""more""",1\nb,"",2\n'
    assert read_page("a.csv", data).text.split("\n") == ["name | note | x", 'a | two lines, and "more" | 1', "b |  | 2"]


def test_a_table_without_column_names_has_none() -> None:
    assert read_page("a.tsv", b"1\t2\n3\t4\n").tables == (Table(0, 11, "", first_row=1),)
