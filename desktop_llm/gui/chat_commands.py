"""What the header and the keys do with the open chat, and with the panes beside it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from desktop_llm.chats.records import Conversation
from desktop_llm.gui.chat_controller import ChatController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.evidence.panel import EvidencePanel
from desktop_llm.gui.pages import Pages

if TYPE_CHECKING:
    from desktop_llm.gui.chat_settings import ChatSettings
    from desktop_llm.gui.main_window import MainWindow


class ChatCommands(QObject):
    """Every command works on the chat that is open when it is given; without one it does nothing."""

    def __init__(
        self,
        window: MainWindow,
        pages: Pages,
        chat: ChatController,
        documents: DocumentsController,
        evidence_panel: EvidencePanel,
    ) -> None:
        super().__init__(window)
        self._window, self._pages, self._chats = window, pages, window.chats
        self._chat, self._documents, self._evidence_panel = chat, documents, evidence_panel
        self._conversations = window.conversations

    def new(self) -> None:
        """Begin a new chat, ready to be written to."""
        self._pages.show("chats")
        self._conversations.new()
        self._chats.composer.focus_text()

    def ask(self, collection: str) -> None:
        """Begin a new chat about a collection."""
        self.new()
        self._chat.tick((collection,))

    def search(self) -> None:
        """Look for a chat by its words."""
        self._pages.show("chats")
        self._chats.list.setVisible(True)
        self._chats.list.search.setFocus()

    @functools.cached_property
    def settings_sheet(self) -> ChatSettings:
        """The sheet with the settings of one chat."""
        from desktop_llm.gui.chat_settings import ChatSettings

        sheet = ChatSettings(self._window)
        sheet.changed.connect(self._on_settings_changed)
        return sheet

    def show_settings(self) -> None:
        """Open the sheet below the header's button."""
        self.settings_sheet.set_collections(self._documents.names)
        self.settings_sheet.set_conversation(self._conversations.current or self._not_yet_stored())
        self.settings_sheet.show_below(self._window.header.more_button)

    def export(self) -> None:
        """Write the chat to a file that the person chooses."""
        if self._conversations.current is not None:
            self._conversations.export(self._conversations.current.id)

    def rename(self) -> None:
        """Let the person type another title in the list."""
        if self._conversations.current is not None:
            self._chats.list.setVisible(True)
            self._chats.list.begin_rename(self._conversations.current.id)

    def delete(self) -> None:
        """Move the chat to the trash."""
        if self._conversations.current is not None:
            self._conversations.trash(self._conversations.current.id)

    def show_evidence(self) -> None:
        """Open the panel beside the chat."""
        self._pages.show("chats")
        self._chats.show_panel(True)

    def toggle_evidence(self) -> None:
        """Open the panel, or close it."""
        self._chats.show_panel(not self._evidence_panel.isVisible())

    def escape(self) -> None:
        """Close what is on top; with nothing on top, leave the edit, else stop the answer."""
        if not self._chats.close_overlays() and not self._chat.leave_edit():
            self._chat.stop()

    def _not_yet_stored(self) -> Conversation:
        """A new chat, as far as it has settings already; the first change stores it."""
        return Conversation("", "", 0.0, 0.0, collections=self._conversations.place.collections)

    def _on_settings_changed(self, fields: dict[str, Any]) -> None:
        self._conversations.change(**fields)
