"""Citations inside a text: yellow pills, measured and painted as inline objects of a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QPyTextObject, QTextDocument, QTextFormat

from desktop_llm.gui.transcript.typography import Typography
from desktop_llm.gui.transcript.view_model import CitationLike, SourceLike

PILL_OBJECT = QTextFormat.ObjectTypes.UserObject.value + 1
NUMBER = QTextFormat.Property.UserProperty.value + 1
"""The property of a pill's format that holds its number."""


class CitationPills(QPyTextObject):
    """Measures and paints the citation marks of one message."""

    def __init__(
        self, type_: Typography, citations: Sequence[CitationLike], sources: Sequence[SourceLike] = ()
    ) -> None:
        super().__init__()
        self._type = type_
        self.by_number: dict[int, SourceLike] = {source.number: source for source in sources}
        self.by_number.update({citation.number: citation for citation in citations})
        self._unverified = {citation.number for citation in citations if not citation.verified}
        self.active = 0
        self.hovered = 0
        self._font = type_.font("tiny")
        self._font.setWeight(QFont.Weight.DemiBold)

    def describe(self, number: int) -> str:
        """ "Citation 1, Lease_2024_signed.pdf, page 4"."""
        citation = self.by_number[number]
        words = f"Citation {number}, {PurePath(citation.document).name}"
        return f"{words}, page {citation.page}" if citation.page is not None else words

    def tip(self, number: int) -> str:
        """Where the quote stands, and the quote."""
        quote = getattr(self.by_number[number], "text", "")
        short = quote if len(quote) <= 200 else quote[:199] + "…"
        return f"{self.describe(number)}\n“{short}”" if quote else self.describe(number)

    def intrinsicSize(self, _document: QTextDocument, _position: int, format_: QTextFormat) -> QSizeF:
        """At least 20 × 18, and a gap to the word before it."""
        words = QFontMetricsF(self._font).horizontalAdvance(str(format_.intProperty(NUMBER)))
        return QSizeF(max(self._type.px(20), words + 12) + 6, self._type.px(18))

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, _document: QTextDocument, _position: int, format_: QTextFormat
    ) -> None:
        """Yellow, stronger when active, dashed when the quote was not found."""
        number = format_.intProperty(NUMBER)
        verified = number not in self._unverified
        box = QRectF(rect).adjusted(4.5, 0.5, -1.5, -0.5)
        active = number == self.active
        pen = QPen(self._type.colour("cite_border"), 1)
        fill = "cite_active_bg" if active or number == self.hovered else "cite_bg"
        brush = self._type.colour(fill)
        if active:
            pen = QPen(self._type.colour("lit_border"), 2)
            box = box.adjusted(0.5, 0.5, -0.5, -0.5)
        if not verified:
            pen = QPen(self._type.colour("border_control"), 1, Qt.PenStyle.DashLine)
            brush = self._type.colour("surface")
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.setBrush(brush)
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(self._font)
        painter.setPen(self._type.colour("cite_text" if verified else "text_secondary"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))
        painter.restore()
