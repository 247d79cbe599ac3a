"""Stores facts about files and models, such as checksums, headers, origins and last use, to avoid measuring twice.

A measured fact is valid as long as its file keeps its size and modification time. Any thread may ask; each query opens
its own short-lived connection.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from desktop_llm.files import sha256_of
from desktop_llm.words import tr

log = logging.getLogger(__name__)

T = TypeVar("T")

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
_TRY_FILE_S = 30.0  # how long the copy in memory is used before the file is tried again
_preparing = threading.Lock()  # shared by all objects, because several use the same file

Stamp = tuple[int, int]
"""The size in bytes and modification time in ns of one or more files; if both are equal, nothing has changed."""


def stamp_of(*paths: Path) -> Stamp:
    """The total size of the files and their latest modification time; raises OSError if one is gone."""
    statuses = [path.stat() for path in paths]
    return sum(status.st_size for status in statuses), max(status.st_mtime_ns for status in statuses)


class Facts:
    """The facts in one SQLite file; if it is damaged, it is deleted, because the app works without it.

    Checksums and headers are then measured again; only the origin and load settings of each model are lost. While the
    disk is full or read-only, or the file is held, a copy in memory is used, and tried to be left again now and then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prepared = False
        self._copy: sqlite3.Connection | None = None
        self._copied_at = 0.0
        self._copying = threading.RLock()
        self._told = False

    def sha256(self, path: Path) -> str:
        """The file's sha256, computed only if the file has changed since the last time."""
        value: str = self.of_file(path, "sha256", sha256_of)
        return value

    def of_file(self, path: Path, fact: str, measure: Callable[[Path], Any]) -> Any:
        """The stored fact (JSON) if the file is unchanged, or else the result of `measure(path)`, which is stored."""
        stamp = stamp_of(path)
        sql = "SELECT size_bytes, mtime_ns, value FROM file WHERE path = ? AND fact = ?"
        row = self._one(sql, os.fsencode(path), fact)
        if row is not None and row[:2] == stamp:
            return json.loads(row[2])
        value = measure(path)
        self.note(fact, {path: (stamp, value)})
        return value

    def known(self, fact: str, stamps: Mapping[Path, Stamp]) -> dict[Path, Any]:
        """The stored fact about each file that has not changed; measures nothing."""
        sql = "SELECT value FROM file WHERE path = ? AND fact = ? AND size_bytes = ? AND mtime_ns = ?"

        def found(database: sqlite3.Connection) -> dict[Path, Any]:
            rows = (
                (path, database.execute(sql, (os.fsencode(path), fact, *stamps[path])).fetchone()) for path in stamps
            )
            return {path: json.loads(row[0]) for path, row in rows if row is not None}

        return self._run(found)

    def note(self, fact: str, values: Mapping[Path, tuple[Stamp, Any]]) -> None:
        """Store measured values (JSON) with the stamps that the files had before the measurement."""
        rows = [(os.fsencode(path), fact, *stamp, json.dumps(value)) for path, (stamp, value) in values.items()]
        self._write("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", *rows)

    def forget_files(self, paths: Iterable[Path]) -> None:
        """Delete the facts about files that are gone."""
        self._write("DELETE FROM file WHERE path = ?", *((os.fsencode(path),) for path in paths))

    def entries(self) -> dict[Path, Any]:
        """The entry (JSON) of each model, by the path of its first file."""
        return self._run(_entries)

    def note_entries(self, change: Callable[[dict[Path, Any]], Mapping[Path, Any]]) -> None:
        """Store the entries (JSON, None deletes one) that `change` makes of the current ones, in one transaction."""

        def noted(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            entries = change(_entries(database))
            kept = [(os.fsencode(path), json.dumps(entry)) for path, entry in entries.items() if entry is not None]
            gone = [(os.fsencode(path),) for path, entry in entries.items() if entry is None]
            database.executemany("INSERT OR REPLACE INTO model VALUES (?, ?)", kept)
            database.executemany("DELETE FROM model WHERE path = ?", gone)

        self._run(noted, writing=True)

    def remembered(self, model_id: str) -> dict[str, Any]:
        """The person's choices for this model; empty if there are none."""
        row = self._one("SELECT value FROM remembered WHERE model_id = ?", model_id)
        value: dict[str, Any] = json.loads(row[0]) if row else {}
        return value

    def remember(self, model_id: str, values: Mapping[str, Any] | None) -> None:
        """Store the person's choices for this model (JSON values); None deletes them."""
        if values is None:
            self._write("DELETE FROM remembered WHERE model_id = ?", (model_id,))
        else:
            self._write("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (model_id, json.dumps(dict(values))))

    def mark_used(self, model_id: str) -> None:
        """Note that this model was used now."""
        # Later than any other, even if the clock was once ahead: the last one used is chosen at the next start.
        sql = "INSERT OR REPLACE INTO used SELECT ?, max(?, coalesce(max(at) + 1, 0)) FROM used"
        self._write(sql, (model_id, time.time()))

    def last_used(self) -> dict[str, float]:
        """The time when each model was last used (seconds since 1970, none in the future), latest first."""
        used: dict[str, float] = {}
        sql, latest = "SELECT model_id, at FROM used ORDER BY at DESC", time.time()
        for model_id, at in self._run(lambda database: database.execute(sql).fetchall()):
            used[model_id] = latest = min(at, latest - 0.001)
        return used

    def measured(self, name: str) -> dict[str, Any]:
        """The measurement with this name of this machine; empty if there is none."""
        row = self._one("SELECT value FROM measured WHERE name = ?", name)
        value: dict[str, Any] = json.loads(row[0]) if row else {}
        return value

    def note_measured(self, name: str, values: Mapping[str, Any]) -> None:
        """Store a measurement of this machine (JSON values) in place of the previous one."""
        self._write("INSERT OR REPLACE INTO measured VALUES (?, ?)", (name, json.dumps(dict(values))))

    def _one(self, sql: str, *values: Any) -> Any:
        """The first row of a query, or None."""
        return self._run(lambda database: database.execute(sql, values).fetchone())

    def _write(self, sql: str, *rows: tuple[Any, ...]) -> None:
        """Run a change for each row, all in one transaction."""
        self._run(lambda database: database.executemany(sql, rows), writing=True)

    def _run(self, work: Callable[[sqlite3.Connection], T], *, writing: bool = False) -> T:
        """Do some work on the file, or else on the copy in memory; it may have to be done on both."""
        with self._copying:
            if self._copy is not None and not (writing and time.monotonic() > self._copied_at + _TRY_FILE_S):
                return _transaction(self._copy, work)
        try:
            self._prepare()
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database:
                done = _transaction(database, work)
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            with self._copying:
                return _transaction(self._copied(error), work)
        with self._copying:
            self._copy = None
        return done

    def _copied(self, error: Exception) -> sqlite3.Connection:
        """The copy to use instead of the file: there is no space or permission, or another program holds it."""
        self._copied_at = time.monotonic()
        self._prepared = False  # it may be damaged
        if self._copy is None:
            self._copy = _in_memory(self._path)
        if not isinstance(error, sqlite3.OperationalError | OSError):  # it is damaged
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        if not self._told:
            self._told = True
            sentence = tr(
                "{file} can't be used ({reason}), so what this app notes about models is forgotten when it ends. "
                "Your models and chats are untouched.",
                file=self._path,
                reason=error,
            )
            log.error("%s", sentence)
        return self._copy

    def _prepare(self) -> None:
        """Create the file at the first query, so that the window can start without waiting for the disk."""
        with _preparing:  # or a second thread could delete the file with which the first replaced a damaged one
            if not self._prepared:
                self._create_sound()
                self._prepared = True

    def _create_sound(self) -> None:
        try:
            self._create()
        except sqlite3.OperationalError:  # the file itself is not damaged
            raise
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
            self._create()

    def _create(self) -> None:
        with contextlib.suppress(OSError):  # the reason is told when the file is opened
            self._path.touch(mode=0o600)
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database:
            database.executescript(_SCHEMA)


def _transaction(database: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    with database:
        return work(database)


def _in_memory(path: Path) -> sqlite3.Connection:
    """A copy of the file in memory, empty if the file is missing or half written."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with contextlib.suppress(OSError, sqlite3.Error):
        if content := path.read_bytes():
            copy.deserialize(content)
        if copy.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
            copy.executescript(_SCHEMA)
            return copy
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    copy.executescript(_SCHEMA)
    return copy


def _entries(database: sqlite3.Connection) -> dict[Path, Any]:
    rows = database.execute("SELECT path, entry FROM model")
    return {Path(os.fsdecode(path)): json.loads(entry) for path, entry in rows}
