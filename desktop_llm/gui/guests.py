"""What the window does for a command that finds it holding the data folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from desktop_llm.chats.records import Conversation
from desktop_llm.chats.saving import Exchange, save_exchange
from desktop_llm.instance import WAIT_S
from desktop_llm.workers.protocol import Message

if TYPE_CHECKING:
    from desktop_llm.gui.main_window import MainWindow
    from desktop_llm.gui.resources import Resources


class Guests:
    """Answers in a guest's thread; what concerns widgets is posted to the window's."""

    def __init__(self, window: MainWindow, resources: Resources, documents_changed: Callable[[], None]) -> None:
        self._window = window
        self._resources = resources
        self._documents_changed = documents_changed

    def answer(self, kind: str, data: dict[str, Any], body: bytes) -> Generator[Message, None, Message]:
        """Raise the window, save a chat, or pass a request on to the knowledge worker."""
        if kind == "raise_window":
            self._window.tasks.post(self._window.raise_to_front)
            return Message(0, "done", {"raised": True})
        if kind == "save_exchange":
            return self._save(Exchange(**data))
        done = yield from self._resources.knowledge.forward(kind, data, body)
        self._window.tasks.post(self._documents_changed)
        return done

    def _save(self, exchange: Exchange) -> Message:
        saved: Future[Conversation] = Future()
        save = functools.partial(save_exchange, exchange=exchange)
        self._resources.chats.write(save, saved.set_result, saved.set_exception)
        conversation = saved.result(WAIT_S)
        self._window.tasks.post(self._window.conversations.refresh)
        return Message(0, "done", {"conversation": conversation.id})
