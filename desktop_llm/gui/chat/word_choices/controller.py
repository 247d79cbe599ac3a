"""Switches the word choices of answers on, has them worked out, shows the card of a word, and goes on from there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop_llm.chats.records import StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.continuing import Continuation, continuation
from desktop_llm.conversation.turn import ChosenModel
from desktop_llm.conversation.working_out import work_out
from desktop_llm.engine.client import InLine, Loading, PromptProgress, Unloaded
from desktop_llm.errors import UserError
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.feed import Feed
from desktop_llm.gui.chat.transcript import ReadingProgress, Transcript
from desktop_llm.gui.chat.transcript.view_model import WordChoices
from desktop_llm.gui.chat.word_choices.card import WordCard, WordView
from desktop_llm.gui.look.formats import duration
from desktop_llm.gui.look.widgets import Action
from desktop_llm.gui.work.announcing import announce
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.models.library import Model
from desktop_llm.tokens import Choice, Rounds, have_choices
from desktop_llm.words import tr

_LEAVE_MS = 300


@dataclass(slots=True)
class _Answer:
    """An answer whose word choices are switched on: its tokens once they are read from the store, the task that works
    the choices out, or why that failed.
    """

    rounds: Rounds | None = None
    task: Task | None = None
    error: UserError | None = None


class WordChoicesController(QObject):
    """For the open chat. Signals: `continue_requested` with the answer's id and a `Continuation`; `failed` with the
    error to show.
    """

    continue_requested = Signal(str, Continuation)
    failed = Signal(UserError)

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        models: ChosenModelController,
        transcript: Transcript,
        feed: Feed,
        chosen: Callable[[], ChosenModel],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._resources, self._conversations, self._models = resources, conversations, models
        self._transcript, self._feed, self._chosen = transcript, feed, chosen
        self._answers: dict[str, _Answer] = {}
        self._card: WordCard | None = None
        self._place: tuple[str, int] | None = None  # what the card is about
        self._leave = QTimer(self, singleShot=True, interval=_LEAVE_MS)
        self._leave.timeout.connect(self._on_left)
        feed.choices = self.shown
        words = transcript.words
        transcript.choices_requested.connect(self.toggle)
        words.pointed.connect(functools.partial(self._open, take_focus=False))
        words.opened.connect(functools.partial(self._open, take_focus=True))
        words.wanted.connect(self.show)
        words.left.connect(self._leave.start)
        transcript.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    @property
    def is_on(self) -> bool:
        """Whether the choices of an answer in this chat are shown, so that those of the next answers are kept, too."""
        return bool(self._answers)

    def toggle(self, message_id: str) -> None:
        """Show the word choices of an answer, or hide them again, which ends working them out."""
        if message_id in self._answers:
            self._end_task(self._answers.pop(message_id))
            self._close_card()
            self._feed.refresh(message_id)
        else:
            self.show(message_id)

    def show(self, message_id: str) -> None:
        """Show the word choices of an answer, as far as they are known."""
        if message_id not in self._answers:
            self._answers[message_id] = _Answer()
        self._resources.chats.look(
            lambda reader: reader.tokens(message_id), functools.partial(self._on_tokens, message_id)
        )

    def clear(self) -> None:
        """Forget everything, because another chat is opened."""
        for answer in self._answers.values():
            self._end_task(answer)
        self._answers.clear()
        self._close_card()

    def shown(self, message_id: str) -> WordChoices | None:
        """What is shown of an answer's word choices, None if they are not switched on."""
        answer, message = self._answers.get(message_id), self._feed.find(message_id)
        if answer is None or message is None:
            return None
        if answer.rounds is None:
            return WordChoices()
        if have_choices(answer.rounds):
            return WordChoices(tuple(token for tokens in answer.rounds for token in tokens))
        if answer.task is not None:
            return WordChoices(
                (),
                tr("The word choices are being worked out."),
                tr("The text is unchanged. A question goes first."),
                (Action("word_choices_cancel", tr("Cancel")),),
            )
        if answer.error is not None:
            title = tr("The word choices could not be worked out.")
            text = f"{answer.error.title} {tr('The answer is unchanged.')}"
            return WordChoices((), title, text, (Action("word_choices_work_out", tr("Try again"), "retry"),))
        return self._not_kept(message)

    def _not_kept(self, message: StoredMessage) -> WordChoices:
        title, text = tr("Word choices were not kept for this answer."), tr("The text is unchanged.")
        if not self._is_own(message):
            load = Action("word_choices_load", tr("Load it"))
            is_here = message.model_id is not None and self._models.find(message.model_id) is not None
            return WordChoices((), title, _from_other(message), (load,) if is_here else ())
        words = tr("Work them out")
        if (speed := message.timings.get("prompt_tps", 0.0)) and message.usage:
            tokens = message.usage.get("prompt_tokens", 0) + message.usage.get("completion_tokens", 0)
            words = tr("Work them out, about {time}", time=duration(tokens / speed))
        return WordChoices((), title, text, (Action("word_choices_work_out", words),))

    def _is_own(self, message: StoredMessage) -> bool:
        """Whether the chosen model wrote this answer: another one has other tokens."""
        return self._models.model is not None and self._models.model.id == message.model_id

    def act(self, message_id: str, action: str) -> bool:
        """Do what an answer's notice about its word choices offers; False if the action is another's."""
        message = self._feed.find(message_id)
        if message is None or not action.startswith("word_choices_"):
            return False
        if action == "word_choices_work_out":
            self._work_out(message)
        elif action == "word_choices_cancel":
            self._end_task(self._answers[message_id])
        elif message.model_id is not None:
            self._models.use(message.model_id)
        self._feed.refresh(message_id)
        return True

    def refresh(self) -> None:
        """Show the notices anew, because another model was chosen."""
        for message_id, answer in self._answers.items():
            if answer.rounds is not None and not have_choices(answer.rounds):
                self._feed.refresh(message_id)

    # --- working out ------------------------------------------------------------------------------------------------

    def _on_tokens(self, message_id: str, rounds: Rounds) -> None:
        if (answer := self._answers.get(message_id)) is not None:
            answer.rounds = rounds
            self._feed.refresh(message_id)

    def _work_out(self, message: StoredMessage) -> None:
        answer, conversation = self._answers[message.id], self._conversations.current
        if answer.rounds is None or conversation is None:
            return
        messages = self._feed.messages
        before = messages[: next(n for n, each in enumerate(messages) if each.id == message.id)]
        try:
            chosen = self._chosen()
        except UserError as error:
            answer.error = error
            return
        engines, library = self._resources.engines, self._resources.library
        answer.error = None
        answer.task = self._resources.tasks.run(
            functools.partial(work_out, engines, library, chosen, conversation, before, message, answer.rounds),
            progress=functools.partial(self._on_progress, message.id, chosen.model),
            done=functools.partial(self._on_worked_out, message.id),
            failed=functools.partial(self._on_failed, message.id, chosen.model),
        )

    def _on_progress(self, message_id: str, model: Model, step: InLine | Loading | Unloaded | PromptProgress) -> None:
        if isinstance(step, Unloaded):
            self._models.show_unloaded(step)
        if not isinstance(step, PromptProgress):
            if self._resources.engines.of(model.path) is None and not isinstance(step, Unloaded):
                self._models.states.show_loading(model, step)
            return
        self._models.look_at(model)
        what = tr("Reading the answer")
        self._transcript.set_progress(message_id, ReadingProgress(step.done, step.total, 0, step.seconds_left, what))

    def _on_worked_out(self, message_id: str, rounds: Rounds) -> None:
        self._resources.chats.write(functools.partial(_save, message_id, rounds))
        answer = self._answers.get(message_id)
        if answer is not None:
            answer.task, answer.rounds = None, rounds
            self._transcript.set_progress(message_id, None)
            self._feed.refresh(message_id)
            announce(self._transcript, tr("The word choices are here. Alt+Down opens them."), False)

    def _on_failed(self, message_id: str, model: Model, error: UserError) -> None:
        self._models.look_at(model)
        answer = self._answers.get(message_id)
        if answer is not None:
            answer.task, answer.error = None, error
            self._transcript.set_progress(message_id, None)
            self._feed.refresh(message_id)

    def _end_task(self, answer: _Answer) -> None:
        if answer.task is not None:
            answer.task.cancel()
            answer.task = None
            for message_id in self._transcript.message_ids():
                if self._answers.get(message_id, answer) is answer:
                    self._transcript.set_progress(message_id, None)

    # --- the card ---------------------------------------------------------------------------------------------------

    def _open(self, message_id: str, number: int, *, take_focus: bool) -> None:
        message, choices = self._feed.find(message_id), self.shown(message_id)
        if message is None or choices is None or number >= len(choices.tokens):
            return
        card = self._the_card()
        card.set_word(WordView(choices.tokens[number], number + 1, len(choices.tokens), message.branches))
        words = self._transcript.words
        words.held, self._place = True, None  # scrolling to the word is not leaving it
        rect = words.go_to(message_id, number)
        self._place = (message_id, number)
        card.show_at(rect, take_focus=take_focus)
        self._leave.stop()

    def _the_card(self) -> WordCard:
        if self._card is None:
            card = self._card = WordCard(self._transcript.window())
            card.choice_requested.connect(self._on_continue)
            card.words_requested.connect(self._on_continue)
            card.step_requested.connect(self._on_step)
            card.closed.connect(self._on_closed)
            card.entered.connect(self._leave.stop)
            card.left.connect(self._leave.start)
        return self._card

    def _close_card(self) -> None:
        self._place = None
        self._leave.stop()
        self._transcript.words.clear()
        if self._card is not None:
            self._card.hide()

    def _on_left(self) -> None:
        card = self._card
        if card is None or card.underMouse() or card.has_focus_within():
            return
        if self._transcript.words.under != self._place:
            self._close_card()

    def _on_scrolled(self) -> None:
        if self._place is not None:
            self._close_card()

    def _on_closed(self) -> None:
        """Esc, or a choice: the keyboard goes back to the messages."""
        self._close_card()
        self._transcript.setFocus(Qt.FocusReason.PopupFocusReason)

    def _on_step(self, step: int) -> None:
        if self._place is None:
            return
        message_id, number = self._place
        words = self._transcript.words.words(message_id)
        at = words.index(number) + step if number in words else 0
        if 0 <= at < len(words):
            self._open(message_id, words[at], take_focus=True)

    def _on_continue(self, word: Choice | str) -> None:
        if self._place is None:
            return
        message_id, number = self._place
        answer, message = self._answers.get(message_id), self._feed.find(message_id)
        if self._card is not None:
            self._card.close_card()
        if answer is None or answer.rounds is None or message is None:
            return
        if not self._is_own(message):
            self.failed.emit(UserError(_from_other(message), tr("Load it, then go on from this word.")))
            return
        self.continue_requested.emit(message_id, continuation(message, answer.rounds, number, word))


def _from_other(message: StoredMessage) -> str:
    name = message.model_name
    return tr("This answer is from {name}.", name=name) if name else tr("This answer is from another model.")


def _save(message_id: str, rounds: Rounds, store: ChatStore) -> None:
    store.save_tokens(message_id, rounds)
