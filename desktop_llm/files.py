"""Writes files so that neither a crash nor a full disk ever leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path

from desktop_llm.errors import FREE_SPACE, UserError
from desktop_llm.words import tr


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, or leave it as it was: temporary file, fsync, rename, fsync of the folder (mode 0600).

    Raises UserError if the disk is full or not writable.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> UserError:
    """The error for a write that failed: which file, why, and that the old content is untouched."""
    return UserError(
        tr(
            "{file} could not be written: {reason}.",
            file=path,
            reason=error.strerror or tr("the system gave no reason"),
        ),
        tr(
            "The old file is unchanged. Free some space on this disk or check the folder's permissions, then try again."
        ),
        action=FREE_SPACE,
    )


def unused(path: Path) -> Path:
    """The path itself if nothing is there, otherwise one with a number: what is kept must never replace another."""
    tried, number = path, 1
    while os.path.lexists(tried):
        number += 1
        tried = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return tried


def free_bytes(folder: Path) -> int:
    """The free space for a folder that may not exist yet; 0 if that can't be found out."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return 0


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    import hashlib  # it loads libcrypto, which would delay the window's start

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> bool:
    """Give `target` the content of `source`: by a hard link if possible (True), otherwise by a copy (False)."""
    with contextlib.suppress(OSError):
        target.hardlink_to(source)
        return True
    partial = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise cannot_write(target, error) from error
    return False


class LockFile:
    """A lock that one process holds; the system frees it when that process ends, however it ends.

    The filelock package does the same, but imports asyncio and ssl, which doubles the time until the window shows.
    """

    def __init__(self, path: Path, stand_in: Path | None = None) -> None:
        """`stand_in` is locked instead if the disk is full or read-only and has no such file yet; it is never
        written."""
        self._path = path
        self._stand_in = stand_in
        self._handle = -1

    def acquire(self) -> bool:
        """Take the lock without waiting; False if another process has it. Raises UserError if it can't be made."""
        while True:
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            except OSError as error:
                if self._stand_in is None:
                    raise cannot_write(self._path, error) from error
                return self._acquire_unwritten(self._stand_in)
            try:
                _lock(handle)
            except OSError:
                os.close(handle)
                return False
            if _is_at(handle, self._path):
                if self._stand_in is not None and not _is_free(self._stand_in):  # locked while the disk was full
                    os.close(handle)
                    return False
                self._handle = handle
                return True
            os.close(handle)  # its last holder removed it after we opened it

    def _acquire_unwritten(self, stand_in: Path) -> bool:
        """Take the lock without writing anything; where nothing can be locked, the app runs without a lock."""
        for path in (self._path, stand_in):
            with contextlib.suppress(OSError):
                handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
                try:
                    _lock(handle)
                except OSError as error:
                    os.close(handle)
                    if error.errno in (errno.EAGAIN, errno.EACCES):
                        return False
                    raise
                self._handle = handle
                return True
        return True

    def release(self) -> None:
        """Free the lock. The file stays."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def remove(self) -> None:
        """Free the lock and remove its file."""
        if os.name == "posix":  # while the lock is held, so that nobody locks a file that is about to be removed
            self._path.unlink(missing_ok=True)
        self.release()
        if os.name != "posix":  # Windows can't remove a file that any process has open
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _is_free(path: Path) -> bool:
    """Whether no process has locked this file or folder, as far as that can be found out."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            _lock(handle)
        except OSError as error:
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        finally:
            os.close(handle)
    return True


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sync_folder(folder: Path) -> None:
    """Make sure that a rename in this folder survives a power cut."""
    # Windows can't open a folder, but its renames are durable by themselves.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
