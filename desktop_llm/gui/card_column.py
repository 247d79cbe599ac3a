"""Cards below each other, each made once for its key and updated in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtWidgets import QVBoxLayout, QWidget

Card = TypeVar("Card", bound=QWidget)


class CardColumn(QWidget, Generic[Card]):
    """`cards` are those that are shown, by key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: dict[str, Card] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    def show_cards(self, keys: Sequence[str], make: Callable[[str], Card]) -> None:
        """Have a card for each of these keys, new ones in their places; what is there already stays where it is."""
        for key in [key for key in self.cards if key not in keys]:
            card = self.cards.pop(key)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for place, key in enumerate(keys):
            if key not in self.cards:
                self.cards[key] = make(key)
                self._column.insertWidget(place, self.cards[key])
