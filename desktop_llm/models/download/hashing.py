"""Hashes a part while it is being written: together they take no longer than the writing alone."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from desktop_llm.models.download.parts import PartFile

_LOOK_S = 0.02


class Hashing:
    """Follows a growing part from `with` to its end, in a thread; what it did not get to, `PartFile.check` does."""

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hashing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(0 if self._hash_block() else _LOOK_S):
            pass

    def _hash_block(self) -> bool:
        """Hash the next block if all of it is there."""
        try:
            return self._part.has_whole_block() and self._part.check_block()
        except OSError:
            return False  # the check at the end meets the same error, and can tell it
