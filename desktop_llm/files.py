"""Files written so that a crash or a full disk never leaves half of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.words import tr


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, or leave it as it was: temporary file, fsync, rename, fsync of the folder (mode 0600).

    Raises UserError where the disk is full or can't be written.
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
    """The sentence for a write that failed: where, why, and that the old content is untouched."""
    return UserError(
        tr(
            "{file} could not be written: {reason}. What was there before is unchanged. "
            "Free some space on this disk or check the folder's permissions, then try again.",
            file=path,
            reason=error.strerror or tr("the system gave no reason"),
        )
    )


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    import hashlib  # it loads libcrypto, which the window's start need not wait for

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> bool:
    """Make `target` the same content as `source`: a hard link where possible (True), else a copy (False)."""
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

    The filelock package does the same and imports asyncio and ssl: half of the time until the window is visible.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def acquire(self) -> bool:
        """Take the lock without waiting; False if another process has it. Raises UserError if it can't be made."""
        while True:
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            except OSError as error:
                raise cannot_write(self._path, error) from error
            try:
                _lock(handle)
            except OSError:
                os.close(handle)
                return False
            if _is_at(handle, self._path):
                self._handle = handle
                return True
            os.close(handle)  # removed by the one before us, after we had opened it

    def release(self) -> None:
        """Let the next one have it. The file stays."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def remove(self) -> None:
        """Let the next one have it, and leave no file behind."""
        if os.name == "posix":  # while it is held, so that nobody locks a file that is about to go
            self._path.unlink(missing_ok=True)
        self.release()
        if os.name != "posix":  # an open file can't be removed there, one that another process has just opened neither
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sync_folder(folder: Path) -> None:
    """Make sure that a rename in this folder outlives a power cut."""
    # Windows can't open a folder; there the rename itself is durable.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
