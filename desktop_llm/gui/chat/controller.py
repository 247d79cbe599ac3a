"""Controls the open chat: send, stop, edit, answer again, branches; and follows the turns of all chats."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.conversation.continuing import Continuation
from desktop_llm.conversation.coverage import EVERY_FILE
from desktop_llm.conversation.desk import Desk
from desktop_llm.conversation.events import NotSaved, QuestionStored, Saved, TurnEvent, TurnState, fold
from desktop_llm.conversation.open_chat import Answering, OpenChat
from desktop_llm.conversation.prompt import for_eyes, messages_for_model
from desktop_llm.conversation.storing import Question, switch_branch
from desktop_llm.conversation.turn import ChosenModel, Turn
from desktop_llm.engine.client import (
    ChatMessage,
    Finished,
    InLine,
    Loading,
    PromptProgress,
    TextDelta,
    ThinkingDelta,
    Unloaded,
)
from desktop_llm.errors import CHOOSE_FORMAT, NotFound, UserError
from desktop_llm.gui.chat.attachments import Attachments, TickedCollections
from desktop_llm.gui.chat.checks_controller import ChecksController
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.context_use import ContextUse
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.every_file_controller import EveryFileController
from desktop_llm.gui.chat.every_file_strip import EveryFileStrip
from desktop_llm.gui.chat.evidence.controller import EvidenceController
from desktop_llm.gui.chat.feed import Feed
from desktop_llm.gui.chat.pictures import ChatPictures, pictures_of
from desktop_llm.gui.chat.reading_ahead import ReadingAhead
from desktop_llm.gui.chat.thinking_choice import ThinkingChoice
from desktop_llm.gui.chat.transcript import Transcript
from desktop_llm.gui.chat.word_choices.controller import WordChoicesController
from desktop_llm.gui.chat.writing import Drafts, MessageCost, Unsent, read_unsent
from desktop_llm.gui.work import forecasts
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.resources import GENTLY_S, Resources
from desktop_llm.gui.work.tasks import CLOSING_S, Task
from desktop_llm.message import Citation
from desktop_llm.words import tr


class ChatController(QObject):
    """Signals: `evidence_requested` when a citation was opened; `context_used(used, total)` in tokens;
    `link_requested(url)`; `answering_changed` with the chats that are being answered; `failed` with the error to show;
    `format_refused` with the error of a model's chat template.
    """

    evidence_requested = Signal()
    context_used = Signal(int, int)
    link_requested = Signal(str)
    answering_changed = Signal(Answering)
    failed = Signal(UserError)
    format_refused = Signal(UserError)

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        models: ChosenModelController,
        collections: Collections,
        evidence: EvidenceController,
        transcript: Transcript,
        composer: Composer,
        every_file: EveryFileStrip,
        attachments: Attachments,
        pictures: ChatPictures,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._resources, self._chats = resources, resources.chats
        self._conversations, self._models, self._evidence = conversations, models, evidence
        self._transcript, self._composer, self._attachments = transcript, composer, attachments
        self._pictures = pictures
        self._drafts = Drafts(resources.chats, composer, self)
        self._ticked = TickedCollections(conversations, collections, composer, self)
        self.thinking = ThinkingChoice(conversations, models, composer.thinking, self)
        self._feed = Feed(transcript, self._state_of)
        self._words = WordChoicesController(
            resources, conversations, models, transcript, self._feed, self._chosen_here, self
        )
        self._context = ContextUse(models, resources.tasks, self._read_before, self)
        self._context.used.connect(self.context_used)
        MessageCost(resources, models, composer, self._read_before, self)
        self._desk = Desk(
            resources.engines,
            resources.knowledge,
            resources.library,
            resources.chats.submit,
            start=self._start,
            refused=self._on_refused,
            chosen=self._chosen,
            is_ready=lambda chat: not attachments.is_reading(chat),
        )
        files_with = (every_file, self._feed, conversations, self._desk, self._ask_again, self)
        self._every_file = EveryFileController(resources, *files_with)
        self._every_file.failed.connect(self.failed)
        self._checks = ChecksController(
            *(resources, conversations, evidence, self._feed, self._ask_again),
            *(self.evidence_requested.emit, self.failed.emit, self),
        )
        self._tasks: dict[Turn, Task] = {}
        # The states of turns under way, and of turns whose answer was not saved.
        self._states: dict[Turn, TurnState] = {}
        self._told = Answering()
        self._ahead = ReadingAhead(resources, models)
        self._connect()

    def _connect(self) -> None:
        self._conversations.opened.connect(self._on_opened)
        self._conversations.trashed.connect(self._on_trashed)
        composer, transcript = self._composer, self._transcript
        composer.send_requested.connect(self.send)
        composer.stop_requested.connect(self.stop)
        composer.edit_last_requested.connect(self.edit_last)
        composer.edit_cancelled.connect(self.leave_edit)
        composer.draft_changed.connect(self._on_typing)
        composer.queue_cancelled.connect(self._on_queue_cancelled)
        transcript.citation_activated.connect(self._on_citation)
        transcript.link_activated.connect(self.link_requested)
        transcript.copy_requested.connect(self._on_copy)
        transcript.regenerate_requested.connect(self._answer_again)
        transcript.edit_requested.connect(self._on_edit)
        transcript.branch_requested.connect(self._on_branch)
        transcript.action_requested.connect(self._on_action)
        self._evidence.action_requested.connect(self._on_action)
        self._words.continue_requested.connect(self._on_continue)
        self._words.failed.connect(self.failed)
        self._models.chosen.connect(self._on_model_chosen)
        self._attachments.settled.connect(self._on_files_read)

    @property
    def answering(self) -> Answering:
        """The ids of the chats that are being answered."""
        return self._desk.answering

    def send(self, text: str) -> None:
        """Send a message after the last one, or in place of the one being edited.

        It waits for a running answer in this chat, and for files of this chat that are still being read.
        """
        self._every_file.decline()
        edited = self._drafts.leave_edit()
        pictures = self._pictures.take_out()
        question = Question(
            self._open_chat,
            text,
            attachments=self._attachments.paths,
            pictures=pictures,
            with_choices=self._words.is_on,
        )
        if edited is not None:
            question = replace(question, below=edited.parent_id, at_end=False, edits=edited.id)
        self._desk.ask(question)
        self._show_waiting()

    def stop(self) -> None:
        """Stop the answer in the open chat; the text written so far is kept."""
        self._desk.stop(self._open_chat)

    def stop_all(self) -> None:
        """Stop the answers in all chats; the text written so far is kept."""
        self._desk.stop_all()

    def stop_model(self, model_id: str) -> None:
        """Stop the answers of a model, or loading it for them."""
        for turn in self._desk.turns:
            if turn.chosen.model.id == model_id:
                turn.stop()

    def leave_edit(self) -> bool:
        """Stop editing a message and show the draft again; returns False if none is being edited."""
        self._pictures.leave_edit()
        return self._drafts.leave_edit() is not None

    def edit_last(self) -> None:
        """Put the last question into the composer; sending it creates a branch."""
        if (message := self._feed.last("user")) is not None:
            self._on_edit(message.id)

    def regenerate_last(self) -> None:
        """Answer the last question again, as a new branch."""
        if (message := self._feed.last("assistant")) is not None:
            self._answer_again(message.id)

    def copy_last(self) -> None:
        """Copy the last answer to the clipboard as Markdown."""
        if (message := self._feed.last("assistant")) is not None:
            self._on_copy(message.id)

    def tick(self, names: Sequence[str]) -> None:
        """Tick collections for the open conversation."""
        self._ticked.tick(names)

    def close(self) -> None:
        """Save the draft, the unfinished answers and the messages waiting to be sent, because the window closes."""
        self._on_queue_cancelled()
        self._drafts.save()
        for task in self._tasks.values():
            task.cancel()
        self._resources.engines.stop()
        for turn, task in self._tasks.items():
            if not task.wait(GENTLY_S):  # an answer that does not stop in time ends with its worker
                self._resources.engines.end()
                self._resources.knowledge.close()
                task.wait(CLOSING_S)
            if turn.state.asked is None:
                self._leave_unsent(turn.question)
        for turn, state in self._states.items():
            if state.not_saved is not None:
                turn.save()
        for question in self._desk.take_all_back():
            self._leave_unsent(question)

    def save_again(self) -> None:
        """Save what a disk refused: the draft and whole answers."""
        self._drafts.save_again()
        for state in list(self._states.values()):
            if state.not_saved is not None:
                self._save_again(state.message_id)

    # --- turns ------------------------------------------------------------------------------------------------------

    @property
    def _open_chat(self) -> OpenChat:
        return self._conversations.open_chat

    def _chosen(self, chat: OpenChat) -> ChosenModel:
        is_open = chat.same(self._open_chat)
        model = self._models.model if is_open else self._models.find(chat.model_id) or self._models.model
        if model is None:
            raise NotFound(
                tr("No model is chosen, so nothing was sent."), tr("Choose one in the header, then send again.")
            )
        load = self._models.load_of(model)
        needs = functools.partial(forecasts.memory_of, self._resources, model, load)
        return ChosenModel(model, load, functools.partial(self._models.sampling, model), needs)

    def _chosen_here(self) -> ChosenModel:
        return self._chosen(self._open_chat)

    def _start(self, turn: Turn) -> None:
        self._states[turn] = TurnState()
        self._tasks[turn] = self._resources.tasks.run(
            turn.run,
            progress=functools.partial(self._on_event, turn),
            done=functools.partial(self._on_ended, turn),
            failed=functools.partial(self._on_failed, turn),
        )
        self._show_answering()

    def _on_event(self, turn: Turn, event: TurnEvent) -> None:
        if turn not in self._states:
            return  # it was saved again twice
        before = self._states[turn]
        if event == before.progress:
            return  # said again and again, so that the wait can be ended
        state = self._states[turn] = fold(before, event)
        models, model = self._models, turn.chosen.model
        match event:
            case QuestionStored(conversation, messages):
                self._conversations.adopt(turn.question.chat, conversation)
                if turn.question.chat.same(self._open_chat):
                    self._feed.set(messages)
                self._show_answering()
            case Unloaded():
                models.show_unloaded(event)
            case InLine() | Loading() if self._resources.engines.of(model.path) is None:
                models.states.show_loading(model, event)
            case PromptProgress() | TextDelta() | ThinkingDelta():
                models.look_at(model)
            case Finished():
                forecasts.learn_answer(self._resources, model, turn.chosen.load, event)
            case Saved(message):
                del self._states[turn]
                if turn.question.chat.same(self._open_chat):
                    self._show_context(message)
                    if turn.question.continues is not None:
                        self._words.show(message.id)
            case NotSaved(error):
                self.failed.emit(error)
        self._feed.show(event, state)

    def _on_ended(self, turn: Turn, _: None) -> None:
        model, failed = turn.chosen.model, turn.state.failed
        self._models.look_at(model)
        if failed is not None and self._resources.engines.of(model.path) is None:
            self._models.states.show_stopped(model, failed.error)
        elif failed is not None and failed.error.action == CHOOSE_FORMAT:
            self.format_refused.emit(failed.error)
        self._leave(turn)

    def _on_failed(self, turn: Turn, error: UserError) -> None:
        """The question could not be stored, or there is a bug. The text written before a bug is kept."""
        self._states.pop(turn, None)
        if turn.state.asked is None:
            self._on_refused(turn.question, error)
        else:
            self.failed.emit(error)
            if turn.state.saved is not None:
                self._feed.show(Saved(turn.state.saved), turn.state)
        self._leave(turn)

    def _leave(self, turn: Turn) -> None:
        del self._tasks[turn]
        self._desk.ended(turn)
        self._show_waiting()
        self._show_answering()
        self._conversations.refresh()

    def _on_refused(self, question: Question, error: UserError) -> None:
        self._give_back(question)
        self.failed.emit(error)

    def _give_back(self, question: Question) -> None:
        """Put a question's text back where it was typed; all chats that are not stored yet share one place."""
        both_new = question.chat.id is None and self._open_chat.id is None
        if not both_new and not question.chat.same(self._open_chat):
            self._leave_unsent(question)
            return
        self._pictures.put_back(question.pictures)
        if question.text is not None:
            edited = self._feed.find(question.edits)
            if edited is not None and self._drafts.edited is None:
                self._drafts.edit(edited, question.text)
            else:
                self._drafts.put_back(question.text)

    def _leave_unsent(self, question: Question) -> None:
        if question.text is not None:
            self._drafts.leave(question.chat, question.text, question.edits)

    def _on_files_read(self) -> None:
        self._desk.start_waiting()
        self._show_waiting()

    def _on_queue_cancelled(self) -> None:
        if (question := self._desk.take_back(self._open_chat)) is not None:
            self._give_back(question)
        self._show_waiting()

    def _on_trashed(self, conversation_id: str) -> None:
        chat = OpenChat(conversation_id)
        while (question := self._desk.take_back(chat)) is not None:
            self._give_back(question)  # if the chat is restored, so is what waited in it
        self._desk.stop(chat)
        self._resources.engines.forget([conversation_id])

    def _show_waiting(self) -> None:
        waiting = self._desk.waiting_in(self._open_chat)
        self._composer.set_queued(waiting.text if waiting else None)

    def _show_answering(self) -> None:
        self._composer.set_answering(self._desk.turn_of(self._open_chat) is not None)
        if self.answering != self._told:
            self._told = self.answering
            self.answering_changed.emit(self._told)

    def _state_of(self, message_id: str) -> TurnState | None:
        return next((state for state in self._states.values() if state.message_id == message_id), None)

    # --- the open conversation --------------------------------------------------------------------------------------

    def _on_opened(self, conversation: Conversation | None) -> None:
        self._drafts.open(self._open_chat)
        self._feed.set(())
        self._words.clear()
        self._attachments.open(conversation)
        self._pictures.open(self._open_chat)
        self._ticked.show()
        self._show_answering()
        self._show_waiting()
        self._context.clear()
        # In the writing lane, so that it sees whatever was stored just before.
        key = conversation.id if conversation else ""
        self._chats.look(functools.partial(_open, key), functools.partial(self._on_loaded, self._open_chat))

    def _on_loaded(self, chat: OpenChat, found: tuple[tuple[StoredMessage, ...], Unsent]) -> None:
        if chat is not self._open_chat:
            return
        messages, unsent = found
        self._drafts.show(unsent)
        if unsent.edited is not None:
            self._pictures.edit(pictures_of(unsent.edited))
        self._feed.set(messages)
        for answer in messages[-1:]:
            self._show_context(answer)

    def _read_before(self) -> list[ChatMessage]:
        """The messages that the model reads before the one being typed."""
        conversation, messages, edited = self._conversations.current, self._feed.messages, self._drafts.edited
        if conversation is None:
            return []
        if edited is not None:
            messages = messages[: next((n for n, each in enumerate(messages) if each.id == edited.id), len(messages))]
        loaded = self._models.in_memory
        return for_eyes(messages_for_model(conversation, messages), sees=loaded is not None and loaded.sees_pictures)

    def _on_typing(self, text: str) -> None:
        """Have the model read what comes before the question, while that is being written."""
        conversation = self._conversations.current
        if text and conversation is not None and self._models.engine is not None and not self._desk.turns:
            self._ahead.read(conversation, self._feed.messages, self._read_before(), self.thinking.level)

    def _show_context(self, answer: StoredMessage) -> None:
        self.thinking.learn(answer)
        self._context.show(answer)

    # --- what is done with a message --------------------------------------------------------------------------------

    def _on_citation(self, message_id: str, quote: Citation) -> None:
        message = self._feed.find(message_id)
        if message is not None:
            self._evidence.show(message, quote)
            self._transcript.set_active_citation(message_id, quote)
            self.evidence_requested.emit()

    def _on_copy(self, message_id: str) -> None:
        message = self._feed.find(message_id)
        if message is not None:
            QApplication.clipboard().setText(self._feed.markdown(message))

    def _on_action(self, message_id: str, action: str) -> None:
        if self._words.act(message_id, action) or self._checks.act(message_id, action):
            return
        if action == "save_again":
            self._save_again(message_id)
        elif action == "answer_now":
            answer_now = functools.partial(self._resources.engines.answer_now, self._open_chat.id or "")
            self._resources.tasks.call(answer_now)
        elif action == "think_short":
            self.thinking.choose("short")
            self._answer_again(message_id)
        else:
            way = EVERY_FILE if action == "read_every_file" else ""
            self._answer_again(message_id, with_documents=action != "without", way=way)

    def _save_again(self, message_id: str) -> None:
        for turn, state in self._states.items():
            if state.message_id == message_id:
                self._resources.tasks.call(turn.save, functools.partial(self._on_event, turn))

    def _answer_again(self, message_id: str, *, with_documents: bool = True, way: str = "") -> None:
        message = self._feed.find(message_id)
        if message is None or message.parent_id is None:
            return
        parent, documents = message.parent_id, with_documents
        self._ask_again(Question(self._open_chat, None, parent, False, with_documents=documents, way=way))

    def _on_continue(self, message_id: str, continues: Continuation) -> None:
        message = self._feed.find(message_id)
        if message is not None and message.parent_id is not None:
            self._ask_again(Question(self._open_chat, None, message.parent_id, False, continues=continues))

    def _ask_again(self, question: Question) -> None:
        try:
            self._desk.ask_again(question)
        except UserError as error:
            self.failed.emit(error)

    def _on_model_chosen(self, *_: object) -> None:
        self._words.refresh()

    def _on_edit(self, message_id: str) -> None:
        message = self._feed.find(message_id)
        if message is not None:
            self._drafts.edit(message, message.text)
            self._pictures.edit(pictures_of(message))
            self._composer.focus_text()

    def _on_branch(self, message_id: str, step: int) -> None:
        conversation = self._conversations.current
        if conversation is not None and self._desk.turn_of(self._open_chat) is None:
            switch = functools.partial(switch_branch, conversation_id=conversation.id, message_id=message_id, step=step)
            self._chats.write(switch, functools.partial(self._on_switched, self._open_chat))

    def _on_switched(self, chat: OpenChat, messages: list[StoredMessage]) -> None:
        if chat is self._open_chat:
            self._feed.set(messages)


def _open(key: str, reader: ChatReader) -> tuple[tuple[StoredMessage, ...], Unsent]:
    messages = tuple(reader.messages(key)) if key else ()
    return messages, read_unsent(reader, key, messages)
