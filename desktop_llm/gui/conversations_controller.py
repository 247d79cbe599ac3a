"""The list of conversations: which one is open, search, rename, pin, delete with undo, export."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.chats.export import to_markdown
from desktop_llm.chats.records import Conversation, ConversationFields
from desktop_llm.chats.store import ChatReader, ChatStore
from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically
from desktop_llm.gui.chat_list import ChatList
from desktop_llm.gui.place import Place
from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.store_lane import StoreLane
from desktop_llm.gui.widgets import UndoBar


class ConversationsController(QObject):
    """Signals: `opened` with the Conversation to show, or None for a new chat; `changed` with the open one, whenever
    it is another or another value of it; `trashed` with an id; `saved` with the path of an export;
    `started` with whether there are any.

    `place` is the open chat, new ones included; `current` is its stored value, if it has one.
    """

    opened = Signal(object)
    changed = Signal(object)
    trashed = Signal(str)
    saved = Signal(str)
    noticed = Signal(str)
    started = Signal(bool)

    def __init__(
        self, chats: StoreLane, settings: SettingsKeeper, chat_list: ChatList, undo: UndoBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._chats = chats
        self._settings = settings
        self._list = chat_list
        self._undo = undo
        self._window = window
        self._query = ""
        self._all: tuple[Conversation, ...] = ()
        self._trashed: Conversation | None = None
        self.place = Place()
        self.current: Conversation | None = None
        chat_list.conversation_selected.connect(self.open)
        chat_list.search_changed.connect(self._on_search)
        chat_list.rename_requested.connect(self.rename)
        chat_list.pin_requested.connect(self._on_pin)
        chat_list.delete_requested.connect(self.trash)
        chat_list.export_requested.connect(self.export)
        undo.undo_requested.connect(self.undo)

    def show_early(self) -> None:
        """Show the list before everything else is built; what is wrong with the store, `start` will say."""
        self._chats.read(ChatReader.conversations, functools.partial(self._on_listed, ""), _leave_to_start)

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
        self.place, self.current = Place(), None
        self._list.set_selected(None)
        self.opened.emit(None)
        self.changed.emit(None)

    def show(self, conversation: Conversation) -> None:
        """Make a conversation the open one."""
        self.place, self.current = Place(conversation.id), conversation
        self._list.set_selected(conversation.id)
        self._settings.remember(conversation=conversation.id)
        self.opened.emit(conversation)
        self.changed.emit(conversation)

    def adopt(self, place: Place, conversation: Conversation) -> None:
        """Take a new value of a conversation; where it is the open one, it is not shown anew."""
        if place.same(self.place):
            self.current = conversation
            self._settings.remember(conversation=conversation.id)
            self.changed.emit(conversation)
        self.refresh()

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
        values = ConversationFields(**fields)  # type: ignore[typeddict-item]
        place = self.place
        self._chats.write(functools.partial(_change, place, values), functools.partial(self.adopt, place))

    def trash(self, conversation_id: str) -> None:
        """Move a conversation to the trash; an undo is offered."""
        gone = self._known(conversation_id)
        if gone is not None:
            self._chats.write(lambda store: store.trash(gone.id), lambda _: self._on_trashed(gone))
            self.trashed.emit(gone.id)

    def export(self, conversation_id: str, path: str = "") -> None:
        """Write a conversation as Markdown, to a file that the person chooses."""
        known = self._known(conversation_id)
        title = known.title if known else "chat"
        name = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in title).strip()
        if not path:
            proposed = str(Path.home() / f"{name or 'chat'}.md")
            path, _ = QFileDialog.getSaveFileName(self._window, self.tr("Export chat"), proposed, "Markdown (*.md)")
        if path:
            self._chats.read(functools.partial(_export, conversation_id, Path(path)), self.saved.emit)

    def _on_started(self, conversations: list[Conversation]) -> None:
        self._on_listed("", conversations)
        last = self._settings.current.window.get("conversation")
        found = next((item for item in conversations if item.id == last), None)
        if found is not None:
            self.show(found)
        else:
            self.new()
        self.started.emit(bool(conversations))
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
        self.adopt(Place(conversation.id), conversation)

    def _on_trashed(self, gone: Conversation) -> None:
        self._trashed = gone
        self._undo.show_message(self.tr("“{title}” was deleted.").format(title=gone.title or self.tr("New chat")))
        if self.current is not None and self.current.id == gone.id:
            self.new()
        self.refresh()

    def undo(self) -> None:
        """Bring the chat back that was deleted last."""
        if (trashed := self._trashed) is not None:
            self._trashed = None
            self._chats.write(lambda store: store.restore(trashed.id), lambda _: self._on_restored(trashed))

    def _on_restored(self, restored: Conversation) -> None:
        self.refresh()
        if self.current is None:
            self.open(restored.id)

    def _known(self, conversation_id: str) -> Conversation | None:
        """A chat of the list, or the open one, which a search may have hidden there."""
        known = (*self._all, *((self.current,) if self.current else ()))
        return next((item for item in known if item.id == conversation_id), None)


def _leave_to_start(_: UserError) -> None:
    """There is no file yet, or it has to be mended first."""


def _open_store(store: ChatStore) -> list[Conversation]:
    store.recover()
    store.purge()
    return store.conversations()


def _change(place: Place, fields: ConversationFields, store: ChatStore) -> Conversation:
    return store.update(place.stored(store), **fields)


def _notice(store: ChatStore) -> str | None:
    return store.notice


def _export(conversation_id: str, path: Path, reader: ChatReader) -> str:
    text = to_markdown(reader.conversation(conversation_id), reader.messages(conversation_id))
    write_atomically(path, text.encode())
    return str(path)
