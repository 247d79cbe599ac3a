"""From a question to passages: candidates by meaning, keywords, wording and names, fused, thinned out, numbered.

How much the dense side counts depends on how well the embedding model knows the documents' language: its tokenizer cuts
words of an unknown language into many pieces, which is a better sign than any list of words. Wording counts beside it,
because a passage that holds the question's words in a run may be far from it for the model. Measured (nDCG@10, 60
questions each, keywords / dense / this): questions on articles .829 / .783 / .917 and .959 / 1.000 / 1.000, abstracts
.615 / .589 / .650, filings .459 / .612 / .615, German .976 / .775 / .984.
"""

from __future__ import annotations

import functools
import math
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from desktop_llm.errors import BadRequest
from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.candidates import Candidate, Scope
from desktop_llm.knowledge.chunks import content_of
from desktop_llm.knowledge.compounds import in_parts
from desktop_llm.knowledge.embed import Vectors
from desktop_llm.knowledge.filters import in_question, sources_of
from desktop_llm.knowledge.keywords import QueryWord, indexed, query_words, stem_asked
from desktop_llm.knowledge.meaning import Asked
from desktop_llm.knowledge.names import Names
from desktop_llm.knowledge.questions import subject
from desktop_llm.knowledge.rerank import MOST, reordered
from desktop_llm.knowledge.shapes import Only
from desktop_llm.knowledge.spaces import Spaces
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.trace import SearchTrace, Seen, TracedCandidate, standings, traced
from desktop_llm.knowledge.wording import Question, Wording
from desktop_llm.message import Citation
from desktop_llm.words import tr

POOL = 50  # candidates of each kind
MAX_QUERY_LENGTH = 2000
_FEW_MORE = 20
_MOST_NAMED = 8
_MAX_PHRASE_WORDS = 32
# Beside the wording, the dense side may weigh more, up to this share. Measured over eight collections.
_MORE_DENSE, _MOST_DENSE = 1.4, 0.85
_RARE, _RUNS, _RUN = 0.4, 0.2, 1.0
_WHOLE_RUN = 0.8
_K1, _B = 1.2, 0.75  # of BM25, as SQLite has them
_TOKENS_AROUND = 24  # a passage's number, name and place
_CONTENT_PER_TOKEN, _MORE_PER_CHARACTER = 4.0, 0.17
_OTHER_SCRIPT = re.compile("[\u0370-\u2fff]")
_WORD = re.compile(r"[^\W_]+")

# Pieces per word: English prose 1.03 to 1.25, German 1.8 to 2.5, Russian above 5 (measured).
_KNOWN_PIECES = 1.4
_DENSE_WEIGHT, _LEAST_DENSE_WEIGHT = 0.6, 0.2
_WEIGHT_PER_PIECE = 0.3
_FULL_SIMILARITY = 0.3  # a best similarity below this is not scaled up to a full score
# A question whose best chunk stays below this counts as unrelated to the documents; the limit grows with the number of
# chunks, because among more of them something always comes a little nearer. Measured on people's questions: 0 to 2 in
# 100 of those that the documents answer fall below it (up to 1 in 10 long technical ones with three documents), and 6
# to 10 in 10 of unrelated ones.
_THRESHOLD, _THRESHOLD_PER_WEIGHT, _THRESHOLD_PER_TENFOLD = 0.06, 0.35, 0.018
_SHARE_OF_ONE_DOCUMENT = 0.6
_LEAST_SHARE_OF_BEST = 0.35


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates, best first, with scores from 0 to 1; `relevant` says whether they are related to the question.

    For a trace: how related the best one is and how related it must be, and the scores by way and chunk.
    """

    candidates: Sequence[Candidate]
    scores: Sequence[float]
    relevant: bool
    relevance: float = 0.0
    threshold: float = 0.0
    ways: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pool:
    """Candidates with what was found about them, by chunk; `named`: by content, the question's words in its name."""

    found: Sequence[Candidate]
    similarity: Mapping[int, float]
    keyword: Mapping[int, float]
    named: Mapping[int, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class _Features:
    """What speaks for each candidate, one number each: cosine similarity, BM25, and its wording (see `Wording`)."""

    dense: Vectors
    keyword: Vectors
    held: Vectors
    rare: Vectors
    run: Vectors
    runs: Vectors


class Retriever:
    """Finds passages in the store and the index; holds no state of its own."""

    def __init__(self, store: Store, spaces: Spaces) -> None:
        self._store = store
        self._spaces = spaces
        self._names = Names(store)

    def search(self, collections: Sequence[int], query: str, k: int, only: Only | None = None) -> list[Citation]:
        """The best `k` passages. Raises BadRequest for an empty query, NotFound if `only` leaves no document."""
        ranked = self._rank(self._scope(collections, query, only), query)
        return self._passages(collections, ranked, _thinned(ranked, k, _SHARE_OF_ONE_DOCUMENT))

    def retrieve(
        self, collections: Sequence[int], question: str, token_budget: int, only: Only | None = None
    ) -> list[Citation]:
        """Passages for a model's prompt within a budget of tokens; empty when nothing relevant is found.

        Only the documents that the question names are looked at, if it names any. If it is about whole documents, the
        passages are their beginnings.
        """
        _, ranked, chosen = self._found(collections, question, token_budget, only)
        return self._passages(collections, ranked, chosen)

    def retrieve_traced(
        self, collections: Sequence[int], question: str, token_budget: int, only: Only | None = None
    ) -> tuple[list[Citation], SearchTrace]:
        """The same passages, and what the search did to find them."""
        started = time.perf_counter()
        scope, ranked, chosen = self._found(collections, question, token_budget, only)
        passages = self._passages(collections, ranked, chosen)
        seconds = time.perf_counter() - started
        least = _LEAST_SHARE_OF_BEST * ranked.scores[0] if ranked.scores else 0.0
        used = [candidate.chunk for candidate, _ in chosen]
        rows = traced(self._seen(collections, ranked), used, least, related=ranked.relevant)
        searched = candidates.span(self._store, scope).count
        trace = SearchTrace(
            question, tuple(rows), searched, seconds, token_budget, ranked.relevance, ranked.threshold, least
        )
        return passages, trace

    def _found(
        self, collections: Sequence[int], question: str, token_budget: int, only: Only | None
    ) -> tuple[Scope, _Ranked, list[tuple[Candidate, float]]]:
        """What was searched, all candidates, and those of them that are given to the model."""
        scope = self._scope(collections, question, only)
        ranked = self._rank(scope, question)
        if (whole := self._whole(scope, question)) is not None:
            ranked = self._beginnings(whole, ranked)
        if not ranked.relevant:
            return scope, ranked, []
        wanted = max(1, token_budget // 60)
        chosen = [
            (candidate, score)
            for candidate, score in _thinned(ranked, wanted, _SHARE_OF_ONE_DOCUMENT)
            if score >= _LEAST_SHARE_OF_BEST * ranked.scores[0]
        ]
        return scope, ranked, list(self._within(chosen, token_budget))

    def _seen(self, collections: Sequence[int], ranked: _Ranked) -> Iterator[Seen]:
        paths = candidates.paths(self._store, collections, {candidate.source for candidate in ranked.candidates})
        standing = standings(ranked.ways)
        for found, score in zip(ranked.candidates, ranked.scores, strict=True):
            row = TracedCandidate(
                paths[found.source][0],
                found.page,
                found.place,
                found.start,
                found.end,
                _tokens(found.text) + _TOKENS_AROUND,
                score,
                standings=standing(found.chunk),
            )
            yield Seen(row, found.chunk, found.text)

    def each_way(self, collection: int, query: str, k: int) -> tuple[list[int], list[int]]:
        """The best `k` chunks by meaning alone, and by words alone."""
        words = candidates.weighed(self._store, query_words(query))
        keyword = candidates.by_keywords(self._store, Scope([collection]), words, k)
        dense = Asked(self._store, self._spaces, [collection], query).nearest(Scope([collection]), k)
        return sorted(dense, key=lambda chunk: -dense[chunk]), sorted(keyword, key=lambda chunk: -keyword[chunk])

    def passage(self, collection: int, chunk: int) -> Citation | None:
        """A chunk of a collection as a passage, without a score; None if it is not there any more."""
        found = candidates.read(self._store, Scope([collection]), [chunk])
        return self._passages([collection], _Ranked(found, [0.0], True), [(found[0], 0.0)])[0] if found else None

    def _scope(self, collections: Sequence[int], question: str, only: Only | None) -> Scope:
        """Where to search: in the documents that are left and the question names; in all that are left if it names
        none of them.
        """
        if only is None:
            left = in_question(self._store, collections, question, datetime.now().astimezone())
        else:
            left = sources_of(self._store, collections, only)
        named = frozenset(self._names.in_question(collections, question))
        if only is not None and left is not None:
            named &= left
        return Scope(collections, named or left, bool(named))

    def _whole(self, scope: Scope, question: str) -> Scope | None:
        """The documents that a summary is asked of; None if the question is about something in them."""
        words = subject(question)
        if words is None:
            return None
        if not words:
            return scope
        wanted = {stem_asked(each.word) for each in words}
        matching = self._names.matching(scope.collections, wanted)
        named = frozenset(source for source, held in matching.items() if held.keys() == wanted)
        if scope.sources is not None:
            named &= scope.sources
        return Scope(scope.collections, named, named=True) if named else None

    def _rank(self, scope: Scope, query: str) -> _Ranked:
        query = query[:MAX_QUERY_LENGTH]
        if not query.strip():
            raise BadRequest(tr("The question is empty."), tr("Write what you want to find."))
        words = in_parts(query_words(query), functools.partial(candidates.is_known, self._store))
        weights = candidates.weighed(self._store, words)
        asked = Asked(self._store, self._spaces, scope.collections, query)
        pool = self._pool(scope, query, words, weights, asked)
        if not pool.found:
            return _Ranked([], [], False)
        weight = self._dense_weight(pool, asked)
        written = {each.word: each.written for each in words if each.written}
        features = _features(Question(query, weights, written), pool)
        fused = _fused(features, weight)
        order = np.argsort(-fused, kind="stable")
        related = _relatedness(features, weight)
        relevance = float(related.max())
        scale = min(1.0, relevance) / max(1.0, float(fused.max()))
        scores = [round(float(fused[position]) * scale, 4) for position in order]
        best = [pool.found[position] for position in order]
        ways = _ways(pool, features)
        if reread := self._reread(query, best):
            best = [best[place] for place in reordered(len(best), reread)]
            shares = [1 / (1 + math.exp(-score)) for score in sorted(reread, reverse=True)]
            ways = {**ways, "rerank": {each.chunk: share for each, share in zip(best, shares, strict=False)}}
        # A document that the question names is what it is about, however it says so.
        threshold = self._threshold(scope, weight) if not scope.named else 0.0
        return _Ranked(best, scores, relevance >= threshold, relevance, threshold, ways)

    def _reread(self, query: str, best: Sequence[Candidate]) -> list[float]:
        """The scores of the best candidates by the reranker, if there is one."""
        reranker = self._spaces.reranker
        if reranker is None:
            return []
        return reranker.scores(query, [f"{each.above}\n{each.text}".strip() for each in best[:MOST]])

    def _pool(
        self, scope: Scope, query: str, words: Sequence[QueryWord], weights: Mapping[str, float], asked: Asked
    ) -> _Pool:
        """Whatever may be a passage: near by meaning, by keywords, by wording, and by the names of the documents."""
        dense = asked.nearest(scope, POOL)
        keyword = candidates.by_keywords(self._store, scope, weights, POOL)
        chunks = {*_best(dense), *keyword}
        if 1 < len(run := _WORD.findall(indexed(query))) <= _MAX_PHRASE_WORDS:
            chunks |= candidates.by_phrase(self._store, scope, run, _FEW_MORE)
        for each in words:
            if each.written:
                chunks |= candidates.by_writing(self._store, scope, each, _FEW_MORE)
        named = self._names.matching(scope.collections, {stem_asked(each.word) for each in words})
        if of_names := _best_named(named):
            of_named = Scope(scope.collections, of_names & (scope.sources or of_names))
            from_named = candidates.by_keywords(self._store, of_named, weights, _FEW_MORE)
            keyword = {**from_named, **keyword}
            near = asked.nearest_of(of_named, _FEW_MORE)
            chunks |= from_named.keys() | near.keys()
        found = candidates.read(self._store, scope, chunks)
        ids = [candidate.chunk for candidate in found]
        known = {**asked.similarities(ids), **dense}
        return _Pool(found, known, keyword, named)

    def _dense_weight(self, pool: _Pool, asked: Asked) -> float:
        if not asked.has_vectors:
            return 0.0
        if asked.in_any_language:
            return _DENSE_WEIGHT
        likely = sorted(pool.found, key=lambda candidate: -pool.keyword.get(candidate.chunk, 0.0))[:3]
        words = [word for candidate in likely for word in re.findall(r"[^\W\d_]+", candidate.text[:400])]
        pieces = self._spaces.counter.count_tokens(" ".join(words)) / max(1, len(words))
        weight = _DENSE_WEIGHT - _WEIGHT_PER_PIECE * max(0.0, pieces - _KNOWN_PIECES)
        return max(_LEAST_DENSE_WEIGHT, weight)

    def _threshold(self, scope: Scope, weight: float) -> float:
        tenfolds = math.log10(candidates.span(self._store, scope).count + 1)
        return _THRESHOLD + _THRESHOLD_PER_WEIGHT * weight + _THRESHOLD_PER_TENFOLD * tenfolds

    def _beginnings(self, scope: Scope, ranked: _Ranked) -> _Ranked:
        first = candidates.beginnings(self._store, scope, POOL)
        known = {candidate.chunk for candidate in first}
        rest = [candidate for candidate in ranked.candidates if candidate.chunk not in known]
        if scope.sources is not None:
            rest = [candidate for candidate in rest if candidate.source in scope.sources]
        scores = [1.0] * len(first) + [0.5] * len(rest)
        return _Ranked([*first, *rest], scores, bool(first), ranked.relevance, ways=ranked.ways)

    @staticmethod
    def _within(chosen: Sequence[tuple[Candidate, float]], budget: int) -> Iterator[tuple[Candidate, float]]:
        for candidate, score in chosen:
            budget -= _tokens(candidate.text) + _TOKENS_AROUND
            if budget < 0:
                return
            yield candidate, score

    def _passages(
        self, collections: Sequence[int], ranked: _Ranked, chosen: Sequence[tuple[Candidate, float]]
    ) -> list[Citation]:
        """The chosen ones as passages, each with the other documents that hold its text."""
        holding: dict[str, set[int]] = {_bare(candidate.text): set() for candidate, _ in chosen}
        for candidate in ranked.candidates:
            if (text := _bare(candidate.text)) in holding:
                holding[text].add(candidate.source)
        paths = candidates.paths(self._store, collections, frozenset[int]().union(*holding.values()))
        as_stored = candidates.as_stored(self._store, [candidate.chunk for candidate, _ in chosen])
        contexts = candidates.contexts(self._store, [candidate.chunk for candidate, _ in chosen])
        return [
            Citation(
                number,
                paths[found.source][0],
                found.page,
                found.start,
                found.end,
                found.text,
                score,
                place=found.place,
                context=contexts[found.chunk],
                verified=found.chunk in as_stored,
                also_in=_others(paths, found, holding[_bare(found.text)]),
            )
            for number, (found, score) in enumerate(chosen, 1)
        ]


def _tokens(text: str) -> int:
    """About how many tokens a text takes in a model's prompt: the embedding model's vocabulary is English, and would
    leave hardly anything of a Russian or Arabic one.
    """
    return math.ceil(content_of(text) / _CONTENT_PER_TOKEN + _MORE_PER_CHARACTER * len(_OTHER_SCRIPT.findall(text)))


def _bare(text: str) -> str:
    """The text without its layout: two passages are the same if nothing else tells them apart."""
    return " ".join(text.split())


def _others(paths: Mapping[int, Sequence[str]], found: Candidate, sources: Collection[int]) -> tuple[str, ...]:
    """The documents of these contents but for the one that stands for the passage."""
    return tuple(sorted({path for source in sources for path in paths[source]} - {paths[found.source][0]}))


def _best(dense: Mapping[int, float]) -> list[int]:
    return sorted(dense, key=lambda chunk: -dense[chunk])[:POOL]


def _best_named(named: Mapping[int, Mapping[str, float]]) -> frozenset[int]:
    """The contents whose names hold most of the question, a few."""
    weights = {source: sum(held.values()) for source, held in named.items()}
    most = max(weights.values(), default=0.0)
    best = [source for source in sorted(weights, key=lambda source: -weights[source]) if weights[source] > 0.5 * most]
    return frozenset(best[:_MOST_NAMED])


def _features(question: Question, pool: _Pool) -> _Features:
    names = [pool.named.get(candidate.source, {}) for candidate in pool.found]
    wordings = [
        question.wording(f"{candidate.above}\n{candidate.text}", name.keys())
        for candidate, name in zip(pool.found, names, strict=True)
    ]
    keyword = _bm25(wordings, names, question.weights)
    dense = [max(0.0, pool.similarity.get(candidate.chunk, 0.0)) for candidate in pool.found]
    # A word that stands nowhere is the rarest of all, and tells no passage from another.
    found = frozenset[str]().union(*(wording.counts for wording in wordings), *pool.named.values())
    all_squares = sum(weight * weight for weight in question.weights.values())
    found_squares = sum(weight * weight for word, weight in question.weights.items() if word in found)
    told = all_squares / found_squares if found_squares else 1.0
    return _Features(
        *(
            np.array(values, np.float32)
            for values in (
                dense,
                keyword,
                [wording.held for wording in wordings],
                [wording.rare * told for wording in wordings],
                [wording.run for wording in wordings],
                [wording.runs for wording in wordings],
            )
        )
    )


def _bm25(
    wordings: Sequence[Wording], names: Sequence[Mapping[str, float]], weights: Mapping[str, float]
) -> list[float]:
    """BM25 of every candidate, however it was found, with the candidates' own mean length."""
    mean = sum(wording.length for wording in wordings) / max(1, len(wordings)) or 1.0
    found = []
    for wording, name in zip(wordings, names, strict=True):
        length = _K1 * (1 - _B + _B * wording.length / mean)
        score = sum(weights[word] * count * (_K1 + 1) / (count + length) for word, count in wording.counts.items())
        # A word of the name that the text lacks counts as if it stood there once.
        score += sum(min(weight, weights[word]) for word, weight in name.items() if word not in wording.counts)
        found.append(score)
    return found


def _fused(features: _Features, weight: float) -> Vectors:
    dense = features.dense / max(float(features.dense.max()), _FULL_SIMILARITY)
    words = features.keyword / max(float(features.keyword.max()), 1e-9)
    share = min(_MOST_DENSE, _MORE_DENSE * weight)
    both = share * dense + (1 - share) * words
    return np.asarray(both + _of_wording(features), np.float32)


def _of_wording(features: _Features) -> Vectors:
    """What the very words of the question add to a passage's score."""
    return np.asarray(_RARE * features.rare + _RUNS * features.runs + _RUN * features.run**3, np.float32)


def _ways(pool: _Pool, features: _Features) -> dict[str, dict[int, float]]:
    """The scores of each way of searching by chunk, for a trace."""
    chunks = [candidate.chunk for candidate in pool.found]
    by_way = {"meaning": features.dense, "words": features.keyword, "wording": _of_wording(features)}
    return {way: dict(zip(chunks, map(float, scores), strict=True)) for way, scores in by_way.items()}


def _relatedness(features: _Features, weight: float) -> Vectors:
    """How well each passage fits, from 0 to about 1: its meaning, and how much of the question's words it holds."""
    joint = weight * features.dense + (1 - weight) * features.held
    return np.asarray(np.where(features.run >= _WHOLE_RUN, 1.0, joint), np.float32)


def _thinned(ranked: _Ranked, count: int, share: float) -> list[tuple[Candidate, float]]:
    """The best `count`, each text once, and with room for more than one document."""
    limit = max(1, math.ceil(count * share))
    chosen: list[tuple[Candidate, float]] = []
    surplus: list[tuple[Candidate, float]] = []
    seen: set[str] = set()
    taken: Counter[int] = Counter()
    for candidate, score in zip(ranked.candidates, ranked.scores, strict=True):
        if len(chosen) == count:
            break
        if (text := _bare(candidate.text)) in seen:
            continue
        seen.add(text)
        taken[candidate.source] += 1
        (chosen if taken[candidate.source] <= limit else surplus).append((candidate, score))
    filled = chosen + surplus[: count - len(chosen)]
    return sorted(filled, key=lambda pair: -pair[1])
