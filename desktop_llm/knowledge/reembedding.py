"""Embeds what lacks vectors of a collection's model, in small steps, and lets a newly chosen model take over.

While the next model is at work, the vectors of the one before answer. Each content that has all vectors of a model is
listed in `embedded`, so a run that was stopped or killed goes on where it was. When all contents have the next model's
vectors and its index is made, it takes over in one transaction, and vectors that no collection uses any more go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from desktop_llm.errors import Cancelled
from desktop_llm.knowledge.embed import Embeds, batches
from desktop_llm.knowledge.indexing import Controls, embedded_text
from desktop_llm.knowledge.language import is_language
from desktop_llm.knowledge.shapes import IndexProgress
from desktop_llm.knowledge.sources import add_vectors, drop_vectors, note_embedded
from desktop_llm.knowledge.spaces import STARTER, Spaces
from desktop_llm.knowledge.store import Store

_POLL_S = 0.01
_PROGRESS_EVERY_S = 0.1
_ESTIMATE_AFTER_S = 2.0
_MOST_UNSTORED = 32  # vectors that a kill loses at most
_LACKING = (
    "SELECT DISTINCT document.source FROM document WHERE collection = ? AND source IS NOT NULL "
    "AND source NOT IN (SELECT source FROM embedded WHERE fingerprint = ?) ORDER BY 1"
)

Steps = Iterator[IndexProgress | None]


def is_due(store: Store, spaces: Spaces, collection: int) -> bool:
    """Whether passages of a collection lack vectors of its model, or another model is to take over."""
    models = spaces.models_of(collection)
    return models.next is not None or bool(store.rows(_LACKING, collection, spaces.of(collection).fingerprint))


def choose(store: Store, spaces: Spaces, collection: int, model: str) -> None:
    """Have a model of the tables take over a collection; at once if no passage has to be embedded for that."""
    models = spaces.models_of(collection)
    if models.next is not None and models.next != model:
        forget_next(store, spaces, collection)
    is_new = model != models.now
    at_once = is_new and not _has_text(store, collection)
    change = "model = ?, next_model = NULL" if at_once else "next_model = ?"
    with store.transaction() as connection:
        connection.execute(f"UPDATE collection SET {change} WHERE id = ?", (model if is_new else None, collection))


def forget_next(store: Store, spaces: Spaces, collection: int) -> None:
    """Keep the model that answers: what the next one has embedded goes, unless another collection uses it."""
    following = spaces.models_of(collection).next
    with store.transaction() as connection:
        connection.execute("UPDATE collection SET next_model = NULL WHERE id = ?", (collection,))
    if following is None:
        return
    spaces.space(following).nearest.drop(collection)
    for _ in _drop_unused(store, spaces, spaces.space(following).fingerprint):
        pass


def reembed(store: Store, spaces: Spaces, controls: Controls, collection: int) -> Steps:
    """Embed what is due, and let the next model take over. Raises UserError if the model can't be used, Cancelled."""
    models = spaces.models_of(collection)
    if models.next is not None:
        before, space = spaces.of(collection), spaces.space(models.next)
        yield from fill(store, space.embedder, controls, collection, model=models.next)
        for _ in space.nearest.rebuild(collection):
            yield None
        _take_over(store, collection)
        before.nearest.drop(collection)
        yield from _drop_unused(store, spaces, before.fingerprint)
    space = spaces.of(collection)  # what was read meanwhile
    yield from fill(store, space.embedder, controls, collection, model=spaces.models_of(collection).now)
    yield from space.nearest.mend(collection)


def fill(store: Store, embedder: Embeds, controls: Controls, collection: int, *, model: str) -> Steps:
    """Embed the passages of a collection that lack vectors of this model; `done` and `total` count passages."""
    progress = _Progress(store, controls, collection)
    sources = [source for (source,) in store.rows(_LACKING, collection, embedder.fingerprint)]
    progress.total = sum(_count(store, source) for source in sources)
    for source in sources:
        texts = _wanted(store, source)
        known = "SELECT chunk FROM vector JOIN chunk ON chunk.id = vector.chunk WHERE source = ? AND fingerprint = ?"
        for (chunk,) in store.rows(known, source, embedder.fingerprint):
            texts.pop(chunk, None)
        chunks, unstored = list(texts), dict[int, bytes]()
        for positions in batches(list(texts.values())):
            yield from _hold(controls, collection, progress)
            started = time.monotonic()
            embedder.use_threads(1 if controls.answering else controls.threads)
            batch = [chunks[position] for position in positions]
            vectors = embedder.embed_batch([texts[chunk] for chunk in batch]).astype(np.float16)
            unstored |= {chunk: vector.tobytes() for chunk, vector in zip(batch, vectors, strict=True)}
            if len(unstored) >= _MOST_UNSTORED:
                _store(store, source, embedder.fingerprint, model, unstored)
                unstored = {}
            progress.embedded(len(batch), time.monotonic() - started)
            yield progress.now()
        _store(store, source, embedder.fingerprint, model, unstored, whole=True)
        progress.done += _count(store, source) - len(chunks)
        yield progress.now()


def _take_over(store: Store, collection: int) -> None:
    with store.transaction() as connection:
        connection.execute("UPDATE collection SET model = next_model, next_model = NULL WHERE id = ?", (collection,))


class _Progress:
    """The progress of a run, reported at most ten times a second."""

    def __init__(self, store: Store, controls: Controls, collection: int) -> None:
        ((self._name,),) = store.rows("SELECT name FROM collection WHERE id = ?", collection)
        self._controls, self._collection = controls, collection
        self.total = self.done = 0
        self._count, self._busy_s, self._shown = 0, 0.0, 0.0
        self.breather_s = 0.0

    def embedded(self, count: int, seconds: float) -> None:
        """Count passages that were embedded."""
        self.done += count
        self._count += count
        self._busy_s += seconds
        self.breather_s = seconds

    def now(self) -> IndexProgress | None:
        """How far it is."""
        moment = time.monotonic()
        if moment - self._shown < _PROGRESS_EVERY_S:
            return None
        self._shown = moment
        pace = self._count / self._busy_s if self._busy_s else 0.0
        left = (self.total - self.done) / pace if self._busy_s > _ESTIMATE_AFTER_S else None
        paused = self._collection in self._controls.paused
        return IndexProgress(
            self._name, "", self.done, self.total, self._count, 0, round(pace, 2), left and round(left, 1), paused
        )


def _hold(controls: Controls, collection: int, progress: _Progress) -> Steps:
    """Wait while paused; while an answer is written, rest as long as the last batch took; end when stopped."""
    until, progress.breather_s = time.monotonic() + progress.breather_s, 0.0
    while controls.is_held(collection, until):
        time.sleep(_POLL_S)
        yield progress.now()
    if collection in controls.stopped:
        raise Cancelled


def _wanted(store: Store, source: int) -> dict[int, str]:
    """The texts to embed of a content, by chunk: of equal passages the first, and nothing that is no language."""
    query = "SELECT id, headings, header, text FROM chunk WHERE source = ? ORDER BY id"
    wanted: dict[str, int] = {}
    for chunk, *parts in store.rows(query, source):
        text = embedded_text(*parts)
        if is_language(text):
            wanted.setdefault(text, chunk)
    return {chunk: text for text, chunk in wanted.items()}


def _store(
    store: Store, source: int, fingerprint: str, model: str, vectors: dict[int, bytes], *, whole: bool = False
) -> None:
    """Store vectors of a content, and have the indexes of the collections that this model answers for take them in."""
    with store.transaction() as connection:
        add_vectors(connection, source, fingerprint, model, vectors)
        if whole:
            note_embedded(connection, source, fingerprint)


def _drop_unused(store: Store, spaces: Spaces, fingerprint: str) -> Iterator[None]:
    """Drop a model's vectors of contents that no collection with this model has, a content per step."""
    model = STARTER if fingerprint == spaces.starter.fingerprint else fingerprint
    query = (
        "SELECT DISTINCT chunk.source FROM vector JOIN chunk ON chunk.id = vector.chunk WHERE fingerprint = ? "
        "AND chunk.source NOT IN (SELECT source FROM document JOIN collection ON collection.id = document.collection "
        "WHERE source IS NOT NULL AND (model = ? OR next_model = ?))"
    )
    for (source,) in store.rows(query, fingerprint, model, model):
        with store.transaction() as connection:
            drop_vectors(connection, source, fingerprint)
        yield None


def _has_text(store: Store, collection: int) -> bool:
    return bool(store.rows("SELECT 1 FROM document WHERE collection = ? AND source IS NOT NULL LIMIT 1", collection))


def _count(store: Store, source: int) -> int:
    return int(store.rows("SELECT count(*) FROM chunk WHERE source = ?", source)[0][0])
