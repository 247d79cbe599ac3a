"""Controls the Welcome page: finds out what this computer has and which models would run well, without any network."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.errors import UserError
from desktop_llm.gui.look.formats import size
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.forecasts import LoadPlan, forecast_of, learn_speeds
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.fit.catalog import Recommendation
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.gui.welcome.cards import MachineFacts
    from desktop_llm.gui.welcome.page import WelcomePage
    from desktop_llm.models.fit import Forecast, Machine

WELCOMED = "welcomed"


@dataclass(frozen=True, slots=True)
class Found:
    """The facts about this computer, and the models recommended for it."""

    facts: MachineFacts
    recommendations: tuple[Recommendation, ...]


class WelcomeController(QObject):
    """Signals, all from the page: `start_requested`, `download_requested` with a Recommendation,
    `open_file_requested`, `other_apps_requested`, `downloads_requested`, `all_models_requested`.
    """

    start_requested = Signal()
    download_requested = Signal(Recommendation)
    open_file_requested = Signal()
    other_apps_requested = Signal()
    downloads_requested = Signal()
    all_models_requested = Signal()

    def __init__(
        self, resources: Resources, models: ChosenModelController, add_page: Callable[[QWidget], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._resources, self._models, self._add_page = resources, models, add_page
        self._measured = False

    @property
    def is_first_start(self) -> bool:
        """Whether the Welcome page has never been shown."""
        return not self._resources.settings.current.window.get(WELCOMED)

    def look(self) -> None:
        """Fill the page; recommendations follow once this machine is measured."""
        self._resources.settings.remember(**{WELCOMED: True})
        self._show_models()
        self._find()
        self._resources.tasks.call(
            functools.partial(learn_speeds, self._resources), self._on_speeds, self._on_speeds, lane="forecasts"
        )

    @functools.cached_property
    def page(self) -> WelcomePage:
        """The page, built when it is first shown."""
        from desktop_llm.gui.welcome.page import WelcomePage

        page = WelcomePage()
        page.start_requested.connect(self.start_requested)
        page.download_requested.connect(self.download_requested)
        page.use_requested.connect(self._on_use)
        page.open_file_requested.connect(self.open_file_requested)
        page.other_apps_requested.connect(self.other_apps_requested)
        page.downloads_requested.connect(self.downloads_requested)
        page.all_models_requested.connect(self.all_models_requested)
        self._add_page(page)
        self._models.listed.connect(self._on_changed)
        self._models.chosen.connect(self._on_changed)
        self._resources.settings.changed.connect(self._on_settings)
        page.set_offline(self._resources.settings.current.offline)
        return page

    def _find(self) -> None:
        self._resources.tasks.call(functools.partial(_find, self._resources), self._on_found)

    def _show_models(self) -> None:
        page, model = self.page, self._models.model
        page.set_models(self._models.models)
        page.set_model(model, None)
        if model is not None:
            settings = LoadChoice().with_defaults(self._models.defaults)
            work = functools.partial(forecast_of, self._resources, LoadPlan(model, LoadChoice(), settings))
            self._resources.tasks.call(work, functools.partial(self._on_forecast, model), _ignored, lane="forecasts")

    def _on_forecast(self, model: Model, forecast: Forecast) -> None:
        if self._models.model == model:
            self.page.set_model(model, forecast)

    def _on_found(self, found: Found) -> None:
        self.page.set_machine(found.facts)
        if self._measured:  # earlier recommendations would soon change
            self.page.set_recommendations(found.recommendations, memory_of(found.facts.machine))

    def _on_speeds(self, _: UserError | None) -> None:
        """Show recommendations once the machine is measured; without speeds if it can't be."""
        self._measured = True
        self._show_models()
        self._find()

    def _on_changed(self, _: object) -> None:
        self._show_models()

    def _on_settings(self, _: object) -> None:
        self.page.set_offline(self._resources.settings.current.offline)

    def _on_use(self, model_id: str) -> None:
        self._models.use(model_id)
        self.start_requested.emit()


def memory_of(machine: Machine) -> str:
    """The memory that a model must fit into, in words: the GPU's if there is one."""
    if machine.gpus:
        return tr("{size} GPU", size=size(machine.gpus[0].total_bytes))
    return size(machine.ram_bytes)


def _find(resources: Resources) -> Found:
    """Ask the system, the engine and the shipped catalogue, none of which needs a network; runs in a task."""
    from desktop_llm.gui.welcome.cards import MachineFacts
    from desktop_llm.hardware import graphics_cards, hardware
    from desktop_llm.models.fit.catalog import recommended

    machine = resources.forecaster.machine()
    facts = MachineFacts(machine, hardware(), graphics_cards(), resources.library.snapshot().space.free_bytes)
    return Found(facts, tuple(recommended(resources.forecaster, resources.folders.data)))


def _ignored(_: object) -> None:
    """Ignore a failure: without a forecast the page says nothing about speed."""
