"""A chats.db that is damaged: kept aside, and whatever can still be read brought into a new one, with a word about it.

Never does a damaged or emptied file turn silently into an empty list of chats.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from desktop_llm.chats import schema
from desktop_llm.chats.failures import DAMAGED, family, suspect_mark
from desktop_llm.chats.schema import from_sql
from desktop_llm.chats.search import searchable
from desktop_llm.errors import UserError
from desktop_llm.files import link_or_copy
from desktop_llm.words import tr

_TABLES = ("conversation", "message", "part", "citation", "draft")
_COMPANIONS = ("-wal", "-shm", "-journal", "-suspect")
_PAGE_BYTES = 4096
_PAGE_COUNT = slice(28, 32)  # https://sqlite.org/fileformat.html#the_database_header
_INNER_NODE = 5
_MAX_FAILED_PROBES = 5000
_UNKNOWN_LAST_ROW = 1 << 24


def ensure_sound(path: Path) -> str | None:
    """Create the file where there is none, salvage it where it is damaged; returns the sentence to show, if any.

    Raises UserError where the file belongs to another program, sqlite3.Error where it can't be opened at all.
    """
    companions = [name for ending in _COMPANIONS if (name := path.with_name(path.name + ending)).exists()]
    if not path.exists() and not companions:
        schema.create(path)
        return None
    reason = _damage(path)
    return _replace(path, companions, reason) if reason else None


def _damage(path: Path) -> str:
    """What is wrong with the file, in SQLite's words; empty where it is sound."""
    if not path.exists() or path.stat().st_size == 0:
        return tr("it is empty or missing")
    if suspect_mark(path).exists():
        return tr("reading it failed")
    try:
        # Read-only: closing it must not write the log into a file that turns out to be damaged.
        with contextlib.closing(schema.connect_read_only(path)) as connection:
            _refuse_foreign(connection, path)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return "" if verdict == "ok" else str(verdict)
    except UnicodeDecodeError:  # Python chokes on SQLite's message about a damaged name
        return tr("its layout can't be read")
    except sqlite3.DatabaseError as error:
        if family(error) in DAMAGED:
            return str(error)
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if not _tables(connection):
        raise UserError(
            tr(
                "{file} is a database of another program. Nothing was changed. "
                "Move it away or point Desktop LLM at another folder, then start again.",
                file=path,
            )
        )


def _tables(connection: sqlite3.Connection) -> int:
    """How many of our tables the file has."""
    marks = ", ".join("?" * len(_TABLES))
    (count,) = connection.execute(f"SELECT count(*) FROM sqlite_master WHERE name IN ({marks})", _TABLES).fetchone()
    return int(count)


def _replace(path: Path, companions: list[Path], reason: str) -> str:
    """Put a new file in the place of the damaged one in one step: until then a crash or a full disk changes nothing."""
    folder = path.parent / f"{path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for file in (path, *companions):
        if file.exists():
            link_or_copy(file, folder / file.name)
    fresh = path.with_name(path.name + ".new")
    schema.create(fresh)
    chats, messages = _salvage(folder / path.name, fresh)
    # An old log beside the new file would be played into it.
    for companion in companions:
        companion.unlink(missing_ok=True)
    fresh.replace(path)
    return tr(
        "The file with your chats was damaged ({reason}). {chats:,} chats with {messages:,} messages could be read "
        "and are here. The damaged file is kept in {folder}; a backup of yours may hold more.",
        reason=reason,
        chats=chats,
        messages=messages,
        folder=folder,
    )


def _salvage(damaged: Path, fresh: Path) -> tuple[int, int]:
    """Copy every readable row, then mend what refers to lost ones; the number of chats and messages."""
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        target.execute("BEGIN")
        source = _open(damaged) or _open(_with_sound_layout(damaged, fresh))
        if source is not None:
            with contextlib.closing(source):
                for table in _TABLES:
                    _copy_rows(source, target, table)
        _mend(target)
        _index(target)
        target.execute("COMMIT")
        (chats,) = target.execute("SELECT count(*) FROM conversation").fetchone()
        (messages,) = target.execute("SELECT count(*) FROM message").fetchone()
        return chats, messages


def _open(damaged: Path) -> sqlite3.Connection | None:
    """The file, if the pages can be read that say where each table begins."""
    try:
        connection = schema.connect_read_only(damaged)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    connection.row_factory = sqlite3.Row
    if _tables(connection) == len(_TABLES):
        return connection
    connection.close()
    return None


def _with_sound_layout(damaged: Path, fresh: Path) -> Path:
    """A copy of the damaged file with the layout's pages of a fresh one.

    The tables of a database made by `schema.create` always begin on the same pages, so they are found again.
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


def _copy_rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> None:
    known = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    for row in _readable_rows(source, table):
        present = list(row.keys())
        names = [name for name in known if name in present]
        marks = ", ".join("?" * len(names))
        # A row whose values are damaged breaks a rule of the table and is left out.
        with contextlib.suppress(sqlite3.IntegrityError):
            sql = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})"
            target.execute(sql, [row[name] for name in names])


def _readable_rows(source: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """All rows whose pages can be read: a range that fails is halved until the bad rows stand alone."""
    ranges, failures = [(0, _last_row(source, table))], 0
    while ranges and failures < _MAX_FAILED_PROBES:
        low, high = ranges.pop()
        try:
            sql = f"SELECT * FROM {table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
            yield from source.execute(sql, (low, high)).fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            failures += 1
            if low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]


def _last_row(source: sqlite3.Connection, table: str) -> int:
    for sql in (f"SELECT max(rowid) FROM {table}", f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'"):
        with contextlib.suppress(sqlite3.DatabaseError, TypeError):
            return int(source.execute(sql).fetchone()[0])
    return _UNKNOWN_LAST_ROW


def _mend(target: sqlite3.Connection) -> None:
    """Give texts without a message one, messages without a chat one, lost parents a neighbour, chats an end."""
    for statement in (
        "INSERT INTO message (seq, id, conversation, parent_id, role, status, created_at) "
        "SELECT message, lower(hex(randomblob(16))), 0, 'lost', 'assistant', 'complete', strftime('%s', 'now') "
        "FROM part WHERE message NOT IN (SELECT seq FROM message) GROUP BY message",
        "INSERT INTO conversation (seq, id, title, created_at, updated_at, touched) "
        "SELECT conversation, lower(hex(randomblob(16))), :title, min(created_at), max(created_at), 0 "
        "FROM message WHERE conversation NOT IN (SELECT seq FROM conversation) GROUP BY conversation",
        "UPDATE message SET parent_id = (SELECT id FROM message AS m WHERE m.conversation = message.conversation "
        "AND m.seq < message.seq ORDER BY m.seq DESC LIMIT 1) "
        "WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM message)",
        "UPDATE conversation SET leaf_id = (SELECT id FROM message WHERE conversation = conversation.seq "
        "ORDER BY seq DESC LIMIT 1) WHERE leaf_id IS NULL OR leaf_id NOT IN (SELECT id FROM message)",
        "DELETE FROM citation WHERE message NOT IN (SELECT seq FROM message)",
    ):
        target.execute(statement, {"title": tr("Recovered chat")})


def _index(target: sqlite3.Connection) -> None:
    for seq, title in target.execute("SELECT seq, title FROM conversation WHERE title <> ''").fetchall():
        target.execute("INSERT INTO title_search (rowid, text) VALUES (?, ?)", (seq, searchable(from_sql(title))))
    texts: dict[int, str] = {}
    for message, content in target.execute("SELECT message, content FROM part WHERE kind = 'text' ORDER BY seq"):
        texts[message] = texts.get(message, "") + from_sql(content)
    rows = [(message, searchable(text)) for message, text in texts.items()]
    target.executemany("INSERT INTO message_search (rowid, text) VALUES (?, ?)", rows)
