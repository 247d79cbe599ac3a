"""Which collections the open chat asks: ticked in the composer, kept with the chat."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from desktop_llm.gui.composer import Composer
from desktop_llm.gui.conversations_controller import ConversationsController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.knowledge.client import CHAT_PREFIX


class TickedCollections(QObject):
    """Keeps the composer's ticks and the chat's collections the same; the chat's own files stay out of both."""

    def __init__(
        self,
        conversations: ConversationsController,
        documents: DocumentsController,
        composer: Composer,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._conversations, self._documents, self._composer = conversations, documents, composer
        composer.collections_changed.connect(self._on_changed)
        documents.collections_changed.connect(self._on_collections)

    def show(self) -> None:
        """Another chat is open, or other collections are there."""
        self._composer.set_collections(self._documents.names, self._ticked())

    def tick(self, names: Sequence[str]) -> None:
        """Tick these for the open chat, and no others."""
        self._on_changed(names)
        self._composer.set_collections(self._documents.names, tuple(names))

    def _ticked(self) -> tuple[str, ...]:
        conversation = self._conversations.current
        names = conversation.collections if conversation else self._conversations.place.collections
        return tuple(name for name in names if not name.startswith(CHAT_PREFIX))

    def _on_changed(self, names: Sequence[str]) -> None:
        conversation = self._conversations.current
        self._conversations.place.collections = tuple(names)
        if conversation is not None:
            own = tuple(name for name in conversation.collections if name.startswith(CHAT_PREFIX))
            self._conversations.change(collections=(*names, *own))

    def _on_collections(self, _: object) -> None:
        self.show()
