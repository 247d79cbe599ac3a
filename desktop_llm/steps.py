"""Runs a long action, a generator that yields progress and returns its result, in a `for` loop."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


class Run(Generic[Step, Result]):
    """One run of an action: loop over its steps, then read its `result`. Leaving the loop early ends the action."""

    result: Result

    def __init__(self, steps: Generator[Step, None, Result]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[Step]:
        """The steps; the result is there after the last one."""
        self.result = yield from self._steps


def result_of(steps: Generator[object, None, Result]) -> Result:
    """Run an action to its end and ignore its progress."""
    run = Run(steps)
    for _ in run:
        pass
    return run.result
