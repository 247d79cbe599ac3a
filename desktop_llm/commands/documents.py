"""The knowledge worker for a command: our own if we own the data folder, otherwise the owner's."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from desktop_llm.channel import WAIT_S, Patience
from desktop_llm.chats.store import ChatStore
from desktop_llm.commands.terminal import tell
from desktop_llm.conversation.storing import Exchange, save_exchange
from desktop_llm.errors import UserError
from desktop_llm.instance import Answers, Owner, OwnerGone, OwnersWorker, no_answer
from desktop_llm.jobs.job import Progress
from desktop_llm.knowledge.client import Knowledge, LookFor
from desktop_llm.paths import Folders
from desktop_llm.reserve import Reserve
from desktop_llm.steps import result_of
from desktop_llm.words import plural, tr
from desktop_llm.workers.protocol import Message

_POLL_S = 0.1


@contextlib.contextmanager
def knowledge(home: Folders) -> Iterator[Knowledge]:
    """A client that works until the block ends; if the worker is ours, other commands are answered through it
    meanwhile.
    """
    with contextlib.closing(SharedWorker(home)) as worker:
        yield Knowledge(home, worker=worker)


class SharedWorker:
    """The knowledge worker of a data folder, whoever owns the folder.

    If the owner is another command that ends before it has answered, this one becomes the owner and asks again.
    """

    alive = True

    def __init__(self, home: Folders) -> None:
        self._home = home
        self._own = Knowledge(home)
        self._owner: Owner | None = None
        self._saving = threading.Lock()  # two connections must not write the chats at once
        self._take_place()

    def request(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> Answers:
        """Send a request: yields progress, returns the answer; closing it cancels."""
        patience = Patience(WAIT_S)
        while self._owner is None:
            try:
                return (yield from OwnersWorker(self._home).request(kind, data, body))
            except OwnerGone:
                self._take_place()
            if self._owner is None:  # it takes no more requests, and still holds the folder
                try:
                    patience.pause(_POLL_S)
                except TimeoutError:
                    raise no_answer() from None
        return (yield from self._answer(kind, data or {}, body))

    def call(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> Message:
        """Send a request and return the answer, ignoring progress."""
        return result_of(self.request(kind, data, body))

    def close(self) -> None:
        """End the worker if it is ours, and only then let another process own the folder."""
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
            Reserve(self._home.reserve).give_back_if_low()
            with self._saving, contextlib.closing(ChatStore(self._home.chats_db)) as store:
                if store.notice:
                    sys.stderr.write(f"{store.notice}\n")
                save_exchange(store, Exchange.from_json(data))
            return Message(0, "done")
        return (yield from self._own.forward(kind, data, body))


UPDATE_S = 10.0
"""How long a question waits for changed files to be read."""


def follow_changes(client: Knowledge, collections: Iterable[str]) -> None:
    """Take in what has changed in the files of collections before a question, as far as that is soon done.

    What is deleted or moved is known at once; new and changed files are read for UPDATE_S. Nothing here stops the
    question: what can't be taken in is told on stderr.
    """
    for name in collections:
        found = client.changes(name)
        if not found.changed or found.state == "reading":
            continue
        # Somebody stopped the reading of a paused one, so what is deleted leaves it and nothing is read.
        look: LookFor = "gone" if found.state == "paused" else "changes"
        try:
            unread = _take_in(client, name, look)
        except UserError as error:
            tell(error.message)
        else:
            if unread:
                tell(tr("Some files of {name} are not read yet: `index add {name}` reads them.", name=name))


def _take_in(client: Knowledge, name: str, look: LookFor) -> bool:
    """Whether there was no time to read everything."""
    until, told = time.monotonic() + UPDATE_S, False
    with contextlib.closing(client.index(name, (), look=look)) as steps:
        for step in steps:
            if not told and step.total:
                tell(plural("Reading one changed file first.", "Reading %n changed files first.", step.total))
                told = True
            if time.monotonic() > until:
                return True
    return look == "gone"


def absolute(path: Path) -> Path:
    """The path as the collection knows it: absolute but not resolved, so a link keeps its own name."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - Path.absolute keeps ".."


def progress_line(progress: Progress) -> str:
    """A line for a terminal: count, current file, time left."""
    left = "" if progress.seconds_left is None else tr(", {seconds:.0f} s left", seconds=progress.seconds_left)
    return tr(
        "{done:,} of {total:,} documents{left}: {name}",
        done=progress.done,
        total=progress.total,
        left=left,
        name=Path(progress.current).name[:60],
    )
