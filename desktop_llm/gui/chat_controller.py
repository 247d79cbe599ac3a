"""The open conversation: its messages, sending, stopping, editing, branches, drafts, attached files.

One answer runs at a time; it goes on when another conversation is opened. A message sent meanwhile waits.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.answer import Cited, Sources, TurnEvent
from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.chats.store import ChatReader, ChatStore
from desktop_llm.chats.titles import title_from
from desktop_llm.engine.client import (
    ChatMessage,
    LeftOut,
    Loading,
    PromptProgress,
    Sampling,
    TextDelta,
    ThinkingDelta,
)
from desktop_llm.errors import UserError
from desktop_llm.gui.attachments import Attachments
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.conversations_controller import ConversationsController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.evidence_controller import EvidenceController
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.transcript import Transcript
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress
from desktop_llm.gui.turn import Turn, TurnOrder
from desktop_llm.gui.views import view_of
from desktop_llm.knowledge.client import CHAT_PREFIX
from desktop_llm.models.library import Model

DRAFT_PAUSE_MS = 400


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn as the store knows it: the conversation, its active branch, and the empty answer at its end."""

    conversation: Conversation
    messages: tuple[StoredMessage, ...]


class ChatController(QObject):
    """Signals: `evidence_requested` when a citation was opened; `context_used(used, total)` in tokens;
    `link_requested(url)`; `answering_changed` with the conversation's id or None; `failed` with a UserError.
    """

    evidence_requested = Signal()
    context_used = Signal(int, int)
    link_requested = Signal(str)
    answering_changed = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        models: ModelsController,
        documents: DocumentsController,
        evidence: EvidenceController,
        transcript: Transcript,
        composer: Composer,
        attachments: Attachments,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._resources = resources
        self._chats = resources.chats
        self._conversations = conversations
        self._models = models
        self._documents = documents
        self._evidence = evidence
        self._transcript = transcript
        self._composer = composer
        self._attachments = attachments
        self._messages: tuple[StoredMessage, ...] = ()
        self._turn: Turn | None = None
        self._queued: tuple[str | None, str] | None = None
        self._editing: StoredMessage | None = None
        self._answer_view: MessageView | None = None
        self._starting = False
        self._with_documents = True
        self._ticked_for_new: tuple[str, ...] = ()
        self._draft_timer = QTimer(self)
        self._draft_timer.setSingleShot(True)
        self._draft_timer.setInterval(DRAFT_PAUSE_MS)
        self._draft_timer.timeout.connect(self._save_draft)
        self._connect()

    def _connect(self) -> None:
        self._conversations.opened.connect(self._on_opened)
        composer, transcript = self._composer, self._transcript
        composer.send_requested.connect(self.send)
        composer.stop_requested.connect(self.stop)
        composer.draft_changed.connect(self._on_draft_changed)
        composer.collections_changed.connect(self._on_ticked)
        composer.edit_last_requested.connect(self.edit_last)
        composer.queue_cancelled.connect(self._on_queue_cancelled)
        transcript.citation_activated.connect(self._on_citation)
        transcript.link_activated.connect(self.link_requested)
        transcript.copy_requested.connect(self._on_copy)
        transcript.regenerate_requested.connect(self._on_regenerate)
        transcript.edit_requested.connect(self._on_edit)
        transcript.branch_requested.connect(self._on_branch)
        transcript.action_requested.connect(self._on_action)
        self._documents.collections_changed.connect(self._on_collections)

    @property
    def answering(self) -> str | None:
        """The id of the conversation that is being answered."""
        return self._turn.order.conversation_id if self._turn is not None else None

    def send(self, text: str) -> None:
        """Send a message below the last one, or in the place of the one being edited; wait for a running answer."""
        if self._turn is not None or self._starting:
            self._queued = (self._conversation_id(), text)
            self._composer.set_queued(text)
            return
        edited, self._editing = self._editing, None
        parent = edited.parent_id if edited else self._messages[-1].id if self._messages else None
        self._begin(text, parent)

    def stop(self) -> None:
        """Stop the running answer; what was written stays."""
        if self._turn is not None:
            self._turn.stop()

    def edit_last(self) -> None:
        """Put the last question into the composer; sending it makes a branch."""
        questions = [message for message in self._messages if message.role == "user"]
        if questions:
            self._on_edit(questions[-1].id)

    def regenerate_last(self) -> None:
        """Answer the last question once more, as a branch."""
        answers = [message for message in self._messages if message.role == "assistant"]
        if answers:
            self._on_regenerate(answers[-1].id)

    def copy_last(self) -> None:
        """Put the last answer on the clipboard as Markdown."""
        answers = [message for message in self._messages if message.role == "assistant"]
        if answers:
            self._on_copy(answers[-1].id)

    def _begin(self, text: str | None, parent_id: str | None, *, with_documents: bool = True) -> None:
        model = self._models.model
        if model is None:
            return
        self._starting = True
        self._with_documents = with_documents
        work = functools.partial(
            _store_turn, self._conversation_id(), parent_id, text, self._attachments.paths, model, self._ticked()
        )
        self._chats.write(work, self._on_begun, functools.partial(self._on_not_begun, text))

    def _on_begun(self, begun: Begun) -> None:
        self._starting = False
        self._conversations.adopt(begun.conversation)
        self._start_turn(begun)
        self._set_messages(begun.messages)

    def _on_not_begun(self, text: str | None, error: UserError) -> None:
        self._starting = False
        self._composer.set_text(text or "")
        self.failed.emit(error)

    def _start_turn(self, begun: Begun) -> None:
        model = self._models.model
        assert model is not None, "a turn begins with a model"
        conversation = begun.conversation
        order = TurnOrder(
            conversation.id,
            begun.messages[-1].id,
            tuple(_prompt(conversation, begun.messages[:-1])),
            Sampling(**conversation.sampling),
            conversation.collections if self._with_documents else (),
            model,
            self._models.load,
        )
        self._turn = Turn(self._resources, order, self)
        self._turn.happened.connect(self._on_event)
        self._turn.ended.connect(self._on_ended)
        self._turn.unsaved.connect(self._on_unsaved)
        self._composer.set_answering(True)
        self._turn.start()
        self.answering_changed.emit(conversation.id)

    def _on_event(self, event: TurnEvent) -> None:
        turn = self._turn
        if turn is None:
            return
        if isinstance(event, Loading):
            self._models.show_loading(event)
        elif isinstance(event, PromptProgress | TextDelta | ThinkingDelta):
            self._models.show_loaded(self._resources.engine.loaded)
        if turn.order.conversation_id == self._conversation_id():
            self._show_event(turn.order.message_id, event)

    def _show_event(self, id: str, event: TurnEvent) -> None:
        match event:
            case TextDelta(text):
                self._transcript.set_progress(id, None)
                self._transcript.append_text(id, text)
            case ThinkingDelta(text):
                self._transcript.set_progress(id, None)
                self._transcript.append_thinking(id, text)
            case PromptProgress(done, total, seconds_left):
                passages = len(self._turn.state.sources) if self._turn else 0
                self._transcript.set_progress(id, ReadingProgress(done, total, passages, seconds_left))
            case Sources(passages):
                self._update_answer(sources=passages)
            case LeftOut(count):
                notice = self.tr("The first {count} messages are left out of what the model reads; they stay saved.")
                self._update_answer(notice=notice.format(count=count))
            case Cited(text, citations, unsupported):
                sentences = tuple(text[start:end] for start, end in unsupported)
                self._update_answer(citations=citations, unsupported=sentences)

    def _update_answer(self, **fields: object) -> None:
        if self._answer_view is not None and self._turn is not None:
            state = self._turn.state
            fields |= {"text": state.text, "thinking": state.thinking}
            self._answer_view = replace(self._answer_view, **fields)  # type: ignore[arg-type]
            self._transcript.update_message(self._answer_view)

    def _on_ended(self, stored: StoredMessage) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        self._composer.set_answering(False)
        self._models.show_loaded(self._resources.engine.loaded)
        if stored.status != "complete" and stored.error:
            self._models.show_stopped(UserError(stored.error))
        if turn.order.conversation_id == self._conversation_id():
            self._messages = tuple(stored if message.id == stored.id else message for message in self._messages)
            self._transcript.finish(self._view_of_ended(turn, stored))
            self._show_context(stored)
        self.answering_changed.emit(None)
        self._conversations.refresh()
        self._send_queued()

    def _view_of_ended(self, turn: Turn, stored: StoredMessage) -> MessageView:
        sentences = tuple(turn.state.text[start:end] for start, end in turn.state.unsupported)
        nothing = bool(turn.order.collections) and not stored.sources and stored.status == "complete"
        return view_of(stored, sentences, nothing_found=nothing)

    def _on_unsaved(self, error: UserError) -> None:
        self._turn = None
        self._composer.set_answering(False)
        self.answering_changed.emit(None)
        self.failed.emit(error)

    def _send_queued(self) -> None:
        if self._queued is not None and self._queued[0] == self._conversation_id():
            text = self._queued[1]
            self._queued = None
            self._composer.set_queued(None)
            self.send(text)

    def _on_queue_cancelled(self) -> None:
        queued, self._queued = self._queued, None
        self._composer.set_queued(None)
        if queued is not None and not self._composer.text():
            self._composer.set_text(queued[1])

    def close(self) -> None:
        """The window closes: keep the draft and what was written of an answer."""
        self._save_draft()
        self.stop()

    def _on_opened(self, conversation: Conversation | None) -> None:
        self._editing = None
        self._ticked_for_new = ()
        self._transcript.clear()
        self._messages = ()
        self._attachments.open(conversation)
        self._composer.set_collections(self._documents.names, self._ticked())
        self._composer.set_answering(self.answering is not None and self.answering == self._conversation_id())
        self.context_used.emit(0, 0)
        key = conversation.id if conversation else ""
        self._chats.read(functools.partial(_open, conversation, key), functools.partial(self._on_loaded, key))

    def _on_loaded(self, key: str, found: tuple[tuple[StoredMessage, ...], str]) -> None:
        if key != (self._conversation_id() or ""):
            return
        messages, draft = found
        self._composer.set_text(draft)
        self._set_messages(messages)
        for answer in messages[-1:]:
            self._show_context(answer)

    def _set_messages(self, messages: Sequence[StoredMessage]) -> None:
        self._messages = tuple(messages)
        self._transcript.set_messages([self._view(message) for message in messages])

    def _view(self, message: StoredMessage) -> MessageView:
        turn = self._turn
        if turn is None or turn.order.message_id != message.id:
            return view_of(message)
        state = turn.state
        self._answer_view = replace(view_of(message), text=state.text, thinking=state.thinking, sources=state.sources)
        return self._answer_view

    def _show_context(self, answer: StoredMessage) -> None:
        loaded = self._resources.engine.loaded
        used = answer.usage.get("prompt_tokens", 0) + answer.usage.get("completion_tokens", 0)
        if used:
            self.context_used.emit(used, loaded.context_length if loaded else 0)

    def _on_draft_changed(self, _: str) -> None:
        self._draft_timer.start()

    def _save_draft(self) -> None:
        key, text = self._conversation_id() or "", self._composer.text()
        self._chats.write(lambda store: store.save_draft(key, text))

    def _on_ticked(self, names: Sequence[str]) -> None:
        conversation = self._conversations.current
        if conversation is None:
            self._ticked_for_new = tuple(names)
            return
        own = tuple(name for name in conversation.collections if name.startswith(CHAT_PREFIX))
        self._conversations.change(collections=(*names, *own))

    def _ticked(self) -> tuple[str, ...]:
        conversation = self._conversations.current
        names = conversation.collections if conversation else self._ticked_for_new
        return tuple(name for name in names if not name.startswith(CHAT_PREFIX))

    def tick(self, names: Sequence[str]) -> None:
        """Tick collections for the open conversation."""
        self._on_ticked(names)
        self._composer.set_collections(self._documents.names, tuple(names))

    def _on_collections(self, _: object) -> None:
        self._composer.set_collections(self._documents.names, self._ticked())

    def _on_citation(self, message_id: str, number: int) -> None:
        message = self._message(message_id)
        if message is not None:
            self._evidence.show(message, number)
            self._transcript.set_active_citation(message_id, number)
            self.evidence_requested.emit()

    def _on_copy(self, message_id: str) -> None:
        message = self._message(message_id)
        if message is not None:
            QApplication.clipboard().setText(message.text)

    def _on_regenerate(self, message_id: str) -> None:
        message = self._message(message_id)
        if message is not None and message.parent_id and self._turn is None and not self._starting:
            self._begin(None, message.parent_id)

    def _on_edit(self, message_id: str) -> None:
        message = self._message(message_id)
        if message is not None:
            self._editing = message
            self._composer.set_text(message.text)
            self._composer.focus_text()

    def _on_branch(self, message_id: str, step: int) -> None:
        conversation_id = self._conversation_id()
        if self._turn is None and conversation_id is not None:
            self._chats.write(functools.partial(_switch, conversation_id, message_id, step), self._set_messages)

    def _on_action(self, message_id: str, action: str) -> None:
        message = self._message(message_id)
        if message is None or message.parent_id is None or self._turn is not None or self._starting:
            return
        self._begin(None, message.parent_id, with_documents=action != "without_documents")

    def _message(self, message_id: str) -> StoredMessage | None:
        return next((message for message in self._messages if message.id == message_id), None)

    def _conversation_id(self) -> str | None:
        return self._conversations.current.id if self._conversations.current else None


def _store_turn(
    conversation_id: str | None,
    parent_id: str | None,
    text: str | None,
    attachments: Sequence[str],
    model: Model,
    ticked: Sequence[str],
    store: ChatStore,
) -> Begun:
    """Store a question (none when it is answered once more) and the empty answer below it, before anything is sent."""
    if conversation_id is None:
        conversation_id = store.create(collections=tuple(ticked), model_id=model.id).id
    if text is not None:
        if not store.conversation(conversation_id).title:
            store.update(conversation_id, title=title_from(text))
        parent_id = store.add(conversation_id, parent_id, "user", text, attachments=attachments).id
    store.add(conversation_id, parent_id, "assistant", status="streaming", model_id=model.id, model_name=model.name)
    return Begun(store.conversation(conversation_id), tuple(store.messages(conversation_id)))


def _open(conversation: Conversation | None, key: str, reader: ChatReader) -> tuple[tuple[StoredMessage, ...], str]:
    messages = tuple(reader.messages(conversation.id)) if conversation else ()
    return messages, reader.draft(key)


def _switch(conversation_id: str, message_id: str, step: int, store: ChatStore) -> list[StoredMessage]:
    siblings = store.siblings(message_id)
    store.choose_branch(siblings[(siblings.index(message_id) + step) % len(siblings)])
    return store.messages(conversation_id)


def _prompt(conversation: Conversation, messages: Iterable[StoredMessage]) -> Iterable[ChatMessage]:
    """The conversation as the model reads it: what failed before a word came is left out."""
    if conversation.system_prompt:
        yield ChatMessage("system", conversation.system_prompt)
    for message in messages:
        if message.text:
            yield ChatMessage(message.role, message.text)
