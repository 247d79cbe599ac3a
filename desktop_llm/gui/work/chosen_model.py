"""The chosen model: load it, cancel loading, unload it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop_llm.conversation import presets
from desktop_llm.conversation.open_chat import Answering
from desktop_llm.engine.client import LoadedModel, Loading, LoadSettings, Sampling
from desktop_llm.errors import UserError
from desktop_llm.gui.work import forecasts
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.model_shelf import ModelShelf, Shelf
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.models.library import Model, with_projector


class ChosenModelController(QObject):
    """Holds the chosen model (`model`) and the settings for loading it with the next message (`load`). `step` is the
    progress while a model is being loaded; `error` is the reason why the last one stopped.

    Signals: `listed` after each look at the models on this computer; `chosen` with the Model, or None if there is none;
    `loading` with the progress; `loaded` with a LoadedModel, or None when the memory is free again; `stopped` with the
    error that ended it; `failed` with an error to show; `held_back` with the model used last and the reason why it is
    not chosen by itself; `stop_requested` to cancel loading for an answer.
    """

    listed = Signal(Shelf)
    chosen = Signal(Model)
    loading = Signal(Loading)
    loaded = Signal(LoadedModel)
    stopped = Signal(UserError)
    failed = Signal(UserError)
    held_back = Signal(Model, UserError)
    stop_requested = Signal()

    def __init__(self, resources: Resources, shelf: ModelShelf, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self.shelf = resources, shelf
        self._tasks = resources.tasks
        self._task: Task | None = None
        self._answering = False
        self._after_answers: Callable[[], None] | None = None
        self._choice = LoadChoice()
        self._in_memory: LoadedModel | None = None
        self._once_listed: tuple[str, LoadChoice | None] | None = None
        self._held_back = ""  # the id of the model that was
        self.step: Loading | None = None
        self.error: UserError | None = None
        self._stopped_id = ""
        self.remembered: dict[str, LoadChoice] = {}
        self.model: Model | None = None
        self.load = LoadSettings()
        shelf.changed.connect(self._on_shelf)
        resources.settings.changed.connect(self._on_settings)

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
        return self._choice

    @property
    def stopped_model(self) -> Model | None:
        """The model that `error` is about, if it is still on this computer; another one may be chosen by now."""
        return self.find(self._stopped_id) if self.error is not None else None

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
        before = (self.model, self._choice)
        self._choose(model, choice)
        self.show_loading(Loading(0.0))
        self._when_not_answering(functools.partial(self._begin_load, model, before))

    def set_format(self, model_id: str, chat_format: str) -> None:
        """Remember a chat format for a model, "" for the model's own; it applies from the next message on."""
        choice = replace(self.remembered.get(model_id, LoadChoice()), chat_format=chat_format, remember=True)
        self._keep(model_id, choice)
        self._tasks.call(functools.partial(self._resources.library.remember, model_id, choice.values()))
        if self.model is not None and self.model.id == model_id:
            self._choice = choice
            self._set_load()

    def cancel(self) -> None:
        """Stop loading, whatever started it."""
        if self._after_answers is not None:
            self._after_answers = None
            self.show_loaded(self._resources.engine.loaded)
            return
        if self._task is None and self.step is not None:
            self.stop_requested.emit()
        self._end_task()

    def unload(self) -> None:
        """Free the memory; the next message loads the model again."""
        unload = functools.partial(self._tasks.call, self._resources.engine.close, self._on_unloaded, lane="engine")
        self._when_not_answering(unload)

    def set_answering(self, answering: Answering) -> None:
        """Set whether chats are being answered; loading and unloading wait until none is."""
        self._answering = bool(answering.chats)
        if not self._answering and (after := self._after_answers) is not None:
            self._after_answers = None
            after()

    def find(self, model_id: str) -> Model | None:
        """A model by its id."""
        return self.shelf.now.find(model_id)

    def show_loading(self, step: Loading) -> None:
        """Show the progress of loading, whether the menu or a message started it."""
        self._in_memory, self.step, self.error = None, step, None
        self.loading.emit(step)

    def show_loaded(self, loaded: LoadedModel | None) -> None:
        """Note which model the engine holds now, None for none."""
        if loaded is not None and loaded == self._in_memory:
            return
        self._in_memory, self.step = loaded, None
        self.error = None if loaded else self.error
        self.loaded.emit(loaded)

    def show_stopped(self, error: UserError) -> None:
        """Note that the engine died or could not load the model."""
        self._in_memory, self.step, self.error = None, None, error
        self._stopped_id = self.model.id if self.model else ""
        self.stopped.emit(error)

    def _when_not_answering(self, work: Callable[[], None]) -> None:
        if self._answering:
            self._after_answers = work
        else:
            work()

    def _begin_load(self, model: Model, before: tuple[Model | None, LoadChoice]) -> None:
        self._task = self._tasks.run(
            functools.partial(self._load, model, self._choice, self.load),
            progress=self.show_loading,
            done=self._on_loaded,
            failed=functools.partial(self._on_load_failed, *before),
            lane="engine",
        )

    def _end_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self.unload()

    def _choose(self, model: Model, choice: LoadChoice | None = None) -> None:
        self.model = model
        self._choice = choice or self.remembered.get(model.id, LoadChoice())
        self._set_load()
        self.chosen.emit(model)

    def _set_load(self) -> None:
        load = self._choice.with_defaults(self.defaults)
        self.load = with_projector(load, self.model) if self.model is not None else load

    def _choose_none(self) -> None:
        self.model = None
        self.chosen.emit(None)

    def _load(self, model: Model, choice: LoadChoice, load: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        self._resources.library.get(model.id)  # raises if the file was changed or damaged
        loaded = yield from self._resources.engine.load(model.path, load, asked_for=True)
        self._resources.library.mark_used(model.id)
        self._resources.library.remember(model.id, choice.values())
        return loaded

    def _on_shelf(self, shelf: Shelf) -> None:
        """Drop the chosen model if it is gone, and choose the one used last if there is none."""
        self.remembered = dict(shelf.remembered)
        self.listed.emit(shelf)
        here = self.find(self.model.id) if self.model else None
        if self.model is not None and (here is None or here.state == "missing"):
            self.unload()
            self.model = None
        elif self.model is not None and here is not None and here.projector != self.model.projector:
            self.model = here  # its projector came or went
            self._set_load()
        if self.model is None and shelf.default is not None and self._may_choose(shelf.default):
            self._choose(shelf.default)
        elif self.model is None:
            self._choose_none()
        self._use_once_listed()

    def _may_choose(self, model: Model) -> bool:
        """Whether to choose it without being asked; if it ended the app or its worker, say so once."""
        reason = self._resources.engine.why_not(model.path)
        if reason is not None and self._held_back != model.id:
            self._held_back = model.id
            self.held_back.emit(model, reason)
        return reason is None

    def _use_once_listed(self) -> None:
        wanted, self._once_listed = self._once_listed, None
        if wanted is not None and self.find(wanted[0]) is not None:
            self.use(*wanted)

    def _on_settings(self, _: object) -> None:
        self._set_load()

    def _on_loaded(self, loaded: LoadedModel) -> None:
        self._task = None
        if self.model is not None and self.model.path == loaded.path:
            self._keep(self.model.id, self._choice)
            forecasts.learn_load(self._resources, self.model, self.load, loaded)
        self.show_loaded(loaded)

    def _keep(self, model_id: str, choice: LoadChoice) -> None:
        """Keep a copy of what the library now remembers, so that it need not be read again."""
        if choice.values() is None:
            self.remembered.pop(model_id, None)
        else:
            self.remembered[model_id] = choice

    def _on_load_failed(self, before: Model | None, choice: LoadChoice, error: UserError) -> None:
        """Say why loading failed, and go back to the previous model, which the next message loads again."""
        self._task = None
        self.show_stopped(error)
        self.failed.emit(error)
        if before is not None and before != self.model:
            self._choose(before, choice)
            self.show_loaded(None)

    def _on_unloaded(self, _: None) -> None:
        self.show_loaded(None)
