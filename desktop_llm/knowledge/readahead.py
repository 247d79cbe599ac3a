"""Reads files, parses them and cuts them into chunks ahead of the embedding, on a thread that drives one reader
process.

The reader gets bytes, never a path. A reader that dies, hangs or grows too large is replaced; the file that caused it
is reported with a reason.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import psutil

from desktop_llm.characters import in_a_sentence
from desktop_llm.errors import DocumentError, UserError, WorkerDied
from desktop_llm.knowledge.chunks import CHUNKER_VERSION, Chunk, PageContent, chunk_pages, joined
from desktop_llm.knowledge.clock import Clock
from desktop_llm.knowledge.cut import ANOTHER_TURN, Cut, Why, given_up, partly, without
from desktop_llm.knowledge.limits import CUT_BY, DRAWING, READ_BY, READER_GROWN_BYTES, Budget
from desktop_llm.knowledge.readers import Table, kind_of
from desktop_llm.knowledge.sources import Reason
from desktop_llm.knowledge.suspects import Suspects
from desktop_llm.knowledge.walk import FileState, content_of
from desktop_llm.knowledge.watch import Watch
from desktop_llm.steps import Run
from desktop_llm.words import from_json, tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker, WorkerBug
from desktop_llm.workers.protocol import Message

log = logging.getLogger(__name__)

AHEAD = 4  # files parsed and not yet embedded
FILES_A_READER = 500

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's pages as the reader returned them; `cut` says why these are not all of them, `left_out` what inside the
    file could not be read.
    """

    format: str
    title: str
    page_count: int | None
    pages: Sequence[PageContent]
    cut: Cut | None = None
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's content, to be embedded and stored; `partly` says why it is not the whole of it."""

    format: str
    title: str
    page_count: int | None
    pages: Sequence[PageContent]
    chunks: Sequence[Chunk]
    partly: Reason | None = None


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The outcome of one file: its content, or the reason why it failed, or neither if the content is already known or
    the file is to be read later (`later`), within a larger budget. `version` is that of its content as it would be
    stored, `clock` tells the time that it took so far.
    """

    path: bytes
    state: FileState
    sha256: str
    version: str
    clock: Clock
    parsed: Parsed | None
    reason: Reason | None = None
    later: bool = False

    @property
    def content(self) -> tuple[str, str]:
        """What tells stored contents apart: the checksum and the version."""
        return self.sha256, self.version


class Reader:
    """Owns the reader process: started when needed, replaced when it dies, hangs, grows or has served long enough."""

    def __init__(self, command: Sequence[str] | None) -> None:
        self._command = command
        self._worker: Worker | None = None
        self._served = 0

    def read(self, name: str, data: bytes, password: str | None, budget: Budget, clock: Clock) -> Reading:
        """A file's pages, within a budget. Raises DocumentError with the reason in words if nothing can be read."""
        pages: list[PageContent] = []
        total: int | None = None
        pictures = 0
        worker = self._ready()
        watch = Watch(worker, budget, clock, READ_BY)
        run = Run(worker.request("read", {"name": name, "password": password}, data))
        try:
            with clock.runs(lambda: watch.cpu_s), watch:
                for message in run:
                    total = message.data.get("total")
                    if len(pages) == budget.pages:
                        self.kill()
                        self.close()
                        return _cut_short(name, pages, Cut("pages", len(pages), total))
                    pages.append(_page(message))
                    if message.data["recognised"] and pictures < budget.pictures:
                        pictures += 1
                        clock.allow(budget.picture_s / READ_BY)
        except WorkerDied as error:
            self.close()
            return _cut_short(name, pages, Cut(watch.why or "died", _last(pages), total, error.details))
        except WorkerBug as error:
            raise DocumentError(tr("The reader could not understand this file"), details=str(error)) from error
        except DocumentError as error:
            if error.cause != "too_large" or not pages:
                raise
            return _cut_short(name, pages, Cut("text", _last(pages), total))
        facts = run.result.data
        count, said = facts["pages"], facts.get("said")
        cut = Cut("missing", count, said) if said else None
        present = [page for page in pages if count is None or page.number is None or page.number <= count]
        return Reading(facts["format"], _name(facts["title"] or ""), count, present, cut, from_json(facts["left_out"]))

    def draw(self, data: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """A page's picture: its facts and its pixels. Raises DocumentError if it can't be drawn."""
        worker, clock = self._ready(), Clock(DRAWING)
        watch = Watch(worker, DRAWING, clock, share=1.0)
        try:
            with clock.runs(lambda: watch.cpu_s), watch:
                answer = worker.call("draw", data, body)
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
            self._worker = Worker(["reader"], Part(tr("The reader")), command=self._command)
            self._served = 0
            with contextlib.suppress(WorkerDied):  # which the first document tells
                self._worker.call("enforced")  # its start is no document's time
        self._served += 1
        return self._worker

    def _has_grown(self) -> bool:
        if self._worker is None or self._served % 20:
            return False
        try:
            return bool(psutil.Process(self._worker.pid).memory_info().rss > READER_GROWN_BYTES)
        except psutil.Error:
            return False


class ReadAhead:
    """Reads files in order on its own thread; `next_file` hands them out. Close it to end the thread.

    `known` are the contents that are stored, by checksum and version. What a file may cost is its `budget`; unless this
    is its `last` turn, a file beyond it is to be read later.
    """

    def __init__(
        self,
        paths: Iterable[bytes],
        known: set[tuple[str, str]],
        *,
        budget: Budget,
        last: bool,
        suspects: Suspects,
        password: str | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._paths = list(paths)
        self._budget = budget
        self._last = last
        self._suspects = suspects
        self._known = known
        self._password = password
        self._reader = Reader(command)
        self._files: queue.Queue[ReadFile | UserError | None] = queue.Queue(AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def next_file(self, timeout_s: float) -> ReadFile | None:
        """The next file. Raises queue.Empty if none is ready in time; None after the last one."""
        found = self._files.get(timeout=timeout_s)
        if isinstance(found, UserError):
            raise found
        return found

    def close(self) -> None:
        """Discard the files read ahead, end the thread and the reader."""
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
                with self._suspects.hold(path):
                    file = self._read(path)
                self._files.put(file)
            self._files.put(None)
        except UserError as error:  # not even a reader can be started
            self._files.put(error)

    def _read(self, path: bytes) -> ReadFile:
        name, version, clock = os.fsdecode(path), version_of(path), Clock(self._budget)
        state, sha256 = FileState(0, 0), ""
        try:
            content = content_of(Path(name))
            state, sha256 = content.state, content.sha256
            if (sha256, version) in self._known:
                return ReadFile(path, state, sha256, version, clock, None)
            parsed = self._parse(Path(name).name, content.data, clock)
        except DocumentError as error:
            return ReadFile(path, state, sha256, version, clock, None, Reason.of(error))
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug that one file brings out must not cost the others
            where = "".join(traceback.format_tb(error.__traceback__))  # the error's own words may quote the document
            log.error("%s while a file was read:\n%s", type(error).__name__, where)
            reason = Reason(tr("The reader could not understand this file"))
            return ReadFile(path, state, sha256, version, clock, None, reason)
        if parsed is None:
            return ReadFile(path, state, sha256, version, clock, None, later=True)
        self._known.add((sha256, version))
        return ReadFile(path, state, sha256, version, clock, parsed)

    def _parse(self, name: str, data: bytes, clock: Clock) -> Parsed | None:
        """The content cut into chunks; None if it takes more than the budget and has another turn."""
        read = self._reader.read(name, data, self._password, self._budget, clock)
        pages, cut = read.pages, read.cut
        if self._has_another_turn(cut):
            return None
        chunks, why = self._chunks(pages, clock)
        if why:
            pages = pages[: chunks[-1].page_index + 1] if chunks else []
            cut = Cut(why, _last(pages), read.page_count)
            if self._has_another_turn(cut):
                return None
        if not chunks:
            if cut is not None:
                raise given_up(cut, self._budget)
            raise DocumentError(tr("There is no text in this file"), cause="no_text")
        said = partly(cut, self._budget, len(chunks)) if cut else without(read.left_out) if read.left_out else None
        return Parsed(read.format, read.title, read.page_count, *joined(pages, chunks), said)

    def _has_another_turn(self, cut: Cut | None) -> bool:
        return cut is not None and cut.why in ANOTHER_TURN and not self._last

    def _chunks(self, pages: Sequence[PageContent], clock: Clock) -> tuple[list[Chunk], Why | None]:
        """The chunks of the pages, as many as the budget allows, and why these are not all of them."""
        chunks: list[Chunk] = []
        with clock.runs(time.thread_time):
            for chunk in chunk_pages(pages):
                if len(chunks) == self._budget.passages:
                    return chunks, "passages"
                if clock.is_over(CUT_BY):
                    return chunks, "time"
                chunks.append(chunk)
        return chunks, None


def version_of(path: bytes) -> str:
    """The version of what is stored of a file with this name: its format's reader and the chunker, as they are now.

    A file whose stored content has another one is read again. "" if no reader takes it.
    """
    kind = kind_of(Path(os.fsdecode(path)).name)
    return f"{kind.module} {kind.version}.{CHUNKER_VERSION}" if kind else ""


def _cut_short(name: str, pages: list[PageContent], cut: Cut) -> Reading:
    kind = kind_of(name)
    return Reading(kind.format if kind else "", PurePath(name).stem, cut.total, pages, cut)


def _last(pages: Sequence[PageContent]) -> int | None:
    return pages[-1].number if pages else None


def _page(message: Message) -> PageContent:
    data, text = message.data, message.body.decode("utf-8", "surrogatepass")
    headings = tuple((start, level, _name(title)) for start, level, title in data["headings"])
    tables = tuple(Table(start, end, _name(header), *place) for start, end, header, *place in data["tables"])
    return PageContent(data["page"], _clean(text), headings, data["lines"], tables, _name(data["place"]))


def _name(text: str) -> str:
    """What names a place, on one line: names of files inside an archive may hold anything."""
    return in_a_sentence(_clean(text))


def _clean(text: str) -> str:
    """The text with characters that SQLite can't keep replaced one for one, so that offsets stay valid."""
    return _NOT_TEXT.sub("\ufffd", text)
