"""Choosing how long the model may think, and seeing how long it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.thinking_menu import ThinkingLevel, ThinkingMenu
from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.gui.chat.transcript.view_model import ThinkingFigures
from desktop_llm.message import Text, Thinking

LEVELS = (
    ThinkingLevel("off", "Off", "0 s", "Answers at once.", "This model always thinks"),
    ThinkingLevel("short", "Short", "about 7 s", "At most 256 tokens."),
    ThinkingLevel("normal", "Normal", "about 30 s", "At most 1,024 tokens."),
    ThinkingLevel("long", "Long", "about 4 min", "At most 8,192 tokens."),
)
THOUGHTS = "The lease allows ten per cent. " * 30


def shown(parent: QWidget, name: str) -> QAbstractButton:
    (found,) = (button for button in parent.findChildren(QAbstractButton, name) if button.isVisible())
    return found


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    """A window as high as the menu, with a composer at its end."""
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(700, 500)
    composer = Composer(window)
    composer.setGeometry(0, 380, 700, 120)
    window.show()
    return window


def test_without_a_model_that_thinks_there_is_no_button(window: QWidget) -> None:
    composer = window.findChild(Composer)
    assert composer is not None
    assert composer.thinking.isHidden()
    composer.thinking.set_levels(LEVELS, "normal", "")
    assert shown(window, "composer_thinking").text() == "Thinking: normal"
    composer.thinking.set_levels((), "", "")
    assert composer.thinking.isHidden()


def test_a_level_is_chosen_in_the_menu_and_one_that_can_t_be_says_why(qtbot: QtBot, window: QWidget) -> None:
    composer = window.findChild(Composer)
    assert composer is not None
    composer.thinking.set_levels(LEVELS, "normal", "Measured here: 38.2 tokens/s")
    qtbot.mouseClick(shown(window, "composer_thinking"), Qt.MouseButton.LeftButton)
    menu = window.findChild(ThinkingMenu)
    assert menu is not None
    assert menu.isVisible()
    assert menu.geometry().bottom() < composer.geometry().bottom()
    assert [row.isChecked() for row in menu.findChildren(QAbstractButton)] == [False, False, True, False]
    off = shown(menu, "thinking_off")
    assert (off.isEnabled(), off.accessibleDescription()) == (False, "This model always thinks")
    assert shown(menu, "thinking_long").accessibleName() == "Long, about 4 min"
    with qtbot.waitSignal(composer.thinking.level_chosen) as chosen:
        qtbot.mouseClick(shown(menu, "thinking_short"), Qt.MouseButton.LeftButton)
    assert chosen.args == ["short"]
    qtbot.keyClick(menu, Qt.Key.Key_Escape)
    assert not menu.isVisible()


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (ThinkingFigures(6.2, 214), "Thought for 6 s, 214 tokens"),
        (ThinkingFigures(31, 1_024, 1_024, "limit"), "Thought up to the limit of 1,024 tokens"),
        (ThinkingFigures(9, 80, 0, "stopped"), "Thinking stopped after 9 s, no answer"),
        (ThinkingFigures(), "Thought"),
    ],
)
def test_the_row_says_how_long_it_thought_and_how_that_ended(
    qtbot: QtBot, figures: ThinkingFigures, words: str
) -> None:
    transcript = Transcript()
    qtbot.addWidget(transcript)
    transcript.resize(700, 600)
    transcript.show()
    transcript.set_messages([MessageView("a", "assistant", (Thinking(THOUGHTS), Text("Yes.")), thinking=figures)])
    qtbot.waitUntil(lambda: "Yes." in transcript.message_text("a"))
    row = shown(transcript, "thinking_block")
    assert row.text() == words
    assert transcript.findChildren(QAbstractButton, "thinking_answer_now")[0].isHidden()
    assert "ten per cent" not in transcript.message_text("a")


def test_while_it_thinks_the_row_counts_and_offers_the_answer(qtbot: QtBot) -> None:
    transcript = Transcript()
    qtbot.addWidget(transcript)
    transcript.resize(700, 600)
    transcript.show()
    view = MessageView("a", "assistant", status="streaming")
    transcript.set_messages([MessageView("q", "user", (Text("Is that allowed?"),)), view])
    transcript.append_thinking("a", THOUGHTS, ThinkingFigures(4, 148, 1_024))
    qtbot.waitUntil(lambda: bool(transcript.findChildren(QAbstractButton, "thinking_block")))
    row = shown(transcript, "thinking_block")
    qtbot.waitUntil(lambda: row.accessibleName() == "Thinking, 4 s, 148 of at most 1,024 tokens")
    folded, top = row.width(), row.mapTo(transcript, row.rect().topLeft())
    with qtbot.waitSignal(transcript.action_requested) as asked:
        qtbot.mouseClick(shown(row, "thinking_answer_now"), Qt.MouseButton.LeftButton)
    assert asked.args == ["a", "answer_now"]
    with qtbot.waitSignal(transcript.action_requested):
        qtbot.keyClick(row, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(row, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "ten per cent" in transcript.message_text("a"))
    assert row.width() > folded
    assert row.mapTo(transcript, row.rect().topLeft()) == top
    transcript.finish(
        replace(view, status="complete", parts=(Thinking(THOUGHTS), Text("Yes.")), thinking=ThinkingFigures(5, 160))
    )
    qtbot.waitUntil(lambda: shown(transcript, "thinking_block").text() == "Thought for 5 s, 160 tokens")
    assert "ten per cent" in transcript.message_text("a")
