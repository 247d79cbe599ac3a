"""A question by its meaning: its vector in the space of each embedding model that the searched collections have.

A model that can't be used has no vector, and its collections are found by words alone.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from desktop_llm.errors import UserError
from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.candidates import Scope
from desktop_llm.knowledge.embed import Vectors
from desktop_llm.knowledge.spaces import Space, Spaces
from desktop_llm.knowledge.store import Store

_MORE_NEAR, _MOST_NEAR = 2, 5000  # of all chunks, when only many of them are searched
Similarities = dict[int, float]
"""By chunk, on the starter model's scale, so that collections with different models can be compared."""


@dataclass(frozen=True, slots=True)
class _Part:
    space: Space
    collections: Sequence[int]
    vector: Vectors


class Asked:
    """A question to some collections; every method gives the chunks' similarity to it."""

    def __init__(self, store: Store, spaces: Spaces, collections: Sequence[int], question: str) -> None:
        self._store = store
        self._parts: list[_Part] = []
        for space, members in spaces.grouped(collections):
            with contextlib.suppress(UserError):  # the model's `problem` has the sentence
                self._parts.append(_Part(space, members, space.embedder.embed_query(question)))

    @property
    def has_vectors(self) -> bool:
        """Whether any model could embed the question."""
        return bool(self._parts)

    @property
    def in_any_language(self) -> bool:
        """Whether its vectors are of models that know many languages."""
        return self.has_vectors and all(part.space.embedder.many_languages for part in self._parts)

    def nearest(self, scope: Scope, count: int) -> Similarities:
        """The `count` nearest chunks of each collection, or of the scope if it has some of the documents only."""
        if scope.sources is None:
            return self._near(count)
        left = candidates.span(self._store, scope).count
        if left <= candidates.MOST_COMPARED:
            return self.nearest_of(scope, count)
        # So many of all that about enough of them are left.
        every = candidates.span(self._store, Scope(scope.collections)).count
        near = self._near(min(_MOST_NEAR, math.ceil(_MORE_NEAR * count * every / left)))
        return {chunk: near[chunk] for chunk in candidates.held(self._store, scope, near.keys())}

    def _near(self, count: int) -> Similarities:
        found: Similarities = {}
        for part in self._parts:
            for collection in part.collections:
                _join(found, part, dict(part.space.nearest.search(collection, part.vector, count)))
        return found

    def nearest_of(self, scope: Scope, count: int) -> Similarities:
        """The nearest chunks of a few documents."""
        found: Similarities = {}
        for part in self._parts:
            within = Scope([each for each in scope.collections if each in part.collections], scope.sources)
            fingerprint = part.space.fingerprint
            _join(found, part, candidates.nearest_of(self._store, within, fingerprint, part.vector, count))
        return found

    def similarities(self, chunks: Collection[int]) -> Similarities:
        """Of these chunks, those that have a vector."""
        found: Similarities = {}
        for part in self._parts:
            _join(found, part, candidates.similarities(self._store, part.space.fingerprint, chunks, part.vector))
        return found


def _join(found: Similarities, part: _Part, more: Mapping[int, float]) -> None:
    for chunk, similarity in more.items():
        common = part.space.embedder.common(similarity)
        found[chunk] = max(common, found.get(chunk, common))
