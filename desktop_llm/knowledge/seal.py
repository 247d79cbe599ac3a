"""The file beside knowledge.db that tells at the next start whether it is still what it was, and what it held.

It has the size, time and checksum that the database had when it was closed, and the names of the collections with the
paths of their files and with their folders: if the database is lost, its documents can be read again and its folders
are still watched. While the database is open the checksum is empty, because it changes with every write.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically
from desktop_llm.sqlite_files import DAMAGED, connect_read_only, family, mark_suspect

_FOLDER_SEAL = "seal.json"


@dataclass(frozen=True, slots=True)
class KnownFolder:
    """A remembered folder as the database has it: the patterns are one a line."""

    path: bytes
    include: str
    exclude: str
    watched: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the collections hold, by their names: the paths of their files, and their remembered folders."""

    lists: dict[str, list[bytes]]
    folders: dict[str, list[KnownFolder]]


@dataclass(frozen=True, slots=True)
class Seal:
    """What was noted; `checksum` is "" if the database was not closed."""

    size_bytes: int
    mtime_ns: int
    checksum: str
    held: Held

    def fits(self, path: Path) -> bool:
        """Whether the database is the one that was closed; it is read only if its size or time differ."""
        found = path.stat()
        same = (found.st_size, found.st_mtime_ns) == (self.size_bytes, self.mtime_ns)
        return same or (found.st_size == self.size_bytes and checksum_of(path) == self.checksum)


def seal_file(path: Path) -> Path:
    """Where the seal of a database is."""
    return path.with_name(path.stem + "-seal.json")


def read_seal(path: Path) -> Seal | None:
    """The seal of a database; None if there is none that can be read."""
    try:
        kept = json.loads(seal_file(path).read_bytes())
        lists = {str(name): [base64.b64decode(each) for each in paths] for name, paths in kept["lists"].items()}
        folders = {str(name): [_folder(*each) for each in known] for name, known in kept.get("folders", {}).items()}
        return Seal(int(kept["size"]), int(kept["mtime_ns"]), str(kept["checksum"]), Held(lists, folders))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _folder(path: str, include: str, exclude: str, watched: int) -> KnownFolder:
    return KnownFolder(base64.b64decode(path), str(include), str(exclude), int(watched))


def break_seal(path: Path, seal: Seal | None) -> None:
    """Note that the database is open; what it holds stays."""
    if seal is not None and seal.checksum:
        _write(path, replace(seal, checksum=""))


def seal(path: Path, held: Held, before: Seal | None) -> None:
    """Note what the closed database is and holds; `before` is its seal when it was opened.

    A file that was damaged while it was open gets no seal, but the mark that has it recovered at the next start.
    """
    found = path.stat()
    if before and before.checksum and (found.st_size, found.st_mtime_ns) == (before.size_bytes, before.mtime_ns):
        _write(path, replace(before, held=held))
    elif not _is_in_order(path):
        mark_suspect(path)
    else:
        _write(path, Seal(found.st_size, found.st_mtime_ns, checksum_of(path), held))


def _is_in_order(path: Path) -> bool:
    try:
        with contextlib.closing(connect_read_only(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except UnicodeDecodeError:  # Python chokes on SQLite's message about a damaged name
        return False
    except sqlite3.DatabaseError as error:
        return family(error) not in DAMAGED


def note_held(path: Path, held: Held) -> None:
    """Note what a database holds that stays open."""
    _write(path, Seal(0, 0, "", held))


def checksum_of(path: Path) -> str:
    """The checksum of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def seal_folder(folder: Path) -> None:
    """Note what the files of a closed index are."""
    with contextlib.suppress(UserError, OSError):
        write_atomically(folder / _FOLDER_SEAL, json.dumps(_files_of(folder)).encode())


def open_folder(folder: Path) -> bool:
    """Whether the files of an index are those that were closed, if that was noted; the note goes away if they are."""
    note = folder / _FOLDER_SEAL
    try:
        noted = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return not note.exists()
    if noted != _files_of(folder):
        return False
    note.unlink(missing_ok=True)
    return True


def _files_of(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != _FOLDER_SEAL)
    return {file.relative_to(folder).as_posix(): checksum_of(file) for file in sorted(files)}


def _write(path: Path, seal: Seal) -> None:
    lists = {name: list(map(_as_text, paths)) for name, paths in seal.held.lists.items()}
    folders = {
        name: [(_as_text(each.path), each.include, each.exclude, each.watched) for each in known]
        for name, known in seal.held.folders.items()
    }
    kept = {"size": seal.size_bytes, "mtime_ns": seal.mtime_ns, "checksum": seal.checksum} | {
        "lists": lists,
        "folders": folders,
    }
    with contextlib.suppress(UserError):  # on a full or read-only disk the database can't change either
        write_atomically(seal_file(path), json.dumps(kept).encode())


def _as_text(path: bytes) -> str:
    return base64.b64encode(path).decode()
