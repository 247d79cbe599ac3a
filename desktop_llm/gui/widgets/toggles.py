"""The switch and the tick: what is on or off, chosen or not."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names


class _Toggle(QCheckBox):
    """What switch and tick share: a mark that paints itself, words at its right, focus by Tab only."""

    mark_size = QSize(16, 16)

    def __init__(
        self, text: str = "", *, object_name: str = "", accessible_name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        set_names(self, object_name, accessible_name or text)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """The mark, its ring margin and the words."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        height = max(self.mark_size.height(), self.fontMetrics().height()) + 2 * RING_MARGIN
        return QSize(self.mark_size.width() + 2 * RING_MARGIN + (words + 8 if words else 0), height)

    def minimumSizeHint(self) -> QSize:
        """The words are never cut."""
        return self.sizeHint()

    def hitButton(self, position: QPoint) -> bool:
        """The words belong to the mark."""
        return self.rect().contains(position)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover fill at once."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the hover fill away."""
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Mark, words and ring."""
        painter = QPainter(self)
        top = (self.height() - self.mark_size.height()) // 2
        mark = QRect(RING_MARGIN, top, self.mark_size.width(), self.mark_size.height())
        self._draw_mark(painter, mark)
        if self.text():
            painter.setPen(theme.current().colour("text_primary" if self.isEnabled() else "text_disabled"))
            words = self.rect().adjusted(mark.right() + 9, 0, 0, 0)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            ring = mark.adjusted(-RING_MARGIN, -RING_MARGIN, RING_MARGIN, RING_MARGIN)
            draw_focus_ring(painter, ring, min(10, mark.height() // 4 if mark.width() == mark.height() else 10))
        painter.end()

    def _draw_mark(self, painter: QPainter, mark: QRect) -> None:
        raise NotImplementedError


class Switch(_Toggle):
    """On or off, at once: 34 × 20, with optional words at its right."""

    mark_size = QSize(34, 20)

    def _draw_mark(self, painter: QPainter, mark: QRect) -> None:
        colour, on, enabled = theme.current().colour, self.isChecked(), self.isEnabled()
        fill = ("accent" if enabled else "accent_disabled") if on else ("border_control" if enabled else "border")
        if enabled and on and self.underMouse():
            fill = "accent_hover"
        draw_box(painter, mark, 10, colour(fill))
        knob = QRect(mark.right() - 16 if on else mark.x() + 3, mark.y() + 3, 14, 14)
        draw_box(painter, knob, 7, colour("on_accent" if on else "surface"))


class Tick(_Toggle):
    """Chosen or not: a box of 16 px with optional words at its right."""

    def _draw_mark(self, painter: QPainter, mark: QRect) -> None:
        colour, on, enabled = theme.current().colour, self.isChecked(), self.isEnabled()
        if on:
            draw_box(painter, mark, 4, colour("accent" if enabled else "accent_disabled"))
            icons.paint_icon(painter, "check", "on_accent", mark, 14)
        else:
            draw_box(painter, mark, 4, colour("surface"), colour("border_control" if enabled else "border"))
