"""A job as a person sees it, and the work behind it.

Whoever runs a job steps through its work and makes the next `Job` from each `Progress`. A `Job` never changes, so it
may be kept and compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Literal, Self, TypeVar

from desktop_llm.errors import UserError
from desktop_llm.steps import Run

State = Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
Kind = Literal["download", "reading"]
Step = TypeVar("Step")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` bytes or documents, of which `failed` went wrong.

    `speed` is in bytes per second, or in passages per second for documents; while they are unknown, it is 0 and
    `seconds_left` is None. `current` is the file being worked on, `stage` the present step if it is not the usual one,
    and `reason` a sentence that says why nothing moves.
    """

    done: int = 0
    total: int = 0
    failed: int = 0
    speed: float = 0.0
    seconds_left: float | None = None
    current: str = ""
    stage: str = ""
    reason: str = ""

    @property
    def fraction(self) -> float:
        """The fraction that is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """A long action; `subject` tells it from others of its kind, and `error` says why it failed."""

    kind: ClassVar[Kind]

    subject: str
    title: str
    state: State = "waiting"
    progress: Progress = Progress()
    error: UserError | None = None

    @property
    def key(self) -> str:
        """The key that tells this job from all others."""
        return f"{self.kind} {self.subject}"

    @property
    def under_way(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.state in ("waiting", "running")

    def now(self, state: State, error: UserError | None = None) -> Self:
        """The job in another state; unless that is running, only the progress counts are kept."""
        progress = self.progress
        if state != "running":
            progress = replace(progress, speed=0.0, seconds_left=None, stage="", reason="")
        return replace(self, state=state, error=error, progress=progress)

    def advanced(self, progress: Progress) -> Self:
        """The job with new progress."""
        return replace(self, progress=progress)


class Work(ABC, Generic[Result]):
    """Does a job. Its methods block and may be called from any thread.

    `at_once` is how many of a kind run at the same time. If it is `held_in_place`, `pause`, `resume` and `cancel` act
    on the worker that does it, while its steps stay open. Otherwise its steps are closed to pause it and started again
    to resume it, and `cancel` deletes the partial result.
    """

    at_once: ClassVar[int]
    held_in_place: ClassVar[bool] = False

    @abstractmethod
    def steps(self) -> Generator[Progress, None, Result]:
        """Do the job, or continue from the point at which it stopped. Raises UserError with the reason if it fails."""

    def finished(self, job: Job, result: Result) -> Job:
        """The job together with its result."""
        return job.now("done")

    def pause(self) -> None:
        """Pause the job."""

    def resume(self) -> None:
        """Resume the job after `pause`."""

    def cancel(self) -> None:
        """Cancel the job for good."""


def told(
    steps: Generator[Step, None, Result], as_progress: Callable[[Step], Progress]
) -> Generator[Progress, None, Result]:
    """Run a long action as the steps of a job, translating its own progress."""
    run = Run(steps)
    with closing(steps):
        for step in run:
            yield as_progress(step)
    return run.result
