"""A screen reader can read a transcript."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleActionInterface, QAccessibleInterface
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.message import Text
from tests.gui.chat.transcript.conftest import many

NAME, VALUE = QAccessible.Text.Name, QAccessible.Text.Value


def interface_of(transcript: Transcript) -> QAccessibleInterface:
    """The interface that Qt hands to a screen reader."""
    return QAccessible.queryAccessibleInterface(transcript)


def below(interface: QAccessibleInterface) -> list[QAccessibleInterface]:
    """The children; all of them must exist and know their parent."""
    children: list[Any] = [interface.child(index) for index in range(interface.childCount())]
    assert all(child is not None and child.isValid() for child in children)
    assert [interface.indexOfChild(child) for child in children] == list(range(len(children)))
    return children


def names(interfaces: list[QAccessibleInterface]) -> list[str]:
    return [interface.text(NAME) for interface in interfaces]


def test_the_messages_are_a_list_and_each_says_what_it_is(
    transcript: Transcript, question: MessageView, answer: MessageView
) -> None:
    transcript.set_messages([question, answer])
    found = interface_of(transcript)
    assert (found.text(NAME), found.role()) == ("Messages", QAccessible.Role.List)
    assert names(below(found)) == ["Question", "Answer 2 of 2"]
    assert [child.role() for child in below(found)] == [QAccessible.Role.ListItem] * 2
    assert below(found)[1].parent().object() is transcript


def test_an_answer_is_read_line_by_line_as_it_is_broken_on_screen(transcript: Transcript, answer: MessageView) -> None:
    transcript.set_messages([answer])
    (message,) = below(interface_of(transcript))
    text = message.textInterface()
    whole = text.text(0, text.characterCount())
    assert whole == message.text(VALUE)
    lines = whole.split("\n")
    assert lines[0].startswith("You have to give three months' notice [1]. A fee is due [2].")
    assert "def cost(rent: float) -> float:" in lines
    assert "Rent\t€3,540" in lines
    assert lines[-1] == "231 tokens, 38.2 tokens/s, first after 0.6 s"
    transcript.resize(300, 612)
    assert len(text.text(0, text.characterCount()).split("\n")) > len(lines)


def test_citations_and_buttons_are_reached_inside_an_answer(
    qtbot: QtBot, transcript: Transcript, answer: MessageView
) -> None:
    transcript.set_messages([answer])
    (message,) = below(interface_of(transcript))
    inside = names(below(message))
    assert inside[:3] == [
        "Thought",
        "Citation 1, Lease_2024_signed.pdf, page 4",
        "Citation 2, Lease_2024_signed.pdf, page 5",
    ]
    for name in ("Copy code", "Copy", "Try again", "More", "Previous version"):
        assert name in inside
    assert "" not in inside
    citation = below(message)[2]
    assert citation.role() == QAccessible.Role.Link
    assert message.rect().contains(citation.rect())
    with qtbot.waitSignal(transcript.citation_activated) as opened:
        citation.actionInterface().doAction(QAccessibleActionInterface.pressAction())
    assert opened.args == ["a1", answer.citations[1]]
    copy = next(child for child in below(message) if child.text(NAME) == "Copy")
    with qtbot.waitSignal(transcript.copy_requested) as copied:
        copy.actionInterface().doAction(QAccessibleActionInterface.pressAction())
    assert copied.args == ["a1"]


def test_the_keyboard_takes_the_screen_reader_along(
    qtbot: QtBot, transcript: Transcript, question: MessageView, answer: MessageView
) -> None:
    transcript.set_messages([question, answer])
    transcript.activateWindow()
    transcript.setFocus()
    qtbot.waitUntil(transcript.hasFocus)
    found = interface_of(transcript)
    assert found.focusChild() is None
    qtbot.keyClick(transcript, Qt.Key.Key_Up)
    qtbot.keyClick(transcript, Qt.Key.Key_Up)
    focused = found.focusChild()
    assert (focused.text(NAME), focused.text(VALUE)) == ("Question", "How much notice do I have to give?")
    assert focused.state().focused


def test_a_streamed_answer_is_read_as_far_as_it_came(transcript: Transcript) -> None:
    transcript.set_messages([MessageView("s", "assistant", (), status="streaming")])
    (message,) = below(interface_of(transcript))
    assert message.text(VALUE) == ""
    transcript.append_text("s", "It is **warm**.")
    transcript.message("s")
    assert message.text(VALUE) == "It is warm."


def test_two_thousand_messages_are_listed_and_only_those_asked_for_are_made(transcript: Transcript) -> None:
    transcript.set_messages(many(2000))
    found = interface_of(transcript)
    assert found.childCount() == 2000
    far = found.child(3)
    assert far.text(NAME) == "Answer"
    assert far.text(VALUE).startswith("Answer 1.")
    assert far.state().offscreen
    assert len(transcript._layouts) < 40
    assert len(transcript._items._items) == 1


def test_the_interface_of_a_message_that_is_gone_is_not_valid(transcript: Transcript, question: MessageView) -> None:
    transcript.set_messages([question])
    (message,) = below(interface_of(transcript))
    transcript.set_messages([MessageView("other", "user", (Text("Other chat"),))])
    assert not message.isValid()
    assert (message.text(NAME), message.childCount()) == ("", 0)
    assert names(below(interface_of(transcript))) == ["Question"]


@pytest.mark.parametrize("name", ["Jump to latest", "Ask anything"])
def test_what_floats_over_the_messages_is_in_the_list_while_it_is_seen(transcript: Transcript, name: str) -> None:
    transcript.set_empty_state("chat", "Ask anything", "It stays on this computer.")
    if name == "Jump to latest":
        transcript.set_messages(many(40))
        transcript.verticalScrollBar().setValue(0)
    found = interface_of(transcript)
    assert found.child(found.childCount() - 1).text(NAME).startswith(name)
