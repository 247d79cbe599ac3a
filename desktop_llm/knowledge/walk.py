"""Finds the files below a dropped path and reads one file's content; follows no links and never blocks."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_FILE_BYTES
from desktop_llm.words import tr

MAX_DEPTH = 64

# Folders made by programs for programs; hidden ones (.git, .venv) are left out because of their dot.
_JUNK_FOLDERS = frozenset({"node_modules", "__pycache__", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})
_JUNK_FILES = frozenset({"Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class FileState:
    """A file's size and time, which tell whether it has changed without reading it."""

    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes with their hash and the state they were read in."""

    data: bytes
    sha256: str
    state: FileState


def files_below(path: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """`path` itself if it is not a folder, otherwise the ordinary files below it, sorted, without links and hidden
    files. A folder that lies too deep comes as itself, and reading it gives the reason.
    """
    if not path.is_dir():
        yield path
        return
    for entry in _entries(path):
        if entry.is_symlink() or entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name in _JUNK_FOLDERS:
                continue
            if depth > 1:
                yield from files_below(Path(entry.path), depth - 1)
            else:
                yield Path(entry.path)
        elif entry.is_file(follow_symlinks=False) and not _is_junk(entry.name):
            yield Path(entry.path)


def state_of(path: Path) -> FileState:
    """The file's size and time. Raises DocumentError if it is missing, too large or not an ordinary file."""
    try:
        return _checked(path.stat())
    except OSError as error:
        raise _unreadable(error) from error


def content_of(path: Path) -> Content:
    """Read a file's content, without waiting for pipes or devices. Raises DocumentError with the reason in words."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            state = _checked(os.fstat(handle))
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(error) from error
    if len(data) > MAX_FILE_BYTES:
        raise _too_large()
    return Content(data, hashlib.sha256(data).hexdigest(), state)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []  # no permission, or gone meanwhile: read the rest


def _is_junk(name: str) -> bool:
    return name in _JUNK_FILES or name.startswith("~$")


def _checked(found: os.stat_result) -> FileState:
    if stat.S_ISDIR(found.st_mode):
        raise _too_deep()
    if not stat.S_ISREG(found.st_mode):
        raise DocumentError(tr("Not a file"), cause="format")
    if found.st_size > MAX_FILE_BYTES:
        raise _too_large()
    if found.st_size == 0:
        raise DocumentError(tr("The file is empty"), cause="empty")
    return FileState(found.st_size, found.st_mtime_ns)


def _too_large() -> DocumentError:
    return DocumentError(tr("Larger than {limit:,.0f} MB", limit=MAX_FILE_BYTES / 1e6), cause="too_large")


def _too_deep() -> DocumentError:
    return DocumentError(
        tr(
            "More than {depth} folders deep, so what is in this folder was left out. Add it by itself.", depth=MAX_DEPTH
        ),
        cause="format",
    )


def _unreadable(error: OSError) -> DocumentError:
    if isinstance(error, IsADirectoryError):
        return _too_deep()
    if isinstance(error, FileNotFoundError):
        return DocumentError(tr("The file is not there"), cause="missing")
    if isinstance(error, PermissionError):
        return DocumentError(tr("No permission to read this file"))
    reason = error.strerror or tr("the system gave no reason")
    return DocumentError(tr("The system could not read it: {reason}", reason=reason))
