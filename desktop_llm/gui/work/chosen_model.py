"""The chosen model, which is that of the open chat: load it, cancel loading, unload it."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop_llm.conversation import presets
from desktop_llm.engine.client import Engine, InLine, LoadedModel, Loading, LoadSettings, Sampling, Unloaded
from desktop_llm.errors import UserError
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.work import forecasts
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.model_shelf import ModelShelf, Shelf
from desktop_llm.gui.work.model_states import ModelStates
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.models.library import Model, with_projector


class ChosenModelController(QObject):
    """Holds the model of the open chat (`model`), the settings for loading it with the next message (`load`), and what
    each model is doing (`states`).

    Signals: `listed` after each look at the models on this computer; `chosen` with the Model, or None if there is none;
    `picked` with a Model that the person chose. About the chosen model: `loading` with its progress or place in line;
    `loaded` with a LoadedModel, or None if it is not in memory; `stopped` with the error that ended it. `failed` with
    a model that the person chose and the error to show; `held_back` with the model used last and the reason why it is
    not chosen by itself; `stop_requested` with the id of a model to cancel loading it for answers; `room_made` with a
    model that was unloaded and the one it was unloaded for; `unload_delayed` with one that an answer still needs.
    """

    listed = Signal(Shelf)
    chosen = Signal(Model)
    picked = Signal(Model)
    loading = Signal(Loading)
    loaded = Signal(LoadedModel)
    stopped = Signal(UserError)
    failed = Signal(Model, UserError)
    held_back = Signal(Model, UserError)
    stop_requested = Signal(str)
    room_made = Signal(Model, Model)
    unload_delayed = Signal(Model)

    def __init__(self, resources: Resources, shelf: ModelShelf, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self.shelf = resources, shelf
        self._tasks = resources.tasks
        self._load_task: tuple[Model, Task] | None = None
        self._choices: dict[str, LoadChoice] = {}  # made since the window was opened, by model id
        self._once_listed: tuple[str, LoadChoice | None] | None = None
        self._held_back = ""  # the id of the model that was
        self._of_chat = self._picked = ""  # the ids of the open chat's model, and of the one that new chats get
        self._told: dict[str, UserError] = {}  # why models stopped, as told
        self.remembered: dict[str, LoadChoice] = {}
        self.model: Model | None = None
        self.states = ModelStates(self)
        self.states.changed.connect(self._on_state)
        shelf.changed.connect(self._on_shelf)

    @property
    def models(self) -> tuple[Model, ...]:
        """The models on this computer, as of the last look."""
        return self.shelf.now.models

    @property
    def defaults(self) -> LoadSettings:
        """The app's load settings for all models."""
        settings = self._resources.settings.current
        return LoadSettings(context_length=settings.context_length, threads=settings.threads)

    @property
    def choice(self) -> LoadChoice:
        """The person's load settings for the chosen model."""
        return self._choice_of(self.model) if self.model is not None else LoadChoice()

    @property
    def load(self) -> LoadSettings:
        """The settings for loading the chosen model."""
        return self.load_of(self.model) if self.model is not None else self.defaults

    @property
    def engine(self) -> Engine | None:
        """The engine of the chosen model, if it is in memory."""
        return self._resources.engines.of(self.model.path) if self.model is not None else None

    @property
    def in_memory(self) -> LoadedModel | None:
        """The chosen model as it was loaded, if it is in memory."""
        engine = self.engine
        return engine.loaded if engine is not None else None

    def load_of(self, model: Model) -> LoadSettings:
        """The settings for loading a model."""
        return with_projector(self._choice_of(model).with_defaults(self.defaults), model)

    def makers_sampling(self, model: Model | None) -> Mapping[str, Any]:
        """The sampling values that the makers of this model recommend."""
        from desktop_llm.models.fit.catalog import makers_sampling  # imported late so that the window starts sooner

        return makers_sampling(model, self._resources.folders.data) if model is not None else {}

    def sampling(self, model: Model | None, chosen: Mapping[str, Any]) -> Sampling:
        """The sampling settings of a chat: its own (`chosen`), for the rest those of its preset, or of the preset of
        new chats with `model`, then those that the makers of `model` recommend.
        """
        settings = self._resources.settings.current
        preset = presets.in_use(chosen, settings.model_presets.get(model.id) if model else None, settings.presets)
        usual = presets.usual(preset, settings.presets, self.makers_sampling(model))
        return Sampling.known({**asdict(usual), **chosen})

    def use(self, model_id: str, choice: LoadChoice | None = None) -> None:
        """Choose a model and load it with `choice`, or with the settings remembered for it."""
        model = self.find(model_id)
        if model is None:  # it may have just been added
            self._once_listed = (model_id, choice)
            self.shelf.look()
            return
        self._end_task()
        before = (self.model, self._choices.get(model.id))
        self._picked = model.id
        self._choose(model, choice)
        self.picked.emit(model)
        if (engine := self.engine) is None or not engine.is_for(model.path, self.load):
            self.states.show_loading(model, Loading(0.0))
        self._begin_load(model, *before)

    def follow(self, model_id: str | None) -> None:
        """Choose the model of the chat that was opened, None for a new one; the next message loads it."""
        self._of_chat = model_id or ""
        wanted = self._wanted()
        if wanted is not None and wanted != self.model:
            self._choose(wanted)

    def set_format(self, model_id: str, chat_format: str) -> None:
        """Remember a chat format for a model, "" for the model's own; it applies from the next message on."""
        choice = replace(self.remembered.get(model_id, LoadChoice()), chat_format=chat_format, remember=True)
        self._keep(model_id, choice)
        self._tasks.call(functools.partial(self._resources.library.remember, model_id, choice.values()))
        self._choices[model_id] = choice

    def cancel(self, model_id: str = "") -> None:
        """Stop loading this model or the chosen one, whatever started it."""
        model = self.find(model_id) if model_id else self.model
        if model is None:
            return
        if self._load_task is not None and self._load_task[0].id == model.id:
            self._end_task()
        elif self.states.of(model).step is not None:
            self.stop_requested.emit(model.id)

    def unload(self, model_id: str) -> None:
        """Free this model's memory as soon as no answer needs it; the next message loads it again."""
        if (model := self.find(model_id)) is not None:
            unload = functools.partial(self._resources.engines.unload, model.path)
            self._tasks.call(unload, functools.partial(self._on_unloaded, model), lane="engine")

    def unload_all(self) -> None:
        """Free the memory of all models as soon as no answer needs it."""
        models = [state.model for state in self.states.all]
        self._tasks.call(self._resources.engines.unload_all, lambda _: self._look_at_all(models), lane="engine")

    def find(self, model_id: str) -> Model | None:
        """A model by its id."""
        return self.shelf.now.find(model_id)

    def look_at(self, model: Model) -> None:
        """Note whether a model is in memory now."""
        engine = self._resources.engines.of(model.path)
        self.states.show_loaded(model, engine.loaded if engine is not None else None)

    def show_unloaded(self, event: Unloaded) -> None:
        """Note that a model was unloaded for another one, and say so."""
        by_path = {model.path: model for model in self.models}
        model, other = by_path.get(event.model), by_path.get(event.other)
        if model is not None:
            self.look_at(model)
            if other is not None:
                self.room_made.emit(model, other)

    def _on_unloaded(self, model: Model, is_free: bool) -> None:
        self.look_at(model)
        if not is_free:
            self.unload_delayed.emit(model)

    def _look_at_all(self, models: Iterable[Model]) -> None:
        for model in models:
            self.look_at(model)

    def _begin_load(self, model: Model, before: Model | None, choice: LoadChoice | None) -> None:
        task = self._tasks.run(
            functools.partial(self._load, model, self._choice_of(model), self.load_of(model)),
            progress=functools.partial(self._on_loading, model),
            done=functools.partial(self._on_loaded, model),
            failed=functools.partial(self._on_load_failed, model, before, choice),
        )
        self._load_task = (model, task)

    def _end_task(self) -> None:
        if self._load_task is not None:
            model, task = self._load_task
            self._load_task = None
            task.cancel()
            self.states.show_loaded(model, None)

    def _choose(self, model: Model, choice: LoadChoice | None = None) -> None:
        self.model = model
        if choice is not None:
            self._choices[model.id] = choice
        self.chosen.emit(model)
        if self.states.of(model).step is None:
            self.look_at(model)
        self._tell(self.states.of(model))

    def _choice_of(self, model: Model) -> LoadChoice:
        return self._choices.get(model.id) or self.remembered.get(model.id, LoadChoice())

    def _choose_none(self) -> None:
        self.model = None
        self.chosen.emit(None)

    def _on_state(self, state: ModelState) -> None:
        if self.model is not None and state.model.id == self.model.id:
            self._tell(state)

    def _tell(self, state: ModelState) -> None:
        """Say what the chosen model is doing; why it stopped is said once."""
        if state.step is not None:
            self.loading.emit(state.step)
        elif state.error is not None and self._told.get(state.model.id) is not state.error:
            self._told[state.model.id] = state.error
            self.stopped.emit(state.error)
        else:
            self.loaded.emit(state.loaded)

    def _load(
        self, model: Model, choice: LoadChoice, load: LoadSettings
    ) -> Generator[InLine | Loading | Unloaded, None, LoadedModel | None]:
        """Load the model and leave it idle; runs in a task."""
        engines = self._resources.engines
        self._resources.library.get(model.id)  # raises if the file was changed or damaged
        needs = forecasts.memory_of(self._resources, model, load)
        engine = yield from engines.take(model.path, load, needs, asked_for=True)
        loaded = engine.loaded
        engines.give_back(engine)
        self._resources.library.mark_used(model.id)
        self._resources.library.remember(model.id, choice.values())
        return loaded

    def _on_shelf(self, shelf: Shelf) -> None:
        """Drop the chosen model if it is gone, and choose another one then."""
        self.remembered = dict(shelf.remembered)
        self.listed.emit(shelf)
        here = self.find(self.model.id) if self.model else None
        if self.model is not None and (here is None or here.state == "missing"):
            self._tasks.call(functools.partial(self._resources.engines.unload, self.model.path), lane="engine")
            self.states.forget(self.model)
            self.model = None
        elif self.model is not None and here is not None and here.projector != self.model.projector:
            self.model = here  # its projector came or went
        if self.model is None:
            wanted = self._wanted()
            if wanted is not None:
                self._choose(wanted)
            elif self.model is None:  # whoever heard that a model is held back may have chosen one
                self._choose_none()
        self._use_once_listed()

    def _wanted(self) -> Model | None:
        """The model of the open chat, or else the one chosen last, or used last, if it can be chosen."""
        default = self.shelf.now.default
        for model in (self.find(self._of_chat), self.find(self._picked), default):
            if model is not None and model.kind == "chat" and model.state == "ok" and self._may_choose(model):
                return model
        return None

    def _may_choose(self, model: Model) -> bool:
        """Whether to choose it without being asked; if it ended the app or its worker, say so once."""
        reason = self._resources.engines.why_not(model.path)
        if reason is not None and self._held_back != model.id:
            self._held_back = model.id
            self.held_back.emit(model, reason)
        return reason is None

    def _use_once_listed(self) -> None:
        wanted, self._once_listed = self._once_listed, None
        if wanted is not None and self.find(wanted[0]) is not None:
            self.use(*wanted)

    def _on_loading(self, model: Model, step: InLine | Loading | Unloaded) -> None:
        if isinstance(step, Unloaded):
            self.show_unloaded(step)
        else:
            self.states.show_loading(model, step)

    def _on_loaded(self, model: Model, loaded: LoadedModel | None) -> None:
        self._load_task = None
        self._keep(model.id, self._choice_of(model))
        if loaded is not None:
            forecasts.learn_load(self._resources, model, self.load_of(model), loaded)
        self.states.show_loaded(model, loaded)

    def _keep(self, model_id: str, choice: LoadChoice) -> None:
        """Keep a copy of what the library now remembers, so that it need not be read again."""
        if choice.values() is None:
            self.remembered.pop(model_id, None)
        else:
            self.remembered[model_id] = choice

    def _on_load_failed(self, model: Model, before: Model | None, choice: LoadChoice | None, error: UserError) -> None:
        """Say why loading failed, and go back to the previous model, which the next message loads again."""
        self._load_task = None
        self.states.show_stopped(model, error)
        self.failed.emit(model, error)
        if choice is not None:
            self._choices[model.id] = choice
        else:
            self._choices.pop(model.id, None)
        if before is not None and before != model and model == self.model:
            self._picked = before.id
            self._choose(before)
            self.picked.emit(before)
