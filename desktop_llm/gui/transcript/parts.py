"""The parts a message is stacked from: running text and rules; bubbles, code, tables and widgets have own modules.

A part knows its width and height and paints itself at (0, 0). Parts with words own one `QTextDocument`; selections
and hits are positions in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QPainter,
    QPalette,
    QPen,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QWidget

from desktop_llm.gui import markdown
from desktop_llm.gui.transcript.documents import (
    Anchor,
    DocumentWriter,
    find_letters,
    new_document,
    range_rects,
    selected_text,
)
from desktop_llm.gui.transcript.pills import CitationPills
from desktop_llm.gui.transcript.typography import Typography

Selection = tuple[int, int] | None
"""Positions [start, end) in a part's document."""


class Part:
    """Something with a height in the column of a message."""

    gap = 10
    """Pixels between this part and the one above it."""

    tip = ""
    """What a tooltip over the part says."""

    def __init__(self, type_: Typography) -> None:
        self.type = type_
        self.width = 0.0
        self.height = 0.0

    def layout(self, width: float) -> None:
        """Take a width and find the height for it."""
        self.width = width

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint at (0, 0)."""

    def widget(self) -> QWidget | None:
        """The real widget of this part, if it has one; the transcript places it."""
        return None

    def has_widget(self) -> bool:
        """Whether the widget was made already."""
        return False

    def widget_is(self, widget: QWidget | None) -> bool:
        """Whether this is the part of that widget."""
        return False

    def widget_rect(self) -> QRect:
        """Where the widget belongs, in the part's coordinates."""
        return QRect(0, 0, round(self.width), round(self.height))

    def release(self) -> None:
        """Let go of the widget, because the message is far from view or gone."""


def discard(widget: QWidget) -> None:
    """Take a widget away now and delete it once nothing is running in it."""
    widget.hide()
    widget.deleteLater()


class DocumentPart(Part):
    """A part whose words lie in a document."""

    def __init__(self, type_: Typography, document: QTextDocument) -> None:
        super().__init__(type_)
        self.document = document
        self.anchors: list[Anchor] = []
        self.unsupported: list[tuple[int, int]] = []

    def origin(self) -> QPointF:
        """Where the document lies in the part."""
        return QPointF(0, 0)

    def mark_unsupported(self, sentences: Sequence[str]) -> None:
        """Underline those of the sentences (as `sentence_letters`) that stand here."""
        self.unsupported = find_letters(self.document, sentences)

    def length(self) -> int:
        """The last position of the document."""
        return self.document.characterCount() - 1

    def text(self, selection: Selection = None) -> str:
        """The words, or those of a selection."""
        start, end = selection or (0, self.length())
        return selected_text(self.document, start, end)

    def position_at(self, point: QPointF) -> int:
        """The position nearest to a point of the part."""
        hit = self.document.documentLayout().hitTest(point - self.origin(), Qt.HitTestAccuracy.FuzzyHit)
        return max(0, hit)

    def anchor_at(self, point: QPointF) -> Anchor | None:
        """The link or citation under a point of the part."""
        inside = point - self.origin()
        for anchor in self.anchors:
            if any(rect.contains(inside) for rect in range_rects(self.document, anchor.start, anchor.end)):
                return anchor
        return None

    def word_at(self, point: QPointF) -> tuple[int, int]:
        """The word at a point of the part."""
        cursor = QTextCursor(self.document)
        cursor.setPosition(min(self.position_at(point), self.length()))
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return cursor.selectionStart(), cursor.selectionEnd()

    def contains_words(self, point: QPointF) -> bool:
        """Whether a point lies where words can be selected."""
        inside = point - self.origin()
        return QRectF(QPointF(0, 0), self.document.size()).contains(inside)

    def anchor_rects(self, anchor: Anchor) -> list[QRectF]:
        """Where a link or citation lies in the part."""
        rects = range_rects(self.document, anchor.start, anchor.end)
        return [rect.translated(self.origin()) for rect in rects]

    def paint_document(self, painter: QPainter, selection: Selection) -> None:
        """The words, what is selected of them, and the dotted lines under unsupported sentences."""
        painter.save()
        painter.translate(self.origin())
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, self.type.colour("text_primary"))
        if selection is not None:
            context.selections = [self._selection(selection)]
        self.document.documentLayout().draw(painter, context)
        for start, end in self.unsupported:
            self._underline(painter, start, end)
        painter.restore()

    def _selection(self, selection: tuple[int, int]) -> QAbstractTextDocumentLayout.Selection:
        result = QAbstractTextDocumentLayout.Selection()
        cursor = QTextCursor(self.document)
        cursor.setPosition(min(selection[0], self.length()))
        cursor.setPosition(min(selection[1], self.length()), QTextCursor.MoveMode.KeepAnchor)
        format_ = QTextCharFormat()
        format_.setBackground(self.type.colour("text_selection"))
        result.cursor = cursor
        result.format = format_
        return result

    def _underline(self, painter: QPainter, start: int, end: int) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(self.type.colour("warning_fill"), 2, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.RoundCap)
        pen.setDashPattern([0.01, 2])
        painter.setPen(pen)
        for rect in range_rects(self.document, start, end):
            painter.drawLine(QPointF(rect.left() + 1, rect.bottom() - 1.5), QPointF(rect.right(), rect.bottom() - 1.5))


class TextPart(DocumentPart):
    """A paragraph, heading, list or quote of an answer."""

    def __init__(self, type_: Typography, block: markdown.Block, pills: CitationPills | None) -> None:
        super().__init__(type_, new_document(type_, "reading", pills))
        self._bar = isinstance(block, markdown.Quote)
        self.gap = 16 if isinstance(block, markdown.Heading) else 10
        writer = DocumentWriter(
            QTextCursor(self.document), type_, colour="text_secondary" if self._bar else "text_primary"
        )
        writer.write(block.blocks if isinstance(block, markdown.Quote) else [block])
        self.anchors = writer.anchors

    def origin(self) -> QPointF:
        """A quote stands right of its bar."""
        return QPointF(self.type.px(16) if self._bar else 0, 0)

    def layout(self, width: float) -> None:
        """Break the lines."""
        super().layout(width)
        self.document.setTextWidth(width - self.origin().x())
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Words, and the bar of a quote."""
        if self._bar:
            painter.fillRect(QRectF(0, 0, 3, self.height), self.type.colour("border"))
        self.paint_document(painter, selection)


class ThoughtPart(DocumentPart):
    """What a model thought, once unfolded: smaller, greyer, with a line at its left."""

    def __init__(self, type_: Typography, text: str) -> None:
        super().__init__(type_, new_document(type_, "table"))
        writer = DocumentWriter(QTextCursor(self.document), type_, "table", "text_secondary")
        writer.write(markdown.parse(text))

    def origin(self) -> QPointF:
        """Right of the line."""
        return QPointF(self.type.px(16), 2)

    def layout(self, width: float) -> None:
        """Break the lines."""
        super().layout(width)
        self.document.setTextWidth(width - self.origin().x())
        self.height = self.document.size().height() + 4

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Words and line."""
        painter.fillRect(QRectF(4, 0, 2, self.height), self.type.colour("border"))
        self.paint_document(painter, selection)


class RulePart(Part):
    """A line across the column."""

    def layout(self, width: float) -> None:
        """A hairline with room around it."""
        super().layout(width)
        self.height = 9

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """The hairline."""
        painter.fillRect(QRectF(0, 4, self.width, 1), self.type.colour("border"))
