"""The knowledge worker for a command: our own if we own the data folder, else the owner's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop_llm.chats.saving import Exchange, save_exchange
from desktop_llm.chats.store import ChatStore
from desktop_llm.instance import Answers, Owner, OwnerGone, OwnersWorker
from desktop_llm.knowledge.client import IndexProgress, Knowledge
from desktop_llm.paths import Folders
from desktop_llm.steps import result_of
from desktop_llm.words import tr
from desktop_llm.workers.protocol import Message


@contextlib.contextmanager
def knowledge(home: Folders) -> Iterator[Knowledge]:
    """A client that works until the block ends; while it is ours, other commands are answered through it."""
    with contextlib.closing(SharedWorker(home)) as worker:
        yield Knowledge(home, worker=worker)


class SharedWorker:
    """The knowledge worker of a data folder, whoever owns the folder.

    If that is another command and it ends before it has answered, we take its place and ask again.
    """

    alive = True

    def __init__(self, home: Folders) -> None:
        self._home = home
        self._own = Knowledge(home)
        self._owner: Owner | None = None
        self._take_place()

    def request(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> Answers:
        """Yields progress, returns the answer; closing it cancels."""
        while self._owner is None:
            try:
                return (yield from OwnersWorker(self._home).request(kind, data, body))
            except OwnerGone:
                self._take_place()
        return (yield from self._answer(kind, data or {}, body))

    def call(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> Message:
        """The answer; progress is passed over."""
        return result_of(self.request(kind, data, body))

    def close(self) -> None:
        """End the worker if it is ours, and only then let the next one own the folder."""
        if self._owner is not None:
            self._owner.stop_listening()
            self._own.close()
            self._owner.release()

    def _take_place(self) -> None:
        if (owner := Owner.acquire(self._home)) is not None:
            owner.listen(self._answer)
            self._owner = owner

    def _answer(self, kind: str, data: dict[str, Any], body: bytes) -> Answers:
        if kind == "save_exchange":
            with contextlib.closing(ChatStore(self._home.chats_db)) as store:
                save_exchange(store, Exchange(**data))
            return Message(0, "done")
        return (yield from self._own.forward(kind, data, body))


def absolute(path: Path) -> Path:
    """The path as the collection knows it: absolute, not resolved, so a link keeps its own name."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - Path.absolute keeps ".."


def progress_line(progress: IndexProgress) -> str:
    """One line for a terminal: count, current file, time left."""
    left = "" if progress.seconds_left is None else tr(", {seconds:.0f} s left", seconds=progress.seconds_left)
    return tr(
        "{done:,} of {total:,} documents{left}: {name}",
        done=progress.done,
        total=progress.total,
        left=left,
        name=Path(progress.current).name[:60],
    )
