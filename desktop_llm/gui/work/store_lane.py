"""Access to chats.db: writes run in one serial lane, reads in another; results arrive in the window's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.gui.work.tasks import Failed, Tasks
from desktop_llm.reserve import Reserve

T = TypeVar("T")

RETRY_S = 5.0  # opening checks the whole file, which takes too long to be tried for every chat that is shown


class StoreLane:
    """Owns both connections; each lives in the thread of its lane, from its first use to `close`."""

    def __init__(self, tasks: Tasks, path: Path, reserve: Reserve) -> None:
        self._tasks = tasks
        self._path = path
        self._reserve = reserve
        self._store: ChatStore | None = None
        self._reader: ChatReader | None = None
        self._reader_is_old = False
        self._failed_at = -RETRY_S

    def write(
        self, work: Callable[[ChatStore], T], done: Callable[[T], None] | None = None, failed: Failed | None = None
    ) -> None:
        """Queue a change; changes happen in the order of the calls."""
        self._tasks.call(lambda: work(self._writing()), done, failed, lane="chats")

    def look(
        self, work: Callable[[ChatReader], T], done: Callable[[T], None] | None = None, failed: Failed | None = None
    ) -> None:
        """Read something after earlier writes, even if the store can't be opened for writing: on a full or read-only
        disk, or because a newer version wrote it.
        """
        self._tasks.call(lambda: self._look(work), done, failed, lane="chats")

    def submit(self, work: Callable[[ChatStore], T]) -> Future[T]:
        """Queue a change from another thread, which can wait for the result."""
        written: Future[T] = Future()

        def run() -> None:
            try:
                result = work(self._writing())
            except BaseException as error:
                written.set_exception(error)
                raise
            written.set_result(result)

        self._tasks.call(run, failed=_known_by_the_waiting, lane="chats")
        return written

    def read(
        self, work: Callable[[ChatReader], T], done: Callable[[T], None] | None = None, failed: Failed | None = None
    ) -> None:
        """Read something without waiting for earlier writes."""
        self._tasks.call(lambda: work(self._reading()), done, failed, lane="chats read")

    def close(self) -> None:
        """Close both connections once everything queued is done."""
        self._tasks.call(self._close_reading, lane="chats read")
        self._tasks.call(self._close_writing, lane="chats")

    def _writing(self) -> ChatStore:
        self._reserve.give_back_if_low()
        if self._store is None:
            self._store = ChatStore(self._path)
            self._reader_is_old = True  # on a full or read-only disk it was opened so that it sees no changes
        return self._store

    def _look(self, work: Callable[[ChatReader], T]) -> T:
        if self._store is not None or time.monotonic() > self._failed_at + RETRY_S:
            try:
                return work(self._writing())
            except UserError:
                self._failed_at = time.monotonic()
                if not self._path.exists():
                    raise
        with ChatReader(self._path) as reader:
            return work(reader)

    def _reading(self) -> ChatReader:
        if self._reader is not None and (self._reader_is_old or self._reader.is_copy):
            # It sees no changes since, or the file may have been upgraded meanwhile.
            self._reader.close()
            self._reader = None
        if self._reader is None:
            self._reader_is_old = False
            self._reader = ChatReader(self._path)
        return self._reader

    def _close_reading(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _close_writing(self) -> None:
        if self._store is not None:
            self._store.close()


def _known_by_the_waiting(_: UserError) -> None:
    """Do nothing: the thread that waits for the result gets the error and reports it."""
