"""The content of the hub: files, and repositories with their commits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGE_SUFFIXES = (".gguf", ".safetensors", ".bin")


@dataclass
class Blob:
    """One file's content; `head` bytes and zeros up to `size_bytes`, or a file on disk, stand for large ones."""

    head: bytes = b""
    path: Path | None = None
    size_bytes: int = -1
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.size_bytes < 0:
            self.size_bytes = self.path.stat().st_size if self.path else len(self.head)
        if not self.sha256:
            digest = hashlib.sha256()
            for part in self.parts(0, self.size_bytes):
                digest.update(part)
            self.sha256 = digest.hexdigest()

    def parts(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` to before `end`, a MiB at a time."""
        step = 1 << 20
        if self.path:
            with self.path.open("rb") as file:
                file.seek(start)
                while start < end and (part := file.read(min(step, end - start))):
                    start += len(part)
                    yield part
            return
        while start < end:
            part = self.head[start : min(end, start + step)] or bytes(min(step, end - start))
            start += len(part)
            yield part


@dataclass
class Repo:
    """One repository; `put` makes a new commit and older ones stay readable."""

    id: str
    facts: dict[str, Any]
    private: bool = False
    gated: bool = False
    granted: set[str] = field(default_factory=set)  # tokens that may read a gated or private one
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    revision: str = ""

    def put(self, files: Mapping[str, bytes | Path | Blob]) -> str:
        """Commit these files over the present ones; returns the new commit's id."""
        content = dict(self.commits.get(self.revision, {}))
        content.update({name: _blob(source) for name, source in files.items()})
        state = f"{self.id} {len(self.commits)} {[(name, blob.sha256) for name, blob in content.items()]}"
        self.revision = hashlib.sha1(state.encode()).hexdigest()
        self.commits[self.revision] = content
        return self.revision

    def at(self, revision: str) -> tuple[str, dict[str, Blob]] | None:
        """The commit and files at a branch name or commit id."""
        commit = self.revision if revision in ("", "main") else revision
        return (commit, self.commits[commit]) if commit in self.commits else None

    def info(self, expand: list[str], *, blobs: bool = False, revision: str = "") -> dict[str, Any]:
        """The API's description of the model."""
        commit, files = self.at(revision) or (self.revision, {})
        siblings: list[dict[str, Any]] = [{"rfilename": name} for name in files]
        if blobs:
            siblings = [{"rfilename": name, **metadata(name, blob, "blobId")} for name, blob in files.items()]
        whole = {**self.facts, "private": self.private, "gated": "auto" if self.gated else False}
        whole |= {"sha": commit, "siblings": siblings}
        shown = {name: value for name, value in whole.items() if not expand or name in expand}
        return {"_id": hashlib.md5(self.id.encode()).hexdigest()[:24], "id": self.id, "modelId": self.id, **shown}


def _blob(source: bytes | Path | Blob) -> Blob:
    if isinstance(source, Blob):
        return source
    return Blob(path=source) if isinstance(source, Path) else Blob(head=source)


def is_large(name: str, blob: Blob) -> bool:
    """Whether the real hub keeps such a file in large file storage."""
    return name.endswith(LARGE_SUFFIXES) or blob.size_bytes > 10 << 20


def metadata(name: str, blob: Blob, id_field: str) -> dict[str, Any]:
    """The API's description of a file beside its name."""
    shown: dict[str, Any] = {"size": blob.size_bytes, id_field: blob.sha256[:40]}
    if is_large(name, blob):
        shown["lfs"] = {"sha256": blob.sha256, "oid": blob.sha256, "size": blob.size_bytes, "pointerSize": 135}
    return shown
