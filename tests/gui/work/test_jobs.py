"""The window runs jobs in turn; they can be held, closed, cancelled or cleared."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from desktop_llm.errors import UserError
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.jobs.download import Download
from desktop_llm.jobs.job import Progress, Work
from desktop_llm.jobs.reading import Reading
from tests.gui.samples import heard


class Closed(Work[None]):
    """A job that is closed to pause it: it waits after its first step until it may `end`."""

    at_once = 2

    def __init__(self) -> None:
        self.runs, self.cleared = 0, threading.Event()
        self.may_end = threading.Event()
        self.fails = False

    def steps(self) -> Generator[Progress, None, None]:
        self.runs += 1
        while not self.may_end.wait(0.01):
            yield Progress(1, 2)
        if self.fails:
            raise UserError("The disk is full.")

    def cancel(self) -> None:
        self.cleared.set()


class Held(Closed):
    """A job that is held in place: it keeps the commands it was given."""

    held_in_place = True

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def cancel(self) -> None:
        self.told.append("cancel")
        self.may_end.set()


class Window:
    """Jobs and the work behind them."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot, self.tasks, self.owner = qtbot, Tasks(), QObject()
        self.jobs = Jobs(self.tasks, self.owner)
        self.works: list[Closed] = []

    def add(self, subject: str, work: Closed) -> None:
        self.works.append(work)
        job = Reading(subject, subject) if work.held_in_place else Download(subject, subject)
        self.jobs.add(job, work)

    def states(self) -> list[str]:
        """The states of the jobs."""
        return [job.state for job in (*self.jobs.of(Download), *self.jobs.of(Reading))]

    def until(self, *states: str) -> None:
        """Run the window until the jobs are in these states."""
        self.qtbot.waitUntil(lambda: self.states() == list(states))


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    made = Window(qtbot)
    yield made
    for work in made.works:
        work.may_end.set()
    made.tasks.close()


def test_some_run_and_the_next_begins_when_one_has_ended(window: Window) -> None:
    for subject in "abc":
        window.add(subject, Closed())
    assert window.states() == ["running", "running", "waiting"]
    window.works[0].may_end.set()
    window.until("done", "running", "running")


def test_a_job_that_is_closed_runs_anew_when_it_is_resumed(window: Window) -> None:
    window.add("a", Closed())
    window.qtbot.waitUntil(lambda: window.jobs.of(Download)[0].progress.done == 1)
    window.jobs.pause("download a")
    assert window.states() == ["paused"]
    window.jobs.resume("download a")
    window.qtbot.waitUntil(lambda: window.works[0].runs == 2)
    window.works[0].may_end.set()
    window.until("done")


def test_a_job_that_is_held_goes_on_in_place_and_hears_everything_in_order(window: Window) -> None:
    work = Held()
    window.add("a", work)
    for _ in range(3):
        window.jobs.pause("reading a")
        window.jobs.resume("reading a")
    window.jobs.cancel("reading a")
    window.until("done")
    assert (work.told, work.runs) == ([*["pause", "resume"] * 3, "cancel"], 1)


def test_a_job_that_failed_says_why_and_can_be_tried_again(window: Window) -> None:
    work = Closed()
    work.fails = True
    ended = heard(window.jobs.ended)
    window.add("a", work)
    work.may_end.set()
    window.until("failed")
    assert [str(job.error.title) for job in ended] == ["The disk is full."]
    work.fails = False
    assert window.jobs.act("download a", "retry")
    window.until("done")


def test_what_was_cancelled_can_be_taken_back_until_it_is_cleared_away(window: Window) -> None:
    for subject in "ab":
        window.add(subject, Closed())
    cancelled = heard(window.jobs.cancelled)
    for subject in "ab":
        window.jobs.cancel(f"download {subject}")
    assert (window.states(), [job.subject for job in cancelled]) == ([], ["a", "b"])
    window.jobs.take_back("download a")
    window.jobs.discard("download b")
    assert window.states() == ["paused"]
    window.qtbot.waitUntil(window.works[1].cleared.is_set)
    assert not window.works[0].cleared.is_set()


def test_an_action_that_is_none_of_a_job_is_left_to_others(window: Window) -> None:
    window.add("a", Closed())
    assert not window.jobs.act("download a", "use")
    assert window.states() == ["running"]
