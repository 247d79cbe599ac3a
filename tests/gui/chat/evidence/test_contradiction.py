"""The card of a sentence that a passage contradicts."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.evidence.contradiction import ContradictionCard, differing
from desktop_llm.gui.chat.evidence.panel import EvidencePanel
from desktop_llm.gui.chat.transcript.checked import CheckedSentence
from desktop_llm.message import Check, Citation

QUOTE = Citation(3, "/home/ada/Lease.pdf", 4, 10, 60, "Notice by electronic mail alone is not sufficient.", 0.9, True)
OTHER = Citation(1, "/home/ada/Lease.pdf", 4, 0, 9, "The lease", 0.9, True)
OPPOSED = CheckedSentence(
    Check(0, 40, "contradicts", (QUOTE,), "negation"), "Notice by electronic mail alone is sufficient."
)


def test_the_words_that_differ_are_told_in_both_texts() -> None:
    said, there = "Notice by <b>e-mail</b> is 😀 enough.", "Notice by letter is 😀 not enough."
    mine, theirs = differing(said, there)
    assert [said[start:end] for start, end in mine] == ["b>e-mail</b"]
    assert [there[start:end] for start, end in theirs] == ["letter", "not"]


def test_only_the_quote_that_contradicts_brings_the_card(qtbot: QtBot) -> None:
    panel = EvidencePanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.show_evidence([OTHER], [OTHER, QUOTE], QUOTE, [OPPOSED])
    assert panel.contradiction.isVisible()
    assert panel.contradiction.checked is OPPOSED
    panel.show_quote(OTHER)
    assert not panel.contradiction.isVisible()


def test_both_texts_can_be_copied_and_an_accepted_sentence_is_not_asked_about_again(qtbot: QtBot) -> None:
    card = ContradictionCard()
    qtbot.addWidget(card)
    card.show_checked(OPPOSED)
    card._on_copy()
    assert QApplication.clipboard().text() == f"{OPPOSED.text}\n\n{QUOTE.text}\n(Lease.pdf, page 4)"
    card.show_checked(CheckedSentence(Check(0, 40, "contradicts", (QUOTE,), "negation", True), OPPOSED.text))
    assert card.isVisible()
    assert not card.accept.isVisible()
