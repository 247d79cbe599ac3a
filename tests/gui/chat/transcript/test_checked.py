"""What the documents say about the sentences of an answer: signs at the marks, the card, and the keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.gui.chat.transcript.checked import quotes_of, sentences_of, with_marks
from desktop_llm.gui.chat.transcript.checks_card import ChecksCard
from desktop_llm.gui.chat.transcript.parts import tip
from desktop_llm.knowledge.cite import cite
from desktop_llm.message import Check, Citation, Text

PAGE = (
    "Either party may end this tenancy by giving three months' notice in writing. "
    "The deposit is paid back within thirty days after the keys are returned. "
    "Notice by electronic mail alone is not sufficient."
)
PASSAGE = Citation(3, "/home/ada/Lease_2024_signed.pdf", 4, 0, len(PAGE), PAGE, 0.9, True)
SAID = (
    "Either party may end this tenancy by giving three months' notice in writing. "
    "The deposit is paid back within 30 days after the keys are returned. "
    "Notice by electronic mail alone is sufficient. "
    "Many landlords drop the fee if you find the next tenant."
)
ALT = Qt.KeyboardModifier.AltModifier


def view_of(said: str = SAID, accepted: bool = False) -> MessageView:
    cited = cite(said, [PASSAGE], lambda document, page: PAGE)
    checks = tuple(
        Check(each.start, each.end, each.verdict, each.quotes, each.reason, accepted) for each in cited.checks
    )
    checked = sentences_of((Text(cited.text),), checks)
    return MessageView(
        "a1",
        "assistant",
        with_marks((Text(cited.text),), checks),
        citations=quotes_of(checked, cited.citations),
        sources=(PASSAGE,),
        checked=checked,
    )


def card_of(transcript: Transcript) -> ChecksCard:
    return transcript.findChildren(ChecksCard, "answer_checks")[-1]


def row_names(card: ChecksCard) -> list[str]:
    return [row.accessibleName() for row in card.findChildren(QAbstractButton, "answer_check") if row.isVisible()]


@pytest.fixture
def shown(transcript: Transcript, qtbot: QtBot) -> Transcript:
    transcript.set_messages([view_of()])
    qtbot.waitUntil(lambda: bool(transcript.findChildren(ChecksCard)))
    return transcript


def test_each_mark_says_its_verdict_to_a_screen_reader_and_in_its_tooltip(shown: Transcript) -> None:
    layout = shown.layout_at(0)
    links = [stop.anchor for stop in shown.stops(0) if stop.anchor is not None]
    tips = [tip(layout.cited(anchor), layout.checked(anchor)) for anchor in links]
    names = [
        QAccessible.queryAccessibleInterface(shown).child(0).child(number).text(QAccessible.Text.Name)
        for number in range(len(links))
    ]
    assert names == [
        "Citation 3, Lease_2024_signed.pdf, page 4",
        "Citation 3, small differences, Lease_2024_signed.pdf, page 4",
        "Citation 3, contradicts the passage, Lease_2024_signed.pdf, page 4",
    ]
    assert "Differs: “30” for “thirty”" in tips[1]


def test_the_card_opens_by_itself_if_something_contradicts_and_says_what_was_found(shown: Transcript) -> None:
    card = card_of(shown)
    assert card.is_open
    assert card.head.accessibleName().endswith("2 sentences found, 1 contradicts a passage, 1 not from your documents")
    assert [name.partition(":")[0] for name in row_names(card)] == [
        "Citation 3, Lease_2024_signed.pdf, page 4",
        "Citation 3, small differences, Lease_2024_signed.pdf, page 4",
        "Citation 3, contradicts the passage, Lease_2024_signed.pdf, page 4",
        "Not from your documents",
    ]
    before = shown.rect_of(0).height()
    card.head.click()
    assert (row_names(card), shown.rect_of(0).height() < before) == ([], True)


@pytest.mark.parametrize("accepted", [False, True])
def test_the_card_stays_folded_if_nothing_contradicts(transcript: Transcript, qtbot: QtBot, accepted: bool) -> None:
    said = SAID if accepted else SAID.replace("is sufficient", "is not sufficient")
    transcript.set_messages([view_of(said, accepted)])
    qtbot.waitUntil(lambda: bool(transcript.findChildren(ChecksCard)))
    assert not card_of(transcript).is_open
    card_of(transcript).head.click()
    assert len(row_names(card_of(transcript))) == 4


def test_alt_down_goes_to_what_needs_a_look_and_enter_opens_its_passage(shown: Transcript, qtbot: QtBot) -> None:
    shown.setFocus()
    QTest.keyClick(shown, Qt.Key.Key_Down, ALT)
    with qtbot.waitSignal(shown.citation_activated) as opened:
        QTest.keyClick(shown, Qt.Key.Key_Return)
    assert opened.args[1].text == "Notice by electronic mail alone is not sufficient."


def test_a_row_opens_its_quote_and_offers_what_can_be_done(shown: Transcript, qtbot: QtBot) -> None:
    card = card_of(shown)
    with qtbot.waitSignal(shown.citation_activated) as opened:
        card.findChildren(QAbstractButton, "answer_check")[1].click()
    assert "thirty days" in opened.args[1].text
    correct, look = card.findChildren(QAbstractButton, "answer_check_action")
    start = next(each.check.start for each in view_of().checked if each.check.verdict == "contradicts")
    with qtbot.waitSignal(shown.action_requested) as asked:
        correct.click()
    assert asked.args == ["a1", f"correct:{start}"]
    with qtbot.waitSignal(shown.action_requested) as asked:
        look.click()
    assert asked.args[1].startswith("look:")
