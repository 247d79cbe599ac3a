"""Lists the models that are on this computer now and compares them with the entries in the register."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import desktop_llm.models.library.projectors as projectors
import desktop_llm.models.library.starters as starters
from desktop_llm import __version__
from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.models.facts import Facts, Stamp, stamp_of
from desktop_llm.models.gguf import Header, read_header
from desktop_llm.models.library.elsewhere import ModelFile, Places, is_there, models_elsewhere
from desktop_llm.models.library.model_files import FileSet, identity, sets_of, without_repeats
from desktop_llm.models.library.records import OWN_ORIGINS, Duplicate, Model
from desktop_llm.models.library.register import UNPINNED, Register, RegisterEntry, gone, model_of, state_of, unique
from desktop_llm.models.names import name_of_download, name_of_file
from desktop_llm.models.projector_names import is_projector_name
from desktop_llm.models.templates import template_state
from desktop_llm.words import from_json, to_json

_HEADER = "header"  # the name of the fact
_SAMPLES = 32
_SAMPLE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Sight:
    """The files of a model as found on disk; `header` is None if some of the files are missing."""

    files: FileSet
    stamp: Stamp
    header: Header | ModelFileError | None

    @property
    def read(self) -> Header | None:
        """The header, or None if it is missing or was refused."""
        return self.header if isinstance(self.header, Header) else None


class Inventory:
    """The models on this computer. Asking is cheap: headers are read once, and the rest is listing folders."""

    def __init__(self, folder: Path, places: Places, model_folders: Callable[[], Sequence[str]], facts: Facts) -> None:
        self._folder = folder
        self._places = places
        self._model_folders = model_folders
        self._facts = facts
        self._headers = Headers(facts)
        self.register = Register(facts, folder, _starter_ids)

    def models(self) -> list[Model]:
        """All models, including hidden ones: the starters, our own by name, those of other apps, and missing ones."""
        used = self._facts.last_used()
        known = self.register.entries()
        sights = [sight for sight in self._look(known) if _is_model(sight)]
        entries = _entries(sights, known, used)
        self._note_changes(known, entries)
        sha256s = self._facts.known("sha256", {sight.files.path: sight.stamp for sight in sights})
        found = [_model(sight, entries[sight.files.path], sha256s) for sight in sights]
        paired = projectors.pairs(
            [model.path for model in found if model.kind == "chat"], self._folder, self._projectors
        )
        found = [replace(model, projector=paired.get(model.path)) for model in found]
        # The person may have had this file, under the same id, before it became the starter.
        ids = {model.id for model in found}
        found = [*(model for model in self._starters() if model.id not in ids), *found]
        found += [gone(path, entry) for path, entry in _gone(sights, entries)]
        return [replace(model, used_at=used.get(model.id)) for model in found]

    def header(self, model: Model) -> Header:
        """The checked header of a model's file; raises ModelFileError, or OSError if it is gone."""
        stamp = stamp_of(*(model.parts if model.parts and not model.starter else (model.path,)))
        header = self._headers.read({model.path: stamp})[model.path]
        if isinstance(header, ModelFileError):
            raise header
        return header

    def projector_of(self, path: Path) -> Path | None:
        """The usable projector beside a model's file, if there is one."""
        return projectors.pairs([*projectors.models_beside(path), path], self._folder, self._projectors).get(path)

    def _projectors(self, paths: Collection[Path]) -> set[Path]:
        """The files among these that are projectors which the engine may open."""
        headers = self._headers.read({path: stamp for path in paths for stamp in _stamps_of(path)})
        return {path for path, header in headers.items() if isinstance(header, Header) and header.kind == "projector"}

    def _look(self, known: Collection[Path]) -> list[Sight]:
        own = [ModelFile(path, origin="imported") for path in sorted(self._folder.glob("*.gguf")) if is_there(path)]
        folders = [Path(folder) for folder in self._model_folders()]
        # If several paths lead to one file, the path that is already in the register comes first, so the id stays.
        others = sorted(models_elsewhere(self._places, folders), key=lambda found: found.path not in known)
        others = list(without_repeats(others, [found.path for found in own]))
        sets = [(files, stamp) for files in sets_of([*own, *others]) for stamp in _stamps(files)]
        headers = self._headers.read({files.path: stamp for files, stamp in sets if files.complete})
        return [Sight(files, stamp, headers.get(files.path)) for files, stamp in sets]

    def _starters(self) -> Iterator[Model]:
        for model in starters.installed():
            if model.kind != "chat":
                yield model
                continue
            try:
                header = self.header(model)
            except ModelFileError as error:
                yield replace(model, state="damaged", reason=error.title, remedy=error.text)
                continue
            sampling = tuple(header.sampling.items())
            yield replace(model, layers=header.layers, shape=header.shape, sampling=sampling)

    def _note_changes(self, known: Mapping[Path, RegisterEntry], entries: Mapping[Path, RegisterEntry]) -> None:
        changed: dict[Path, RegisterEntry | None] = {
            path: entry for path, entry in entries.items() if entry != known.get(path)
        }
        dropped = {path: None for path, entry in known.items() if path not in entries and not entry.removed}
        self.register.note_seen(changed | dropped, known)


def _gone(sights: Sequence[Sight], entries: Mapping[Path, RegisterEntry]) -> Iterator[tuple[Path, RegisterEntry]]:
    """The entries whose files are gone; a file that exists but was not listed was listed under another path."""
    seen = {sight.files.path for sight in sights}
    return ((path, entry) for path, entry in entries.items() if path not in seen and not is_there(path))


def _stamps(files: FileSet) -> Iterable[Stamp]:
    return _stamps_of(*files.paths)


def _stamps_of(*paths: Path) -> Iterable[Stamp]:
    with contextlib.suppress(OSError):  # deleted since the folder was read
        return [stamp_of(*paths)]
    return []


def _starter_ids() -> set[str]:
    """The ids of the starters that are installed, which no other model may use."""
    return {model.id for model in starters.installed()}


def _is_model(sight: Sight) -> bool:
    """Whether to show this as a model; parts of other models, projectors, and adapters of other apps are not shown."""
    kind = sight.read.kind if sight.read else "chat"
    if kind == "projector" or (sight.read is None and is_projector_name(sight.files.path.name)):
        return False
    return kind != "part" and (kind != "adapter" or sight.files.found.origin in OWN_ORIGINS)


def _entries(
    sights: Sequence[Sight], known: Mapping[Path, RegisterEntry], used: Mapping[str, float]
) -> dict[Path, RegisterEntry]:
    """The entries of all models that are here, and of missing ones that are our own, hidden or used before."""
    live = {path: entry for path, entry in known.items() if not entry.removed}
    seen = {sight.files.path for sight in sights}
    entries = {
        path: entry for path, entry in live.items() if path in seen or entry.own or entry.hidden or entry.id in used
    }
    taken = {entry.id for entry in entries.values()} | _starter_ids()
    for sight in sights:
        path = sight.files.path
        if (entry := entries.get(path)) is None:
            found = sight.files.found
            entry = RegisterEntry(unique(sight.files.id, taken), sight.files.name, found.origin, repo=found.repo)
            taken.add(entry.id)
        pinned = entry.stamp != UNPINNED and (entry.vouched or entry.id in used)
        entries[path] = entry if pinned else _pinned(entry, sight)
    return entries


def _pinned(entry: RegisterEntry, sight: Sight) -> RegisterEntry:
    """The entry with the facts of its files as they are now; it stays as it is if the header is missing or bad."""
    header = sight.read
    if header is None:
        return entry
    size_bytes, mtime_ns = sight.stamp
    name = sight.files.found.name or (
        name_of_download(header.name, entry.repo, entry.file)
        if entry.origin == "pulled"
        else name_of_file(header.name, sight.files.stem)
    )
    return replace(
        entry,
        name=name,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        architecture=header.architecture,
        quantization=header.quantization,
        context_length=header.context_length,
        kind=header.kind,
        layers=header.layers,
    )


def _model(sight: Sight, entry: RegisterEntry, sha256s: Mapping[Path, str]) -> Model:
    files, header = sight.files, sight.read
    now = _pinned(entry, sight)
    state, reason, remedy = state_of(entry, sight.header, sight.stamp, files)
    noted = entry.sha256s[0] if entry.sha256s and sight.stamp == entry.stamp else None
    model = replace(
        model_of(now, files.path, sight.stamp[0]),
        state=state,
        reason=reason,
        remedy=remedy,
        parts=files.paths,
        sha256=noted or files.found.sha256 or sha256s.get(files.path),
    )
    if header is None:
        return model
    template = template_state(header) if header.kind == "chat" else "unknown"
    return replace(
        model,
        shape=header.shape,
        template=template,
        adapter=header.adapter,
        sampling=tuple(header.sampling.items()),
    )


class Headers:
    """Reads and remembers headers; a split model is stored under its first file, with the stamp of all its files."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def read(self, stamps: Mapping[Path, Stamp]) -> dict[Path, Header | ModelFileError]:
        """The checked header of each file, or why it was refused."""
        known = self._facts.known(_HEADER, stamps)
        found = {path: header for path, value in known.items() if (header := _header_in(value)) is not None}
        measured = {path: _measured_header(path) for path in stamps if path not in found}
        lasting = {path: (stamps[path], value) for path, (header, value) in measured.items() if value is not None}
        if lasting:
            self._facts.note(_HEADER, lasting)
        return found | {path: header for path, (header, _) in measured.items()}


def duplicates_among(models: Iterable[Model], facts: Facts) -> list[Duplicate]:
    """Models with the same content, sorted by the space they waste, most first.

    Two models are the same if they have the same size and sha256. If a checksum is unknown, samples from all over the
    files are compared instead: two different models differ in nearly all of their blocks.
    """
    by_size: dict[int, list[Model]] = {}
    for model in models:
        if model.state == "ok":
            by_size.setdefault(model.size_bytes, []).append(model)
    found = [group for same_size in by_size.values() if len(same_size) > 1 for group in _same(same_size, facts)]
    return sorted(found, key=lambda duplicate: -duplicate.spare_bytes)


def _measured_header(path: Path) -> tuple[Header | ModelFileError, dict[str, Any] | None]:
    """The header and the fact to store; the fact is None if the file couldn't be read at all (disk, permission)."""
    try:
        header = read_header(path)
    except ModelFileError as error:
        passing = isinstance(error.__cause__, OSError)
        told = {
            "refused": to_json(error.title),
            "text": to_json(error.text),
            "unsupported": isinstance(error, UnsupportedModel),
        }
        return error, None if passing else {"version": __version__, **told}
    return header, {"version": __version__, "header": header.to_json()}


def _header_in(value: Mapping[str, Any]) -> Header | ModelFileError | None:
    """The stored header, or None if another version of this app stored it, since its checks may have differed."""
    if value.get("version") != __version__:
        return None
    if "refused" in value:
        kind = UnsupportedModel if value.get("unsupported") else ModelFileError
        return kind(from_json(value["refused"]), from_json(value.get("text", "")))
    try:
        return Header.from_json(value["header"])
    except (TypeError, KeyError):
        return None


def _same(models: Sequence[Model], facts: Facts) -> Iterable[Duplicate]:
    known = all(model.sha256 for model in models)
    groups: dict[str, list[Model]] = {}
    for model in models:
        groups.setdefault(str(model.sha256) if known else _content(model, facts), []).append(model)
    for group in groups.values():
        files = {identity(model.path) for model in group}
        if len(files) > 1:
            yield Duplicate(tuple(group), group[0].size_bytes * (len(files) - 1))


def _content(model: Model, facts: Facts) -> str:
    try:
        return " ".join(str(facts.of_file(path, "sample", _sample)) for path in model.parts or (model.path,))
    except OSError:  # deleted meanwhile, so it is no duplicate
        return str(model.path)


def _sample(path: Path) -> str:
    """A hash of 2 MiB of the file, including its beginning and end."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()
