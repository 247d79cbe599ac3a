"""Sorts a repository's files by their names: models with their quantizations and shards, and projectors.

Names come from strangers and only serve as labels: no file on this computer is named after them, and names that no
honest repository has are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from desktop_llm.models.names import quantization_of, split_name
from desktop_llm.models.projector_names import is_projector_name

MAX_NAME_BYTES = 1_024
# Files beside models that are not models: vocabularies for tests, drafts and heads that need another model.
_NO_MODELS = ("ggml-vocab", "mtp-", "dflash-", "eagle3-")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubPart:
    """One file in a repository; `sha256` is None if the hub gives none."""

    path: str
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class HubFile:
    """One model that can be downloaded: a file, or all of its shards; `name` and `sha256` are the first part's."""

    name: str
    quantization: str
    size_bytes: int
    sha256: str | None
    parts: tuple[HubPart, ...]

    @property
    def label(self) -> str:
        """The name of the model's file without its folder, and without the number of a shard."""
        split = split_name(self.name)
        return (split.stem if split is not None else self.name).rpartition("/")[2]


def group(parts: Iterable[HubPart]) -> tuple[tuple[HubFile, ...], tuple[HubFile, ...]]:
    """The models and the projectors among a repository's files, each by size; shards of one model are one entry.

    Files of other kinds, sets with missing shards, and names that no honest repository has are left out.
    """
    models: list[HubFile] = []
    projectors: list[HubFile] = []
    for file in _joined([part for part in parts if _is_model(part.path)]):
        (projectors if is_projector_name(file.name.rpartition("/")[2]) else models).append(file)
    return by_size(models), by_size(projectors)


def by_size(files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """The files, smallest first."""
    return tuple(sorted(files, key=lambda file: (file.size_bytes, file.name)))


def checked_sha256(value: object) -> str | None:
    """The value if it is a sha256, else None."""
    return value if isinstance(value, str) and _SHA256.fullmatch(value) else None


def is_plain(path: str) -> bool:
    """Whether a repository can hold this path: relative, printable, with no step upwards and nothing of Windows."""
    steps = path.split("/")
    if not path.isprintable() or len(path.encode()) > MAX_NAME_BYTES or "\\" in path:
        return False
    return all(0 < len(step.encode()) <= 255 and step.strip(". ") for step in steps) and ":" not in steps[0]


def _is_model(path: str) -> bool:
    name = path.lower().rpartition("/")[2]
    return is_plain(path) and name.endswith(".gguf") and not name.startswith(_NO_MODELS) and "imatrix" not in name


def _joined(parts: Sequence[HubPart]) -> list[HubFile]:
    """Each single file, and each complete set of shards in order."""
    files: list[HubFile] = []
    sets: dict[tuple[str, int], dict[int, HubPart]] = defaultdict(dict)
    for part in parts:
        if (split := split_name(part.path)) is None:
            files.append(_file(part.path, [part]))
        else:
            sets[split.stem, split.count][split.number] = part
    for (stem, count), shards in sets.items():
        # Compare the numbers first: a list of many sets that claim 99,999 parts must not cost 99,999 steps for each.
        if count and len(shards) == count and set(shards) == set(range(1, count + 1)):
            files.append(_file(stem, [shards[number] for number in range(1, count + 1)]))
    return files


def _file(label: str, parts: Sequence[HubPart]) -> HubFile:
    first, size_bytes = parts[0], sum(part.size_bytes for part in parts)
    return HubFile(first.path, quantization_of(label), size_bytes, first.sha256, tuple(parts))
