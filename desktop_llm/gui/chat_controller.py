"""The open conversation: its messages, sending, stopping, editing, branches.

One answer runs at a time; it goes on when another conversation is opened. A message sent meanwhile waits.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.answer import TurnEvent
from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.engine.client import Loading, PromptProgress, Sampling, TextDelta, ThinkingDelta
from desktop_llm.errors import Busy, NotFound, UserError
from desktop_llm.gui.answer_view import AnswerView, unsaved_view
from desktop_llm.gui.attachments import Attachments
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.conversations_controller import ConversationsController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.drafts import Drafts
from desktop_llm.gui.evidence_controller import EvidenceController
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.place import Place
from desktop_llm.gui.question_queue import QuestionQueue
from desktop_llm.gui.questions import Begun, Question, prompt_of, store_question, switch_branch
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.transcript import Transcript
from desktop_llm.gui.transcript.view_model import MessageView
from desktop_llm.gui.turn import Turn, TurnOrder
from desktop_llm.gui.views import view_of
from desktop_llm.knowledge.client import CHAT_PREFIX
from desktop_llm.models.library import Model


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
        self._drafts = Drafts(resources.chats, composer, self)
        self._messages: tuple[StoredMessage, ...] = ()
        self._turn: Turn | None = None
        self._unsaved: dict[str, Turn] = {}
        self._queue = QuestionQueue()
        self._editing: StoredMessage | None = None
        self._answer_view = AnswerView(transcript)
        self._starting = False
        self._connect()

    def _connect(self) -> None:
        self._conversations.opened.connect(self._on_opened)
        self._conversations.trashed.connect(self._on_trashed)
        composer, transcript = self._composer, self._transcript
        composer.send_requested.connect(self.send)
        composer.stop_requested.connect(self.stop)
        composer.collections_changed.connect(self._on_ticked)
        composer.edit_last_requested.connect(self.edit_last)
        composer.queue_cancelled.connect(self._on_queue_cancelled)
        transcript.citation_activated.connect(self._on_citation)
        transcript.link_activated.connect(self.link_requested)
        transcript.copy_requested.connect(self._on_copy)
        transcript.regenerate_requested.connect(self._answer_again)
        transcript.edit_requested.connect(self._on_edit)
        transcript.branch_requested.connect(self._on_branch)
        transcript.action_requested.connect(self._on_action)
        self._documents.collections_changed.connect(self._on_collections)
        self._attachments.settled.connect(self._send_queued)

    @property
    def answering(self) -> str | None:
        """The id of the conversation that is being answered."""
        return self._turn.order.conversation_id if self._turn is not None else None

    def send(self, text: str) -> None:
        """Send a message below the last one, or in the place of the one being edited.

        It waits for a running answer, and for files of this chat that are still being read.
        """
        edited, self._editing = self._editing, None
        question = Question(
            self._place, text, edited.parent_id if edited else None, edited is None, self._attachments.paths
        )
        if self._busy or not self._is_ready(self._place):
            self._queue.add(question)
            self._show_queued()
        else:
            self._begin(question)

    def stop(self) -> None:
        """Stop the running answer; what was written stays."""
        if self._turn is not None:
            self._turn.stop()

    def leave_edit(self) -> bool:
        """Give up editing a message; False if none is edited."""
        if self._editing is None:
            return False
        self._editing = None
        self._composer.set_text("")
        self._drafts.save()
        return True

    def edit_last(self) -> None:
        """Put the last question into the composer; sending it makes a branch."""
        self._on_edit(self._last("user"))

    def regenerate_last(self) -> None:
        """Answer the last question once more, as a branch."""
        self._answer_again(self._last("assistant"))

    def copy_last(self) -> None:
        """Put the last answer on the clipboard as Markdown."""
        self._on_copy(self._last("assistant"))

    def tick(self, names: Sequence[str]) -> None:
        """Tick collections for the open conversation."""
        self._on_ticked(names)
        self._composer.set_collections(self._documents.names, tuple(names))

    def close(self) -> None:
        """The window closes: keep the draft, what was written of an answer, and what waits to be sent."""
        self._on_queue_cancelled()
        while (question := self._queue.take(lambda _: True)) is not None:
            self._drafts.leave(question.place, question.text or "")
        self._drafts.save()
        if self._turn is not None:
            self._turn.close()
        for turn in self._unsaved.values():
            turn.save_again()

    # --- sending ----------------------------------------------------------------------------------------------------

    @property
    def _place(self) -> Place:
        return self._conversations.place

    @property
    def _busy(self) -> bool:
        return self._turn is not None or self._starting

    def _begin(self, question: Question) -> None:
        model = self._models.model
        if model is None:
            sentence = self.tr("No model is chosen, so nothing was sent. Choose one in the header, then send again.")
            self._on_not_begun(question, NotFound(sentence))
            return
        self._starting = True
        work = functools.partial(store_question, question, model)
        begun = functools.partial(self._on_begun, question, model)
        self._chats.write(work, begun, functools.partial(self._on_not_begun, question))

    def _on_begun(self, question: Question, model: Model, begun: Begun) -> None:
        self._starting = False
        self._conversations.adopt(question.place, begun.conversation)
        self._start_turn(question, model, begun)
        if question.place.same(self._place):
            self._set_messages(begun.messages)
        self._show_answering()

    def _on_not_begun(self, question: Question, error: UserError) -> None:
        self._starting = False
        if question.text is not None and question.place.same(self._place):
            self._drafts.put_back(question.text)
        self.failed.emit(error)

    def _start_turn(self, question: Question, model: Model, begun: Begun) -> None:
        conversation = begun.conversation
        order = TurnOrder(
            conversation.id,
            begun.messages[-1].id,
            tuple(prompt_of(begun)),
            Sampling.known(conversation.sampling),
            conversation.collections if question.with_documents else (),
            model,
            self._models.load,
        )
        turn = self._turn = Turn(self._resources, order, self)
        turn.happened.connect(self._on_event)
        turn.ended.connect(functools.partial(self._on_ended, turn))
        turn.unsaved.connect(functools.partial(self._on_unsaved, turn))
        turn.start()
        self.answering_changed.emit(conversation.id)

    def _send_queued(self) -> None:
        if not self._busy and (question := self._queue.take(self._is_ready)) is not None:
            self._show_queued()
            self._begin(question)

    def _is_ready(self, place: Place) -> bool:
        return not self._attachments.is_reading(place)

    def _show_queued(self) -> None:
        self._composer.set_queued(self._queue.text_for(self._place))

    def _on_queue_cancelled(self) -> None:
        if (question := self._queue.take(self._place.same)) is not None:
            self._drafts.put_back(question.text or "")
        self._show_queued()

    # --- the running answer -----------------------------------------------------------------------------------------

    def _on_event(self, event: TurnEvent) -> None:
        turn = self._turn
        if turn is None:
            return
        if isinstance(event, Loading):
            self._models.show_loading(event)
        elif isinstance(event, PromptProgress | TextDelta | ThinkingDelta):
            self._models.show_loaded(self._resources.engine.loaded)
        if turn.order.conversation_id == self._conversation_id():
            self._answer_view.show(turn, event)

    def _on_ended(self, turn: Turn, stored: StoredMessage) -> None:
        self._unsaved.pop(stored.id, None)
        if turn is self._turn:
            self._turn_is_over()
        loaded = self._resources.engine.loaded
        self._models.show_loaded(loaded)
        if loaded is None and stored.error:
            self._models.show_stopped(UserError(stored.error))
        if self._message(stored.id) is not None:
            self._messages = tuple(stored if message.id == stored.id else message for message in self._messages)
            self._answer_view.ended(turn, stored)
            self._show_context(stored)
        self._conversations.refresh()
        self._send_queued()

    def _on_unsaved(self, turn: Turn, error: UserError) -> None:
        self._unsaved[turn.order.message_id] = turn
        if turn is self._turn:
            self._turn_is_over()
        message = self._message(turn.order.message_id)
        if message is not None:
            self._transcript.finish(unsaved_view(message, turn))
        self.failed.emit(error)
        self._send_queued()

    def _turn_is_over(self) -> None:
        self._turn = None
        self._show_answering()
        self.answering_changed.emit(None)

    def _show_answering(self) -> None:
        self._composer.set_answering(self.answering is not None and self.answering == self._conversation_id())

    def _on_trashed(self, conversation_id: str) -> None:
        self._queue.forget(conversation_id)
        if self.answering == conversation_id:
            self.stop()

    # --- the open conversation --------------------------------------------------------------------------------------

    def _on_opened(self, conversation: Conversation | None) -> None:
        self._editing = None
        self._drafts.open(self._place)
        self._transcript.clear()
        self._messages = ()
        self._attachments.open(conversation)
        self._composer.set_collections(self._documents.names, self._ticked())
        self._show_answering()
        self._show_queued()
        self.context_used.emit(0, 0)
        # In the writing lane: what was stored a moment ago is then seen.
        key = conversation.id if conversation else ""
        self._chats.write(functools.partial(_open, key), functools.partial(self._on_loaded, self._place))

    def _on_loaded(self, place: Place, found: tuple[tuple[StoredMessage, ...], str]) -> None:
        if place is not self._place:
            return
        messages, draft = found
        self._drafts.show(draft)
        self._set_messages(messages)
        self._show_answering()
        for answer in messages[-1:]:
            self._show_context(answer)

    def _set_messages(self, messages: Sequence[StoredMessage]) -> None:
        self._messages = tuple(messages)
        self._transcript.set_messages([self._view(message) for message in messages])

    def _view(self, message: StoredMessage) -> MessageView:
        if self._turn is not None and self._turn.order.message_id == message.id:
            return self._answer_view.running(message, self._turn)
        if message.id in self._unsaved:
            return unsaved_view(message, self._unsaved[message.id])
        return view_of(message)

    def _show_context(self, answer: StoredMessage) -> None:
        loaded = self._resources.engine.loaded
        used = answer.usage.get("prompt_tokens", 0) + answer.usage.get("completion_tokens", 0)
        if used:
            self.context_used.emit(used, loaded.context_length if loaded else 0)

    def _on_ticked(self, names: Sequence[str]) -> None:
        conversation = self._conversations.current
        self._place.collections = tuple(names)
        if conversation is not None:
            own = tuple(name for name in conversation.collections if name.startswith(CHAT_PREFIX))
            self._conversations.change(collections=(*names, *own))

    def _ticked(self) -> tuple[str, ...]:
        conversation = self._conversations.current
        names = conversation.collections if conversation else self._place.collections
        return tuple(name for name in names if not name.startswith(CHAT_PREFIX))

    def _on_collections(self, _: object) -> None:
        self._composer.set_collections(self._documents.names, self._ticked())

    # --- what is done with a message --------------------------------------------------------------------------------

    def _on_citation(self, message_id: str, number: int) -> None:
        message = self._message(message_id)
        if message is not None:
            self._evidence.show(message, number)
            self._transcript.set_active_citation(message_id, number)
            self.evidence_requested.emit()

    def _on_copy(self, message_id: str) -> None:
        message = self._message(message_id)
        if message is not None:
            QApplication.clipboard().setText(self._view(message).text or message.text)

    def _on_action(self, message_id: str, action: str) -> None:
        if action == "save_again" and message_id in self._unsaved:
            self._unsaved[message_id].save_again()
        else:
            self._answer_again(message_id, with_documents=action != "without_documents")

    def _answer_again(self, message_id: str, *, with_documents: bool = True) -> None:
        message = self._message(message_id)
        if message is None or message.parent_id is None:
            return
        if self._busy:
            sentence = self.tr("An answer is being written. Stop it or wait until it has ended, then try again.")
            self.failed.emit(Busy(sentence))
            return
        self._begin(Question(self._place, None, message.parent_id, False, with_documents=with_documents))

    def _on_edit(self, message_id: str) -> None:
        message = self._message(message_id)
        if message is not None:
            self._drafts.save()
            self._editing = message
            self._composer.set_text(message.text)
            self._composer.focus_text()

    def _on_branch(self, message_id: str, step: int) -> None:
        conversation_id = self._conversation_id()
        if conversation_id is not None and self.answering != conversation_id:
            switch = functools.partial(switch_branch, conversation_id, message_id, step)
            self._chats.write(switch, functools.partial(self._on_switched, self._place))

    def _on_switched(self, place: Place, messages: list[StoredMessage]) -> None:
        if place is self._place:
            self._set_messages(messages)

    def _message(self, message_id: str) -> StoredMessage | None:
        return next((message for message in self._messages if message.id == message_id), None)

    def _last(self, role: str) -> str:
        return next((message.id for message in reversed(self._messages) if message.role == role), "")

    def _conversation_id(self) -> str | None:
        return self._conversations.current.id if self._conversations.current else None


def _open(key: str, store: ChatStore) -> tuple[tuple[StoredMessage, ...], str]:
    return tuple(store.messages(key)) if key else (), store.draft(key)
