"""The pictures of chats on disk: taken in through a child that makes a plain copy, kept by content, removed when no
message has them any more.

    pictures/<first 16 hex digits of the copy's sha256>/<the name that the person knows>
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.errors import UserError, WorkerDied
from desktop_llm.files import cannot_write, write_atomically
from desktop_llm.picture_files import MAX_BYTES, size_of
from desktop_llm.words import tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker

# What the file dialog offers and a drop takes; an SVG is a program that draws, not a picture.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
MOST_BYTES = 200 << 20  # of a stranger's file
_SILENCE_LIMIT_S = 30.0
_KEPT_S = 24 * 3600.0  # a picture that no message has yet may still be in somebody's composer
_LONGEST_STEM = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of ours; `original` is the size in pixels that it had before it was made smaller."""

    path: Path
    size: tuple[int, int]
    original: tuple[int, int]

    @property
    def name(self) -> str:
        """The name that the person knows."""
        return self.path.name

    @property
    def shrunk(self) -> bool:
        """Whether it was made smaller."""
        return max(self.original) > max(self.size)


class Pictures:
    """The folder of pictures; any thread may ask."""

    def __init__(self, folder: Path, *, command: Sequence[str] | None = None) -> None:
        self._folder = folder
        self._command = command

    def take(self, source: Path) -> Picture:
        """Copy a picture into the folder; raises UserError if it can't be read or stored."""
        try:
            with source.open("rb") as file:
                if not source.is_file():
                    raise IsADirectoryError
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise UserError(
                tr("{name} can't be read: {reason}.", name=source.name, reason=error.strerror or tr("it is no file")),
                tr("It was not added. Check that it is still there."),
            ) from error
        return self.take_bytes(data, source.name)

    def take_bytes(self, data: bytes, name: str) -> Picture:
        """Copy an encoded picture, such as one from the clipboard, into the folder; raises UserError."""
        if len(data) > MOST_BYTES:
            raise UserError(
                tr("{name} is larger than {size} MB.", name=name, size=MOST_BYTES >> 20),
                tr("It was not added. Make it smaller and add it again."),
            )
        told, copy = self._copied(data)
        size, original = (told["width"], told["height"]), (told["original_width"], told["original_height"])
        if len(copy) > MAX_BYTES or size_of(copy) != size:
            raise UserError(tr("{name} could not be copied.", name=name), tr("It was not added. Nothing else changed."))
        return Picture(self._kept(copy, _safe(name, str(told["suffix"]))), size, original)

    def find(self, path: str) -> Picture | None:
        """The picture at this path; None if it is gone or is none of ours."""
        found = Path(path)
        try:
            with found.open("rb") as file:
                size = size_of(file.read(MAX_BYTES))
        except OSError:
            return None
        return Picture(found, size, size) if size is not None else None

    def sweep(self, kept: Collection[str]) -> int:
        """Delete the pictures that none of these paths names, unless they came today; returns their number.

        The folder may have been moved since: only the ends of the paths count.
        """
        removed, names = 0, {Path(path).parts[-2:] for path in kept}
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                if path.parts[-2:] not in names and time.time() - path.stat().st_mtime > _KEPT_S:
                    path.unlink()
                    removed += 1
                    path.parent.rmdir()  # if it was the last one
        return removed

    def _copied(self, data: bytes) -> tuple[dict[str, Any], bytes]:
        kept = tr("It was not added. Nothing else changed.")
        worker = Worker(["pictures"], Part(tr("The program that reads pictures"), kept), command=self._command)
        with contextlib.closing(worker):
            try:
                answer = worker.call("copy", {}, data, stall_s=_SILENCE_LIMIT_S)
            except WorkerDied as death:
                raise UserError(
                    tr("This file is not a picture the app can read."), kept, details=death.details
                ) from death
        return answer.data, answer.body

    def _kept(self, copy: bytes, name: str) -> Path:
        folder = self._folder / hashlib.sha256(copy).hexdigest()[:16]
        path = folder / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists() and path.read_bytes() == copy:
                path.touch()
                return path
        except OSError as error:
            raise cannot_write(path, error) from error
        write_atomically(path, copy)
        return path


def is_picture_name(path: str) -> bool:
    """Whether a file of this name is taken for a picture."""
    return path.lower().endswith(SUFFIXES)


def _safe(name: str, suffix: str) -> str:
    """The file's name as every system takes it, with the suffix of the copy."""
    stem = Path(name).stem
    kept = "".join(each if each.isprintable() and each not in '<>:"/\\|?*' else "-" for each in stem).strip(". ")
    return f"{kept[:_LONGEST_STEM] or tr('Picture')}{suffix}"
