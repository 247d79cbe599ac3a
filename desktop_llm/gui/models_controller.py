"""Which model is chosen, and having it in memory: load, cancel, unload, and what the header says of it."""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from desktop_llm.engine.client import LoadedModel, Loading, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui import measured
from desktop_llm.gui.header import Header
from desktop_llm.gui.load_choice import LoadChoice
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.models.library import Library, Model


@dataclass(frozen=True, slots=True)
class Listed:
    """The models on this computer, the load settings remembered of them, and the one used last."""

    models: tuple[Model, ...]
    remembered: Mapping[str, LoadChoice]
    default: Model | None


class ModelsController(QObject):
    """Holds which model is chosen (`model`) and how the next message loads it (`load`); while one is being loaded
    `step` says how far, and `error` is why the last one stopped.

    Signals: `listed` with all Models whenever they were looked at again; `chosen` with the Model, or None where none is
    left; `loading` with a Loading; `loaded` with a LoadedModel or None; `stopped` with the UserError that ended it;
    `failed` with a UserError to be shown; `stop_requested` where a model is loaded for an answer that is to be stopped.
    """

    listed = Signal(object)
    chosen = Signal(object)
    loading = Signal(object)
    loaded = Signal(object)
    stopped = Signal(object)
    failed = Signal(object)
    stop_requested = Signal()

    def __init__(self, resources: Resources, header: Header, parent: QObject) -> None:
        super().__init__(parent)
        self._resources = resources
        self._tasks = resources.tasks
        self._header = header
        self._task: Task | None = None
        self._choice = LoadChoice()
        self._in_memory: LoadedModel | None = None
        self._once_listed: tuple[str, LoadChoice | None] | None = None
        self.step: Loading | None = None
        self.error: UserError | None = None
        self._stopped_id = ""
        self.models: tuple[Model, ...] = ()
        self.remembered: dict[str, LoadChoice] = {}
        self.model: Model | None = None
        self.load = LoadSettings()
        resources.settings.changed.connect(self._on_settings)

    @property
    def defaults(self) -> LoadSettings:
        """What the app's settings say for every model."""
        settings = self._resources.settings.current
        return LoadSettings(context_length=settings.context_length, threads=settings.threads)

    @property
    def stopped_model(self) -> Model | None:
        """The model that `error` is about, if it is still here; another one may be chosen by now."""
        return self.find(self._stopped_id) if self.error is not None else None

    def start(self) -> None:
        """List the models and choose the one used last."""
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Look again at what is on disk; a model that is gone is chosen no more."""
        self._tasks.call(functools.partial(_list, self._resources.library), self._on_listed)

    def use(self, model_id: str, choice: LoadChoice | None = None) -> None:
        """Choose a model and load it, with what was remembered of it unless other settings are given."""
        model = self.find(model_id)
        if model is None:  # it may have arrived a moment ago
            self._once_listed = (model_id, choice)
            self.refresh()
            return
        self._end_task()
        before = (self.model, self._choice)
        self._choose(model, choice)
        self.show_loading(Loading(0.0))
        self._task = self._tasks.run(
            functools.partial(self._load, model, self._choice, self.load),
            progress=self.show_loading,
            done=self._on_loaded,
            failed=functools.partial(self._on_load_failed, *before),
            lane="engine",
        )

    def set_format(self, model_id: str, chat_format: str) -> None:
        """Remember a chat format for a model, "" for its own; the next message uses it."""
        choice = replace(self.remembered.get(model_id, LoadChoice()), chat_format=chat_format, remember=True)
        self._keep(model_id, choice)
        self._tasks.call(functools.partial(self._resources.library.remember, model_id, choice.values()))
        if self.model is not None and self.model.id == model_id:
            self._choice = choice
            self.load = choice.with_defaults(self.defaults)

    def cancel(self) -> None:
        """Stop loading, whoever began it."""
        if self._task is None and self.step is not None:
            self.stop_requested.emit()
        self._end_task()

    def unload(self) -> None:
        """Free the memory; the next message loads the model again."""
        self._tasks.call(self._resources.engine.close, self._on_unloaded, lane="engine")

    def find(self, model_id: str) -> Model | None:
        """A model by its id."""
        return next((model for model in self.models if model.id == model_id), None)

    def show_loading(self, step: Loading) -> None:
        """A model is being loaded, by the menu or because a message needs it."""
        self._in_memory, self.step, self.error = None, step, None
        self._header.set_model_state("loading", step.fraction)
        self.loading.emit(step)

    def show_loaded(self, loaded: LoadedModel | None) -> None:
        """What the engine holds now."""
        if loaded is not None and loaded == self._in_memory:
            return
        self._in_memory, self.step = loaded, None
        self.error = None if loaded else self.error
        self._header.set_model_state("ready" if loaded else "idle")
        self._header.set_device(loaded.device if loaded else "")
        self.loaded.emit(loaded)

    def show_stopped(self, error: UserError) -> None:
        """The engine died or would not load."""
        self._in_memory, self.step, self.error = None, None, error
        self._stopped_id = self.model.id if self.model else ""
        self._header.set_model_state("stopped", tip=error.message)
        self._header.set_device(self.tr("Stopped"))
        self.stopped.emit(error)

    def _end_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self.unload()

    def _choose(self, model: Model, choice: LoadChoice | None = None) -> None:
        self.model = model
        self._choice = choice or self.remembered.get(model.id, LoadChoice())
        self.load = self._choice.with_defaults(self.defaults)
        self._header.set_model(model.display_name, model.quantization or "")
        self.chosen.emit(model)

    def _choose_none(self) -> None:
        self.model = None
        self._header.set_model("")
        self._header.set_model_state("idle")
        self.chosen.emit(None)

    def _load(self, model: Model, choice: LoadChoice, load: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        self._resources.library.get(model.id)  # a file that was changed or damaged is told before it is opened
        loaded = yield from self._resources.engine.load(model.path, load)
        self._resources.library.mark_used(model.id)
        self._resources.library.remember(model.id, choice.values())
        return loaded

    def _on_listed(self, listed: Listed) -> None:
        self.models, self.remembered = listed.models, dict(listed.remembered)
        self.listed.emit(listed.models)
        here = self.find(self.model.id) if self.model else None
        if self.model is not None and (here is None or here.state == "missing"):
            self.unload()
            self.model = None
        if self.model is None and listed.default is not None:
            self._choose(listed.default)
        elif self.model is None:
            self._choose_none()
        self._use_once_listed()

    def _use_once_listed(self) -> None:
        wanted, self._once_listed = self._once_listed, None
        if wanted is not None and self.find(wanted[0]) is not None:
            self.use(*wanted)

    def _on_settings(self, _: object) -> None:
        self.load = self._choice.with_defaults(self.defaults)

    def _on_loaded(self, loaded: LoadedModel) -> None:
        self._task = None
        if self.model is not None and self.model.path == loaded.path:
            self._keep(self.model.id, self._choice)
            measured.learn_load(self._resources, self.model, self.load, loaded)
        self.show_loaded(loaded)

    def _keep(self, model_id: str, choice: LoadChoice) -> None:
        """Know without asking again what the library remembers now."""
        if choice.values() is None:
            self.remembered.pop(model_id, None)
        else:
            self.remembered[model_id] = choice

    def _on_load_failed(self, before: Model | None, choice: LoadChoice, error: UserError) -> None:
        """Say why, and go back to the model before, which the next message loads again."""
        self._task = None
        self.show_stopped(error)
        self.failed.emit(error)
        if before is not None and before != self.model:
            self._choose(before, choice)
            self._header.set_model_state("idle")
            self._header.set_device("")

    def _on_unloaded(self, _: None) -> None:
        self.show_loaded(None)


def _list(library: Library) -> Listed:
    """Everything the picker needs, read in one go."""
    models = tuple(library.models())
    remembered = {model.id: library.remembered(model.id) for model in models if model.kind == "chat"}
    known = {model_id: LoadChoice.from_values(values) for model_id, values in remembered.items() if values}
    try:
        default: Model | None = library.default()
    except UserError:  # none, or none that is as it was; what is wrong with one its row says
        default = None
    return Listed(models, known, default)
