"""How far a passage's wording is the question's: which of its words it holds, and how many of them in one run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from desktop_llm.knowledge.keywords import plain_words, stem

_FIRST_LETTERS = 2  # that a word shares with all of its forms; enough to leave most words of a passage alone
_OTHER_SCRIPTS = "\u0370"
_MAX_RUN_WORDS = 64


@dataclass(frozen=True, slots=True)
class Wording:
    """Shares from 0 to 1. `held`: of the words' weight that the passage or its document's name holds. `rare`: the same
    with squared weights, which rare words decide. `run`: the longest run of the question's words, in their order and
    without a gap, as a share of the question. `runs`: what all runs of two words and more hold of its weight.
    `in_text`: the words (stemmed) that the passage itself holds.
    """

    held: float
    rare: float
    run: float
    runs: float
    in_text: frozenset[str]


class Question:
    """A question's words, to be compared with many passages.

    `weights`: its meaningful words (as the index has them) with the logarithm of how rare they are; `written`: how some
    of them must be written.
    """

    def __init__(self, text: str, weights: Mapping[str, float], written: Mapping[str, str]) -> None:
        self._weights = {stem(word): weight for word, weight in weights.items()}
        # A number with points in it stands by itself: 2.2 is not in 12.2 and not in 2.25.
        self._written = {
            stem(word): re.compile(rf"(?<!\w)(?<!\d[.,:/]){re.escape(form)}(?![.,:/]?\d)(?!\w)")
            for word, form in written.items()
        }
        self._joined = {word for word in self._written if not word.isalnum()}
        self._total = sum(self._weights.values()) or 1.0
        self._squares = sum(weight * weight for weight in self._weights.values()) or 1.0
        self._first = {word[:_FIRST_LETTERS] for word in self._weights}
        self.words = plain_words(text)[:_MAX_RUN_WORDS]
        self._in_runs = [self._weights.get(stem(word), 0.0) for word in self.words]

    def wording(self, text: str, named: Collection[str] = ()) -> Wording:
        """Compare a passage; `named` are the words that stand in its document's name."""
        words = plain_words(text)
        in_text = self._held(text, words)
        held = in_text | (self._weights.keys() & named)
        weight = sum(self._weights[word] for word in held)
        squares = sum(self._weights[word] ** 2 for word in held)
        longest, runs = self._runs(f" {' '.join(words)} ")
        return Wording(
            weight / self._total,
            squares / self._squares,
            longest / max(1, len(self.words)),
            runs / self._total,
            frozenset(in_text),
        )

    def _held(self, text: str, words: list[str]) -> set[str]:
        alike = {word for word in set(words) if word[:_FIRST_LETTERS] in self._first or word > _OTHER_SCRIPTS}
        found = ({stem(word) for word in alike} & self._weights.keys()) | self._joined
        return {word for word in found if word not in self._written or self._written[word].search(text)}

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
