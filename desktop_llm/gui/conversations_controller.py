"""The list of conversations: which one is open, search, rename, pin, delete with undo, export."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.chats.export import to_markdown
from desktop_llm.chats.records import Conversation, ConversationFields
from desktop_llm.chats.store import ChatReader, ChatStore
from desktop_llm.files import write_atomically
from desktop_llm.gui.chat_list import ChatList
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.widgets import UndoBar


class ConversationsController(QObject):
    """Signals: `opened` with the Conversation to show, or None for a new chat; `saved` with the path of an export."""

    opened = Signal(object)
    saved = Signal(str)
    noticed = Signal(str)

    def __init__(self, resources: Resources, chat_list: ChatList, undo: UndoBar, window: QWidget) -> None:
        super().__init__(window)
        self._resources = resources
        self._chats = resources.chats
        self._list = chat_list
        self._undo = undo
        self._window = window
        self._query = ""
        self._all: tuple[Conversation, ...] = ()
        self._trashed: Conversation | None = None
        self.current: Conversation | None = None
        chat_list.conversation_selected.connect(self.open)
        chat_list.search_changed.connect(self._on_search)
        chat_list.rename_requested.connect(self.rename)
        chat_list.pin_requested.connect(self._on_pin)
        chat_list.delete_requested.connect(self.trash)
        chat_list.export_requested.connect(self.export)
        undo.undo_requested.connect(self.undo)

    def start(self) -> None:
        """Open the store, mend what a crash cut off, and show the list."""
        self._chats.write(_open_store, self._on_started)

    def refresh(self) -> None:
        """Show the list as it is stored now."""
        query = self._query
        self._chats.read(lambda reader: reader.conversations(query), functools.partial(self._on_listed, query))

    def open(self, conversation_id: str) -> None:
        """Show a conversation."""
        if self.current is None or self.current.id != conversation_id:
            self._chats.read(lambda reader: reader.conversation(conversation_id), self.show)

    def new(self) -> None:
        """Begin a new chat; it is stored with its first message."""
        self.current = None
        self._list.set_selected(None)
        self.opened.emit(None)

    def show(self, conversation: Conversation) -> None:
        """Make a conversation the open one."""
        self.current = conversation
        self._list.set_selected(conversation.id)
        self._resources.settings.remember(conversation=conversation.id)
        self.opened.emit(conversation)

    def adopt(self, conversation: Conversation) -> None:
        """Take a new value of the open conversation, without showing it anew."""
        self.current = conversation
        self.refresh()
        self._resources.settings.remember(conversation=conversation.id)

    def step(self, by: int) -> None:
        """Open the next or the previous conversation of the list."""
        ids = [conversation.id for conversation in self._all]
        if ids:
            here = ids.index(self.current.id) if self.current and self.current.id in ids else -1
            self.open(ids[(here + by) % len(ids)])

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation a title of the person's own."""
        self._update(conversation_id, title=title.strip())

    def change(self, **fields: object) -> None:
        """Change something about the open conversation; a new one is stored for it."""
        if self.current is not None:
            self._update(self.current.id, **fields)
            return
        values = ConversationFields(**fields)  # type: ignore[typeddict-item]
        self._chats.write(lambda store: store.create(**values), self.adopt)

    def trash(self, conversation_id: str) -> None:
        """Move a conversation to the trash; an undo is offered."""
        gone = next((item for item in self._all if item.id == conversation_id), None)
        if gone is None:
            return
        self._trashed = gone
        self._chats.write(lambda store: store.trash(conversation_id), self._on_trashed)

    def export(self, conversation_id: str, path: str = "") -> None:
        """Write a conversation as Markdown, to a file that the person chooses."""
        title = next((item.title for item in self._all if item.id == conversation_id), "chat")
        name = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in title).strip()
        if not path:
            proposed = str(Path.home() / f"{name or 'chat'}.md")
            path, _ = QFileDialog.getSaveFileName(self._window, self.tr("Export chat"), proposed, "Markdown (*.md)")
        if path:
            self._chats.read(functools.partial(_export, conversation_id, Path(path)), self.saved.emit)

    def _on_started(self, conversations: list[Conversation]) -> None:
        self._on_listed("", conversations)
        last = self._resources.settings.current.window.get("conversation")
        found = next((item for item in conversations if item.id == last), None)
        if found is not None:
            self.show(found)
        else:
            self.new()
        self._chats.write(_notice, self._on_notice)

    def _on_notice(self, notice: str | None) -> None:
        if notice:
            self.noticed.emit(notice)

    def _on_listed(self, query: str, conversations: list[Conversation]) -> None:
        if query == self._query:
            self._all = tuple(conversations)
            self._list.set_conversations(self._all)
            self._list.set_selected(self.current.id if self.current else None)

    def _on_search(self, text: str) -> None:
        self._query = text.strip()
        self.refresh()

    def _on_pin(self, conversation_id: str, pinned: bool) -> None:
        self._update(conversation_id, pinned=pinned)

    def _update(self, conversation_id: str, **fields: object) -> None:
        values = ConversationFields(**fields)  # type: ignore[typeddict-item]
        self._chats.write(lambda store: store.update(conversation_id, **values), self._on_updated)

    def _on_updated(self, conversation: Conversation) -> None:
        if self.current is not None and self.current.id == conversation.id:
            self.current = conversation
        self.refresh()

    def _on_trashed(self, _: None) -> None:
        if self._trashed is not None:
            self._undo.show_message(self.tr("“{title}” was deleted.").format(title=self._trashed.title))
            if self.current is not None and self.current.id == self._trashed.id:
                self.new()
        self.refresh()

    def undo(self) -> None:
        """Bring the chat back that was deleted last."""
        if (trashed := self._trashed) is not None:
            self._trashed = None
            self._chats.write(lambda store: store.restore(trashed.id), self._on_restored)

    def _on_restored(self, _: None) -> None:
        self.refresh()


def _open_store(store: ChatStore) -> list[Conversation]:
    store.recover()
    store.purge()
    return store.conversations()


def _notice(store: ChatStore) -> str | None:
    return store.notice


def _export(conversation_id: str, path: Path, reader: ChatReader) -> str:
    text = to_markdown(reader.conversation(conversation_id), reader.messages(conversation_id))
    write_atomically(path, text.encode())
    return str(path)
