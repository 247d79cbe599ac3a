"""Notes which documents are in hand, so that the next worker knows at which of them this one died.

A document that was in hand at a death is read after all others, and alone: so the second death has one culprit, which
is then set aside.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ENOUGH = 2  # deaths


class Suspects:
    """The notes in one small file. Without a place to write, nothing is remembered. For any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._in_hand: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter(_read(file))
        self._write()

    def deaths(self, path: bytes) -> int:
        """At how many deaths in a row this document was in hand."""
        return self._deaths[path.hex()]

    @contextlib.contextmanager
    def hold(self, path: bytes) -> Iterator[None]:
        """Note that a document is in hand until the block ends."""
        self._change(path, 1)
        try:
            yield
        finally:
            self._change(path, -1)

    def clear(self, path: bytes) -> None:
        """Forget a document's deaths: it was read, or set aside."""
        if self._deaths.pop(path.hex(), 0):
            self._change(path, 0)

    def close(self) -> None:
        """Note that this process ends as it should, whatever is in hand."""
        with self._lock:
            self._in_hand.clear()
            self._write()

    def _change(self, path: bytes, by: int) -> None:
        with self._lock:
            self._in_hand[path.hex()] += by
            self._in_hand = +self._in_hand
            self._write()

    def _write(self) -> None:
        """Write what the next process has to know if this one dies now; that needs no sync, only a power cut would."""
        with contextlib.suppress(OSError):
            fresh = self._file.with_name(self._file.name + ".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(self._deaths + Counter(dict.fromkeys(self._in_hand, 1))))
            fresh.replace(self._file)


def _read(file: Path) -> dict[str, int]:
    try:
        found = json.loads(file.read_bytes())
        return {bytes.fromhex(path).hex(): int(count) for path, count in found.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
