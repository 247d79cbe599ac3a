"""One message as a stack of laid-out parts; exists only while the message is near the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import PurePath

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from desktop_llm.gui import markdown
from desktop_llm.gui.markdown import CodeBlock, Rule, Table
from desktop_llm.gui.transcript.bubble_part import BubblePart
from desktop_llm.gui.transcript.code_part import CodePart
from desktop_llm.gui.transcript.documents import sentence_letters
from desktop_llm.gui.transcript.parts import DocumentPart, Part, RulePart, Selection, TextPart, ThoughtPart
from desktop_llm.gui.transcript.pills import CitationPills
from desktop_llm.gui.transcript.table_part import TablePart
from desktop_llm.gui.transcript.typography import Typography
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress
from desktop_llm.gui.transcript.widget_parts import (
    FactsPart,
    FootPart,
    ReadingRow,
    SourcesPart,
    ThinkingRow,
    WidgetPart,
    banner_part,
    thinking_part,
)

_GAP_ABOVE_QUESTION, _GAP_ABOVE_ANSWER = 16, 14


class MessageLayout:
    """Builds the parts of a message, stacks and paints them, and takes streamed text at its end."""

    def __init__(self, view: MessageView, type_: Typography, parent: QWidget) -> None:
        self.view = view
        self._type, self._parent = type_, parent
        self.pills = CitationPills(type_, view.citations, view.sources)
        self.parts: list[Part] = []
        self.tops: list[float] = []
        self.width = self.height = 0.0
        self.gap_above = _GAP_ABOVE_QUESTION if view.role == "user" else _GAP_ABOVE_ANSWER
        self.thinking_row: ThinkingRow | None = None
        self._thought_open = False
        self._reading: WidgetPart | None = None
        self._settled_text = 0  # offset in the streamed text before which no block can change any more
        self._open_from = self._text_end = 0  # the parts [open_from, text_end) show the text after that offset
        self._build()

    def _build(self) -> None:
        if self.view.role == "user":
            self._build_question()
        else:
            self._build_answer()

    def _build_question(self) -> None:
        self.parts.append(BubblePart(self._type, self.view.text, self.view.attachments))
        if self.view.notice:
            self.parts.append(banner_part(self._type, self.view, self._parent))
        if self.view.branches > 1:
            self.parts.append(FootPart(self._type, self.view))

    def _build_answer(self) -> None:
        view = self.view
        cut_off = view.status == "interrupted"
        if view.notice and not view.error and not cut_off:
            self.parts.append(banner_part(self._type, view, self._parent))
        if view.thinking:
            self._add_thinking()
        if view.sources and (view.status == "streaming" or not view.citations):
            self.parts.append(SourcesPart(self._type, view, self.pills))
        self._open_from = self._text_end = len(self.parts)
        self._replace_open_text()
        self._mark_unsupported()
        if view.error or (view.notice and cut_off):
            self.parts.append(banner_part(self._type, view, self._parent))
        if view.status != "streaming":
            self._add_foot()

    def _add_thinking(self) -> None:
        row = thinking_part(self._type, self.view, self._parent)
        self.parts.append(row)
        widget = row.widget()
        if isinstance(widget, ThinkingRow):
            self.thinking_row = widget

    def _add_foot(self) -> None:
        facts = FactsPart(self._type, self.view, self._parent)
        if facts.facts:
            self.parts.append(facts)
        self.parts.append(FootPart(self._type, self.view))

    def _mark_unsupported(self) -> None:
        if self.view.unsupported:
            sentences = [sentence_letters(sentence) for sentence in self.view.unsupported]
            for _index, part in self.documents():
                part.mark_unsupported(sentences)

    def _part_for(self, block: markdown.Block) -> Part:
        match block:
            case CodeBlock():
                return CodePart(self._type, block, self._parent, growing=self.view.status == "streaming")
            case Table():
                return TablePart(self._type, block, self.pills)
            case Rule():
                return RulePart(self._type)
            case _:
                return TextPart(self._type, block, self.pills)

    def grow(self, view: MessageView) -> None:
        """Show more of a streamed answer; only its last open block is read again."""
        self.view = view
        if view.thinking and self.thinking_row is None:
            self._insert_thinking()
        self._replace_open_text()
        self._stack()

    def _insert_thinking(self) -> None:
        at = len(self.parts)
        self._add_thinking()
        part = self.parts.pop()
        self.parts.insert(0, part)
        self._open_from, self._text_end = self._open_from + 1, self._text_end + 1
        if at and self.width:
            part.layout(self.width)

    def _replace_open_text(self) -> None:
        blocks = markdown.parse_with_offsets(self.view.text[self._settled_text :], self.pills.by_number.keys())
        old = self.parts[self._open_from : self._text_end]
        new = [self._grown_or_new(block, old) for block, _offset in blocks]
        for part in old:
            if part not in new:
                part.release()
        self.parts[self._open_from : self._text_end] = new
        self._text_end = self._open_from + len(new)
        if self.width:
            for part in new:
                part.layout(self.width)
        if blocks:
            self._settled_text += blocks[-1][1]
            self._open_from = self._text_end - 1

    def _grown_or_new(self, block: markdown.Block, old: list[Part]) -> Part:
        """A growing code block keeps its part, so that its button and scroll position stay."""
        last = old[0] if len(old) == 1 else None
        if isinstance(block, CodeBlock) and isinstance(last, CodePart) and block.text.startswith(last.block.text):
            last.grow(block)
            return last
        return self._part_for(block)

    def show_progress(self, progress: ReadingProgress | None) -> None:
        """Show, change or take away the row of prompt processing."""
        if progress is None:
            if self._reading is not None:
                self.parts.remove(self._reading)
                self._reading.release()
                self._reading = None
        else:
            if self._reading is None:
                self._reading = WidgetPart(self._type, ReadingRow(self._parent))
                self.parts.append(self._reading)
            row = self._reading.widget()
            if isinstance(row, ReadingRow):
                row.show_progress(progress)
        self.layout(self.width)

    def toggle_thought(self) -> bool:
        """Unfold or fold the thoughts; True while they are seen."""
        self._thought_open = not self._thought_open
        place = next(i for i, part in enumerate(self.parts) if part.widget_is(self.thinking_row)) + 1
        if self._thought_open:
            self.parts.insert(place, ThoughtPart(self._type, self.view.thinking))
        else:
            self.parts.pop(place)
        moved = 1 if self._thought_open else -1
        self._open_from, self._text_end = self._open_from + moved, self._text_end + moved
        if self.thinking_row is not None:
            self.thinking_row.set_open(self._thought_open)
        self.layout(self.width)
        return self._thought_open

    def layout(self, width: float) -> None:
        """Lay out all parts for a column width."""
        self.width = width
        for part in self.parts:
            part.layout(width)
        self._stack()

    def _stack(self) -> None:
        y, self.tops = float(self.gap_above), []
        for part in self.parts:
            y += part.gap if self.tops else 0
            self.tops.append(y)
            y += part.height
        self.height = float(round(y + 0.49))

    def paint(self, painter: QPainter, selection_of: Callable[[int], Selection], top: float, bottom: float) -> None:
        """Paint the parts between two heights of this message."""
        for index, part in enumerate(self.parts):
            y = self.tops[index]
            if y < bottom and y + part.height > top:
                painter.save()
                painter.translate(0, y)
                part.paint(painter, selection_of(index))
                painter.restore()

    def part_at(self, y: float) -> int:
        """The part at a height, or the nearest one above it."""
        for index, (_top, below) in enumerate(pairwise(self.tops)):
            if y < below:
                return index
        return len(self.parts) - 1

    def documents(self) -> Sequence[tuple[int, DocumentPart]]:
        """The parts with words, by index."""
        return [(index, part) for index, part in enumerate(self.parts) if isinstance(part, DocumentPart)]

    def foot_index(self) -> int | None:
        """The part that keeps room for the buttons, if there is one."""
        return next((i for i, part in enumerate(self.parts) if isinstance(part, FootPart)), None)

    def text(self) -> str:
        """Everything that is read in this message, part by part."""
        words = [part.text() if isinstance(part, DocumentPart | FactsPart) else "" for part in self.parts]
        files = [PurePath(path).name for path in self.view.attachments]
        status = [self.view.notice, self.view.error, self.view.foot]
        return "\n\n".join(word for word in [*files, *words, *status] if word)

    def release(self) -> None:
        """Delete all widgets of this message."""
        for part in self.parts:
            part.release()
