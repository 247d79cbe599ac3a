"""Runs the window's jobs in its tasks: a few of each kind at once, while the others wait for their turn."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_llm.errors import UserError
from desktop_llm.gui.work.tasks import Task, Tasks
from desktop_llm.jobs.job import Job, Progress, Work

REPAINT_MS = 500

J = TypeVar("J", bound=Job)


@dataclass(slots=True)
class _Entry:
    job: Job
    work: Work[Any]
    task: Task | None = None


class Jobs(QObject):
    """Signals: `changed` when there is something new to show, at most twice a second for mere progress; `progressed` at
    each step; `ended` with a job that is done or failed; `cancelled` with one that can be restored.
    """

    changed = Signal()
    progressed = Signal(Job)
    ended = Signal(Job)
    cancelled = Signal(Job)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._entries: dict[str, _Entry] = {}
        self._cancelled: dict[str, _Entry] = {}
        self._repaint = QTimer(self, singleShot=True, interval=REPAINT_MS)
        self._repaint.timeout.connect(self.changed)

    def of(self, kind: type[J]) -> tuple[J, ...]:
        """The jobs of a kind in the order in which they were added, without cancelled ones."""
        return tuple(entry.job for entry in self._entries.values() if isinstance(entry.job, kind))

    def get(self, key: str) -> Job | None:
        """The job with this key."""
        entry = self._entries.get(key)
        return entry.job if entry else None

    def is_open(self, key: str) -> bool:
        """Whether a job has begun and not ended: it runs, waits for its turn, or is paused in place."""
        entry = self._entries.get(key)
        return entry is not None and (entry.task is not None or entry.job.state == "waiting")

    def work(self, key: str) -> Work[Any]:
        """The work of a job."""
        return self._entries[key].work

    def add(self, job: Job, work: Work[Any]) -> None:
        """Add a job, which starts when its turn comes; it replaces a job with the same key."""
        self._cancelled.pop(job.key, None)
        self._entries[job.key] = _Entry(job, work)
        self._start_waiting()

    def remove(self, *keys: str) -> None:
        """Remove jobs; running ones are stopped, and their results so far are kept."""
        for key in keys:
            self._close(self._entries.pop(key))
        self._start_waiting()

    def pause(self, *keys: str) -> None:
        """Pause jobs; they stay in the list."""
        for key in keys:
            entry = self._entries[key]
            if entry.work.held_in_place and entry.task is not None:
                self._tell(entry, entry.work.pause)
            else:
                self._close(entry)
            entry.job = entry.job.now("paused")
        self._start_waiting()

    def resume(self, *keys: str) -> None:
        """Resume jobs that are paused or failed."""
        for key in keys:
            entry = self._entries[key]
            if entry.task is not None:
                self._tell(entry, entry.work.resume)
                entry.job = entry.job.now("running")
            else:
                entry.job = entry.job.now("waiting")
        self._start_waiting()

    def cancel(self, key: str) -> None:
        """Cancel a job. Once it has stopped it can be restored until it is discarded."""
        entry = self._entries[key]
        if entry.job.state == "done":
            self.remove(key)
        elif entry.work.held_in_place:
            self._tell(entry, entry.work.cancel)
            if entry.task is None:
                self.remove(key)
        else:
            self.remove(key)
            entry.job = entry.job.now("cancelled")
            self._cancelled[key] = entry
            self.cancelled.emit(entry.job)

    def take_back(self, key: str) -> None:
        """Put a cancelled job back into the list, paused."""
        if (entry := self._cancelled.pop(key, None)) is not None:
            entry.job = entry.job.now("paused")
            self._entries[key] = entry
            self.changed.emit()

    def discard(self, key: str) -> None:
        """Delete the leftovers of a cancelled job."""
        if (entry := self._cancelled.pop(key, None)) is not None:
            self._tell(entry, entry.work.cancel)

    def act(self, key: str, action: str) -> bool:
        """Carry out the action of a job's card: pause, resume, retry or cancel. Returns False for any other."""
        actions: dict[str, Callable[[str], None]] = {
            "pause": self.pause,
            "resume": self.resume,
            "retry": self.resume,
            "cancel": self.cancel,
        }
        if action in actions and key in self._entries:
            actions[action](key)
        return action in actions

    def _start_waiting(self) -> None:
        for entry in list(self._entries.values()):
            if entry.job.state == "waiting" and entry.task is None:
                kind = entry.job.kind
                running = sum(each.task is not None for each in self._entries.values() if each.job.kind == kind)
                if running < entry.work.at_once:
                    self._start(entry)
        self.changed.emit()

    def _start(self, entry: _Entry) -> None:
        entry.task = self._tasks.run(
            entry.work.steps,
            progress=functools.partial(self._on_progress, entry),
            done=functools.partial(self._on_done, entry),
            failed=functools.partial(self._on_failed, entry),
            lane=_lane_of(entry),
        )
        entry.job = entry.job.now("running")

    def _close(self, entry: _Entry) -> None:
        if entry.task is not None:
            entry.task.cancel()
            entry.task = None

    def _tell(self, entry: _Entry, what: Callable[[], None]) -> None:
        self._tasks.call(what, lane=_lane_of(entry) or "job messages")  # in the order in which it is said

    def _on_progress(self, entry: _Entry, progress: Progress) -> None:
        another_stage = entry.job.progress.stage != progress.stage
        entry.job = entry.job.advanced(progress)
        self.progressed.emit(entry.job)
        if another_stage:
            self.changed.emit()
        elif not self._repaint.isActive():
            self._repaint.start()

    def _on_done(self, entry: _Entry, result: Any) -> None:
        entry.task = None
        entry.job = entry.work.finished(entry.job, result)
        self._start_waiting()
        self.ended.emit(entry.job)

    def _on_failed(self, entry: _Entry, error: UserError) -> None:
        entry.task = None
        entry.job = entry.job.now("failed", error)
        self._start_waiting()
        self.ended.emit(entry.job)


def _lane_of(entry: _Entry) -> str | None:
    """The lane of a job: if it is resumed, it must not begin before its stopped run has closed its file."""
    return None if entry.work.held_in_place else entry.job.key
