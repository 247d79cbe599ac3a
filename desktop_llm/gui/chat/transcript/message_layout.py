"""One message as a stack of laid-out parts; it exists only while the message is near the view.

It is laid out in steps of at most about 20 ms. Until the last step is done, its height is an estimate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QAccessible, QPainter
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.checked import CheckedSentence
from desktop_llm.gui.chat.transcript.checks_card import ChecksCard
from desktop_llm.gui.chat.transcript.cited_marks import checked_marks, lit_places, mark_checked, marked_quotes
from desktop_llm.gui.chat.transcript.code_part import CodePart
from desktop_llm.gui.chat.transcript.parts import CitationPills, DocumentPart, Part, Selection, TextPart, WordsPart
from desktop_llm.gui.chat.transcript.picture_strip import PictureStrip
from desktop_llm.gui.chat.transcript.sections import (
    Parts,
    Section,
    Thoughts,
    Writing,
    answer_maker,
    bubble_parts,
    note_parts,
)
from desktop_llm.gui.chat.transcript.thinking_row import ThinkingRow
from desktop_llm.gui.chat.transcript.tool_steps import ToolStep
from desktop_llm.gui.chat.transcript.view_model import (
    MessageView,
    ReadingProgress,
    ThinkingFigures,
    WaitingInLine,
    WordChoices,
)
from desktop_llm.gui.chat.transcript.widget_parts import (
    FactsPart,
    FootPart,
    ReadingRow,
    SourcesPart,
    WidgetPart,
    banner_part,
    checks_part,
    choices_part,
    citation_facts,
)
from desktop_llm.gui.chat.transcript.word_marks import WordFinder, WordMarks, counted, sentence_around
from desktop_llm.gui.look.formats import file_name
from desktop_llm.gui.look.rich_text import Anchor, Typography, sentence_letters
from desktop_llm.message import Citation, File, Image, Text, Thinking, ToolCall, ToolResult
from desktop_llm.message import Part as MessagePart
from desktop_llm.words import tr

_GAP_ABOVE_QUESTION, _GAP_ABOVE_ANSWER = 16, 14
_LINE, _CHARACTER = 24.0, 7.4
"""Pixels of a reading line and of a mean character at scale 1."""


def estimate(text: str, width: float, scale: float) -> float:
    """The height of a text before it is laid out, good enough for a scroll bar."""
    per_line = max(10.0, width / (_CHARACTER * scale))
    return (text.count("\n") + 1 + len(text) / per_line) * _LINE * scale


class MessageLayout:
    """Builds the parts of a message, stacks and paints them, and takes streamed text at its end.

    `parts` are those made so far; `tops` are their places, and `height` is that of the whole message.
    """

    def __init__(self, view: MessageView, type_: Typography, parent: QWidget, width: float) -> None:
        self.view = view
        self.width = width
        self._type = type_.with_room() if view.choices is not None and view.choices.tokens else type_
        self._parent = parent
        self.pills = CitationPills(type_, view.citations, view.sources)
        self.parts: list[Part] = []
        self.tops: list[float] = []
        self.height = 0.0
        self.revision = 0
        """Grows whenever the parts or their places change."""
        self.gap_above = _GAP_ABOVE_QUESTION if view.role == "user" else _GAP_ABOVE_ANSWER
        self._reading: WidgetPart | None = None
        self._lit: Citation | None = None  # the quote whose marks are lit
        self._stale: Iterator[Part] | None = None  # parts that have the layout of another width
        first = Parts(self._question(), view.text) if view.role == "user" else Parts(self._lead())
        self._sections: list[Section] = [first]
        self._shown = 0  # how many of the view's parts have a section; the last of them may grow
        self._at = 0  # the first section that may need a step
        self._tail: Iterator[Part | None] = iter(()) if view.role == "user" else self._ending()
        self._below: list[Part] = []  # the parts below an answer's text
        self._rest_from = 0.0
        self._finished = False
        self._add_sections()
        self._stack()

    def _question(self) -> Iterator[Part]:
        view = self.view
        beside = bool(view.text.strip())
        pictures = PictureStrip(view.pictures, self._parent, beside=beside) if view.pictures else None
        yield from bubble_parts(self._type, view.text, view.document_names, pictures)
        if self.view.notice:
            yield banner_part(self._type, self.view, self._parent)
        if self.view.branches > 1:
            yield FootPart(self._type, self.view)

    def _lead(self) -> Iterator[Part]:
        view = self.view
        if view.notice and not view.error and view.status != "interrupted":
            yield banner_part(self._type, view, self._parent)
        uncited = view.status == "streaming" or not view.citations
        if view.sources and uncited and not view.by_file and not _has_steps(view):
            yield SourcesPart(self._type, view, self.pills)

    def _ending(self) -> Iterator[Part | None]:
        """What stands below an answer. None is a step without a part: underlining, which is done here as well."""
        view = self.view
        if view.checked:
            self._gather()
            yield from mark_checked(self.parts, view, self.pills, self.width)
        sentences = []
        for sentence in view.unsupported:
            sentences.append(sentence_letters(sentence))
            yield None
        if sentences:
            self._gather()
            for _index, part in self.documents():
                part.mark_unsupported(sentences)
                yield None
        if view.error or (view.notice and view.status == "interrupted"):
            yield banner_part(self._type, view, self._parent)
        if view.status == "streaming":
            return
        if view.checked:
            yield checks_part(self._type, view, self._parent)
        elif facts := citation_facts(view):
            yield FactsPart(self._type, facts)
        if view.continued:
            yield FactsPart(self._type, [("branch", view.continued, "text_secondary")])
        if view.choices is not None:
            yield from self._mark_words(view.choices)
        yield FootPart(self._type, view)

    def _mark_words(self, choices: WordChoices) -> Iterator[Part | None]:
        """Mark the words of the answer, a part at each step; then how sure the model was of them."""
        if not choices.tokens:
            if choices.title:
                yield choices_part(self._type, choices, self._parent)
            return
        finder = WordFinder(choices.tokens)
        yield None
        self._gather()
        for part in list(self.parts):
            if isinstance(part, TextPart | CodePart):
                part.marks = finder.marks(part.document)
                yield None
        yield FactsPart(self._type, [("target", counted(finder.levels), "text_secondary")])

    def _add_sections(self) -> None:
        """Bring the last section up to date, then add one for each further part of the view."""
        if self.view.role == "user":
            return
        last = len(self.view.parts) - 1
        for number in range(max(0, self._shown - 1), last + 1):
            if number == self._shown:
                self._sections.append(self._section(self.view.parts[number]))
                self._shown += 1
            section, part = self._sections[number + 1], self.view.parts[number]
            if isinstance(section, Writing) and isinstance(part, Text):
                section.set_text(part.text)
            elif isinstance(section, Thoughts) and isinstance(part, Thinking):
                running = number == last and self.view.status == "streaming"
                section.show(part.text, self._figures_of(number), running=running)
            self._at = min(self._at, number + 1)
        self._show_steps()

    def _show_steps(self) -> None:
        """Bring the steps of tools up to date: a result comes later than its call."""
        view = self.view
        results = {part.id: part for part in view.parts if isinstance(part, ToolResult)}
        for section, part in zip(self._sections[1:], view.parts, strict=False):
            if isinstance(section, ToolStep) and isinstance(part, ToolCall):
                section.show(part, results.get(part.id), view.sources, running=view.status == "streaming")

    def _figures_of(self, number: int) -> ThinkingFigures:
        """The figures of the whole answer belong to its last piece of thinking."""
        thoughts = [each for each, part in enumerate(self.view.parts) if isinstance(part, Thinking)]
        return self.view.thinking if number == thoughts[-1] else ThinkingFigures()

    def _section(self, part: MessagePart) -> Section:
        match part:
            case Text():
                growing = self.view.status == "streaming"
                make = answer_maker(self._type, self.pills, self._parent, growing=growing)
                return Writing(make, frozenset(self.pills.by_number))
            case Thinking():
                return Thoughts(self._type, self._parent)
            case Image(path) | File(path):
                return Parts(note_parts(self._type, file_name(path)))
            case ToolCall():
                before = self.view.parts[self._shown - 1] if self._shown else None
                follows_step = isinstance(before, ToolCall | ToolResult)
                return ToolStep(self._type, self.pills, self._parent, follows_step=follows_step)
            case ToolResult(id, text):
                if any(isinstance(each, ToolCall) and each.id == id for each in self.view.parts):
                    return Parts(iter(()))  # the step of its call shows it
                words = tr("The tool answered: {text}", text=text)
                return Parts(note_parts(self._type, words), words)

    def grow(self, view: MessageView) -> None:
        """Take more of a streamed answer; only its last open block is parsed again, in the next steps."""
        self.view = view
        self._add_sections()
        self._finished = False

    # --- laying out in steps ------------------------------------------------------------------------------------

    def is_finished(self) -> bool:
        """Whether there is no step left."""
        return self._finished

    def work(self, most_us: int, seen: tuple[float, float] = (0.0, 0.0)) -> int:
        """Take steps until they took about `most_us` microseconds or all is done; those for the parts between two
        heights come first. Returns about how long it took."""
        spent = 0
        while spent < most_us and not self._finished:
            spent += self._step(seen) or 0
        if spent:
            self._stack()
        return spent

    def _step(self, seen: tuple[float, float]) -> int:
        if self._stale is not None:
            return self._refresh(seen)
        while self._at < len(self._sections):
            if cost := self._sections[self._at].step(self.width):
                return cost
            self._at += 1
        for part in self._tail:
            if part is not None:
                part.layout(self.width)
                self._below.append(part)
            return part.cost if part is not None else 500
        self._finished = True
        return 0

    def _refresh(self, seen: tuple[float, float]) -> int:
        """Lay out a part again for the present width: one of those seen, or else the next one."""
        visible = self.parts_between(*seen)
        part = next((self.parts[index] for index in visible if self.parts[index].width != self.width), None)
        if part is None and self._stale is not None:
            part = next((each for each in self._stale if each.width != self.width), None)
        if part is None:
            self._stale = None
            return 0
        part.layout(self.width)
        return part.cost

    def set_width(self, width: float) -> None:
        """Lay out for another width of the column, in the next steps."""
        if width != self.width:
            self.width = width
            self._renew()

    def _renew(self) -> None:
        self._stale = iter(list(self.parts))
        self._finished = False

    def _begin_again(self, section: Section) -> None:
        self._at = min(self._at, self._sections.index(section))
        self._finished = False

    def show_progress(self, progress: ReadingProgress | WaitingInLine | None) -> None:
        """Show, change or remove the row of prompt processing."""
        if progress is None:
            if self._reading is not None:
                self._reading.release()
                self._reading = None
        else:
            if self._reading is None:
                self._reading = WidgetPart(self._type, ReadingRow(self._parent))
            row = self._reading.widget()
            if isinstance(row, ReadingRow):
                row.show_progress(progress)
            self._reading.layout(self.width)
        self._stack()

    def unfold_as_in(self, other: MessageLayout) -> None:
        """Unfold the thoughts that are unfolded in another layout of this message."""
        for mine, theirs in zip(self._sections, other._sections, strict=False):
            if isinstance(mine, Thoughts) and isinstance(theirs, Thoughts) and theirs.is_open:
                mine.toggle()

    def toggle_thoughts(self, row: ThinkingRow) -> None:
        """Unfold or fold the thoughts below this row, in the next steps."""
        for section in self._sections:
            if isinstance(section, Thoughts) and section.row is not None and section.row.row is row:
                section.toggle()
                self._begin_again(section)
        self._stack()

    def press_step(self, button: QWidget) -> None:
        """Open or close the step of a tool, or show all that came back, in the next steps."""
        for section in self._sections:
            if isinstance(section, ToolStep) and section.owns(button):
                section.press(button)
                self._begin_again(section)
        self._stack()

    def toggle_fold(self, part: CodePart) -> None:
        """Show all lines of a block of code, or only the first ones again, in the next steps."""
        for section in self._sections:
            if isinstance(section, Writing) and part in section.parts:
                section.toggle_fold(part)
                self._begin_again(section)
        self._stack()

    def toggle_wrap(self, part: CodePart) -> None:
        """Wrap the long lines of a block of code, or scroll sideways again, in the next steps."""
        part.toggle_wrap()
        for each in self.parts:
            if isinstance(each, CodePart) and each.box is part.box:
                each.width = 0.0
        self._renew()

    def _gather(self) -> None:
        self.parts = [part for section in self._sections for part in section.parts] + self._below
        if self._reading is not None:
            self.parts.append(self._reading)

    def _stack(self) -> None:
        self._gather()
        y, self.tops = float(self.gap_above), []
        for part in self.parts:
            y += part.gap if self.tops else 0
            self.tops.append(y)
            y += part.height
        self._rest_from = y
        if not self._finished:
            rest = "".join(section.rest() for section in self._sections[self._at :])
            y += estimate(rest, self.width, self._type.scale) if rest else 0
        self.height = float(round(y + 0.49))
        self.revision += 1
        if self._lit is not None:  # a table may have a document of another width now
            self.light_quote(self._lit)
        if QAccessible.isActive():
            for part in self.parts:
                if isinstance(part, WordsPart):
                    part.lines()  # kept by the part: a screen reader asks for all of them at once

    # --- the parts ----------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, selection_of: Callable[[int], Selection], top: float, bottom: float) -> None:
        """Paint the parts between two heights of this message."""
        for index in self.parts_between(top, bottom):
            painter.save()
            painter.translate(0, self.tops[index])
            self.parts[index].paint(painter, selection_of(index))
            painter.restore()
        if not self._finished:
            self._paint_rest(painter, max(top, self._rest_from + 10), min(bottom, self.height - 10))

    def _paint_rest(self, painter: QPainter, top: float, bottom: float) -> None:
        """Paint grey bars in the place of text that is not laid out yet."""
        line = self._type.line("reading")
        first = self._rest_from + 10
        y = first + line * max(0, int((top - first) // line))
        while y + 10 < bottom:
            painter.fillRect(QRectF(0, y, self.width, 10), self._type.colour("surface_sunken"))
            y += line

    def parts_between(self, top: float, bottom: float) -> range:
        """The indexes of the parts between two heights."""
        first = max(0, bisect_right(self.tops, top) - 1)
        last = bisect_right(self.tops, bottom)
        if first < last and self.tops[first] + self.parts[first].height <= top:
            first += 1
        return range(first, last)

    def part_at(self, y: float) -> int:
        """The part at `y`, or the nearest one above it."""
        return max(0, bisect_right(self.tops, y) - 1) if self.parts else -1

    def documents(self) -> Sequence[tuple[int, WordsPart]]:
        """The parts with text, by index."""
        return [(index, part) for index, part in enumerate(self.parts) if isinstance(part, WordsPart)]

    def _marks(self) -> Iterator[tuple[int, DocumentPart, WordMarks]]:
        for index, part in enumerate(self.parts):
            if isinstance(part, DocumentPart) and part.marks is not None:
                yield index, part, part.marks

    def words(self) -> list[int]:
        """The numbers of the tokens whose words are marked, in order."""
        return [number for _index, _part, marks in self._marks() for number in marks.numbers]

    def word_rect(self, token: int) -> QRectF:
        """The rectangle of a marked word in this message; of its beginning, if a line ends within it."""
        for index, part, marks in self._marks():
            for rect in marks.rects(token):
                return rect.translated(part.origin()).translated(0, self.tops[index])
        return QRectF()

    def light(self, token: int) -> None:
        """Light a word, and show the ends of all words of its sentence; -1 lights none."""
        tokens = self.view.choices.tokens if self.view.choices is not None else ()
        sentence = sentence_around(tokens, token) if 0 <= token < len(tokens) else range(0)
        for _index, _part, marks in self._marks():
            marks.lit, marks.sentence = token, sentence

    def cited(self, mark: Anchor) -> Citation:
        """The quote behind a citation mark; marks with the same number may have different quotes."""
        found = next((quote for _part, anchor, quote in marked_quotes(self.parts, self.view) if anchor is mark), None)
        return found or self.pills.by_number[mark.citation]

    def checked(self, mark: Anchor) -> CheckedSentence | None:
        """What the documents say about the sentence before a citation mark, if that was looked at."""
        return next(
            (checked for _part, anchor, checked in checked_marks(self.parts, self.view) if anchor is mark), None
        )

    def light_quote(self, quote: Citation | None) -> None:
        """Light the marks that this quote stands behind, and no others of its passage; None lights none."""
        self._lit = quote
        self.pills.active = lit_places(self.parts, self.view, quote)

    def to_look_at(self) -> list[tuple[int, Anchor]]:
        """The marks that need a look, in the order of the text, each with the index of its part."""
        return [
            (self.parts.index(part), anchor)
            for part, anchor, checked in checked_marks(self.parts, self.view)
            if checked is not None and checked.check.needs_a_look
        ]

    def fold_checks(self, card: ChecksCard) -> None:
        """Make room for the rows of a card that was unfolded, or take it back."""
        for part in self.parts:
            if isinstance(part, WidgetPart) and part.widget() is card:
                part.layout(self.width)
        self._stack()

    def foot_index(self) -> int | None:
        """The index of the part that keeps room for the buttons, None without one."""
        return next((i for i, part in enumerate(self.parts) if isinstance(part, FootPart)), None)

    def text(self) -> str:
        """All text of this message, part by part."""
        words = [*self._files(), joined((part, _words(part)) for part in self.parts), *self._status()]
        return "\n\n".join(word for word in words if word)

    def lines(self) -> list[str]:
        """All text of this message, with lines broken as on screen."""
        words: list[str] = []
        for part in self.parts:
            if isinstance(part, WordsPart):
                words += part.lines()
            elif isinstance(part, FactsPart):
                words.append(part.text())
        return [line for line in [*self._files(), *words, *self._status()] if line]

    def _files(self) -> list[str]:
        return self.view.file_names if self.view.role == "user" else []

    def _status(self) -> list[str]:
        view = self.view
        choices = [view.choices.title, view.choices.text] if view.choices is not None else []
        return [view.notice, view.notice_text, view.error, view.error_text, *choices, view.foot]

    def release(self) -> list[Part]:
        """Delete all widgets of this message; returns its parts, which are to be deleted bit by bit."""
        self._gather()
        parts, self.parts, self._sections, self._below = self.parts, [], [], []
        for part in parts:
            part.release()
        return parts


def _has_steps(view: MessageView) -> bool:
    return any(isinstance(part, ToolCall) for part in view.parts)


def _words(part: Part) -> str:
    return part.text() if isinstance(part, WordsPart | FactsPart) else ""


def joined(texts: Iterable[tuple[Part, str]]) -> str:
    """The texts of parts: a blank line between blocks, and between slices of one block what stands there."""
    whole = ""
    for part, text in texts:
        if text:
            whole += (part.joint if part.joint is not None else "\n\n") + text if whole else text
    return whole
