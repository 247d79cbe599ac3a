"""What conversations left in the KV cache, on the disk: after a restart nothing that was read is read again.

One folder for each model with its context settings, one file for each conversation. A file has a checksum, the tokens
and their text, and llama.cpp's state of the sequence. It is not compressed: zlib makes it a twelfth smaller and takes
longer than the disk. Whatever does not match or is damaged is not used. What was used least recently is removed first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import psutil

from desktop_llm.engine.shapes import state_name

FEWEST_TOKENS = 256  # fewer are read in less time than a person notices
_MAGIC = b"DLLMKV1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_LENGTH = struct.Struct("<I")
_LARGEST_HEADER = 64 << 20
_LARGEST_SHARE, _MOST_BYTES = 0.05, 2 << 30  # of the free disk, for all files together
_KEPT_S = 30 * 86_400.0
_HALF_WRITTEN_S = 600.0
_SAMPLE_BYTES, _SAMPLES = 65_536, 16
_FIELDS = ("slot", "mix", "tokens", "text", "text_tokens", "cuts")
_PART = re.compile(r"-\d{5}-of-(\d{5})\.gguf$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoredState:
    """What a file says about its state; see `state.KeptState`."""

    slot: str
    mix: tuple[tuple[str, float], ...]
    tokens: list[int]
    text: str
    text_tokens: int
    cuts: tuple[int, ...]
    path: Path = field(default_factory=Path, compare=False)


class StateFiles:
    """The stored states of one model with one kind of context."""

    def __init__(self, folder: Path, key: str) -> None:
        """`folder` is for all models, `key` tells what a state depends on besides its tokens."""
        self._root, self._folder = folder, folder / hashlib.sha256(key.encode()).hexdigest()[:32]
        self.stored = list(self._found())

    def read(self, stored: StoredState) -> tuple[bytearray, int] | None:
        """The content of a file and where llama.cpp's state begins in it; None if it is not as it was written."""
        try:
            if (found := self._content(stored.path)) is not None:
                content, start = found
                if _parsed(stored.path, content[_MAGIC_AND_DIGEST:start]) == stored:
                    os.utime(stored.path)
                    return found
        except (OSError, MemoryError, ValueError):
            pass
        self._remove(stored)
        return None

    def takes(self, size_bytes: int) -> bool:
        """Whether a state of this size can be stored; the oldest files make room for it."""
        if size_bytes > psutil.virtual_memory().available // 2:
            return False
        sizes: dict[Path, tuple[float, int]] = {}
        for path in self._files("*.kv"):
            with contextlib.suppress(OSError):
                sizes[path] = (path.stat().st_mtime, path.stat().st_size)
        used = sum(size for _, size in sizes.values())
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self._root).free
        except OSError:
            return False
        most = min(_MOST_BYTES, int(_LARGEST_SHARE * (free + used)))
        if size_bytes > most:
            return False
        for path in sorted(sizes, key=lambda path: sizes[path]):
            if used + size_bytes <= most:
                break
            used -= sizes[path][1]
            _unlink(path)
            self.stored = [stored for stored in self.stored if stored.path != path]
        return True

    def save(self, new: StoredState, state: memoryview) -> None:
        """Store a conversation's state in place of what is stored of it. A full disk is no error: it is not stored."""
        header = json.dumps({name: getattr(new, name) for name in _FIELDS}).encode()
        name = state_name(new.slot) if new.slot else f"unnamed-{hashlib.sha256(header).hexdigest()[:24]}"
        path = self._folder / f"{name}.kv"
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.touch(mode=0o600)
            with part.open("wb") as file:
                _write(file, header, state)
            part.replace(path)
        except OSError:
            _unlink(part)
            return
        for old in list(self.stored):
            if old.path == path:
                self.stored.remove(old)
            elif old.mix == new.mix and not old.slot and old.tokens == new.tokens[: len(old.tokens)]:
                self._remove(old)
        self.stored.append(replace(new, tokens=list(new.tokens), path=path))

    def forget(self, slot: str) -> None:
        """Remove what is stored of this conversation."""
        for stored in [stored for stored in self.stored if stored.slot == slot]:
            self._remove(stored)

    def _found(self) -> Iterator[StoredState]:
        """The files for this model; what is damaged, old or was never finished is removed."""
        now = time.time()
        for path in self._files("*.part"):
            if _age_s(path, now) > _HALF_WRITTEN_S:
                _unlink(path)
        for path in self._files("*.kv"):
            if _age_s(path, now) > _KEPT_S:
                _unlink(path)
            elif path.parent == self._folder:
                try:
                    yield _header_of(path)
                except (OSError, ValueError):
                    _unlink(path)

    def _files(self, pattern: str) -> list[Path]:
        with contextlib.suppress(OSError):
            return list(self._root.glob(f"*/{pattern}"))
        return []

    def _content(self, path: Path) -> tuple[bytearray, int] | None:
        size = path.stat().st_size
        if size > psutil.virtual_memory().available // 2:
            return None
        content = bytearray(size)
        with path.open("rb", buffering=0) as file:
            view, done = memoryview(content), 0
            while done < size and (count := file.readinto(view[done:])):
                done += count
        view = memoryview(content)
        digest = bytes(view[len(_MAGIC) : _MAGIC_AND_DIGEST])
        if bytes(view[: len(_MAGIC)]) != _MAGIC or hashlib.sha256(view[_MAGIC_AND_DIGEST:]).digest() != digest:
            return None
        (length,) = _LENGTH.unpack_from(content, _MAGIC_AND_DIGEST)
        return content, _MAGIC_AND_DIGEST + _LENGTH.size + length

    def _remove(self, stored: StoredState) -> None:
        _unlink(stored.path)
        with contextlib.suppress(ValueError):
            self.stored.remove(stored)


_MAGIC_AND_DIGEST = len(_MAGIC) + _DIGEST_BYTES


def identity(model: Path) -> str:
    """What tells this model file from any other: size, time, and samples of its content; of a split model's parts, too.

    A hash of all of it would take seconds at every start.
    """
    digest = hashlib.sha256()
    paths = [model]
    if (part := _PART.search(model.name)) is not None:
        stem = model.name[: part.start()]
        paths = sorted(model.parent.glob(f"{_escaped(stem)}-*-of-{part[1]}.gguf"))
    for path in paths:
        facts = path.stat()
        digest.update(f"{facts.st_size} {facts.st_mtime_ns}\n".encode())
        with path.open("rb") as file:
            for index in range(_SAMPLES):
                file.seek(max(0, facts.st_size - _SAMPLE_BYTES) * index // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _write(file: BinaryIO, header: bytes, state: memoryview) -> None:
    head = _LENGTH.pack(len(header)) + header
    digest = hashlib.sha256(head)
    digest.update(state)
    file.write(_MAGIC + digest.digest() + head)
    file.write(state)


def _header_of(path: Path) -> StoredState:
    """Raises ValueError for a header that is not ours."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError
        file.seek(_MAGIC_AND_DIGEST)
        prefix = file.read(_LENGTH.size)
        if len(prefix) < _LENGTH.size or _LENGTH.unpack(prefix)[0] > _LARGEST_HEADER:
            raise ValueError
        return _parsed(path, prefix + file.read(_LENGTH.unpack(prefix)[0]))


def _parsed(path: Path, head: bytes | bytearray) -> StoredState:
    """Raises ValueError for a header that is not ours."""
    try:
        fields = json.loads(bytes(head[_LENGTH.size :]))
        return StoredState(
            slot=str(fields["slot"]),
            mix=tuple((str(name), float(scale)) for name, scale in fields["mix"]),
            tokens=[int(token) for token in fields["tokens"]],
            text=str(fields["text"]),
            text_tokens=int(fields["text_tokens"]),
            cuts=tuple(int(cut) for cut in fields["cuts"]),
            path=path,
        )
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError from error


def _age_s(path: Path, now: float) -> float:
    with contextlib.suppress(OSError):
        return now - path.stat().st_mtime
    return 0.0


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
