"""What the person wrote: plain text in a bubble at the right, with the files sent along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QTextCursor

from desktop_llm.gui import icons
from desktop_llm.gui.markdown import Run
from desktop_llm.gui.transcript.documents import DocumentWriter, new_document
from desktop_llm.gui.transcript.parts import DocumentPart, Selection
from desktop_llm.gui.transcript.typography import Typography


class BubblePart(DocumentPart):
    """A message of the person: plain text as typed, in a bubble at the right, with the files sent along."""

    gap = 16
    _PADDING_X, _PADDING_Y, _CHIP = 14, 8, 24

    def __init__(self, type_: Typography, text: str, attachments: Sequence[str]) -> None:
        super().__init__(type_, new_document(type_, "reading"))
        self._names = [PurePath(path).name for path in attachments]
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        writer = DocumentWriter(cursor, type_)
        for number, line in enumerate(text.split("\n")):
            writer.begin(type_.block_format("reading"), type_.text_format("reading", "text_primary"))
            if line or number:
                writer.runs((Run(line),), "reading")
        cursor.endEditBlock()
        self._box = QRectF()

    def _chips_height(self) -> float:
        return len(self._names) * (self._CHIP + 2) + (6 if self._names else 0)

    def origin(self) -> QPointF:
        """Inside the bubble, below the files."""
        corner = self._box.topLeft()
        return QPointF(corner.x() + self._PADDING_X, corner.y() + self._PADDING_Y + self._chips_height())

    def layout(self, width: float) -> None:
        """As wide as the words need, at most 88 % of the column."""
        super().layout(width)
        most = width * 0.88 - 2 * self._PADDING_X
        self.document.setTextWidth(most)
        metrics = QFontMetrics(self.type.font("ui"))
        chips = max((metrics.horizontalAdvance(name) + 30 for name in self._names), default=0)
        inner = min(most, max(self.document.idealWidth() + 1, chips))
        self.document.setTextWidth(inner)
        outer = inner + 2 * self._PADDING_X
        height = self.document.size().height() + 2 * self._PADDING_Y + self._chips_height()
        self._box = QRectF(width - outer, 0, outer, height)
        self.height = self._box.height()

    def box(self) -> QRectF:
        """The bubble in the part's coordinates."""
        return self._box

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Bubble, files, words."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(_bubble_path(self._box), self.type.colour("bubble_user"))
        painter.setFont(self.type.font("ui"))
        painter.setPen(self.type.colour("text_secondary"))
        metrics = QFontMetrics(self.type.font("ui"))
        y = self._box.y() + self._PADDING_Y
        for name in self._names:
            line = QRect(round(self._box.x() + self._PADDING_X), round(y), 16, self._CHIP)
            icons.paint_icon(painter, "file", "text_secondary", line, 14)
            room = round(self._box.width()) - 2 * self._PADDING_X - 22
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(
                QRect(line.x() + 22, line.y(), room + 1, line.height()), Qt.AlignmentFlag.AlignVCenter, shown
            )
            y += line.height() + 2
        self.paint_document(painter, selection)


def _bubble_path(box: QRectF, radius: float = 12, corner: float = 4) -> QPainterPath:
    """Round, but nearly square at the bottom right, where it is spoken from."""
    path = QPainterPath(QPointF(box.left() + radius, box.top()))
    path.lineTo(box.right() - radius, box.top())
    path.arcTo(QRectF(box.right() - 2 * radius, box.top(), 2 * radius, 2 * radius), 90, -90)
    path.lineTo(box.right(), box.bottom() - corner)
    path.arcTo(QRectF(box.right() - 2 * corner, box.bottom() - 2 * corner, 2 * corner, 2 * corner), 0, -90)
    path.lineTo(box.left() + radius, box.bottom())
    path.arcTo(QRectF(box.left(), box.bottom() - 2 * radius, 2 * radius, 2 * radius), 270, -90)
    path.lineTo(box.left(), box.top() + radius)
    path.arcTo(QRectF(box.left(), box.top(), 2 * radius, 2 * radius), 180, -90)
    return path
