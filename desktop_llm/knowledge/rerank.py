"""Reads the best candidates together with the question, by a reranker, and puts them in a better order.

A reranker is a model that scores a question and a passage as a pair, which tells more than comparing their vectors and
takes much longer. So only as many are read as fit into a time budget, by the speed that was measured in the searches
before. A model that can't be used changes nothing, and is not asked again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from desktop_llm.errors import UserError
from desktop_llm.knowledge.gguf_embedder import GgufModel

BUDGET_S = 0.3
"""The time that a search may take longer."""
MOST = 30
_FIRST = 4  # candidates of the first search, which measures the speed
_FEWEST = 2  # one alone needs no order
_TRIED_AGAIN = 20  # searches after which a model that was too slow is measured again
_LATEST = 0.5  # the weight of the latest measurement
_CHARACTERS = 1_200  # of a passage: the question is answered early, or by the passage's vector


class Reranker:
    """A reranker and its speed, in passages per second."""

    def __init__(self, model: GgufModel, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.model = model
        self._clock = clock
        self._pace = 0.0
        self._skipped = 0

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """The scores of the first passages, best candidates first, as many as the budget allows; higher is better."""
        count = min(self._room(), len(passages))
        if count < _FEWEST:
            return []
        with contextlib.suppress(UserError):  # the model's `problem` has the sentence
            if not self._pace:
                self._ask(question, passages[:1])  # loading the model is not its speed
            started = self._clock()
            found = self._ask(question, passages[:count])
            pace = count / max(1e-6, self._clock() - started)
            self._pace = _LATEST * pace + (1 - _LATEST) * (self._pace or pace)
            return found
        return []

    def _room(self) -> int:
        """How many passages the budget has room for."""
        if self.model.problem:
            return 0
        if not self._pace:
            return _FIRST
        room = min(MOST, int(self._pace * BUDGET_S))
        self._skipped = 0 if room >= _FEWEST else self._skipped + 1
        return _FEWEST if self._skipped >= _TRIED_AGAIN else room

    def _ask(self, question: str, passages: Sequence[str]) -> list[float]:
        told = [passage[:_CHARACTERS] for passage in passages]
        return [float(score) for score in self.model.call("rank", {"query": question, "passages": told}).data["scores"]]


def reordered(count: int, scores: Sequence[float]) -> list[int]:
    """The places of `count` candidates in their new order: those that were read first, by their scores."""
    read = sorted(range(len(scores)), key=lambda place: -scores[place])
    return [*read, *range(len(scores), count)]
