"""Whether a passage says what a sentence says: restatements are found, contradictions are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop_llm.knowledge.agreement.evidence import Evidence
from desktop_llm.knowledge.agreement.figures import figures
from desktop_llm.knowledge.agreement.terms import language_of
from desktop_llm.knowledge.agreement.verdict import Reason
from desktop_llm.knowledge.sentences import sentences

CLAIMS = [json.loads(line) for line in Path(__file__).with_name("claims.jsonl").read_text("utf-8").splitlines()]
# The benchmark reads all of them and says how many are wrong; those here are right and stay so.
WRONG = {
    "Iris Calloway saw two men run towards the station.",
    "The invoice has to be paid within two weeks of being received.",
    "Anna Brandt and Mei Tanaka are both in Finance.",
    "The Kestrel is heavier than the Falcon 2.",
    "The Thames Barrier was built after the flood.",
    "Drafts should be saved before Friday at 18:00.",
    "The default number of attempts is 5.",
    "Unplug the machine and let it cool down for 20 minutes or more before you clean it.",
    "El inquilino paga los gastos de agua.",
    "Defective parts are repaired or replaced for free for 5 years from purchase.",
    "Sternplatz has the most passengers per day.",
    "Nordhafen opened before Alte Messe.",
    "There was no financial loss.",
    "Students do not have to pay the fee of 35 francs.",
    "Die Kasse geht von Frau Sommer an Herrn Vogel über.",
    "The pump stops at 3.5 bar.",
    "Sales growth was higher in the north than in the south.",
    "The northern branch gained 7 percent of customers.",
    "The chair may be re-elected any number of times.",
    "The two chairs are not available until the middle of September.",
    "The placebo group had 122 patients.",
    "Pain fell in more patients of the Velmarin group than of the placebo group.",
    "The second siege ended because the garrison had no more water.",
    "The town hall is not as high as the tower.",
    "Die Ausleihe kann zweimal verlängert werden, wenn niemand das Buch vorbestellt hat.",
    "Rosenborg has 41 points.",
    "Rosenborg is two points ahead of Molde.",
    "Water the fern every two weeks in winter.",
    "The fern should only be repotted after it is three years old.",
    "Wooden boards must not be put in the dishwasher.",
    "Error code E4 means that the inlet hose is blocked.",
    "Apply a thin layer of Cortelin to the affected skin once or twice daily.",
    "The expedition was led by Captain Hjalmar Lund.",
    "Mitglieder zahlen 60 Euro im Jahr.",
    "Man kann nur zum Ende des Jahres austreten.",
    "Entre el 1 y el 15 de agosto no hay autobús entre Soria y Almazán.",
    "Los viajeros que tienen abono recibirán 10 euros.",
    "We receive a 2% bonus if they sign before Friday.",
    "Anna and Pavel both collect stamps.",
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
        ("The lease runs for 24 months.", "The lease runs for two years.", "The lease runs for 24 years."),
        ("The bag weighs 1.5 kg.", "The bag weighs 1500 g.", "The bag weighs 15 g."),
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


@pytest.mark.parametrize("border", [";", ",", "\t", " | "])
def test_what_stands_in_a_row_is_said_of_its_column(border: str) -> None:
    rows = [["Branch", "Opened", "Staff", "Area (m)"], ["Graz", "1998", "12", "400"], ["Linz", "2004", "31", "250"]]
    table = "\n".join(border.join(row) for row in rows)
    assert found(table, "The Linz branch was opened in 2004.")
    assert found(table, "The Graz branch has a staff of 12.")
    assert not found(table, "The Graz branch has a staff of 1998.")
    assert not found(table, "The Linz branch has a staff of 12.")


def test_a_row_without_its_head_is_read_by_the_names_that_are_handed_with_it() -> None:
    evidence = Evidence(["Graz | 1998 | 12"], ["Branch | Opened | Staff"])
    assert evidence.support("The Graz branch has a staff of 12.", [0])
    assert not evidence.support("The Graz branch has a staff of 1998.", [0])


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
        ("Il contratto è di due anni e non si può rinnovare.", "it"),
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


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("The old bridge was closed to lorries in May 1991.", Reason.DATE),
        ("The repair of the bridge cost 3.4 million francs.", Reason.FIGURE),
        ("The old bridge was not closed to lorries in May 1987.", Reason.NEGATION),
        ("The bridge was closed after an inspection by Pierre Lacaze.", Reason.NAME),
        ("The new bridge was closed to lorries in May 1987.", Reason.NEGATION),
        ("Two engineers of the council proposed a ferry.", Reason.TOO_LITTLE),
    ],
)
def test_what_is_not_supported_has_a_reason(sentence: str, reason: Reason) -> None:
    passage = (
        "The old bridge was closed to lorries in May 1987 after an inspection by Odile Ferrand. "
        "The repair of the bridge cost 2.4 million francs."
    )
    verdict = Evidence(["The library opens at nine.", passage]).verdict(sentence, [0, 1])
    assert (verdict.supports, verdict.reason) == ((), reason)
    assert verdict.contradicts == (reason is not Reason.TOO_LITTLE)
    if verdict.against is not None:
        assert verdict.against.passage == 1
        assert passage[verdict.against.start : verdict.against.end] in [passage[a:b] for a, b in sentences(passage)]


def test_a_sentence_that_is_supported_has_no_reason() -> None:
    verdict = Evidence([LEASE]).verdict("Dogs need written consent from the landlord.", [0])
    assert (verdict.reason, verdict.contradicts) == (None, False)
    assert LEASE[verdict.supports[0].start : verdict.supports[0].end] == "Dogs need the landlord's written consent."


@pytest.mark.parametrize(
    ("passage", "said", "not_said"),
    [
        (
            "The red lamp goes off when the tank is empty.",
            "When the tank is empty, the red lamp goes off.",
            "The red lamp goes on when the tank is empty.",
        ),
        (
            "Bicycles are not permitted, with the exception of folding bikes.",
            "Bicycles are not permitted.",
            "Folding bikes are not permitted.",
        ),
        (
            "Could you ask Ines whether the warranty covers the hinges? She ordered them in May.",
            "Ines ordered them in May.",
            "The warranty covers the hinges.",
        ),
        (
            "Unused leave expires on 31 March unless the manager agrees in writing.",
            "Unused leave expires on 31 March unless the manager agrees.",
            "Unused leave expires on 31 March even if the manager agrees in writing.",
        ),
        (
            "The hall will be painted before the winter term.",
            "They will paint the hall before the winter term.",
            "The hall will be painted after the winter term.",
        ),
        ("Empty lines are counted as zero.", "Empty lines count as zero.", "Empty lines are counted as one."),
        (
            "The weavers marched to the town hall after their pay had been halved.",
            "The weavers marched to the town hall after their pay was halved.",
            "The weavers' pay was halved after they had marched to the town hall.",
        ),
        (
            "Der Auftragnehmer liefert die Türen bis Mai.",
            "Der Auftragnehmer liefert die Türen.",
            "Der Auftraggeber liefert die Türen bis Mai.",
        ),
        (
            "Les réparations sont à la charge du propriétaire.",
            "Le propriétaire a les réparations à sa charge.",
            "Les réparations sont à la charge du locataire.",
        ),
        ("Олег выступил против продажи сада.", "Олег был против продажи сада.", "Олег выступил за продажу сада."),
        ("王丽负责打扫楼梯。", "王丽打扫楼梯。", "张伟负责打扫楼梯。"),
        ("押金为两个月租金，三十天内退还。", "押金为两个月租金。", "押金为三个月租金。"),
    ],
)
def test_a_particle_a_condition_or_one_other_word_makes_it_another_matter(
    passage: str, said: str, not_said: str
) -> None:
    assert (found(passage, said), found(passage, not_said)) == (True, False)
