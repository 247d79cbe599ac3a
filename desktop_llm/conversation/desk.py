"""All chats at once: which are being answered, which questions wait, and when one of them may start."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

from desktop_llm.conversation.open_chat import Answering, OpenChat
from desktop_llm.conversation.storing import Question, Write, keep_waiting
from desktop_llm.conversation.turn import ChosenModel, Turn
from desktop_llm.engine.engines import Engines
from desktop_llm.errors import Busy, UserError
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.models.library import Library
from desktop_llm.words import tr


class Desk:
    """Takes questions and starts their turns. A question waits while its chat is being answered, and while its files
    are being read; for its model it waits in its turn (`Engines.take`).

    The front end gives `start`, which runs a turn in a thread of its own and calls `ended` afterwards; `refused`, which
    hears of a question that can't be asked; `chosen`, the model that is to answer in a chat, which raises UserError if
    there is none; and `is_ready`, whether a chat's files have been read. All of it happens in one thread of the front
    end.
    """

    def __init__(
        self,
        engines: Engines,
        knowledge: Knowledge,
        library: Library,
        write: Write,
        *,
        start: Callable[[Turn], None],
        refused: Callable[[Question, UserError], None],
        chosen: Callable[[OpenChat], ChosenModel],
        is_ready: Callable[[OpenChat], bool],
    ) -> None:
        self._engines, self._knowledge, self._library, self._write = engines, knowledge, library, write
        self._start, self._refused, self._chosen, self._is_ready = start, refused, chosen, is_ready
        self._waiting: list[Question] = []
        self.turns: tuple[Turn, ...] = ()

    @property
    def answering(self) -> Answering:
        """The chats that are being answered."""
        return Answering(frozenset(turn.question.chat.id or "" for turn in self.turns))

    def ask(self, question: Question) -> None:
        """Answer a question now, or as soon as possible. A question at the end of a chat joins one that waits there; an
        edit waits by itself, because it belongs at another place.
        """
        for index, before in enumerate(self._waiting):
            if before.at_end and question.at_end and before.chat.same(question.chat):
                both = f"{before.text}\n\n{question.text}"
                pictures = (*before.pictures, *question.pictures)
                self._waiting[index] = replace(before, text=both, attachments=question.attachments, pictures=pictures)
                self._keep(question)
                return
        self._waiting.append(question)
        self.start_waiting()
        if question in self._waiting:
            self._keep(question)

    def ask_again(self, question: Question) -> None:
        """Answer a question once more. It does not wait: raises Busy if this can't be done now."""
        if self.turn_of(question.chat) is not None:
            raise Busy(tr("An answer is being written."), tr("Stop it or wait until it has ended, then try again."))
        self._begin(question, self._chosen(question.chat))

    def start_waiting(self) -> None:
        """Start every question that need not wait any longer, in the order they were asked."""
        for question in list(self._waiting):
            if self.turn_of(question.chat) is not None or not self._is_ready(question.chat):
                continue
            try:
                chosen = self._chosen(question.chat)
            except UserError as error:
                self._waiting.remove(question)
                self._keep(question)
                self._refused(question, error)
                continue
            self._waiting.remove(question)
            self._begin(question, chosen)

    def ended(self, turn: Turn) -> None:
        """Note that a turn has ended, and start the questions that waited for it."""
        self.turns = tuple(other for other in self.turns if other is not turn)
        self.start_waiting()

    def stop_all(self) -> None:
        """Stop every answer; the text so far stays."""
        for turn in self.turns:
            turn.stop()

    def stop(self, chat: OpenChat) -> None:
        """Stop the answer in this chat; the text so far stays."""
        if (turn := self.turn_of(chat)) is not None:
            turn.stop()

    def turn_of(self, chat: OpenChat) -> Turn | None:
        """The running turn of this chat."""
        return next((turn for turn in self.turns if turn.question.chat.same(chat)), None)

    def waiting_in(self, chat: OpenChat) -> Question | None:
        """The first question that waits in this chat."""
        return next((question for question in self._waiting if question.chat.same(chat)), None)

    def take_back(self, chat: OpenChat) -> Question | None:
        """Withdraw the first question that waits in this chat, and return it."""
        if (question := self.waiting_in(chat)) is not None:
            self._waiting.remove(question)
            self._keep(question)
        return question

    def take_all_back(self) -> tuple[Question, ...]:
        """Withdraw all waiting questions, and return them."""
        waiting, self._waiting = tuple(self._waiting), []
        for question in waiting:
            self._keep(question)
        return waiting

    def _keep(self, asked: Question) -> None:
        """Store what now waits in the place of this question; it is not waited for, and a full disk ends nothing."""
        chat, edits = asked.chat, asked.edits
        texts = [each.text or "" for each in self._waiting if each.chat.same(chat) and each.edits == edits]
        self._write(functools.partial(keep_waiting, chat=chat, edits=edits, text="\n\n".join(texts)))

    def _begin(self, question: Question, chosen: ChosenModel) -> None:
        turn = Turn(question, chosen, self._engines, self._knowledge, self._library, self._write)
        self.turns = (*self.turns, turn)
        self._start(turn)
