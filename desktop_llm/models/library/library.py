"""The models on this disk: the starters that came with the app, our own in the models folder, and those of other apps.

The window, the command line and the server all ask `Library`; the engine only gets paths from it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import desktop_llm.models.library.model_files as model_files
import desktop_llm.models.library.projectors as projectors
import desktop_llm.models.library.starters as starters
import desktop_llm.models.library.trash as trash
from desktop_llm.errors import ModelFileError, NotFound, UnsupportedModel, UserError
from desktop_llm.files import cannot_write, free_bytes
from desktop_llm.models.facts import Facts, stamp_of
from desktop_llm.models.gguf import Header, check_adapter, read_header, weights_of
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.models.library.inventory import Inventory, duplicates_among
from desktop_llm.models.library.model_files import stem_of
from desktop_llm.models.library.records import Duplicate, Imported, Model, Origin, Snapshot, Space, State
from desktop_llm.models.library.register import gone
from desktop_llm.models.library.starters import STARTER_CHAT, STARTER_EMBEDDING, STARTER_SMALL
from desktop_llm.models.projector_names import fits
from desktop_llm.paths import Folders, person_home
from desktop_llm.words import tr

__all__ = [
    "STARTER_CHAT",
    "STARTER_EMBEDDING",
    "STARTER_SMALL",
    "Duplicate",
    "Imported",
    "Library",
    "Model",
    "Origin",
    "Snapshot",
    "Space",
    "State",
]


class Library:
    """The models on disk; any thread may ask. A header is read once and remembered until its file changes.

    `look` reads the folders; `snapshot` returns the last look and only looks again after this object changed something.
    Use the snapshot to list models after a download, an import or a removal. Use `look` if files may have changed
    outside the app, for example when a page opens or a model failed to load. All other methods look for themselves.

    `places` says where to look for other apps; `model_folders` returns further folders that the person added.
    """

    def __init__(
        self,
        folders: Folders,
        places: Places | None = None,
        model_folders: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._folder = folders.models
        self._facts = Facts(folders.facts_db)
        self._inventory = Inventory(
            self._folder, places or Places(person_home(), os.environ), model_folders, self._facts
        )
        self._register = self._inventory.register
        self._trash = trash.Trash(self._folder)
        self._forgotten: set[str] = set()  # ids of models whose files were already gone when they were removed
        self._looking = threading.Lock()
        self._last: Snapshot | None = None
        self._looked_at = 0.0
        self._changes = 0

    def snapshot(self) -> Snapshot:
        """The models and the space they take, from the last look; looks again if anything has changed since.

        Callers that ask at the same time share one look, so everyone may ask when a download finishes.
        """
        with self._looking:
            return self._last or self._look()

    def look(self) -> Snapshot:
        """The models and the space they take, read from the disk now; simultaneous callers share one look."""
        asked_at = time.monotonic()
        with self._looking:
            if self._last is not None and self._looked_at > asked_at:
                return self._last
            return self._look()

    def models(self) -> list[Model]:
        """All models except hidden ones: the starters, our own by name, those of other apps, and missing ones.

        Damaged and missing models are listed with their state and a sentence that says why.
        """
        return list(self.look().models)

    def find(self, model_id: str) -> Model:
        """The model with this id (any case) in any state, even if it is hidden; raises NotFound."""
        now = self.look()
        for model in (*now.models, *now.hidden):
            if model.id == model_id.lower():
                return model
        raise NotFound(
            tr("There is no model “{id}” here.", id=model_id), tr("The list of models shows which there are.")
        )

    def get(self, model_id: str) -> Model:
        """The model with this id (any case), ready to be loaded.

        Raises NotFound if there is none or its file is gone, and ModelFileError if the file is damaged or has changed
        since it was added. Each version of the file is hashed only once.
        """
        return self._usable(self.find(model_id))

    def known(self, model_id: str) -> Model | None:
        """The model with this id in any state, even if it was removed, for a conversation that names it."""
        try:
            return self.find(model_id)
        except NotFound:
            noted = self._register.by_id(model_id.lower())
            return gone(*noted) if noted else None

    def default(self) -> Model:
        """The chat model that was used last, or else the starter; raises UserError if neither can be used."""
        models = self.snapshot().models
        chat = {model.id: model for model in models if model.kind == "chat" and model.state in ("ok", "changed")}
        refused: UserError = NotFound(
            tr("There is no chat model here."), tr("Import a GGUF file; everything else works meanwhile.")
        )
        for model_id in [*self._facts.last_used(), STARTER_CHAT.id, STARTER_SMALL.id, *chat]:
            try:
                if model_id in chat:
                    return self._usable(chat[model_id])
            except ModelFileError as error:
                refused = error
        raise refused

    def starter(self) -> Model:
        """The chat model that came with the install, or the small one if that is missing; raises NotFound."""
        try:
            return self.get(STARTER_CHAT.id)
        except (NotFound, ModelFileError):
            return self.get(STARTER_SMALL.id)

    def header(self, model: Model) -> Header:
        """The checked header of a model's file; raises ModelFileError."""
        try:
            return self._inventory.header(model)
        except OSError:  # read it again for an error that says what is wrong
            return read_header(model.path)

    def weights(self, model: Model) -> dict[str, tuple[int, ...]]:
        """The shape of each weight of a model, read once; raises ModelFileError."""
        try:
            found: dict[str, list[int]] = self._facts.of_file(model.path, "weights", weights_of)
        except OSError:  # read it again for an error that says what is wrong
            return weights_of(model.path)
        return {name: tuple(shape) for name, shape in found.items()}

    def check_adapter(self, path: Path) -> None:
        """Read all of an adapter's file, once for each version of it; raises ModelFileError if it can't be used."""
        try:
            self._facts.of_file(path, "adapter", check_adapter)
        except OSError:
            check_adapter(path)

    def sha256(self, model: Model) -> str:
        """The sha256 of a model's (first) file, computed once."""
        return model.sha256 or self._facts.sha256(model.path)

    def sha256s(self, model: Model) -> list[str]:
        """The sha256s of all its files in order, computed once."""
        return [self.sha256(model), *map(self._facts.sha256, model.parts[1:])]

    def mark_used(self, model_id: str) -> None:
        """Make this model the default for the next start."""
        self._facts.mark_used(model_id)
        noted = self._register.by_id(model_id)
        if noted is not None and not noted[1].vouched:
            self._register.unpin(*noted)
        self._changed()

    def remembered(self, model_id: str) -> dict[str, Any]:
        """The last choices for this model (load settings, chat format); empty if there are none."""
        return self._facts.remembered(model_id)

    def remember(self, model_id: str, values: Mapping[str, Any] | None) -> None:
        """Store the choices for this model as JSON values; None restores the defaults."""
        self._facts.remember(model_id, values)

    def duplicates(self) -> list[Duplicate]:
        """Models with the same content in several files, most wasteful first; reads 2 MiB of each candidate."""
        return duplicates_among(self.snapshot().models, self._facts)

    def import_file(self, path: Path) -> Imported:
        """Check a GGUF file, or all parts of a split one, and take it into the models folder, by hard link if possible.

        A projector beside a model comes with it; a projector alone goes to our own model that it fits. Raises
        ModelFileError if the engine can't use it. If the same content is already there under the same name, no second
        model is made.
        """
        files = model_files.set_around(path.expanduser().absolute())
        header = read_header(files.path)
        if header.kind == "projector":
            return self._import_projector(files.path, header)
        model_files.check_importable(files.path, header)
        if header.kind == "adapter":
            self.check_adapter(files.path)
        sha256s = [self._facts.sha256(part) for part in files.paths]
        targets, here = model_files.targets_for(self._folder, files.stem, files.paths, sha256s, self._facts)
        copied_bytes = 0 if here else model_files.link(files.paths, targets)
        if (projector := self._inventory.projector_of(files.path)) is not None:
            copied_bytes += self._link_projector(projector, targets[0])
        model = self._taken_in(targets, sha256s, source=files.path)
        return Imported(model, sha256s[0], model.size_bytes, copied_bytes)

    def _import_projector(self, path: Path, header: Header) -> Imported:
        """Give a projector to the model of our own that it is made for; raises ModelFileError if there is none."""
        for model in self.look().models:
            if model.own and model.kind == "chat" and fits(path.name, stem_of(model.path)):
                copied_bytes = self._link_projector(path, model.path)
                self._changed()
                return Imported(self.find(model.id), self._facts.sha256(path), path.stat().st_size, copied_bytes)
        model_files.check_importable(path, header)
        raise AssertionError("a projector is never importable alone")

    def _link_projector(self, source: Path, model: Path) -> int:
        """Put a projector beside a model of our own, under its name; returns how many bytes had to be copied."""
        target = self._projector_place(model)
        if target == source or (target.exists() and target.samefile(source)):
            return 0
        target.unlink(missing_ok=True)
        return model_files.link([source], [target])

    def _projector_place(self, model: Path) -> Path:
        return self._folder / projectors.own_name(stem_of(model))

    def adopt(
        self,
        paths: Sequence[Path],
        *,
        repo: str,
        file: str,
        revision: str,
        sha256s: Sequence[str],
        announce: Callable[[Sequence[Path]], None] = lambda _: None,
        projector: Path | None = None,
    ) -> Model:
        """Publish verified files of one model, in order, by renaming them into the models folder.

        `file` is the name in the repository and serves only as a label; `projector` goes beside the model. If the same
        content is already there under that name, the new files are deleted. `announce` is called with the new paths
        before any file is moved. Raises UserError.
        """
        targets = self._published(paths, stem_of(Path(file)), sha256s, announce)
        if projector is not None:
            self.adopt_projector(projector, targets[0])
        return self._taken_in(targets, sha256s, origin="pulled", repo=repo, file=file, revision=revision)

    def adopt_projector(self, projector: Path, model: Path) -> None:
        """Publish a verified projector beside this model of our own, in place of another; raises UserError."""
        target = self._projector_place(model)
        try:
            projector.replace(target)
        except OSError as error:
            raise cannot_write(target, error) from error
        self._changed()

    def note_source(self, model: Model, *, repo: str, file: str, revision: str) -> Model:
        """Note the repository from which one of our own models can be downloaded again; returns the updated model."""
        sha256s = self.sha256s(model)
        return self._taken_in(model.parts, sha256s, origin="pulled", repo=repo, file=file, revision=revision)

    def remove(self, model_id: str, *, undo: bool = True) -> Model:
        """Remove a model: our own goes to the trash until the window closes, or is deleted at once without `undo`.

        A model of another app stays on the disk and is only hidden here. Raises UserError if a file is in use or if
        the model is a starter, because starters belong to the install.
        """
        model = self.find(model_id)
        if model.starter:
            raise UserError(
                tr("{name} came with this app and stays.", name=model.display_name), tr("Other models can be removed.")
            )
        self._forgotten.discard(model.id)
        if model.state == "missing":
            self._note(model, removed=True)
            self._forgotten.add(model.id)
        elif not model.own:
            self._note(model, hidden=True)
        else:
            files = (*model.parts, *self._own_projector(model))
            self._trash.put(model.id, files) if undo else trash.delete(files)
            self._note(model, removed=True)
            self._facts.forget_files(model.parts)
        self._changed()
        return model

    def restore(self, model_id: str) -> Model:
        """Undo `remove`; raises NotFound if the trash was emptied, UserError if its path has been taken meanwhile."""
        model_id = model_id.lower()
        noted = self._register.by_id(model_id)
        listed_only = noted is not None and (noted[1].hidden or model_id in self._forgotten)
        if noted is None or not (listed_only or self._trash.take_back(model_id)):
            raise NotFound(
                tr("{id} can't be brought back any more.", id=model_id), tr("Get it again to go on with it.")
            )
        self._forgotten.discard(model_id)
        self._register.note({noted[0]: replace(noted[1], hidden=False, removed=False)})
        self._changed()
        return self.find(model_id)

    def empty_trash(self) -> None:
        """Delete removed models for good: when the window closes, and at the next start if the app was killed."""
        self._trash.empty()
        model_files.clear_leftovers(self._folder)

    def _look(self) -> Snapshot:
        """Look at the disk while holding the lock. If anything changed meanwhile, the next caller looks again."""
        before, self._looked_at = self._changes, time.monotonic()
        found = self._inventory.models()
        models = tuple(model for model in found if not model.hidden)
        here = [model for model in models if model.state != "missing"]
        space = Space(
            sum(model.size_bytes for model in here if model.own),
            sum(model.size_bytes for model in here if not model.own and not model.starter),
            free_bytes(self._folder),
        )
        now = Snapshot(models, tuple(model for model in found if model.hidden), space)
        self._last = now if self._changes == before else None
        return now

    def _own_projector(self, model: Model) -> list[Path]:
        """The projector that belongs to this model alone."""
        place = self._projector_place(model.path)
        return [place] if model.projector == place else []

    def _changed(self) -> None:
        """Mark the last look as outdated."""
        self._changes += 1
        self._last = None

    def _usable(self, model: Model) -> Model:
        if model.starter:
            starters.check(model, self._facts)
        if model.state == "missing":
            raise NotFound(model.reason, model.remedy)
        if model.state == "damaged":
            raise ModelFileError(model.reason, model.remedy)
        if model.state == "unsupported":
            raise UnsupportedModel(model.reason, model.remedy)
        return self._verified(model) if model.state == "changed" else model

    def _verified(self, model: Model) -> Model:
        """Check a model whose files were touched; raises ModelFileError if their content has changed."""
        path, entry = model.path, self._register.entries()[model.path]
        if not entry.vouched:
            return model
        if [self._facts.sha256(part) for part in model.parts] != list(entry.sha256s):
            raise ModelFileError(model.reason, model.remedy)
        self._register.unpin(path, entry)
        self._changed()
        return replace(model, state="ok", reason="", remedy="", sha256=entry.sha256s[0])

    def _published(
        self,
        paths: Sequence[Path],
        stem: str,
        sha256s: Sequence[str],
        announce: Callable[[Sequence[Path]], None],
    ) -> tuple[Path, ...]:
        while True:
            targets, here = model_files.targets_for(self._folder, stem, paths, sha256s, self._facts)
            if here:
                model_files.drop(paths)
                return targets
            announce(targets)
            with contextlib.suppress(FileExistsError):  # another process took the name just now
                model_files.publish(paths, targets)
                return targets

    def _taken_in(self, targets: Sequence[Path], sha256s: Sequence[str], **origin: Any) -> Model:
        for target, sha256 in zip(targets, sha256s, strict=True):  # so that no file has to be hashed again
            self._facts.note("sha256", {target: (stamp_of(target), sha256)})
        entry = self._register.admit(targets[0], stem_of(targets[0]).lower(), sha256s=tuple(sha256s), **origin)
        self._changed()
        return self.find(entry.id)

    def _note(self, model: Model, **changes: Any) -> None:
        if (entry := self._register.entries().get(model.path)) is not None:
            self._register.note({model.path: replace(entry, **changes)})
