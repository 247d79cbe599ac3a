"""The steps in which tools ran, as they come and when they are opened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.message import Text, ToolCall, ToolResult
from tests.gui.chat.transcript.conftest import LEASE
from tests.gui.samples import heard, nameless

SEARCH = ToolCall("1", "search_documents", '{"query": "notice period"}')
PASSAGES = tuple(replace(LEASE, number=number, page=number) for number in range(1, 9))
FOUND = ToolResult(
    "1", "\n\n".join(f"[{p.number}] Lease_2024_signed.pdf, page {p.page}\n{p.text}" for p in PASSAGES), 0.24
)
SUM = ToolCall("2", "calculator", '{"expression": "3 × 1,180"}')
STREAMING = MessageView("s", "assistant", (), status="streaming")


def rows(transcript: Transcript, name: str = "tool_step") -> list[Any]:
    shown = [child for child in transcript.findChildren(QWidget, name) if child.isVisible()]
    return sorted(shown, key=lambda row: row.y())


def click(qtbot: QtBot, button: QWidget) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_step_says_what_runs_then_what_it_did_and_text_goes_on_below(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([STREAMING])
    transcript.append_text("s", "Let me see.")
    transcript.append_step("s", SUM)
    qtbot.waitUntil(lambda: len(rows(transcript)) == 1)
    (row,) = rows(transcript)
    assert row.text() == "Calculating 3 × 1,180"
    transcript.append_step("s", ToolResult("2", "3,540", 0.02))
    transcript.append_text("s", "That makes 3,540.")
    qtbot.waitUntil(lambda: row.text() == "Calculated 3 × 1,180 = 3,540")
    assert row.accessibleName() == "Calculated 3 × 1,180 = 3,540, under 0.1 s"
    assert transcript.layout_at(0).text() == "Let me see.\n\nThat makes 3,540."
    assert [part.kind for part in transcript.message("s").parts] == ["text", "tool_call", "tool_result", "text"]


def test_an_open_search_shows_six_passages_then_all_and_opens_them(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([MessageView("a", "assistant", (SEARCH, FOUND, Text("Three months.")), sources=PASSAGES)])
    qtbot.waitUntil(lambda: len(rows(transcript)) == 1)
    (row,) = rows(transcript)
    assert row.accessibleName() == "Searched your documents for “notice period”, 8 passages, 0.2 s"
    click(qtbot, row)
    qtbot.waitUntil(lambda: "page 6, relevance 0.90" in transcript.layout_at(0).text())
    assert "page 7" not in transcript.layout_at(0).text()
    opened = heard(transcript.citation_activated)
    transcript.activate(0, next(stop.anchor for stop in transcript.stops(0) if stop.anchor is not None))
    assert opened == [("a", PASSAGES[0])]
    (show_all,) = rows(transcript, "tool_step_show_all")
    assert show_all.text() == "Show all, 2 more"
    click(qtbot, show_all)
    qtbot.waitUntil(lambda: "page 8, relevance 0.90" in transcript.layout_at(0).text())
    click(qtbot, row)
    qtbot.waitUntil(lambda: transcript.layout_at(0).text() == "Three months.")
    assert nameless(transcript) == []


def test_a_step_that_failed_and_one_that_was_stopped_say_so(qtbot: QtBot, transcript: Transcript) -> None:
    failed = ToolResult("1", "The index is being rebuilt. Try again.", 0.5, failed=True)
    transcript.set_messages([MessageView("a", "assistant", (SEARCH, SUM, failed), status="interrupted")])
    qtbot.waitUntil(lambda: len(rows(transcript)) == 2)
    assert [row.text() for row in rows(transcript)] == [
        "Could not search your documents: The index is being rebuilt. Try again.",
        "Stopped: Calculating 3 × 1,180",
    ]
    click(qtbot, rows(transcript)[0])
    qtbot.waitUntil(lambda: transcript.layout_at(0).text().startswith("The index is being rebuilt."))


def test_steps_can_be_reached_and_opened_with_the_keyboard(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([MessageView("a", "assistant", (SUM, ToolResult("2", "3,540"), Text("3,540.")))])
    qtbot.waitUntil(lambda: len(rows(transcript)) == 1)
    transcript.setFocus()
    qtbot.keyClick(transcript, Qt.Key.Key_Up)
    qtbot.keyClick(transcript, Qt.Key.Key_Tab)
    qtbot.keyClick(transcript, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: transcript.layout_at(0).text() == "3,540\n\n3,540.")
