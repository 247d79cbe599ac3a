"""Files read, parsed and cut into chunks ahead of the embedding, by a thread that drives one reader process.

The reader gets bytes, never a path. One that dies, hangs or has grown is replaced; the file that did it gets a reason.
"""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from desktop_llm.errors import DocumentError, UserError, WorkerDied
from desktop_llm.knowledge.chunks import Chunk, PageContent, chunk_pages
from desktop_llm.knowledge.reasons import Reason
from desktop_llm.knowledge.walk import FileState, content_of
from desktop_llm.steps import Run
from desktop_llm.words import tr
from desktop_llm.workers.process import Worker, WorkerBug

AHEAD = 4  # files parsed and not yet embedded
STALL_S = 120.0  # without a new page
FILES_A_READER = 500
READER_BYTES = 1_000_000_000

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reader made of a file's content."""

    format: str
    title: str
    page_count: int | None
    pages: Sequence[PageContent]
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file's outcome: parsed, or a reason why not, or neither where its content is known already."""

    path: bytes
    state: FileState
    sha256: str
    parsed: Parsed | None
    reason: Reason | None = None


class Reader:
    """Owns the reader process: started when needed, replaced when it dies, hangs, grows or has served long enough."""

    def __init__(self, command: Sequence[str] | None) -> None:
        self._command = command
        self._worker: Worker | None = None
        self._served = 0

    def read(self, name: str, data: bytes, password: str | None) -> tuple[dict[str, Any], list[PageContent]]:
        """A file's format, title, number of pages, and its pages. Raises DocumentError with the reason in words."""
        worker = self._ready()
        pages: list[PageContent] = []
        last = time.monotonic()
        try:
            run = Run(worker.request("read", {"name": name, "password": password}, data, stall_s=STALL_S))
            for message in run:
                pages.append(_page(message.data))
                last = time.monotonic()
            return run.result.data, pages
        except WorkerDied as error:
            hung = time.monotonic() - last >= STALL_S
            self.close()
            reason = tr("Took too long to read") if hung else tr("The reader stopped while reading this file")
            raise DocumentError(reason, details=error.details) from error
        except WorkerBug as error:
            raise DocumentError(tr("The reader could not make sense of this file"), details=str(error)) from error

    def draw(self, data: dict[str, Any], body: bytes, stall_s: float) -> tuple[dict[str, Any], bytes]:
        """A page's picture: its facts and its pixels. Raises DocumentError where it can't be drawn."""
        try:
            answer = self._ready().call("draw", data, body, stall_s=stall_s)
        except WorkerDied as error:
            self.close()
            reason = tr("This page could not be drawn. Its text can still be read.")
            raise DocumentError(reason, details=error.details) from error
        return answer.data, answer.body

    def close(self) -> None:
        """End the process, if there is one."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def kill(self) -> None:
        """End the process in the middle of a file, from another thread."""
        worker = self._worker
        if worker is not None:
            worker.kill()

    def _ready(self) -> Worker:
        if self._worker is not None and (self._served >= FILES_A_READER or not self._worker.alive or self._has_grown()):
            self.close()
        if self._worker is None:
            self._worker = Worker(["reader"], name=tr("The reader"), command=self._command)
            self._served = 0
        self._served += 1
        return self._worker

    def _has_grown(self) -> bool:
        if self._worker is None or self._served % 20:
            return False
        try:
            return bool(psutil.Process(self._worker.pid).memory_info().rss > READER_BYTES)
        except psutil.Error:
            return False


class ReadAhead:
    """Reads files in order on a thread of its own; `next_file` hands them out. Close it to end the thread."""

    def __init__(
        self,
        paths: Iterable[bytes],
        known: set[str],
        count_tokens: Callable[[str], int],
        *,
        password: str | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._paths = list(paths)
        self._known = known
        self._count_tokens = count_tokens
        self._password = password
        self._reader = Reader(command)
        self._files: queue.Queue[ReadFile | UserError | None] = queue.Queue(AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def next_file(self, timeout_s: float) -> ReadFile | None:
        """The next file. Raises queue.Empty where none is ready in time; None after the last one."""
        found = self._files.get(timeout=timeout_s)
        if isinstance(found, UserError):
            raise found
        return found

    def close(self) -> None:
        """Give up what was read ahead, end the thread and the reader."""
        self._closing.set()
        self._reader.kill()
        while self._thread.is_alive():
            try:
                self._files.get(timeout=0.02)
            except queue.Empty:
                continue
        self._reader.close()

    def _run(self) -> None:
        try:
            for path in self._paths:
                if self._closing.is_set():
                    return
                self._files.put(self._read(path))
            self._files.put(None)
        except UserError as error:  # no reader can be started at all
            self._files.put(error)

    def _read(self, path: bytes) -> ReadFile:
        name = os.fsdecode(path)
        state, sha256 = FileState(0, 0), ""
        try:
            content = content_of(Path(name))
            state, sha256 = content.state, content.sha256
            if sha256 in self._known:
                return ReadFile(path, state, sha256, None)
            parsed = self._parse(Path(name).name, content.data)
        except DocumentError as error:
            return ReadFile(path, state, sha256, None, Reason.of(error))
        self._known.add(sha256)
        return ReadFile(path, state, sha256, parsed)

    def _parse(self, name: str, data: bytes) -> Parsed:
        facts, pages = self._reader.read(name, data, self._password)
        chunks = chunk_pages(pages, self._count_tokens)
        if not chunks:
            raise DocumentError(tr("There is no text in this file"), "no_text")
        return Parsed(facts["format"], _clean(facts["title"] or ""), facts["pages"], pages, chunks)


def _page(data: dict[str, Any]) -> PageContent:
    headings = tuple((start, level, _clean(title)) for start, level, title in data["headings"])
    return PageContent(data["page"], _clean(data["text"]), headings, data["lines"])


def _clean(text: str) -> str:
    """Text that SQLite keeps as it is; one character for another, so that places stay."""
    return _NOT_TEXT.sub("\ufffd", text)
