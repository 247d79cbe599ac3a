"""The window's threads: long actions run here and report in the window's thread.

A long action is a generator: it yields progress and returns the result, and closing it cancels it. A short blocking
call is a function. Whatever happens, exactly one of `done` and `failed` is called, in the window's thread.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from desktop_llm.errors import UserError
from desktop_llm.words import tr

log = logging.getLogger(__name__)

T = TypeVar("T")
P = TypeVar("P")
Failed = Callable[[UserError], None]

CLOSING_S = 5.0


class Unexpected(UserError):
    """A bug, as shown to the person; `details` holds the traceback for the copy button."""

    def __init__(self, details: str) -> None:
        super().__init__(tr("Something unexpected happened in the app. Your chats are saved."), details=details)


class Tasks(QObject):
    """Runs actions in threads. `lane` names a queue: actions in the same lane run one after the other."""

    _posted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._posted.connect(self._call_next)  # Qt queues calls from other threads
        # Starting a thread blocks until it runs, which on a busy machine would hold up the window's thread.
        self._starter = _Lane("starter")
        self._starter.thread.start()
        self._closing = False
        self._lanes: dict[str, _Lane] = {}
        self._running: set[Task] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._failed: Failed = _log_only

    def on_unhandled(self, failed: Failed) -> None:
        """Set the function for errors of actions that have no `failed` of their own."""
        self._failed = failed

    def call(
        self,
        work: Callable[[], T],
        done: Callable[[T], None] | None = None,
        failed: Failed | None = None,
        *,
        lane: str | None = None,
    ) -> None:
        """Run a blocking function and call `done` with its result. It runs even if the window closes before its
        turn."""

        def steps() -> Generator[None, None, T]:
            yield from ()
            return work()

        self._begin(Task(self, steps, None, done, failed or self._failed, must_run=True), lane)

    def run(
        self,
        work: Callable[[], Generator[P, None, T]],
        *,
        progress: Callable[[P], None] | None = None,
        done: Callable[[T], None] | None = None,
        failed: Failed | None = None,
        lane: str | None = None,
    ) -> Task:
        """Run a long action; the returned task can cancel it."""
        task = Task(self, work, progress, done, failed or self._failed)
        self._begin(task, lane)
        return task

    def post(self, function: Callable[[], None]) -> None:
        """Call a function in the window's thread, from any thread."""
        self._calls.put(function)
        self._posted.emit()

    def ended(self, task: Task) -> None:
        """Forget a task that has ended; the task calls it in the window's thread."""
        with self._lock:
            self._running.discard(task)

    def close(self, within_s: float = CLOSING_S) -> bool:
        """Cancel long actions and let blocking calls and lanes finish; returns False if that took too long.

        No `done` or `failed` is called any more. May be called again.
        """
        deadline = time.monotonic() + within_s
        with self._lock:
            self._closing = True
            tasks, lanes = list(self._running), list(self._lanes.values())
            threads = [*self._threads, *(lane.thread for lane in lanes)]
        for task in tasks:
            task.cancel()
        for lane in (self._starter, *lanes):
            lane.close()
        self._starter.thread.join(CLOSING_S)  # a thread that is not started can't be joined
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _begin(self, task: Task, lane: str | None) -> None:
        with self._lock:  # a request of another process arrives in a thread of its own
            self._running.add(task)
            if lane is not None:
                if lane not in self._lanes:
                    self._lanes[lane] = _Lane(lane)
                    self._start(self._lanes[lane].thread)
                self._lanes[lane].put(task.work)
                return
            self._threads = {thread for thread in self._threads if thread.ident is None or thread.is_alive()}
            thread = threading.Thread(target=task.work, name="task", daemon=True)
            self._threads.add(thread)
            self._start(thread)

    def _start(self, thread: threading.Thread) -> None:
        if self._closing:
            thread.start()
        else:
            self._starter.put(thread.start)

    @Slot()
    def _call_next(self) -> None:
        self._calls.get()()


class Task:
    """An action under way."""

    def __init__(
        self,
        tasks: Tasks,
        work: Callable[[], Generator[Any, None, Any]],
        progress: Callable[[Any], None] | None,
        done: Callable[[Any], None] | None,
        failed: Failed,
        *,
        must_run: bool = False,
    ) -> None:
        self._tasks = tasks
        self._work = work
        self._progress = progress
        self._done = done
        self._failed = failed
        self._must_run = must_run
        self._cancelled = threading.Event()
        self._over = threading.Event()

    def wait(self, within_s: float) -> bool:
        """Wait until its thread ends; returns False if that took too long."""
        return self._over.wait(within_s)

    def cancel(self) -> None:
        """Close the generator at its next step; neither `done` nor `failed` is called."""
        self._cancelled.set()

    def work(self) -> None:
        """Step the generator and post its progress and its end; runs in the thread."""
        try:
            result = self._step_through()
        except UserError as error:
            self._end(self._failed, error)
        except Exception as error:  # noqa: BLE001 - the task runner's edge
            # The message may quote a chat or a document, so the log gets only the place and the class.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("an action failed\n%s%s", place, type(error).__name__)
            self._end(self._failed, Unexpected(traceback.format_exc()))
        else:
            self._end(self._done, result)
        finally:
            self._over.set()

    def _step_through(self) -> Any:
        steps = self._work()
        while self._must_run or not self._cancelled.is_set():
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            if self._progress is not None:
                self._tasks.post(_Posted(self, self._progress, step))
        steps.close()
        return None

    def _end(self, function: Callable[[Any], None] | None, value: Any) -> None:
        self._tasks.post(_Posted(self, function, value, last=True))

    def tell(self, function: Callable[[Any], None] | None, value: Any, *, last: bool) -> None:
        """Pass a value on, unless the task was cancelled meanwhile; runs in the window's thread."""
        if last:
            self._tasks.ended(self)
        if function is not None and not self._cancelled.is_set():
            function(value)


class _Posted:
    """A call on its way to the window's thread."""

    def __init__(self, task: Task, function: Callable[[Any], None] | None, value: Any, *, last: bool = False) -> None:
        self._task, self._function, self._value, self._last = task, function, value, last

    def __call__(self) -> None:
        self._task.tell(self._function, self._value, last=self._last)


class _Lane:
    """One thread that works through its queue in order, so that writes to a database never overtake each other.

    The caller starts its thread.
    """

    def __init__(self, name: str) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=f"lane {name}", daemon=True)

    def put(self, work: Callable[[], None]) -> None:
        self._queue.put(work)

    def close(self) -> None:
        self._queue.put(None)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()


def _log_only(error: UserError) -> None:
    log.error("%s", error.message)
