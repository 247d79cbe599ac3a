"""Ends a reader that spends more on a document than its budget, whatever it is doing at that moment."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Literal, Self

import psutil

from desktop_llm.knowledge.clock import Clock
from desktop_llm.knowledge.limits import READER_BYTES, Budget
from desktop_llm.workers.process import Worker

Limit = Literal["", "time", "idle", "memory"]

_LOOK_S = 0.2
# A process that used less of the processor than this since the last look was not computing.
_COMPUTING = 0.02
# It would compute or read if the machine let it: that is not the document's fault.
_WAITING_FOR_ITS_TURN = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP, psutil.STATUS_WAKING)


class Watch:
    """Looks at a reader from a thread of its own for as long as the `with` block runs.

    Reading has to be over when `share` of the document's time is. Attributes: `why`, "" or the limit for which it ended
    the reader: "time", "idle" or "memory"; `cpu_s`, the processor time that the reader used by the last look.
    """

    def __init__(self, worker: Worker, budget: Budget, clock: Clock, share: float) -> None:
        self.why: Limit = ""
        self.cpu_s = 0.0
        self._worker = worker
        self._budget = budget
        self._clock = clock
        self._share = share
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="reader's budget", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        try:
            process = psutil.Process(self._worker.pid)
            before, looked = _cpu_s(process), time.monotonic()
            started, idle_s = before, 0.0
            while not self._over.wait(_LOOK_S):
                used, now = _cpu_s(process), time.monotonic()
                if used - before < _COMPUTING * (now - looked) and process.status() not in _WAITING_FOR_ITS_TURN:
                    idle_s += min(now - looked, 2 * _LOOK_S)  # a longer gap is ours, not the reader's
                before, looked = used, now
                self.cpu_s = used - started
                if why := self._beyond(idle_s, process.memory_info().rss):
                    self.why = why
                    self._worker.kill()
                    return
        except psutil.Error:
            return  # it has ended by itself

    def _beyond(self, idle_s: float, rss_bytes: int) -> Limit:
        if self._clock.is_over(self._share):
            return "time"
        if idle_s > self._budget.idle_s:
            return "idle"
        return "memory" if rss_bytes > READER_BYTES else ""


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
