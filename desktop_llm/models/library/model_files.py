"""The files of a model: which ones belong together, and how they get into the models folder.

A model is one file, or the numbered parts `NAME-00001-of-00003.gguf` in one folder. It is added completely or not at
all, under a name that is safe on every system, and never overwrites another file.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import ModelFileError, UserError
from desktop_llm.files import cannot_write, link_or_copy, sync_folder
from desktop_llm.models.facts import Facts
from desktop_llm.models.gguf import Header
from desktop_llm.models.library.elsewhere import ModelFile
from desktop_llm.models.names import file_names, printable, split_name
from desktop_llm.words import tr

_MAX_NAME_CHARACTERS = 120
_MAX_STEM_BYTES = 200  # file systems allow 255, including the suffixes that are added
_STILL_GROWING_S = 600
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one model in order; `expected` is how many there should be."""

    found: ModelFile
    paths: tuple[Path, ...]
    expected: int = 1

    @property
    def path(self) -> Path:
        """The first file, which the engine opens; it finds the others by their names."""
        return self.paths[0]

    @property
    def complete(self) -> bool:
        """Whether all of the model's files are here."""
        return len(self.paths) == self.expected

    @property
    def stem(self) -> str:
        """The name of the file without its suffix, and without the number of the part."""
        return stem_of(self.path)

    @property
    def name(self) -> str:
        """The name that its app gives the model, or else the file's name; don't trust either."""
        return printable(self.found.name)[:_MAX_NAME_CHARACTERS] or printable(self.stem) or "model"

    @property
    def id(self) -> str:
        """The id that this model should get: its name in lower case, without the folders that some apps prepend."""
        return self.name.rstrip("/").rpartition("/")[2].lower() or "model"


def stem_of(path: Path) -> str:
    """The name of a model file without its suffix, and without the number of the part."""
    split = split_name(path.name)
    return split.stem if split is not None else path.stem


def sets_of(files: Iterable[ModelFile]) -> list[FileSet]:
    """Group the files into models, in the order of their first files."""
    parts: dict[tuple[Path, str, int], list[ModelFile]] = {}
    for found in files:
        split = split_name(found.path.name)
        key = (found.path.parent, split.stem, split.count) if split is not None else (found.path, "", 1)
        parts.setdefault(key, []).append(found)
    return [_joined(members, expected) for (_, _, expected), members in parts.items()]


def identity(path: Path) -> tuple[int, int] | Path:
    """A key that is equal for two paths to one file, such as hard links or linked folders."""
    try:
        status = path.stat()
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else path


def without_repeats(files: Iterable[ModelFile], known: Iterable[Path]) -> Iterator[ModelFile]:
    """The files that are not among the known ones; a file with several paths or links is returned once."""
    seen = {identity(path) for path in known}
    for found in files:
        if (file := identity(found.path)) not in seen:
            seen.add(file)
            yield found


def set_around(path: Path) -> FileSet:
    """The model that this file belongs to: the file alone, or together with the other parts next to it."""
    if split_name(path.name) is None:
        return FileSet(ModelFile(path), (path,))
    beside = [ModelFile(other) for other in {*path.parent.glob("*.gguf"), path}]
    return next(files for files in sets_of(beside) if path in files.paths)


def targets_for(
    folder: Path, stem: str, sources: Sequence[Path], sha256s: Sequence[str], facts: Facts
) -> tuple[tuple[Path, ...], bool]:
    """The new paths for a model's files, and whether the same content is already there under that name."""
    stem = safe_stem(stem)
    # Compare with every file: on a system that ignores case, even a file like NAME.GGUF takes the name.
    taken = {found.name.lower(): found for found in folder.iterdir()}
    number = 1
    while True:
        numbered = stem if number == 1 else f"{stem}-{number}"
        names = file_names(numbered, len(sources))
        existing = [taken.get(name.lower()) for name in names]
        if not any(existing):
            return tuple(folder / name for name in names), False
        there = tuple(path for path in existing if path is not None and path.suffix == ".gguf")
        if len(there) == len(sources) and _same(there, sources, sha256s, facts):
            return there, True
        number += 1


def link(sources: Sequence[Path], targets: Sequence[Path]) -> int:
    """Link or copy files to the targets, the first file last, so that an unfinished set never looks like a model.

    Returns how many bytes had to be copied; hard links cost none.
    """
    pairs = reversed(list(zip(sources, targets, strict=True)))
    try:
        copied_bytes = sum(source.stat().st_size for source, target in pairs if not link_or_copy(source, target))
    except UserError:
        drop(targets)
        raise
    _keep_private(targets)
    return copied_bytes


def publish(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    """Move finished files to their final names, the first file last.

    Raises FileExistsError if a name was taken meanwhile, or UserError; either way all files are moved back first.
    """
    moved: list[tuple[Path, Path]] = []
    for source, target in reversed(list(zip(sources, targets, strict=True))):
        try:
            _move(source, target)
            moved.append((source, target))
            sync_folder(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                for before, after in moved:
                    after.rename(before)
            if isinstance(error, FileExistsError):
                raise
            raise cannot_write(target, error) from error
    _keep_private(targets)


def clear_leftovers(folder: Path) -> None:
    """Delete partial copies that killed imports left; one that still grows belongs to another process."""
    for path in folder.glob("*.gguf.part"):
        with contextlib.suppress(OSError):
            if abs(time.time() - path.stat().st_mtime) > _STILL_GROWING_S:  # or the clock was set back
                path.unlink()


def drop(paths: Sequence[Path]) -> None:
    """Delete files that are not needed after all, if they exist."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def check_importable(path: Path, header: Header) -> None:
    """Raise ModelFileError if the model can't be used on its own."""
    if header.kind == "projector":
        raise ModelFileError(
            tr("{name} lets another model see pictures and can't answer alone.", name=path.name),
            tr("Nothing was changed; import the model it belongs to, with this file beside it."),
        )
    if header.kind == "part":
        raise ModelFileError(
            tr("{name} is a part of another model and can't answer alone.", name=path.name),
            tr("Nothing was changed; import the model it belongs to."),
        )


def safe_stem(stem: str) -> str:
    """The stem without control, bidirectional and reserved characters or names, so that every system accepts it."""
    kept = "".join("-" if character in '<>:"/\\|?*' else character for character in printable(stem))
    kept = kept.strip(". ").encode()[:_MAX_STEM_BYTES].decode("utf-8", "ignore").rstrip(". ") or "model"
    return f"model {kept}" if kept.partition(".")[0].lower() in _RESERVED else kept


def _keep_private(paths: Iterable[Path]) -> None:
    """Let only this account read the files; a linked file is private under its other names too."""
    if os.name == "posix":
        for path in paths:
            with contextlib.suppress(OSError):  # a file of another account stays as it is
                path.chmod(0o600)


def _joined(members: list[ModelFile], expected: int) -> FileSet:
    ordered = sorted(members, key=lambda found: found.path.name)
    return FileSet(ordered[0], tuple(found.path for found in ordered), expected)


def _move(source: Path, target: Path) -> None:
    """Rename a file without overwriting another: unlike a rename, creating a hard link never overwrites."""
    if os.name == "posix":
        try:
            target.hardlink_to(source)
        except FileExistsError:
            raise
        except OSError:  # this file system has no hard links
            source.rename(target)
        else:
            source.unlink()
    else:
        source.rename(target)  # on Windows a rename never overwrites


def _same(there: Sequence[Path], sources: Sequence[Path], sha256s: Sequence[str], facts: Facts) -> bool:
    sizes = all(old.stat().st_size == new.stat().st_size for old, new in zip(there, sources, strict=True))
    return sizes and all(facts.sha256(path) == sha256 for path, sha256 in zip(there, sha256s, strict=True))
