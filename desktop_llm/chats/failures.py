"""What SQLite's failures mean to a person; the words for a chats file that can't be read or written."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from desktop_llm.errors import Busy, UserError
from desktop_llm.words import tr

# The low byte of an extended result code is its family: https://sqlite.org/rescode.html
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


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
    code, folder = family(error), path.parent
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        text = tr(
            "Another program is using the chats in {folder}. Nothing was lost. Close it, then try again.", folder=folder
        )
        return Busy(text, str(error))
    if code in DAMAGED:
        text = tr(
            "The chats file {file} is damaged. What is shown is still here. "
            "Start the app again: it will bring back all that can be read and keep the damaged file.",
            file=path,
        )
    elif code == sqlite3.SQLITE_FULL:
        text = tr(
            "The disk with {folder} is full, so this could not be saved. What was saved before is "
            "safe and your text is still here. Free some space, then try again.",
            folder=folder,
        )
    elif code == sqlite3.SQLITE_IOERR:
        text = tr(
            "The system refused to write to {folder}: the disk is full, gone or failing. What was saved "
            "before is safe and your text is still here. Check the disk and its free space, then try again.",
            folder=folder,
        )
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        text = tr(
            "{folder} can't be written to, so this could not be saved. What was saved before is safe "
            "and your text is still here. Check the permissions of the folder, then try again.",
            folder=folder,
        )
    elif code == sqlite3.SQLITE_CANTOPEN:
        text = tr(
            "The chats in {folder} could not be opened. Nothing was changed. Check that the folder "
            "exists, belongs to you and that its disk is not full, then start again.",
            folder=folder,
        )
    else:
        return None
    return UserError(text, str(error))
