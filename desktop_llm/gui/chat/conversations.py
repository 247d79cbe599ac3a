"""The list of conversations: open, search, rename, pin, delete with undo, export."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.chats.export import write_markdown
from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import Conversation, ConversationFields
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.errors import UserError
from desktop_llm.gui.chat.chat_list import ChatList
from desktop_llm.gui.chat.replace_dialog import ReplaceDialog
from desktop_llm.gui.look.widgets import UndoBar
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.store_lane import StoreLane
from desktop_llm.paths import person_home
from desktop_llm.words import tr


class ConversationsController(QObject):
    """Signals: `opened` with the Conversation to show, or None for a new chat; `changed` with the open Conversation or
    None when another one is opened or the open one changes; `trashed` with an id; `saved` with the path of an export;
    `started` with whether there are any chats.

    `open_chat` is the open chat, even if it is new; `current` is its stored value, or None.
    """

    opened = Signal(Conversation)
    changed = Signal(Conversation)
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
        self._has_chosen = False  # whether the person has opened or changed a chat, which the start must not replace
        self.open_chat = OpenChat()
        self.current: Conversation | None = None
        chat_list.conversation_selected.connect(self.open)
        chat_list.search_changed.connect(self._on_search)
        chat_list.rename_requested.connect(self.rename)
        chat_list.pin_requested.connect(self._on_pin)
        chat_list.delete_requested.connect(self.trash)
        chat_list.export_requested.connect(self.export)
        undo.undo_requested.connect(self.undo)

    def show_early(self) -> None:
        """Show the list before everything else is built; `start` will report any fault of the store."""
        self._chats.read(ChatReader.conversations, functools.partial(self._on_listed, ""), _leave_to_start)

    def start(self) -> None:
        """Open the store, repair answers that a crash interrupted, and show the list."""
        self._chats.write(_mend)  # its failure is shown
        self._chats.look(ChatReader.conversations, self._on_started, lambda _: self._on_started([]))

    def refresh(self) -> None:
        """Load the list from the store again and show it."""
        query = self._query
        self._chats.read(lambda reader: reader.conversations(query), functools.partial(self._on_listed, query))

    def open(self, conversation_id: str) -> None:
        """Show a conversation."""
        if self.current is None or self.current.id != conversation_id:
            self._chats.read(lambda reader: reader.conversation(conversation_id), self.show)

    def new(self) -> None:
        """Begin a new chat; it is stored with its first message."""
        self._has_chosen = True
        self.open_chat, self.current = OpenChat(), None
        self._list.set_selected(None)
        self.opened.emit(None)
        self.changed.emit(None)

    def show(self, conversation: Conversation) -> None:
        """Make this the open conversation."""
        self._has_chosen = True
        self.open_chat, self.current = OpenChat(conversation.id), conversation
        self._list.set_selected(conversation.id)
        self._settings.remember(conversation=conversation.id)
        self.opened.emit(conversation)
        self.changed.emit(conversation)

    def adopt(self, chat: OpenChat, conversation: Conversation) -> None:
        """Take the new value of a conversation; if it is open, its messages are not loaded again."""
        if chat.same(self.open_chat):
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
        """Give a conversation the title that the person typed."""
        self._update(conversation_id, title=title.strip())

    def change(self, **fields: object) -> None:
        """Change fields of the open conversation; a new one is stored first."""
        self._has_chosen = True
        values = ConversationFields(**fields)  # type: ignore[typeddict-item]
        chat = self.open_chat
        self._chats.write(functools.partial(_change, chat, values), functools.partial(self.adopt, chat))

    def trash(self, conversation_id: str) -> None:
        """Move a conversation to the trash, and offer to undo it."""
        gone = self._known(conversation_id)
        if gone is not None:
            self._chats.write(lambda store: store.trash(gone.id), lambda _: self._on_trashed(gone))
            self.trashed.emit(gone.id)

    def export(self, conversation_id: str, path: str = "") -> None:
        """Write a conversation as Markdown, to a file that the person chooses."""
        known = self._known(conversation_id)
        title = known.title if known else "chat"
        name = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in title).strip()
        if path:
            self._write(conversation_id, path)
            return
        proposed = str(person_home() / f"{name or 'chat'}.md")
        # Qt's own question about a file that is there would show the file's name as HTML.
        plain = QFileDialog.Option.DontConfirmOverwrite
        path, _ = QFileDialog.getSaveFileName(
            self._window, tr("Export chat"), proposed, "Markdown (*.md)", options=plain
        )
        if path and Path(path).exists():
            ReplaceDialog.ask(self._window, path, functools.partial(self._on_replace, conversation_id))
        elif path:
            self._write(conversation_id, path)

    def _on_replace(self, conversation_id: str, path: str, _: str) -> None:
        self._write(conversation_id, path)

    def _write(self, conversation_id: str, path: str) -> None:
        self._chats.read(functools.partial(_export, conversation_id, Path(path)), self.saved.emit)

    def _on_started(self, conversations: list[Conversation]) -> None:
        self._on_listed("", conversations)
        last = self._settings.current.window.get("conversation")
        found = next((item for item in conversations if item.id == last), None)
        if not self._has_chosen:
            if found is not None:
                self.show(found)
            else:
                self.new()
        self.started.emit(bool(conversations))
        self._chats.look(_notice, self._on_notice)

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
        self.adopt(OpenChat(conversation.id), conversation)

    def _on_trashed(self, gone: Conversation) -> None:
        self._trashed = gone
        self._undo.show_message(tr("“{title}” was deleted.", title=gone.title or tr("New chat")))
        if self.current is not None and self.current.id == gone.id:
            self.new()
        self.refresh()

    def undo(self) -> None:
        """Restore the chat that was deleted last."""
        if (trashed := self._trashed) is not None:
            self._trashed = None
            self._chats.write(lambda store: store.restore(trashed.id), lambda _: self._on_restored(trashed))

    def _on_restored(self, restored: Conversation) -> None:
        self.refresh()
        if self.current is None:
            self.open(restored.id)

    def _known(self, conversation_id: str) -> Conversation | None:
        """A chat in the list, or the open one, which a search may have hidden from the list."""
        known = (*self._all, *((self.current,) if self.current else ()))
        return next((item for item in known if item.id == conversation_id), None)


def _leave_to_start(_: UserError) -> None:
    """Ignore a failure: there is no file yet, or `start` has to repair it first."""


def _mend(store: ChatStore) -> None:
    from desktop_llm.pictures.client import Pictures  # imported late so that the window starts sooner

    store.recover()
    store.purge()
    if store.notice is None:  # or messages may be missing whose pictures are here
        Pictures(store.path.with_name("pictures")).sweep(store.picture_paths())


def _change(chat: OpenChat, fields: ConversationFields, store: ChatStore) -> Conversation:
    return store.update(chat.stored(store), **fields)


def _notice(reader: ChatReader) -> str | None:
    return reader.notice if isinstance(reader, ChatStore) else None


def _export(conversation_id: str, path: Path, reader: ChatReader) -> str:
    try:
        write_markdown(path, reader.conversation(conversation_id), reader.messages(conversation_id))
    except UserError as error:  # without its action, which is for the app's own folders
        raise UserError(error.title, error.text) from error
    return str(path)
