"""How many files of a folder its patterns fit: for choosing patterns before they are stored."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from desktop_llm.knowledge.patterns import Patterns
from desktop_llm.knowledge.shapes import Folder, PatternCounts
from desktop_llm.knowledge.walk import Walk

_FRESH_S = 30.0  # a list of files is used again while somebody types


class PatternCounter:
    """Counts, and keeps the list of the last folder's files for the next count."""

    def __init__(self) -> None:
        self._path, self._listed_at = "", -_FRESH_S
        self._names: list[str] = []

    def count(self, folder: Folder, include: Sequence[str], exclude: Sequence[str]) -> Iterator[None]:
        """List the folder's files if need be, in small steps; `counts` then answers. Raises BadRequest at once for a
        pattern that can't be understood.
        """
        Patterns(include, exclude)
        if folder.path == self._path and time.monotonic() - self._listed_at < _FRESH_S:
            return
        walk = Walk(Path(folder.path))
        yield from walk.steps()
        self._names = [walk.relative(os.fsdecode(path)) for path in walk.files]
        self._path, self._listed_at = folder.path, time.monotonic()

    def counts(self, folder: Folder, include: Sequence[str], exclude: Sequence[str]) -> PatternCounts:
        """How many files each of the new patterns fits, and what they change about what is read."""
        before, after = Patterns(folder.include, folder.exclude), Patterns(include, exclude)
        was = {name for name in self._names if before.take(name)}
        will = {name for name in self._names if after.take(name)}
        return PatternCounts(
            path=folder.path,
            files=len(self._names),
            read=len(will),
            added=len(will - was),
            removed=len(was - will),
            include=tuple((pattern, self._fitting(pattern)) for pattern in include),
            exclude=tuple((pattern, self._fitting(pattern)) for pattern in exclude),
        )

    def _fitting(self, pattern: str) -> int:
        one = Patterns(exclude=[pattern])
        return sum(map(one.leave_out, self._names))
