"""The embedding models of the collections. Each has a space, where its vectors are compared, and an index of its own.

A collection has the model whose vectors answer, and may have a next one that is still at work (`reembedding.py`). In
the tables "" stands for the starter model, whatever version of it is installed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.knowledge.embed import Embedder, Embeds
from desktop_llm.knowledge.gguf_embedder import GgufEmbedder, GgufModel, ModelFile
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.rerank import Reranker
from desktop_llm.knowledge.store import Store
from desktop_llm.words import tr

STARTER = ""
_RERANKER = "reranker"  # the fact


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding model and the index of its vectors."""

    embedder: Embeds
    nearest: Nearest

    @property
    def fingerprint(self) -> str:
        """The name of its vectors in the store."""
        return self.embedder.fingerprint


@dataclass(frozen=True, slots=True)
class Models:
    """The fingerprints of a collection's models: the one that answers, and the next one if there is one."""

    now: str
    next: str | None


class Spaces:
    """Owns the spaces that are in use; a GGUF model's process starts when it is first needed."""

    def __init__(self, store: Store, folder: Path, starter: Embedder, *, threads: int = 1) -> None:
        self._store = store
        self._folder = folder
        self._threads = threads
        self.starter = Space(starter, Nearest(folder, store, starter.fingerprint))
        self.counter = starter
        self._spaces = {STARTER: self.starter}
        self._reranker: Reranker | None = None

    def models_of(self, collection: int) -> Models:
        """The models of a collection."""
        return Models(*self._store.rows("SELECT model, next_model FROM collection WHERE id = ?", collection)[0])

    def of(self, collection: int) -> Space:
        """The space whose vectors answer for a collection."""
        return self.space(self.models_of(collection).now)

    def grouped(self, collections: Sequence[int]) -> list[tuple[Space, list[int]]]:
        """The spaces of these collections, each with those that it answers for."""
        groups: dict[str, list[int]] = {}
        for collection in collections:
            groups.setdefault(self.models_of(collection).now, []).append(collection)
        return [(self.space(model), members) for model, members in groups.items()]

    def space(self, model: str) -> Space:
        """The space of a model of the tables."""
        if model not in self._spaces:
            gguf = GgufModel(self.file(model), threads=self._threads)
            embedder = GgufEmbedder(gguf, model)
            self._spaces[model] = Space(embedder, Nearest(self._folder, self._store, model))
        return self._spaces[model]

    def file(self, model: str) -> ModelFile:
        """The file of a model as it was checked when it was chosen."""
        query = "SELECT name, path, sha256, size_bytes, mtime_ns FROM embedding_model WHERE fingerprint = ?"
        for name, path, *rest in self._store.rows(query, model):
            return ModelFile(name, Path(os.fsdecode(path)), *rest)
        return ModelFile(model, Path(model), "", 0, 0)  # its row was lost: its file counts as gone

    def name(self, model: str) -> str:
        """A model's name as people know it."""
        return self.starter_name if model == STARTER else self.file(model).name

    @property
    def starter_name(self) -> str:
        """The name of the model that came with the app."""
        return "all-MiniLM-L6-v2"

    def problem_of(self, collection: int) -> str:
        """Why a collection is searched by keywords alone, in a sentence; "" if it is not."""
        if self.models_of(collection).now == STARTER:
            return ""
        space = self.of(collection)
        if space.embedder.problem:
            return space.embedder.problem
        file = self.file(space.fingerprint)
        if file.path.exists():
            return ""
        return tr("{model} is not there any more ({file}).", model=file.name, file=file.path)

    def know(self, file: ModelFile | None) -> str:
        """Note a model's file; the model of the tables that it is."""
        if file is None:
            return STARTER
        query = (
            "INSERT OR REPLACE INTO embedding_model(fingerprint, name, path, sha256, size_bytes, mtime_ns) "
            "VALUES(?, ?, ?, ?, ?, ?)"
        )
        fields = (file.fingerprint, file.name, os.fsencode(file.path), file.sha256, file.size_bytes, file.mtime_ns)
        with self._store.transaction() as connection:
            connection.execute(query, fields)
        known = self._spaces.get(file.fingerprint)
        if known is not None and known.embedder.problem:
            self._drop(file.fingerprint)  # the person chose it again: it gets another chance
        return file.fingerprint

    @property
    def reranker(self) -> Reranker | None:
        """The model that reads the best candidates again; None if there is none."""
        kept = self._store.remembered(_RERANKER)
        if not kept:
            return None
        if self._reranker is None or self._reranker.model.file.fingerprint != kept:
            self._end_reranker()
            self._reranker = Reranker(GgufModel(self.file(kept), threads=self._threads, ranks=True))
        return self._reranker

    def use_reranker(self, file: ModelFile | None) -> None:
        """Have a model read the best candidates of every search again; None: none does."""
        self._end_reranker()
        if file is None:
            self._store.forget(_RERANKER)
        else:
            self._store.remember(_RERANKER, self.know(file))

    def forget(self, collection: int) -> None:
        """Remove all indexes of a collection."""
        for space in self._spaces.values():
            space.nearest.let_go(collection)
        self.starter.nearest.forget(collection)

    def close(self) -> None:
        """Close all indexes, and end all models."""
        self._end_reranker()
        for space in self._spaces.values():
            space.nearest.close()
            space.embedder.close()

    def _end_reranker(self) -> None:
        if self._reranker is not None:
            self._reranker.model.close()
        self._reranker = None

    def _drop(self, model: str) -> None:
        space = self._spaces.pop(model)
        space.nearest.close()
        space.embedder.close()
