"""Files of one chat: attached in the composer or dropped on "This chat", read into a collection of its own."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.gui.chips import Attachment
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.conversations_controller import ConversationsController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.place import Place
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Failed
from desktop_llm.knowledge.client import CHAT_PREFIX, Document, IndexProgress, IndexReport


class Attachments(QObject):
    """Keeps the composer's chips in step with the chat's own collection. Signal: `settled` when a chat's files have
    been read, or can't be.
    """

    settled = Signal()

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        documents: DocumentsController,
        composer: Composer,
        failed: Failed,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._resources = resources
        self._conversations = conversations
        self._documents = documents
        self._composer = composer
        self._failed = failed
        self._window = window
        self.paths: tuple[str, ...] = ()
        self._coming = 0
        composer.attach_requested.connect(self.ask)
        composer.attachment_removed.connect(self.remove)
        documents.progressed.connect(self._on_progress)
        documents.read.connect(self._on_read)
        documents.read_failed.connect(self._on_read_failed)

    def open(self, conversation: Conversation | None) -> None:
        """Show the files of this conversation."""
        self.paths = ()
        self._composer.set_attachments([])
        if conversation is not None and CHAT_PREFIX + conversation.id in conversation.collections:
            self._refresh(CHAT_PREFIX + conversation.id)

    def ask(self) -> None:
        """Let the person pick files."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, self.tr("Attach files"), str(Path.home()))
        if paths:
            self.add(paths)

    def add(self, paths: Sequence[str]) -> None:
        """Read files into the open chat; a new chat is stored for it first."""
        place = self._conversations.place
        self._coming += 1
        self._resources.chats.write(
            functools.partial(_give_collection, place),
            functools.partial(self._on_given, place, tuple(paths)),
            self._on_not_given,
        )

    def is_reading(self, place: Place) -> bool:
        """Whether files of this chat are still being read."""
        return self._coming > 0 or (place.id is not None and self._documents.is_reading(CHAT_PREFIX + place.id))

    def remove(self, path: str) -> None:
        """Forget a file of this chat; the file itself stays."""
        name = self._name()
        if name is not None:
            remove = functools.partial(self._resources.knowledge.remove_document, name, path)
            self._resources.tasks.call(remove, lambda _: self._refresh(name), lambda _: self._refresh(name))

    def _on_given(self, place: Place, paths: tuple[str, ...], conversation: Conversation) -> None:
        self._coming -= 1
        self._conversations.adopt(place, conversation)
        if place.same(self._conversations.place):
            self.paths = (*self.paths, *(path for path in paths if path not in self.paths))
            self._composer.set_attachments([self._reading(path) for path in self.paths])
        self._documents.add(CHAT_PREFIX + conversation.id, paths)

    def _on_not_given(self, error: UserError) -> None:
        self._coming -= 1
        self._failed(error)

    def _on_progress(self, progress: IndexProgress) -> None:
        if progress.collection == self._name():
            share = progress.done / max(progress.total, 1)
            self._composer.set_attachments([self._reading(path, share) for path in self.paths])

    def _reading(self, path: str, share: float = 0.0) -> Attachment:
        return Attachment(
            path, Path(path).name, "reading", self.tr("Reading {share} %").format(share=round(100 * share))
        )

    def _on_read(self, report: IndexReport) -> None:
        if report.collection == self._name():
            self._refresh(report.collection)
        elif report.collection.startswith(CHAT_PREFIX):
            self.settled.emit()

    def _on_read_failed(self, name: str, error: UserError) -> None:
        if name == self._name():
            failed = [Attachment(path, Path(path).name, "failed", error.message) for path in self.paths]
            self._composer.set_attachments(failed)
        if name.startswith(CHAT_PREFIX):
            self.settled.emit()

    def _refresh(self, name: str) -> None:
        self._resources.tasks.call(
            functools.partial(self._resources.knowledge.documents, name), functools.partial(self._show, name)
        )

    def _show(self, name: str, documents: list[Document]) -> None:
        if name == self._name():
            self.paths = tuple(document.path for document in documents)
            self._composer.set_attachments([self._chip(document) for document in documents])
        self.settled.emit()

    def _chip(self, document: Document) -> Attachment:
        name = Path(document.path).name
        if document.status == "failed":
            return Attachment(document.path, name, "failed", document.reason)
        if document.status != "ready":
            return self._reading(document.path)
        pages = self.tr("1 page") if document.pages == 1 else self.tr("{count} pages").format(count=document.pages)
        return Attachment(document.path, name, "ready", pages if document.pages else "")

    def _name(self) -> str | None:
        current = self._conversations.current
        return CHAT_PREFIX + current.id if current else None


def _give_collection(place: Place, store: ChatStore) -> Conversation:
    conversation = store.conversation(place.stored(store))
    name = CHAT_PREFIX + conversation.id
    if name in conversation.collections:
        return conversation
    return store.update(conversation.id, collections=(*conversation.collections, name))
