"""Jobs by themselves, run in a loop as the command line runs them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.errors import UserError
from desktop_llm.jobs.download import Download
from desktop_llm.jobs.job import Job, Progress, told
from desktop_llm.jobs.reading import Reading, ReadingWork
from desktop_llm.knowledge.client import IndexProgress, IndexReport, Knowledge
from desktop_llm.knowledge.shapes import pack
from desktop_llm.paths import folders
from desktop_llm.steps import Run
from desktop_llm.workers.protocol import Message

HALF = Progress(50, 100, speed=10.0, seconds_left=5.0, stage="waiting", reason="The hub is away.")
REPORT = IndexReport("Papers", "ready", 2, 9, (), 0, 1.0, 1000)


class ReadingWorker:
    """Reads two documents, and keeps what it was told."""

    alive = True

    def __init__(self) -> None:
        self.told: list[str] = []

    def call(self, kind: str, _data: dict[str, Any] | None = None, _body: bytes = b"") -> Message:
        self.told.append(kind)
        return Message(0, "done", {})

    def request(
        self, _kind: str, _data: dict[str, Any] | None = None, _body: bytes = b""
    ) -> Generator[Message, None, Message]:
        try:
            for done in (1, 2):
                step = IndexProgress("Papers", f"/papers/{done}.pdf", done, 2, 9, 1, 74.0, 3.0, False)
                yield Message(0, "progress", pack(step))
        finally:
            self.told.append("ended")
        return Message(0, "done", pack(REPORT))

    def close(self) -> None:
        """It has no process."""


@pytest.fixture
def worker() -> ReadingWorker:
    return ReadingWorker()


@pytest.fixture
def reading(home: Path, worker: ReadingWorker) -> ReadingWork:
    """The work of reading two documents into Papers."""
    return ReadingWork(Knowledge(folders(home), worker=worker), "Papers", ["/papers"])


@pytest.mark.parametrize("state", ["paused", "failed", "done"])
def test_a_job_that_does_not_run_keeps_how_far_it_is_and_promises_no_time(state: Any) -> None:
    job = Reading("Papers", "Papers").now("running").advanced(HALF).now(state)
    assert (job.state, job.progress) == (state, Progress(50, 100))


def test_a_job_that_goes_on_forgets_why_it_failed() -> None:
    failed = Reading("Papers", "Papers").now("failed", UserError("The disk is full."))
    assert failed.error is not None
    assert failed.now("waiting").error is None


def test_jobs_of_different_kinds_about_the_same_thing_are_told_apart() -> None:
    jobs: list[Job] = [Reading("a", "a"), Download("a", "a"), Reading("b", "b")]
    assert len({job.key for job in jobs}) == 3


def test_reading_tells_how_far_it_is_and_ends_with_the_report(reading: ReadingWork) -> None:
    run = Run(reading.steps())
    steps = list(run)
    assert [(step.done, step.total, step.failed) for step in steps] == [(1, 2, 1), (2, 2, 1)]
    assert (steps[0].current, steps[0].speed, steps[0].seconds_left) == ("/papers/1.pdf", 74.0, 3.0)
    assert run.result == REPORT


def test_reading_is_held_and_given_up_by_telling_who_reads(reading: ReadingWork, worker: ReadingWorker) -> None:
    steps = reading.steps()
    next(steps)
    reading.pause()
    reading.resume()
    reading.cancel()
    assert worker.told == ["pause", "resume", "stop"]
    steps.close()


def test_whoever_stops_taking_steps_ends_the_work_behind_them(reading: ReadingWork, worker: ReadingWorker) -> None:
    steps = reading.steps()
    next(steps)
    steps.close()
    assert worker.told == ["ended"]


def test_a_failure_reaches_whoever_runs_the_job() -> None:
    def breaks() -> Generator[int, None, None]:
        yield 1
        raise UserError("The disk is full.")

    steps = told(breaks(), lambda done: Progress(done, 2))
    assert next(steps) == Progress(1, 2)
    with pytest.raises(UserError, match="full"):
        next(steps)
