"""Why a child ended, in words: from how its process ended and from what it wrote last on stderr."""

from __future__ import annotations

import re
import signal
from collections import deque

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


class LastWords:
    """The last lines on stderr that look like an error; libraries write much there that does not."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def hear(self, line: str) -> None:
        """Keep a line if it may say why."""
        if _LOOKS_LIKE_ERROR.search(line):
            self.lines.append(line)

    def tell_of_memory(self) -> bool:
        """Whether one of them says that the memory ran out."""
        lines = tuple(self.lines)  # another thread may still hear some
        return any(_OUT_OF_MEMORY.search(line) for line in lines)


def hung(name: str, last_words: LastWords) -> WorkerDied:
    """The sentence for a child that was ended because it did not answer."""
    return WorkerDied(
        tr(
            "{name} did not answer any more and was ended. Everything written so far is kept. "
            "The next message starts it again.",
            name=name,
        ),
        "\n".join(last_words.lines),
    )


def death(name: str, status: int | None, last_words: LastWords) -> WorkerDied:
    """The sentence and the details for a child that ended by itself: memory, a signal in words, or a status."""
    details = "\n".join([f"exit status {status}", *last_words.lines])
    if last_words.tell_of_memory():
        return WorkerDied(
            tr(
                "{name} stopped because the memory ran out. Everything written so far is kept. "
                "The next message starts it again. A smaller model or a shorter context length helps.",
                name=name,
            ),
            details,
        )
    return WorkerDied(
        tr(
            "{name} stopped unexpectedly ({reason}). Everything written so far is kept. "
            "The next message starts it again.",
            name=name,
            reason=outcome(status),
        ),
        details,
    )


def outcome(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None:
        return tr("it broke its connection")
    if status >= 0:
        return tr("it ended by itself") if status == 0 else tr("it gave up with status {status}", status=status)
    words = {
        "SIGKILL": tr("it was ended by the system or by hand, SIGKILL; most often the memory was full"),
        "SIGSEGV": tr("it touched memory that is not its own, SIGSEGV"),
        "SIGABRT": tr("it found an error in itself, SIGABRT"),
        "SIGILL": tr("this processor lacks an instruction it needs, SIGILL"),
        "SIGBUS": tr("a file it was using changed on the disk, SIGBUS"),
        "SIGTERM": tr("it was asked to end, SIGTERM"),
    }
    try:
        name = signal.Signals(-status).name
    except ValueError:
        return tr("signal {number}", number=-status)
    return words.get(name, name)
