"""The transcript without a mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from tests.gui.chat.transcript.conftest import many


@pytest.fixture
def focused(qtbot: QtBot, transcript: Transcript, question: MessageView, answer: MessageView) -> Transcript:
    """A transcript with a question and an answer and the keyboard focus."""
    transcript.set_messages([question, answer])
    transcript.activateWindow()
    transcript.setFocus()
    qtbot.waitUntil(transcript.hasFocus)
    return transcript


def _said(transcript: Transcript) -> str:
    """The name of the item that a screen reader follows the keyboard to."""
    return QAccessible.queryAccessibleInterface(transcript).focusChild().text(QAccessible.Text.Name)


def test_up_goes_to_the_last_message_and_then_to_the_one_before(qtbot: QtBot, focused: Transcript) -> None:
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    assert _said(focused) == "Answer 2 of 2"
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    assert _said(focused) == "Question"


def test_a_digit_opens_that_citation_of_the_message(qtbot: QtBot, focused: Transcript) -> None:
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    with qtbot.waitSignal(focused.citation_activated) as opened:
        qtbot.keyClick(focused, Qt.Key.Key_2)
    assert opened.args[1].number == 2


def test_c_copies_the_message_with_the_focus(qtbot: QtBot, focused: Transcript) -> None:
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    with qtbot.waitSignal(focused.copy_requested) as copied:
        qtbot.keyClick(focused, Qt.Key.Key_C)
    assert copied.args == ["a1"]


def test_enter_goes_inside_and_tab_over_what_can_be_opened(qtbot: QtBot, focused: Transcript) -> None:
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    qtbot.keyClick(focused, Qt.Key.Key_Return)
    assert focused.focusWidget() is not None
    names = [_said(focused)]
    for _stop in range(3):
        focused.focusNextPrevChild(True)
        names.append(_said(focused))
    assert names[:3] == [
        "Thought",
        "Citation 1, Lease_2024_signed.pdf, page 4",
        "Citation 2, Lease_2024_signed.pdf, page 5",
    ]


def test_enter_on_a_citation_opens_it_and_esc_leads_out(qtbot: QtBot, focused: Transcript) -> None:
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    focused.focusNextPrevChild(True)
    focused.focusNextPrevChild(True)
    with qtbot.waitSignal(focused.citation_activated) as opened:
        qtbot.keyClick(focused, Qt.Key.Key_Return)
    assert opened.args[1].number == 1
    qtbot.keyClick(focused, Qt.Key.Key_Escape)
    qtbot.keyClick(focused, Qt.Key.Key_Escape)
    with qtbot.assertNotEmitted(focused.copy_requested):
        qtbot.keyClick(focused, Qt.Key.Key_C)


def test_alt_and_an_arrow_ask_for_the_other_branch(qtbot: QtBot, focused: Transcript) -> None:
    qtbot.keyClick(focused, Qt.Key.Key_Up)
    with qtbot.waitSignal(focused.branch_requested) as asked:
        qtbot.keyClick(focused, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert asked.args == ["a1", -1]


def test_control_end_returns_to_the_latest(qtbot: QtBot, focused: Transcript) -> None:
    focused.set_messages(many(60))
    for _step in range(8):
        qtbot.keyClick(focused, Qt.Key.Key_Up)
    assert not focused.is_at_end()
    qtbot.keyClick(focused, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert focused.is_at_end()
