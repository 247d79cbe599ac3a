"""Which marks stay, which go, which are added, and what is quoted for them."""

from __future__ import annotations

import pytest

from desktop_llm.knowledge.cite import cite
from desktop_llm.knowledge.sentences import sentences
from desktop_llm.knowledge.shapes import Cited
from desktop_llm.message import Citation
from tests.knowledge.conftest import COD, LEASE

PAGE = f"Some other text.\n{LEASE}"
PASSAGES = [
    Citation(1, "/lease.pdf", 3, 17, len(PAGE), LEASE, 0.9),
    Citation(2, "/cod.md", None, 0, len(COD), COD, 0.5),
]


def cited(answer: str) -> Cited:
    return cite(
        answer, PASSAGES, lambda document, page: {("/lease.pdf", 3): PAGE, ("/cod.md", None): COD}[document, page]
    )


def test_a_quote_is_exactly_a_span_of_the_stored_page() -> None:
    (citation,) = cited("Three months' notice in writing ends the lease [1].").citations
    assert citation.text == "Either party may end the lease with three months' notice in writing."
    assert PAGE[citation.start : citation.end] == citation.text
    assert citation.verified


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("The cod weighs up to 96 kilograms [2, 9].", "The cod weighs up to 96 kilograms [2]."),
        ("The cod weighs up to 96 kilograms. [2]", "The cod weighs up to 96 kilograms [2]."),
        ("The Atlantic cod lives in cold water.", "The Atlantic cod lives in cold water [2]."),
        ("The Atlantic cod lives in cold water [1].", "The Atlantic cod lives in cold water [2]."),
        (
            "The rent is 1,300 euros, due on the third working day [1].",
            "The rent is 1,300 euros, due on the third working day.",
        ),
        ("Penguins are excellent divers [5].", "Penguins are excellent divers."),
        ("See [1](https://example.org) for more.", "See [1](https://example.org) for more."),
        ("```python\nx = a[1]\n```", "```python\nx = a[1]\n```"),
        (
            "- The landlord is Maria Jensen\n- Rent: 1250 euros monthly\n",
            "- The landlord is Maria Jensen [1]\n- Rent: 1250 euros monthly [1]\n",
        ),
    ],
)
def test_marks_are_checked_and_added(answer: str, text: str) -> None:
    assert cited(answer).text == text


def test_each_mark_has_its_own_quote_in_the_order_of_the_text() -> None:
    found = cited("The landlord is Maria Jensen. Rent: 1250 euros monthly. The landlord is Maria Jensen.")
    assert found.text.count("[1]") == 3
    first, second, third = found.citations
    assert "Maria Jensen" in first.text
    assert "1,250" in second.text
    assert third == first != second


def test_what_no_passage_says_is_marked_as_unsupported() -> None:
    found = cited("The landlord is Maria Jensen. Penguins are excellent divers in the Antarctic. Anything else?")
    assert [found.text[start:end] for start, end in found.unsupported] == [
        "Penguins are excellent divers in the Antarctic."
    ]


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("The rent is 1,300 euros a month.", "1,250"),
        ("The landlord is Martin Jensen.", "Maria Jensen"),
        ("Neither party may end the lease with three months' notice in writing.", "Either party"),
        ("The Atlantic cod weighs up to 69 kilograms [2].", "96 kilograms"),
    ],
)
def test_the_passage_that_says_otherwise_is_told_and_nothing_counts_as_found(answer: str, quote: str) -> None:
    found = cited(answer)
    (check,) = found.checks
    assert (check.verdict, found.citations, found.text.count("[")) == ("contradicts", (), 0)
    assert quote in check.quotes[0].text
    assert found.unsupported == ((check.start, check.end),) == ((0, len(found.text)),)


def test_the_checks_tell_what_was_found_and_how_closely() -> None:
    found = cited(
        "Either party may end the lease with three months' notice in writing. The landlord is called Maria Jensen. "
        "Penguins are excellent divers in the Antarctic. Is there more?"
    )
    assert [check.verdict for check in found.checks] == ["word_for_word", "small_differences", "not_found"]
    assert [found.text[check.start : check.end] for check in found.checks] == [
        "Either party may end the lease with three months' notice in writing [1].",
        "The landlord is called Maria Jensen [1].",
        "Penguins are excellent divers in the Antarctic.",
    ]


def test_a_quote_that_is_no_longer_in_the_store_is_not_checked() -> None:
    (check,) = cite("The landlord is Maria Jensen.", PASSAGES, lambda document, page: None).checks
    assert check.verdict == "not_checked"


def test_without_passages_marks_go_and_nothing_is_judged() -> None:
    found = cite("It is so [1].", [], lambda document, page: None)
    assert (found.text, found.citations, found.unsupported) == ("It is so.", (), ())


@pytest.mark.parametrize("answer", ["", "[1]", "[1] [2]", "**", "\n\n", "1.", "[0]", "…", "```", "`[1]`", "A. [1"])
def test_odd_answers_do_no_harm(answer: str) -> None:
    cited(answer)


def test_sentences_end_where_people_end_them() -> None:
    text = "Dr. Smith paid 3.5 euros, e.g. for tea.\nThen he left (at 5 p.m. sharp). 他走了。然后 he came back!"
    assert [text[start:end] for start, end in sentences(text)] == [
        "Dr. Smith paid 3.5 euros, e.g. for tea.",
        "Then he left (at 5 p.m. sharp).",
        "他走了。",
        "然后 he came back!",
    ]


def test_rows_from_the_middle_of_a_table_are_checked_by_the_names_of_their_columns() -> None:
    text = "Graz | 1998 | 12\nLinz | 2004 | 31"
    passage = Citation(1, "/staff.csv", None, 0, len(text), text, 0.9, context="staff\nBranch | Opened | Staff")
    found = cite("Linz has a staff of 31. Graz has a staff of 1998.", [passage], lambda document, page: text)
    assert found.text == "Linz has a staff of 31 [1]. Graz has a staff of 1998."
