"""Builds the model menu when it is first opened, keeps it up to date, and carries out its requests."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.engine.client import LoadSettings
from desktop_llm.gui.frame.header import Header
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.work import links
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.forecasts import Forecasts, LoadPlan, PlanForecast
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Model

if TYPE_CHECKING:
    from desktop_llm.gui.models.menu.menu import ModelMenu

_AFTER_PAINT_MS = 30


class Picker(QObject):
    """Signals: `get_more_requested` for the Models page; `get_again_requested` with the name to search for there;
    `import_requested`; `look_requested` with a model id to show on the Models page.
    """

    get_more_requested = Signal()
    get_again_requested = Signal(str)
    import_requested = Signal()
    look_requested = Signal(str)

    def __init__(self, resources: Resources, models: ChosenModelController, header: Header, window: QWidget) -> None:
        super().__init__(window)
        self._resources, self._models, self._header, self._window = resources, models, header, window
        self.forecasts = Forecasts(resources, self)
        # Threads that read files would delay the first paint of the menu.
        self._after_paint = QTimer(self, singleShot=True, interval=_AFTER_PAINT_MS)
        self._after_paint.timeout.connect(self._look)

    def open(self) -> None:
        """Show the menu below the model button, and update models and forecasts."""
        self.menu.show_below(self._header.model_button)
        self._after_paint.start()

    @functools.cached_property
    def menu(self) -> ModelMenu:
        """The menu, updated with everything that happened before it was built."""
        from desktop_llm.gui.models.menu.menu import ModelMenu

        menu, models = ModelMenu(self._window), self._models
        menu.set_load_settings(models.defaults)
        self._connect(menu)
        self._show_models(menu)
        if models.model is not None:
            menu.set_chosen(models.model.id)
        menu.set_states(models.states.all)
        return menu

    def _look(self) -> None:
        models, remembered, defaults = self._chat_models(), dict(self._models.remembered), self._models.defaults
        self._models.shelf.look()
        self.forecasts.list(_plan(model, remembered, defaults) for model in models if model.state == "ok")

    def _connect(self, menu: ModelMenu) -> None:
        models, forecasts = self._models, self.forecasts
        menu.load_requested.connect(models.use)
        menu.unload_requested.connect(models.unload)
        menu.cancel_requested.connect(models.cancel)
        menu.choice_changed.connect(self._on_choice_changed)
        menu.show_file_requested.connect(links.show_folder)
        menu.import_requested.connect(self.import_requested)
        menu.get_more_requested.connect(self.get_more_requested)
        menu.get_again_requested.connect(self._on_get_again)
        menu.look_requested.connect(self.look_requested)
        models.listed.connect(self._on_listed)
        models.chosen.connect(self._on_chosen)
        models.states.changed.connect(self._on_state)
        forecasts.listed.connect(lambda: menu.set_forecasts(forecasts.known))
        forecasts.answered.connect(self._on_answered)
        self._resources.settings.changed.connect(self._on_settings)

    def _show_models(self, menu: ModelMenu) -> None:
        menu.set_models(self._chat_models(), self._models.remembered)

    def _chat_models(self) -> list[Model]:
        return [model for model in self._models.models if model.kind == "chat"]

    def _chosen_id(self) -> str:
        return self._models.model.id if self._models.model else ""

    def _on_listed(self, _: object) -> None:
        self._show_models(self.menu)

    def _on_chosen(self, _: object) -> None:
        self.menu.set_chosen(self._chosen_id())

    def _on_state(self, _: ModelState) -> None:
        self.menu.set_states(self._models.states.all)

    def _on_settings(self, _: object) -> None:
        self.menu.set_load_settings(self._models.defaults)

    def _on_choice_changed(self, model_id: str, choice: LoadChoice) -> None:
        model = self._models.find(model_id)
        if model is not None:
            self.forecasts.ask(_plan(model, {model_id: choice}, self._models.defaults))

    def _on_answered(self, answer: PlanForecast) -> None:
        self.menu.set_machine(answer.machine)
        self.menu.set_choice_forecast(answer.plan.choice, answer.forecast, answer.machine)

    def _on_get_again(self, model_id: str) -> None:
        model = self._models.find(model_id)
        if model is not None:
            self.get_again_requested.emit(model.repo or model.display_name)


def _plan(model: Model, remembered: Mapping[str, LoadChoice], defaults: LoadSettings) -> LoadPlan:
    """The plan for loading a model."""
    choice = remembered.get(model.id, LoadChoice())
    return LoadPlan(model, choice, choice.with_defaults(defaults))
