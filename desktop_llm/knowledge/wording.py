"""How far a passage's wording is the question's: which of its words it holds, how often, and how many in one run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from desktop_llm.knowledge.keywords import plain_words, stem, stem_asked

_MAX_RUN_WORDS = 64


@dataclass(frozen=True, slots=True)
class Wording:
    """Shares from 0 to 1. `held`: of the words' weight that the passage or its document's name holds. `rare`: the same
    with squared weights, which rare words decide. `run`: the longest run of the question's words, in their order and
    without a gap, as a share of the question. `runs`: what all runs of two words and more hold of its weight.
    `counts`: how often the passage itself holds each word (stemmed), of its `length` in words.
    """

    held: float
    rare: float
    run: float
    runs: float
    counts: Mapping[str, int]
    length: int


class Question:
    """A question's words, to be compared with many passages.

    `weights`: its meaningful words (as the index has them) with the logarithm of how rare they are; `written`: how some
    of them must be written.
    """

    def __init__(self, text: str, weights: Mapping[str, float], written: Mapping[str, str]) -> None:
        self.weights = {stem_asked(word): weight for word, weight in weights.items()}
        # A number with points in it stands by itself: 2.2 is not in 12.2 and not in 2.25.
        self._written = {
            stem_asked(word): re.compile(rf"(?<!\w)(?<!\d[.,:/]){re.escape(form)}(?![.,:/]?\d)(?!\w)")
            for word, form in written.items()
        }
        self._total = sum(self.weights.values()) or 1.0
        self._squares = sum(weight * weight for weight in self.weights.values()) or 1.0
        self.words = plain_words(text)[:_MAX_RUN_WORDS]
        self._in_runs = [self.weights.get(stem(word), 0.0) for word in self.words]

    def wording(self, text: str, named: Collection[str] = ()) -> Wording:
        """Compare a passage; `named` are the words that stand in its document's name."""
        words = plain_words(text)
        counts = self._counts(text, words)
        held = counts.keys() | (self.weights.keys() & named)
        weight = sum(self.weights[word] for word in held)
        squares = sum(self.weights[word] ** 2 for word in held)
        longest, runs = self._runs(f" {' '.join(words)} ")
        return Wording(
            weight / self._total,
            squares / self._squares,
            longest / max(1, len(self.words)),
            runs / self._total,
            counts,
            len(words),
        )

    def _counts(self, text: str, words: Sequence[str]) -> dict[str, int]:
        stems = Counter(map(stem, words))
        counts = {word: stems[word] for word in stems.keys() & self.weights.keys()}
        for word, form in self._written.items():
            counts.pop(word, None)
            if times := len(form.findall(text)):
                counts[word] = times
        return counts

    def _runs(self, text: str) -> tuple[int, float]:
        """The number of words of the longest run in a text, and the weight of the words in runs of two and more."""
        longest, weight, start = 0, 0.0, 0
        count = len(self.words)
        while start < count:
            end = start
            run = " "
            while end < count and (longer := f"{run}{self.words[end]} ") in text:
                run = longer
                end += 1
            length = end - start
            longest = max(longest, length)
            if length > 1:
                weight += sum(self._in_runs[start:end]) * (1 - 1 / length)
            # A run may begin within another one, but only the longest counts.
            start = max(end, start + 1)
        return longest, weight
