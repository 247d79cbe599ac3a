"""A step in which a tool ran: one row that says what it did, and below it, while it is open, what came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop_llm.conversation import tools
from desktop_llm.conversation.tool_words import step_words
from desktop_llm.gui.chat.transcript.bubble_part import cut_plain
from desktop_llm.gui.chat.transcript.parts import CitationPills, DocumentPart, Part, Selection
from desktop_llm.gui.chat.transcript.sections import Section
from desktop_llm.gui.chat.transcript.widget_parts import WidgetPart
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.formats import decimal, file_name, locale, plain
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.markdown import Run
from desktop_llm.gui.look.rich_text import DocumentWriter, Typography, new_document
from desktop_llm.gui.look.widgets import Button, Spinner
from desktop_llm.gui.look.widgets.painting import RING_MARGIN
from desktop_llm.message import Citation, ToolCall, ToolResult
from desktop_llm.words import plural, tr

MOST_ROWS = 6
_MOST_CHARACTERS = 600  # of the lines that are shown at first
_ROW_HEIGHT = 28
_ICON_AT, _WORDS_AT = 23, 46
_ICONS = {tools.SEARCH: "search", tools.READ: "filetext", tools.CALCULATE: "calculator", tools.DATE: "clock"}
_SHORTEST_SHOWN_S = 0.1


_Shown = tuple[ToolCall, ToolResult | None, Sequence[Citation], bool]


class ToolStepRow(Button):
    """The row of a step: chevron, icon, sentence, time. Pressing it shows what came back."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("", object_name="tool_step", parent=parent)
        self._open, self._failed, self._time = False, False, ""
        self._spinner = Spinner(14, self)
        self._spinner.hide()
        self.setFont(theme.current().font("ui"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_step(
        self, call: ToolCall, result: ToolResult | None, sources: Sequence[Citation], *, running: bool
    ) -> None:
        """Show what the tool does, did, or could not do; without a result and not `running`, it was stopped."""
        words = plain(step_words(call, result, sources))
        if result is None and not running:
            words = tr("Stopped: {step}", step=words)
        self._failed = result is not None and result.failed
        self._time = _time_words(result.seconds) if result is not None else ""
        self._spinner.setVisible(result is None and running)
        self.set_content(words, "warn" if self._failed else _ICONS.get(call.name, "tool"))
        self.setAccessibleName(", ".join(part for part in (words, self._time) if part))
        set_tip(self, words)

    def set_open(self, is_open: bool) -> None:
        """Point the chevron down (open) or to the side."""
        self._open = is_open
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as its words, and 28 px high without the margin for the focus ring."""
        width = _WORDS_AT + self.fontMetrics().horizontalAdvance(self.text()) + self._time_width() + 8
        height = max(_ROW_HEIGHT, self.fontMetrics().height() + 8)
        return QSize(width + 2 * RING_MARGIN, height + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """A long sentence is cut; the tooltip has all of it."""
        return QSize(120, self.sizeHint().height())

    def _time_width(self) -> int:
        metrics = QFontMetrics(theme.current().font("small"))
        return metrics.horizontalAdvance(self._time) + 20 if self._time else 0

    def _draw_background(self, painter: QPainter, rect: QRect) -> None:
        """Paint none: it is a line of the answer."""

    def _draw_content(self, painter: QPainter, rect: QRect) -> None:
        ink = "text_primary" if self.underMouse() else "text_secondary"
        chevron = QRect(rect.x(), rect.y(), 16, rect.height())
        icons.paint_icon(painter, "down" if self._open else "right", ink, chevron, 14)
        place = chevron.translated(_ICON_AT, 0)
        if self._spinner.isVisible():
            self._spinner.move(place.x() + 1, rect.y() + (rect.height() - self._spinner.height()) // 2)
        else:
            icons.paint_icon(painter, self._icon_name, "warning_text" if self._failed else ink, place)
        words = rect.adjusted(_WORDS_AT, 0, -self._time_width(), 0)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, words.width())
        painter.setFont(self.font())
        painter.setPen(theme.current().colour(ink))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
        painter.setFont(theme.current().font("small"))
        painter.setPen(theme.current().colour("text_secondary"))
        right = words.x() + min(words.width(), self.fontMetrics().horizontalAdvance(text)) + 20
        painter.drawText(QRect(right, rect.y(), 200, rect.height()), Qt.AlignmentFlag.AlignVCenter, self._time)


class ToolStepPart(WidgetPart):
    """The row of a step in a message."""

    def __init__(self, type_: Typography, parent: QWidget) -> None:
        self.row = self.button = ToolStepRow(parent)
        super().__init__(type_, self.row, whole_width=False, outset=RING_MARGIN)


class ShowAllPart(WidgetPart):
    """The button below the first rows of what came back."""

    gap = 0

    def __init__(self, type_: Typography, parent: QWidget, hidden: int) -> None:
        words = plural("Show all, %n more", "Show all, %n more", hidden)
        self.button = Button(words, kind="quiet", object_name="tool_step_show_all", height=24, parent=parent)
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        super().__init__(type_, self.button, whole_width=False, outset=RING_MARGIN)

    def widget_rect(self) -> QRect:
        """As far in as the rows above it."""
        return super().widget_rect().translated(round(self.type.px(14)), 0)


class ResultPart(DocumentPart):
    """Some of what came back, with a line at its left: passages with their marks, or plain text."""

    gap = 0

    def __init__(self, type_: Typography, pills: CitationPills | None, joint: str | None = None) -> None:
        super().__init__(type_, new_document(type_, "ui", pills))
        self.joint = joint
        self.writer = DocumentWriter(QTextCursor(self.document), type_, "ui", "text_secondary")

    def add(self, *runs: Run) -> None:
        """Add a row."""
        block = self.type.block_format("ui")
        block.setLineHeight(self.type.px(24), 2)
        self.writer.begin(block, self.type.text_format("ui", "text_secondary"))
        self.writer.runs(runs, "ui")
        self.anchors = self.writer.anchors

    def origin(self) -> QPointF:
        """The position of the text, to the right of the line."""
        return QPointF(self.type.px(26), 0)

    def layout(self, width: float) -> None:
        """Break the lines."""
        super().layout(width)
        self.document.setTextWidth(width - self.origin().x())
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the line and the rows."""
        painter.fillRect(QRectF(7, 0, 2, self.height), self.type.colour("border"))
        self.paint_document(painter, selection)


class ToolStep(Section):
    """The row of a step, and what came back while it is open."""

    def __init__(self, type_: Typography, pills: CitationPills, parent: QWidget, *, follows_step: bool) -> None:
        super().__init__()
        self._type, self._pills, self._parent = type_, pills, parent
        self._gap = 0 if follows_step else Part.gap
        self._shown: _Shown = (ToolCall("", "", ""), None, (), False)
        self._row: ToolStepPart | None = None
        self._open = self._whole = False
        self._coming: Iterator[Part] = iter(())

    def show(self, call: ToolCall, result: ToolResult | None, sources: Sequence[Citation], *, running: bool) -> None:
        """Set what the step shows."""
        if self._shown == (call, result, sources, running):
            return
        self._shown = (call, result, sources, running)
        if self._row is not None:
            self._row.row.show_step(call, result, sources, running=running)
            self._row.layout(self._row.width)

    def owns(self, button: QWidget | None) -> bool:
        """Whether this is the row, or the button that shows all."""
        return any(isinstance(part, WidgetPart) and part.widget() is button for part in self.parts)

    def press(self, button: QWidget | None) -> None:
        """Open or close the step, or show all that came back."""
        is_row = self._row is not None and button is self._row.row
        self._open, self._whole = (not self._open, False) if is_row else (True, True)
        for part in self.parts[1:]:
            part.release()
        del self.parts[1:]
        if self._row is not None:
            self._row.row.set_open(self._open)
        self._coming = self._content() if self._open else iter(())

    def step(self, width: float) -> int:
        """Make the row, then the parts below it."""
        if self._row is None:
            call, result, sources, running = self._shown
            self._row = ToolStepPart(self._type, self._parent)
            self._row.gap = self._gap
            self._row.row.show_step(call, result, sources, running=running)
        part = next(self._coming, None) if self.parts else self._row
        if part is None:
            return 0
        part.layout(width)
        self.parts.append(part)
        return part.cost

    def _content(self) -> Iterator[Part]:
        call, result, sources, _ = self._shown
        if result is None:
            return
        if call.name == tools.SEARCH and (passages := tools.passages_in(result.text, sources)):
            yield from self._passages(passages)
        else:
            # The first paragraph tells the model what it reads.
            text = tools.came_back(result)
            yield from self._text(text.partition("\n\n")[2] if call.name == tools.READ and not result.failed else text)

    def _passages(self, passages: Sequence[Citation]) -> Iterator[Part]:
        shown = passages if self._whole else passages[:MOST_ROWS]
        part = ResultPart(self._type, self._pills)
        for passage in shown:
            page = tr("page {page}", page=passage.page) if passage.page is not None else plain(passage.place)
            relevance = tr("relevance {score}", score=locale().toString(passage.score, "f", 2))
            where = ", ".join(words for words in (page, relevance) if words)
            name = Run(file_name(passage.document), bold=True)
            part.add(Run("", citation=passage.number), Run("  "), name, Run(f"  {where}"))
        yield part
        if len(passages) > len(shown):
            yield ShowAllPart(self._type, self._parent, len(passages) - len(shown))

    def _text(self, text: str) -> Iterator[Part]:
        lines = text.strip().split("\n")
        first = "\n".join(lines[:MOST_ROWS])[:_MOST_CHARACTERS]
        if self._whole or len(first) == len(text.strip()):
            for piece, joint in cut_plain(text.strip()):
                part = ResultPart(self._type, None, joint)
                part.add(Run(piece))
                yield part
            return
        part = ResultPart(self._type, None)
        part.add(Run(f"{first} …"))
        yield part
        yield ShowAllPart(self._type, self._parent, max(1, len(lines) - MOST_ROWS))


def _time_words(seconds: float) -> str:
    if seconds < _SHORTEST_SHOWN_S:
        return tr("under {seconds} s", seconds=decimal(_SHORTEST_SHOWN_S))
    return tr("{seconds} s", seconds=decimal(round(seconds, 1)))
