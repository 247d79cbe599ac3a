"""How far a download is, how fast it goes and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["waiting", "downloading", "checking", "repairing"]

WINDOW_S = 5.0
TELL_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One look at a download; `bytes_per_s` is 0 and `seconds_left` None as long as nothing is known.

    `done_bytes` counts within the stage: what was received, checked, or compared again. `reason` says in a sentence
    why it is waiting.
    """

    stage: Stage
    done_bytes: int
    total_bytes: int
    bytes_per_s: float
    seconds_left: float | None
    reason: str = ""


class Meter:
    """Turns many small steps into a few progress reports, with the speed over the last seconds."""

    def __init__(self, total_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total_bytes
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._stage: Stage | None = None
        self._told_at = 0.0

    def report(self, stage: Stage, done_bytes: int, reason: str = "") -> PullProgress | None:
        """The progress worth telling now; None if one was told a moment ago."""
        now = self._clock()
        if stage != self._stage and stage != "waiting":
            self._seen.clear()  # another stage has another speed
        elif stage == self._stage and now - self._told_at < TELL_EVERY_S:
            return None
        self._stage, self._told_at = stage, now
        speed = self._speed(now, done_bytes)
        left = (self._total - done_bytes) / speed if speed > 0 else None
        return PullProgress(stage, done_bytes, self._total, speed, left, reason)

    def _speed(self, now: float, done_bytes: int) -> float:
        self._seen.append((now, done_bytes))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return max(0.0, (done_bytes - before) / (now - then)) if now > then else 0.0
