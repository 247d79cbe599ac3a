"""Text that is typed but not sent: kept for each chat, as a draft or the edit of an earlier message; and its size."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.engine.client import ChatMessage, Engine
from desktop_llm.errors import ContextOverflow, UserError
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.store_lane import StoreLane
from desktop_llm.words import plural, tr

PAUSE_MS = 400


@dataclass(frozen=True, slots=True)
class Unsent:
    """A chat's unsent text as it is stored: the draft, and the message being edited with its new text."""

    draft: str = ""
    edited: StoredMessage | None = None
    edit: str = ""


class Drafts(QObject):
    """Saves the composer's text for the chat in which it was typed, whenever the typing pauses.

    While a message is edited (`edited`), the chat's draft waits and comes back afterwards.
    """

    def __init__(self, chats: StoreLane, composer: Composer, parent: QObject) -> None:
        super().__init__(parent)
        self._chats, self._composer = chats, composer
        self._chat: OpenChat | None = None  # None until the first chat is opened, which gets the text typed before.
        self._draft = self._saved = ""
        self.edited: StoredMessage | None = None
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.save)
        composer.draft_changed.connect(self._on_changed)

    def open(self, chat: OpenChat) -> None:
        """Save the text of the chat that was open before, and clear the composer for this one."""
        if self._chat is not None:
            self.save()
            self._composer.set_text("")
        self._chat, self._draft, self._saved = chat, "", ""
        self._set_edited(None)

    def show(self, unsent: Unsent) -> None:
        """Show the stored text of the open chat; text typed meanwhile goes below it."""
        self._draft = self._saved = unsent.draft
        if self._chat is not None:
            self._chat.draft = unsent.draft
        if unsent.edited is not None:
            self._saved = unsent.edit
            self._set_edited(unsent.edited)
        if self._saved:
            self.put_back(self._saved)
        else:
            self.save()  # what was typed meanwhile may have been saved before, and the store has more than was read

    def edit(self, message: StoredMessage, text: str) -> None:
        """Put a new text for a message into the composer; sending it creates a branch."""
        self.leave_edit()
        self.save()
        self._draft = self._composer.text()
        self._set_edited(message)
        self._composer.set_text(text)
        self.save()

    def leave_edit(self) -> StoredMessage | None:
        """Stop editing and show the draft again; returns the message that was being edited."""
        edited = self.edited
        if edited is not None:
            self._chats.write(lambda store: store.save_draft(edited.id, ""))
            self._pause.stop()
            self._set_edited(None)
            self._saved = self._draft
            self._composer.set_text(self._draft)
        return edited

    def put_back(self, text: str) -> None:
        """Put a text that could not be sent back into the composer, above anything typed since."""
        typed = self._composer.text()
        self._composer.set_text(f"{text}\n\n{typed}" if typed else text)
        self.save()

    def leave(self, chat: OpenChat, text: str, edits: str) -> None:
        """Keep a text that could not be sent in a chat that is not open, above the draft or the edit there."""
        self._chats.write(functools.partial(_put_above, chat, edits, text))

    def save(self) -> None:
        """Save the text now."""
        self._pause.stop()
        text = self._composer.text()
        if self._chat is not None and text != self._saved:
            self._saved = text
            key = self.edited.id if self.edited else ""
            self._chats.write(functools.partial(_save, self._chat, key, text))

    def save_again(self) -> None:
        """Save the text although it may be saved."""
        self._saved = ""
        self.save()

    def _set_edited(self, message: StoredMessage | None) -> None:
        self.edited = message
        self._composer.set_editing(message is not None)

    def _on_changed(self, _: str) -> None:
        self._pause.start()


def read_unsent(store: ChatReader, chat_id: str, messages: Sequence[StoredMessage]) -> Unsent:
    """A chat's stored unsent text. The text of an edit is stored as the draft of the edited message."""
    for message in messages:
        if message.role == "user" and (text := store.draft(message.id)):
            return Unsent(store.draft(chat_id), message, text)
    return Unsent(store.draft(chat_id))


def _save(chat: OpenChat, key: str, text: str, store: ChatStore) -> None:
    # In the lane, so that a chat stored just before already has its id.
    store.save_draft(key or chat.id or "", text)
    if not key:
        chat.draft = text


def _put_above(chat: OpenChat, edits: str, text: str, store: ChatStore) -> None:
    key = edits or chat.id or ""
    typed = store.draft(key)
    store.save_draft(key, f"{text}\n\n{typed}" if typed else text)


@dataclass(frozen=True, slots=True)
class Cost:
    """How much of the context a message takes: its tokens, and how many messages lose their place; or why it can't fit.

    Passages from documents are not counted.
    """

    tokens: int = 0
    left_out: int = 0
    too_long: ContextOverflow | None = None


class MessageCost(QObject):
    """Has the chosen model count the tokens of the text whenever the typing pauses; it is never loaded for that.

    `before` are the messages that the model reads before it.
    """

    def __init__(
        self,
        resources: Resources,
        models: ChosenModelController,
        composer: Composer,
        before: Callable[[], Sequence[ChatMessage]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._resources, self._models, self._composer, self._before = resources, models, composer, before
        self._counted: str | None = None  # the text that is being counted, None if none is
        composer.draft_changed.connect(self._on_changed)

    def _on_changed(self, text: str) -> None:
        if not text.strip() or (engine := self._models.engine) is None:
            self._composer.set_token_count("")
            self._composer.set_warning("")
        elif self._counted is None:
            self._counted = text
            work = functools.partial(_cost_of, engine, tuple(self._before()), text)
            self._resources.tasks.call(work, self._show, self._on_failed)

    def _on_failed(self, _: UserError) -> None:
        """Show no count: the model was unloaded or died, and sending will say so."""
        self._show(None)

    def _show(self, cost: Cost | None) -> None:
        counted, self._counted = self._counted, None
        text = self._composer.text()
        if text != counted:
            self._on_changed(text)
            return
        tokens = plural("%n token", "%n tokens", cost.tokens) if cost and cost.tokens else ""
        self._composer.set_token_count(tokens)
        self._composer.set_warning(_warning(cost) if cost else "")


def _warning(cost: Cost) -> str:
    if cost.too_long is not None:
        return cost.too_long.title
    if not cost.left_out:
        return ""
    left_out = plural(
        "The first message will be left out; it stays saved.",
        "The first %n messages will be left out; they stay saved.",
        cost.left_out,
    )
    return f"{tr('This chat is longer than the model can keep in mind.')} {left_out}"


def _cost_of(engine: Engine, before: Sequence[ChatMessage], text: str) -> Cost:
    """The tokens that the text adds, and whether the whole chat then fits; runs in a task. Raises UserError."""
    message = ChatMessage.of("user", text)
    try:
        tokens = engine.measure([message]).prompt_tokens - engine.measure([ChatMessage.of("user", "")]).prompt_tokens
        return Cost(tokens, engine.measure([*before, message]).left_out)
    except ContextOverflow as error:
        return Cost(too_long=error)
