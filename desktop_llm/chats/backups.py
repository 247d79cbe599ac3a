"""Copies of chats.db: made before its layout changes, checked before they count, numbered so that no clock matters."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from desktop_llm.errors import FREE_SPACE, UserError
from desktop_llm.files import cannot_write, sync_folder
from desktop_llm.words import tr

KEPT = 3
# Beside two copies of the file (the backup, and the log of the upgrade) the system needs some room of its own.
_SPARE_BYTES = 8 << 20
_HALF = ".part"
_NUMBER = re.compile(r"-(\d+)\.db$")


def backups(path: Path) -> list[Path]:
    """The whole backups of this file, the oldest first: by their numbers, because a clock can be set back."""
    found = _folder(path).glob(f"{path.stem}-version-*.db")
    return sorted(found, key=lambda backup: (_number(backup), backup.name))


def check_space(path: Path) -> None:
    """Raise UserError if the disk has no room for a backup of this file and its upgrade."""
    sizes = [file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists()]
    needed, free = 2 * sum(sizes) + _SPARE_BYTES, shutil.disk_usage(path.parent).free
    if free < needed:
        raise UserError(
            tr(
                "Your chats must be brought to this version's layout. That needs {needed:,} MB on the disk with "
                "{folder}, but only {free:,} MB are free.",
                needed=math.ceil(needed / 1e6),
                free=int(free / 1e6),
                folder=path.parent,
            ),
            untouched(),
            action=FREE_SPACE,
        )


def clear_halves(path: Path) -> None:
    """Delete what a crash or a full disk left of unfinished backups."""
    for half in _folder(path).glob(f"{path.stem}-version-*{_HALF}*"):  # and a journal of SQLite's beside it
        with contextlib.suppress(OSError):
            half.unlink()


def back_up(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy the database to the folder `backups` beside it; only a whole, checked, synced copy gets its final name, and
    only then do the oldest make room.

    Raises UserError or sqlite3.Error; nothing is left of a copy that failed.
    """
    folder = _folder(path)
    half = folder / f"{path.stem}-version-{version}{_HALF}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        clear_halves(path)
        # VACUUM INTO takes an empty file, and an empty file can have its mode set before any text is in it.
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection.execute("VACUUM INTO ?", (str(half),))
        _check(connection, half)
        with half.open("rb+") as copy:
            os.fsync(copy.fileno())
        kept = backups(path)
        number = max(map(_number, kept), default=0) + 1
        target = folder / f"{path.stem}-version-{version}-{time.strftime('%Y%m%d-%H%M%S')}-{number:04}.db"
        half.rename(target)
        sync_folder(folder)
        for old in kept[: -(KEPT - 1)]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(half, error) from error
    finally:
        clear_halves(path)
    return target


def _check(connection: sqlite3.Connection, copy: Path) -> None:
    """Raise sqlite3.DatabaseError unless the copy is sound and has as many rows as the original in every table."""
    with closing(sqlite3.connect(copy.absolute().as_uri() + "?mode=ro", uri=True)) as made:
        (verdict,) = made.execute("PRAGMA quick_check(1)").fetchone()
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = [_rows(connection, name) - _rows(made, name) for name in tables]
    if verdict != "ok" or any(counts):
        raise sqlite3.DatabaseError(f"the backup differs from its original: {verdict}, {counts}")


def _rows(connection: sqlite3.Connection, table: str) -> int:
    (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    return int(count)


def _folder(path: Path) -> Path:
    return path.parent / "backups"


def _number(backup: Path) -> int:
    # The last number of a name of the first versions is a time of day, and those are the oldest.
    found = _NUMBER.search(backup.name)
    return int(found[1]) if found and len(found[1]) < 6 else 0


def untouched() -> str:
    """What is safe after an upgrade that was not possible, and what to do."""
    return tr(
        "Your chats were not changed: until then they can be read and exported, but not continued. "
        "Free some space or check the folder's permissions, then start again."
    )
