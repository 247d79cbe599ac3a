"""What a search for passages did: every candidate, how it stood by each way of searching, and what came of it.

`retrieve.py` makes a `SearchTrace` for each answer; it is kept with the answer and shown under "Search details". It
holds places and figures and no text, which stands in the store and is read again from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

WAYS = ("meaning", "words", "wording")
"""The ways of searching: cosine similarity, BM25, and the question's very words in the passage or its file's name."""

USED, CUT, SAME, WEAK = "used", "cut", "same", "weak"


@dataclass(frozen=True, slots=True)
class Standing:
    """The place of a candidate among all of them by one way of searching, from 1, and its score there."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class TracedCandidate:
    """A passage that was looked at: `[start:end]` of a page's stored text, about so many `tokens` in a prompt.

    `result`: "used"; "cut", as the token budget had ended; "same" as the candidate in row `same_as` (from 1); or
    "weak". `standings` has the ways that were tried: None where the candidate was no hit.
    """

    document: str
    page: int | None
    place: str
    start: int
    end: int
    tokens: int
    score: float
    result: str = WEAK
    same_as: int = 0
    standings: Mapping[str, Standing | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchTrace:
    """A whole search: first the passages that were used, by number, then the other candidates, best first.

    `query` was searched for among `searched` passages; `rewritten` says that it was made from the message and those
    before it. A candidate is weak if its score is below `least_score`, and all of them are if the best one's
    `relevance` is below `threshold`. Of the `budget` in tokens, `used_tokens` went to passages; the first one that was
    cut needs `next_tokens`, 0 if none was. With `whole`, all pages of the documents fitted in and no passage was
    chosen.
    """

    query: str
    candidates: tuple[TracedCandidate, ...]
    searched: int
    seconds: float
    budget: int
    relevance: float
    threshold: float
    least_score: float
    rewritten: bool = False
    whole: bool = False

    @property
    def used_tokens(self) -> int:
        """The tokens of all passages that were used."""
        return sum(each.tokens for each in self.candidates if each.result == USED)

    @property
    def next_tokens(self) -> int:
        """The tokens of the best passage that the budget cut, 0 if it cut none."""
        return next((each.tokens for each in self.candidates if each.result == CUT), 0)

    @property
    def is_related(self) -> bool:
        """Whether anything was found that has to do with the question."""
        return self.relevance >= self.threshold

    def counts(self) -> dict[str, int]:
        """How many candidates have each result."""
        results = [each.result for each in self.candidates]
        return {result: results.count(result) for result in (USED, CUT, SAME, WEAK)}

    def to_json(self) -> dict[str, Any]:
        """The trace as JSON, with what follows from it."""
        rows = [{"rank": rank, **asdict(each)} for rank, each in enumerate(self.candidates, 1)]
        told = {name: value for name, value in asdict(self).items() if name != "candidates"}
        return {**told, "used_tokens": self.used_tokens, "next_tokens": self.next_tokens, "candidates": rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SearchTrace:
        """The trace that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        names = {name: data[name] for name in cls.__dataclass_fields__ if name != "candidates" and name in data}
        return cls(candidates=tuple(map(_candidate, data["candidates"])), **names)


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate as the search saw it, for `traced`."""

    candidate: TracedCandidate
    key: int
    text: str


def traced(seen: Iterable[Seen], used: Sequence[int], least_score: float, *, related: bool) -> list[TracedCandidate]:
    """The candidates in the order of a trace with their results; `seen` is in the order of the scores, and `used` has
    the keys of the passages that were given, by number.
    """
    by_key = {each.key: each for each in seen}
    order = dict.fromkeys([*used, *by_key])
    first: dict[str, int] = {}
    found = []
    for row, key in enumerate(order, 1):
        each = by_key[key]
        same_as = first.setdefault(" ".join(each.text.split()), row)
        if key in used:
            result = USED
        elif same_as != row:
            result = SAME
        else:
            result = CUT if related and each.candidate.score >= least_score else WEAK
        found.append(replace(each.candidate, result=result, same_as=same_as if result == SAME else 0))
    return found


def standings(scores: Mapping[str, Mapping[int, float]]) -> Callable[[int], dict[str, Standing | None]]:
    """A function that tells how a candidate stands by each way, from the scores of all by way and key."""
    ranks = {way: _ranks(of_way) for way, of_way in scores.items()}

    def of(key: int) -> dict[str, Standing | None]:
        return {
            way: Standing(rank, round(float(scores[way][key]), 4)) if (rank := ranks[way].get(key)) else None
            for way in scores
            if key in scores[way]
        }

    return of


def _ranks(scores: Mapping[int, float]) -> dict[int, int]:
    hits = sorted((key for key, score in scores.items() if score > 0), key=lambda key: -scores[key])
    return {key: rank for rank, key in enumerate(hits, 1)}


def _candidate(row: Mapping[str, Any]) -> TracedCandidate:
    told = {name: row[name] for name in TracedCandidate.__dataclass_fields__ if name in row and name != "standings"}
    ways = {way: None if each is None else Standing(**each) for way, each in row["standings"].items()}
    return TracedCandidate(**told, standings=ways)
