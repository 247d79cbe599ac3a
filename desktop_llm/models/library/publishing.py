"""How files come into the models folder: whole, under a name that is safe on every system, never over another file."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from desktop_llm.errors import ModelFileError, UserError
from desktop_llm.files import cannot_write, link_or_copy, sync_folder
from desktop_llm.models.facts import Facts
from desktop_llm.models.gguf import Header, printable
from desktop_llm.models.library.elsewhere import Found
from desktop_llm.models.library.sets import FileSet, is_part, part_suffixes, sets_of
from desktop_llm.words import tr

_MAX_STEM_BYTES = 200  # file systems take 255 with what is added to it
_STILL_GROWING_S = 600
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def set_around(path: Path) -> FileSet:
    """The model that this file belongs to: itself, or with the other parts beside it."""
    if not is_part(path):
        return FileSet(Found(path), (path,))
    beside = [Found(other) for other in {*path.parent.glob("*.gguf"), path}]
    return next(files for files in sets_of(beside) if path in files.paths)


def targets_for(
    folder: Path, stem: str, sources: Sequence[Path], sha256s: Sequence[str], facts: Facts
) -> tuple[tuple[Path, ...], bool]:
    """Where the files of one model go, and whether this very content is there already under that name."""
    stem, suffixes = safe_stem(stem), part_suffixes(len(sources))
    # All files, since systems that ignore case also see one with another ending, which is no model of ours.
    taken = {found.name.lower(): found for found in folder.iterdir()}
    number = 1
    while True:
        numbered = stem if number == 1 else f"{stem}-{number}"
        names = [numbered + suffix for suffix in suffixes]
        existing = [taken.get(name.lower()) for name in names]
        if not any(existing):
            return tuple(folder / name for name in names), False
        there = tuple(path for path in existing if path is not None and path.suffix == ".gguf")
        if len(there) == len(sources) and _same(there, sources, sha256s, facts):
            return there, True
        number += 1


def link(sources: Sequence[Path], targets: Sequence[Path]) -> int:
    """Make the targets the same content, the first file last, so that a half set is never taken for a model.

    Returns how many bytes had to be copied; hard links cost none.
    """
    pairs = reversed(list(zip(sources, targets, strict=True)))
    try:
        return sum(source.stat().st_size for source, target in pairs if not link_or_copy(source, target))
    except UserError:
        drop(targets)
        raise


def publish(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    """Move finished files to their names, the first file last; nothing writes them again, so they become read-only.

    Raises FileExistsError where a name was taken meanwhile, and UserError; all files are where they were then.
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
    if os.name == "posix":  # Windows would refuse to delete them later
        with contextlib.suppress(OSError):
            for target in targets:
                target.chmod(0o444)


def clear_leftovers(folder: Path) -> None:
    """Delete half copies that an import left which was killed; one that still grows belongs to another process."""
    for path in folder.glob("*.gguf.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STILL_GROWING_S:
                path.unlink()


def drop(paths: Sequence[Path]) -> None:
    """Delete files that are not needed after all, if they are there."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def check_importable(path: Path, header: Header) -> None:
    """Raise ModelFileError for what can't answer by itself."""
    if header.kind == "adapter":
        raise ModelFileError(
            tr(
                "{name} is an adapter, which changes another model and can't answer alone. "
                "Nothing was changed; import the model it was made for.",
                name=path.name,
            )
        )
    if header.kind == "part":
        raise ModelFileError(
            tr(
                "{name} is a part of another model and can't answer alone. "
                "Nothing was changed; import the model it belongs to.",
                name=path.name,
            )
        )


def safe_stem(stem: str) -> str:
    """The stem as a label that is safe on every system: no control, bidirectional or reserved characters or names."""
    kept = "".join("-" if character in '<>:"/\\|?*' else character for character in printable(stem))
    kept = kept.strip(". ").encode()[:_MAX_STEM_BYTES].decode("utf-8", "ignore").rstrip(". ") or "model"
    return f"model {kept}" if kept.partition(".")[0].lower() in _RESERVED else kept


def _move(source: Path, target: Path) -> None:
    """Rename a file, never over another one: unlike a rename, a hard link is not made over a file."""
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
        source.rename(target)  # which Windows does not do over another file


def _same(there: Sequence[Path], sources: Sequence[Path], sha256s: Sequence[str], facts: Facts) -> bool:
    sizes = all(old.stat().st_size == new.stat().st_size for old, new in zip(there, sources, strict=True))
    return sizes and all(facts.sha256(path) == sha256 for path, sha256 in zip(there, sha256s, strict=True))
