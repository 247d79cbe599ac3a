"""Decides, while the engine computes, whether its threads spin while they wait for each other.

llama.cpp's threads meet after every matrix product. If each has a core of its own, one that spins goes on at once,
which makes a small model a tenth faster. If other programs use the cores, it takes the core from the thread that still
has work: in a test beside eight busy programs, the engine wrote five times more slowly. OpenMP reads its setting only
once, when it is loaded, but GCC's library spins hardly at all while the process has more OpenMP threads than there are
processors (libgomp, wait.h: `gomp_managed_threads > gomp_available_cpus`). So a team that only sleeps makes the others
stop spinning, and its end lets them spin again.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

_LOOK_EVERY_S = 0.5
# The system counts processor time in hundredths of a second, so a shorter look says little.
_SHORTEST_LOOK_S = 0.1
# The share of the threads' cores that other programs must leave: less for those that spin already, so that it does not
# change all the time.
_ROOM_TO_START, _ROOM_TO_GO_ON = 0.9, 0.75


class Spinning:
    """Looks at the processors whenever it is told that the engine computes with `threads` threads.

    What other programs used while the model was loaded, or between two answers, tells whether the next answer begins
    with spinning; a short look then corrects it. Only GCC's OpenMP, which is Linux's, can be told; elsewhere nothing
    happens.
    """

    def __init__(self, threads: int, clocks: Callable[[], tuple[float, float, float]] | None = None) -> None:
        """`clocks` tell the time, and the seconds that the processors idled and that this process used."""
        self._threads, self._clocks = threads, clocks or _clocks
        self._at, self._idle_s, self._own_s = self._clocks()
        self._every_s = _SHORTEST_LOOK_S
        self._sleepers = _Sleepers(threads) if sys.platform == "linux" and "GOMP_SPINCOUNT" not in os.environ else None
        if self._sleepers is not None:
            self._sleepers.start()

    @property
    def on(self) -> bool:
        """Whether the threads spin."""
        return self._sleepers is None or not self._sleepers.there

    def look(self) -> None:
        """Decide again if the last look is some time ago; call it often while the engine computes, in one thread."""
        now, idle_s, own_s = self._clocks()
        if (passed_s := now - self._at) < self._every_s:
            return
        self.decide((idle_s - self._idle_s + own_s - self._own_s) / passed_s)
        self._every_s = _LOOK_EVERY_S if passed_s < 2 * _LOOK_EVERY_S else _SHORTEST_LOOK_S
        self._at, self._idle_s, self._own_s = now, idle_s, own_s

    def decide(self, cores: float) -> None:
        """Let the threads spin if other programs leave this process so many cores that each thread has its own."""
        if self._sleepers is None:
            return
        if self.on and cores < _ROOM_TO_GO_ON * self._threads:
            self._sleepers.start()
        elif not self.on and cores >= _ROOM_TO_START * self._threads:
            self._sleepers.end()


class _Sleepers:
    """A team of OpenMP threads that sleeps; together with the `threads` that compute, they are more than there are
    processors. It belongs to a thread of its own.
    """

    def __init__(self, threads: int) -> None:
        self._count = max(2, _processors() - threads + 2)
        self._leave = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def there(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Make the team."""
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(self._leave,), name="sleepers", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the team, whose threads end with the one that made them."""
        self._leave.set()
        self._thread = None

    def _hold(self, leave: threading.Event) -> None:
        with contextlib.suppress(OSError, AttributeError):  # built with another OpenMP, or with none
            openmp: Any = ctypes.CDLL("libgomp.so.1")
            nothing = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)  # what each of them does: it takes no data
            openmp.GOMP_parallel(nothing, None, ctypes.c_uint(self._count), ctypes.c_uint(0))
        leave.wait()


def _processors() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _clocks() -> tuple[float, float, float]:
    times = psutil.cpu_times()
    return time.monotonic(), float(times.idle + getattr(times, "iowait", 0.0)), time.process_time()
