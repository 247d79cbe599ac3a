"""Shows the offer to read every file and how far that has come, for the last answer of the open chat."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.coverage import EVERY_FILE, EVERY_FILE_IF_ASKED, PASSAGES, Coverage
from desktop_llm.conversation.desk import Desk
from desktop_llm.conversation.events import Offer, TurnState
from desktop_llm.conversation.storing import Question
from desktop_llm.conversation.turn import Turn
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.every_file_strip import EveryFileStrip
from desktop_llm.gui.chat.feed import Feed


class EveryFileController(QObject):
    """`ask_again` starts a turn that goes on with an answer."""

    def __init__(
        self,
        strip: EveryFileStrip,
        feed: Feed,
        conversations: ConversationsController,
        desk: Desk,
        ask_again: Callable[[Question], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._strip, self._feed, self._conversations = strip, feed, conversations
        self._desk, self._ask_again = desk, ask_again
        feed.looked_at_last = self._look
        strip.offer.chosen.connect(self._on_chosen)
        strip.card.pause_requested.connect(self._on_pause)
        strip.card.stop_requested.connect(self._on_stop)
        strip.card.continue_requested.connect(self._on_continue)

    def decline(self) -> None:
        """Take the best passages if every file is offered: the person went on."""
        if (turn := self._turn()) is not None:
            turn.choose(PASSAGES)

    def _turn(self) -> Turn | None:
        return self._desk.turn_of(self._conversations.open_chat)

    def _look(self, message: StoredMessage | None, state: TurnState | None) -> None:
        if state is not None and isinstance(state.progress, Offer):
            self._strip.show_offer(state.progress)
            return
        coverage = state.coverage if state is not None else None
        if coverage is None and message is not None:
            coverage = Coverage.from_json(message.coverage)
        if coverage is None or coverage.way != EVERY_FILE:
            self._strip.clear()
            return
        ended = state is None or state.finished is not None or state.failed is not None
        self._strip.show_coverage(coverage, running=not ended)

    def _on_chosen(self, way: str, remember: bool) -> None:
        if (turn := self._turn()) is not None:
            turn.choose(way)
        if remember:
            self._conversations.change(way=EVERY_FILE_IF_ASKED if way == EVERY_FILE else PASSAGES)
        self._strip.clear()

    def _on_pause(self) -> None:
        if (turn := self._turn()) is not None:
            turn.pause()

    def _on_stop(self) -> None:
        if (turn := self._turn()) is not None:
            turn.stop()

    def _on_continue(self) -> None:
        answer = self._feed.last("assistant")
        if answer is not None:
            chat = self._conversations.open_chat
            self._ask_again(Question(chat, None, answer.parent_id, False, goes_on=answer.id))
