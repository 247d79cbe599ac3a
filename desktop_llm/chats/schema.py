"""The layout of chats.db, how it is opened, and how an older layout becomes the present one.

Each entry of `STEPS` lifts the layout by one version and is never edited after a release; the file's version stands in
`PRAGMA user_version`. Columns of type ANY hold text that may contain lone surrogates (see `to_sql`).
"""

from __future__ import annotations

import functools
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically
from desktop_llm.words import tr

APPLICATION_ID = 0x444C4C4D  # "DLLM"

_FULL_TEXT = "fts5(text, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')"

_FIRST = (
    """CREATE TABLE conversation (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        title ANY NOT NULL,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        touched INTEGER NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0,
        collections TEXT NOT NULL DEFAULT '[]',
        system_prompt ANY NOT NULL DEFAULT '',
        sampling TEXT NOT NULL DEFAULT '{}',
        model_id ANY,
        leaf_id TEXT,
        deleted_at REAL
    ) STRICT""",
    """CREATE TABLE message (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation INTEGER NOT NULL REFERENCES conversation(seq) ON DELETE CASCADE,
        parent_id TEXT,
        role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
        status TEXT NOT NULL CHECK (status IN ('draft', 'streaming', 'complete', 'interrupted', 'error')),
        created_at REAL NOT NULL,
        error ANY NOT NULL DEFAULT '',
        model_id ANY,
        model_name ANY,
        model_sha256 TEXT,
        adapters TEXT NOT NULL DEFAULT '[]',
        sampling TEXT NOT NULL DEFAULT '{}',
        seed INTEGER,
        finish_reason TEXT,
        usage TEXT NOT NULL DEFAULT '{}',
        timings TEXT NOT NULL DEFAULT '{}'
    ) STRICT""",
    """CREATE TABLE part (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        message INTEGER NOT NULL REFERENCES message(seq) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('text', 'thinking', 'image', 'file', 'tool')),
        content ANY NOT NULL
    ) STRICT""",
    """CREATE TABLE citation (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        message INTEGER NOT NULL REFERENCES message(seq) ON DELETE CASCADE,
        cited INTEGER NOT NULL,
        number INTEGER NOT NULL,
        document ANY NOT NULL,
        page INTEGER,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        text ANY NOT NULL,
        score REAL NOT NULL,
        verified INTEGER NOT NULL
    ) STRICT""",
    "CREATE TABLE draft (conversation_id TEXT PRIMARY KEY, text ANY NOT NULL) STRICT",
    "CREATE INDEX message_conversation ON message(conversation)",
    "CREATE INDEX message_streaming ON message(status) WHERE status = 'streaming'",
    "CREATE INDEX part_message ON part(message)",
    "CREATE INDEX citation_message ON citation(message)",
    "CREATE INDEX conversation_touched ON conversation(touched)",
    f"CREATE VIRTUAL TABLE title_search USING {_FULL_TEXT}",
    f"CREATE VIRTUAL TABLE message_search USING {_FULL_TEXT}",
)

# What an answer's documents do not hold, and where a quote stands in a format without pages.
_SECOND = (
    "ALTER TABLE message ADD COLUMN unsupported TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE citation ADD COLUMN place ANY NOT NULL DEFAULT ''",
)

STEPS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND)

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA mmap_size = 0",
)


def to_sql(text: str) -> str | bytes:
    """Text as SQLite can keep it: as it is, or as bytes where lone surrogates have no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_sql(value: str | bytes) -> str:
    """The very text that `to_sql` was given; of a damaged value what is left of it."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace")


# One flipped bit in a letter must not keep the rest of a chat from being read.
tolerant_text = functools.partial(str, encoding="utf-8", errors="replace")


def connect(path: Path) -> sqlite3.Connection:
    """The writing connection: autocommit (transactions are written out), durable at each COMMIT."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    connection.text_factory = tolerant_text
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't change the file and never checkpoints."""
    try:
        return _open_read_only(path, "mode=ro")
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if not path.exists() or (log.exists() and log.stat().st_size):
            raise
        # Even reading wants a shared-memory file beside the database. On a full disk or in a folder that can't be
        # written there is none, and nobody else can be writing either.
        return _open_read_only(path, "immutable=1")


def _open_read_only(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5)
    connection.text_factory = tolerant_text
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def create(path: Path) -> None:
    """Write an empty database of the present layout in one piece, mode 0600: it is there whole or not at all."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        memory.execute("PRAGMA auto_vacuum = INCREMENTAL")
        memory.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _apply(memory, 0, STEPS)
        write_atomically(path, memory.serialize())
    finally:
        memory.close()


def upgrade(connection: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring an older layout up to date, after a backup beside the file; each step is one transaction.

    Raises UserError for a file of a newer version of the app, and leaves it untouched.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise UserError(
            tr(
                "The chats in {file} were written by a newer version of Desktop LLM. "
                "Nothing was changed. Install the newer version again, or point this one at another folder.",
                file=path,
            )
        )
    if version < len(steps):
        _back_up(connection, path, version)
        _apply(connection, version, steps)


def backups(path: Path) -> list[Path]:
    """The copies that upgrades of this file left."""
    return sorted((path.parent / "backups").glob(f"{path.stem}-version-*.db"))


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{path.stem}-version-{version}-{time.strftime('%Y%m%d-%H%M%S')}.db"
    # VACUUM INTO takes an empty file, and an empty file can have its mode set before any text is in it.
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection.execute("VACUUM INTO ?", (str(target),))


def _apply(connection: sqlite3.Connection, version: int, steps: Sequence[Sequence[str]]) -> None:
    for number, statements in enumerate(steps[version:], start=version + 1):
        connection.execute("BEGIN EXCLUSIVE")
        try:
            for statement in statements:
                connection.execute(statement)
            if connection.execute("PRAGMA foreign_key_check").fetchone():
                raise sqlite3.IntegrityError(f"layout {number} breaks a reference")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
