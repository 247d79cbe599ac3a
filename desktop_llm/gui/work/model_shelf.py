"""The models on this computer, listed once for everything in the window."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from desktop_llm.errors import UserError
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Model, Snapshot, Space
from desktop_llm.models.library.adapters import base_name


@dataclass(frozen=True, slots=True)
class Shelf:
    """The result of one look at the disk: all models with the space they take, and those that the person hid. By model
    id, `twins` holds the name of another model with the very same content, `remembered` the load settings that the
    person chose, and `bases` the name of the model that an adapter was made for; `default` is the chat model used last,
    or None if no model can be used.
    """

    models: tuple[Model, ...] = ()
    hidden: tuple[Model, ...] = ()
    space: Space = field(default_factory=lambda: Space(0, 0, 0))
    twins: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, LoadChoice] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    default: Model | None = None

    def find(self, model_id: str) -> Model | None:
        """A model by its id."""
        return next((model for model in self.models if model.id == model_id), None)


class ModelShelf(QObject):
    """Holds the latest look (`now`). Signals: `changed` with a Shelf after each look; `failed` with the error if it
    failed."""

    changed = Signal(Shelf)
    failed = Signal(UserError)

    def __init__(self, resources: Resources, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks, self._library = resources.tasks, resources.library
        self._looking = False
        self._next: Callable[[], Snapshot] | None = None
        self.now = Shelf()

    def look(self) -> None:
        """Read the disk, as other programs may have added or removed files."""
        self._ask(self._library.look)

    def refresh(self) -> None:
        """Take in the app's own changes; the disk is read only if there are any."""
        self._ask(self._library.snapshot)

    def _ask(self, see: Callable[[], Snapshot]) -> None:
        """Start a look; however many are asked for while one runs, only one more follows."""
        if self._looking:
            self._next = self._library.look if self._next == self._library.look else see
            return
        self._looking = True
        self._tasks.call(functools.partial(self._shelf, see), self._on_seen, self._on_failed, lane="library")

    def _shelf(self, see: Callable[[], Snapshot]) -> Shelf:
        """In a task."""
        library, seen = self._library, see()
        twins = {
            model.id: other.display_name
            for duplicate in library.duplicates()
            for model in duplicate.models
            for other in duplicate.models
            if other is not model
        }
        remembered = {model.id: library.remembered(model.id) for model in seen.models if model.kind == "chat"}
        choices = {model_id: LoadChoice.from_values(values) for model_id, values in remembered.items() if values}
        try:
            default: Model | None = library.default()
        except UserError:  # there is no usable model; the row of each says what is wrong with it
            default = None
        bases = {model.id: base_name(library, model) for model in seen.models if model.kind == "adapter"}
        return Shelf(seen.models, seen.hidden, seen.space, twins, choices, bases, default)

    def _on_seen(self, shelf: Shelf) -> None:
        self.now = shelf
        self.changed.emit(shelf)
        self._end()

    def _on_failed(self, error: UserError) -> None:
        self.failed.emit(error)
        self._end()

    def _end(self) -> None:
        see, self._next, self._looking = self._next, None, False
        if see is not None:
            self._ask(see)
