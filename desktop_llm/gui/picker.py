"""The model menu at work: built when it is first opened, told of the models, asked by it to load and to forecast."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.engine.client import LoadedModel, Loading
from desktop_llm.errors import UserError
from desktop_llm.gui import outside
from desktop_llm.gui.forecasts import Answer, Forecasts, Question
from desktop_llm.gui.header import Header
from desktop_llm.gui.load_choice import LoadChoice
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.resources import Resources
from desktop_llm.models.library import Model

if TYPE_CHECKING:
    from desktop_llm.gui.model_menu import ModelMenu


class Picker(QObject):
    """Signals: `get_more_requested` for the Models page; `get_again_requested` with what to look for there;
    `import_requested`; `look_requested` with a model id, to be shown on the Models page.
    """

    get_more_requested = Signal()
    get_again_requested = Signal(str)
    import_requested = Signal()
    look_requested = Signal(str)

    def __init__(self, resources: Resources, models: ModelsController, header: Header, window: QWidget) -> None:
        super().__init__(window)
        self._resources, self._models, self._header, self._window = resources, models, header, window
        self.forecasts = Forecasts(resources, self)

    def open(self) -> None:
        """Show the menu below the model button, and look which models there are and how each would do now."""
        self.menu.show_below(self._header.model_button)
        self._models.refresh()
        self.forecasts.list([self._question(model) for model in self._chat_models() if model.state == "ok"])

    @functools.cached_property
    def menu(self) -> ModelMenu:
        """The menu, told everything that happened before it was there."""
        from desktop_llm.gui.model_menu import ModelMenu

        menu, models = ModelMenu(self._window), self._models
        menu.set_load_settings(models.defaults)
        self._connect(menu)
        self._show_models(menu)
        if models.model is not None:
            menu.set_chosen(models.model.id)
        self._show_state(menu)
        return menu

    def _connect(self, menu: ModelMenu) -> None:
        models, forecasts = self._models, self.forecasts
        menu.load_requested.connect(models.use)
        menu.unload_requested.connect(models.unload)
        menu.cancel_requested.connect(models.cancel)
        menu.choice_changed.connect(self._on_choice_changed)
        menu.show_file_requested.connect(outside.show_folder)
        menu.import_requested.connect(self.import_requested)
        menu.get_more_requested.connect(self.get_more_requested)
        menu.get_again_requested.connect(self._on_get_again)
        menu.look_requested.connect(self.look_requested)
        models.listed.connect(self._on_listed)
        models.chosen.connect(self._on_chosen)
        models.loading.connect(self._on_loading)
        models.loaded.connect(self._on_loaded)
        models.stopped.connect(self._on_stopped)
        forecasts.listed.connect(menu.set_forecasts)
        forecasts.answered.connect(self._on_answered)
        self._resources.settings.changed.connect(self._on_settings)

    def _show_models(self, menu: ModelMenu) -> None:
        menu.set_models(self._chat_models(), self._models.remembered)

    def _show_state(self, menu: ModelMenu) -> None:
        """What the engine does while the menu is built."""
        step, error = self._models.step, self._models.error
        if step is not None:
            menu.set_loading(self._chosen_id(), step.fraction)
        elif error is not None:
            menu.set_failed(self._chosen_id(), error.message)
        else:
            self._show_loaded(menu, self._resources.engine.loaded)

    def _show_loaded(self, menu: ModelMenu, loaded: LoadedModel | None) -> None:
        held = next((model for model in self._models.models if loaded and model.path == loaded.path), None)
        menu.set_loaded(held.id if held else None, loaded)

    def _chat_models(self) -> list[Model]:
        return [model for model in self._models.models if model.kind == "chat"]

    def _chosen_id(self) -> str:
        return self._models.model.id if self._models.model else ""

    def _question(self, model: Model, choice: LoadChoice | None = None) -> Question:
        chosen = choice or self._models.remembered.get(model.id, LoadChoice())
        return Question(model, chosen, chosen.with_defaults(self._models.defaults))

    def _on_listed(self, _: object) -> None:
        self._show_models(self.menu)

    def _on_chosen(self, _: object) -> None:
        self.menu.set_chosen(self._chosen_id())

    def _on_loading(self, step: Loading) -> None:
        self.menu.set_loading(self._chosen_id(), step.fraction)

    def _on_loaded(self, loaded: LoadedModel | None) -> None:
        self._show_loaded(self.menu, loaded)

    def _on_stopped(self, error: UserError) -> None:
        self.menu.set_failed(self._chosen_id(), error.message)

    def _on_settings(self, _: object) -> None:
        self.menu.set_load_settings(self._models.defaults)

    def _on_choice_changed(self, model_id: str, choice: LoadChoice) -> None:
        model = self._models.find(model_id)
        if model is not None:
            self.forecasts.ask(self._question(model, choice))

    def _on_answered(self, answer: Answer) -> None:
        self.menu.set_machine(answer.machine)
        self.menu.set_choice_forecast(answer.question.choice, answer.forecast, answer.machine)

    def _on_get_again(self, model_id: str) -> None:
        model = self._models.find(model_id)
        if model is not None:
            self.get_again_requested.emit(model.repo or model.display_name)
