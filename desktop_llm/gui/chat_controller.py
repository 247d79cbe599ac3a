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
from desktop_llm.errors import Busy, UserError
from desktop_llm.gui.answering import Answering
from desktop_llm.gui.attachments import Attachments
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.conversations_controller import ConversationsController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.drafts import Drafts
from desktop_llm.gui.evidence_controller import EvidenceController
from desktop_llm.gui.message_cost import MessageCost
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.open_messages import OpenMessages
from desktop_llm.gui.place import Place
from desktop_llm.gui.question_queue import QuestionQueue
from desktop_llm.gui.questions import Begun, Question, switch_branch
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.ticked_collections import TickedCollections
from desktop_llm.gui.transcript import Transcript
from desktop_llm.gui.turn import Turn


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
        self._evidence = evidence
        self._transcript = transcript
        self._composer = composer
        self._attachments = attachments
        self._drafts = Drafts(resources.chats, composer, self)
        MessageCost(resources, composer, self)
        self._ticked = TickedCollections(conversations, documents, composer, self)
        self._answering = Answering(resources, models, self)
        self._messages = OpenMessages(transcript, self._answering)
        self._queue = QuestionQueue()
        self._editing: StoredMessage | None = None
        self._connect()

    def _connect(self) -> None:
        self._conversations.opened.connect(self._on_opened)
        self._conversations.trashed.connect(self._on_trashed)
        answering = self._answering
        answering.begun.connect(self._on_begun)
        answering.not_begun.connect(self._on_not_begun)
        answering.happened.connect(self._on_event)
        answering.ended.connect(self._on_ended)
        answering.unsaved.connect(self._on_unsaved)
        answering.changed.connect(self._on_answering_changed)
        composer, transcript = self._composer, self._transcript
        composer.send_requested.connect(self.send)
        composer.stop_requested.connect(self.stop)
        composer.edit_last_requested.connect(self.edit_last)
        composer.queue_cancelled.connect(self._on_queue_cancelled)
        transcript.citation_activated.connect(self._on_citation)
        transcript.link_activated.connect(self.link_requested)
        transcript.copy_requested.connect(self._on_copy)
        transcript.regenerate_requested.connect(self._answer_again)
        transcript.edit_requested.connect(self._on_edit)
        transcript.branch_requested.connect(self._on_branch)
        transcript.action_requested.connect(self._on_action)
        self._attachments.settled.connect(self._send_queued)

    @property
    def answering(self) -> str | None:
        """The id of the conversation that is being answered."""
        return self._answering.conversation_id

    def send(self, text: str) -> None:
        """Send a message below the last one, or in the place of the one being edited.

        It waits for a running answer, and for files of this chat that are still being read.
        """
        edited, self._editing = self._editing, None
        question = Question(
            self._place, text, edited.parent_id if edited else None, edited is None, self._attachments.paths
        )
        if self._answering.busy or not self._is_ready(self._place):
            self._queue.add(question)
            self._show_queued()
        else:
            self._answering.begin(question)

    def stop(self) -> None:
        """Stop the running answer; what was written stays."""
        self._answering.stop()

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
        self._on_edit(self._messages.last("user"))

    def regenerate_last(self) -> None:
        """Answer the last question once more, as a branch."""
        self._answer_again(self._messages.last("assistant"))

    def copy_last(self) -> None:
        """Put the last answer on the clipboard as Markdown."""
        self._on_copy(self._messages.last("assistant"))

    def tick(self, names: Sequence[str]) -> None:
        """Tick collections for the open conversation."""
        self._ticked.tick(names)

    def close(self) -> None:
        """The window closes: keep the draft, what was written of an answer, and what waits to be sent."""
        self._on_queue_cancelled()
        while (question := self._queue.take(lambda _: True)) is not None:
            self._drafts.leave(question.place, question.text or "")
        self._drafts.save()
        self._answering.close()

    # --- sending ----------------------------------------------------------------------------------------------------

    @property
    def _place(self) -> Place:
        return self._conversations.place

    def _on_begun(self, question: Question, begun: Begun) -> None:
        self._conversations.adopt(question.place, begun.conversation)
        if question.place.same(self._place):
            self._messages.set(begun.messages)

    def _on_not_begun(self, question: Question, error: UserError) -> None:
        if question.text is not None and question.place.same(self._place):
            self._drafts.put_back(question.text)
        self.failed.emit(error)

    def _send_queued(self) -> None:
        if not self._answering.busy and (question := self._queue.take(self._is_ready)) is not None:
            self._show_queued()
            self._answering.begin(question)

    def _is_ready(self, place: Place) -> bool:
        return not self._attachments.is_reading(place)

    def _show_queued(self) -> None:
        self._composer.set_queued(self._queue.text_for(self._place))

    def _on_queue_cancelled(self) -> None:
        if (question := self._queue.take(self._place.same)) is not None:
            self._drafts.put_back(question.text or "")
        self._show_queued()

    # --- the running answer -----------------------------------------------------------------------------------------

    def _on_event(self, turn: Turn, event: TurnEvent) -> None:
        if turn.order.conversation_id == self._conversation_id():
            self._messages.follow(turn, event)

    def _on_ended(self, turn: Turn, stored: StoredMessage) -> None:
        if self._messages.find(stored.id) is not None:
            self._messages.show_ended(turn, stored)
            self._show_context(stored)
        self._conversations.refresh()
        self._send_queued()

    def _on_unsaved(self, turn: Turn, error: UserError) -> None:
        self._messages.show_unsaved(turn)
        self.failed.emit(error)
        self._send_queued()

    def _on_answering_changed(self) -> None:
        self._show_answering()
        self.answering_changed.emit(self.answering)

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
        self._messages.set(())
        self._attachments.open(conversation)
        self._ticked.show()
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
        self._messages.set(messages)
        self._show_answering()
        for answer in messages[-1:]:
            self._show_context(answer)

    def _show_context(self, answer: StoredMessage) -> None:
        loaded = self._resources.engine.loaded
        used = answer.usage.get("prompt_tokens", 0) + answer.usage.get("completion_tokens", 0)
        if used:
            self.context_used.emit(used, loaded.context_length if loaded else 0)

    # --- what is done with a message --------------------------------------------------------------------------------

    def _on_citation(self, message_id: str, number: int) -> None:
        message = self._messages.find(message_id)
        if message is not None:
            self._evidence.show(message, number)
            self._transcript.set_active_citation(message_id, number)
            self.evidence_requested.emit()

    def _on_copy(self, message_id: str) -> None:
        message = self._messages.find(message_id)
        if message is not None:
            QApplication.clipboard().setText(self._messages.markdown(message))

    def _on_action(self, message_id: str, action: str) -> None:
        not_saved = self._answering.not_saved(message_id)
        if action == "save_again" and not_saved is not None:
            not_saved.save_again()
        else:
            self._answer_again(message_id, with_documents=action != "without_documents")

    def _answer_again(self, message_id: str, *, with_documents: bool = True) -> None:
        message = self._messages.find(message_id)
        if message is None or message.parent_id is None:
            return
        if self._answering.busy:
            sentence = self.tr("An answer is being written. Stop it or wait until it has ended, then try again.")
            self.failed.emit(Busy(sentence))
            return
        self._answering.begin(Question(self._place, None, message.parent_id, False, with_documents=with_documents))

    def _on_edit(self, message_id: str) -> None:
        message = self._messages.find(message_id)
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
            self._messages.set(messages)

    def _conversation_id(self) -> str | None:
        return self._conversations.current.id if self._conversations.current else None


def _open(key: str, store: ChatStore) -> tuple[tuple[StoredMessage, ...], str]:
    return tuple(store.messages(key)) if key else (), store.draft(key)
