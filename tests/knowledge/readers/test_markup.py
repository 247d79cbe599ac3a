"""Texts with marks of their own: reStructuredText, AsciiDoc, LaTeX, Org, Markdown, subtitles, JSON and notebooks."""

from __future__ import annotations

import json

import pytest

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page
from tests.knowledge.readers.making import read, read_page


def headings(page: Page) -> list[tuple[int, str, str]]:
    """Level, title, and the line at which each heading stands."""
    return [(level, title, page.text[start:].split("\n")[0]) for start, level, title in page.headings]


def test_restructuredtext_headings_have_the_levels_of_their_marks() -> None:
    text = (
        "=====\nLease\n=====\n\nRent\n====\n\n900.\n\n:ref:`Repairs <repairs>`\n-------\n\n::\n\n    code\n    ====\n\n"
        "====  ====\nA     B\n====  ====\n1     2\n====  ====\n\nKeys_\n=====\n"
    )
    page = read_page("a.rst", text.encode())
    assert page.text == text
    assert headings(page) == [(1, "Lease", "====="), (2, "Rent", "Rent"), (2, "Keys", "Keys_")]
    assert read("a.rst", text.replace("-------\n", "-" * 30 + "\n").encode())[0][0].headings[2][1:] == (3, "Repairs")
    assert (page.lines, read("a.rst", text.encode())[2].title) == (True, "Lease")


def test_asciidoc_headings_are_known_outside_of_listings() -> None:
    text = "= Lease\nAuthor\n\n== Rent\n\n----\n== no\n----\n\n====\nx\n====\n\nRepairs\n-------\n\n=== Keys ===\n"
    page = read_page("a.adoc", text.encode())
    assert headings(page) == [
        (1, "Lease", "= Lease"),
        (2, "Rent", "== Rent"),
        (2, "Repairs", "Repairs"),
        (3, "Keys", "=== Keys ==="),
    ]


def test_latex_sections_are_headings_and_comments_stay() -> None:
    text = (
        "\\documentclass{article}\n"
        "\\title{The \\emph{Lease}\\thanks{us}}\n% \\section{No}\n\\section[Short]{Rent \\& {Costs}\\label{r}}\n"
        "It is 900~euros. % really\n\\begin{verbatim}\n\\section{No}\n\\end{verbatim}\n\\subsection*{When}\n"
    )
    (page,), kind, summary = read("a.tex", text.encode())
    assert page.text == text
    assert [(level, title) for _, level, title in page.headings] == [(3, "Rent & Costs"), (4, "When")]
    assert (kind.format, summary.title) == ("LaTeX", "The Lease")


def test_org_headings_are_known_by_their_stars() -> None:
    text = "#+TITLE: Lease\n* Rent\n** TODO [#A] Pay it :money:home:\n#+begin_src sh\n* no\n#+end_src\n*bold* text\n"
    (page,), _, summary = read("a.org", text.encode())
    assert [(level, title) for _, level, title in page.headings] == [(1, "Rent"), (2, "Pay it")]
    assert summary.title == "Lease"


def test_markdown_hands_over_the_column_names_of_its_tables() -> None:
    text = (
        "# Rents\n\n| Town | Rent |\n|------|-----:|\n| Lyon | 900 |\n| Nice | 950 |\n\n"
        "Text | with a border\n\nA|B\n-|-\n1|2\n"
        "\n```\n| no | table |\n|--|--|\n| x | y |\n```\n\n| Nothing | below |\n|--|--|\n"
    )
    page = read_page("a.md", text.encode())
    assert [(table.header, page.text[table.start : table.end]) for table in page.tables] == [
        ("| Town | Rent |", "| Lyon | 900 |\n| Nice | 950 |"),
        ("A|B", "1|2"),
    ]


def test_markdown_comments_are_left_out_and_code_keeps_them() -> None:
    text = "one <!-- a\nb --> two\n\n```html\n<!-- kept -->\n```\n\nWrite `<!--` and `-->`. <!-- open\n"
    page = read_page("a.md", text.encode())
    assert page.text == "one \n two\n\n```html\n<!-- kept -->\n```\n\nWrite `<!--` and `-->`. <!-- open\n"


def test_markdown_takes_its_title_from_its_front_matter() -> None:
    (page,), _, summary = read("a.md", b"---\ntitle: 'The lease'\ntags: [x]\n---\n1. first\n2. second\n7. seventh\n")
    assert summary.title == "The lease"
    assert "7. seventh" in page.text


def test_subtitles_run_on_and_their_places_are_times() -> None:
    srt = "".join(
        f"{number}\r\n"
        f"00:{number // 6:02}:{number % 6 * 10:02},000 --> 00:{number // 6:02}:{number % 6 * 10 + 9:02},500\r\n"
        f"<i>Sentence number</i>\r\n{number} is said.\r\n\r\n"
        for number in range(1, 13)
    )
    page = read_page("a.srt", srt.encode("utf-8-sig"))
    assert page.text.startswith("Sentence number 1 is said. Sentence number 2 is said. ")
    assert [title for _, _, title in page.headings] == ["00:00:10", "00:01:00", "00:01:50"]
    assert page.text[page.headings[1][0] :].startswith("Sentence number 6 is said.")


def test_webvtt_names_speakers_and_says_a_rolling_line_once() -> None:
    vtt = (
        "WEBVTT\n\nNOTE hidden\n\nSTYLE\n::cue {}\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
        "<v Ann>Good <c.loud>morning</c>\n\n"
        "00:02.000 --> 00:03.000\nGood morning\nto all &amp; sundry<00:00:02.500>\n\n"
        "00:03.000 --> 00:04.000\nto all &amp; sundry\n"
    )
    assert read_page("a.vtt", vtt.encode()).text == "Ann: Good morning Good morning to all & sundry"
    with pytest.raises(DocumentError, match=r"^Damaged or not subtitles$"):
        read("a.srt", b"only words\n")


def test_json_on_one_line_is_laid_out_without_a_digit_changed() -> None:
    record = '{"name":"Ann","big":123456789012345678901234567890,"small":1.10,'
    record += '"text":"a \\"b\\" \\u00e9\\ud83d\\ude00 c:\\\\new\\nx"}'
    text = f'{{"people":[{",".join([record] * 4)}],"empty":[],"note":"x"}}'
    page = read_page("a.json", text.encode())
    line = '    {"name": "Ann", "big": 123456789012345678901234567890, "small": 1.10, "text": "a "b" é😀 c:\\new x"}'
    assert page.text.split("\n") == [
        "{",
        '  "people": [',
        *[f"{line},"] * 3,
        line,
        "  ],",
        '  "empty": [],',
        '  "note": "x"',
        "}",
    ]
    assert page.headings == ((2, 1, "people"),)
    assert not page.lines


@pytest.mark.parametrize(
    "text", ['{\n  "a": 1\n}\n', "{broken", "[" * 300_000, '"' + "x" * 1000, "{]" * 500, "}" * 999, "1e999999"]
)
def test_json_that_is_laid_out_already_or_broken_stays_as_it_is(text: str) -> None:
    page = read_page("a.json", text.encode())
    assert page.text == text
    assert page.lines


def test_deep_json_is_laid_out_without_recursion() -> None:
    page = read_page("a.json", ("[" * 50_000 + "1" + "]" * 50_000).encode())
    assert page.text.count("[") == 50_000


def test_json_lines_are_records_by_line() -> None:
    text = '{"town":"K\\u00f6ln","rent":900}\n{"town":"Lyon","rent":950}\n'
    page = read_page("a.jsonl", text.encode())
    assert page.text == '{"town":"Köln","rent":900}\n{"town":"Lyon","rent":950}\n'
    assert page.lines


def notebook(*cells: dict[str, object]) -> bytes:
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


def test_a_notebook_is_its_cells_with_what_they_printed() -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "iVBOR" * 1000, "text/plain": ["<Figure>"]}}
    data = notebook(
        {"cell_type": "markdown", "source": ["# Rents\n", "\n", "Of ```one``` town."]},
        {"cell_type": "code", "source": "", "outputs": []},
        {
            "cell_type": "code",
            "source": ["# no heading\n", "print(rent)"],
            "outputs": [
                {"output_type": "stream", "text": ["900\n", "950\n"]},
                picture,
                {"output_type": "error", "ename": "ValueError", "evalue": "\x1b[31mno\x1b[0m", "traceback": ["long"]},
            ],
        },
    )
    (page,), kind, summary = read("a.ipynb", data)
    assert (
        page.text
        == "# Rents\n\nOf ```one``` town.\n\n# no heading\nprint(rent)\n\n900\n950\n\n<Figure>\n\nValueError: no"
    )
    assert headings(page) == [(7, "cell 1", "# Rents"), (1, "Rents", "# Rents"), (7, "cell 3", "# no heading")]
    assert (kind.format, summary.title) == ("Notebook", "Rents")


def test_an_old_notebook_is_read_and_a_broken_one_says_so() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "1 + 1", "outputs": [{"text": "2"}]}]}]}
    assert read_page("a.ipynb", json.dumps(old).encode()).text == "1 + 1\n\n2"
    for data, reason in (
        (b"{}", "Damaged or not a notebook"),
        (b"[1", "Damaged or not a notebook"),
        (notebook(), "Empty"),
    ):
        with pytest.raises(DocumentError, match=f"^{reason}$"):
            read("a.ipynb", data)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "`<!--\n" * 50_000 + "-->"),
        ("a.tex", "\\section{" * 50_000),
        ("a.vtt", "\n \n" * 100_000 + "00:01.000 --> 00:02.000\nx"),
        ("a.eml", "Subject: " + "=?utf-8?Q?a?= " * 20_000 + "\n\nx"),
    ],
)
@pytest.mark.timeout(30)
def test_a_text_that_repeats_a_mark_costs_no_more_than_its_length(name: str, text: str) -> None:
    assert read(name, text.encode())[0]
