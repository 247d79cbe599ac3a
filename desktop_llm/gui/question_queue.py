"""Messages that wait for a running answer: one per chat, sent there whichever chat is open then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from desktop_llm.gui.place import Place
from desktop_llm.gui.questions import Question


class QuestionQueue:
    """In the order they were written; what is written to a chat where one waits is added to that one."""

    def __init__(self) -> None:
        self._waiting: list[Question] = []

    def add(self, question: Question) -> None:
        """Let a question wait."""
        for index, before in enumerate(self._waiting):
            if before.place.same(question.place):
                both = f"{before.text}\n\n{question.text}"
                self._waiting[index] = replace(before, text=both, attachments=question.attachments)
                return
        self._waiting.append(question)

    def text_for(self, place: Place) -> str | None:
        """What waits in a chat."""
        return next((question.text for question in self._waiting if question.place.same(place)), None)

    def take(self, ready: Callable[[Place], bool]) -> Question | None:
        """The first question whose chat is ready for it, which waits no longer."""
        found = next((question for question in self._waiting if ready(question.place)), None)
        if found is not None:
            self._waiting.remove(found)
        return found

    def forget(self, conversation_id: str) -> None:
        """The chat is gone, and what waited for it."""
        self._waiting = [question for question in self._waiting if question.place.id != conversation_id]
