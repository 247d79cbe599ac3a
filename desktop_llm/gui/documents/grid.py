"""The cards of all collections in one or two columns, and below them a hint that files can be dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QSizePolicy, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets.painting import repaint_on_theme, set_names
from desktop_llm.gui.work.collection_card import CollectionCard
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import Collection
from desktop_llm.words import tr

_TWO_COLUMNS_FROM = 940
_SPACING, _LEAST_HEIGHT = 16, 216


class CollectionGrid(QScrollArea):
    """Keeps one card for each collection, by name, and updates it in place.

    Signal: `acted` when a button of a card is pressed.
    """

    acted = Signal(CardAction)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_grid")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._cards: dict[str, CollectionCard] = {}
        self._columns = 0
        inner = QWidget()
        inner.setProperty("page", True)
        self._layout = QGridLayout(inner)
        self._layout.setContentsMargins(0, 0, 0, 24)
        self._layout.setSpacing(_SPACING)
        self._hint = DropHint()
        self.setWidget(inner)

    def card(self, name: str) -> CollectionCard | None:
        """The card of a collection."""
        return self._cards.get(name)

    def cards(self) -> list[CollectionCard]:
        """All cards in their order on screen."""
        return list(self._cards.values())

    def show_collections(self, collections: Sequence[Collection], readings: Mapping[str, Reading]) -> None:
        """Show these collections and how far each has been read."""
        before = list(self._cards)
        wanted = {collection.name: collection for collection in collections}
        for name in before:
            if name not in wanted:
                _discard(self._cards.pop(name))
        cards = {}
        for name, collection in wanted.items():
            cards[name] = self._cards.get(name) or self._new_card(collection)
            cards[name].show_collection(collection, readings.get(name))
        self._cards = cards
        if list(cards) != before:
            self._arrange()

    def _new_card(self, collection: Collection) -> CollectionCard:
        card = CollectionCard(collection, self.widget())
        card.acted.connect(self.acted)
        return card

    def _arrange(self) -> None:
        # Not takeAt: its item would stay alive in Python, and Qt would never measure the card again.
        for widget in (*self._cards.values(), self._hint):
            self._layout.removeWidget(widget)
        columns = self._columns or 1
        for place, card in enumerate(self._cards.values()):
            self._layout.addWidget(card, place // columns, place % columns)
            card.show()
        rows = -(-len(self._cards) // columns)
        for row in range(self._layout.rowCount() + 1):
            self._layout.setRowStretch(row, 1 if row == rows + 1 else 0)
            self._layout.setRowMinimumHeight(row, _LEAST_HEIGHT if row < rows else 0)
        self._layout.addWidget(self._hint, rows, 0, 1, columns)
        self._layout.setColumnStretch(0, 1)
        self._layout.setColumnStretch(1, 1 if columns == 2 else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One column or two."""
        super().resizeEvent(event)
        columns = 2 if self.width() >= _TWO_COLUMNS_FROM else 1
        if columns != self._columns:
            self._columns = columns
            self._arrange()


class DropHint(QWidget):
    """A dashed frame that says what happens to dropped files; the whole window takes drops."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = tr(
            "Drop files or folders anywhere in this window. They are read in place and stay on this computer."
        )
        self.setFont(theme.current().font("ui"))
        self.setMinimumHeight(2 * theme.current().line_height("ui") + 12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_names(self, "documents_drop_hint", self._words)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """Room for two lines of text, in case it is narrow."""
        return QSize(200, self.minimumHeight())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dashed frame, and the icon with the text beside it in the middle."""
        painter, colour = QPainter(self), theme.current().colour
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour("border_control"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1).toRectF().translated(0.5, 0.5), 10, 10)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        words = painter.boundingRect(self.rect().adjusted(40, 0, -16, 0), flags, self._words)
        icons.paint_icon(painter, "upload", "text_secondary", QRect(words.left() - 24, words.top(), 16, words.height()))
        painter.setPen(colour("text_secondary"))
        painter.drawText(words, flags, self._words)
        painter.end()


def _discard(card: CollectionCard) -> None:
    card.hide()
    card.deleteLater()
