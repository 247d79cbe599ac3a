"""The bytes of one file that is being received: written in place, hashed as they come, checked block by block.

The file's length tells how far it is: everything written before a kill is there. After a power loss the end may hold
anything, so the running sha256 is noted at the end of each block; if a later reading gives a different one, that block
is damaged and is fetched again. Nothing needs an fsync before the end.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from desktop_llm.errors import UserError
from desktop_llm.files import cannot_write
from desktop_llm.net import causes
from desktop_llm.words import tr

BLOCK_BYTES = 8 << 20
_READ_BYTES = 1 << 20
_UNPROMISED = "unpromised-"
_HASHING_LOOK_S = 0.02
_DIGEST_CHARACTERS = 16  # 64 bits are enough to detect damage; the whole file's sha256 is checked at the end


@dataclass(slots=True)
class PartState:
    """The facts about a part beside its bytes, kept in the sidecar.

    `etag` tells versions of the file apart; it is the date if the file has neither checksum nor ETag. `digests` are the
    beginnings of the sha256 of the file up to the end of each block. `seams` are the places where a connection ended:
    the first suspects if the whole turns out wrong. `compared_bytes` and `repairs` say how far a repair is.
    `found_sha256` is that of the whole file, once it is there; if the hub promises none, `sha256` is the name that
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
    """The name of a part without a checksum: the same for the same repository, revision, path and size."""
    place = f"{repo}\n{revision}\n{path}\n{size_bytes}"
    return f"{_UNPROMISED}{hashlib.sha256(place.encode()).hexdigest()[:32]}"


class PartFile:
    """One open `.part` file. Its owner holds the download's lock."""

    def __init__(self, path: Path, state: PartState, block_bytes: int = BLOCK_BYTES) -> None:
        """Open or create the file; raises UserError if that fails."""
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
        """Close the file; the written bytes stay."""
        self._file.close()
        self._reader.close()

    @property
    def complete(self) -> bool:
        """Whether every byte is there, right or wrong."""
        return self.length == self.state.size_bytes

    @property
    def right(self) -> bool:
        """Whether every byte is there and the whole has the promised sha256, if there is one."""
        whole = self.complete and self._hashed == self.length
        return whole and (not self.state.promised or self.sha256 == self.state.sha256)

    @property
    def sha256(self) -> str:
        """The sha256 of the bytes hashed so far."""
        return self._hash.hexdigest()

    def append(self, offset: int, data: memoryview) -> None:
        """Append bytes to those that are there."""
        self._write(offset, data)
        before, self.length = self.length, self.length + len(data)
        if before // self.block_bytes != self.length // self.block_bytes:
            self._start_writing_out(self.length // self.block_bytes - 1)

    def overwrite(self, offset: int, data: memoryview) -> None:
        """Replace bytes with fresh ones."""
        self._write(offset, data)

    def correct(self, offset: int, data: memoryview) -> bool:
        """Compare fresh bytes with those that are there; if they differ, replace them and return True."""
        self._reader.seek(offset)
        if self._reader.read(len(data)) == data:
            return False
        self._write(offset, data)
        return True

    def has_whole_block(self) -> bool:
        """Whether another whole block can be hashed."""
        return self.damaged is None and self.length - self._hashed >= self.block_bytes

    def check(self, *, anew: bool = False) -> Iterator[int]:
        """Hash the bytes that are there, yielding the number done; stops at a damaged block, with `damaged` set.

        Once that block is overwritten, the next call goes on from there; `anew` starts at the first byte. Raises
        UserError if the file can't be read.
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
        """Hash the next block as far as it is there; False, with `damaged` set, if it has changed since it arrived."""
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
        """Make sure that everything is on the disk itself; raises UserError if that fails."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failure(error) from error

    def _hash_after(self, end: int) -> hashlib._Hash:
        """The hash of everything before `end`; goes on from the part that is hashed already."""
        hashed, left = self._hash.copy(), end - self._hashed
        self._reader.seek(self._hashed)
        while left and (count := self._reader.readinto(self._buffer[:left])):
            hashed.update(self._buffer[:count])
            left -= count
        return hashed

    def _is_as_noted(self, block: int, digest: str) -> bool:
        """Whether the block has the digest that was noted when it arrived; notes it if none was."""
        noted = self.state.digests
        if block < len(noted):
            return noted[block] == digest
        noted.append(digest)
        return True

    def _start_writing_out(self, block: int) -> None:
        """Ask the system to begin writing this block to the disk, so that the sync at the end has little left to do."""
        if sys.platform == "linux":
            # This starts to write the range's pages and drops those already written: none yet, so all stay in memory.
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
        return causes.DISK_FULL.error(folder=self.path.parent.parent)


class Hashing:
    """Hashes a growing part in a thread while its `with` block lasts; `PartFile.check` does the rest.

    Writing and hashing together take no longer than the writing alone.
    """

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hashing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(0 if self._hash_block() else _HASHING_LOOK_S):
            pass

    def _hash_block(self) -> bool:
        """Hash the next block if all of it is there."""
        try:
            return self._part.has_whole_block() and self._part.check_block()
        except OSError:
            return False  # the check at the end meets the same error and reports it


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(
        tr("{path} can't be read: {reason}.", path=str(path), reason=error.strerror or tr("the system gave no reason")),
        tr("No model was changed. Check the disk; if this happens again, cancel this download and start a new one."),
    )
