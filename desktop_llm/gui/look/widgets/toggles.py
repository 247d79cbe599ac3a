"""Controls that are on or off, or choose one of a few: the switch, the tick, and segments side by side."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QTabBar, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_words
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names


class _Toggle(QCheckBox):
    """The base of switch and tick: a mark that paints itself, text at its right, focus by Tab only."""

    mark_size = QSize(16, 16)

    def __init__(
        self, text: str = "", *, object_name: str = "", accessible_name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_words(self, text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        set_names(self, object_name, accessible_name or text)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """Room for the mark, its ring margin and the text."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        height = max(self.mark_size.height(), self.fontMetrics().height()) + 2 * RING_MARGIN
        return QSize(self.mark_size.width() + 2 * RING_MARGIN + (words + 8 if words else 0), height)

    def minimumSizeHint(self) -> QSize:
        """The text is never cut."""
        return self.sizeHint()

    def hitButton(self, position: QPoint) -> bool:
        """Whether a click hits the mark or the text."""
        return self.rect().contains(position)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover fill at once."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the hover fill at once."""
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the mark, text and ring."""
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
    """A switch that takes effect at once: 34 × 20 px, with optional text at its right."""

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
    """A tick box of 16 px with optional text at its right."""

    def _draw_mark(self, painter: QPainter, mark: QRect) -> None:
        colour, on, enabled = theme.current().colour, self.isChecked(), self.isEnabled()
        if on:
            draw_box(painter, mark, 4, colour("accent" if enabled else "accent_disabled"))
            icons.paint_icon(painter, "check", "on_accent", mark, 14)
        else:
            draw_box(painter, mark, 4, colour("surface"), colour("border_control" if enabled else "border"))


_HEIGHT, _INSET = 32, 3


class Segments(QTabBar):
    """Equal segments side by side; one tab stop, arrow keys move between them."""

    def __init__(
        self, names: tuple[str, ...], *, object_name: str, accessible_name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(True)
        self.setUsesScrollButtons(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme.current().font("ui_strong"))
        set_names(self, object_name, accessible_name)
        for name in names:
            self.addTab(name)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """As wide as the place allows."""
        return QSize(200, max(_HEIGHT, self.fontMetrics().height() + 12))

    def minimumSizeHint(self) -> QSize:
        """It may be narrow."""
        return QSize(120, self.sizeHint().height())

    def tabSizeHint(self, index: int) -> QSize:
        """Equal parts of the width; if a name is too long for its part, parts by the length of the names."""
        needed = [self.fontMetrics().horizontalAdvance(self.tabText(each)) + 16 for each in range(self.count())]
        width = self.width() // len(needed)
        if max(needed) > width:
            width = self.width() * needed[index] // sum(needed)
        return QSize(max(40, width), self.sizeHint().height())

    def minimumTabSizeHint(self, _index: int) -> QSize:
        """Equal parts of the smallest width."""
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the field, the raised segment and the text."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 6, colour("surface_sunken"), colour("border"))
        for index in range(self.count()):
            self._paint_segment(painter, index, self.tabRect(index))
        painter.end()

    def _paint_segment(self, painter: QPainter, index: int, box: QRect) -> None:
        colour, chosen = theme.current().colour, index == self.currentIndex()
        if chosen:
            border = colour("focus_ring") if self.hasFocus() else colour("border")
            inside = box.adjusted(_INSET, _INSET, -_INSET, -_INSET)
            draw_box(painter, inside, 4, colour("surface"), border, 2 if self.hasFocus() else 1)
        painter.setFont(self.font() if chosen else theme.current().font("ui"))
        painter.setPen(colour("text_primary" if chosen else "text_secondary"))
        text = painter.fontMetrics().elidedText(self.tabText(index), Qt.TextElideMode.ElideRight, box.width() - 8)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
