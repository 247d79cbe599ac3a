"""The bytes of one file that is being received: written in place, hashed as they come, checked block by block.

The file's length is the truth about how far it is: after a kill what was written is there. After a power loss the end
may hold anything, so the running sha256 is noted at the end of each block; where a later reading gives another one,
that block is damaged and is fetched again. Nothing needs an fsync before the end.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from desktop_llm.errors import TransferError, UserError
from desktop_llm.files import cannot_write
from desktop_llm.words import tr

BLOCK_BYTES = 8 << 20
_READ_BYTES = 1 << 20
_UNPROMISED = "unpromised-"
_DIGEST_CHARACTERS = 16  # 64 bits tell damage; the whole file's sha256 tells the rest


@dataclass(slots=True)
class PartState:
    """What is known of a part beside its bytes; it is kept in the sidecar.

    `etag` tells versions of the file apart; it is the date of one without promise and ETag. `digests` are the
    beginnings of the sha256 of the file up to the end of each block. `seams` are the places where a connection ended:
    the first suspects if the whole turns out wrong. `compared_bytes` and `repairs` say how far a repair is.
    `found_sha256` is that of the whole, once it is there; where the hub promises none, `sha256` is the name that
    `without_checksum` gives.
    """

    path: str
    size_bytes: int
    sha256: str
    found_sha256: str = ""
    etag: str = ""
    etag_changed: bool = False
    digests: list[str] = field(default_factory=list)
    seams: list[int] = field(default_factory=list)
    compared_bytes: int = 0
    repairs: int = 0

    @property
    def promised(self) -> bool:
        """Whether the hub named a checksum."""
        return not self.sha256.startswith(_UNPROMISED)


def without_checksum(repo: str, revision: str, path: str, size_bytes: int) -> str:
    """What a part goes by here where the hub names no checksum: the same for the same place and size."""
    place = f"{repo}\n{revision}\n{path}\n{size_bytes}"
    return f"{_UNPROMISED}{hashlib.sha256(place.encode()).hexdigest()[:32]}"


class PartFile:
    """One `.part` file, open. Its owner holds the download's lock."""

    def __init__(self, path: Path, state: PartState, block_bytes: int = BLOCK_BYTES) -> None:
        """Open or make the file; raises UserError where it can't be."""
        self.path = path
        self.state = state
        self.block_bytes = block_bytes
        self.damaged: int | None = None
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._buffer = memoryview(bytearray(_READ_BYTES))
        try:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
            self._file = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
            self._reader = path.open("rb", buffering=0)
            self.length = os.fstat(self._file.fileno()).st_size
            if self.length > state.size_bytes:
                self._file.truncate(state.size_bytes)
                self.length = state.size_bytes
        except OSError as error:
            raise cannot_write(path, error) from error

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        self._file.close()
        self._reader.close()

    @property
    def complete(self) -> bool:
        """Whether every byte is there; whether they are right is another question."""
        return self.length == self.state.size_bytes

    @property
    def right(self) -> bool:
        """Whether every byte is there and the whole has the sha256 that was promised, if one was."""
        whole = self.complete and self._hashed == self.length
        return whole and (not self.state.promised or self.sha256 == self.state.sha256)

    @property
    def sha256(self) -> str:
        """That of the bytes that are hashed."""
        return self._hash.hexdigest()

    def append(self, offset: int, data: memoryview) -> None:
        """Add what follows the bytes that are there."""
        self._write(offset, data)
        before, self.length = self.length, self.length + len(data)
        if before // self.block_bytes != self.length // self.block_bytes:
            self._start_writing_out(self.length // self.block_bytes - 1)

    def overwrite(self, offset: int, data: memoryview) -> None:
        """Put fresh bytes in the place of others."""
        self._write(offset, data)

    def correct(self, offset: int, data: memoryview) -> bool:
        """Compare fresh bytes with those that are there; where they differ (True), the fresh ones replace them."""
        self._reader.seek(offset)
        if self._reader.read(len(data)) == data:
            return False
        self._write(offset, data)
        return True

    def has_whole_block(self) -> bool:
        """Whether another whole block can be hashed."""
        return self.damaged is None and self.length - self._hashed >= self.block_bytes

    def check(self, *, anew: bool = False) -> Iterator[int]:
        """Hash what is there, yielding how many bytes are done. At a damaged block it ends, with `damaged` set.

        Called again, after that block was overwritten, it goes on from there; `anew` starts at the first byte. Raises
        UserError where the file can't be read.
        """
        if anew:
            self._hash, self._hashed = hashlib.sha256(), 0
        self.damaged = None
        while self._hashed < self.length and self.damaged is None:
            try:
                self.check_block()
            except OSError as error:
                raise _unreadable(self.path, error) from error
            yield self._hashed

    def check_block(self) -> bool:
        """Hash the next block, or what is there of it; False, with `damaged` set, if it is not what came once."""
        block = self._hashed // self.block_bytes
        end = min((block + 1) * self.block_bytes, self.length)
        hashed = self._hash_after(end)
        if end % self.block_bytes == 0 and not self._is_as_noted(block, hashed.hexdigest()[:_DIGEST_CHARACTERS]):
            self.damaged = block
            return False
        self._hash, self._hashed = hashed, end
        return True

    def forget_digests(self, from_block: int) -> None:
        """Trust the bytes from this block on until the whole is checked."""
        del self.state.digests[from_block:]

    def sync(self) -> None:
        """Have everything on the disk itself; raises UserError where that fails."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failure(error) from error

    def _hash_after(self, end: int) -> hashlib._Hash:
        """The hash of everything before `end`, of which a part is hashed already."""
        hashed, left = self._hash.copy(), end - self._hashed
        self._reader.seek(self._hashed)
        while left and (count := self._reader.readinto(self._buffer[:left])):
            hashed.update(self._buffer[:count])
            left -= count
        return hashed

    def _is_as_noted(self, block: int, digest: str) -> bool:
        """Whether the block ends with the digest that was noted when it came; notes it if none was."""
        noted = self.state.digests
        if block < len(noted):
            return noted[block] == digest
        noted.append(digest)
        return True

    def _start_writing_out(self, block: int) -> None:
        """Have the system begin to write this block to the disk, so that the sync at the end has little left to do."""
        if sys.platform == "linux":
            # It starts to write the pages of this range and keeps those that it has not written yet: all of them.
            start = block * self.block_bytes
            os.posix_fadvise(self._file.fileno(), start, self.block_bytes, os.POSIX_FADV_DONTNEED)

    def _write(self, offset: int, data: memoryview) -> None:
        try:
            self._file.seek(offset)
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self.length = os.fstat(self._file.fileno()).st_size
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> UserError:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return cannot_write(self.path, error)
        return TransferError(
            tr(
                "The disk with {folder} is full. What was downloaded so far is kept. "
                "Free some space, then start the download again: it goes on from here.",
                folder=str(self.path.parent.parent),
            ),
            "disk_full",
        )


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(
        tr(
            "{path} can't be read: {reason}. No model was changed. Check the disk; "
            "if it stays so, cancel this download and start it anew.",
            path=str(path),
            reason=error.strerror or tr("the system gave no reason"),
        )
    )
