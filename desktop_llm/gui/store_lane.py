"""The window's way to chats.db: writes in one serial lane, reads in another, results in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from desktop_llm.chats.store import ChatReader, ChatStore
from desktop_llm.gui.tasks import Failed, Tasks

T = TypeVar("T")


class StoreLane:
    """Owns both connections; each lives in the thread of its lane, from its first use to `close`."""

    def __init__(self, tasks: Tasks, path: Path) -> None:
        self._tasks = tasks
        self._path = path
        self._store: ChatStore | None = None
        self._reader: ChatReader | None = None

    def write(
        self, work: Callable[[ChatStore], T], done: Callable[[T], None] | None = None, failed: Failed | None = None
    ) -> None:
        """Change something; changes happen in the order of the calls."""
        self._tasks.call(lambda: work(self._writing()), done, failed, lane="chats")

    def read(
        self, work: Callable[[ChatReader], T], done: Callable[[T], None] | None = None, failed: Failed | None = None
    ) -> None:
        """Look something up, without waiting for the writes before it."""
        self._tasks.call(lambda: work(self._reading()), done, failed, lane="chats read")

    def close(self) -> None:
        """Close both connections after what was asked before."""
        self._tasks.call(self._close_reading, lane="chats read")
        self._tasks.call(self._close_writing, lane="chats")

    def _writing(self) -> ChatStore:
        if self._store is None:
            self._store = ChatStore(self._path)
        return self._store

    def _reading(self) -> ChatReader:
        if self._reader is None:
            self._reader = ChatReader(self._path)
        return self._reader

    def _close_reading(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _close_writing(self) -> None:
        if self._store is not None:
            self._store.close()
