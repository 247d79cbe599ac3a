"""Signs of life: tells a child that hangs from one whose step is long.

A thread of the child beats: whether it works on a request, and a number that grows while it gets on. The parent counts
only the time in which it ran itself, so a computer that slept, or a stopped parent, gives nobody up. A child hangs if

- nothing comes from it any more, and seen from outside it does nothing either: it was stopped, or all of it waits; or
- it beats, but its step computes nothing, reads nothing and ends nothing: the step waits for something that never
  comes.

Native code that holds Python's lock beats no more, but computes; a child that waits for a slow disk is in a state of
its own. Both are given much longer. A child that a debugger holds never counts as hung.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEAT_S = 1.0  # while it works; a child without a request beats less often, to let the processor sleep
IDLE_BEAT_S = 3.0
HANG_S = 7.0
HELD_S = 120.0  # without a beat, though it computes
_LOOK_S = 4.0  # silence after which the process is looked at from outside
_QUIET_S = 3.0  # it must do nothing for so long, because each look sees one moment
_CPU_STEPS_PER_S = 20

_steps = 0
# Reading a mapped file from a slow disk can be told from waiting on Linux only.
_still_s = 0.0 if sys.platform == "linux" else 60.0


def beat() -> None:
    """Count something done, or a moment of waiting that has a limit of its own. From any thread."""
    global _steps
    _steps += 1


def be_patient(seconds: float) -> None:
    """From now on, let a step of this process wait so long without computing: for a GPU, say."""
    global _still_s
    _still_s = max(_still_s, seconds)


def signs(*, busy: bool) -> dict[str, Any]:
    """The content of a beat; call it in the thread that does nothing but beat."""
    computed_s = time.process_time() - time.thread_time()
    return {"busy": busy, "moved": _steps + int(computed_s * _CPU_STEPS_PER_S) + _disk_reads(), "still_s": _still_s}


def _disk_reads() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_majflt + usage.ru_inblock + usage.ru_oublock


@dataclass(frozen=True, slots=True)
class Look:
    """What a process does at this moment, seen from outside, and the processor time that it has used."""

    computes: bool = False
    waits_for_disk: bool = False
    debugged: bool = False
    cpu_s: float = 0.0


def look_at(pid: int) -> Look:
    """Look at a process; one that can't be looked at does nothing."""
    if sys.platform == "linux":
        return _look_at_threads(pid)
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return Look()
    return Look(cpu_s=times.user + times.system)


def _look_at_threads(pid: int) -> Look:
    states, ticks = "", 0
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            fields = task.read_text().rpartition(")")[2].split()  # man 5 proc: state, ..., utime and stime at 14, 15
        except OSError:
            continue  # the thread has ended
        states += fields[0]
        ticks += int(fields[11]) + int(fields[12])
    return Look("R" in states, "D" in states, "t" in states, ticks / 100)


class Watch:
    """Judges one child by its beats and frames, and by a look from outside when they stop."""

    def __init__(self, look: Callable[[], Look]) -> None:
        self._look = look
        self._heard = self._frames = 0
        self._judged = (0, 0, 0)  # heard, frames and moved at the last judgement
        self._busy, self._moved, self._patience_s = False, 0, HANG_S
        self._beats = False
        self._silent_s = self._still_s = self._quiet_s = 0.0
        self._cpu_s = 0.0

    @property
    def frames(self) -> int:
        """How many frames came that are not beats."""
        return self._frames

    def hear(self, beat: dict[str, Any] | None = None) -> None:
        """Note a frame, or the content of a beat."""
        self._heard += 1
        if beat is None:
            self._frames += 1
            return
        self._beats = True
        self._busy, self._moved = bool(beat.get("busy")), int(beat.get("moved", 0))
        self._patience_s = max(HANG_S, float(beat.get("still_s", 0.0)))

    def is_hung(self, ran_s: float) -> bool:
        """Judge the child; `ran_s` is how long this process itself ran since the last judgement."""
        heard, frames, moved = self._judged
        self._silent_s = 0.0 if heard != self._heard else self._silent_s + ran_s
        still = self._busy and (frames, moved) == (self._frames, self._moved)
        self._still_s = self._still_s + ran_s if still else 0.0
        self._judged = (self._heard, self._frames, self._moved)
        if max(self._silent_s, self._still_s) < _LOOK_S:
            self._quiet_s = 0.0
            return False
        silent = self._silent_s >= _LOOK_S
        self._quiet_s = 0.0 if self._does_something(silent=silent) else self._quiet_s + ran_s
        if self._beats and self._silent_s >= HELD_S:
            return True
        return self._quiet_s >= _QUIET_S and (self._silent_s >= HANG_S or self._still_s >= self._patience_s)

    def _does_something(self, *, silent: bool) -> bool:
        """What it computes counts only if it is silent: the beating itself computes."""
        seen, before_s = self._look(), self._cpu_s
        self._cpu_s = seen.cpu_s
        return seen.debugged or seen.waits_for_disk or (silent and (seen.computes or seen.cpu_s > before_s))
