"""Tells models of the same content in several files, without reading them whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from desktop_llm.models.facts import Facts
from desktop_llm.models.library.records import Duplicate, Model

_SAMPLES = 32
_SAMPLE_BYTES = 64 << 10


def duplicates_among(models: Iterable[Model], facts: Facts) -> list[Duplicate]:
    """Models that are the same, those that waste most first.

    Of one size and one known sha256; where that is not known of all, one size and the same bytes in samples spread
    over the file: two models that differ do so in nearly all of their blocks.
    """
    by_size: dict[int, list[Model]] = {}
    for model in models:
        if model.state == "ok":
            by_size.setdefault(model.size_bytes, []).append(model)
    found = [group for same_size in by_size.values() if len(same_size) > 1 for group in _same(same_size, facts)]
    return sorted(found, key=lambda duplicate: -duplicate.spare_bytes)


def _same(models: Sequence[Model], facts: Facts) -> Iterable[Duplicate]:
    known = all(model.sha256 for model in models)
    groups: dict[str, list[Model]] = {}
    for model in models:
        groups.setdefault(str(model.sha256) if known else _content(model, facts), []).append(model)
    for group in groups.values():
        files = {_identity(model.path) for model in group}
        if len(files) > 1:
            yield Duplicate(tuple(group), group[0].size_bytes * (len(files) - 1))


def _content(model: Model, facts: Facts) -> str:
    try:
        return " ".join(str(facts.of_file(path, "sample", _sample)) for path in model.parts or (model.path,))
    except OSError:  # gone meanwhile, so like no other
        return str(model.path)


def _sample(path: Path) -> str:
    """A hash over 2 MiB of the file, its begin and end among them."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _identity(path: Path) -> tuple[int, int] | Path:
    """Hard links are one file: they take their space once."""
    try:
        status = path.stat()
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else path
