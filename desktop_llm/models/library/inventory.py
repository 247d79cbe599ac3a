"""Looks at all places where models lie and says what is there now, and how it differs from what was noted before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_llm.errors import ModelFileError
from desktop_llm.models.facts import Facts, Stamp, stamp_of
from desktop_llm.models.gguf import Header
from desktop_llm.models.library import starters
from desktop_llm.models.library.elsewhere import Found, Places, is_there, models_elsewhere
from desktop_llm.models.library.headers import Headers
from desktop_llm.models.library.naming import called
from desktop_llm.models.library.records import OWN_ORIGINS, Model
from desktop_llm.models.library.register import UNPINNED, Entry, Register, unique
from desktop_llm.models.library.sets import FileSet, sets_of, without_repeats
from desktop_llm.models.library.states import gone, state_of
from desktop_llm.models.templates import template_state

_RESERVED = {starter.id for starter in starters.STARTERS}


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look at a model's files showed; `header` is None where some of its files are not there."""

    files: FileSet
    stamp: Stamp
    header: Header | ModelFileError | None

    @property
    def read(self) -> Header | None:
        """The header, if it is a good one."""
        return self.header if isinstance(self.header, Header) else None


class Inventory:
    """The models of this computer. Cheap to ask: headers are read once, the rest is looking at folders."""

    def __init__(self, folder: Path, places: Places, model_folders: Callable[[], Sequence[str]], facts: Facts) -> None:
        self._folder = folder
        self._places = places
        self._model_folders = model_folders
        self._facts = facts
        self._headers = Headers(facts)
        self.register = Register(facts, folder, _RESERVED)

    def models(self) -> list[Model]:
        """All: the starters, our own by name, those elsewhere, those that are gone; hidden ones too."""
        used = self._facts.last_used()
        known = self.register.entries()
        sights = [sight for sight in self._look(known) if _is_model(sight)]
        entries = _entries(sights, known, used)
        self._note_changes(known, entries)
        sha256s = self._facts.known("sha256", {sight.files.path: sight.stamp for sight in sights})
        found = [*self._starters(), *(_model(sight, entries[sight.files.path], sha256s) for sight in sights)]
        found += [gone(path, entry) for path, entry in _gone(sights, entries)]
        return [replace(model, used_at=used.get(model.id)) for model in found]

    def header(self, model: Model) -> Header:
        """The checked header of a model's file; raises ModelFileError, or OSError where it is gone."""
        stamp = stamp_of(*(model.parts if model.parts and not model.starter else (model.path,)))
        header = self._headers.read({model.path: stamp})[model.path]
        if isinstance(header, ModelFileError):
            raise header
        return header

    def _look(self, known: Collection[Path]) -> list[Sight]:
        own = [Found(path, origin="imported") for path in sorted(self._folder.glob("*.gguf")) if is_there(path)]
        folders = [Path(folder) for folder in self._model_folders()]
        # Of several ways to one file, that by which it was known before keeps its id.
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
                yield replace(model, state="damaged", reason=error.message)
                continue
            yield replace(model, layers=header.layers, shape=header.shape)

    def _note_changes(self, known: Mapping[Path, Entry], entries: Mapping[Path, Entry]) -> None:
        changed: dict[Path, Entry | None] = {path: entry for path, entry in entries.items() if entry != known.get(path)}
        dropped = {path: None for path, entry in known.items() if path not in entries and not entry.removed}
        self.register.note_seen(changed | dropped, known)


def _gone(sights: Sequence[Sight], entries: Mapping[Path, Entry]) -> Iterator[tuple[Path, Entry]]:
    """The entries without files; a file that is there but not seen is known by another of its names."""
    seen = {sight.files.path for sight in sights}
    return ((path, entry) for path, entry in entries.items() if path not in seen and not is_there(path))


def _stamps(files: FileSet) -> Iterable[Stamp]:
    with contextlib.suppress(OSError):  # gone since the folder was read
        return [stamp_of(*files.paths)]
    return []


def _is_model(sight: Sight) -> bool:
    """Whether it is one to show: a part that belongs to another file is not, nor another app's adapter."""
    kind = sight.read.kind if sight.read else "chat"
    return kind != "part" and (kind != "adapter" or sight.files.found.origin in OWN_ORIGINS)


def _entries(sights: Sequence[Sight], known: Mapping[Path, Entry], used: Mapping[str, float]) -> dict[Path, Entry]:
    """The entries of all that is here, and of what is gone and would be missed: our own, and what was used."""
    live = {path: entry for path, entry in known.items() if not entry.removed}
    seen = {sight.files.path for sight in sights}
    entries = {
        path: entry for path, entry in live.items() if path in seen or entry.own or entry.hidden or entry.id in used
    }
    taken = {entry.id for entry in entries.values()} | _RESERVED
    for sight in sights:
        path = sight.files.path
        if (entry := entries.get(path)) is None:
            found = sight.files.found
            entry = Entry(unique(sight.files.id, taken), sight.files.name, found.origin, repo=found.repo)
            taken.add(entry.id)
        pinned = entry.stamp != UNPINNED and (entry.vouched or entry.id in used)
        entries[path] = entry if pinned else _pinned(entry, sight)
    return entries


def _pinned(entry: Entry, sight: Sight) -> Entry:
    """The entry with what its files are now; a file that is damaged already may become another one."""
    header = sight.read
    if header is None:
        return entry
    size_bytes, mtime_ns = sight.stamp
    told = called(header.name, entry.repo, entry.file) if entry.origin == "pulled" else header.name
    return replace(
        entry,
        name=sight.files.found.name or told or sight.files.stem,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        architecture=header.architecture,
        quantization=header.quantization,
        context_length=header.context_length,
        kind=header.kind,
        layers=header.layers,
    )


def _model(sight: Sight, entry: Entry, sha256s: Mapping[Path, str]) -> Model:
    files, header = sight.files, sight.read
    now = _pinned(entry, sight)
    state, reason = state_of(entry, sight.header, sight.stamp, files)
    noted = entry.sha256s[0] if entry.sha256s and sight.stamp == entry.stamp else None
    model = Model(
        id=entry.id,
        name=now.name,
        path=files.path,
        size_bytes=sight.stamp[0],
        architecture=now.architecture,
        quantization=now.quantization,
        context_length=now.context_length,
        kind=now.kind,
        origin=entry.origin,
        state=state,
        reason=reason,
        layers=now.layers,
        parts=files.paths,
        repo=entry.repo,
        file=entry.file,
        revision=entry.revision,
        sha256=noted or files.found.sha256 or sha256s.get(files.path),
        hidden=entry.hidden,
    )
    if header is None:
        return model
    return replace(model, shape=header.shape, template=template_state(header) if header.kind == "chat" else "unknown")
