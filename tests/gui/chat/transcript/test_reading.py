"""A person reads a transcript and clicks in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, ReadingProgress, Transcript, foot_words
from desktop_llm.gui.chat.transcript.code_part import CodePart
from desktop_llm.gui.chat.transcript.parts import DocumentPart
from desktop_llm.gui.look.rich_text import Anchor
from desktop_llm.gui.look.widgets import Action
from desktop_llm.message import Citation, File, Image, Text, Thinking, ToolCall, ToolResult
from tests.gui.chat.transcript.conftest import many


def _place_of(transcript: Transcript, message: int, wanted: str, which: int = 0) -> QPoint:
    """The point on screen of a citation number or a link's target."""
    layout, places = transcript.layout_at(message), []
    for part, top in zip(layout.parts, layout.tops, strict=True):
        if isinstance(part, DocumentPart):
            for anchor in part.anchors:
                if wanted in (str(anchor.citation), anchor.href):
                    rect = part.anchor_rects(anchor)[0]
                    places.append((rect.center() + transcript.corner_of(message)).toPoint() + QPoint(0, round(top)))
    return places[which]


def _visible(transcript: Transcript, name: str) -> Any:
    (found,) = [child for child in transcript.findChildren(QWidget, name) if child.isVisible()]
    return found


def test_a_message_reads_as_it_was_written(transcript: Transcript, question: MessageView, answer: MessageView) -> None:
    transcript.set_messages([question, answer])
    assert transcript.message_text("q1") == "How much notice do I have to give?"
    text = transcript.message_text("a1")
    assert text.startswith("You have to give three months' notice [1]. A fee is due [2]. Many landlords drop it.")
    for words in ("Rent", "€3,540", "def cost(rent: float)", "2 quotes found word for word.", "231 tokens"):
        assert words in text
    assert "1 sentence not found in your documents." in text


def test_clicking_a_citation_opens_it(qtbot: QtBot, transcript: Transcript, answer: MessageView) -> None:
    transcript.set_messages([answer])
    with qtbot.waitSignal(transcript.citation_activated) as opened:
        qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=_place_of(transcript, 0, "2"))
    assert opened.args == ["a1", answer.citations[1]]


def test_a_citation_in_a_table_opens_too(qtbot: QtBot, transcript: Transcript, answer: MessageView) -> None:
    table = "| Item | Amount |\n|---|---|\n| Rent | 1 |\n| Fee [2] | 2 |\n"
    transcript.set_messages([replace(answer, parts=(Text(table),))])
    place = _place_of(transcript, 0, "2")
    assert transcript.corner_of(0).y() + 70 < place.y() < transcript.corner_of(0).y() + 105
    with qtbot.waitSignal(transcript.citation_activated) as opened:
        qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.args == ["a1", answer.citations[1]]


def test_the_second_mark_of_a_passage_opens_the_quote_of_its_own_sentence(qtbot: QtBot, transcript: Transcript) -> None:
    first = Citation(1, "/lease.pdf", 4, 0, 6, "Notice", 0.9, verified=True)
    second = replace(first, start=40, end=44, text="Keys")
    text = (Text("Give notice [1].\n\n| Item | Where |\n|---|---|\n| Keys [1] | desk |\n\nGive notice [1]."),)
    transcript.set_messages([MessageView("a", "assistant", text, citations=(first, second, first))])
    marks = [anchor for _, part in transcript.layout_at(0).documents() for anchor in part.anchors]
    assert [transcript.layout_at(0).cited(mark).text for mark in marks] == ["Notice", "Keys", "Notice"]
    place = _place_of(transcript, 0, "1", which=1)
    with qtbot.waitSignal(transcript.citation_activated) as opened:
        qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.args == ["a", second]


def test_only_the_marks_of_the_open_quote_are_lit(qtbot: QtBot, transcript: Transcript) -> None:
    first = Citation(1, "/lease.pdf", 4, 0, 6, "Notice", 0.9, verified=True)
    second = replace(first, start=40, end=44, text="Keys")
    table = "| Item | Where |\n|---|---|\n| Keys [1] | desk |"
    text = (Text(f"Give notice [1].\n\nHand in the keys [1].\n\n{table}"),)
    transcript.set_messages([MessageView("a", "assistant", text, citations=(first, second, second))])
    before = [_colours(transcript, which) for which in range(3)]
    transcript.set_active_citation("a", second)
    assert [_colours(transcript, which) != before[which] for which in range(3)] == [False, True, True]
    transcript.resize(transcript.width() - 60, transcript.height())
    transcript.set_active_citation("a", first)
    transcript.resize(transcript.width() + 60, transcript.height())
    assert [_colours(transcript, which) != before[which] for which in range(3)] == [True, False, False]
    transcript.set_active_citation("a", None)
    assert [_colours(transcript, which) for which in range(3)] == before


def _colours(transcript: Transcript, which: int) -> QColor:
    """The colour beside the number of a citation mark."""
    place = _place_of(transcript, 0, "1", which=which)
    return transcript.viewport().grab().toImage().pixelColor(place + QPoint(-4, 5))


def test_a_copied_table_has_tabs_and_lines(transcript: Transcript) -> None:
    transcript.set_messages(
        [MessageView("a", "assistant", (Text("| Item | Amount |\n|---|---|\n| Rent | €3 |\n| Fee |\n"),))]
    )
    transcript.select_all()
    assert transcript.selected_text() == "Item\tAmount\nRent\t€3\nFee\t"


def test_a_link_asks_before_anything_is_opened(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([MessageView("a", "assistant", (Text("See [the page](https://example.org/x)."),))])
    place = _place_of(transcript, 0, "https://example.org/x")
    with qtbot.waitSignal(transcript.link_activated) as asked:
        qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == ["https://example.org/x"]


def test_the_unsupported_sentence_is_the_one_underlined(transcript: Transcript, answer: MessageView) -> None:
    transcript.set_messages([answer])
    parts = [part for _index, part in transcript.layout_at(0).documents() if part.unsupported]
    assert [part.text(part.unsupported[0]) for part in parts] == ["Many landlords drop it."]


def test_a_sentence_with_marks_and_citations_is_found_again(transcript: Transcript) -> None:
    view = MessageView(
        "a",
        "assistant",
        (Text("One.\nIt is **very** `old` 😀 indeed. Two."),),
        unsupported=("It is **very** `old` 😀 indeed.",),
    )
    transcript.set_messages([view])
    ((_index, part),) = transcript.layout_at(0).documents()
    assert part.text(part.unsupported[0]) == "It is very old 😀 indeed."


def test_copy_puts_the_code_on_the_clipboard_and_says_so(
    qtbot: QtBot, transcript: Transcript, answer: MessageView
) -> None:
    transcript.set_messages([answer])
    button = _visible(transcript, "code_copy")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "def cost(rent: float) -> float:\n    return 3 * rent"
    assert button.text() == "Copied"
    qtbot.waitUntil(lambda: button.text() == "Copy")


def test_long_code_is_folded_until_it_is_asked_for(qtbot: QtBot, transcript: Transcript) -> None:
    code = "\n".join(f"line {number}" for number in range(120))
    transcript.set_messages([MessageView("a", "assistant", (Text(f"```\n{code}\n```"),))])
    transcript.verticalScrollBar().setValue(transcript.verticalScrollBar().maximum())
    layout = transcript.layout_at(0)
    assert "line 119" not in transcript.message_text("a")
    part = layout.parts[0]
    assert isinstance(part, CodePart)
    assert part.fold_words() == "Show all 120 lines"
    middle = part.fold_rect().center() + transcript.corner_of(0)
    qtbot.mouseClick(
        transcript.viewport(), Qt.MouseButton.LeftButton, pos=(middle.toPoint() + QPoint(0, round(layout.tops[0])))
    )
    assert "line 119" in transcript.message_text("a")


def test_thoughts_are_folded_until_the_row_is_pressed(
    qtbot: QtBot, transcript: Transcript, answer: MessageView
) -> None:
    transcript.set_messages([answer])
    row = _visible(transcript, "thinking_block")
    assert row.accessibleName() == "Thought"
    assert "The lease says so." not in transcript.message_text("a1")
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert "The lease says so." in transcript.message_text("a1")
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert "The lease says so." not in transcript.message_text("a1")


def test_the_foot_of_the_last_answer_acts_on_it(
    qtbot: QtBot, transcript: Transcript, question: MessageView, answer: MessageView
) -> None:
    transcript.set_messages([question, answer])
    with qtbot.waitSignal(transcript.copy_requested) as copied:
        qtbot.mouseClick(_visible(transcript, "message_copy"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(transcript.regenerate_requested) as again:
        qtbot.mouseClick(_visible(transcript, "message_retry"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(transcript.branch_requested) as other:
        qtbot.mouseClick(_visible(transcript, "message_branch_back"), Qt.MouseButton.LeftButton)
    assert (copied.args, again.args, other.args) == (["a1"], ["a1"], ["a1", -1])
    assert _visible(transcript, "message_branch").text() == "2 of 2"


def test_hovering_a_question_offers_to_edit_it(
    qtbot: QtBot, transcript: Transcript, question: MessageView, answer: MessageView
) -> None:
    transcript.set_messages([question, answer])
    qtbot.mouseMove(transcript.viewport(), QPoint(500, 40))
    with qtbot.waitSignal(transcript.edit_requested) as edit:
        qtbot.mouseClick(_visible(transcript, "message_edit"), Qt.MouseButton.LeftButton)
    assert edit.args == ["q1"]


def test_an_error_offers_what_can_be_done(qtbot: QtBot, transcript: Transcript) -> None:
    view = MessageView(
        "a",
        "assistant",
        (Text("Half an ans"),),
        status="error",
        error="The model stopped unexpectedly.",
        error_text="Everything written so far is kept.",
        actions=(Action("continue", "Continue", "play", "primary"),),
    )
    transcript.set_messages([view])
    assert transcript.message_text("a").startswith("Half an ans\n\nThe model stopped unexpectedly.")
    with qtbot.waitSignal(transcript.action_requested) as asked:
        qtbot.mouseClick(_visible(transcript, "message_error_continue"), Qt.MouseButton.LeftButton)
    assert asked.args == ["a", "continue"]


def test_nothing_relevant_is_a_notice_with_its_actions(qtbot: QtBot, transcript: Transcript) -> None:
    title, text = "Nothing about this was found in House & lease.", "All 48 documents were searched."
    view = MessageView(
        "a", "assistant", (), notice=title, notice_text=text, actions=(Action("show", "Show closest passage"),)
    )
    transcript.set_messages([view])
    assert _visible(transcript, "message_notice").accessibleName() == f"{title} {text}"
    with qtbot.waitSignal(transcript.action_requested) as asked:
        qtbot.mouseClick(_visible(transcript, "message_notice_show"), Qt.MouseButton.LeftButton)
    assert asked.args == ["a", "show"]


def test_an_empty_chat_says_what_to_do(qtbot: QtBot, transcript: Transcript, question: MessageView) -> None:
    transcript.set_empty_state("chat", "Ask anything", "It stays on this computer.", (Action("open", "Open a file…"),))
    state = _visible(transcript, "transcript_empty")
    assert "Ask anything" in state.accessibleName()
    with qtbot.waitSignal(transcript.action_requested) as asked:
        qtbot.mouseClick(_visible(transcript, "transcript_empty_open"), Qt.MouseButton.LeftButton)
    assert asked.args == ["", "open"]
    transcript.append_message(question)
    assert not state.isVisible()


def test_files_sent_along_stand_in_the_bubble(transcript: Transcript) -> None:
    transcript.set_messages([MessageView("q", "user", (Text("What is this?"), File("/home/me/Rent.pdf")))])
    assert transcript.message_text("q") == "Rent.pdf\n\nWhat is this?"


def test_words_selected_with_the_mouse_are_copied_across_messages(
    qtbot: QtBot, transcript: Transcript, question: MessageView, answer: MessageView
) -> None:
    transcript.set_messages([question, answer])
    transcript.setFocus()
    view = transcript.viewport()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(330, 40))
    qtbot.mouseMove(view, QPoint(500, 600))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(500, 600))
    qtbot.keyClick(transcript, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text()
    assert copied == transcript.selected_text()
    assert "have to give?" in copied
    assert "three months' notice [1]" in copied
    assert "return 3 * rent" in copied


def test_select_all_reaches_messages_that_were_never_seen(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages(many(200))
    transcript.setFocus()
    qtbot.keyClick(transcript, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    copied = transcript.selected_text()
    assert copied.startswith("Question 0 about the lease")
    assert "Answer 50." in copied
    assert "Answer 99." in copied


def test_a_double_click_selects_a_word(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([MessageView("a", "assistant", (Text("extraordinary"),))])
    qtbot.mouseDClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 26))
    assert transcript.selected_text() == "extraordinary"


@pytest.mark.parametrize(
    ("progress", "title", "detail"),
    [
        (
            ReadingProgress(1790, 2900, 6, 4.2),
            "Reading your message and 6 passages",
            "1,790 of 2,900 tokens, about 4 s left",
        ),
        (ReadingProgress(0, 10), "Reading your message", "0 of 10 tokens"),
        (
            ReadingProgress(5, 10, 1, 4800),
            "Reading your message and 1 passage",
            "5 of 10 tokens, about 1 h 20 min left",
        ),
    ],
)
def test_reading_progress_is_said_in_words(progress: ReadingProgress, title: str, detail: str) -> None:
    assert (progress.title(), progress.detail()) == (title, detail)


def test_the_figures_say_why_an_answer_ended_early() -> None:
    assert foot_words(231, 38.24, 0.61) == "231 tokens, 38.2 tokens/s, first after 0.6 s"
    assert foot_words(1, None, None, "cancelled") == "1 token, stopped early"
    assert foot_words(512, 10, 1, "length").endswith("stopped at the length limit")


def test_an_anchor_without_a_target_opens_nothing(qtbot: QtBot, transcript: Transcript) -> None:
    with qtbot.assertNotEmitted(transcript.link_activated):
        transcript.activate(0, Anchor(0, 1, "", 0))


def test_the_parts_of_an_answer_are_shown_in_their_order(qtbot: QtBot, transcript: Transcript) -> None:
    parts = (
        Thinking("First thoughts."),
        Text("Let me look."),
        ToolCall("c1", "weather", '{"city": "Köln"}'),
        ToolResult("c1", "12 °C"),
        Thinking("Second thoughts."),
        Text("It is warm."),
        Image("/home/me/map.png"),
    )
    transcript.set_messages([MessageView("a", "assistant", parts)])
    assert transcript.message_text("a") == "Let me look.\n\nIt is warm.\n\nmap.png"
    (step,) = (row for row in transcript.findChildren(QWidget, "tool_step") if row.isVisible())
    assert step.accessibleName() == "Asked for the tool “weather”, under 0.1 s"
    qtbot.mouseClick(step, Qt.MouseButton.LeftButton)
    assert transcript.message_text("a") == "Let me look.\n\n12 °C\n\nIt is warm.\n\nmap.png"
    rows = [row for row in transcript.findChildren(QWidget, "thinking_block") if row.isVisible()]
    assert [row.accessibleName() for row in rows] == ["Thought", "Thought"]
    assert rows[0].y() < step.y() < rows[1].y()
    qtbot.mouseClick(rows[1], Qt.MouseButton.LeftButton)
    assert "12 °C\n\nSecond thoughts.\n\nIt is warm." in transcript.message_text("a")
    assert "First thoughts." not in transcript.message_text("a")


def test_what_a_tool_said_is_a_message_of_its_own(transcript: Transcript) -> None:
    transcript.set_messages([MessageView("t", "tool", (ToolResult("c1", "12 °C"),))])
    assert transcript.message_text("t") == "The tool answered: 12 °C"
