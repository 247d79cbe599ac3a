"""Measured facts about files and models, so that nothing is measured twice: checksums, headers, last use.

A cache with the truth on disk: a fact holds as long as its file has the same size and time of change. Any thread may
ask; every question opens its own short connection.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from desktop_llm.errors import UserError
from desktop_llm.files import sha256_of
from desktop_llm.words import tr

_SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    path BLOB NOT NULL, fact TEXT NOT NULL, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (path, fact)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (model_id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
"""
_BUSY_S = 10.0


class Facts:
    """The facts in one SQLite file; a damaged one is thrown away, since everything in it can be measured again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._prepare()
        except sqlite3.OperationalError as error:  # not the file's fault: no space, no permission, busy
            raise UserError(
                tr(
                    "{file} could not be opened: {reason}. Your models and chats are untouched. "
                    "Free some space on this disk or check the folder's permissions, then try again.",
                    file=path,
                    reason=error,
                )
            ) from error
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            self._prepare()

    def sha256(self, path: Path) -> str:
        """The file's sha256, computed once for each content."""
        value: str = self.of_file(path, "sha256", sha256_of)
        return value

    def of_file(self, path: Path, fact: str, measure: Callable[[Path], Any]) -> Any:
        """The named fact (JSON) of an unchanged file, else `measure(path)`, remembered."""
        status = path.stat()
        key, state = (os.fsencode(path), fact), (status.st_size, status.st_mtime_ns)
        with self._open() as database:
            row = database.execute(
                "SELECT size_bytes, mtime_ns, value FROM file WHERE path = ? AND fact = ?", key
            ).fetchone()
        if row is not None and row[:2] == state:
            return json.loads(row[2])
        value = measure(path)
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", (*key, *state, json.dumps(value)))
        return value

    def forget_file(self, path: Path) -> None:
        """Drop what is known about a file that is gone."""
        with self._open() as database:
            database.execute("DELETE FROM file WHERE path = ?", (os.fsencode(path),))

    def mark_used(self, model_id: str) -> None:
        """Remember that this model was used now."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO used VALUES (?, ?)", (model_id, time.time()))

    def last_used(self) -> list[str]:
        """The ids of used models, the last one first."""
        with self._open() as database:
            return [row[0] for row in database.execute("SELECT model_id FROM used ORDER BY at DESC")]

    def _prepare(self) -> None:
        with self._open() as database:
            database.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database, database:
            yield database
