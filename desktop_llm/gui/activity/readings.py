"""Documents that are being read, wait to be read or could not be read: the cards of their collections, and of chats."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop_llm.gui.card_column import CardColumn
from desktop_llm.gui.documents.card import CollectionCard
from desktop_llm.gui.documents.progress import ReadingProgress
from desktop_llm.gui.widgets import Label
from desktop_llm.knowledge.client import Collection, IndexProgress

_STATES = ("reading", "paused", "attention")


class Readings(CardColumn[CollectionCard]):
    """Signals: `action_requested` with a collection's name and what to do; `failure_action_requested` with the name,
    what to do, and the path of the file."""

    action_requested = Signal(str, str)
    failure_action_requested = Signal(str, str, object)

    def set_collections(self, collections: Sequence[Collection]) -> None:
        """Show those with something going on or wrong."""
        shown = {each.name: each for each in collections if each.state in _STATES}
        self.show_cards(list(shown), lambda name: self._card(shown[name]))
        for name, collection in shown.items():
            self.cards[name].set_collection(collection)

    def set_progress(self, progress: IndexProgress) -> None:
        """Show where reading a collection stands."""
        if card := self.cards.get(progress.collection):
            card.set_progress(progress)

    def set_reasons(self, reasons: Mapping[str, str]) -> None:
        """Why reading stopped, by the names of the collections."""
        for name, card in self.cards.items():
            card.set_reason(reasons.get(name, ""))

    def _card(self, collection: Collection) -> CollectionCard:
        card = CollectionCard(collection, self)
        card.action_requested.connect(functools.partial(self._on_action, collection.name))
        card.failure_action_requested.connect(functools.partial(self._on_failure_action, collection.name))
        return card

    def _on_action(self, name: str, action: str) -> None:
        self.action_requested.emit(name, action)

    def _on_failure_action(self, name: str, action: str, path: str) -> None:
        self.failure_action_requested.emit(name, action, path)


class ChatReadings(CardColumn["ChatReading"]):
    """The files of chats, which have no collection that a person knows of."""

    def set_progress(self, readings: Sequence[IndexProgress]) -> None:
        """Show these, and where each stands."""
        self.show_cards([progress.collection for progress in readings], lambda _name: ChatReading(self))
        for progress in readings:
            self.cards[progress.collection].progress.show_progress(progress)


class ChatReading(QFrame):
    """The files of one chat; they are paused and taken away in the chat itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setObjectName("chat_reading")
        self.setAccessibleName(self.tr("Files of a chat"))
        self.progress = ReadingProgress()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(Label(self.tr("Files of a chat"), "heading"))
        column.addWidget(self.progress)
