"""Notes each model as the library first saw it, and describes how its files have changed since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.models.facts import Facts, Stamp
from desktop_llm.models.gguf import Header
from desktop_llm.models.library.model_files import FileSet
from desktop_llm.models.library.records import OWN_ORIGINS, Model, Origin, State, app_name
from desktop_llm.words import Sentence, tr

UNPINNED: Stamp = (0, 0)
"""The stamp of an entry whose files are not known yet: the next look at them fills it in."""


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """A model as it was when it was added or, if it belongs to another app, when it was last used.

    `sha256s` are the checksums of all its files in order, or empty if they were never hashed. The entry stays when a
    model is removed, so that an old conversation can name the model and say where to get it again.
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
        """The size and modification time that the files had."""
        return self.size_bytes, self.mtime_ns

    @property
    def own(self) -> bool:
        """Whether the files belong to this app."""
        return self.origin in OWN_ORIGINS

    @property
    def vouched(self) -> bool:
        """Whether this app knows what the files must contain and has to check them."""
        return self.own and bool(self.sha256s)


_FIELDS = {field.name for field in fields(RegisterEntry)}


class Register:
    """The entries by the path of each model's first file; paths in our own folder are stored relative to it."""

    def __init__(self, facts: Facts, folder: Path, reserved: Callable[[], set[str]]) -> None:
        self._facts = facts
        self._folder = folder
        self._reserved = reserved

    def entries(self) -> dict[Path, RegisterEntry]:
        """All entries, including those of models that are gone."""
        return {self._folder / path: _entry(value) for path, value in self._facts.entries().items()}

    def by_id(self, model_id: str) -> tuple[Path, RegisterEntry] | None:
        """The entry with this id, preferably one that was not removed."""
        found = [(path, entry) for path, entry in self.entries().items() if entry.id == model_id]
        return min(found, key=lambda pair: pair[1].removed, default=None)

    def admit(self, path: Path, model_id: str, source: Path | None = None, **facts: Any) -> RegisterEntry:
        """Note a model that was added to our folder; `source` is the file it came from, which may be a model too.

        The id is made unique. But if there was a model at this path, or one of another app at `source`, its id is kept,
        so that conversations and settings still find the model.
        """
        entries = {known: entry for known, entry in self.entries().items() if not entry.removed}
        entry = entries.get(path)
        if entry is None and source in entries and not entries[source].own:
            entry = replace(entries[source], origin="imported", hidden=False)
            self.note({source: None})
        if entry is None:
            taken = {other.id for other in entries.values()} | self._reserved()
            entry = RegisterEntry(unique(model_id, taken), model_id, "imported")
        entry = replace(entry, **facts, size_bytes=UNPINNED[0], mtime_ns=UNPINNED[1], removed=False)
        self.note({path: entry})
        return entry

    def unpin(self, path: Path, entry: RegisterEntry) -> None:
        """Accept the files as they are at the next look."""
        self.note({path: replace(entry, size_bytes=UNPINNED[0], mtime_ns=UNPINNED[1])})

    def note(self, entries: Mapping[Path, RegisterEntry | None]) -> None:
        """Store these entries; None deletes one."""
        noted = {self._key(path): entry and asdict(entry) for path, entry in entries.items()}
        self._facts.note_entries(lambda _: noted)

    def note_seen(self, entries: Mapping[Path, RegisterEntry | None], known: Mapping[Path, RegisterEntry]) -> None:
        """Store the changes that a look at the disk made to `known` entries, unless they have changed meanwhile."""

        def still_known(now: Mapping[Path, Any]) -> dict[Path, Any]:
            keys = {path: self._key(path) for path in entries}
            same = (path for path, key in keys.items() if (_entry(now[key]) if key in now else None) == known.get(path))
            return {keys[path]: (entry := entries[path]) and asdict(entry) for path in same}

        if entries:
            self._facts.note_entries(still_known)

    def _key(self, path: Path) -> Path:
        return path.relative_to(self._folder) if path.is_relative_to(self._folder) else path


def unique(model_id: str, taken: set[str]) -> str:
    """The id, with a number added if another model has the same."""
    number, candidate = 1, model_id
    while candidate in taken:
        number += 1
        candidate = f"{model_id}-{number}"
    return candidate


def state_of(
    entry: RegisterEntry, header: Header | ModelFileError | None, stamp: Stamp, files: FileSet
) -> tuple[State, str, str]:
    """The state of the files compared with their entry, and sentences that say what happened and what to do."""
    if header is None:
        here = len(files.paths)
        return (
            "damaged",
            tr(
                "Only {count} of the {expected} files of {name} are here.",
                count=here,
                expected=files.expected,
                name=entry.name,
            ),
            tr("Download it again; nothing else was changed."),
        )
    if isinstance(header, ModelFileError):
        state: State = "unsupported" if isinstance(header, UnsupportedModel) else "damaged"
        return state, _about(header.title, entry.name if files.found.name else files.path.name), header.text
    if entry.stamp in (stamp, UNPINNED):
        return "ok", "", ""
    if not entry.vouched:
        return (
            "changed",
            tr("The file of {name} was changed since it was used last.", name=entry.name),
            tr("Your chats are untouched. Load it to go on with it as it is now."),
        )
    return (
        "changed",
        tr("The file of {name} was changed after it was added, and not by this app.", name=entry.name),
        tr("Nothing else was touched. Remove it and get it again, or import the file again if the change was yours."),
    )


def gone(path: Path, entry: RegisterEntry) -> Model:
    """The model of an entry whose files are no longer there."""
    reason, remedy = _missing(path, entry)
    model = model_of(entry, path, entry.size_bytes)
    sha256 = entry.sha256s[0] if entry.sha256s else None
    return replace(model, state="missing", reason=reason, remedy=remedy, parts=(path,), sha256=sha256)


def model_of(entry: RegisterEntry, path: Path, size_bytes: int) -> Model:
    """The model as its entry describes it."""
    return Model(
        id=entry.id,
        name=entry.name,
        path=path,
        size_bytes=size_bytes,
        architecture=entry.architecture,
        quantization=entry.quantization,
        context_length=entry.context_length,
        kind=entry.kind,
        origin=entry.origin,
        layers=entry.layers,
        repo=entry.repo,
        file=entry.file,
        revision=entry.revision,
        hidden=entry.hidden,
    )


def _entry(value: Mapping[str, Any]) -> RegisterEntry:
    """The stored entry, without fields that another version of this app added."""
    known = {name: part for name, part in value.items() if name in _FIELDS}
    return RegisterEntry(**{**known, "sha256s": tuple(value.get("sha256s", ()))})


def _missing(path: Path, entry: RegisterEntry) -> tuple[str, str]:
    get_again = tr("Your chats are untouched. Get it again to go on with it.")
    if entry.removed:
        return tr("{name} was removed.", name=entry.name), get_again
    if app := app_name(entry.origin):
        return tr("{name} is not where {app} kept it any more.", name=entry.name, app=app), get_again
    return (
        tr("The file of {name} is not in {folder} any more.", name=entry.name, folder=path.parent),
        tr("Your chats are untouched. Get it again, or put the file back."),
    )


def _about(title: str, name: str) -> str:
    """The sentence with the model's name for the file, because a blob's file name means nothing to people."""
    if isinstance(title, Sentence) and "name" in title.values:
        return title.filled(**{**title.values, "name": name})
    return title
