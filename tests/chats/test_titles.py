"""A chat is named by its first words."""

import pytest

from desktop_llm.chats.titles import MAX_LENGTH, title_from


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("What is a monad?", "What is a monad?"),
        ("Hello there. I have a question about bees.", "Hello there"),
        ("# **Plan** for the `week`\n\n- one\n- two", "Plan for the week one two"),
        ("See [the report](https://example.org/x) ![chart](c.png), please!", "See the report chart, please!"),
        ("> quoted _words_ with snake_case_name", "quoted words with snake_case_name"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("<b>bold</b> claim", "bold claim"),
        ("Explain Python 3.11 features", "Explain Python 3.11 features"),
        ("e.g. bees", "e.g. bees"),
        ("one\0two\u202e\nthree", "one two three"),
        ("  \n ", ""),
        ("", ""),
    ],
)
def test_the_title_is_the_first_sentence_without_markup(text: str, title: str) -> None:
    assert title_from(text) == title


def test_a_long_sentence_is_cut_between_words() -> None:
    title = title_from("Compare the three largest aqueducts of the Roman empire by length and by water carried")
    assert title == "Compare the three largest aqueducts of the…"
    assert len(title) <= MAX_LENGTH


def test_text_without_spaces_is_cut_anywhere() -> None:
    assert title_from("日本語" * 50) == ("日本語" * 50)[: MAX_LENGTH - 1] + "…"
    assert title_from("量子计算是什么？请解释。") == "量子计算是什么？"


def test_a_whole_book_or_hostile_markup_is_named_quickly() -> None:
    for text in ("word " * 1_000_000, "[" * 100_000, "**" * 100_000, "`" * 99_999, "<" * 99_999, "\ud800 lone"):
        assert len(title_from(text)) <= MAX_LENGTH
