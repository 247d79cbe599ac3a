"""Reading files into a collection, in small steps: find, read ahead, embed in batches, store a file a transaction.

Between two steps the worker serves searches. A kill loses at most the file in hand: what is stored is whole, what
waits stands in the store.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from desktop_llm.errors import Cancelled, DocumentError
from desktop_llm.knowledge import catalog
from desktop_llm.knowledge.chunks import CHUNKER_VERSION, Chunk
from desktop_llm.knowledge.embed import DIMENSIONS, Embedder, Vectors, batches
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.readahead import Parsed, ReadAhead, ReadFile
from desktop_llm.knowledge.readers import READER_VERSION
from desktop_llm.knowledge.reasons import Reason
from desktop_llm.knowledge.shapes import IndexProgress, IndexReport
from desktop_llm.knowledge.sources import ChunkRow, PageRow, SourceRow
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.walk import FileState, files_below, state_of
from desktop_llm.words import tr
from desktop_llm.workers.child import Request

VERSION = f"{READER_VERSION}.{CHUNKER_VERSION}"

_POLL_S = 0.01  # how long a step may wait; a search waits no longer
_PROGRESS_EVERY_S = 0.1
_FILES_A_STEP = 200
_CHUNKS_BEFORE_LEARNING = 256
_ESTIMATE_AFTER_S = 2.0

Steps = Iterator[IndexProgress | None]


@dataclass(slots=True)
class Controls:
    """What people have asked of the runs; the worker's handlers change it between two steps."""

    runs: dict[int, Request] = field(default_factory=dict)
    paused: set[int] = field(default_factory=set)
    stopped: set[int] = field(default_factory=set)
    answering: bool = False
    threads: int = 1

    @property
    def running(self) -> frozenset[int]:
        """Collections being read; a run whose cancel has arrived counts no more, though its last step may last."""
        return frozenset(each for each, request in self.runs.items() if not request.cancelled.is_set())


@dataclass(slots=True)
class _Count:
    """How far a run has come."""

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


class Reading:
    """One run over one collection. `steps` does the work; `report` tells the outcome at any time."""

    def __init__(
        self,
        store: Store,
        nearest: Nearest,
        embedder: Embedder,
        controls: Controls,
        collection: int,
        *,
        password: str | None = None,
        reader_command: Sequence[str] | None = None,
    ) -> None:
        self._store = store
        self._nearest = nearest
        self._embedder = embedder
        self._controls = controls
        self._collection = collection
        self._password = password
        self._reader_command = reader_command
        self._count = _Count(time.monotonic())
        self._sizes: dict[bytes, int] = {}
        self._reasons: dict[str, Reason] = {}
        self._unlearned = 0
        ((self._name,),) = store.rows("SELECT name FROM collection WHERE id = ?", collection)

    def find(self, paths: Iterable[Path]) -> Steps:
        """Remember the files below `paths` that are new or changed; what is not there at all fails at once."""
        waiting: list[bytes] = []
        for path in (file for given in paths for file in files_below(given)):
            if self._is_unchanged(os.fsencode(path)):
                self._count.skipped += 1
            else:
                waiting.append(os.fsencode(path))
            if len(waiting) >= _FILES_A_STEP:
                self._store.enqueue(self._collection, waiting)
                waiting = []
            yield None
        self._store.enqueue(self._collection, waiting)

    def steps(self) -> Steps:
        """Read what waits, also what is added meanwhile."""
        while paths := self._waiting():
            self._plan(paths)
            yield from self._read_all(paths)
        yield from self._nearest.mend(self._collection)

    def report(self) -> IndexReport:
        """What the collection holds now, and what this run did."""
        controls = self._controls
        summary = catalog.summary(self._store, self._collection, controls.running, controls.paused)
        seconds = time.monotonic() - self._count.started
        return catalog.report(summary, skipped=self._count.skipped, seconds=seconds, size_bytes=self._count.bytes_done)

    def _is_unchanged(self, path: bytes) -> bool:
        rows = self._store.rows(
            "SELECT document.size_bytes, mtime_ns FROM document JOIN source ON source.id = document.source "
            "WHERE collection = ? AND path = ? AND status = 'ready' AND version = ?",
            self._collection,
            path,
            VERSION,
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

    def _read_all(self, paths: Sequence[bytes]) -> Steps:
        query = "SELECT sha256 FROM source WHERE version = ?"
        known = {sha256 for (sha256,) in self._store.rows(query, VERSION)}
        self._count.current = os.fsdecode(paths[0])
        ahead = ReadAhead(
            paths, known, self._embedder.count_tokens, password=self._password, command=self._reader_command
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
                yield from self._take(file)
        finally:
            ahead.close()

    def _take(self, file: ReadFile) -> Steps:
        self._count.current = os.fsdecode(file.path)
        yield self._progress()
        if file.parsed is not None:
            vectors = yield from self._embedded(file.parsed)
            row = _source_row(file.sha256, file.parsed, vectors)
            self._store.add_document(*self._named(file), row, self._embedder.fingerprint)
            self._unlearned += len(row.chunks)
        elif (source := self._known(file)) is not None:
            self._store.link_document(*self._named(file), source)
        else:
            self._fail(file)
        self._count.done += 1
        self._count.bytes_done += file.state.size_bytes
        if self._unlearned >= _CHUNKS_BEFORE_LEARNING:
            self._unlearned = 0
            self._nearest.learn(self._collection)
        yield self._progress()

    def _named(self, file: ReadFile) -> tuple[int, bytes, int, int]:
        return self._collection, file.path, file.state.size_bytes, file.state.mtime_ns

    def _known(self, file: ReadFile) -> int | None:
        return None if file.reason else self._store.known_source(file.sha256, VERSION)

    def _fail(self, file: ReadFile) -> None:
        reason = file.reason or self._reasons.get(file.sha256)
        reason = reason or Reason(tr("It could not be read just now; add it again"))
        self._reasons[file.sha256] = reason
        self._count.failed += 1
        self._store.fail_document(*self._named(file), reason)

    def _embedded(self, parsed: Parsed) -> Generator[IndexProgress | None, None, Vectors]:
        texts = [_embedded_text(parsed, chunk) for chunk in parsed.chunks]
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for positions in batches(texts):
            started = time.monotonic()
            self._embedder.use_threads(1 if self._controls.answering else self._controls.threads)
            vectors[positions] = self._embedder.embed_batch([texts[position] for position in positions])
            taken = time.monotonic() - started
            self._count.busy_s += taken
            self._count.chunks += len(positions)
            yield self._progress()
            yield from self._hold(taken)
        return vectors

    def _hold(self, breather_s: float = 0.0) -> Steps:
        """Wait while paused; take a breath as long as the last batch while an answer is generated; end when stopped."""
        until = time.monotonic() + breather_s
        while self._is_held(until):
            time.sleep(_POLL_S)
            yield self._progress()
        if self._collection in self._controls.stopped:
            raise Cancelled

    def _is_held(self, until: float) -> bool:
        controls = self._controls
        if self._collection in controls.stopped:
            return False
        return self._collection in controls.paused or (controls.answering and time.monotonic() < until)

    def _progress(self) -> IndexProgress | None:
        """Where it stands, at most ten times a second."""
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


def _embedded_text(parsed: Parsed, chunk: Chunk) -> str:
    """What the model sees of a chunk: the headings above it say what it is about; line numbers say nothing."""
    page = parsed.pages[chunk.page_index]
    text = page.text[chunk.start : chunk.end]
    return text if page.lines or not chunk.place else f"{chunk.place}\n{text}"


def _source_row(sha256: str, parsed: Parsed, vectors: Vectors) -> SourceRow:
    kept = vectors.astype(np.float16)
    chunks = [
        ChunkRow(chunk.page_index, chunk.start, chunk.end, chunk.place, vector.tobytes())
        for chunk, vector in zip(parsed.chunks, kept, strict=True)
    ]
    pages = [PageRow(page.number, page.text) for page in parsed.pages]
    return SourceRow(sha256, VERSION, parsed.format, parsed.title, parsed.page_count, pages, chunks)
