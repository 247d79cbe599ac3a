"""A reserve of disk space beside the chats, given back while the disk is full, so that chats go on being saved.

On a full disk even deleting a chat fails, because SQLite first writes down what it is about to delete.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from desktop_llm.files import free_bytes

RESERVE_BYTES = 32 << 20
LOW_BYTES = 4 << 20  # less free space than this can be gone with the next write
PLENTY_BYTES = 1 << 30  # of free space before any of it is taken
_PIECE_BYTES = 1 << 20


class Reserve:
    """The file that takes the space; any thread may call it."""

    def __init__(self, path: Path, plenty_bytes: int = PLENTY_BYTES) -> None:
        self._path = path
        self._plenty_bytes = plenty_bytes

    def make(self) -> None:
        """Take the space if it is not taken yet and the disk has plenty."""
        if self._path.exists() or free_bytes(self._path.parent) < self._plenty_bytes:
            return
        with contextlib.suppress(OSError):
            handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                _take(handle)
            except OSError:
                self.give_back()
            finally:
                os.close(handle)

    def give_back(self) -> bool:
        """Free the space; False if there is no reserve or it can't be removed."""
        with contextlib.suppress(OSError):
            self._path.unlink()
            return True
        return False

    def give_back_if_low(self) -> bool:
        """Free the space if the disk is full or nearly so; whether that was done."""
        return free_bytes(self._path.parent) < LOW_BYTES and self.give_back()


def _take(handle: int) -> None:
    """Give the file its blocks: a file that is only long, or full of zeros, takes no space on some file systems."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, RESERVE_BYTES)
        return
    for _ in range(0, RESERVE_BYTES, _PIECE_BYTES):
        os.write(handle, os.urandom(_PIECE_BYTES))
