"""Answers as they arrive, and the scroll position meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, ReadingProgress, Transcript
from desktop_llm.gui.chat.transcript.code_part import CodePart
from desktop_llm.gui.look import markdown, theme
from desktop_llm.message import Text, Thinking
from tests.gui.chat.transcript.conftest import ANSWER, many

STREAMING = MessageView("s", "assistant", (), status="streaming")


def _wheel_up(transcript: Transcript) -> None:
    view = transcript.viewport()
    middle = QPointF(view.rect().center())
    event = QWheelEvent(
        middle,
        view.mapToGlobal(middle),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def _shown(transcript: Transcript, name: str) -> list[Any]:
    return [child for child in transcript.findChildren(QWidget, name) if child.isVisible()]


def test_streamed_text_is_shown_without_being_asked(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_text("s", "Hello ")
    transcript.append_text("s", "**world**")
    qtbot.waitUntil(lambda: transcript.layout_at(0).text() == "Hello world")


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_streamed_answer_is_laid_out_like_the_finished_one(transcript: Transcript, size: int) -> None:
    text = ANSWER + "\n## More\n\n- a\n- b\n\n1. c\n\n> q\n\nEnd."
    transcript.set_messages([STREAMING])
    for start in range(0, len(text), size):
        transcript.append_text("s", text[start : start + size])
        transcript.message("s")
    streamed = transcript.layout_at(0)
    kinds, words = [type(part) for part in streamed.parts], streamed.text()
    transcript.update_message(replace(STREAMING, parts=(Text(text),)))
    whole = transcript.layout_at(0)
    assert (kinds, words) == ([type(part) for part in whole.parts], whole.text())
    assert streamed.height == whole.height


def test_growing_code_keeps_its_copy_button(transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_text("s", "```python\na = 1\n")
    transcript.message("s")
    part = transcript.layout_at(0).parts[0]
    assert isinstance(part, CodePart)
    button = part.widget()
    transcript.append_text("s", "b = 2\n")
    transcript.message("s")
    assert transcript.layout_at(0).parts[0].widget() is button


def test_finished_blocks_are_not_built_again(transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_text("s", "First.\n\nSecond.\n\nThi")
    transcript.message("s")
    first = transcript.layout_at(0).parts[0]
    transcript.append_text("s", "rd.\n\nFourth.")
    transcript.message("s")
    assert transcript.layout_at(0).parts[0] is first


def test_the_view_follows_the_end_until_someone_scrolls_up(transcript: Transcript) -> None:
    transcript.set_messages([*many(20), STREAMING])
    bar = transcript.verticalScrollBar()
    transcript.append_text("s", "word\n\n" * 20)
    transcript.message("s")
    assert bar.value() == bar.maximum()
    _wheel_up(transcript)
    before = bar.value()
    transcript.append_text("s", "word\n\n" * 20)
    transcript.message("s")
    assert bar.value() == before < bar.maximum()


def test_jump_to_latest_appears_behind_the_end_and_leads_back(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages(many(40))
    assert not _shown(transcript, "jump_to_latest")
    _wheel_up(transcript)
    transcript.append_message(MessageView("new", "assistant", (Text("News."),)))
    (pill,) = _shown(transcript, "jump_to_latest")
    assert pill.text() == "New answer below"
    qtbot.mouseClick(pill, Qt.MouseButton.LeftButton)
    assert transcript.is_at_end()
    assert not _shown(transcript, "jump_to_latest")


def test_prompt_processing_is_shown_once_it_takes_a_while(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.set_progress("s", ReadingProgress(100, 2900, 6))
    assert not _shown(transcript, "reading_progress")
    qtbot.waitUntil(lambda: bool(_shown(transcript, "reading_progress")))
    transcript.set_progress("s", ReadingProgress(1790, 2900, 6, 4.2))
    (row,) = _shown(transcript, "reading_progress")
    assert row.accessibleName() == "Reading your message and 6 passages, 1,790 of 2,900 tokens, about 4 s left"
    transcript.set_progress("s", None)
    assert not _shown(transcript, "reading_progress")


def test_thoughts_that_arrive_show_a_row(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_thinking("s", "Let me see.")
    qtbot.waitUntil(lambda: bool(_shown(transcript, "thinking_block")))
    (row,) = _shown(transcript, "thinking_block")
    assert row.accessibleName() == "Thinking"
    transcript.append_text("s", "So.")
    transcript.message("s")
    assert row.accessibleName() == "Thought"
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert transcript.message_text("s") == "Let me see.\n\nSo."


def test_thinking_between_two_texts_stays_between_them(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    parts = (Thinking("One. "), Text("First.\n\nSec"), Thinking("Two."), Text("Last.\n\nEnd."))
    for part in parts:
        for character in part.text:
            (transcript.append_text if isinstance(part, Text) else transcript.append_thinking)("s", character)
            if character in "c.":
                transcript.message("s")
    assert transcript.message("s").parts == parts
    streamed = transcript.layout_at(0)
    kinds, words = [type(part) for part in streamed.parts], streamed.text()
    assert words == "First.\n\nSec\n\nLast.\n\nEnd."
    rows = _shown(transcript, "thinking_block")
    assert [row.accessibleName() for row in rows] == ["Thought", "Thought"]
    qtbot.mouseClick(rows[1], Qt.MouseButton.LeftButton)
    assert transcript.message_text("s") == "First.\n\nSec\n\nTwo.\n\nLast.\n\nEnd."
    transcript.append_text("s", " More.")
    assert transcript.message_text("s") == "First.\n\nSec\n\nTwo.\n\nLast.\n\nEnd. More."
    qtbot.mouseClick(rows[1], Qt.MouseButton.LeftButton)
    transcript.update_message(replace(STREAMING, parts=parts))
    assert [type(part) for part in transcript.layout_at(0).parts] == kinds


def test_open_thoughts_grow_while_the_model_thinks(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_thinking("s", "Let me ")
    qtbot.waitUntil(lambda: bool(_shown(transcript, "thinking_block")))
    (row,) = _shown(transcript, "thinking_block")
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    transcript.append_thinking("s", "see.")
    assert transcript.message_text("s") == "Let me see."


def test_finishing_shows_the_foot(transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_text("s", "Done")
    assert not _shown(transcript, "message_foot")
    transcript.finish(MessageView("s", "assistant", (Text("Done."),), foot="3 tokens"))
    assert transcript.message_text("s") == "Done.\n\n3 tokens"
    assert _shown(transcript, "message_foot")


def test_text_for_a_message_that_is_gone_is_dropped(transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_text("s", "lost")
    transcript.set_messages([MessageView("q", "user", (Text("Other chat"),))])
    transcript.append_text("s", "late")
    assert transcript.message("q").text == "Other chat"
    assert transcript.message_ids() == ["q"]


def test_only_what_is_near_the_view_is_laid_out(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages(many(2000))
    assert len(transcript._layouts) < 40
    bar = transcript.verticalScrollBar()
    for fraction in (0.5, 0.1, 0.9):
        bar.setValue(round(bar.maximum() * fraction))
        qtbot.wait(1)
    qtbot.waitUntil(lambda: not transcript._ahead.isActive())
    assert len(transcript._layouts) < 60


def test_scrolling_up_does_not_move_what_is_being_read(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages(many(400))
    qtbot.waitUntil(lambda: not transcript._ahead.isActive())
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    index = transcript.last_seen()
    before = transcript.corner_of(index).y()
    qtbot.waitUntil(lambda: not transcript._ahead.isActive())
    assert transcript.corner_of(index).y() == pytest.approx(before, abs=1)


def test_the_reading_scale_makes_everything_larger_and_keeps_the_place(transcript: Transcript) -> None:
    transcript.set_messages([MessageView("a", "assistant", (Text(ANSWER),))])
    before = transcript.layout_at(0).height
    transcript.set_reading_scale(2.0)
    assert transcript.layout_at(0).height > 1.5 * before
    assert transcript.reading_scale() == 2.0


def test_the_dark_theme_reaches_messages_already_shown(transcript: Transcript, qapp: QApplication) -> None:
    transcript.set_messages([MessageView("a", "assistant", (Text("Words."),))])
    theme.apply(qapp, theme.Theme("dark"))
    corner = transcript.grab().toImage().pixelColor(2, 2)
    assert corner == theme.Theme("dark").colour("surface")


def test_a_narrow_window_wraps_and_keeps_tables_inside(transcript: Transcript) -> None:
    transcript.set_messages([MessageView("a", "assistant", (Text(ANSWER),))])
    wide = transcript.layout_at(0).height
    transcript.resize(320, 612)
    layout = transcript.layout_at(0)
    assert layout.height > wide
    assert all(part.width == layout.width for part in layout.parts)
    assert transcript.message_text("a").startswith(markdown.plain(markdown.parse(ANSWER))[:20])
