"""The nearest-neighbour index: Chroma over the stored vectors, a cache that can be thrown away at any time.

The only module that knows Chroma. Each collection and embedding fingerprint has a folder of its own (removing it is the
only way that gives disk back), in it only ids and vectors, never text. What the index has yet to learn stands in the
store's `index_task`. An index that is damaged, incomplete or crashed the worker at its opening is not used: an exact
scan over the stored vectors answers until it is made anew, a slice at a time.
"""

from __future__ import annotations

import importlib
import logging
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from desktop_llm.knowledge.embed import DIMENSIONS, Vectors
from desktop_llm.knowledge.store import Store
from desktop_llm.words import tr

log = logging.getLogger(__name__)

Found = list[tuple[int, float]]
"""Chunk ids with their cosine similarity, best first."""

SLICE = 500  # vectors a step: Chroma takes half a second for them
_NAME = "vectors"
_SAMPLES = 16
_SAME = 0.999  # a stored float16 vector finds itself at least this near


class Nearest:
    """Owns the index folders of one embedding fingerprint. Chunk ids go in and out, nothing else."""

    def __init__(self, folder: Path, store: Store, fingerprint: str) -> None:
        self._folder = folder
        self._store = store
        self._fingerprint = fingerprint
        self._open: dict[int, _Folder] = {}
        self._rebuilding: dict[int, Generator[tuple[int, int], None, None]] = {}
        self._scans: dict[int, tuple[int, list[int], Vectors]] = {}

    def search(self, collection: int, vector: Vectors, count: int) -> Found:
        """The `count` chunks nearest to a unit vector (384,), what was read last included.

        While the index must be made anew each search moves that on by a slice.
        """
        index = self._ready(collection)
        if index is None:
            next(self._rebuilding.setdefault(collection, self._rebuild_steps(collection)), None)
            return self._scan(collection, vector, count)
        try:
            return index.query(vector, count)
        except _broken() as error:
            self._distrust(collection, error)
            return self._scan(collection, vector, count)

    def learn(self, collection: int) -> None:
        """Bring the index up to what the store holds; one that can't be trusted is left as it is."""
        self._ready(collection)

    def mend(self, collection: int) -> Generator[None, None, None]:
        """Bring the index up to what the store holds; one that can't be trusted is made anew, a slice at a step."""
        if self._ready(collection) is None:
            for _ in self._rebuilding.setdefault(collection, self._rebuild_steps(collection)):
                yield None

    def rebuild(self, collection: int) -> Generator[tuple[int, int], None, None]:
        """Make the index anew from the stored vectors; yields (done, total) after each slice."""
        self._distrust(collection, "to be made anew")
        return self._rebuild_steps(collection)

    def problems(self, collection: int) -> list[str]:
        """What is wrong with the index, in words; empty when it is as it should be."""
        index = self._ready(collection)
        if index is not None and self._is_sound(collection, index):
            return []
        self._distrust(collection, "not what is stored")
        return [tr("The search index is damaged or incomplete. What was read is safe; rebuild the index.")]

    def forget(self, collection: int) -> None:
        """Remove the index of a collection, its folder included."""
        self._distrust(collection, "removed")
        self._scans.pop(collection, None)
        shutil.rmtree(self._folder / str(collection), ignore_errors=True)

    def _ready(self, collection: int) -> _Folder | None:
        """The open index, with all tasks done; None where it can't be trusted."""
        if collection in self._rebuilding:
            return None
        if collection not in self._open:
            self._open_checked(collection)
        index = self._open.get(collection)
        try:
            if index is not None:
                self._do_tasks(collection, index)
        except _broken() as error:
            self._distrust(collection, error)
        return self._open.get(collection)

    def _open_checked(self, collection: int) -> None:
        path = self._path(collection, self._generation(collection))
        # A damaged folder may end this process at its opening; the mark tells the next one.
        mark = path / "opening"
        if mark.exists():
            return
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch()
        try:
            index = _Folder(path)
            self._do_tasks(collection, index)
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

    def _do_tasks(self, collection: int, index: _Folder) -> None:
        tasks = self._tasks(collection)
        for _, action, chunks in tasks:
            self._apply(index, action, [int(chunk) for chunk in chunks.split()])
        if tasks:
            self._store.finish_tasks([task for task, _, _ in tasks])

    def _apply(self, index: _Folder, action: str, chunks: Sequence[int]) -> None:
        for start in range(0, len(chunks), SLICE):
            part = chunks[start : start + SLICE]
            if action == "remove":
                index.remove(part)
            else:
                index.add(*self._stored(part))

    def _scan(self, collection: int, vector: Vectors, count: int) -> Found:
        newest = max((task for task, _, _ in self._tasks(collection)), default=0)
        if collection not in self._scans or self._scans[collection][0] != newest:
            self._scans[collection] = (newest, *self._stored(self._expected(collection)))
        _, chunks, vectors = self._scans[collection]
        similarities = vectors @ vector
        best = np.argsort(-similarities)[:count]
        return [(chunks[position], float(similarities[position])) for position in best]

    def _stored(self, chunks: Sequence[int]) -> tuple[list[int], Vectors]:
        query = "SELECT chunk, data FROM vector WHERE fingerprint = ? AND chunk IN ({})"
        found: list[tuple[int, bytes]] = []
        for start in range(0, len(chunks), SLICE):
            part = chunks[start : start + SLICE]
            found += self._store.rows(query.format(",".join("?" * len(part))), self._fingerprint, *part)
        vectors = np.frombuffer(b"".join(data for _, data in found), np.float16).reshape(-1, DIMENSIONS)
        return [chunk for chunk, _ in found], vectors.astype(np.float32)

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
        # Never the path of one that is there: Chroma keeps what it once opened in this process.
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
        chromadb = importlib.import_module("chromadb")
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

    def query(self, vector: Vectors, count: int) -> Found:
        answer = self._vectors.query(query_embeddings=vector.reshape(1, -1), n_results=count, include=["distances"])
        return [
            (int(chunk), 1.0 - distance)
            for chunk, distance in zip(answer["ids"][0], answer["distances"][0], strict=True)
        ]

    def finds(self, vector: Vectors) -> bool:
        # Equal texts have equal vectors, so which id comes first may differ; the distance may not.
        found = self.query(vector, 1)
        return bool(found) and found[0][1] > _SAME


def _broken() -> tuple[type[Exception], ...]:
    """What Chroma raises over a damaged folder."""
    return (importlib.import_module("chromadb.errors").ChromaError, OSError, ValueError)
