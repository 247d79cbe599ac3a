"""Layouts of pages and cards: rows that wrap like text, a centred column that scrolls, cards kept by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QLayoutItem, QScrollArea, QVBoxLayout, QWidget


class FlowLayout(QLayout):
    """Rows as high as their highest widget; `spacing()` lies between widgets and between rows."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 8) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        """Append an item."""
        self._items.append(item)

    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at an index, None beyond the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take an item out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """None: it takes the space it is given."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """The narrower, the more rows."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of all rows at a width."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Put the widgets in their places."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """The size of one row."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """The largest widget."""
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _place(self, rect: QRect, *, move: bool) -> int:
        x, y, row = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint().boundedTo(QSize(rect.width(), 1 << 20))
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, row = rect.x(), y + row + self.spacing(), 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            row = max(row, size.height())
        return y + row - rect.y()


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
    """A scroll area that scrolls up and down only, without a frame, a background or focus of its own.

    Give it its parent at once, and the content while still empty: otherwise Qt applies its style sheet to the whole
    content before it is in place.
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


Card = TypeVar("Card", bound=QWidget)


@dataclass(frozen=True, slots=True)
class CardAction:
    """The action of a card's button: its name, the subject of the card, and the files concerned."""

    name: str
    subject: str
    paths: tuple[str, ...] = ()


class CardColumn(QWidget, Generic[Card]):
    """A column of cards; `cards` holds those that are shown, by key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: dict[str, Card] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    def show_cards(self, keys: Sequence[str], make: Callable[[str], Card]) -> None:
        """Show a card for each of these keys in their order; existing cards are kept."""
        for key in [key for key in self.cards if key not in keys]:
            card = self.cards.pop(key)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for place, key in enumerate(keys):
            if key not in self.cards:
                self.cards[key] = make(key)
                self._column.insertWidget(place, self.cards[key])


def empty_layout(layout: QLayout) -> None:
    """Remove and delete everything in a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            empty_layout(inner)
