"""A GGUF embedding model as the knowledge worker sees it: the embedder process, its death in words, its scale.

The model may end its process at any text. It is started again once; if it ends again, it is not used any more until
the worker starts anew: its collections are then searched by keywords, and `problem` says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop_llm.errors import UserError, WorkerDied
from desktop_llm.files import sha256_of
from desktop_llm.knowledge.calibration import PAIRS, Scale, scale_of
from desktop_llm.knowledge.embed import Vectors
from desktop_llm.knowledge.families import MANY_LANGUAGES, RECIPE, Family, family_of
from desktop_llm.words import tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker, WorkerBug
from desktop_llm.workers.protocol import Message, path_to_wire

_LEVELS = 3  # of backends, see `llama.load_backend`
_MOST_DEATHS = 2


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model's file as it was checked: the app reads its header before any native code sees it."""

    name: str
    path: Path
    sha256: str
    size_bytes: int
    mtime_ns: int

    @property
    def fingerprint(self) -> str:
        """The name under which the model's vectors are kept."""
        stem = re.sub(r"[^a-z0-9]+", "-", self.path.stem.lower()).strip("-")[:40]
        return f"{stem or 'model'}-{self.sha256[:12]}-{RECIPE}"

    @classmethod
    def of(cls, name: str, path: Path) -> ModelFile:
        """The file as it is now. Raises UserError if it can't be read."""
        try:
            state = path.stat()
            return cls(name, path, sha256_of(path), state.st_size, state.st_mtime_ns)
        except OSError as error:
            raise _gone(name, path) from error

    def check(self) -> None:
        """Raise UserError unless the file has the content that was checked."""
        try:
            state = self.path.stat()
            same = (state.st_size, state.st_mtime_ns) == (self.size_bytes, self.mtime_ns)
            if same or sha256_of(self.path) == self.sha256:
                return
        except OSError as error:
            raise _gone(self.name, self.path) from error
        raise UserError(
            tr("The file of {model} is not the one that this collection was read with.", model=self.name),
            tr("Its collections are searched by keywords until you choose a model for them again."),
        )


class GgufModel:
    """Owns the process of one GGUF model, which is started when it is first needed."""

    def __init__(
        self, file: ModelFile, *, threads: int, ranks: bool = False, command: Sequence[str] | None = None
    ) -> None:
        self.file = file
        self._ranks = ranks
        self.problem = ""
        self.facts: dict[str, Any] = {}
        self._threads = threads
        self._command = command
        self._worker: Worker | None = None
        self._level = 0
        self._deaths = 0

    def use_threads(self, threads: int) -> None:
        """Run what follows on this many threads."""
        self._threads = threads

    def call(self, kind: str, data: dict[str, Any]) -> Message:
        """Ask the model. Raises UserError, whose sentences `problem` then has, if that is not possible."""
        while True:
            if self.problem:
                raise UserError(self.problem, _by_keywords())
            try:
                return self._ready().call(kind, {**data, "threads": self._threads})
            except (WorkerDied, WorkerBug) as error:
                self.close()
                self._deaths += 1
                if self._deaths >= _MOST_DEATHS:
                    name = self.file.name
                    self.problem = tr("{model} stopped while it read a text, so it is not used for now.", model=name)
                    raise UserError(self.problem, _by_keywords(), details=str(error)) from error
            except UserError as error:
                self.close()
                self.problem = error.title
                raise

    def close(self) -> None:
        """End the process."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _ready(self) -> Worker:
        if self._worker is not None and not self._worker.alive:
            self.close()
        if self._worker is None:
            self.file.check()
            self._worker = self._started()
        return self._worker

    def _started(self) -> Worker:
        """A process that has loaded the model, with the fastest backend that does not end it."""
        while True:
            worker = Worker(["embedder"], Part(self.file.name), command=self._command)
            try:
                data = {"model": path_to_wire(self.file.path), "level": self._level, "ranks": self._ranks}
                self.facts = worker.call("load", {**data, "threads": self._threads}).data
                worker.call("rank" if self._ranks else "embed", {**_PROBE, "threads": self._threads})
            except WorkerDied as error:
                worker.close()
                self._level += 1
                if self._level >= _LEVELS:
                    raise UserError(
                        tr("{model} can't be used here: loading it ended the part that embeds.", model=self.file.name),
                        _by_keywords(),
                        details=error.details,
                    ) from error
            except BaseException:
                worker.close()
                raise
            else:
                return worker


_PROBE = {"texts": ["a short text"], "ending": "", "query": "a question", "passages": ["a short text"]}


class GgufEmbedder:
    """A GGUF embedding model; one thread at a time embeds. Its calls raise UserError once it has a `problem`."""

    def __init__(self, model: GgufModel, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self._model = model
        self._scale: Scale | None = None
        self._family: Family | None = None

    @property
    def problem(self) -> str:
        """Why it is not used for now, in a sentence; "" if it is."""
        return self._model.problem

    def use_threads(self, threads: int) -> None:
        """Run the next batches on this many threads."""
        self._model.use_threads(threads)

    def embed_batch(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dimensions) of passages."""
        return self._embed([self._told.passage + text for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """The unit vector (dimensions,) of a question."""
        vector = np.asarray(self._embed([self._told.query + text])[0], np.float32)
        if self._scale is None:
            questions = self._embed([self._told.query + question for question, _ in PAIRS])
            self._scale = scale_of(questions, self._embed([self._told.passage + passage for _, passage in PAIRS]))
        return vector

    def common(self, similarity: float) -> float:
        """A similarity of this model on the scale of the starter's, once a question was embedded."""
        return (self._scale or Scale()).common(similarity)

    @property
    def many_languages(self) -> bool:
        """Whether it knows many languages, by the size of its vocabulary."""
        return int(self._model.facts.get("vocabulary", 0)) >= MANY_LANGUAGES

    def close(self) -> None:
        """End its process."""
        self._model.close()

    @property
    def _told(self) -> Family:
        """What its family demands; the model is loaded to know its names."""
        if self._family is None:
            if not self._model.facts:
                self._model.call("embed", _PROBE)
            self._family = family_of([*self._model.facts["names"], self._model.file.path.stem])
        return self._family

    def _embed(self, texts: list[str]) -> Vectors:
        done = self._model.call("embed", {"texts": texts, "ending": self._told.ending})
        return np.frombuffer(done.body, np.float32).reshape(len(texts), -1)


def _gone(name: str, path: Path) -> UserError:
    return UserError(
        tr("{model} is not there any more ({file}).", model=name, file=path),
        tr("Its collections are searched by keywords until you choose a model for them again."),
    )


def _by_keywords() -> str:
    return tr("Its collections are searched by keywords; all their text is safe. Choose another model for them.")
