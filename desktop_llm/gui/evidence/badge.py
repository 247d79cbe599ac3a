"""The number of a citation, as it stands in the answer: yellow, stronger while it is the one shown."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QPainter, QPen

from desktop_llm.gui import theme
from desktop_llm.gui.widgets.painting import draw_box

HEIGHT = 18


def paint_badge(painter: QPainter, left: int, middle: int, number: int, *, active: bool, checked: bool) -> int:
    """Paint the number at `left`, centred on the height `middle`; returns its width. Dashed where not checked."""
    colour = theme.current().colour
    font = theme.current().font("tiny")
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    text = str(number)
    width = max(20, painter.fontMetrics().horizontalAdvance(text) + 10)
    box = QRect(left, middle - HEIGHT // 2, width, HEIGHT)
    if checked:
        fill, border = ("cite_active_bg", "lit_border") if active else ("cite_bg", "cite_border")
        draw_box(painter, box, 4, colour(fill), colour(border), 2 if active else 1)
        painter.setPen(colour("cite_text"))
    else:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour("border_control"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(box.adjusted(0, 0, -1, -1).toRectF().translated(0.5, 0.5), 4, 4)
        painter.setPen(colour("text_secondary"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    return width
