"""Reads files into a collection, in small steps: find, read ahead, embed in batches, store each file in one
transaction.

Between two steps the worker serves searches. If the process is killed, at most the current file's work is lost: stored
files are whole, and the store lists those that wait.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from desktop_llm.errors import Cancelled, DocumentError
from desktop_llm.knowledge import catalog
from desktop_llm.knowledge.chunks import Chunk
from desktop_llm.knowledge.cut import Cut, partly, partly_by_meaning
from desktop_llm.knowledge.embed import Embeds, batches
from desktop_llm.knowledge.folders import Look, folders_of, is_found
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.language import is_language
from desktop_llm.knowledge.limits import EMBED_BY, FIRST, LARGER, Budget
from desktop_llm.knowledge.readahead import Parsed, ReadAhead, ReadFile, version_of
from desktop_llm.knowledge.shapes import IndexProgress, IndexReport
from desktop_llm.knowledge.sources import ChunkRow, PageRow, Reason, SourceRow
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.suspects import ENOUGH, Suspects
from desktop_llm.knowledge.walk import FileState, files_below, state_now, state_of
from desktop_llm.words import tr
from desktop_llm.workers.child import Request

_POLL_S = 0.01  # how long a step, and so a search, may wait
_PROGRESS_EVERY_S = 0.1
_FILES_A_STEP = 200
_CHUNKS_BEFORE_LEARNING = 256
# Vectors of this many documents are kept for their second turn, a megabyte or two each.
_MOST_BEGUN = 50
_ESTIMATE_AFTER_S = 2.0
# The names of a wide table's columns would hide what its row says.
_EMBEDDED_HEADER = 300

Steps = Iterator[IndexProgress | None]


@dataclass(slots=True)
class Controls:
    """What people ask of the runs (pause, stop); the worker's handlers change it between two steps."""

    runs: dict[int, Request] = field(default_factory=dict)
    paused: set[int] = field(default_factory=set)
    stopped: set[int] = field(default_factory=set)
    answering: bool = False
    threads: int = 1

    @property
    def running(self) -> frozenset[int]:
        """The collections being read; a cancelled run no longer counts, even if its last step is still going."""
        return frozenset(each for each, request in self.runs.items() if not request.cancelled.is_set())

    def is_held(self, collection: int, until: float) -> bool:
        """Whether a run waits: it is paused, or rests `until` this moment while an answer is generated."""
        if collection in self.stopped:
            return False
        return collection in self.paused or (self.answering and time.monotonic() < until)


@dataclass(slots=True)
class _Count:
    """The counts of a run so far."""

    started: float
    done: int = 0
    skipped: int = 0
    failed: int = 0
    chunks: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    total: int = 0
    current: str = ""
    busy_s: float = 0.0
    shown: float = 0.0


@dataclass(frozen=True, slots=True)
class _Embedded:
    """The texts to embed, one for each chunk; vectors of them as float16 bytes, none for text that is no language; and
    how many chunks have none because time did not suffice.
    """

    texts: Sequence[str]
    vectors: Mapping[str, bytes]
    missing: int


class Indexing:
    """One run over one collection. `steps` does the work; `report` tells the outcome at any time.

    With `embed_later`, files are stored without vectors: the model may be slow, and a file's time is for reading it.
    """

    def __init__(
        self,
        store: Store,
        nearest: Nearest,
        embedder: Embeds,
        controls: Controls,
        collection: int,
        *,
        suspects: Suspects,
        password: str | None = None,
        reader_command: Sequence[str] | None = None,
        embed_later: bool = False,
        budgets: tuple[Budget, Budget] = (FIRST, LARGER),
    ) -> None:
        self._store = store
        self._nearest = nearest
        self._embedder = embedder
        self._controls = controls
        self._collection = collection
        self._suspects = suspects
        self._password = password
        self._reader_command = reader_command
        self._embed_later = embed_later
        self._count = _Count(time.monotonic())
        self._sizes: dict[bytes, int] = {}
        self._reasons: dict[tuple[str, str], Reason] = {}
        self._unlearned = 0
        self._budgets = budgets
        self._late: set[bytes] = set()
        self._look: Look | None = None
        self._begun: dict[tuple[str, str], Mapping[str, bytes]] = {}  # by late content: the vectors that it has already
        ((self._name,),) = store.rows("SELECT name FROM collection WHERE id = ?", collection)

    def find(self, paths: Iterable[Path]) -> Steps:
        """Note the files below `paths` that are new or changed; a path that does not exist fails at once."""
        waiting: list[bytes] = []
        for path in (file for given in paths for file in files_below(given)):
            if path is None:
                yield None
                continue
            if self._is_unchanged(os.fsencode(path)):
                self._count.skipped += 1
            else:
                waiting.append(os.fsencode(path))
            if len(waiting) >= _FILES_A_STEP:
                self._enqueue(waiting)
                waiting = []
            yield None
        self._enqueue(waiting)

    def expect(self, look: Look) -> None:
        """Count what a look through the folders found."""
        self._count.skipped += look.changes.unchanged
        self._sizes |= look.sizes
        self._look = look

    def _enqueue(self, paths: Sequence[bytes]) -> None:
        """Note files to be read; one that no folder's look would find is the collection's by itself."""
        folders = folders_of(self._store, self._collection)
        found = {path: is_found(folders, path) for path in paths}
        for named in (False, True):
            chosen = [path for path in paths if found[path] is not named]
            self._store.enqueue(self._collection, chosen, named=named)

    @property
    def has_late(self) -> bool:
        """Whether a file went beyond the first budget, or was in hand when an earlier worker died."""
        return bool(self._late) or any(map(self._suspects.deaths, self._waiting()))

    def steps(self) -> Steps:
        """Read the waiting files, including those added meanwhile, except for the late ones."""
        while paths := [path for path in self._waiting() if not (path in self._late or self._suspects.deaths(path))]:
            self._plan(paths)
            yield from self._read_all(paths, last=False)
        yield from self._nearest.mend(self._collection)

    def late_steps(self) -> Steps:
        """Read the files that went beyond the first budget, each within the larger one; then the suspects alone."""
        suspects = [path for path in self._waiting() if self._suspects.deaths(path)]
        if paths := [path for path in self._waiting() if path in self._late and path not in suspects]:
            self._plan(paths)
            yield from self._read_all(paths, last=True)
        for path in suspects:
            self._plan([path])
            if self._suspects.deaths(path) >= ENOUGH:
                self._set_aside(path)
            else:
                yield from self._read_all([path], last=True)
        yield from self._nearest.mend(self._collection)

    def report(self) -> IndexReport:
        """The collection's content now, and the results of this run."""
        controls = self._controls
        summary = catalog.summary(self._store, self._collection, controls.running, controls.paused)
        seconds = time.monotonic() - self._count.started
        count = self._count
        report = catalog.report(summary, skipped=count.skipped, seconds=seconds, size_bytes=count.bytes_done)
        report = replace(report, read=count.done - count.failed)
        return report if self._look is None else catalog.with_changes(report, self._look.changes)

    def _is_unchanged(self, path: bytes) -> bool:
        rows = self._store.rows(
            "SELECT document.size_bytes, mtime_ns FROM document JOIN source ON source.id = document.source "
            "WHERE collection = ? AND path = ? AND status = 'ready' AND version = ? AND tries = 0 AND unread = ''",
            self._collection,
            path,
            version_of(path),
        )
        try:
            state = state_of(Path(os.fsdecode(path)))
        except DocumentError:
            return False
        self._sizes[path] = state.size_bytes
        return bool(rows) and FileState(*rows[0]) == state

    def _waiting(self) -> list[bytes]:
        query = "SELECT path FROM document WHERE collection = ? AND waiting = 1 ORDER BY id"
        return [path for (path,) in self._store.rows(query, self._collection)]

    def _plan(self, paths: Sequence[bytes]) -> None:
        self._count.total = self._count.done + len(paths)
        self._count.bytes_total = self._count.bytes_done + sum(self._sizes.get(path, 0) for path in paths)

    def _read_all(self, paths: Sequence[bytes], *, last: bool) -> Steps:
        known = self._store.contents()
        self._count.current = os.fsdecode(paths[0])
        ahead = ReadAhead(
            paths,
            known,
            budget=self._budgets[last],
            last=last,
            suspects=self._suspects,
            password=self._password,
            command=self._reader_command,
        )
        try:
            while True:
                yield from self._hold()
                try:
                    file = ahead.next_file(_POLL_S)
                except queue.Empty:
                    yield self._progress()
                    continue
                if file is None:
                    return
                with self._suspects.hold(file.path):
                    yield from self._take(file, last=last)
        finally:
            ahead.close()

    def _take(self, file: ReadFile, *, last: bool) -> Steps:
        self._count.current = os.fsdecode(file.path)
        yield self._progress()
        if file.later or (not last and file.content in self._begun):
            self._late.add(file.path)
            return
        if file.parsed is not None:
            embedded = yield from self._embedded(file, file.parsed)
            if embedded.missing and not last:
                self._late.add(file.path)
                self._begun[file.content] = embedded.vectors if len(self._begun) < _MOST_BEGUN else {}
                return
            self._keep(file, file.parsed, embedded, self._budgets[last])
        elif (source := self._known(file)) is not None:
            self._store.link_document(*self._named(file), source)
        else:
            self._fail(file)
        self._suspects.clear(file.path)
        self._count.done += 1
        self._count.bytes_done += file.state.size_bytes
        if self._unlearned >= _CHUNKS_BEFORE_LEARNING:
            self._unlearned = 0
            yield from self._nearest.learn_steps(self._collection)
        yield self._progress()

    def _keep(self, file: ReadFile, parsed: Parsed, embedded: _Embedded, budget: Budget) -> None:
        total = len(parsed.chunks)

        def said(stored: int) -> Reason | None:
            if stored < total:
                page = parsed.pages[parsed.chunks[stored - 1].page_index].number
                return partly(Cut("time", page, parsed.page_count), budget, stored)
            if embedded.missing and parsed.partly is None:
                return partly_by_meaning(total - embedded.missing, total)
            return parsed.partly

        row = replace(_source_row(file, parsed, embedded), embedded=not self._embed_later)
        with file.clock.runs():
            self._store.add_document(
                *self._named(file), row, self._embedder.fingerprint, partly=said, is_over=file.clock.is_over
            )
        self._unlearned += total

    def _set_aside(self, path: bytes) -> None:
        reason = tr(
            "Reading it ended the part that reads documents twice, so it was set aside. "
            "Split the file, or save it in another format, and add it again."
        )
        state = state_now(path)
        self._store.fail_document(self._collection, path, state.size_bytes, state.mtime_ns, Reason(reason, "too_large"))
        self._suspects.clear(path)
        self._count.failed += 1
        self._count.done += 1

    def _named(self, file: ReadFile) -> tuple[int, bytes, int, int]:
        return self._collection, file.path, file.state.size_bytes, file.state.mtime_ns

    def _known(self, file: ReadFile) -> int | None:
        return None if file.reason else self._store.known_source(*file.content)

    def _fail(self, file: ReadFile) -> None:
        reason = file.reason or self._reasons.get(file.content)
        reason = reason or Reason(tr("It could not be read just now; add it again"))
        self._reasons[file.content] = reason
        self._count.failed += 1
        # A file that could not even be opened is not tried again before it changes.
        state = file.state if file.sha256 else state_now(file.path)
        self._store.fail_document(self._collection, file.path, state.size_bytes, state.mtime_ns, reason)

    def _embedded(self, file: ReadFile, parsed: Parsed) -> Generator[IndexProgress | None, None, _Embedded]:
        """Embed the chunks that are language, until the document's time is over."""
        if self._embed_later:
            return _Embedded([""] * len(parsed.chunks), {}, 0)
        with file.clock.runs():
            texts = [_embedded_text(parsed, chunk) for chunk in parsed.chunks]
            vectors = dict(self._begun.get(file.content, {}))
            # Equal texts once: a file that unpacks to a flood is the same over and over.
            wanted = [text for text in dict.fromkeys(texts) if text not in vectors and is_language(text)]
            waiting = batches(wanted)
        for positions in waiting:
            if file.clock.is_over(EMBED_BY):
                break
            batch = [wanted[position] for position in positions]
            started = time.monotonic()
            self._embedder.use_threads(1 if self._controls.answering else self._controls.threads)
            with file.clock.runs():
                kept = self._embedder.embed_batch(batch).astype(np.float16)
            vectors |= {text: vector.tobytes() for text, vector in zip(batch, kept, strict=True)}
            taken = time.monotonic() - started
            self._count.busy_s += taken
            self._count.chunks += len(positions)
            yield self._progress()
            yield from self._hold(taken)
        missing = set(wanted) - vectors.keys()
        return _Embedded(texts, vectors, sum(text in missing for text in texts))

    def _hold(self, breather_s: float = 0.0) -> Steps:
        """Wait while paused; while an answer is generated, rest as long as the last batch took; end when stopped."""
        until = time.monotonic() + breather_s
        while self._controls.is_held(self._collection, until):
            time.sleep(_POLL_S)
            yield self._progress()
        if self._collection in self._controls.stopped:
            raise Cancelled

    def _progress(self) -> IndexProgress | None:
        """Report the progress, at most ten times a second."""
        count, now = self._count, time.monotonic()
        if now - count.shown < _PROGRESS_EVERY_S:
            return None
        count.shown = now
        return IndexProgress(
            collection=self._name,
            current=count.current,
            done=count.done,
            total=count.total,
            chunks=count.chunks,
            failed=count.failed,
            chunks_per_s=round(count.chunks / count.busy_s, 2) if count.busy_s else 0.0,
            seconds_left=self._seconds_left(now),
            paused=self._collection in self._controls.paused,
        )

    def _seconds_left(self, now: float) -> float | None:
        count = self._count
        seconds = now - count.started
        if seconds < _ESTIMATE_AFTER_S or not count.bytes_done:
            return None
        return round((count.bytes_total - count.bytes_done) * seconds / count.bytes_done, 1)


def embedded_text(headings: str, header: str, text: str) -> str:
    """The text to embed: the chunk, and what stands above it and names its subject: headings and column names."""
    return "\n".join(filter(None, (headings, header[:_EMBEDDED_HEADER], text)))


def _embedded_text(parsed: Parsed, chunk: Chunk) -> str:
    text = parsed.pages[chunk.page_index].text[chunk.start : chunk.end]
    return embedded_text(chunk.headings, chunk.header, text)


def _source_row(file: ReadFile, parsed: Parsed, embedded: _Embedded) -> SourceRow:
    vectors = dict(embedded.vectors)
    chunks = [
        # Of equal passages, the first one is found by its meaning: the others would only crowd it out.
        ChunkRow(
            chunk.page_index,
            chunk.start,
            chunk.end,
            chunk.place,
            vectors.pop(text, b""),
            chunk.headings,
            chunk.header,
        )
        for chunk, text in zip(parsed.chunks, embedded.texts, strict=True)
    ]
    pages = [PageRow(page.number, page.text) for page in parsed.pages]
    return SourceRow(*file.content, parsed.format, parsed.title, parsed.page_count, pages, chunks)
