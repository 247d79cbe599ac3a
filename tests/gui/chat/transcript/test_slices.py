"""Messages that are hard to lay out: in short stretches, nothing lost, and tidy."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.gui.chat.transcript.code_part import CodePart
from desktop_llm.gui.chat.transcript.grid_part import GridPart
from desktop_llm.gui.look import highlight, markdown, slices
from desktop_llm.message import Citation, Text, Thinking, ToolResult
from tests.gui.chat.transcript.kinds import KINDS, table

CITATION = Citation(1, "/documents/Lease.pdf", 4, 0, 6, "Notice", 0.9, verified=True)
LOST_BY_THE_PARSER = {"list marks in a line", "list 60 deep", "quote 60 deep", "quote marks in a line", "stars"}


def answer(text: str, **more: object) -> MessageView:
    return MessageView("a", "assistant", (Text(text),), citations=(CITATION,), **more)  # type: ignore[arg-type]


def wait(qtbot: QtBot, transcript: Transcript) -> None:
    """Wait until nothing is left to lay out."""
    qtbot.waitUntil(lambda: not transcript._ahead.isActive(), timeout=20_000)


def longest_stretch(qtbot: QtBot, transcript: Transcript, step: Callable[[], object]) -> float:
    """The most processor time, in seconds, that this thread takes for the step or for one of the slices after it."""
    gc.disable()  # it would go through all that the tests before have left
    try:
        begin = time.thread_time()
        step()
        longest = time.thread_time() - begin
        while transcript._ahead.isActive():
            transcript._ahead.stop()
            highlight.spans.cache_clear()
            begin = time.thread_time()
            transcript._lay_out_ahead()
            longest = max(longest, time.thread_time() - begin)
        return longest
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["a wide table", "exclamation brackets", "one-letter lines"])
def test_no_text_keeps_the_window_from_other_things(qtbot: QtBot, transcript: Transcript, kind: str) -> None:
    """These took 0.5 to 2.6 s at a stretch when a message was laid out as a whole; the limit leaves room for a slow
    machine. `python -m tests.benchmarks.messages` measures all kinds and steps."""
    view = answer(KINDS[kind](20_000))
    assert longest_stretch(qtbot, transcript, lambda: transcript.set_messages([view])) < 0.25
    assert transcript.layout_at(0).is_finished()
    assert longest_stretch(qtbot, transcript, lambda: transcript.resize(400, 612)) < 0.25
    assert all(part.width == transcript.layout_at(0).width for part in transcript.layout_at(0).parts)


def test_one_window_never_takes_a_whole_long_text() -> None:
    for kind, make in KINDS.items():
        slicer, text = slices.Slicer({1}), slices.with_line_feeds(make(60_000))
        if text.startswith(("```", "~~~")):
            continue  # where such code ends is found at once; its lines come in slices of their own
        for _ in range(3):
            before = slicer.settled
            slicer.read(text)
            window = text[before : slicer.settled]
            assert len(window) < 45_000, kind
            assert slices.cost_us(window) < 40_000, kind


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - LOST_BY_THE_PARSER))
def test_what_is_copied_is_what_the_whole_text_reads(kind: str) -> None:
    text = slices.with_line_feeds(KINDS[kind](6000))
    whole = markdown.plain(markdown.parse(text, {1}))
    assert "".join("".join(slices.plain_whole(text, {1})).split()) == "".join(whole.split())


@pytest.mark.parametrize("kind", sorted(LOST_BY_THE_PARSER))
def test_what_is_too_deep_for_the_parser_is_shown_as_it_was_written(kind: str) -> None:
    text = KINDS[kind](6000)
    letters = "".join("".join(slices.plain_whole(text)).split())
    assert letters.count("a") == text.count("a")
    assert letters


@pytest.mark.parametrize("size", [7, 333])
@pytest.mark.parametrize("kind", ["prose in paragraphs", "numbered list", "a wide table", "a tall table", "code"])
def test_a_long_answer_ends_like_the_stored_one_however_it_arrives(
    qtbot: QtBot, transcript: Transcript, kind: str, size: int
) -> None:
    text = KINDS[kind](size * 30)
    transcript.set_messages([MessageView("a", "assistant", (), status="streaming", citations=(CITATION,))])
    for start in range(0, len(text), size):
        transcript.append_text("a", text[start : start + size])
        transcript.message("a")
    streamed = transcript.message_text("a")
    transcript.finish(answer(text))
    if kind == "code":
        assert streamed.count("return") == text.count("return")
    else:
        assert transcript.message_text("a").startswith(streamed)


def test_the_old_layout_is_shown_until_the_new_one_is_finished(qtbot: QtBot, transcript: Transcript) -> None:
    text = KINDS["prose in paragraphs"](30_000)
    transcript.set_messages([MessageView("a", "assistant", (Text(text),), status="streaming", citations=(CITATION,))])
    wait(qtbot, transcript)
    before = transcript.layout_at(0)
    transcript.finish(answer(text, foot="3 tokens"))
    assert transcript._layouts["a"] is before
    wait(qtbot, transcript)
    assert transcript._layouts["a"] is not before
    assert transcript.message_text("a").endswith("3 tokens")


def test_a_wide_table_scrolls_inside_its_frame(qtbot: QtBot, transcript: Transcript) -> None:
    rows = table(600, 3).replace("cell 2 ", "see **this** [1] ", 1)
    transcript.set_messages([answer(rows)])
    wait(qtbot, transcript)
    layout = transcript.layout_at(0)
    (grid,) = (part for part in layout.parts if isinstance(part, GridPart))
    assert grid.width == layout.width < grid.overflow()
    assert grid.scroll(1e9)
    assert not grid.scroll(10)
    grid.scroll(-1e9)
    assert grid.text().split("\n")[0].split("\t")[599] == "Column 599"
    assert "".join(grid.as_csv()).count("\n") == 4
    place = grid.anchor_rects(grid.anchors[0])[0].center() + transcript.corner_of(0)
    with qtbot.waitSignal(transcript.citation_activated) as opened:
        pos = place.toPoint() + QPoint(0, round(layout.tops[0]))
        qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=pos)
    assert opened.args == ["a", CITATION]
    transcript.grab()


def test_all_lines_of_long_code_are_shown_and_copied(qtbot: QtBot, transcript: Transcript) -> None:
    lines = [f"line {number} 😀" for number in range(300)] + ["x" * 2500, "", "end"]
    code = "\n".join(lines)
    transcript.set_messages([answer(f"```\n{code}\n```")])
    wait(qtbot, transcript)
    (part,) = (part for part in transcript.layout_at(0).parts if isinstance(part, CodePart))
    assert part.fold_words() == "Show all 303 lines"
    transcript.layout_at(0).toggle_fold(part)
    assert transcript.message_text("a").startswith(code + "\n\n1 quote")
    parts = [part for part in transcript.layout_at(0).parts if isinstance(part, CodePart)]
    assert len(parts) > 5
    transcript._selection.select((0, 0, 0), (0, len(parts) - 1, parts[-1].length()))
    assert transcript.selected_text() == code
    parts[0].scroll(50)
    assert parts[3].origin().x() == parts[0].origin().x()
    transcript.layout_at(0).toggle_fold(part)
    assert transcript.message_text("a").split("\n\n")[0].count("\n") == 39


def test_a_long_question_is_one_bubble_with_all_its_words(qtbot: QtBot, transcript: Transcript) -> None:
    text = "\n".join(f"line {number} " + "word " * (number % 30) for number in range(1500))
    transcript.set_messages([MessageView("a", "user", (Text(text),))])
    assert transcript.message_text("a") == text
    transcript.select_all()
    transcript.copy_selection()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == text)


def test_long_thoughts_and_tool_results_are_whole(qtbot: QtBot, transcript: Transcript) -> None:
    prose, words = KINDS["prose in paragraphs"](20_000), "some words " * 1500 + "last"
    transcript.set_messages([MessageView("a", "assistant", (Thinking(prose), ToolResult("c", words)))])
    wait(qtbot, transcript)
    assert transcript.message_text("a") == f"The tool answered: {words}"
    (row,) = (part.widget() for part in transcript.layout_at(0).parts if part.has_widget())
    row.click()  # type: ignore[union-attr]
    assert transcript.message_text("a").count("The harbour was visited") == prose.count("The harbour")


def test_resizing_keeps_what_is_being_read_in_place(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([answer(KINDS["prose in paragraphs"](60_000))])
    wait(qtbot, transcript)
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    layout = transcript.layout_at(0)
    part = layout.part_at(bar.value())
    transcript.resize(420, 612)
    wait(qtbot, transcript)
    assert layout is transcript.layout_at(0)
    assert layout.part_at(bar.value()) == part


def test_a_long_copy_arrives_a_little_later(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([answer(KINDS["small paragraphs"](12_000)), MessageView("q", "user", (Text("End"),))])
    transcript.select_all()
    begin = time.thread_time()
    transcript.copy_selection()
    assert time.thread_time() - begin < 0.25
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().endswith("a\n\na\n\nEnd"), timeout=20_000)


def test_a_screen_reader_hears_all_of_a_long_answer(transcript: Transcript) -> None:
    transcript.set_messages([answer(KINDS["lines of one paragraph"](20_000))])
    transcript.message_text("a")
    assert "\n".join(transcript.layout_at(0).lines()).count("a few words in a line") == 20_000 // 22


def test_hostile_code_is_coloured_for_a_moment_only(qapp: QApplication) -> None:
    """Each of these took a second in one piece."""
    for language, piece in (("javascript", '\\"'), ("perl", '\\"'), ("java", "a "), ("java", "\n"), ("cpp", "${")):
        text = "\n".join((piece * 200)[:400] for _ in range(15))
        taken = []
        for _ in range(3):  # the best of three: a shared processor makes any single one slower
            highlight.spans.cache_clear()
            begin = time.thread_time()
            highlight.spans(text, language)
            taken.append(time.thread_time() - begin)
        assert min(taken) < 0.25, (language, piece)
