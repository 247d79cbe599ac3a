"""A sheet over the window until it is dismissed: the model menu, the settings of a chat, small notes.

It is a child of the window, not a window of its own, so it has its shadow and round corners on every system, with or
without a compositor, and can't be left behind on another screen.
"""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.tab_order import focus_round
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names

SHADOW = 12
_EDGE = 8
_LEAST_HEIGHT = 360


class Popup(QWidget):
    """The sheet; subclasses lay out their content inside `SHADOW` px of margin. Signals: `opened`, `closed`.

    A click beside it or Esc closes it, and the focus returns to the widget that had it.
    """

    opened = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None, *, object_name: str, accessible_name: str) -> None:
        super().__init__(parent)
        self._ground = _Ground(parent.window(), self) if parent is not None else None
        self._focus_before: QWidget | None = None
        self._anchor: QWidget | None = None
        set_names(self, object_name, accessible_name)
        repaint_on_theme(self)
        self.hide()

    def is_open(self) -> bool:
        """Whether it is shown now."""
        return self._ground is not None and self._ground.isVisible()

    def show_below(self, anchor: QWidget) -> None:
        """Open below a widget, inside its window; if it is already open, move there."""
        window = anchor.window()
        if self._ground is None or self._ground.parent() is not window:
            self._ground = _Ground(window, self)
        if not self.is_open():
            self._focus_before = window.focusWidget()
        self._anchor = anchor
        anchor.installEventFilter(self._ground)
        self._ground.setGeometry(window.rect())
        self._ground.show()
        self._ground.raise_()
        self.show()
        self.place()
        self.first_focus().setFocus(Qt.FocusReason.PopupFocusReason)
        self.opened.emit()

    def close_popup(self) -> None:
        """Close it and give the focus back."""
        if not self.is_open():
            return
        ground = cast(_Ground, self._ground)
        before, self._focus_before = self._focus_before, None
        ground.hide()
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def first_focus(self) -> QWidget:
        """The widget that takes the focus when it opens."""
        return self

    def place(self) -> None:
        """Move below the anchor, in the preferred size if the window has room for it."""
        if self._anchor is None or self._ground is None:
            return
        room = self._ground.rect().adjusted(_EDGE - SHADOW, 0, SHADOW - _EDGE, SHADOW - _EDGE)
        below = self._anchor.mapTo(self._anchor.window(), QPoint(0, self._anchor.height()))
        start = below.x() - SHADOW
        if self.isRightToLeft():
            start = below.x() + self._anchor.width() + SHADOW - self._full_width()
        size = self.sizeHint().boundedTo(room.size())
        left = max(room.left(), min(start, room.right() - size.width() + 1))
        top = below.y() - SHADOW
        if room.bottom() - top >= _LEAST_HEIGHT:
            size.setHeight(min(size.height(), room.bottom() - top + 1))
        top = max(room.top(), min(top, room.bottom() - size.height() + 1))
        self.setGeometry(QRect(QPoint(left, top), size))

    def _full_width(self) -> int:
        return self.sizeHint().width()

    def event(self, event: QEvent) -> bool:
        """Take Esc for the open sheet before any shortcut of the window."""
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if event.type() == QEvent.Type.ShortcutOverride and is_escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Esc; let no other key through to the widgets below."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_popup()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ignore a click on the sheet itself."""
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the sheet."""
        paint_sheet(self)


class _Ground(QWidget):
    """Invisibly covers the window below a sheet: a click on it closes the sheet, and Tab stays in the sheet."""

    def __init__(self, window: QWidget, popup: Popup) -> None:
        super().__init__(window)
        self._popup = popup
        # The anchor is not told when its parents move, which may happen as late as in the next turn.
        self._settle = QTimer(self, singleShot=True, interval=0)
        self._settle.timeout.connect(popup.place)
        popup.setParent(self)
        window.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the window, and the anchor if it moves with it."""
        if self.isVisible() and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self.setGeometry(cast(QWidget, self.parent()).rect())
            self._popup.place()
            self._settle.start()
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close the sheet on a click beside it."""
        event.accept()
        self._popup.close_popup()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep Tab inside the sheet."""
        return focus_round(self._popup, forward=forward)


def paint_sheet(widget: QWidget) -> None:
    """Paint the shadow, the fill and the hairline of a sheet, which lies inside `SHADOW` px of margin."""
    painter, colour = QPainter(widget), theme.current().colour
    inner = widget.rect().adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW)
    radius = theme.current().length("radius", "popup")
    _draw_shadow(painter, inner, radius, colour("shadow"))
    draw_box(painter, inner, radius, colour("surface_raised"), colour("border"))
    painter.end()


def _draw_shadow(painter: QPainter, inner: QRect, radius: int, colour: QColor) -> None:
    """Paint rings that add up to the shadow's strength at the edge of the sheet; the outer ones are the faintest."""
    rings = SHADOW - 2
    for reach in range(rings, 0, -1):
        ring = QColor(colour)
        ring.setAlphaF(colour.alphaF() * (rings - reach + 1) / (rings * rings))
        draw_box(painter, inner.adjusted(-reach, 2 - reach, reach, reach + 2), radius + reach, ring)
