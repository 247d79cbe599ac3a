"""The knowledge worker: one process per data folder that owns the store, the index and the embedding model.

Serves the requests of `client.py`; searches and pictures come before the next batch of a run. It parses no file itself;
readers do.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.util import cache_from_source
from pathlib import Path

from desktop_llm.errors import Busy, UserError
from desktop_llm.files import LockFile
from desktop_llm.knowledge.requests import AT_ONCE, IN_STEPS
from desktop_llm.knowledge.service import Service
from desktop_llm.knowledge.store import Damaged
from desktop_llm.paths import Folders, package_file
from desktop_llm.words import tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Handler, Request, Steps, serve, take_stdout

_LOCK_WAIT_S = 5.0  # a worker that was ended releases its lock within a moment
_LOCK_POLL_S = 0.05


def main(folders: Folders) -> None:
    """Give up the network and other rights, then serve; does not return."""
    wire = take_stdout()
    confine.lower_priority()
    confine.no_power()
    confine.no_core_dumps()
    confine.no_network(connections=False)
    # The database and the index may lie elsewhere, behind a link.
    places = (folders.data, Path(os.path.realpath(folders.knowledge_db)).parent, folders.index)
    cache = folders.cache / "knowledge"
    confine.write_only_in(*places, *confine.own_caches(cache))
    chroma = package_file("chromadb", "__init__.py")
    if chroma is not None and not Path(cache_from_source(str(chroma))).exists():
        # Nobody compiled the libraries ahead, and this process can't keep that beside them: it would take 1 s a start.
        sys.pycache_prefix = str(cache / "python")
    service = Lazy(folders)
    serve(service.handlers(), wire, urgent=AT_ONCE.keys(), at_end=service.close, when_idle=service.tidy)


class Lazy:
    """Opens a data folder's knowledge at the first request, so that a failure becomes the answer to that request."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._lock = LockFile(folders.data / "knowledge.lock", stand_in=folders.index)
        self._locked = False
        self._opened: Service | None = None
        self._under_way = 0

    def handlers(self) -> dict[str, Handler]:
        """The handlers of all kinds of requests."""
        return {kind: self._handler(kind) for kind in (*AT_ONCE, *IN_STEPS)}

    def _handler(self, kind: str) -> Handler:
        def handler(request: Request) -> Steps:
            self._under_way += 1
            service = None
            try:
                service = self._service()
                if kind in IN_STEPS:
                    return (yield from IN_STEPS[kind](service, request))
                return AT_ONCE[kind](service, request.data)
            except Damaged:
                if service is self._opened:  # else somebody noticed it before
                    self._abandon()
                if kind in IN_STEPS:
                    raise
            finally:
                self._under_way -= 1
                self._mend()
            return AT_ONCE[kind](self._service(), request.data)

        return handler

    def close(self) -> None:
        """Bring the store into one file, and seal it."""
        if self._opened is not None:
            self._opened.close()

    def tidy(self) -> bool:
        """Do what was left undone, a little of it; returns whether there may be more."""
        try:
            return self._opened is not None and self._opened.tidy()
        except UserError:  # a full disk, or a damaged file: the next request tells
            return False

    def _mend(self) -> None:
        """Have the next request recover a store in which a check found damage, once nobody works with it."""
        if not self._under_way and self._opened is not None and self._opened.is_damaged:
            self._abandon()

    def _abandon(self) -> None:
        """Let go of a damaged store: the next request opens it again, which recovers it."""
        if self._opened is not None:
            self._opened.abandon()
            self._opened = None

    def _service(self) -> Service:
        if self._opened is None:
            if not self._locked:
                self._take_lock()
                self._locked = True
            self._opened = Service(self._folders)
        self._opened.store.try_writing()
        return self._opened

    def _take_lock(self) -> None:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while not self._lock.acquire():
            if time.monotonic() > deadline:
                raise Busy(
                    tr("Another running program already uses the documents of this data folder."),
                    tr("Nothing was changed. Close it, or wait until it has finished."),
                )
            time.sleep(_LOCK_POLL_S)
