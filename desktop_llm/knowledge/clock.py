"""How long one document has taken, over all that is done with it: reading, cutting, embedding and storing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from desktop_llm.knowledge.limits import Budget


class Clock:
    """A document's time on the wall clock, because that is how long the files behind it wait.

    It runs inside `with clock.runs()` alone, so waiting in a queue or for a person costs a document nothing. A machine
    that is busy with something else is not the document's fault: time is over only once it had `least_cpu_s` too.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._wall_s = self._cpu_s = self._more_s = 0.0
        self._since: tuple[float, float] | None = None
        self._cpu_clock: Callable[[], float] = time.process_time

    @contextmanager
    def runs(self, cpu_clock: Callable[[], float] = time.process_time) -> Iterator[None]:
        """Let it run until the block ends; `cpu_clock` tells the processor time of whoever works on the document."""
        self._cpu_clock = cpu_clock
        self._since = time.monotonic(), cpu_clock()
        try:
            yield
        finally:
            self._wall_s, self._cpu_s = self._spent()
            self._since = None

    def allow(self, seconds: float) -> None:
        """Give the document more time than its budget. From any thread."""
        self._more_s += seconds

    def is_over(self, share: float = 1.0) -> bool:
        """Whether this share of the document's time is over. From any thread."""
        wall_s, cpu_s = self._spent()
        budget, more_s = self._budget, self._more_s
        return wall_s > share * (budget.whole_s + more_s) and cpu_s > share * (budget.least_cpu_s + more_s)

    def _spent(self) -> tuple[float, float]:
        since = self._since
        if since is None:
            return self._wall_s, self._cpu_s
        return self._wall_s + time.monotonic() - since[0], self._cpu_s + self._cpu_clock() - since[1]
