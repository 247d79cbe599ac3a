"""Requests of another process, such as a command, that finds this window holding the data folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from desktop_llm.channel import WAIT_S
from desktop_llm.conversation.storing import Exchange, save_exchange
from desktop_llm.errors import Busy
from desktop_llm.gui.work.resources import Resources
from desktop_llm.words import tr
from desktop_llm.workers.protocol import Message, path_from_wire


class OtherProcesses:
    """Answers in a thread of the owner's channel; the functions are called in the window's thread.

    `open_files` raises the window, too; it gets absolute paths, which may not exist.
    """

    def __init__(
        self,
        resources: Resources,
        open_files: Callable[[Sequence[Path]], None],
        chats_changed: Callable[[], None],
        documents_changed: Callable[[], None],
    ) -> None:
        self._resources = resources
        self._open_files = open_files
        self._chats_changed, self._documents_changed = chats_changed, documents_changed

    def answer(self, kind: str, data: dict[str, Any], body: bytes) -> Generator[Message, None, Message]:
        """Raise the window, save a chat, or pass a request on to the knowledge worker."""
        if kind == "raise_window":
            files = [path_from_wire(file) for file in data.get("files", ())]
            return Message(0, "done", {"raised": self._raised(files)})
        if kind == "save_exchange":
            return self._save(Exchange.from_json(data))
        done = yield from self._resources.knowledge.forward(kind, data, body)
        self._resources.tasks.post(self._documents_changed)
        return done

    def _raised(self, files: Sequence[Path]) -> bool:
        """Raise the window with these files; False if its thread does not come to it, because it hangs."""
        raised: Future[None] = Future()
        self._resources.tasks.post(lambda: raised.set_result(self._open_files(files)))
        return bool(wait([raised], WAIT_S).done)

    def _save(self, exchange: Exchange) -> Message:
        save = functools.partial(save_exchange, exchange=exchange)
        try:
            conversation = self._resources.chats.submit(save).result(WAIT_S)
        except TimeoutError:
            raise Busy(
                tr("The open window is busy and has not saved this chat yet."),
                tr("It saves it as soon as it can. Look at its list of chats in a moment."),
            ) from None
        self._resources.tasks.post(self._chats_changed)
        return Message(0, "done", {"conversation": conversation.id})
