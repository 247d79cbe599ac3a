"""The messages of the open chat: as they are stored, and shown with what an answer under way adds to them."""

from __future__ import annotations

from collections.abc import Sequence

from desktop_llm.answer import TurnEvent
from desktop_llm.chats.records import StoredMessage
from desktop_llm.gui.answer_view import AnswerView, unsaved_view
from desktop_llm.gui.answering import Answering
from desktop_llm.gui.transcript import Transcript
from desktop_llm.gui.transcript.view_model import MessageView
from desktop_llm.gui.turn import Turn
from desktop_llm.gui.views import view_of


class OpenMessages:
    """Keeps the transcript in step with the store and the running turn; `all` is the active branch, first to last."""

    def __init__(self, transcript: Transcript, answering: Answering) -> None:
        self._transcript, self._answering = transcript, answering
        self._answer_view = AnswerView(transcript)
        self.all: tuple[StoredMessage, ...] = ()

    def set(self, messages: Sequence[StoredMessage]) -> None:
        """Show these."""
        self.all = tuple(messages)
        self._transcript.set_messages([self._view(message) for message in messages])

    def find(self, message_id: str) -> StoredMessage | None:
        """A message that is shown."""
        return next((message for message in self.all if message.id == message_id), None)

    def last(self, role: str) -> str:
        """The id of the last question or answer, "" without any."""
        return next((message.id for message in reversed(self.all) if message.role == role), "")

    def markdown(self, message: StoredMessage) -> str:
        """A message as it is copied: the text that is seen of it."""
        return self._view(message).text or message.text

    def follow(self, turn: Turn, event: TurnEvent) -> None:
        """Show what the model just did."""
        self._answer_view.show(turn, event)

    def show_ended(self, turn: Turn, stored: StoredMessage) -> None:
        """Show an answer whole."""
        self.all = tuple(stored if message.id == stored.id else message for message in self.all)
        self._answer_view.ended(turn, stored)

    def show_unsaved(self, turn: Turn) -> None:
        """Show an answer that the disk would not take."""
        if (message := self.find(turn.order.message_id)) is not None:
            self._transcript.finish(unsaved_view(message, turn))

    def _view(self, message: StoredMessage) -> MessageView:
        turn = self._answering.turn
        if turn is not None and turn.order.message_id == message.id:
            return self._answer_view.running(message, turn)
        not_saved = self._answering.not_saved(message.id)
        return view_of(message) if not_saved is None else unsaved_view(message, not_saved)
