"""The files below what a person dropped, and one file's content: nothing is followed, nothing blocks."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import DocumentError
from desktop_llm.words import tr

MAX_DEPTH = 64
MAX_FILE_BYTES = 200_000_000

# Made by programs for programs; hidden ones (.git, .venv) are left out by their dot.
_JUNK_FOLDERS = frozenset({"node_modules", "__pycache__", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})
_JUNK_FILES = frozenset({"Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells without reading whether a file has changed."""

    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes with their hash and the state they were read in."""

    data: bytes
    sha256: str
    state: FileState


def files_below(path: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """`path` itself if it is no folder, else the ordinary files below it, sorted, links and hidden ones left out."""
    if not path.is_dir():
        yield path
        return
    for entry in _entries(path):
        if entry.is_symlink() or entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth > 1 and entry.name not in _JUNK_FOLDERS:
                yield from files_below(Path(entry.path), depth - 1)
        elif entry.is_file(follow_symlinks=False) and not _is_junk(entry.name):
            yield Path(entry.path)


def state_of(path: Path) -> FileState:
    """The file's size and time. Raises DocumentError where it is missing or not a file of ordinary size."""
    try:
        return _checked(path.stat())
    except OSError as error:
        raise _unreadable(error) from error


def content_of(path: Path) -> Content:
    """Read a file once, without waiting for pipes or devices. Raises DocumentError with the reason in words."""
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
        return []  # no permission, or gone meanwhile: what can be read is read


def _is_junk(name: str) -> bool:
    return name in _JUNK_FILES or name.startswith("~$")


def _checked(found: os.stat_result) -> FileState:
    if not stat.S_ISREG(found.st_mode):
        raise DocumentError(tr("Not a file"), "format")
    if found.st_size > MAX_FILE_BYTES:
        raise _too_large()
    if found.st_size == 0:
        raise DocumentError(tr("The file is empty"), "empty")
    return FileState(found.st_size, found.st_mtime_ns)


def _too_large() -> DocumentError:
    return DocumentError(tr("Larger than {limit:,.0f} MB", limit=MAX_FILE_BYTES / 1e6), "too_large")


def _unreadable(error: OSError) -> DocumentError:
    if isinstance(error, FileNotFoundError):
        return DocumentError(tr("The file is not there"), "missing")
    if isinstance(error, PermissionError):
        return DocumentError(tr("No permission to read this file"))
    reason = error.strerror or tr("the system gave no reason")
    return DocumentError(tr("The system could not read it: {reason}", reason=reason))
