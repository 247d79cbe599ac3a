"""Finds the files below a folder and reads one file's content; never blocks, and never leaves the folder by a link."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_FILE_BYTES
from desktop_llm.knowledge.patterns import Patterns
from desktop_llm.words import tr

MAX_DEPTH = 64

# Folders made by programs for programs; hidden ones (.git, .venv) are left out because of their dot.
_JUNK_FOLDERS = frozenset({"node_modules", "__pycache__", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})
_JUNK_FILES = frozenset({"Thumbs.db", "desktop.ini"})

_MOST_LINKS = 100  # named at most

OPENED_TRIES, BETWEEN_TRIES_S = 3, 0.3  # of a file that is open in another program


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


class Walk:
    """One walk through a folder. `steps` does it, a folder a step.

    Hidden files and those that programs keep for themselves are left out. A link is followed if what it leads to lies
    in the folder and was not found by another way, so nothing comes twice and no circle is walked.

    Attributes after it: `files`, the ordinary files with their states, in order of their paths; `missing`, whether the
    folder is not there; `unreadable`, folders whose content could not be listed; `outside`, the links that lead out of
    the folder, by their path in it. A folder that lies too deep is among the files, and reading it gives the reason.
    """

    def __init__(self, folder: Path, patterns: Patterns | None = None, *, depth: int = MAX_DEPTH) -> None:
        self.files: dict[bytes, FileState] = {}
        self.missing = False
        self.unreadable: list[bytes] = []
        self.outside: list[str] = []
        self._folder = os.fspath(folder)
        self.patterns = patterns or Patterns()
        self._depth = depth
        self._links: list[os.DirEntry[str]] = []
        self._seen: set[tuple[int, int]] = set()
        self._real = ""

    def steps(self) -> Iterator[None]:
        """Walk; ends at once for a folder that is not there."""
        try:
            found = os.stat(self._folder)  # noqa: PTH116 - paths stay text here: 20,000 Path objects cost as much again
        except OSError:
            self.missing = True
            return
        self.missing = not stat.S_ISDIR(found.st_mode)
        if self.missing:
            return
        self._real = os.path.realpath(self._folder)
        self._seen.add((found.st_dev, found.st_ino))
        yield from self._below(self._folder, "", self._depth)
        while self._links:
            links, self._links = sorted(self._links, key=lambda link: link.path), []
            for link in links:
                yield from self._follow(link)
        self.files = dict(sorted(self.files.items()))

    def relative(self, path: str) -> str:
        """A path below the folder, with `/` between names."""
        return path[len(self._folder) :].replace(os.sep, "/").lstrip("/")

    def _below(self, folder: str, inside: str, depth: int) -> Iterator[None]:
        yield None
        for entry in self._entries(folder):
            name = f"{inside}{entry.name}"
            if entry.name.startswith(".") or self.patterns.leave_out(name):
                continue
            if entry.is_symlink():
                self._links.append(entry)
            elif entry.is_dir(follow_symlinks=False):
                yield from self._take_folder(entry, name, depth)
            elif entry.is_file(follow_symlinks=False):
                self._take_file(entry, name)

    def _take_folder(self, entry: os.DirEntry[str], name: str, depth: int) -> Iterator[None]:
        if entry.name in _JUNK_FOLDERS:
            return
        if depth <= 1:
            self.files[os.fsencode(entry.path)] = state_now(os.fsencode(entry.path))
            return
        if self._is_new(entry):
            yield from self._below(entry.path, f"{name}/", depth - 1)

    def _take_file(self, entry: os.DirEntry[str], name: str) -> None:
        if entry.name in _JUNK_FILES or entry.name.startswith("~$") or not self.patterns.take(name):
            return
        try:
            found = entry.stat()
        except OSError:
            return  # gone meanwhile
        self._seen.add((found.st_dev, found.st_ino))
        self.files[os.fsencode(entry.path)] = FileState(found.st_size, found.st_mtime_ns)

    def _follow(self, link: os.DirEntry[str]) -> Iterator[None]:
        name, real = self.relative(link.path), os.path.realpath(link.path)
        if not real.startswith(self._real.rstrip(os.sep) + os.sep) and real != self._real:
            if len(self.outside) < _MOST_LINKS:
                self.outside.append(name)
            return
        try:
            kind = os.stat(link.path).st_mode  # noqa: PTH116
        except OSError:
            return  # it leads to nothing, or to itself
        if stat.S_ISDIR(kind):
            yield from self._take_folder(link, name, self._depth - name.count("/"))
        elif stat.S_ISREG(kind) and self._is_new(link):
            self._take_file(link, name)

    def _is_new(self, entry: os.DirEntry[str]) -> bool:
        """Whether no other way has led here. Windows tells a folder's number only to those who ask for it."""
        try:
            found = os.stat(entry.path)  # noqa: PTH116
        except OSError:
            return True  # listing or reading it tells why
        known = (found.st_dev, found.st_ino) in self._seen
        self._seen.add((found.st_dev, found.st_ino))
        return not known

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []  # gone meanwhile
        except OSError:
            self.unreadable.append(os.fsencode(folder))
            return []


def is_left_out(inside: str) -> bool:
    """Whether no walk comes by a path below a folder: it is hidden, or of those that programs keep for themselves."""
    names = [name for name in inside.replace(os.sep, "/").split("/") if name]
    return any(name.startswith((".", "~$")) or name in _JUNK_FOLDERS | _JUNK_FILES for name in names)


def files_below(path: Path) -> Iterator[Path | None]:
    """`path` itself if it is not a folder, otherwise the files that a walk finds below it; None after each step."""
    walk = Walk(path)
    for _ in walk.steps():
        yield None
    if walk.missing:
        yield path
    for file in walk.files:
        yield Path(os.fsdecode(file))


def state_of(path: Path) -> FileState:
    """The file's size and time. Raises DocumentError if it is missing, too large or not an ordinary file."""
    try:
        return _checked(path.stat())
    except OSError as error:
        raise _unreadable(error) from error


def state_now(path: bytes) -> FileState:
    """The size and time of whatever is there; zeros for nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return FileState(0, 0)
    return FileState(found.st_size, found.st_mtime_ns)


def content_of(path: Path) -> Content:
    """Read a file's content, without waiting for pipes or devices. Raises DocumentError with the reason in words."""
    for _ in range(OPENED_TRIES - 1):
        try:
            return _content(path)
        except OSError as error:
            if not _is_in_use(error):
                raise _unreadable(error) from error
            time.sleep(BETWEEN_TRIES_S)
    try:
        return _content(path)
    except OSError as error:
        raise _unreadable(error) from error


def _content(path: Path) -> Content:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        state = _checked(os.fstat(handle))
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _too_large()
    return Content(data, hashlib.sha256(data).hexdigest(), state)


def _is_in_use(error: OSError) -> bool:
    """Whether another program keeps a file to itself: Windows' sharing and lock violations, and locks elsewhere."""
    return getattr(error, "winerror", None) in (32, 33) or error.errno in (errno.EBUSY, errno.EAGAIN, errno.EDEADLK)


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
    if _is_in_use(error):
        return DocumentError(tr("Open in another program, tried {count} times", count=OPENED_TRIES), cause="in_use")
    if isinstance(error, PermissionError):
        return DocumentError(tr("No permission to read this file"))
    reason = error.strerror or tr("the system gave no reason")
    return DocumentError(tr("The system could not read it: {reason}", reason=reason))
