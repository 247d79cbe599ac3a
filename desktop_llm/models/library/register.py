"""What the library noted of each model when it saw it first: its id, where it came from, how its files were."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from desktop_llm.models.facts import Facts, Stamp
from desktop_llm.models.library.records import OWN_ORIGINS, Origin

UNPINNED: Stamp = (0, 0)
"""The stamp of an entry whose files may be as they like: the next look at them pins it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model as it was when it was taken in, or used last if it belongs to another app.

    `sha256s` are those of all its files in order, empty where nobody hashed them. A removed model's entry stays, so
    that an old conversation can name it and say where to get it again.
    """

    id: str
    name: str
    origin: Origin
    size_bytes: int = 0
    mtime_ns: int = 0
    architecture: str = ""
    quantization: str = ""
    context_length: int = 0
    kind: str = "chat"
    layers: int = 0
    repo: str = ""
    file: str = ""
    revision: str = ""
    sha256s: tuple[str, ...] = ()
    hidden: bool = False
    removed: bool = False

    @property
    def stamp(self) -> Stamp:
        """What tells that the files are as they were."""
        return self.size_bytes, self.mtime_ns

    @property
    def own(self) -> bool:
        """Whether the files are this app's."""
        return self.origin in OWN_ORIGINS

    @property
    def vouched(self) -> bool:
        """Whether this app knows what the files must be, and has to answer for it."""
        return self.own and bool(self.sha256s)


_FIELDS = {field.name for field in fields(Entry)}


class Register:
    """The entries by the path of each model's first file; those in our own folder move with it."""

    def __init__(self, facts: Facts, folder: Path, reserved: Collection[str]) -> None:
        self._facts = facts
        self._folder = folder
        self._reserved = set(reserved)

    def entries(self) -> dict[Path, Entry]:
        """All of them, also of models that are gone."""
        return {self._folder / path: _entry(value) for path, value in self._facts.entries().items()}

    def by_id(self, model_id: str) -> tuple[Path, Entry] | None:
        """The entry with this id; one that is not removed goes first."""
        found = [(path, entry) for path, entry in self.entries().items() if entry.id == model_id]
        return min(found, key=lambda pair: pair[1].removed, default=None)

    def admit(self, path: Path, model_id: str, source: Path | None = None, **facts: Any) -> Entry:
        """Note what was taken into our folder, from `source` if that may be a model already.

        The id is made unique; the model that lay at this path, or at the source in another app's folder, hands on its
        own, so that conversations and settings go on with it.
        """
        entries = {known: entry for known, entry in self.entries().items() if not entry.removed}
        entry = entries.get(path)
        if entry is None and source in entries and not entries[source].own:
            entry = replace(entries[source], origin="imported", hidden=False)
            self.note({source: None})
        if entry is None:
            taken = {other.id for other in entries.values()} | self._reserved
            entry = Entry(unique(model_id, taken), model_id, "imported")
        entry = replace(entry, **facts, size_bytes=UNPINNED[0], mtime_ns=UNPINNED[1], removed=False)
        self.note({path: entry})
        return entry

    def unpin(self, path: Path, entry: Entry) -> None:
        """Take the files as they will be at the next look."""
        self.note({path: replace(entry, size_bytes=UNPINNED[0], mtime_ns=UNPINNED[1])})

    def note(self, entries: Mapping[Path, Entry | None]) -> None:
        """Keep these; None forgets one."""
        noted = {self._key(path): entry and asdict(entry) for path, entry in entries.items()}
        self._facts.note_entries(lambda _: noted)

    def note_seen(self, entries: Mapping[Path, Entry | None], known: Mapping[Path, Entry]) -> None:
        """Keep what a look at the disk changed of the `known` ones, but for those that were noted anew meanwhile."""

        def still_known(now: Mapping[Path, Any]) -> dict[Path, Any]:
            keys = {path: self._key(path) for path in entries}
            same = (path for path, key in keys.items() if (_entry(now[key]) if key in now else None) == known.get(path))
            return {keys[path]: (entry := entries[path]) and asdict(entry) for path in same}

        if entries:
            self._facts.note_entries(still_known)

    def _key(self, path: Path) -> Path:
        return path.relative_to(self._folder) if path.is_relative_to(self._folder) else path


def unique(model_id: str, taken: set[str]) -> str:
    """The id, with a number behind it where another model has it."""
    number, candidate = 1, model_id
    while candidate in taken:
        number += 1
        candidate = f"{model_id}-{number}"
    return candidate


def _entry(value: Mapping[str, Any]) -> Entry:
    """Tolerant of fields that another version of this app added."""
    known = {name: part for name, part in value.items() if name in _FIELDS}
    return Entry(**{**known, "sha256s": tuple(value.get("sha256s", ()))})
