"""Counts the days on which the app ran, because a computer's clock may jump by years.

What is kept "for 30 days" is kept until the app has seen 30 other dates; a wrong date, however far off, counts as one.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically

_MOST_DATES = 500


class Days:
    """The dates that the app has seen, in a small JSON file, the one seen last at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dates: list[str] = _read(path)

    def note(self) -> None:
        """Note today's date; once a day this writes the file. If that fails, this day does not count."""
        today = _date(time.time())
        if today and self._dates[-1:] != [today]:
            # A date that comes again moves to the end: a clock that often starts in 1970 must not make things old.
            self._dates = [*(date for date in _read(self._path) if date != today), today][-_MOST_DATES:]
            with contextlib.suppress(UserError):
                write_atomically(self._path, json.dumps(self._dates).encode())

    def since(self, moment: float) -> int:
        """How many other dates the app has seen since this moment, in seconds since 1970."""
        date = _date(moment)
        if date in self._dates:
            return len(self._dates) - 1 - self._dates.index(date)
        return sum(later > date for later in self._dates) if date else 0


def _read(path: Path) -> list[str]:
    try:
        dates = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # not there yet, or damaged: counting begins again
        return []
    return [date for date in dates if isinstance(date, str)] if isinstance(dates, list) else []


def _date(moment: float) -> str:
    """The date in UTC, "" if a damaged number names none."""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(moment))
    except (OverflowError, ValueError, OSError):
        return ""
