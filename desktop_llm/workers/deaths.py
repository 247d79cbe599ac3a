"""Says in words why a child ended, from its exit status and the last lines it wrote to stderr.

Signals, statuses and the lines themselves go into the details of the error, never into its sentences.
"""

from __future__ import annotations

import os
import re
import signal
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import WorkerDied
from desktop_llm.words import tr

_KEPT_LINES = 40
_LOOKS_LIKE_ERROR = re.compile(
    r"GGML_ASSERT|GGML_ABORT|error|failed|fatal|out of memory|cannot allocate|CUDA|Traceback|abort|terminate|^Timeout",
    re.IGNORECASE,
)
_OUT_OF_MEMORY = re.compile(
    r"out of memory|cannot allocate memory|failed to allocate|unable to allocate|bad_alloc|MemoryError|OutOf\w+Memory",
    re.IGNORECASE,
)
_GPU = re.compile(r"CUDA error|ROCm error|HIP error|vk::|ErrorDeviceLost|ggml_vulkan|ggml_metal", re.IGNORECASE)
# Exit statuses of Windows (ntstatus.h, and 3 for abort) that mean the same as a signal elsewhere.
_WINDOWS = {
    0xC0000005: "SIGSEGV",
    0xC0000374: "SIGSEGV",
    0xC00000FD: "SIGSEGV",
    0xC000001D: "SIGILL",
    0xC0000006: "SIGBUS",
    0xC0000409: "SIGABRT",
    3: "SIGABRT",
}


class LastWords:
    """The last lines on stderr that look like an error; libraries also write many others there."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def hear(self, line: str) -> None:
        """Keep a line if it may explain the death."""
        if _LOOKS_LIKE_ERROR.search(line):
            self.lines.append(line)

    def tell_of_memory(self) -> bool:
        """Whether one of the lines says that memory ran out."""
        return self._tell(_OUT_OF_MEMORY)

    def tell_of_gpu(self) -> bool:
        """Whether one of the lines says that the graphics card or its driver failed."""
        return self._tell(_GPU)

    def _tell(self, pattern: re.Pattern[str]) -> bool:
        lines = tuple(self.lines)  # another thread may still be adding lines
        return any(pattern.search(line) for line in lines)


@dataclass(frozen=True, slots=True)
class Part:
    """A child as a person knows it.

    `name` begins the sentence about its death ("The model"); `kept` says that nothing was lost and how to start it
    again; `spare` says how to use less memory, and `action` is the error's action if the memory ran out.
    """

    name: str
    kept: str = ""
    spare: str = ""
    action: str = ""

    def hung(self, last_words: LastWords) -> WorkerDied:
        """The error for a child that was ended because it did not answer."""
        title = tr("{name} stopped responding and was ended.", name=self.name)
        return WorkerDied(title, self.kept, details="\n".join(last_words.lines))

    def died(self, status: int | None, last_words: LastWords, *, memory_full: bool = False) -> WorkerDied:
        """The error for a child that ended by itself: out of memory, by a signal, or with an exit status.

        `memory_full`: the kernel has ended a process for want of memory since this child was started.
        """
        details = "\n".join([f"exit status {status} {_signal(status)}".rstrip(), *last_words.lines])
        if last_words.tell_of_memory() or (memory_full and _signal(status) == "SIGKILL"):
            title = tr("{name} stopped because the memory ran out.", name=self.name)
            if last_words.tell_of_gpu():
                title = tr("{name} stopped because the graphics card ran out of memory.", name=self.name)
            text = tr("{kept} {spare}", kept=self.kept, spare=self.spare)
            return WorkerDied(title, text, action=self.action, details=details)
        if last_words.tell_of_gpu():
            title = tr("{name} stopped because the graphics card or its driver failed.", name=self.name)
            return WorkerDied(title, self.kept, details=details)
        title = tr("{name} stopped unexpectedly ({reason}).", name=self.name, reason=outcome(status))
        return WorkerDied(title, self.kept, details=details)


def kills_for_memory() -> int:
    """How many processes the kernel has ended for want of memory since the system's start (Linux; elsewhere 0)."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def outcome(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None:
        return tr("it broke its connection")
    if status == 0:
        return tr("it ended by itself")
    words = {
        "SIGKILL": tr("the system or a person ended it, most often because the memory was full"),
        "SIGSEGV": tr("it used memory that is not its own"),
        "SIGABRT": tr("it found an error in itself"),
        "SIGILL": tr("this processor lacks an instruction that it needs"),
        "SIGBUS": tr("a file that it was using changed on the disk, or the disk is full"),
        "SIGTERM": tr("the system or a person asked it to end"),
    }
    return words.get(_signal(status), tr("it found an error in itself") if status > 0 else tr("the system ended it"))


def _signal(status: int | None) -> str:
    """The name of the signal that ended a process, or of what is the same on Windows; "" for none."""
    if status is None:
        return ""
    if os.name == "nt":
        return _WINDOWS.get(status & 0xFFFFFFFF, "")
    try:
        return signal.Signals(-status).name if status < 0 else ""
    except ValueError:
        return ""
