"""Where every message of a transcript lies: heights, most of them estimated, and their running sums."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

_LINE, _CHARACTER = 24.0, 7.4
"""Pixels of a reading line and of a mean character at scale 1."""


def estimate(text: str, width: float, scale: float, extra: float) -> float:
    """A message's height before it is laid out, near enough for a scroll bar."""
    per_line = max(10.0, width / (_CHARACTER * scale))
    lines = text.count("\n") + 1 + len(text) / per_line
    return lines * _LINE * scale + extra


class Rows:
    """Heights by index; `top(i)` is where message i starts, `top(len)` where the last one ends."""

    def __init__(self) -> None:
        self._heights: list[float] = []
        self._measured: list[bool] = []
        self._tops: list[float] = [0.0]
        self._valid = 0

    def __len__(self) -> int:
        return len(self._heights)

    def reset(self, heights: list[float]) -> None:
        """Start anew with estimates."""
        self._heights = list(heights)
        self._measured = [False] * len(heights)
        self._tops, self._valid = [0.0], 0

    def append(self, height: float) -> None:
        """One more message at the end."""
        self._heights.append(height)
        self._measured.append(False)

    def measured(self, index: int) -> bool:
        """Whether the height is known, not guessed."""
        return self._measured[index]

    def set_height(self, index: int, height: float) -> None:
        """The measured height of a message."""
        self._measured[index] = True
        if self._heights[index] != height:
            self._heights[index] = height
            self._valid = min(self._valid, index)

    def forget(self, index: int) -> None:
        """The height is a guess again, because the message changed."""
        self._measured[index] = False

    def height(self, index: int) -> float:
        """Height of one message."""
        return self._heights[index]

    def top(self, index: int) -> float:
        """Sum of the heights before `index`."""
        self._settle()
        return self._tops[index]

    def total(self) -> float:
        """Sum of all heights."""
        self._settle()
        return self._tops[-1]

    def at(self, y: float) -> int:
        """The message at a height; the first or last one beyond the ends. There must be one."""
        self._settle()
        return min(max(0, bisect_right(self._tops, y) - 1), len(self._heights) - 1)

    def _settle(self) -> None:
        """Sum again from the first changed height on."""
        count = len(self._heights)
        if self._valid == count and len(self._tops) == count + 1:
            return
        start = min(self._valid, len(self._tops) - 1)
        tail = accumulate(self._heights[start:], initial=self._tops[start])
        self._tops[start:] = list(tail)
        self._valid = count
