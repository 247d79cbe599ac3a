"""The models on this disk: the starters that came with the app, our own in the models folder, and those of other apps.

`Library` is what the window, the command line and the server ask; the engine gets only paths from it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop_llm.errors import ModelFileError, NotFound, UnsupportedModel, UserError
from desktop_llm.models.facts import Facts, stamp_of
from desktop_llm.models.gguf import Header, read_header
from desktop_llm.models.library import publishing, starters, trash
from desktop_llm.models.library.duplicates import duplicates_among
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.models.library.inventory import Inventory
from desktop_llm.models.library.records import Duplicate, Imported, Model, Origin, Space, State
from desktop_llm.models.library.sets import stem_of
from desktop_llm.models.library.starters import STARTER_CHAT, STARTER_EMBEDDING
from desktop_llm.models.library.states import gone
from desktop_llm.paths import Folders
from desktop_llm.words import tr

__all__ = [
    "STARTER_CHAT",
    "STARTER_EMBEDDING",
    "Duplicate",
    "Imported",
    "Library",
    "Model",
    "Origin",
    "Space",
    "State",
]


class Library:
    """The models on disk. Cheap to ask: a header is read once and remembered until its file changes.

    `places` says where to look for other apps; `model_folders` gives further folders that the person named.
    """

    def __init__(
        self,
        folders: Folders,
        places: Places | None = None,
        model_folders: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._folder = folders.models
        self._facts = Facts(folders.facts_db)
        self._inventory = Inventory(self._folder, places or Places(Path.home(), os.environ), model_folders, self._facts)
        self._register = self._inventory.register
        self._trash = trash.Trash(self._folder)
        self._forgotten: set[str] = set()  # ids of those whose files were gone when they were removed

    def models(self) -> list[Model]:
        """All models: the starters, our own by name, those of other apps, those whose files vanished.

        What is damaged or gone is listed with its state and the sentence why; hidden ones are left out.
        """
        return [model for model in self._inventory.models() if not model.hidden]

    def hidden(self) -> list[Model]:
        """Models of other apps that the person removed from the list; `restore` brings one back."""
        return [model for model in self._inventory.models() if model.hidden]

    def find(self, model_id: str) -> Model:
        """The model with this id (any case) in whatever state, a hidden one too; raises NotFound."""
        for model in self._inventory.models():
            if model.id == model_id.lower():
                return model
        raise NotFound(tr("There is no model “{id}” here. The list of models shows which there are.", id=model_id))

    def get(self, model_id: str) -> Model:
        """The model with this id (any case), ready to be loaded.

        Raises NotFound, also for one whose file is gone, or ModelFileError for one that is damaged or not what it was
        when it was taken in (hashed once for each content).
        """
        return self._usable(self.find(model_id))

    def known(self, model_id: str) -> Model | None:
        """The model with this id in whatever state, also one that was removed: for a conversation that names it."""
        try:
            return self.find(model_id)
        except NotFound:
            noted = self._register.by_id(model_id.lower())
            return gone(*noted) if noted else None

    def default(self) -> Model:
        """The chat model used last, else the starter; raises UserError where not even that can be used."""
        models = [model for model in self.models() if model.kind == "chat" and model.state in ("ok", "changed")]
        chat = {model.id: model for model in models}
        refused: UserError = NotFound(
            tr("There is no chat model here. Import a GGUF file; everything else works meanwhile.")
        )
        for model_id in [*self._facts.last_used(), STARTER_CHAT.id, *chat]:
            try:
                if model_id in chat:
                    return self._usable(chat[model_id])
            except ModelFileError as error:
                refused = error
        raise refused

    def starter(self) -> Model:
        """The chat model that came with the app; raises NotFound where it is not installed."""
        return self.get(STARTER_CHAT.id)

    def header(self, model: Model) -> Header:
        """The checked header of a model's file; raises ModelFileError."""
        try:
            return self._inventory.header(model)
        except OSError:  # which says what is wrong in a sentence
            return read_header(model.path)

    def sha256(self, model: Model) -> str:
        """The sha256 of a model's (first) file, computed once."""
        return model.sha256 or self._facts.sha256(model.path)

    def sha256s(self, model: Model) -> list[str]:
        """Those of all its files in order, computed once."""
        return [self.sha256(model), *map(self._facts.sha256, model.parts[1:])]

    def mark_used(self, model_id: str) -> None:
        """Make this model the default of the next start."""
        self._facts.mark_used(model_id)
        noted = self._register.by_id(model_id)
        if noted is not None and not noted[1].vouched:
            self._register.unpin(*noted)

    def remembered(self, model_id: str) -> dict[str, Any]:
        """What was chosen for this model the last time (load settings, chat format); empty where nothing."""
        return self._facts.remembered(model_id)

    def remember(self, model_id: str, values: Mapping[str, Any] | None) -> None:
        """Keep what was chosen for this model, as JSON values; None goes back to the defaults."""
        self._facts.remember(model_id, values)

    def space(self) -> Space:
        """What the models take on disk, and what is free where new ones go."""
        models = [model for model in self.models() if model.state != "missing"]
        own = sum(model.size_bytes for model in models if model.own)
        elsewhere = sum(model.size_bytes for model in models if not model.own and not model.starter)
        return Space(own, elsewhere, shutil.disk_usage(self._folder).free)

    def duplicates(self) -> list[Duplicate]:
        """Models of the same content in several files, those that waste most first; reads 2 MiB of each in question."""
        return duplicates_among(self.models(), self._facts)

    def import_file(self, path: Path) -> Imported:
        """Check a GGUF file and take it into the models folder, by hard link where possible; all parts of a split one.

        Raises ModelFileError for what the engine can't chat or embed with. The same content under the same name is one
        model.
        """
        files = publishing.set_around(path.expanduser().absolute())
        publishing.check_importable(files.path, read_header(files.path))
        sha256s = [self._facts.sha256(part) for part in files.paths]
        targets, here = publishing.targets_for(self._folder, files.stem, files.paths, sha256s, self._facts)
        copied_bytes = 0 if here else publishing.link(files.paths, targets)
        model = self._taken_in(targets, sha256s, source=files.path)
        return Imported(model, sha256s[0], model.size_bytes, copied_bytes)

    def adopt(
        self,
        paths: Sequence[Path],
        *,
        repo: str,
        file: str,
        revision: str,
        sha256s: Sequence[str],
        announce: Callable[[Sequence[Path]], None] = lambda _: None,
    ) -> Model:
        """Publish verified files of one model, in order, by renaming them into the models folder.

        `file` is the name in the repository, and only a label. Where this very content has that name already, the new
        files are deleted. `announce` is told where the files go before the first is moved. Raises UserError.
        """
        targets = self._published(paths, stem_of(Path(file)), sha256s, announce)
        return self._taken_in(targets, sha256s, origin="pulled", repo=repo, file=file, revision=revision)

    def note_source(self, model: Model, *, repo: str, file: str, revision: str) -> Model:
        """Keep where one of our own models can be got again; the model as it is now."""
        sha256s = self.sha256s(model)
        return self._taken_in(model.parts, sha256s, origin="pulled", repo=repo, file=file, revision=revision)

    def remove(self, model_id: str, *, undo: bool = True) -> Model:
        """Take a model off the list: our own goes to the trash until the window closes, or at once without `undo`.

        That of another app stays where it is and is only hidden here. Raises UserError for a starter, which belongs to
        the install, and where a file is in use.
        """
        model = self.find(model_id)
        if model.starter:
            raise UserError(
                tr("{name} came with this app and stays. Other models can be removed.", name=model.display_name)
            )
        self._forgotten.discard(model.id)
        if model.state == "missing":
            self._note(model, removed=True)
            self._forgotten.add(model.id)
        elif not model.own:
            self._note(model, hidden=True)
        else:
            self._trash.put(model.id, model.parts) if undo else trash.delete(model.parts)
            self._note(model, removed=True)
            self._facts.forget_files(model.parts)
        return model

    def restore(self, model_id: str) -> Model:
        """Undo `remove`; raises NotFound where the trash was emptied, UserError where its place was taken meanwhile."""
        model_id = model_id.lower()
        noted = self._register.by_id(model_id)
        listed_only = noted is not None and (noted[1].hidden or model_id in self._forgotten)
        if noted is None or not (listed_only or self._trash.take_back(model_id)):
            raise NotFound(tr("{id} can't be brought back any more. Get it again to go on with it.", id=model_id))
        self._forgotten.discard(model_id)
        self._register.note({noted[0]: replace(noted[1], hidden=False, removed=False)})
        return self.find(model_id)

    def empty_trash(self) -> None:
        """Delete for good what was removed: when the window closes, and at its start what a kill left."""
        self._trash.empty()
        publishing.clear_leftovers(self._folder)

    def _usable(self, model: Model) -> Model:
        if model.starter:
            starters.check(model, self._facts)
        if model.state == "missing":
            raise NotFound(model.reason)
        if model.state == "damaged":
            raise ModelFileError(model.reason)
        if model.state == "unsupported":
            raise UnsupportedModel(model.reason)
        return self._verified(model) if model.state == "changed" else model

    def _verified(self, model: Model) -> Model:
        """A model whose files were touched: fine if their content is what it was."""
        path, entry = model.path, self._register.entries()[model.path]
        if not entry.vouched:
            return model
        if [self._facts.sha256(part) for part in model.parts] != list(entry.sha256s):
            raise ModelFileError(model.reason)
        self._register.unpin(path, entry)
        return replace(model, state="ok", reason="", sha256=entry.sha256s[0])

    def _published(
        self,
        paths: Sequence[Path],
        stem: str,
        sha256s: Sequence[str],
        announce: Callable[[Sequence[Path]], None],
    ) -> tuple[Path, ...]:
        while True:
            targets, here = publishing.targets_for(self._folder, stem, paths, sha256s, self._facts)
            if here:
                publishing.drop(paths)
                return targets
            announce(targets)
            with contextlib.suppress(FileExistsError):  # another one took the name just now
                publishing.publish(paths, targets)
                return targets

    def _taken_in(self, targets: Sequence[Path], sha256s: Sequence[str], **origin: Any) -> Model:
        for target, sha256 in zip(targets, sha256s, strict=True):  # so that nobody has to read it again
            self._facts.note("sha256", {target: (stamp_of(target), sha256)})
        entry = self._register.admit(targets[0], stem_of(targets[0]).lower(), sha256s=tuple(sha256s), **origin)
        return self.find(entry.id)

    def _note(self, model: Model, **changes: Any) -> None:
        if (entry := self._register.entries().get(model.path)) is not None:
            self._register.note({model.path: replace(entry, **changes)})
