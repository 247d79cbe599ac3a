"""Collections that are being read, wait to be read or hold files that could not be, as their cards."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.gui.documents.card import CollectionCard
from desktop_llm.knowledge.client import Collection, IndexProgress

_STATES = ("reading", "paused", "attention")


class Readings(QWidget):
    """Signals: `action_requested` with a collection's name and what to do; `failure_action_requested` with the name,
    what to do, and the path of the file."""

    action_requested = Signal(str, str)
    failure_action_requested = Signal(str, str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: dict[str, CollectionCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    @property
    def has_cards(self) -> bool:
        """Whether anything is shown."""
        return bool(self._cards)

    def set_collections(self, collections: Sequence[Collection]) -> None:
        """Show those with something going on or wrong, in this order; a card that is there already stays."""
        wanted = [collection for collection in collections if collection.state in _STATES]
        names = {collection.name for collection in wanted}
        for name in [name for name in self._cards if name not in names]:
            card = self._cards.pop(name)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for place, collection in enumerate(wanted):
            self._show(place, collection)

    def set_progress(self, progress: IndexProgress) -> None:
        """Show where reading a collection stands."""
        if card := self._cards.get(progress.collection):
            card.set_progress(progress)

    def _show(self, place: int, collection: Collection) -> None:
        card = self._cards.get(collection.name)
        if card is not None:
            card.set_collection(collection)
            return
        card = CollectionCard(collection, self)
        card.action_requested.connect(functools.partial(self._on_action, collection.name))
        card.failure_action_requested.connect(functools.partial(self._on_failure_action, collection.name))
        self._cards[collection.name] = card
        self._column.insertWidget(place, card)

    def _on_action(self, name: str, action: str) -> None:
        self.action_requested.emit(name, action)

    def _on_failure_action(self, name: str, action: str, path: str) -> None:
        self.failure_action_requested.emit(name, action, path)
