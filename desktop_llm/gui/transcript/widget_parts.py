"""Parts that are real widgets or lines of status: thinking row, banners, reading progress, checked quotes, the foot."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.markdown import Run
from desktop_llm.gui.transcript.documents import DocumentWriter, new_document
from desktop_llm.gui.transcript.parts import DocumentPart, Part, Selection, discard
from desktop_llm.gui.transcript.pills import CitationPills
from desktop_llm.gui.transcript.typography import Typography
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress
from desktop_llm.gui.widgets import Banner, Button, Label, ProgressBar, Spinner
from desktop_llm.gui.widgets.banner import BannerKind
from desktop_llm.gui.widgets.painting import RING_MARGIN

FOOT_HEIGHT = 28


class WidgetPart(Part):
    """A part that is one real widget as wide as the column, or as it wants to be."""

    def __init__(self, type_: Typography, widget: QWidget, *, whole_width: bool = True, outset: int = 0) -> None:
        super().__init__(type_)
        self._widget, self._whole, self._outset = widget, whole_width, outset

    def layout(self, width: float) -> None:
        """As high as the widget needs at this width."""
        super().layout(width)
        height = self._widget.heightForWidth(int(width)) if self._widget.hasHeightForWidth() else -1
        self.height = max(height, self._widget.sizeHint().height()) - 2 * self._outset

    def widget(self) -> QWidget:
        """The widget."""
        return self._widget

    def has_widget(self) -> bool:
        """It is made before the part."""
        return True

    def widget_is(self, widget: QWidget | None) -> bool:
        """Whether this is the part of that widget."""
        return widget is self._widget

    def widget_rect(self) -> QRect:
        """The whole part; a ring margin hangs over its edges."""
        width = round(self.width) if self._whole else min(self._widget.sizeHint().width(), round(self.width) + 6)
        grow = self._outset
        return QRect(-grow, -grow, width + (2 * grow if self._whole else 0), round(self.height) + 2 * grow)

    def release(self) -> None:
        """Delete the widget."""
        discard(self._widget)


class ThinkingRow(Button):
    """The folded row "Thought for 6 s": pressing it shows the thoughts."""

    def __init__(self, text: str, note: str, parent: QWidget) -> None:
        super().__init__(text, "bulb", object_name="thinking_row", parent=parent)
        self._note = note
        self._open = False
        self.setFont(theme.current().font("ui"))
        self.setAccessibleName(f"{text}, {note}" if note else text)

    def set_open(self, is_open: bool) -> None:
        """Point the chevron down or to the side."""
        self._open = is_open
        self.update()

    def _content_width(self) -> int:
        note = self.fontMetrics().horizontalAdvance(self._note) + 8 if self._note else 0
        return 24 + super()._content_width() + note

    def _inks(self) -> tuple[str, str]:
        return "text_secondary", "text_secondary"

    def _draw_content(self, painter: QPainter, rect: QRect) -> None:
        x, ink = rect.x() + 12, "text_secondary"
        for name in ("down" if self._open else "right", "bulb"):
            icons.paint_icon(painter, name, ink, QRect(x, rect.y(), 16, rect.height()), 14)
            x += 24
        painter.setFont(self.font())
        for words, colour in ((self.text(), ink), (self._note, "text_tertiary")):
            painter.setPen(theme.current().colour(colour))
            width = self.fontMetrics().horizontalAdvance(words)
            painter.drawText(QRect(x, rect.y(), width + 1, rect.height()), Qt.AlignmentFlag.AlignVCenter, words)
            x += width + 8


def thinking_part(type_: Typography, view: MessageView, parent: QWidget) -> WidgetPart:
    """The folded row of an answer's thoughts."""
    running = view.status == "streaming" and not view.text
    head, _, note = view.thinking_note.partition(", ")
    words = head or (parent.tr("Thinking") if running else parent.tr("Thought"))
    return WidgetPart(type_, ThinkingRow(words, note, parent), whole_width=False, outset=RING_MARGIN)


def banner_part(type_: Typography, view: MessageView, parent: QWidget) -> WidgetPart:
    """The error or, without one, the notice of a message, with its actions."""
    title, _, rest = (view.error or view.notice).partition(". ")
    title = f"{title}." if rest else title
    if view.error:
        banner = Banner(title, rest, view.actions, kind="danger", object_name="message_error", parent=parent)
    else:
        kind: BannerKind = "warning" if view.status == "interrupted" else "info"
        banner = Banner(
            title, rest, view.actions, kind=kind, icon=view.notice_icon, object_name="message_notice", parent=parent
        )
    return WidgetPart(type_, banner)


class ReadingRow(QWidget):
    """Prompt processing: what is read, how much of it, how long it will take."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("reading_progress")
        self._title, self._detail = Label("", "ui"), Label("", "small", "text_secondary")
        self._bar = ProgressBar(object_name="reading_progress_bar", accessible_name=self.tr("Reading"))
        self._bar.setMaximumWidth(340)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(Spinner(16))
        head.addWidget(self._title, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._bar)
        column.addWidget(self._detail)

    def show_progress(self, progress: ReadingProgress) -> None:
        """Show these numbers."""
        self._title.setText(progress.title())
        self._detail.setText(progress.detail())
        self._bar.set_fraction(progress.fraction)
        self.setAccessibleName(f"{progress.title()}, {progress.detail()}")

    def sizeHint(self) -> QSize:
        """The three lines."""
        return QSize(340, super().sizeHint().height())


class FactsPart(Part):
    """ "2 quotes found word for word" and "1 sentence is not from your documents"."""

    def __init__(self, type_: Typography, view: MessageView, parent: QWidget) -> None:
        super().__init__(type_)
        self.facts = [*_quote_facts(view, parent), *_sentence_facts(view, parent)]

    def layout(self, width: float) -> None:
        """One line, or one each where they do not fit side by side."""
        super().layout(width)
        self.height = 20.0 * (1 if self._fits() else len(self.facts))

    def _advance(self, words: str) -> int:
        return QFontMetrics(self.type.font("small")).horizontalAdvance(words) + 20

    def _fits(self) -> bool:
        return sum(self._advance(words) + 16 for _icon, words, _colour in self.facts) <= self.width + 16

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Icon and words of each fact."""
        x, y, in_row = 0, 0, self._fits()
        painter.setFont(self.type.font("small"))
        for icon, words, colour in self.facts:
            icons.paint_icon(painter, icon, colour, QRect(x, y, 14, 20), 14)
            painter.setPen(self.type.colour(colour))
            line = QRectF(x + 20, y, self.width, 20)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
            x, y = (x + self._advance(words) + 16, y) if in_row else (x, y + 20)

    def text(self) -> str:
        """The facts as sentences."""
        return " ".join(f"{words}." for _icon, words, _colour in self.facts)


def _quote_facts(view: MessageView, parent: QWidget) -> list[tuple[str, str, str]]:
    if not view.citations:
        return []
    found = sum(citation.verified for citation in view.citations)
    missing = len(view.citations) - found
    facts = []
    if found:
        words = parent.tr("1 quote found word for word")
        if found > 1:
            words = parent.tr("{count} quotes found word for word").format(count=found)
        facts.append(("check", words, "success_text"))
    if missing:
        words = parent.tr("1 quote not found: treat with care")
        if missing > 1:
            words = parent.tr("{count} quotes not found: treat with care").format(count=missing)
        facts.append(("warn", words, "warning_text"))
    return facts


def _sentence_facts(view: MessageView, parent: QWidget) -> list[tuple[str, str, str]]:
    count = len(view.unsupported)
    if not count:
        return []
    words = parent.tr("1 sentence is not from your documents")
    if count > 1:
        words = parent.tr("{count} sentences are not from your documents").format(count=count)
    return [("info", words, "warning_text")]


class SourcesPart(DocumentPart):
    """The passages given to the model, before the answer cites any of them."""

    def __init__(self, type_: Typography, view: MessageView, pills: CitationPills) -> None:
        super().__init__(type_, new_document(type_, "small", pills))
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        writer = DocumentWriter(cursor, type_, "small", "text_secondary")
        block = type_.block_format("small")
        block.setLineHeight(type_.px(22), 2)
        writer.begin(block, type_.text_format("small", "text_secondary"))
        for source in view.sources:
            place = f", page {source.page}" if source.page is not None else ""
            name = _shortened(PurePath(source.document).name)
            writer.runs(
                (Run(f"{name}{place}".replace(" ", "\u00a0")), Run("", citation=source.number), Run("  ")), "small"
            )
        cursor.endEditBlock()
        self.anchors = writer.anchors

    def layout(self, width: float) -> None:
        """Break the lines between passages."""
        super().layout(width)
        self.document.setTextWidth(width)
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Pills and names."""
        self.paint_document(painter, selection)


def _shortened(name: str, most: int = 40) -> str:
    """A long file name without its middle."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - most // 2 :]}"


class FootPart(Part):
    """Room for the buttons of a message, and the figures of an answer at the right."""

    gap = 6

    def __init__(self, type_: Typography, view: MessageView) -> None:
        super().__init__(type_)
        self._words = view.foot
        self.tip = view.foot_tip

    def layout(self, width: float) -> None:
        """One row."""
        super().layout(width)
        self.height = max(FOOT_HEIGHT, QFontMetrics(self.type.font("figures")).height() + 8)

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """The figures, unless there is no room for all of them beside the buttons."""
        if self.words_fit():
            painter.setFont(self.type.font("figures"))
            painter.setPen(self.type.colour("text_secondary"))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(0, 0, self.width, self.height), flags, self._words)

    def words_fit(self) -> bool:
        """Whether the figures are shown; else they are in the tooltip."""
        return QFontMetrics(self.type.font("figures")).horizontalAdvance(self._words) < self.width - 200
