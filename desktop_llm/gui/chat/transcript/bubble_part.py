"""The question of a person: a bubble at the right, and how long plain text is cut into slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QPainterPath, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.parts import DocumentPart, Selection, cost_of, discard
from desktop_llm.gui.chat.transcript.picture_strip import PictureStrip
from desktop_llm.gui.look import icons
from desktop_llm.gui.look.markdown import Run
from desktop_llm.gui.look.rich_text import DocumentWriter, Typography, new_document
from desktop_llm.gui.look.widgets.painting import RING_MARGIN

_LONGEST_PIECE, _MOST_LINES = 4000, 100


def cut_plain(text: str) -> Iterator[tuple[str, str | None]]:
    """Plain text in pieces that are cheap to lay out, each with what joins it to the piece before."""
    start, joint = 0, None
    while True:
        end, lines, at_line = start, 0, False
        while lines < _MOST_LINES:
            line_end = text.find("\n", end, start + _LONGEST_PIECE + 1)
            if line_end < 0:
                break
            end, lines, at_line = line_end + 1, lines + 1, True
        if len(text) - start <= _LONGEST_PIECE and lines < _MOST_LINES:
            yield text[start:], joint
            return
        if not at_line:
            blank = text.rfind(" ", start + _LONGEST_PIECE // 2, start + _LONGEST_PIECE)
            end = blank + 1 if blank >= 0 else start + _LONGEST_PIECE
        yield text[start : end - 1] if at_line else text[start:end], joint
        start, joint = end, "\n" if at_line else ""


class BubblePart(DocumentPart):
    """A message of the person: plain text as typed, in a bubble at the right, with its attached files.

    A long message is a stack of slices, each with a part of the bubble: `longest` is the longest line of them all,
    `joint` is set for all slices but the first, and `last` for the last one. One picture stands beside the text,
    several stand above it.
    """

    gap = 16
    _PADDING_X, _PADDING_Y, _CHIP = 14, 8, 24

    def __init__(
        self,
        type_: Typography,
        text: str,
        file_names: Sequence[str],
        joint: str | None = None,
        *,
        longest: str = "",
        last: bool = True,
        pictures: PictureStrip | None = None,
    ) -> None:
        super().__init__(type_, new_document(type_, "reading"))
        self._names, self._pictures = file_names, pictures
        self._beside = pictures is not None and len(pictures.paths) == 1 and bool(text.strip())
        self._pictures_size = QSize(0, 0)
        self._empty = not text
        self._last, self._longest = last, longest
        if joint is not None:
            self.gap, self.joint = 0, joint
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        writer = DocumentWriter(cursor, type_)
        for number, line in enumerate(text.split("\n")):
            writer.begin(type_.block_format("reading"), type_.text_format("reading", "text_primary"))
            if line or number:
                writer.runs((Run(line),), "reading")
        cursor.endEditBlock()
        self.cost = cost_of(self.document)
        self._box = QRectF()

    def _chips_height(self) -> float:
        return len(self._names) * (self._CHIP + 2) + (6 if self._names else 0)

    def _above(self) -> float:
        return self._PADDING_Y if self.joint is None else 0

    def origin(self) -> QPointF:
        """The position of the text, inside the bubble and below the files."""
        corner = self._box.topLeft()
        left = self._pictures_size.width() + self._PADDING_X if self._beside else 0
        above = 0.0 if self._beside else self._pictures_height()
        if self._beside:  # in the middle of the picture if it is lower
            spare = self._pictures_size.height() - self._chips_height() - self.document.size().height()
            above = max(0.0, spare / 2)
        return QPointF(corner.x() + self._PADDING_X + left, corner.y() + self._above() + above + self._chips_height())

    def _pictures_height(self) -> float:
        """The room that pictures take above the text."""
        below = 0 if self._empty and not self._names else self._PADDING_Y
        return 0.0 if self._beside or self._pictures is None else self._pictures_size.height() + below

    def layout(self, width: float) -> None:
        """Make the bubble as wide as the text needs, at most 88 % of the column."""
        super().layout(width)
        most = width * 0.88 - 2 * self._PADDING_X
        if self._pictures is not None:
            self._pictures_size = self._pictures.fit(int(most))
        left = self._pictures_size.width() + self._PADDING_X if self._beside else 0
        most -= left
        self.document.setTextWidth(most)
        metrics = QFontMetrics(self.type.font("ui"))
        chips = max((metrics.horizontalAdvance(name) + 30 for name in self._names), default=0)
        if self._longest:
            needed = QFontMetricsF(self.type.font("reading")).horizontalAdvance(self._longest[:500]) + 2
        else:
            needed = self.document.idealWidth() + 1
        inner = min(most, max(needed, chips, 0 if self._beside else self._pictures_size.width()))
        self.document.setTextWidth(inner)
        outer = inner + left + 2 * self._PADDING_X
        below = self._PADDING_Y if self._last else 0
        words = 0.0 if self._empty and self._pictures is not None else self.document.size().height()
        inside = words + self._chips_height() + self._pictures_height()
        if self._beside:
            inside = max(inside, float(self._pictures_size.height()))
        height = inside + self._above() + below
        self._box = QRectF(width - outer, 0, outer, height)
        self.height = self._box.height()

    def widget(self) -> QWidget | None:
        """The pictures."""
        return self._pictures

    def has_widget(self) -> bool:
        """Whether there are pictures."""
        return self._pictures is not None

    def widget_rect(self) -> QRect:
        """The place of the pictures, and the margin for their focus ring."""
        corner = self._box.topLeft() + QPointF(self._PADDING_X, self._above())
        return QRect(corner.toPoint(), self._pictures_size).adjusted(
            -RING_MARGIN, -RING_MARGIN, RING_MARGIN, RING_MARGIN
        )

    def release(self) -> None:
        """Delete the pictures."""
        if self._pictures is not None:
            discard(self._pictures)

    def box(self) -> QRectF:
        """The rectangle of the bubble in the part's coordinates."""
        return self._box

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the bubble, the files and the text."""
        painter.save()
        if self.joint is not None or not self._last:
            painter.setClipRect(self._box, Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        beyond = self._box.adjusted(0, -40 if self.joint is not None else 0, 0, 0 if self._last else 40)
        painter.fillPath(_bubble_path(beyond), self.type.colour("bubble_user"))
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.type.font("ui"))
        painter.setPen(self.type.colour("text_secondary"))
        metrics = QFontMetrics(self.type.font("ui"))
        y = self._box.y() + self._above() + self._pictures_height()
        for name in self._names:
            line = QRect(round(self.origin().x()), round(y), 16, self._CHIP)
            icons.paint_icon(painter, "file", "text_secondary", line, 14)
            room = round(self._box.width()) - 2 * self._PADDING_X - 22
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(
                QRect(line.x() + 22, line.y(), room + 1, line.height()), Qt.AlignmentFlag.AlignVCenter, shown
            )
            y += line.height() + 2
        self.paint_document(painter, selection)


def _bubble_path(box: QRectF, radius: float = 12, corner: float = 4) -> QPainterPath:
    """A rounded box, nearly square at the bottom right, towards the speaker."""
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
