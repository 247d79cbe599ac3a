"""The layout of chats.db, how to open it, how to upgrade an older layout, and what its failures mean.

Each entry of `STEPS` upgrades the layout by one version and is never edited after a release; the file's version stands
in `PRAGMA user_version`. Columns of type ANY hold text that may contain lone surrogates (see `to_sql`).
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from desktop_llm.chats import backups, repair
from desktop_llm.errors import FREE_SPACE, Busy, UserError
from desktop_llm.files import cannot_write, write_atomically
from desktop_llm.sqlite_files import DAMAGED, family, mark_suspect, tolerant_text
from desktop_llm.words import tr

APPLICATION_ID = 0x444C4C4D  # "DLLM"
_LAST_VERSION = 1000  # a number beyond it is damage, not a newer app

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

# The sentences that no document supports, and the place of a quote in a format without pages.
_SECOND = (
    "ALTER TABLE message ADD COLUMN unsupported TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE citation ADD COLUMN place ANY NOT NULL DEFAULT ''",
)

# Messages may hold tool calls and results, and an error has a title and a text. The wider rules touch no row, so only
# their wording changes (https://sqlite.org/lang_altertable.html#otheralter): every table stays on the page where
# `salvage` looks for it. The added column makes other connections read the layout again.
_THIRD = (
    "ALTER TABLE message ADD COLUMN error_text ANY NOT NULL DEFAULT ''",
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_master SET sql = replace(sql, '''assistant'')', '''assistant'', ''tool'')') WHERE name = 'message'",
    "UPDATE sqlite_master SET sql = replace(sql, '''tool'')', '''tool_call'', ''tool_result'')') WHERE name = 'part'",
    "PRAGMA writable_schema = RESET",
    "UPDATE part SET kind = 'tool_result', content = json_object('id', '', 'text', CAST(content AS TEXT)) "
    "WHERE kind = 'tool'",
)

# The mix of adapters that a chat goes on with; each message has always kept its own.
_FOURTH = ("ALTER TABLE conversation ADD COLUMN adapters TEXT NOT NULL DEFAULT '[]'",)

# Whether the model may use tools in a chat, and which.
_FIFTH = ("ALTER TABLE conversation ADD COLUMN tools TEXT NOT NULL DEFAULT '{}'",)

# The tokens of an answer, in a table of their own because only few are ever looked at; and what an answer goes on from.
# Tokens that lose their message harm nothing, so no rule ties them to it.
_SIXTH = (
    "CREATE TABLE token (message INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT",
    "ALTER TABLE message ADD COLUMN continued TEXT NOT NULL DEFAULT '{}'",
)

# The headings and column names that a model read with a passage: a later prompt repeats them to the letter.
_SEVENTH = ("ALTER TABLE citation ADD COLUMN context ANY NOT NULL DEFAULT ''",)

# How a chat uses its documents, how far an answer looked, and what each file gave if all of them were read. What files
# gave is found again by reading them, so no rule ties it to its message.
_EIGHTH = (
    "ALTER TABLE conversation ADD COLUMN way TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE message ADD COLUMN coverage TEXT NOT NULL DEFAULT '{}'",
    "CREATE TABLE file_read (message INTEGER NOT NULL, path ANY NOT NULL, content TEXT NOT NULL, "
    "PRIMARY KEY (message, path)) STRICT",
)

# What the documents say about each sentence of an answer.
_NINTH = ("ALTER TABLE message ADD COLUMN checks TEXT NOT NULL DEFAULT '[]'",)

# How the passages of an answer were found and what the model read, of the newest answers; where else a passage stands.
_TENTH = (
    "CREATE TABLE search_details (message INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT",
    "ALTER TABLE citation ADD COLUMN also_in ANY NOT NULL DEFAULT '[]'",
)

STEPS: tuple[tuple[str, ...], ...] = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    _NINTH,
    _TENTH,
)

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
    """The text as SQLite can keep it: unchanged, or as bytes if it has lone surrogates, which UTF-8 can't encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_sql(value: str | bytes) -> str:
    """The text that `to_sql` got, or the readable part of it if the value is damaged."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace")


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


def create(path: Path) -> None:
    """Write an empty database of the current layout, mode 0600: it is there whole or not at all."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        memory.execute("PRAGMA auto_vacuum = INCREMENTAL")
        memory.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _apply(memory, 0, STEPS)
        write_atomically(path, memory.serialize())
    finally:
        memory.close()


def upgrade(connection: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring an older layout up to date in one transaction, after a checked backup beside the file.

    Raises UserError if a newer version of the app wrote the file, or if the disk does not let the upgrade happen; the
    file is then untouched.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise UserError(
            tr("The chats in {file} were written by a newer version of Desktop LLM.", file=path),
            tr("Nothing was changed. Install the newer version again, or point this one at another folder."),
        )
    if version == len(steps):
        backups.clear_halves(path)
        return
    backups.check_space(path)
    try:
        backups.back_up(connection, path, version)
        _apply(connection, version, steps)
    except sqlite3.Error as error:
        if family(error) not in _DISK:
            raise
        raise UserError(
            tr("Your chats could not be brought to this version's layout: {reason}.", reason=_reason(error)),
            backups.untouched(),
            action=FREE_SPACE,
            details=str(error),
        ) from error
    except UserError as error:
        raise UserError(error.title, backups.untouched(), action=FREE_SPACE, details=error.details) from error


def sound_copy(connection: sqlite3.Connection) -> sqlite3.Connection | None:
    """The whole database in memory, repaired and in the current layout; None if the file itself is that, or newer.

    So chats can be read while the file itself can't be repaired or upgraded.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    is_current = version == len(STEPS)
    if version not in range(1, len(STEPS) + 1):
        return None
    try:
        if not layout_is_known(connection) or (is_current and repair.is_whole(connection)):
            return None
        return _repaired_copy(connection, version)
    except sqlite3.Error:
        if is_current:  # a page is damaged: the others can still be read, from the file itself
            return None
        raise


def _repaired_copy(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        memory.text_factory = tolerant_text
        connection.backup(memory)
        repair.repair(memory)
        _apply(memory, version, STEPS)
    except sqlite3.Error:
        memory.close()
        raise
    return memory


def layout_is_known(connection: sqlite3.Connection) -> bool:
    """Whether our tables have the columns of the file's version; True too for a version of a newer app."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if len(STEPS) < version <= _LAST_VERSION:
        return True
    if not 0 < version <= len(STEPS):
        return False
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        _apply(memory, 0, STEPS)
        names = {table for table, _ in _columns(memory)}
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        _apply(memory, 0, STEPS[:version])
        expected = _columns(memory)
    return {(table, column) for table, column in _columns(connection) if table in names} == expected


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    sql = "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    return set(connection.execute(sql))


def _apply(connection: sqlite3.Connection, version: int, steps: Sequence[Sequence[str]]) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for statement in itertools.chain.from_iterable(steps[version:]):
            connection.execute(statement)
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError("the new layout breaks a reference")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that failed; SQLite may have ended it already, for example on a full disk."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


_REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, *_REFUSED})


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn an error of the disk or the file into a UserError; errors caused by our own bugs pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        if family(error) in DAMAGED:
            mark_suspect(path)
        sentence = _sentence(path, error)
        if sentence is None:
            raise
        raise sentence from error
    except OSError as error:
        raise cannot_write(path, error) from error


def _reason(error: sqlite3.Error) -> str:
    if family(error) == sqlite3.SQLITE_FULL:
        return tr("the disk is full")
    if family(error) == sqlite3.SQLITE_IOERR:
        return tr("the disk is full, gone or failing")
    return tr("its folder can't be written to")


_UNREADABLE = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)


def _sentence(path: Path, error: sqlite3.Error) -> UserError | None:
    code, folder = family(error), path.parent
    action = FREE_SPACE
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        title = tr("Another program is using the chats in {folder}.", folder=folder)
        return Busy(title, tr("Nothing was lost. Close it, then try again."), details=str(error))
    if code in DAMAGED:
        action = ""
        title = tr("The chats file {file} is damaged.", file=path)
        text = tr(
            "Everything on screen is still here. "
            "Start the app again: it will bring back all that can be read and keep the damaged file."
        )
    elif code == sqlite3.SQLITE_FULL:
        title = tr("The disk with {folder} is full, so this could not be saved.", folder=folder)
        text = tr("What was saved before is safe and your text is still here. Free some space, then try again.")
    elif getattr(error, "sqlite_errorcode", 0) in _UNREADABLE:
        title = tr("The chats in {folder} could not be read: the disk is failing or gone.", folder=folder)
        text = tr("Nothing was changed, and your text is still here. Check the disk, then try again.")
    elif code == sqlite3.SQLITE_IOERR:
        title = tr("The system refused to write to {folder}: the disk is full, gone or failing.", folder=folder)
        text = tr(
            "What was saved before is safe and your text is still here. "
            "Check the disk and its free space, then try again."
        )
    elif code in _REFUSED:
        title = tr("{folder} can't be written to, so this could not be saved.", folder=folder)
        text = tr(
            "What was saved before is safe and your text is still here. "
            "Check the permissions of the folder, then try again."
        )
    elif code == sqlite3.SQLITE_CANTOPEN:
        title = tr("The chats in {folder} could not be opened.", folder=folder)
        text = tr(
            "Nothing was changed. Check that the folder exists and belongs to you, and that its disk is not full, "
            "then start again."
        )
    else:
        return None
    return UserError(title, text, action=action, details=str(error))
