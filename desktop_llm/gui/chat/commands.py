"""The commands of the header and the keys that act on the open chat and the panes beside it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop_llm.gui.chat.controller import ChatController
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.evidence.controller import EvidenceController
from desktop_llm.gui.chat.page import ChatsPage


class ChatCommands(QObject):
    """Every command acts on the chat that is open when it is given; without an open chat it does nothing.
    `bring_to_front` shows the Chats page.
    """

    def __init__(
        self,
        chats: ChatsPage,
        conversations: ConversationsController,
        chat: ChatController,
        evidence: EvidenceController,
        bring_to_front: Callable[[], None],
    ) -> None:
        super().__init__(chats)
        self._chats, self._conversations, self._chat = chats, conversations, chat
        self._evidence, self._bring_to_front = evidence, bring_to_front

    def new(self) -> None:
        """Begin a new chat and put the cursor into the composer."""
        self._bring_to_front()
        self._conversations.new()
        self._chats.composer.focus_text()

    def ask(self, collection: str) -> None:
        """Begin a new chat about a collection."""
        self.new()
        self._chat.tick((collection,))

    def search(self) -> None:
        """Go to the search field of the chat list."""
        self._bring_to_front()
        self._chats.list.setVisible(True)
        self._chats.list.search.setFocus()

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
        self._bring_to_front()
        self._chats.show_panel(True)

    def toggle_evidence(self) -> None:
        """Open the panel, or close it."""
        self._chats.toggle_panel()

    def search_details(self) -> None:
        """Show the search of the last answer in a wide panel, or make the panel as it was."""
        self._bring_to_front()
        shown = self._chats.transcript.message_ids()
        if self._chats.toggle_wide_panel() and shown:
            self._evidence.show_details(shown[-1])

    def escape(self) -> None:
        """Close whatever lies over the chat; if nothing does, leave the edit, or else stop the answer."""
        if not self._chats.close_overlays() and not self._chat.leave_edit():
            self._chat.stop()
