"""Some Markdown is shown as formatting, and the rest stays plain text."""

from __future__ import annotations

import pytest

from desktop_llm.gui.look import highlight, markdown
from desktop_llm.gui.look.markdown import CodeBlock, Heading, ListBlock, Paragraph, Quote, Rule, Run, Table


def _runs(text: str, citations: tuple[int, ...] = ()) -> tuple[Run, ...]:
    (block,) = markdown.parse(text, citations)
    assert isinstance(block, Paragraph)
    return block.runs


def test_marks_become_looks() -> None:
    assert _runs("a **b** *c* `d` ~~e~~") == (
        Run("a "),
        Run("b", bold=True),
        Run(" "),
        Run("c", italic=True),
        Run(" "),
        Run("d", code=True),
        Run(" "),
        Run("e", strike=True),
    )


def test_html_stays_text() -> None:
    assert _runs("<script>alert(1)</script>") == (Run("<script>alert(1)</script>"),)
    assert markdown.plain(markdown.parse("<div>\n<img src=x>\n</div>")) == "<div>\n<img src=x>\n</div>"


def test_a_picture_becomes_its_description() -> None:
    assert _runs("![a cat](https://example.org/cat.png)") == (Run("a cat"),)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "/etc/passwd"])
def test_only_web_and_mail_addresses_are_targets(target: str) -> None:
    assert _runs(f"[words]({target})") == (Run("words"),)
    assert _runs("[words](https://example.org)") == (Run("words", href="https://example.org"),)
    assert _runs("[words](mailto:a@example.org)") == (Run("words", href="mailto:a@example.org"),)


def test_a_number_in_brackets_is_a_citation_only_if_the_message_has_it() -> None:
    assert _runs("So it is [1]. Not [7].", (1, 2)) == (Run("So it is"), Run("", citation=1), Run(". Not [7]."))


def test_several_citations_in_one_bracket_are_all_marked() -> None:
    assert _runs("Both [1, 2].", (1, 2)) == (Run("Both"), Run("", citation=1), Run("", citation=2), Run("."))


def test_code_holds_no_citations() -> None:
    assert _runs("`a[1]`", (1,)) == (Run("a[1]", code=True),)


def test_blocks_are_told_apart() -> None:
    text = "# Title\n\n- a\n- b\n\n3. c\n\n> q\n\n---\n\n```python\nx = 1\n```\n"
    assert markdown.parse(text) == [
        Heading(1, (Run("Title"),)),
        ListBlock(None, ((Paragraph((Run("a"),)),), (Paragraph((Run("b"),)),))),
        ListBlock(3, ((Paragraph((Run("c"),)),),)),
        Quote((Paragraph((Run("q"),)),)),
        Rule(),
        CodeBlock("python", "x = 1"),
    ]


def test_a_table_has_alignments_and_citations_in_cells() -> None:
    (table,) = markdown.parse("| A | B |\n|:--|--:|\n| x [1] | 2 |\n", (1,))
    assert table == Table(
        ("left", "right"), (((Run("A"),), (Run("B"),)), ((Run("x"), Run("", citation=1)), (Run("2"),)))
    )


def test_an_unclosed_fence_is_code_already() -> None:
    assert markdown.parse("```js\nlet a") == [CodeBlock("js", "let a")]


def test_lines_of_an_answer_stay_lines() -> None:
    assert markdown.plain(markdown.parse("Name: A\nAge: 3")) == "Name: A\nAge: 3"


def test_blocks_know_where_they_start_so_that_only_the_last_is_read_again() -> None:
    text = "First.\n\n- a\n- b\n\nLast"
    offsets = [found.offset for found in markdown.parse_with_offsets(text)]
    assert [text[offset:].split("\n")[0] for offset in offsets] == ["First.", "- a", "Last"]


def test_plain_text_reads_like_the_answer() -> None:
    text = "## T\n\nSee [1].\n\n1. x\n2. y\n\n| a | b |\n|--|--|\n| 1 | 2 |\n"
    assert markdown.plain(markdown.parse(text, (1,))) == "T\n\nSee [1].\n\n1. x\n2. y\n\na\tb\n1\t2"


def test_code_is_coloured_by_the_language_its_fence_names() -> None:
    colours = {
        name: "def f(): return 1"[start : start + length]
        for start, length, name in highlight.spans("def f(): return 1", "python")
    }
    assert colours["syn_function"] == "f"
    assert colours["syn_number"] == "1"


def test_an_unknown_language_has_no_colours() -> None:
    assert highlight.spans("whatever", "no-such-language") == ()


@pytest.mark.parametrize(("fence", "shown"), [("py", "Python"), ("rust", "Rust"), ("", "Text")])
def test_the_language_is_named_above_the_code(fence: str, shown: str) -> None:
    assert highlight.language_name(fence) == shown
