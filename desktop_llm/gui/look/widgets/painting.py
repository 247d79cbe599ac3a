"""Helpers of all widgets that paint themselves: rounded boxes, the focus ring, names, repainting with the theme."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import theme

RING_MARGIN = 3
"""Transparent pixels around a button that hold its focus ring; layouts count them in."""


def set_names(widget: QWidget, object_name: str, accessible_name: str) -> None:
    """Set the object name, by which tests and scripts find a widget, and the name that a screen reader says."""
    if object_name:
        widget.setObjectName(object_name)
    if accessible_name:
        widget.setAccessibleName(accessible_name)


def repaint_on_theme(widget: QWidget) -> None:
    """Repaint the widget whenever the theme changes."""
    theme.notifier().changed.connect(widget.update)


def draw_box(
    painter: QPainter, rect: QRect, radius: float, fill: QColor | None, border: QColor | None = None, width: int = 1
) -> None:
    """Paint a rounded box whose border lies inside `rect`."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    inset = width / 2 if border is not None else 0
    painter.setPen(QPen(border, width) if border is not None else Qt.PenStyle.NoPen)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(inset, inset, -inset, -inset), radius, radius)


def draw_focus_ring(painter: QPainter, rect: QRect, radius: float) -> None:
    """Paint the 2 px focus ring just inside `rect`, the whole widget including its ring margin."""
    draw_box(painter, rect, radius + RING_MARGIN - 1, None, theme.current().colour("focus_ring"), 2)
