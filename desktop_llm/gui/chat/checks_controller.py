"""Does what is asked about a checked answer: correct it, accept a sentence, or look for the closest passage."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.storing import Correction, Question, accept_sentence
from desktop_llm.errors import UserError
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.evidence.controller import EvidenceController
from desktop_llm.gui.chat.feed import Feed
from desktop_llm.gui.work.resources import Resources
from desktop_llm.message import Check


class ChecksController(QObject):
    """`ask_again` starts a turn, `shown` brings the evidence into view, `failed` tells an error."""

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        evidence: EvidenceController,
        feed: Feed,
        ask_again: Callable[[Question], None],
        shown: Callable[[], None],
        failed: Callable[[UserError], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._chats, self._conversations, self._evidence, self._feed = resources.chats, conversations, evidence, feed
        self._ask_again, self._shown, self._failed = ask_again, shown, failed

    def act(self, message_id: str, action: str) -> bool:
        """Do "correct:START", "accept:START" or "look:START" for the sentence that begins there, or "closest" for the
        question below which nothing was found; False for other actions.
        """
        name, _, start = action.partition(":")
        message = self._feed.find(message_id)
        if name == "closest" and message is not None:
            question = self._feed.find(message.parent_id or "")
            self._look_for(question.text if question is not None else "")
            return True
        checks = message.checks if message is not None else ()
        check = next((each for each in checks if str(each.start) == start), None)
        if message is None or check is None:
            return bool(start)
        if name == "correct":
            self._correct(message, check)
        elif name == "accept":
            accept = functools.partial(accept_sentence, message_id=message_id, start=check.start)
            self._chats.write(accept, self._on_accepted, self._failed)
        elif name == "look":
            self._look_for(message.text[check.start : check.end])
        return True

    def _look_for(self, text: str) -> None:
        """Show the passage that comes closest to a text."""
        if (conversation := self._conversations.current) is not None and text:
            self._evidence.show_closest(conversation.collections, text, self._shown, self._failed)

    def _correct(self, message: StoredMessage, check: Check) -> None:
        """Answer anew, as a branch, with the passage in front of the model that contradicts the sentence."""
        quote = check.quotes[0]
        passage = next((each for each in message.sources if each.number == quote.number), quote)
        correction = Correction(message.text[check.start : check.end], quote.text, passage)
        chat = self._conversations.open_chat
        self._ask_again(Question(chat, None, message.parent_id, False, corrects=correction))

    def _on_accepted(self, message: StoredMessage) -> None:
        self._feed.replace(message)
        if self._feed.find(message.id) is not None:
            quote = next(check.quotes[0] for check in message.checks if check.accepted)
            self._evidence.show(message, quote)
