"""From a question to passages: dense and keyword candidates, fused, thinned out, numbered.

How much the dense side counts depends on how well the embedding model knows the documents' language: its tokenizer cuts
words of an unknown language into many pieces, which is a better sign than any list of words. Measured (nDCG@10,
keywords / dense / fused): English questions .862 / .777 / .900 and .935 / .994 / .988, abstracts .537 / .501 / .579,
filings .227 / .313 / .332, German .915 / .650 / .928, Russian .866 / .231 / .872.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from desktop_llm.errors import BadRequest
from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.candidates import Candidate
from desktop_llm.knowledge.embed import Embedder, Vectors
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.keywords import query_words
from desktop_llm.knowledge.store import Store
from desktop_llm.message import Citation
from desktop_llm.words import tr

POOL = 50  # candidates of each kind
MAX_QUERY_LENGTH = 2000

# Pieces per word: English prose 1.03 to 1.25, German 1.8 to 2.5, Russian above 5 (measured).
_KNOWN_PIECES = 1.4
_DENSE_WEIGHT, _LEAST_DENSE_WEIGHT = 0.6, 0.2
_WEIGHT_PER_PIECE = 0.3
_FULL_SIMILARITY = 0.3  # a best similarity below this is not scaled up to a full score
# A question whose best chunk stays below this counts as unrelated to the documents; the limit grows with the number of
# chunks, because among more of them something always comes a little nearer. Measured on people's questions: 0 to 2 in
# 100 of those that the documents answer fall below it (up to 1 in 10 long technical ones with three documents), and 6
# to 10 in 10 of unrelated ones.
_THRESHOLD, _THRESHOLD_PER_WEIGHT, _THRESHOLD_PER_TENFOLD = 0.09, 0.35, 0.018
_SHARE_OF_ONE_DOCUMENT = 0.6
_SAME_WORDS = 0.9
_LEAST_SHARE_OF_BEST = 0.35

_WHOLE_DOCUMENT = re.compile(
    r"\b(summar(y|ies|i[sz]e|i[sz]ing)|overview|gist|tl;?dr|zusammenfass\w*|fasse?\b.*\bzusammen|überblick|"
    r"résum\w+|resum\w+|riassum\w+|what (is|are) (this|the|these) (document|file|text|paper|report)s? about|"
    r"worum geht)\b|обобщи|резюме|кратк\w+ содержание|总结|概括|要約",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates, best first, with scores from 0 to 1; `relevant` says whether they are related to the question."""

    candidates: Sequence[Candidate]
    scores: Sequence[float]
    relevant: bool


class Retriever:
    """Finds passages in the store and the index; holds no state of its own."""

    def __init__(self, store: Store, embedder: Embedder, nearest: Nearest, fingerprint: str) -> None:
        self._store = store
        self._embedder = embedder
        self._nearest = nearest
        self._fingerprint = fingerprint

    def search(self, collections: Sequence[int], query: str, k: int) -> list[Citation]:
        """The best `k` passages. Raises BadRequest for an empty query."""
        ranked = self._rank(collections, query)
        chosen = _thinned(ranked, k, _SHARE_OF_ONE_DOCUMENT)
        return self._passages(collections, chosen)

    def retrieve(self, collections: Sequence[int], question: str, token_budget: int) -> list[Citation]:
        """Passages for a model's prompt within a budget of tokens; empty when nothing relevant is found.

        If the question is about a whole document, these are the beginnings of the documents.
        """
        ranked = self._rank(collections, question)
        if _WHOLE_DOCUMENT.search(question):
            ranked = self._beginnings(collections, ranked)
        if not ranked.relevant:
            return []
        wanted = max(1, token_budget // 60)
        chosen = [
            (candidate, score)
            for candidate, score in _thinned(ranked, wanted, _SHARE_OF_ONE_DOCUMENT)
            if score >= _LEAST_SHARE_OF_BEST * ranked.scores[0]
        ]
        return self._passages(collections, list(self._within(chosen, token_budget)))

    def passage(self, collection: int, chunk: int) -> Citation | None:
        """A chunk of a collection as a passage, without a score; None if it is not there any more."""
        found = candidates.read(self._store, [collection], [chunk])
        return self._passages([collection], [(found[0], 0.0)])[0] if found else None

    def _rank(self, collections: Sequence[int], query: str) -> _Ranked:
        query = query[:MAX_QUERY_LENGTH]
        if not query.strip():
            raise BadRequest(tr("The question is empty."), tr("Write what you want to find."))
        words = candidates.weighed(self._store, query_words(query))
        vector = self._embedder.embed([query])[0]
        dense = {
            chunk: similarity for each in collections for chunk, similarity in self._nearest.search(each, vector, POOL)
        }
        keyword = candidates.by_keywords(self._store, collections, words, POOL)
        found = candidates.read(self._store, collections, {*_best(dense), *keyword})
        if not found:
            return _Ranked([], [], False)
        known = {**candidates.similarities(self._store, self._fingerprint, [c.chunk for c in found], vector), **dense}
        weight = self._dense_weight(found, keyword)
        fused = _fused(found, known, keyword, weight)
        order = np.argsort(-fused, kind="stable")
        best = [found[position] for position in order]
        relevance = self._relevance(best, known, words, weight)
        scores = [round(float(fused[position]) * min(1.0, relevance), 4) for position in order]
        tenfolds = math.log10(candidates.size(self._store, collections) + 1)
        threshold = _THRESHOLD + _THRESHOLD_PER_WEIGHT * weight + _THRESHOLD_PER_TENFOLD * tenfolds
        return _Ranked(best, scores, relevance >= threshold)

    def _dense_weight(self, found: Sequence[Candidate], keyword: Mapping[int, float]) -> float:
        likely = sorted(found, key=lambda candidate: -keyword.get(candidate.chunk, 0.0))[:3]
        words = [word for candidate in likely for word in re.findall(r"[^\W\d_]+", candidate.text[:400])]
        pieces = self._embedder.count_tokens(" ".join(words)) / max(1, len(words))
        weight = _DENSE_WEIGHT - _WEIGHT_PER_PIECE * max(0.0, pieces - _KNOWN_PIECES)
        return max(_LEAST_DENSE_WEIGHT, weight)

    def _relevance(
        self, best: Sequence[Candidate], similarity: Mapping[int, float], words: Mapping[str, float], weight: float
    ) -> float:
        """How well the best passage fits, from 0 to about 1: its meaning, and how many of the question's rare words it
        holds.
        """
        nearest = max(similarity.values(), default=0.0)
        coverage = candidates.coverage(self._store, [candidate.chunk for candidate in best[:8]], words)
        return weight * nearest + (1 - weight) * coverage

    def _beginnings(self, collections: Sequence[int], ranked: _Ranked) -> _Ranked:
        first = candidates.beginnings(self._store, collections, POOL)
        known = {candidate.chunk for candidate in first}
        rest = [candidate for candidate in ranked.candidates if candidate.chunk not in known]
        scores = [1.0] * len(first) + [0.5] * len(rest)
        return _Ranked([*first, *rest], scores, bool(first))

    def _within(self, chosen: Sequence[tuple[Candidate, float]], budget: int) -> Iterator[tuple[Candidate, float]]:
        for candidate, score in chosen:
            # A passage's number, name and place cost tokens too.
            budget -= self._embedder.count_tokens(candidate.text) + 24
            if budget < 0:
                return
            yield candidate, score

    def _passages(self, collections: Sequence[int], chosen: Sequence[tuple[Candidate, float]]) -> list[Citation]:
        paths = candidates.paths(self._store, collections, {candidate.source for candidate, _ in chosen})
        as_stored = candidates.as_stored(self._store, [candidate.chunk for candidate, _ in chosen])
        contexts = candidates.contexts(self._store, [candidate.chunk for candidate, _ in chosen])
        return [
            Citation(
                number,
                paths[found.source],
                found.page,
                found.start,
                found.end,
                found.text,
                score,
                place=found.place,
                context=contexts[found.chunk],
                verified=found.chunk in as_stored,
            )
            for number, (found, score) in enumerate(chosen, 1)
        ]


def _best(dense: Mapping[int, float]) -> list[int]:
    return sorted(dense, key=lambda chunk: -dense[chunk])[:POOL]


def _fused(
    found: Sequence[Candidate], similarity: Mapping[int, float], keyword: Mapping[int, float], weight: float
) -> Vectors:
    dense = np.array([max(0.0, similarity.get(candidate.chunk, 0.0)) for candidate in found], np.float32)
    words = np.array([keyword.get(candidate.chunk, 0.0) for candidate in found], np.float32)
    dense /= max(float(dense.max()), _FULL_SIMILARITY)
    words /= max(float(words.max()), 1e-9)
    return np.asarray(weight * dense + (1 - weight) * words, np.float32)


def _thinned(ranked: _Ranked, count: int, share: float) -> list[tuple[Candidate, float]]:
    """The best `count`, without near-duplicates and with room for more than one document."""
    limit = max(1, math.ceil(count * share))
    chosen: list[tuple[Candidate, float]] = []
    surplus: list[tuple[Candidate, float]] = []
    seen: list[frozenset[str]] = []
    taken: Counter[int] = Counter()
    for candidate, score in zip(ranked.candidates, ranked.scores, strict=True):
        if len(chosen) == count:
            break
        words = frozenset(candidate.text.casefold().split())
        if any(_alike(words, other) for other in seen):
            continue
        seen.append(words)
        taken[candidate.source] += 1
        (chosen if taken[candidate.source] <= limit else surplus).append((candidate, score))
    filled = chosen + surplus[: count - len(chosen)]
    return sorted(filled, key=lambda pair: -pair[1])


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _SAME_WORDS * max(1, len(one | other))
