"""The nearest-neighbour index: Chroma over the stored vectors, a cache that can be thrown away at any time.

The only module that knows Chroma. Each collection and embedding fingerprint has a folder of its own (only removing it
frees the disk space), with ids and vectors alone, never text. The store's `index_task` lists the changes that the index
has not taken in yet. An index that is damaged or incomplete, or that crashed the worker when it was opened, is not
used: an exact scan over the stored vectors answers until the index is rebuilt, a slice at a time.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import shutil
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from desktop_llm.errors import FREE_SPACE, UserError
from desktop_llm.knowledge.embed import Vectors, stacked
from desktop_llm.knowledge.seal import open_folder, seal_folder
from desktop_llm.knowledge.store import Store
from desktop_llm.words import tr

log = logging.getLogger(__name__)

Neighbours = list[tuple[int, float]]
"""Chunk ids with their cosine similarity, best first."""

SLICE = 500  # vectors in one step: Chroma takes half a second for them
_NAME = "vectors"
_SAMPLES = 16
_SAME = 0.999  # a stored float16 vector finds itself at least this close


class Nearest:
    """Owns the index folders of one embedding fingerprint. Chunk ids go in and out, nothing else."""

    def __init__(self, folder: Path, store: Store, fingerprint: str) -> None:
        self._folder = folder
        self._store = store
        self._fingerprint = fingerprint
        self._open: dict[int, _Folder] = {}
        self._rebuilding: dict[int, Generator[tuple[int, int], None, None]] = {}
        self._scans: dict[int, tuple[int, list[int], Vectors]] = {}

    def search(self, collection: int, vector: Vectors, count: int) -> Neighbours:
        """The `count` chunks nearest to a unit vector, including those of files just read.

        While the index is being rebuilt, each search moves that on by a slice.
        """
        index = self._ready(collection)
        if index is None:
            self._rebuild_on(collection)
            return self._scan(collection, vector, count)
        try:
            return index.query(vector, count)
        except _broken() as error:
            self._distrust(collection, error)
            return self._scan(collection, vector, count)

    def learn(self, collection: int) -> None:
        """Bring the index up to date with the store; an index that can't be trusted is left as it is."""
        for _ in self.learn_steps(collection):
            pass

    def learn_steps(self, collection: int) -> Generator[None, None, None]:
        """Do the same, a slice per step; a search in between brings it up to date by itself."""
        if (index := self._opened(collection)) is None:
            return
        try:
            for _ in self._tasks_done(collection, index):
                yield None
                if self._open.get(collection) is not index:
                    return
        except _broken_or_refused() as error:
            self._distrust(collection, error)

    def mend(self, collection: int) -> Generator[None, None, None]:
        """Bring the index up to date with the store; an index that can't be trusted is rebuilt, a slice per step.

        If the disk is full, that is left for later: searches work without the index.
        """
        yield from self.learn_steps(collection)
        if self._ready(collection) is None:
            try:
                for _ in self._rebuilding.setdefault(collection, self._rebuild_steps(collection)):
                    yield None
            except _broken_or_refused() as error:
                self._distrust(collection, error)

    def rebuild(self, collection: int) -> Generator[tuple[int, int], None, None]:
        """Rebuild the index from the stored vectors; yields (done, total) after each slice. Raises UserError."""
        self._distrust(collection, "to be made anew")
        try:
            yield from self._rebuild_steps(collection)
        except _broken() as error:
            raise UserError(
                tr("The search index could not be rebuilt."),
                tr(
                    "Searches work without it, and all text is safe. "
                    "Free some space on the disk or check the folder's permissions, then try again."
                ),
                action=FREE_SPACE,
                details=str(error),
            ) from error

    def problems(self, collection: int) -> list[str]:
        """Sentences about the faults of the index; empty if it has none."""
        if self._store.read_only:
            return [tr("The search index can't be checked, because the disk is full or can't be written to.")]
        index = self._ready(collection)
        if index is not None and self._is_sound(collection, index):
            return []
        self._distrust(collection, "not what is stored")
        return [tr("The search index is damaged or incomplete. The text that was read is safe; rebuild the index.")]

    def close(self) -> None:
        """Close all open indexes, and note what their files are."""
        for collection, index in self._open.items():
            index.close()
            seal_folder(self._path(collection, self._generation(collection)))
        self._open = {}

    def forget(self, collection: int) -> None:
        """Remove all of a collection's indexes, whatever their model, and their folder."""
        self.let_go(collection)
        shutil.rmtree(self._folder / str(collection), ignore_errors=True)

    def let_go(self, collection: int) -> None:
        """Close a collection's index: it is to be removed."""
        self._distrust(collection, "removed")
        self._scans.pop(collection, None)

    def drop(self, collection: int) -> None:
        """Remove a collection's index of this model alone."""
        self.let_go(collection)
        for path in (self._folder / str(collection)).glob(f"{self._fingerprint}-*"):
            shutil.rmtree(path, ignore_errors=True)
        self._store.forget(self._key(collection))

    def _rebuild_on(self, collection: int) -> None:
        """Move the rebuilding on by a slice; a full disk stops it until the next search."""
        if self._store.read_only:
            return
        try:
            next(self._rebuilding.setdefault(collection, self._rebuild_steps(collection)), None)
        except _broken_or_refused() as error:
            self._distrust(collection, error)

    def _ready(self, collection: int) -> _Folder | None:
        """The open index, brought up to date; None if it can't be trusted, or opened without writing."""
        self.learn(collection)
        return None if collection in self._rebuilding else self._open.get(collection)

    def _opened(self, collection: int) -> _Folder | None:
        if collection in self._rebuilding or self._store.read_only:
            return None
        try:
            if collection not in self._open:
                self._open_checked(collection)
        except _broken_or_refused() as error:
            self._distrust(collection, error)
        return self._open.get(collection)

    def _open_checked(self, collection: int) -> None:
        path = self._path(collection, self._generation(collection))
        # Opening a damaged folder may crash this process; the mark tells the next process.
        mark = path / "opening"
        if mark.exists() or not open_folder(path):
            return
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch()
        try:
            index = _Folder(path)
            for _ in self._tasks_done(collection, index):
                pass
        except _broken() as error:
            self._distrust(collection, error)
        else:
            if self._is_sound(collection, index):
                self._open[collection] = index
        mark.unlink(missing_ok=True)

    def _is_sound(self, collection: int, index: _Folder) -> bool:
        """Compare the count, and ask for stored vectors: a lost HNSW file keeps Chroma's count full."""
        chunks = self._expected(collection)
        sample = chunks[:: max(1, len(chunks) // _SAMPLES)]
        try:
            if index.count() != len(chunks):
                return False
            return all(index.finds(vector) for vector in self._stored(sample)[1])
        except _broken() as error:
            log.warning("the index of collection %d failed its check: %s", collection, error)
            return False

    def _rebuild_steps(self, collection: int) -> Generator[tuple[int, int], None, None]:
        generation = self._fresh_generation(collection)
        tasks = self._tasks(collection)
        chunks = self._expected(collection)
        index = _Folder(self._path(collection, generation))
        try:
            for start in range(0, len(chunks), SLICE):
                index.add(*self._stored(chunks[start : start + SLICE]))
                yield min(start + SLICE, len(chunks)), len(chunks)
        except GeneratorExit:
            index.close()
            raise
        self._store.remember(self._key(collection), str(generation))
        self._store.finish_tasks([task for task, _, _ in tasks])
        self._rebuilding.pop(collection, None)
        self._scans.pop(collection, None)
        self._open[collection] = index
        self._sweep(collection, generation)

    def _tasks(self, collection: int) -> list[tuple[int, str, str]]:
        query = "SELECT id, action, chunks FROM index_task WHERE collection = ? ORDER BY id"
        return self._store.rows(query, collection)

    def _tasks_done(self, collection: int, index: _Folder) -> Iterator[None]:
        """Have the index take in the noted changes, a slice per step; ends if somebody else does it in between.

        Changes of one kind that follow each other are taken in together: a folder of small files has one change for
        each of them, and a call of Chroma costs about the same for one vector as for a hundred.
        """
        done: list[int] = []
        for action, group in itertools.groupby(self._tasks(collection), key=lambda task: task[1]):
            tasks = list(group)
            chunks = list(dict.fromkeys(int(chunk) for _, _, listed in tasks for chunk in listed.split()))
            for start in range(0, len(chunks), SLICE):
                part = chunks[start : start + SLICE]
                if action == "remove":
                    index.remove(part)
                else:
                    index.add(*self._stored(part))
                yield None
                if not self._store.rows("SELECT 1 FROM index_task WHERE id = ?", tasks[-1][0]):
                    return
            done += [task for task, _, _ in tasks]
        if done:
            self._store.finish_tasks(done)

    def _scan(self, collection: int, vector: Vectors, count: int) -> Neighbours:
        newest = max((task for task, _, _ in self._tasks(collection)), default=0)
        if collection not in self._scans or self._scans[collection][0] != newest:
            self._scans[collection] = (newest, *self._stored(self._expected(collection)))
        _, chunks, vectors = self._scans[collection]
        if not chunks:
            return []
        similarities = vectors @ vector
        best = np.argsort(-similarities)[:count]
        return [(chunks[position], float(similarities[position])) for position in best]

    def _stored(self, chunks: Sequence[int]) -> tuple[list[int], Vectors]:
        query = "SELECT chunk, data FROM vector WHERE fingerprint = ? AND chunk IN ({})"
        found: list[tuple[int, bytes]] = []
        for start in range(0, len(chunks), SLICE):
            part = chunks[start : start + SLICE]
            found += self._store.rows(query.format(",".join("?" * len(part))), self._fingerprint, *part)
        return [chunk for chunk, _ in found], stacked(data for _, data in found)

    def _expected(self, collection: int) -> list[int]:
        query = (
            "SELECT vector.chunk FROM vector JOIN chunk ON chunk.id = vector.chunk WHERE fingerprint = ? AND "
            "chunk.source IN (SELECT source FROM document WHERE collection = ?) ORDER BY vector.chunk"
        )
        return [chunk for (chunk,) in self._store.rows(query, self._fingerprint, collection)]

    def _distrust(self, collection: int, reason: object) -> None:
        log.warning("the index of collection %d is not used any more: %s", collection, reason)
        steps = self._rebuilding.pop(collection, None)
        if steps is not None:
            steps.close()
        index = self._open.pop(collection, None)
        if index is not None:
            index.close()

    def _key(self, collection: int) -> str:
        return f"index:{collection}:{self._fingerprint}"

    def _generation(self, collection: int) -> int:
        return int(self._store.remembered(self._key(collection)) or 0)

    def _fresh_generation(self, collection: int) -> int:
        # Never reuse the path of an existing folder: Chroma keeps every folder it has opened in this process.
        folders = self._path(collection, 0).parent.glob(f"{self._fingerprint}-*")
        used = [int(folder.name.rpartition("-")[2]) for folder in folders]
        return max([self._generation(collection), *used]) + 1

    def _path(self, collection: int, generation: int) -> Path:
        return self._folder / str(collection) / f"{self._fingerprint}-{generation}"

    def _sweep(self, collection: int, generation: int) -> None:
        for path in self._path(collection, generation).parent.glob(f"{self._fingerprint}-*"):
            if path != self._path(collection, generation):
                shutil.rmtree(path, ignore_errors=True)


class _Folder:
    """One Chroma database in a folder of its own, with one Chroma collection."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        chromadb = _chromadb()
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        self._client: Any = chromadb.PersistentClient(path=str(path), settings=settings)
        self._vectors: Any = self._client.get_or_create_collection(
            _NAME, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def close(self) -> None:
        self._client.close()

    def count(self) -> int:
        return int(self._vectors.count())

    def add(self, chunks: Sequence[int], vectors: Vectors) -> None:
        if chunks:
            self._vectors.upsert(ids=[str(chunk) for chunk in chunks], embeddings=vectors)

    def remove(self, chunks: Sequence[int]) -> None:
        if chunks:
            self._vectors.delete(ids=[str(chunk) for chunk in chunks])

    def query(self, vector: Vectors, count: int) -> Neighbours:
        answer = self._vectors.query(query_embeddings=vector.reshape(1, -1), n_results=count, include=["distances"])
        return [
            (int(chunk), 1.0 - distance)
            for chunk, distance in zip(answer["ids"][0], answer["distances"][0], strict=True)
        ]

    def finds(self, vector: Vectors) -> bool:
        # Equal texts have equal vectors, so which id comes first may differ; the distance may not.
        found = self.query(vector, 1)
        return bool(found) and found[0][1] > _SAME


def _chromadb() -> Any:
    """Chroma without the library that could send traces away, which takes a fifth of the time to import it."""
    exporter = ModuleType("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    vars(exporter)["OTLPSpanExporter"] = None  # only called if Chroma is told of a place to send traces to
    sys.modules.setdefault(exporter.__name__, exporter)
    return importlib.import_module("chromadb")


def _broken() -> tuple[type[Exception], ...]:
    """The exceptions that Chroma raises for a damaged folder."""
    return (_chromadb().errors.ChromaError, OSError, ValueError)


def _broken_or_refused() -> tuple[type[Exception], ...]:
    """The same, and the store's own error on a full disk."""
    return (*_broken(), UserError)
