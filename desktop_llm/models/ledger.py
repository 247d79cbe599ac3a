"""The record of every request that left this computer: when, to whom, what for, how much, how it ended.

A row is written before the connection opens, so a killed program leaves it behind as "open". Any thread may ask; every
question opens its own short connection.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.words import Sentence, tr

MAX_ENTRIES = 20_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, host TEXT NOT NULL, purpose TEXT NOT NULL,
    bytes_in INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL DEFAULT 'open'
);
"""
_BUSY_S = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One request; `time` in seconds since 1970, `result` "ok", "open", "stopped" or the cause of a failure."""

    time: float
    host: str
    purpose: str
    bytes_in: int
    bytes_out: int
    result: str


class Ledger:
    """The record in one SQLite file; a damaged one is set aside, not thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prepared = False
        self._preparing = threading.Lock()

    def begin(self, host: str, purpose: str) -> int:
        """Record a request that is about to leave; its id. Raises UserError where it can't, and then none may leave."""
        with self._open(_not_written) as database:
            cursor = database.execute(
                "INSERT INTO request (time, host, purpose) VALUES (?, ?, ?)", (time.time(), host, purpose)
            )
            return int(cursor.lastrowid or 0)

    def end(self, id: int, bytes_in: int, bytes_out: int, result: str) -> None:
        """Complete a record; a record that was cleared meanwhile stays gone."""
        with self._open(_not_written) as database:
            database.execute(
                "UPDATE request SET bytes_in = ?, bytes_out = ?, result = ? WHERE id = ?",
                (bytes_in, bytes_out, result, id),
            )

    def entries(self, limit: int = MAX_ENTRIES) -> list[Entry]:
        """The last `limit` requests, the newest first; raises UserError where they can't be read."""
        with self._open(_not_read) as database:
            rows = database.execute(
                "SELECT time, host, purpose, bytes_in, bytes_out, result FROM request ORDER BY id DESC LIMIT ?",
                (limit,),
            )
            return [Entry(*row) for row in rows]

    def clear(self) -> None:
        """Forget all records; raises UserError where they stay."""
        with self._open(_not_cleared) as database:
            database.execute("DELETE FROM request")

    @contextmanager
    def _open(self, failed: Callable[[str, str], Sentence]) -> Iterator[sqlite3.Connection]:
        try:
            self._prepare()
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database, database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise UserError(failed(str(self._path), str(error))) from error

    def _prepare(self) -> None:
        """Make the file at the first question, so that a start costs nothing."""
        with self._preparing:  # a second one would set aside what the first has made in place of a damaged file
            if not self._prepared:
                self._create_sound()
                self._prepared = True

    def _create_sound(self) -> None:
        try:
            self._create()
        except sqlite3.OperationalError:  # not the file's fault: no space, no permission, busy
            raise
        except sqlite3.DatabaseError:
            self._path.replace(self._path.with_name(f"{self._path.stem}-damaged-{time.time():.0f}.db"))
            self._create()

    def _create(self) -> None:
        with contextlib.suppress(FileExistsError):
            self._path.touch(0o600, exist_ok=False)
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database, database:
            database.executescript(_SCHEMA)
            database.execute(
                "DELETE FROM request WHERE id <= (SELECT max(id) FROM request) - ?",
                (MAX_ENTRIES,),
            )


def _not_written(path: str, reason: str) -> Sentence:
    return tr(
        "The record of network requests at {path} could not be written: {reason}. Nothing was sent. "
        "Free some space on this disk or check the folder's permissions, then try again.",
        path=path,
        reason=reason,
    )


def _not_read(path: str, reason: str) -> Sentence:
    return tr(
        "The record of network requests at {path} could not be read: {reason}. Nothing in it was changed. "
        "Check the folder's permissions, then try again.",
        path=path,
        reason=reason,
    )


def _not_cleared(path: str, reason: str) -> Sentence:
    return tr(
        "The record of network requests at {path} could not be cleared: {reason}. All of it is still there. "
        "Free some space on this disk or check the folder's permissions, then try again.",
        path=path,
        reason=reason,
    )
