"""What is being dragged, found out by `stat` of the dragged paths alone: folders are counted later, by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData

from desktop_llm.gui.documents import words
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class Dropped:
    """Dragged paths sorted by what can be done with them; `size_bytes` is that of the files, without folders."""

    documents: tuple[str, ...]
    models: tuple[str, ...]
    files: int
    folders: int
    size_bytes: int
    folder_name: str

    @property
    def only_models(self) -> bool:
        """Whether there is nothing to read among them."""
        return bool(self.models) and not self.documents


def paths_in(mime: QMimeData) -> list[str]:
    """Local paths of a drag; a drag from a browser or an editor has none."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile() and url.toLocalFile()]


def look_at(paths: Sequence[str]) -> Dropped:
    """Sort dragged paths. `folder_name` is that of the only folder, to name a collection after."""
    folders = [path for path in paths if Path(path).is_dir()]
    models = tuple(path for path in paths if path.lower().endswith(".gguf") and path not in folders)
    files = [path for path in paths if path not in folders]
    return Dropped(
        documents=tuple(path for path in paths if path not in models),
        models=models,
        files=len(files),
        folders=len(folders),
        size_bytes=sum(_size(path) for path in files),
        folder_name=words.file_name(folders[0]) if len(folders) == 1 else "",
    )


def amount(dropped: Dropped) -> str:
    """ "7 files and 1 folder"."""
    parts = []
    if dropped.files:
        parts.append(tr("1 file") if dropped.files == 1 else tr("{n} files").format(n=dropped.files))
    if dropped.folders:
        one = dropped.folders == 1
        parts.append(tr("1 folder") if one else tr("{n} folders").format(n=dropped.folders))
    return tr(" and ").join(parts)


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
