"""Keeps removed model files until the window closes, by moving them within the models folder at no cost."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.files import cannot_write
from desktop_llm.words import tr


class Trash:
    """The folder `.trash` and the files that this process put there.

    If the app is killed, the folder is emptied at the next start: the person removed these files to free their space.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".trash"
        self._kept: dict[str, list[tuple[Path, Path]]] = {}

    def put(self, model_id: str, paths: Sequence[Path]) -> None:
        """Move these files to the trash; if one is in use, moves all of them back and raises UserError."""
        moved: list[tuple[Path, Path]] = []
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            place = Path(tempfile.mkdtemp(dir=self._folder))
            for path in paths:
                path.rename(place / path.name)
                moved.append((path, place / path.name))
        except OSError as error:
            for path, kept in moved:
                kept.rename(path)
            raise cannot_remove(paths[0], error) from error
        self._kept[model_id] = moved

    def take_back(self, model_id: str) -> bool:
        """Move a model's files back; returns False if the model is not in the trash. Raises UserError."""
        moved = self._kept.get(model_id)
        if moved is None:
            return False
        if taken := next((path for path, _ in moved if path.exists()), None):
            raise UserError(
                tr("{name} can't be brought back: there is another file of that name now.", name=taken.name),
                tr("Nothing was changed."),
            )
        try:
            for path, kept in reversed(moved):
                kept.rename(path)
        except OSError as error:
            raise cannot_write(moved[0][0], error) from error
        del self._kept[model_id]
        return True

    def empty(self) -> None:
        """Delete everything in the trash, including files that a killed process left."""
        self._kept.clear()
        shutil.rmtree(self._folder, onerror=_even_read_only)


def delete(paths: Sequence[Path]) -> None:
    """Delete files at once; raises UserError if one is in use or may not be deleted."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_remove(path, error) from error


def cannot_remove(path: Path, error: OSError) -> UserError:
    """The error for a file that could not be removed."""
    return UserError(
        tr(
            "{name} could not be removed: {reason}.",
            name=path.name,
            reason=error.strerror or tr("the system gave no reason"),
        ),
        tr("It is unchanged. Unload the model if it is loaded, then try again."),
    )


def _even_read_only(remove: Callable[[str], object], path: str, _: object) -> None:
    # Files that can't be deleted now are deleted at the next start.
    with contextlib.suppress(OSError):
        Path(path).chmod(0o700)
        remove(path)
