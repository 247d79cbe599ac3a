"""The frame of a page that is one column: centred, as wide as it reads well, and scrolling."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget


def scrolled_column(page: QWidget, width: int) -> QVBoxLayout:
    """Fill `page` with a scroll area; returns the column inside, at most `width` wide."""
    centred = QWidget(page)
    centred.setProperty("page", True)
    inner = QWidget(centred)
    inner.setProperty("page", True)
    inner.setMaximumWidth(width)
    column = QVBoxLayout(inner)
    column.setContentsMargins(24, 16, 24, 24)
    row = QHBoxLayout(centred)
    row.setContentsMargins(0, 0, 0, 0)
    row.addStretch(1)
    row.addWidget(inner, 1000)
    row.addStretch(1)
    area = transparent_area(centred, page)
    outer = QVBoxLayout(page)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(area)
    return column


def transparent_area(content: QWidget, parent: QWidget | None = None) -> QScrollArea:
    """A scroll area without frame, ground and focus of its own; it scrolls upwards and downwards only.

    Best given its parent at once and the content still empty: it measures what is there, which Qt's style sheet then
    has to look at before everything has its place.
    """
    area = QScrollArea(parent)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    content.setAutoFillBackground(False)
    area.viewport().setAutoFillBackground(False)
    return area
