"""The ledger of every request that left this computer: when, to whom, what for, how much, and how it ended.

A row is written before the connection opens, so a killed program leaves it behind as "open". Any thread may use it;
each query opens its own short connection. `Transfers` keeps the live numbers of the requests under way, for the window.

A second file notes the last row, and each row holds a checksum of itself and the row before it. So a record that was
removed, emptied, cut or replaced is noticed. This is meant for damage, not for somebody who edits both files; if both
are gone, an empty list is all that there is, so it says that nothing is recorded, not that nothing was sent.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.files import unused, write_atomically
from desktop_llm.words import tr

MAX_ENTRIES = 20_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, host TEXT NOT NULL, purpose TEXT NOT NULL,
    bytes_in INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL DEFAULT 'open',
    seal INTEGER
);
"""
_NOWHERE = ":memory:"
_BUSY_S = 10.0
_RATE_WINDOW_S = 0.5
_LAST_ID = 1 << 40
_BAD_NUMBER = "a row has a number that was never given"
_LAST_MOMENT = 253_402_214_400.0  # the year 9999; a damaged number may name a later one, which has no date
_NO_ANSWER = {"no_internet", "no_connection", "timeout", "tls", "proxy_auth", "login_page"}


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One request; `time` is in seconds since 1970, `result` is "ok", "open", "stopped" or the cause of a failure."""

    time: float
    host: str
    purpose: str
    bytes_in: int
    bytes_out: int
    result: str


@dataclass(frozen=True, slots=True)
class _Note:
    """What the second file says: the last row's `id` and seal, the `first` row that must be there, and until when
    earlier rows were lost or cleared (None: never).
    """

    last: int = 0
    seal: int | None = None
    first: int = 1
    missing_until: float | None = None
    cleared: bool = False


class Ledger:
    """The record in one SQLite file; a damaged one is set aside, not thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._note_path = path.with_name("last-request.json")  # a name that who removes "ledger*" spares
        self._prepared = False
        self._preparing = threading.Lock()

    def begin(self, host: str, purpose: str) -> int:
        """Record a request that is about to be sent; returns its id. If it raises UserError, the request must not be
        sent.
        """
        now = time.time()
        with self._open(_not_written) as database:
            row = database.execute("SELECT id, seal FROM request ORDER BY id DESC LIMIT 1").fetchone()
            id = max(row[0] if row else 0, (self._noted() or _Note()).last) + 1
            if id > _LAST_ID:
                raise sqlite3.DatabaseError(_BAD_NUMBER)
            seal = _seal(row[1] if row else None, now, host, purpose)
            database.execute(
                "INSERT INTO request (id, time, host, purpose, seal) VALUES (?, ?, ?, ?, ?)",
                (id, now, host, purpose, seal),
            )
        # Only now that the row is safe: a note of a row that a power cut took away would be a false alarm.
        with contextlib.suppress(UserError), self._open(_not_written):
            note = self._noted() or _Note()
            if id > note.last:
                self._write(replace(note, last=id, seal=seal))
        return id

    def end(self, id: int, bytes_in: int, bytes_out: int, result: str) -> None:
        """Complete a record; one that was cleared in the meantime stays gone."""
        with self._open(_not_written) as database:
            database.execute(
                "UPDATE request SET bytes_in = ?, bytes_out = ?, result = ? WHERE id = ?",
                (bytes_in, bytes_out, result, id),
            )

    def entries(self, limit: int = MAX_ENTRIES) -> list[LedgerEntry]:
        """The last `limit` requests, newest first; raises UserError if they can't be read."""
        with self._open(_not_read, writing=False) as database:
            rows = database.execute(
                "SELECT min(max(CAST(time AS REAL), 0), ?), CAST(host AS TEXT), CAST(purpose AS TEXT), "
                "CAST(bytes_in AS INTEGER), CAST(bytes_out AS INTEGER), CAST(result AS TEXT) "
                "FROM request ORDER BY id DESC LIMIT ?",
                (_LAST_MOMENT, limit),
            )
            return [LedgerEntry(*row) for row in rows]

    def missing(self) -> str:
        """The sentence to show if earlier requests are not in the record, because it was damaged or cleared; else "".

        Raises UserError if the record can't be read.
        """
        with self._open(_not_read, writing=False) as database:
            note = self._noted() or _Note()
            first, last, count = database.execute(
                "SELECT min(id), max(id), count(*) FROM request WHERE id >= ?", (note.first,)
            ).fetchone()
            if count:
                whole = last >= note.last and count == last - first + 1 and first <= _oldest(note, last)
            else:
                whole = note.last < note.first
            if not whole:
                note = self._check(database)
        if note.missing_until is None:
            return ""
        moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(note.missing_until))
        if note.cleared:
            return tr("The list was cleared on {moment}. Requests before that are not in it.", moment=moment)
        return tr(
            "The record of requests before {moment} is lost or can't be read, because its file was removed or damaged. "
            "Requests may have left this computer that are not listed.",
            moment=moment,
        )

    def clear(self) -> None:
        """Delete all records; raises UserError if that fails."""
        with self._open(_not_cleared) as database:
            (last,) = database.execute("SELECT max(id) FROM request").fetchone()
            note = self._noted() or _Note()
            if last is not None or note.missing_until is not None:
                last = max(last or 0, note.last)
                # Before the rows go: if this fails in between, there are more rows than expected, which is no loss.
                self._write(_Note(last, None, last + 1, time.time(), cleared=True))
            database.execute("DELETE FROM request")

    @contextmanager
    def _open(
        self, failed: Callable[[Path, Exception], UserError], *, writing: bool = True
    ) -> Iterator[sqlite3.Connection]:
        """One transaction. While one writes, the note in the other file is the newest, because no other can write."""
        try:
            if not writing and not self._is_there() and not self._note_path.exists():
                with self._connected(_NOWHERE) as database:  # nothing was ever recorded, and the disk may be full
                    database.execute(_SCHEMA)
                    yield database
                return
            self._prepare(writing)
            with self._connected(self._path, "BEGIN IMMEDIATE" if writing else "BEGIN") as database:
                yield database
        except (sqlite3.Error, OSError) as error:
            self._prepared = False  # the next query looks at the file again
            raise failed(self._path, error) from error

    @contextmanager
    def _connected(self, path: Path | str, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)) as database:
            database.text_factory = _tolerant_text
            database.execute(begin)
            yield database  # without COMMIT, closing undoes it
            database.execute("COMMIT")

    def _prepare(self, writing: bool) -> None:
        """Create the file at the first query, so that the start costs nothing, and again if it was removed."""
        with self._preparing:  # or a second thread would set aside the new file that replaced a damaged one
            there = self._is_there()
            if self._prepared and there:
                return
            try:
                self._create_sound()
                self._prepared = True
            except (sqlite3.OperationalError, OSError):
                if writing or not there:  # a file on a full or read-only disk can still be read
                    raise

    def _is_there(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > 0

    def _create_sound(self) -> None:
        try:
            self._create()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not _is_layout(error):
                raise  # the file is fine: there is no space or permission, or it is busy
            day = time.strftime("%Y%m%d-%H%M%S")
            self._path.replace(unused(self._path.with_name(f"{self._path.stem}-damaged-{day}.db")))
            for ending in ("-journal", "-wal", "-shm"):  # SQLite would play them into the new file
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            self._create(lost=True)

    def _create(self, *, lost: bool = False) -> None:
        with contextlib.suppress(FileExistsError):
            self._path.touch(0o600, exist_ok=False)
        with self._connected(self._path) as database:
            database.execute(_SCHEMA)
            if "seal" not in [column[1] for column in database.execute("PRAGMA table_info(request)")]:
                database.execute("ALTER TABLE request ADD COLUMN seal INTEGER")
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            self._check(database, lost=lost)
            database.execute("DELETE FROM request WHERE id <= (SELECT max(id) FROM request) - ?", (MAX_ENTRIES,))

    def _check(self, database: sqlite3.Connection, *, lost: bool = False) -> _Note:
        """Compare all rows with their seals and with the note; note since when they are whole, and return the note."""
        noted = self._noted()
        note = noted or _Note()
        rows = database.execute(
            "SELECT id, time, host, purpose, seal FROM request WHERE id >= ? ORDER BY id", (note.first,)
        ).fetchall()
        last, seal = (rows[-1][0], rows[-1][4]) if rows else (0, None)
        if last > _LAST_ID:
            raise sqlite3.DatabaseError(_BAD_NUMBER)
        broken: float | None = None  # the time of the first row after the last break
        before: int | None = None
        first, expected = note.first, _oldest(note, last)
        for id, moment, host, purpose, sealed in rows:
            altered = None not in (before, sealed) and sealed != _seal(before, moment, host, purpose)
            if id > expected or altered:
                broken, first = moment, id
            expected, before = id + 1, sealed
        seal_there = next((row[4] for row in rows if row[0] == note.last), None)
        at_end = note.last >= note.first and (note.last > last or seal_there != note.seal)
        if lost or at_end or (noted is None and self._note_path.exists() and not rows):
            broken, first = time.time(), max(last, note.last) + 1
        if broken is not None:
            until = min(max(float(broken), 0.0), _LAST_MOMENT)
            note = replace(note, first=first, missing_until=until, cleared=False)
        if last > note.last:
            note = replace(note, last=last, seal=seal)
        if note != noted and note != _Note():
            with contextlib.suppress(UserError):  # a full disk: it is noticed again at the next start
                self._write(note)
        return note

    def _noted(self) -> _Note | None:
        """The note, None if there is none or it can't be read."""
        try:
            note = _Note(**json.loads(self._note_path.read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        whole = isinstance(note.last, int) and isinstance(note.first, int) and isinstance(note.seal, int | None)
        whole = whole and note.last <= _LAST_ID and isinstance(note.missing_until, int | float | None)
        return note if whole else None

    def _write(self, note: _Note) -> None:
        write_atomically(self._note_path, json.dumps(asdict(note)).encode())


def _oldest(note: _Note, last: int) -> int:
    """The oldest row that must be there: older ones were cleared, or made room for new ones."""
    return max(note.first, last - MAX_ENTRIES + 1)


def _seal(before: int | None, moment: object, host: object, purpose: object) -> int:
    return zlib.crc32(repr((moment, host, purpose)).encode("utf-8", "backslashreplace"), before or 0)


def _tolerant_text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _is_layout(error: sqlite3.Error) -> bool:
    """Whether the table in the file is not ours."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


@dataclass(frozen=True, slots=True)
class Transfer:
    """A request under way, as the window shows it."""

    host: str
    purpose: str
    bytes_in: int
    bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The last request if nobody answered it: the cause (a TransferError's), and the time (`time.monotonic()`)."""

    host: str
    cause: str
    at: float


class RunningRequest:
    """One request under way; `result` goes into the ledger at its end."""

    def __init__(self, id: int, host: str, purpose: str, bytes_out: int) -> None:
        self.id = id
        self.host = host
        self.purpose = purpose
        self.bytes_in = 0
        self.bytes_out = bytes_out
        self.result = "stopped"
        self._rate = 0.0
        self._mark = (time.monotonic(), 0)

    def received(self, count: int) -> None:
        """Count bytes that arrived."""
        self.bytes_in += count
        since, before = self._mark
        now = time.monotonic()
        if now - since >= _RATE_WINDOW_S:
            self._rate = (self.bytes_in - before) / (now - since)
            self._mark = (now, self.bytes_in)

    def shown(self) -> Transfer:
        """The current numbers."""
        return Transfer(self.host, self.purpose, self.bytes_in, self._rate)


class Transfers:
    """All requests under way; each has its row in the ledger before it leaves."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._running: dict[int, RunningRequest] = {}
        self._lock = threading.Lock()
        self.unanswered: Unanswered | None = None

    def begin(self, host: str, purpose: str, bytes_out: int) -> RunningRequest:
        """Write the row; raises UserError if it can't be written."""
        running = RunningRequest(self._ledger.begin(host, purpose), host, purpose, bytes_out)
        with self._lock:
            self._running[running.id] = running
        return running

    def end(self, running: RunningRequest) -> None:
        """Complete the row; a second call does nothing."""
        with self._lock:
            if self._running.pop(running.id, None) is None:
                return
        if running.result not in ("stopped", "offline_switch"):
            failed = running.result in _NO_ANSWER
            self.unanswered = Unanswered(running.host, running.result, time.monotonic()) if failed else None
        # On a full disk the row stays "open"; that must not hide how the transfer itself ended.
        with contextlib.suppress(UserError):
            self._ledger.end(running.id, running.bytes_in, running.bytes_out, running.result)

    def active(self) -> tuple[Transfer, ...]:
        """The requests under way, oldest first."""
        with self._lock:
            return tuple(running.shown() for running in self._running.values())


def _not_written(path: Path, reason: Exception) -> UserError:
    return UserError(
        tr("The record of network requests at {path} could not be written: {reason}.", path=path, reason=reason),
        tr("Nothing was sent. Free some space on this disk or check the folder's permissions, then try again."),
    )


def _not_read(path: Path, reason: Exception) -> UserError:
    return UserError(
        tr("The record of network requests at {path} could not be read: {reason}.", path=path, reason=reason),
        tr("Nothing in it was changed. Check the folder's permissions, then try again."),
    )


def _not_cleared(path: Path, reason: Exception) -> UserError:
    return UserError(
        tr("The record of network requests at {path} could not be cleared: {reason}.", path=path, reason=reason),
        tr("All of it is still there. Free some space on this disk or check the folder's permissions, then try again."),
    )
