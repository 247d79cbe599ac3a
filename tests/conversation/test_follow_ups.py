"""What is searched for when a question rests on those before it."""

from __future__ import annotations

import pytest

from desktop_llm.conversation.follow_ups import lacks_something, retrieval_query
from desktop_llm.engine.client import ChatMessage


def chat(*texts: str) -> list[ChatMessage]:
    """Questions and answers in turn."""
    return [ChatMessage.of(("user", "assistant")[place % 2], text) for place, text in enumerate(texts)]


@pytest.mark.parametrize(
    "question",
    [
        "And how many people worked there in that year?",
        "And Lyon?",
        "Why?",
        "In 2021?",
        "Tell me more.",
        "What is her phone number?",
        "Is it still valid?",
        "Und in Lyon?",
        "Wie viele Leute arbeiteten dort?",
        "Et à Lyon ?",
        "А в Лионе?",
        "那北京呢?",
        "他们有多少人?",
        "それはどこですか",
        "وماذا عن ليون؟",
    ],
)
def test_a_question_that_lacks_something_is_a_follow_up(question: str) -> None:
    assert retrieval_query(chat("Who rents the hall?", "Brightwater.", question)).startswith("Who rents the hall?\n")


@pytest.mark.parametrize(
    "question",
    [
        "Kitchen rent?",
        "Sick days of E1045",
        "Is it possible to sublet?",
        "Are there any penalties for late payment?",
        "How does the garden get its water?",
        "When is the rent due and who pays it?",
        "Wie hoch ist die Miete in Graz?",
        "Quelle est la date du contrat Dupont ?",
        "Кто владелец склада?",
        "上海办事处有多少员工?",
        "ما هو الإيجار في المستودع؟",
    ],
)
def test_a_question_that_stands_by_itself_is_searched_alone(question: str) -> None:
    assert retrieval_query(chat("Who rents the hall?", "Brightwater.", question)) == question


def test_another_year_takes_the_place_of_the_year_before() -> None:
    first = "What was the turnover of Lyon in 2020?"
    assert "2020" not in retrieval_query(chat(first, "4.1 million.", "And in 2021?"))
    assert "2020" in retrieval_query(chat(first, "4.1 million.", "How many people worked there in that year?"))
    third = retrieval_query(chat(first, "4.1 million.", "And in 2021?", "4.6 million.", "And how many worked there?"))
    assert "Lyon" in third
    assert "2021" in third
    assert "2020" not in third


def test_a_question_about_a_person_is_searched_with_the_name_in_the_answer() -> None:
    query = retrieval_query(chat("Who is the landlord?", "The landlord is Maria Jensen.", "What is her phone number?"))
    assert "Maria Jensen" in query


def test_questions_before_a_complete_one_are_left_out() -> None:
    query = retrieval_query(chat("Who bakes?", "Anna.", "What does the hall cost?", "900 euros.", "And the garage?"))
    assert query == "What does the hall cost?\nAnd the garage?"


def test_a_long_question_can_lack_something_and_a_short_one_nothing() -> None:
    assert lacks_something("Could you please explain in a little more detail what exactly that year was like for them?")
    assert not lacks_something("Lyon turnover?")
