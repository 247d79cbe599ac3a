"""The documents of the open chat: files attached or dropped on "This chat", which are read into a collection of the
chat's own, and the collections ticked in the composer.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.errors import UserError
from desktop_llm.gui.chat.chips import Attachment
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.pictures import ChatPictures
from desktop_llm.gui.look.formats import file_name
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Failed
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import CHAT_PREFIX, Document
from desktop_llm.paths import person_home
from desktop_llm.pictures.client import is_picture_name
from desktop_llm.words import plural, tr


class Attachments(QObject):
    """Keeps the composer's chips in step with the chat's own collection. Signal: `settled` when a chat's files have
    been read or could not be read.
    """

    settled = Signal()

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        collections: Collections,
        composer: Composer,
        pictures: ChatPictures,
        failed: Failed,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._resources = resources
        self._conversations = conversations
        self._collections = collections
        self._composer = composer
        self._pictures = pictures
        self._failed = failed
        self._window = window
        self.paths: tuple[str, ...] = ()
        self._coming = 0
        composer.attach_requested.connect(self.ask)
        composer.files_pasted.connect(self.add)
        composer.attachment_removed.connect(self.remove)
        collections.progressed.connect(self._on_progress)
        collections.read.connect(self._on_read)

    def open(self, conversation: Conversation | None) -> None:
        """Show the files of this conversation."""
        self.paths = ()
        self._composer.set_attachments([])
        if conversation is not None and CHAT_PREFIX + conversation.id in conversation.collections:
            self._refresh(CHAT_PREFIX + conversation.id)

    def ask(self) -> None:
        """Let the person pick files."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, tr("Attach files"), str(person_home()))
        if paths:
            self.add(paths)

    def add(self, paths: Sequence[str]) -> None:
        """Show pictures with the next message, and read other files into the open chat; a new chat is stored for them
        first.
        """
        self._pictures.add(path for path in paths if is_picture_name(path))
        paths = [path for path in paths if not is_picture_name(path)]
        if not paths:
            return
        chat = self._conversations.open_chat
        self._coming += 1
        self._resources.chats.write(
            functools.partial(_give_collection, chat),
            functools.partial(self._on_given, chat, tuple(paths)),
            self._on_not_given,
        )

    def is_reading(self, chat: OpenChat) -> bool:
        """Whether files of this chat are still being read."""
        return self._coming > 0 or (chat.id is not None and self._collections.is_reading(CHAT_PREFIX + chat.id))

    def remove(self, path: str) -> None:
        """Remove a file from this chat; the file itself stays."""
        name = self._name()
        if name is not None:
            remove = functools.partial(self._resources.knowledge.remove_document, name, path)
            self._resources.tasks.call(remove, lambda _: self._refresh(name), lambda _: self._refresh(name))

    def _on_given(self, chat: OpenChat, paths: tuple[str, ...], conversation: Conversation) -> None:
        self._coming -= 1
        self._conversations.adopt(chat, conversation)
        if chat.same(self._conversations.open_chat):
            self.paths = (*self.paths, *(path for path in paths if path not in self.paths))
            self._composer.set_attachments([self._reading(path) for path in self.paths])
        self._collections.add(CHAT_PREFIX + conversation.id, paths)

    def _on_not_given(self, error: UserError) -> None:
        self._coming -= 1
        self._failed(error)
        self.settled.emit()

    def _on_progress(self, reading: Reading) -> None:
        if reading.subject == self._name():
            share = reading.progress.fraction
            self._composer.set_attachments([self._reading(path, share) for path in self.paths])

    def _reading(self, path: str, share: float = 0.0) -> Attachment:
        return Attachment(path, file_name(path), "reading", tr("Reading {share} %", share=round(100 * share)))

    def _on_read(self, reading: Reading) -> None:
        is_open = reading.subject == self._name()
        if is_open and reading.error is None:
            self._refresh(reading.subject)
        if is_open and reading.error is not None:
            message = reading.error.message
            self._composer.set_attachments(
                [Attachment(path, file_name(path), "failed", message) for path in self.paths]
            )
        if reading.subject.startswith(CHAT_PREFIX):
            self.settled.emit()

    def _refresh(self, name: str) -> None:
        self._resources.tasks.call(
            functools.partial(self._resources.knowledge.documents, name), functools.partial(self._show, name)
        )

    def _show(self, name: str, documents: list[Document]) -> None:
        if name == self._name():
            self.paths = tuple(document.path for document in documents)
            self._composer.set_attachments([self._chip(document) for document in documents])

    def _chip(self, document: Document) -> Attachment:
        name = file_name(document.path)
        if document.status == "failed":
            return Attachment(document.path, name, "failed", document.reason)
        if document.status != "ready":
            return self._reading(document.path)
        pages = plural("%n page", "%n pages", document.pages) if document.pages else ""
        return Attachment(document.path, name, "ready", pages)

    def _name(self) -> str | None:
        current = self._conversations.current
        return CHAT_PREFIX + current.id if current else None


def _give_collection(chat: OpenChat, store: ChatStore) -> Conversation:
    conversation = store.conversation(chat.stored(store))
    name = CHAT_PREFIX + conversation.id
    if name in conversation.collections:
        return conversation
    return store.update(conversation.id, collections=(*conversation.collections, name))


class TickedCollections(QObject):
    """Keeps the collections ticked in the composer equal to the chat's; the chat's own files are not among them."""

    def __init__(
        self,
        conversations: ConversationsController,
        collections: Collections,
        composer: Composer,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._conversations, self._collections, self._composer = conversations, collections, composer
        composer.collections_changed.connect(self._on_changed)
        composer.way.chosen.connect(lambda way: conversations.change(way=way))
        conversations.changed.connect(self._show_way)
        collections.changed.connect(self.show)

    def show(self) -> None:
        """Show the collections after another chat was opened or the collections changed."""
        self._composer.set_collections(self._collections.names, self._ticked())

    def _show_way(self, conversation: Conversation | None) -> None:
        self._composer.way.set_way(conversation.way if conversation else "")

    def tick(self, names: Sequence[str]) -> None:
        """Tick exactly these for the open chat."""
        self._on_changed(names)
        self._composer.set_collections(self._collections.names, tuple(names))

    def _ticked(self) -> tuple[str, ...]:
        conversation = self._conversations.current
        names = conversation.collections if conversation else self._conversations.open_chat.collections
        return tuple(name for name in names if not name.startswith(CHAT_PREFIX))

    def _on_changed(self, names: Sequence[str]) -> None:
        conversation = self._conversations.current
        self._conversations.open_chat.collections = tuple(names)
        if conversation is not None:
            own = tuple(name for name in conversation.collections if name.startswith(CHAT_PREFIX))
            self._conversations.change(collections=(*names, *own))
