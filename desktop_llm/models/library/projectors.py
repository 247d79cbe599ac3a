"""Finds the projector of a model: the file `mmproj*.gguf` beside it, which lets it see pictures or hear.

Our own models folder holds many models, so there the projector has the model's name: `mmproj-STEM.gguf`. Other folders
are as their publishers and apps made them: there, the words of its name must all be in the model's name, and one
without words of its own (`mmproj-F16.gguf`) belongs to the only model of its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from desktop_llm.engine.shapes import LoadSettings
from desktop_llm.models.library.model_files import stem_of
from desktop_llm.models.library.records import Model
from desktop_llm.models.names import quantization_of
from desktop_llm.models.projector_names import best_of, fits, is_projector_name, words_of


def own_name(stem: str) -> str:
    """The name of the projector of the model with this stem, in our own models folder."""
    return f"mmproj-{stem}.gguf"


def models_beside(path: Path) -> list[Path]:
    """The other models in the folder of this file, by name."""
    return [other for other in _files_beside(path) if other != path and not is_projector_name(other.name)]


def pairs(
    models: Iterable[Path], own: Path, usable: Callable[[Collection[Path]], Collection[Path]]
) -> dict[Path, Path]:
    """The projector of each model that has one; `own` is our own models folder, `usable` tells which of some files are
    projectors that the engine may open.
    """
    by_folder: dict[Path, list[Path]] = {}
    for model in models:
        by_folder.setdefault(model.parent, []).append(model)
    found = {
        folder: [path for path in _files_beside(members[0]) if is_projector_name(path.name)]
        for folder, members in by_folder.items()
    }
    good = set(usable([path for paths in found.values() for path in paths]))
    return {
        model: projector
        for folder, members in by_folder.items()
        for model, projector in _in_folder(members, [path for path in found[folder] if path in good], folder == own)
    }


def with_projector(load: LoadSettings, model: Model) -> LoadSettings:
    """The load settings of a model, with its eyes if it has any."""
    return replace(load, projector=str(model.projector) if model.projector else None)


def _in_folder(models: Collection[Path], projectors: Collection[Path], own: bool) -> Iterator[tuple[Path, Path]]:
    alone = not own and len({words_of(stem_of(model)) for model in models}) == 1
    for model in models:
        stem = stem_of(model)
        fitting = [path for path in projectors if fits(path.name, stem, alone=alone)]
        exact = [path for path in fitting if path.name.lower() == own_name(stem).lower()]
        most = max((len(words_of(path.name)) for path in fitting), default=0)
        closest = exact or [path for path in fitting if len(words_of(path.name)) == most]
        if (best := best_of({str(path): quantization_of(path.name) for path in closest})) is not None:
            yield model, Path(best)


def _files_beside(path: Path) -> list[Path]:
    try:
        return sorted(other for other in path.parent.iterdir() if other.suffix.lower() == ".gguf")
    except OSError:
        return []
