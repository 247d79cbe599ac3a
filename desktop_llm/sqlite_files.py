"""SQLite files that may be damaged: opens one without changing it, keeps it aside, copies the rows that can be read.

The stores of the chats and of the documents salvage their files with it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from desktop_llm.files import link_or_copy, sync_folder, unused

# The low byte of an extended result code is its family: https://sqlite.org/rescode.html
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# Of a damaged number in the header, and in a full-text index.
_DAMAGE_WITHOUT_CODE = ("unsupported file format", "invalid fts5 file format")

_COMPANIONS = ("-wal", "-shm", "-journal", "-suspect")
_PAGE_BYTES = 4096
_PAGE_COUNT = slice(28, 32)  # https://sqlite.org/fileformat.html#the_database_header
_INNER_NODE = 5
_MAX_FAILED_PROBES = 5000
_SLICE = 1000  # rows in memory at once
_UNKNOWN_LAST_ROW = 1 << 24

# One flipped bit in a letter must not make the rest of a text unreadable.
tolerant_text = functools.partial(str, encoding="utf-8", errors="replace")


def family(error: sqlite3.Error) -> int:
    """The primary result code of an error; 0 if Python itself raised it."""
    if str(error).startswith(_DAMAGE_WITHOUT_CODE):
        return sqlite3.SQLITE_CORRUPT
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def header_is_known(path: Path) -> bool:
    """Whether SQLite would write to the file: it opens one of an unknown version to be read, as if on a bad disk."""
    with path.open("rb") as file:
        versions = file.read(20)[18:]
    return all(version <= 2 for version in versions)  # https://sqlite.org/fileformat.html#file_format_version_numbers


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't change the file and never checkpoints.

    Reading needs a shared-memory file beside the database. On a full or read-only disk it may be missing and can't be
    made; then nobody else can be writing, and the database is read without it. Such a connection does not see later
    changes.
    """
    try:
        return _open_read_only(path, "mode=ro")
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if not path.exists():
            raise
        if not (log.exists() and log.stat().st_size):
            return _open_read_only(path, "immutable=1")
        if os.name != "posix":
            raise
        # "immutable" would leave out what is still in the log; a connection without locks reads it into memory.
        return _open_read_only(path, "mode=ro&vfs=unix-none", "PRAGMA locking_mode = EXCLUSIVE")


def _open_read_only(path: Path, mode: str, *pragmas: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
    connection.text_factory = tolerant_text
    try:
        for pragma in (*pragmas, "PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF"):
            connection.execute(pragma)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def suspect_mark(path: Path) -> Path:
    """The path of the empty file that says: reading failed, so salvage at the next start even if a check passes."""
    return path.with_name(path.name + "-suspect")


def mark_suspect(path: Path) -> None:
    """Note that reading the file failed."""
    with contextlib.suppress(OSError):
        suspect_mark(path).touch(mode=0o600)


def companions(path: Path) -> list[Path]:
    """The files beside a database that belong to it."""
    return [name for ending in _COMPANIONS if (name := path.with_name(path.name + ending)).exists()]


def keep_aside(path: Path) -> Path:
    """Keep a damaged database with its companions in a new folder beside it, which is returned; they also stay where
    they are. Raises UserError if the disk is full.
    """
    folder = unused(path.parent / f"{path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    folder.mkdir(mode=0o700)
    for file in (path, *companions(path)):
        if file.exists():
            link_or_copy(file, folder / file.name)
    sync_folder(folder)
    return folder


def salvaged(path: Path) -> Path:
    """Where a whole new file waits to take the damaged one's place."""
    return path.with_name(path.name + ".salvaged")


def put_in_place(fresh: Path, path: Path) -> None:
    """Replace a damaged database, which was kept aside, by a whole new one."""
    fresh.replace(salvaged(path))
    sync_folder(path.parent)
    take_place(path)


def take_place(path: Path) -> None:
    """Give the waiting new file its name. If the app is killed in between, the next start goes on here."""
    # SQLite would play an old log beside the new file into it.
    for companion in companions(path):
        companion.unlink(missing_ok=True)
    sync_folder(path.parent)
    salvaged(path).replace(path)
    sync_folder(path.parent)


def last_kept(path: Path) -> Path:
    """The folder of the last damaged file that was kept aside."""
    kept = sorted(path.parent.glob(f"{path.stem}-damaged-*"), key=lambda folder: folder.stat().st_ctime)
    return kept[-1] if kept else path.parent


def open_damaged(damaged: Path, fresh: Path, tables: Sequence[str]) -> sqlite3.Connection | None:
    """The damaged file if the pages that say where its tables begin can be read, otherwise a copy of it with these
    pages of `fresh`, an empty database of the same layout; None if neither opens.
    """
    return _open(damaged, tables) or _open(_with_sound_layout(damaged, fresh), tables)


def count_tables(connection: sqlite3.Connection, tables: Sequence[str]) -> int:
    """How many of these tables the file has."""
    marks = ", ".join("?" * len(tables))
    query = f"SELECT count(*) FROM sqlite_master WHERE name IN ({marks})"
    return int(connection.execute(query, list(tables)).fetchone()[0])


def _open(damaged: Path, tables: Sequence[str]) -> sqlite3.Connection | None:
    try:
        connection = connect_read_only(damaged)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    connection.row_factory = sqlite3.Row
    try:
        if count_tables(connection, tables) == len(tables):
            return connection
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        pass
    connection.close()
    return None


def _with_sound_layout(damaged: Path, fresh: Path) -> Path:
    """A copy of the damaged file with the layout's pages of a fresh one.

    The tables of databases that were made by the same statements begin on the same pages, so they are found again.
    """
    mended = damaged.with_name(damaged.name + ".layout-replaced")
    mended.touch(mode=0o600)
    if damaged.exists():
        shutil.copyfile(damaged, mended)
    size, sound = mended.stat().st_size, bytearray(fresh.read_bytes())
    sound[_PAGE_COUNT] = max(1, size // _PAGE_BYTES).to_bytes(4, "big")
    with mended.open("r+b") as target:
        for page in _layout_pages(bytes(sound)):
            start = (page - 1) * _PAGE_BYTES
            target.seek(start)
            target.write(sound[start : start + _PAGE_BYTES])
    return mended


def _layout_pages(sound: bytes) -> list[int]:
    """The first page and, as it is an inner node of a b-tree (https://sqlite.org/fileformat.html), its leaves."""
    if sound[100] != _INNER_NODE:
        return [1]
    cells = [int.from_bytes(sound[at : at + 2]) for at in range(112, 112 + 2 * int.from_bytes(sound[103:105]), 2)]
    return [1, *(int.from_bytes(sound[at : at + 4]) for at in (*cells, 108))]


def copy_rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str, by: str = "rowid") -> None:
    """Copy all rows of a table that can be read, in the columns that both sides have; `source` gives sqlite3.Row.

    `by` names the whole number that finds the rows: in a table without rowid, its first key.
    """
    known = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    for row in _readable_rows(source, table, by):
        present = list(row.keys())
        names = [name for name in known if name in present]
        columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        # A row with damaged values breaks a rule of the table, so it is left out.
        with contextlib.suppress(sqlite3.IntegrityError):
            sql = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
            target.execute(sql, [row[name] for name in names])


def _readable_rows(source: sqlite3.Connection, table: str, by: str) -> Iterator[sqlite3.Row]:
    """All rows whose pages can be read: a range that fails is halved until only the bad rows are left out."""
    last = _last_row(source, table, by)
    ranges, failures = [(low, min(low + _SLICE - 1, last)) for low in range(0, last + 1, _SLICE)][::-1], 0
    while ranges and failures < _MAX_FAILED_PROBES:
        low, high = ranges.pop()
        try:
            sql = f"SELECT * FROM {table} WHERE {by} BETWEEN ? AND ? ORDER BY {by}"
            yield from source.execute(sql, (low, high)).fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            failures += 1
            if low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]


def _last_row(source: sqlite3.Connection, table: str, by: str) -> int:
    for sql in (f"SELECT max({by}) FROM {table}", f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'"):
        with contextlib.suppress(sqlite3.DatabaseError, TypeError):
            return int(source.execute(sql).fetchone()[0])
    return _UNKNOWN_LAST_ROW
