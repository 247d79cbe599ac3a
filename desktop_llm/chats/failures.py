"""What SQLite's failures mean to a person; the words for a chats file that can't be read or written."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from desktop_llm.errors import Busy, UserError

# The low byte of an extended result code is its family: https://sqlite.org/rescode.html
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk with {folder} is full, so this could not be saved. What was saved before is "
    "safe and your text is still here. Free some space, then try again.",
    sqlite3.SQLITE_IOERR: "The system refused to write to {folder}: the disk is full, gone or failing. What was saved "
    "before is safe and your text is still here. Check the disk and its free space, then try again.",
    sqlite3.SQLITE_READONLY: "{folder} can't be written to, so this could not be saved. What was saved before is safe "
    "and your text is still here. Check the permissions of the folder, then try again.",
    sqlite3.SQLITE_CANTOPEN: "The chats in {folder} could not be opened. Nothing was changed. Check that the folder "
    "exists, belongs to you and that its disk is not full, then start again.",
}
_SENTENCES[sqlite3.SQLITE_PERM] = _SENTENCES[sqlite3.SQLITE_AUTH] = _SENTENCES[sqlite3.SQLITE_READONLY]


def family(error: sqlite3.Error) -> int:
    """The primary result code; 0 where Python itself raised the error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn what the disk or the file is to blame for into a UserError; a mistake of ours passes as it is."""
    try:
        yield
    except sqlite3.Error as error:
        if family(error) in DAMAGED:
            _mark_suspect(path)
        sentence = _sentence(path, error)
        if sentence is None:
            raise
        raise sentence from error


def suspect_mark(path: Path) -> Path:
    """The empty file that says: reading failed, so salvage at the next start, whatever a quick check says."""
    return path.with_name(path.name + "-suspect")


def _mark_suspect(path: Path) -> None:
    with contextlib.suppress(OSError):
        suspect_mark(path).touch(mode=0o600)


def _sentence(path: Path, error: sqlite3.Error) -> UserError | None:
    code = family(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(
            f"Another program is using the chats in {path.parent}. Nothing was lost. Close it, then try again.",
            str(error),
        )
    if code in DAMAGED:
        return UserError(
            f"The chats file {path} is damaged. What is shown is still here. "
            "Start the app again: it will bring back all that can be read and keep the damaged file.",
            str(error),
        )
    if code in _SENTENCES:
        return UserError(_SENTENCES[code].format(folder=path.parent), str(error))
    return None
