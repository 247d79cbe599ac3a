"""Facts about files and models, so that nothing is measured twice: checksums, headers, where they came from, last use.

A measured fact holds as long as its file has the same size and time of change. Any thread may ask; every question opens
its own short connection.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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
CREATE TABLE IF NOT EXISTS model (path BLOB PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS remembered (model_id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_BUSY_S = 10.0
_preparing = threading.Lock()  # of all objects, since several have the same file

Stamp = tuple[int, int]
"""Size in bytes and time of change in ns: what tells that a file, or a set of files, is as it was."""


def stamp_of(*paths: Path) -> Stamp:
    """The files' size together and the latest time of change; raises OSError where one is gone."""
    statuses = [path.stat() for path in paths]
    return sum(status.st_size for status in statuses), max(status.st_mtime_ns for status in statuses)


class Facts:
    """The facts in one SQLite file; a damaged one is thrown away, since the app works without what it held.

    Checksums and headers are measured again then; what is lost is where a model came from and how it was loaded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prepared = False

    def sha256(self, path: Path) -> str:
        """The file's sha256, computed once for each content."""
        value: str = self.of_file(path, "sha256", sha256_of)
        return value

    def of_file(self, path: Path, fact: str, measure: Callable[[Path], Any]) -> Any:
        """The named fact (JSON) of an unchanged file, else `measure(path)`, remembered."""
        stamp = stamp_of(path)
        with self._open() as database:
            row = database.execute(
                "SELECT size_bytes, mtime_ns, value FROM file WHERE path = ? AND fact = ?", (os.fsencode(path), fact)
            ).fetchone()
        if row is not None and row[:2] == stamp:
            return json.loads(row[2])
        value = measure(path)
        self.note(fact, {path: (stamp, value)})
        return value

    def known(self, fact: str, stamps: Mapping[Path, Stamp]) -> dict[Path, Any]:
        """The named fact of those files for which it still holds; nothing is measured."""
        sql = "SELECT value FROM file WHERE path = ? AND fact = ? AND size_bytes = ? AND mtime_ns = ?"
        with self._open() as database:
            rows = (
                (path, database.execute(sql, (os.fsencode(path), fact, *stamps[path])).fetchone()) for path in stamps
            )
            return {path: json.loads(row[0]) for path, row in rows if row is not None}

    def note(self, fact: str, values: Mapping[Path, tuple[Stamp, Any]]) -> None:
        """Remember what was measured (JSON), with the stamp that the files had before."""
        rows = [(os.fsencode(path), fact, *stamp, json.dumps(value)) for path, (stamp, value) in values.items()]
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", rows)

    def forget_files(self, paths: Iterable[Path]) -> None:
        """Drop what was measured of files that are gone."""
        with self._open() as database:
            database.executemany("DELETE FROM file WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def entries(self) -> dict[Path, Any]:
        """What was noted of each model (JSON), by the path of its first file."""
        with self._open() as database:
            return _entries(database)

    def note_entries(self, change: Callable[[dict[Path, Any]], Mapping[Path, Any]]) -> None:
        """Note what `change` makes of the entries there are (JSON; None forgets one); nobody else notes meanwhile."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            entries = change(_entries(database))
            kept = [(os.fsencode(path), json.dumps(entry)) for path, entry in entries.items() if entry is not None]
            gone = [(os.fsencode(path),) for path, entry in entries.items() if entry is None]
            database.executemany("INSERT OR REPLACE INTO model VALUES (?, ?)", kept)
            database.executemany("DELETE FROM model WHERE path = ?", gone)

    def remembered(self, model_id: str) -> dict[str, Any]:
        """What the person chose for this model; empty where nothing."""
        with self._open() as database:
            row = database.execute("SELECT value FROM remembered WHERE model_id = ?", (model_id,)).fetchone()
        value: dict[str, Any] = json.loads(row[0]) if row else {}
        return value

    def remember(self, model_id: str, values: Mapping[str, Any] | None) -> None:
        """Keep what the person chose for this model (JSON values); None forgets it."""
        with self._open() as database:
            if values is None:
                database.execute("DELETE FROM remembered WHERE model_id = ?", (model_id,))
            else:
                row = (model_id, json.dumps(dict(values)))
                database.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", row)

    def mark_used(self, model_id: str) -> None:
        """Remember that this model was used now."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO used VALUES (?, ?)", (model_id, time.time()))

    def last_used(self) -> dict[str, float]:
        """When each used model was used last (seconds since 1970), the last one first."""
        with self._open() as database:
            return dict(database.execute("SELECT model_id, at FROM used ORDER BY at DESC"))

    def measured(self, name: str) -> dict[str, Any]:
        """What was measured of this machine under this name; empty where nothing."""
        with self._open() as database:
            row = database.execute("SELECT value FROM measured WHERE name = ?", (name,)).fetchone()
        value: dict[str, Any] = json.loads(row[0]) if row else {}
        return value

    def note_measured(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep what was measured of this machine (JSON values) in place of what was known."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO measured VALUES (?, ?)", (name, json.dumps(dict(values))))

    def _prepare(self) -> None:
        """Make the file at the first question, so that the start of the window does not wait for the disk."""
        with _preparing:  # a second one would throw away what the first has made in place of a damaged file
            if not self._prepared:
                self._create_sound()
                self._prepared = True

    def _create_sound(self) -> None:
        try:
            self._create()
        except sqlite3.OperationalError as error:  # not the file's fault: no space, no permission, busy
            raise UserError(
                tr(
                    "{file} could not be opened: {reason}. Your models and chats are untouched. "
                    "Free some space on this disk or check the folder's permissions, then try again.",
                    file=self._path,
                    reason=error,
                )
            ) from error
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
            self._create()

    def _create(self) -> None:
        with self._connection() as database:
            database.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._prepare()
        with self._connection() as database:
            yield database

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database, database:
            yield database


def _entries(database: sqlite3.Connection) -> dict[Path, Any]:
    rows = database.execute("SELECT path, entry FROM model")
    return {Path(os.fsdecode(path)): json.loads(entry) for path, entry in rows}
