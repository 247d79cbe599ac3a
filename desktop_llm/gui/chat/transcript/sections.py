"""The sections of a message: each turns one of its pieces into parts, a step at a time.

A step takes at most about 20 ms whatever the text, so that the window's thread can do other things in between.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.bubble_part import BubblePart, cut_plain
from desktop_llm.gui.chat.transcript.code_part import CodeBox, CodePart
from desktop_llm.gui.chat.transcript.grid_part import GridPart
from desktop_llm.gui.chat.transcript.parts import (
    CitationPills,
    NotePart,
    Part,
    RulePart,
    TextPart,
    ThoughtPart,
    WordsPart,
)
from desktop_llm.gui.chat.transcript.picture_strip import PictureStrip
from desktop_llm.gui.chat.transcript.table_part import TablePart, is_small
from desktop_llm.gui.chat.transcript.thinking_row import ThinkingPart
from desktop_llm.gui.chat.transcript.view_model import ThinkingFigures
from desktop_llm.gui.look.markdown import CodeBlock, Rule, Table
from desktop_llm.gui.look.rich_text import Typography
from desktop_llm.gui.look.slices import WINDOW_US, Slice, Slicer, cost_us, with_line_feeds

_MOST_BLOCKS = 2000
"""Blocks of one text; what comes after them is shown as plain text, which takes fewer parts."""


class Section(ABC):
    """One piece of a message. `parts` are the parts made so far."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    @abstractmethod
    def step(self, width: float) -> int:
        """Make or change some parts for this width; returns about how many microseconds it took, 0 if all is done."""

    def rest(self) -> str:
        """The text that is not shown yet, as far as known."""
        return ""


class Parts(Section):
    """Parts that come one after the other from an iterator; `text` is what they show, if it is long."""

    def __init__(self, parts: Iterator[Part], text: str = "") -> None:
        super().__init__()
        self._coming, self._text = parts, text
        self._done = 0  # how much of the text is shown

    def step(self, width: float) -> int:
        """Take the next part."""
        part = next(self._coming, None)
        if part is None:
            self._done = len(self._text)
            return 0
        part.layout(width)
        self.parts.append(part)
        self._done += part.length() + 1 if isinstance(part, WordsPart) else 0
        return part.cost

    def rest(self) -> str:
        """The text that is not shown yet."""
        return self._text[self._done :]


class Thoughts(Section):
    """The row of a piece of thinking, and the thoughts below it while they are unfolded."""

    def __init__(self, type_: Typography, parent: QWidget) -> None:
        super().__init__()
        self._type, self._parent = type_, parent
        self._text, self._running, self._figures = "", False, ThinkingFigures()
        self.row: ThinkingPart | None = None
        self._writing: Writing | None = None

    def show(self, text: str, figures: ThinkingFigures, *, running: bool) -> None:
        """Set the thoughts and their figures; `running` while more of them may come."""
        self._text, self._running, self._figures = text, running, figures
        if self.row is not None:
            self.row.row.show_figures(figures, running=running)
        if self._writing is not None:
            self._writing.set_text(text)

    @property
    def is_open(self) -> bool:
        """Whether the thoughts are unfolded."""
        return self._writing is not None

    def toggle(self) -> None:
        """Unfold or fold the thoughts."""
        if self._writing is None:
            self._writing = Writing(_thought_maker(self._type))
            self._writing.set_text(self._text)
        else:
            self._writing = None
            del self.parts[1:]
        if self.row is not None:
            self.row.row.set_open(self.is_open)

    def step(self, width: float) -> int:
        """Make the row, then more of the thoughts."""
        if self.row is None:
            self.row = ThinkingPart(self._type, self._parent)
            self.row.row.show_figures(self._figures, running=self._running)
            self.row.row.set_open(self.is_open)
            self.row.layout(width)
            self.parts.append(self.row)
            return self.row.cost
        cost = self._writing.step(width) if self._writing is not None else 0
        if cost and self._writing is not None:
            self.parts[1:] = self._writing.parts
        return cost

    def rest(self) -> str:
        """The unfolded thoughts that are not shown yet."""
        return self._writing.rest() if self._writing is not None else ""


Maker = Callable[[Slice, Part | None], Part | None]
"""Makes the part for a slice, given the part before it; None if there is nothing to show."""


class Writing(Section):
    """A text in Markdown that is read slice by slice, and may grow."""

    def __init__(self, make: Maker, citations: frozenset[int] = frozenset()) -> None:
        super().__init__()
        self._make, self._citations = make, citations
        self._slicer = Slicer(citations)
        self._text = ""
        self._due = False  # whether there is text that was not read
        self._open = 0  # how many parts at the end may still change
        self._waiting: deque[tuple[Slice, bool]] = deque()  # slices without parts, and whether they may still change
        self._growing_code: CodePart | None = None

    def set_text(self, text: str) -> None:
        """Show this text, which begins with what was shown before."""
        self._text = with_line_feeds(text)
        self._due = True

    def rest(self) -> str:
        """The text that is not shown yet."""
        return self._text[self._slicer.settled :] if self._due else ""

    def step(self, width: float) -> int:
        """Make the part for one slice, or read another window of the text."""
        if self._growing_code is not None:
            return self._next_of_code(width)
        if self._waiting:
            return self._show(*self._waiting.popleft(), width)
        return self._read() if self._due else 0

    def _read(self) -> int:
        start = self._slicer.settled
        read = self._slicer.read if len(self.parts) < _MOST_BLOCKS else self._slicer.read_plain
        final, last = read(self._text)
        self._due = not self._slicer.at_end(self._text)
        self._waiting.extend((each, False) for each in final)
        self._waiting.extend((each, True) for each in last)
        if not self._waiting:
            self._drop_open(0)
        return min(cost_us(self._text[start : start + 10_000]), WINDOW_US) + 100

    def _drop_open(self, keep: int) -> None:
        """Remove the parts that may still change, except the first `keep` of them."""
        at = len(self.parts) - self._open + keep
        for part in self.parts[at:]:
            part.release()
        del self.parts[at:]
        self._open = 0

    def _show(self, slice_: Slice, is_open: bool, width: float) -> int:
        block = slice_.block
        old = self.parts[-self._open] if self._open else None
        if isinstance(block, CodeBlock) and isinstance(old, CodePart) and block.text.startswith(old.block.text):
            old.grow(block)
            self._open = self._open if is_open else 0
            self._growing_code = cast(CodePart, self.parts[-1])
            return self._next_of_code(width)
        self._drop_open(0)
        before = self.parts[-1] if self.parts else None
        if isinstance(before, GridPart | TablePart):
            if isinstance(block, Table) and slice_.joint is not None:
                return self._add_rows(before, block, is_open, width)
            before.add((), 0)
        if isinstance(before, CodePart) and isinstance(block, CodeBlock) and slice_.joint is not None:
            before.grow(CodeBlock(block.language, before.block.text + slice_.joint + block.text))
            self._growing_code = before
            return self._next_of_code(width)
        part = self._make(slice_, before)
        if part is None:
            return 100
        part.layout(width)
        self.parts.append(part)
        self._open = 1 if is_open else 0
        if isinstance(part, CodePart):
            self._growing_code = part
        return part.cost

    def _add_rows(self, table: GridPart | TablePart, more: Table, is_open: bool, width: float) -> int:
        """Add rows to the table that is the last part; if it becomes too large, a `GridPart` takes its place."""
        still_open = len(more.rows) if is_open else 0
        if isinstance(table, TablePart) and not is_small(replace(more, rows=table.table.rows + more.rows)):
            table.add((), 0)
            table = GridPart(table.type, table.table)
            table.layout(width)
            self.parts[-1] = table
        table.add(more.rows, still_open)
        return table.cost

    def _next_of_code(self, width: float) -> int:
        """Bring the last slice of a block of code up to date, or add the next one."""
        part = self._growing_code
        assert part is not None
        cost = 100
        if not part.shows():
            part.fill()
            cost = part.cost
        more = not part.box.folded and part.box.has_more(part.number)
        part.layout(width)
        self._growing_code = None
        if more:
            following = CodePart(part.type, part.box, part.parent, part.number + 1)
            following.layout(width)
            self.parts.insert(self.parts.index(part) + 1, following)
            self._open += 1 if self._open else 0
            self._growing_code = following
            cost += following.cost
        return cost

    def toggle_fold(self, part: CodePart) -> None:
        """Show all slices of a block of code, or only the first one again."""
        box = part.box
        box.folded = not box.folded
        own = [each for each in self.parts if isinstance(each, CodePart) and each.box is box]
        if box.folded:
            box.widest = box.offset = 0
            for each in own[1:]:
                self.parts.remove(each)
        self._growing_code = own[0]


def answer_maker(type_: Typography, pills: CitationPills, parent: QWidget, *, growing: bool) -> Maker:
    """Makes the parts of an answer; `growing` while it is written."""

    def make(slice_: Slice, before: Part | None) -> Part | None:
        match slice_.block:
            case CodeBlock() as code:
                return CodePart(type_, CodeBox(code, growing=growing), parent)
            case Table() as table:
                return TablePart(type_, table, pills) if is_small(table) else GridPart(type_, table)
            case Rule():
                return RulePart(type_)
            case _:
                return TextPart(type_, slice_.block, pills, slice_.joint)

    return make


def _thought_maker(type_: Typography) -> Maker:
    def make(slice_: Slice, before: Part | None) -> Part | None:
        if isinstance(slice_.block, Rule):
            return None
        return ThoughtPart(type_, slice_.block, slice_.joint, first=before is None)

    return make


def bubble_parts(
    type_: Typography, text: str, file_names: list[str], pictures: PictureStrip | None = None
) -> Iterator[Part]:
    """The bubble of a question, in slices if it is long."""
    pieces = cut_plain(text)
    piece, joint = next(pieces)
    longest = "" if len(piece) == len(text) else max((line[:500] for line in text.split("\n")), key=len)
    while piece is not None:
        following = next(pieces, None)
        names = file_names if joint is None else []
        strip = pictures if joint is None else None
        yield BubblePart(type_, piece, names, joint, longest=longest, last=following is None, pictures=strip)
        if following is None:
            return
        piece, joint = following


def note_parts(type_: Typography, words: str) -> Iterator[Part]:
    """A note as small plain text, in slices if it is long."""
    for piece, joint in cut_plain(words):
        yield NotePart(type_, piece, joint)
