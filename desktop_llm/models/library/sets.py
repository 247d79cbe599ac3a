"""Files that are one model: a file by itself, or the numbered parts `NAME-00001-of-00003.gguf` in one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.models.gguf import printable
from desktop_llm.models.library.elsewhere import Found

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_MAX_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one model in order; `expected` is how many there should be."""

    found: Found
    paths: tuple[Path, ...]
    expected: int = 1

    @property
    def path(self) -> Path:
        """The first file, which the engine opens; it finds the others by their names."""
        return self.paths[0]

    @property
    def complete(self) -> bool:
        """Whether all of its files are here."""
        return len(self.paths) == self.expected

    @property
    def stem(self) -> str:
        """The name of the file without its suffix, and without the number of the part."""
        return stem_of(self.path)

    @property
    def name(self) -> str:
        """What its app calls the model, else the file's name; strangers wrote both."""
        return printable(self.found.name)[:_MAX_NAME_CHARACTERS] or printable(self.stem) or "model"

    @property
    def id(self) -> str:
        """The id that this model asks for: its name in lower case, without the folders that some apps put before it."""
        return self.name.rstrip("/").rpartition("/")[2].lower() or "model"


def stem_of(path: Path) -> str:
    """The name of a model file without its suffix, and without the number of the part."""
    match = _PART.fullmatch(path.name)
    return match[1] if match else path.stem


def is_part(path: Path) -> bool:
    """Whether the file's name says that it is one of several."""
    return _PART.fullmatch(path.name) is not None


def part_suffixes(count: int) -> list[str]:
    """What follows the stem in the names of a model's files, as llama.cpp looks for them."""
    return [".gguf"] if count == 1 else [f"-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]


def sets_of(files: Iterable[Found]) -> list[FileSet]:
    """The files as models, in the order of their first files."""
    parts: dict[tuple[Path, str, int], list[Found]] = {}
    for found in files:
        match = _PART.fullmatch(found.path.name)
        key = (found.path.parent, match[1], int(match[3])) if match else (found.path, "", 1)
        parts.setdefault(key, []).append(found)
    return [_joined(members, expected) for (_, _, expected), members in parts.items()]


def without_repeats(files: Iterable[Found], known: Iterable[Path]) -> Iterator[Found]:
    """The files that are none of the known ones; one reached in several ways, by links too, counts once."""
    seen = {_identity(path) for path in known}
    for found in files:
        if (identity := _identity(found.path)) not in seen:
            seen.add(identity)
            yield found


def _joined(members: list[Found], expected: int) -> FileSet:
    ordered = sorted(members, key=lambda found: found.path.name)
    return FileSet(ordered[0], tuple(found.path for found in ordered), expected)


def _identity(path: Path) -> tuple[int, int] | Path:
    try:
        status = path.stat()
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else path
