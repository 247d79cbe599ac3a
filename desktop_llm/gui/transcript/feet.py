"""Which messages show their buttons: the last answer always, and the one hovered or focused."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.transcript.bubble_part import BubblePart
from desktop_llm.gui.transcript.foot_row import FootRow
from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.widgets import IconButton


class Feet:
    """Two rows of buttons, moved to where they are wanted."""

    def __init__(self, viewport: QWidget) -> None:
        self.rows = (FootRow(viewport), FootRow(viewport))

    def row_of(self, message_id: str) -> FootRow | None:
        """The row now shown for a message."""
        return next((row for row in self.rows if not row.isHidden() and row.message_id == message_id), None)

    def buttons(self, message_id: str) -> list[IconButton]:
        """The buttons now shown for a message, left to right."""
        row = self.row_of(message_id)
        return row.buttons() if row is not None else []

    def place(self, number: int, layout: MessageLayout | None, corner: QPoint) -> None:
        """Put a row where a message has room for it; None hides it."""
        row = self.rows[number]
        if layout is None or layout.view.status == "streaming":
            row.hide()
            return
        row.show_for(layout.view, layout.view.foot_tip)
        size = row.sizeHint()
        row.setGeometry(QRect(corner + _place_in(layout, size.width(), size.height()), size))
        row.show()
        row.raise_()


def _place_in(layout: MessageLayout, width: int, height: int) -> QPoint:
    """In the message's foot; a question without one has its buttons left of the bubble."""
    asked = layout.view.role == "user"
    foot = layout.foot_index()
    if foot is not None:
        y = layout.tops[foot] + (layout.parts[foot].height - height) / 2
        return QPoint(round(layout.width) - width if asked else -3, round(y))
    bubble = layout.parts[0]
    box = bubble.box() if isinstance(bubble, BubblePart) else bubble.widget_rect().toRectF()
    x = max(4.0, box.left() - width - 2)
    return QPoint(round(x), round(layout.tops[0] + box.bottom() - height - 2))
