"""Salvages a damaged chats.db: keeps it aside, brings everything that can still be read into a new file, and says so.

A damaged or emptied file never silently becomes an empty list of chats.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from desktop_llm import sqlite_files
from desktop_llm.chats import repair, schema
from desktop_llm.chats.schema import from_sql
from desktop_llm.chats.search import searchable
from desktop_llm.errors import UserError
from desktop_llm.words import tr

# Without the tokens of answers and what files gave, which can be worked out again.
_TABLES = ("conversation", "message", "part", "citation", "draft")
_CHECKED_WHOLE_BYTES = 64 << 20  # about 0.4 s; quick_check takes a third of that


def ensure_sound(path: Path) -> str | None:
    """Create the file if there is none, salvage it if it is damaged; returns the sentence to show, if any.

    Raises UserError if the file belongs to another program, sqlite3.Error if it can't be opened at all.
    """
    if sqlite_files.salvaged(path).exists():
        sqlite_files.take_place(path)
        return _told(path, tr("it could not be read at the last start"))
    if not path.exists() and not sqlite_files.companions(path):
        schema.create(path)
        return None
    reason = _damage(path)
    return _replace(path, reason) if reason else None


def _damage(path: Path) -> str:
    """The damage to the file in SQLite's words, "" if it is sound."""
    if not path.exists() or path.stat().st_size == 0:
        return tr("it is empty or missing")
    if sqlite_files.suspect_mark(path).exists():
        return tr("reading it failed")
    if not sqlite_files.header_is_known(path):
        return tr("its layout can't be read")
    try:
        # Read-only: closing it must not write the log into a file that turns out to be damaged.
        with contextlib.closing(sqlite_files.connect_read_only(path)) as connection:
            _refuse_foreign(connection, path)
            # The slower check compares indexes with their tables: an entry that is missing there hides a message.
            check = "integrity_check" if path.stat().st_size < _CHECKED_WHOLE_BYTES else "quick_check"
            (verdict,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
            if verdict == "ok" and not schema.layout_is_known(connection):
                return tr("its layout is not that of its version")
            return "" if verdict == "ok" else str(verdict)
    except UnicodeDecodeError:  # Python chokes on SQLite's message about a damaged name
        return tr("its layout can't be read")
    except sqlite3.DatabaseError as error:
        if sqlite_files.family(error) in sqlite_files.DAMAGED:
            return str(error)
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if not sqlite_files.count_tables(connection, _TABLES):
        raise UserError(
            tr("{file} is a database of another program.", file=path),
            tr("Nothing was changed. Move it away or point Desktop LLM at another folder, then start again."),
        )


def _replace(path: Path, reason: str) -> str:
    """Put a new file in the place of the damaged one; until it is whole, a crash or a full disk changes nothing."""
    folder = sqlite_files.keep_aside(path)
    fresh = path.with_name(path.name + ".new")
    schema.create(fresh)
    _salvage(folder / path.name, fresh)
    sqlite_files.put_in_place(fresh, path)
    return _told(path, reason)


def _told(path: Path, reason: str) -> str:
    with contextlib.closing(sqlite_files.connect_read_only(path)) as made:
        (chats,) = made.execute("SELECT count(*) FROM conversation").fetchone()
        (messages,) = made.execute("SELECT count(*) FROM message").fetchone()
    return tr(
        "The file with your chats was damaged ({reason}). {chats:,} chats with {messages:,} messages could be read "
        "and are here. The damaged file is kept in {folder}; a backup of yours may hold more.",
        reason=reason,
        chats=chats,
        messages=messages,
        folder=sqlite_files.last_kept(path),
    )


def _salvage(damaged: Path, fresh: Path) -> None:
    """Copy every readable row, then mend references to lost ones."""
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        target.execute("PRAGMA ignore_check_constraints = ON")  # a damaged word must not cost the text beside it
        target.execute("BEGIN")
        source = sqlite_files.open_damaged(damaged, fresh, _TABLES)
        if source is not None:
            with contextlib.closing(source):
                for table in _TABLES:
                    sqlite_files.copy_rows(source, target, table)
        repair.mend(target)
        _index(target)
        target.execute("COMMIT")


def _index(target: sqlite3.Connection) -> None:
    for seq, title in target.execute("SELECT seq, title FROM conversation WHERE title <> ''").fetchall():
        target.execute("INSERT INTO title_search (rowid, text) VALUES (?, ?)", (seq, searchable(from_sql(title))))
    texts: dict[int, str] = {}
    for message, content in target.execute("SELECT message, content FROM part WHERE kind = 'text' ORDER BY seq"):
        texts[message] = texts.get(message, "") + from_sql(content)
    rows = [(message, searchable(text)) for message, text in texts.items()]
    target.executemany("INSERT INTO message_search (rowid, text) VALUES (?, ?)", rows)
