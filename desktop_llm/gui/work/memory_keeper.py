"""When a model runs out of memory: finds the one change that helps, and offers to load it so."""

from __future__ import annotations

import functools
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_llm.engine.client import LoadSettings
from desktop_llm.errors import LESS_MEMORY, UserError
from desktop_llm.gui.look.formats import number, size
from desktop_llm.gui.look.model_words import model_name, size_word
from desktop_llm.gui.look.widgets import Action
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.forecasts import LoadPlan, forecast_of
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.notices import Notices
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Remedy


class MemoryKeeper(QObject):
    """Answers each stop of a model for want of memory with a banner."""

    def __init__(self, resources: Resources, models: ChosenModelController, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._models, self._notices = resources, models, notices
        models.stopped.connect(self._on_stopped)

    def _on_stopped(self, error: UserError) -> None:
        model = self._models.model
        if error.action != LESS_MEMORY or model is None:
            return
        found = functools.partial(self._on_found, error, self._models.choice, self._models.load)
        no_forecast = functools.partial(self._on_no_forecast, error)
        find = functools.partial(self._find, model, self._models.load, self._models.models)
        self._resources.tasks.call(find, found, no_forecast)

    def _find(self, model: Model, settings: LoadSettings, here: tuple[Model, ...]) -> Remedy | None:
        """In a task."""
        from desktop_llm.models.fit import remedy  # imported late so that the window starts sooner

        return remedy(self._ask, self._resources.forecaster.machine(), model, settings, here)

    def _ask(self, model: Model, settings: LoadSettings) -> Forecast | None:
        try:
            return forecast_of(self._resources, LoadPlan(model, LoadChoice(), settings))
        except (UserError, OSError):
            return None

    def _on_found(self, error: UserError, choice: LoadChoice, before: LoadSettings, found: Remedy | None) -> None:
        if found is None:
            self._notices.show_error(error)
            return
        changed = {
            each.name: getattr(found.settings, each.name)
            for each in fields(LoadSettings)
            if getattr(found.settings, each.name) != getattr(before, each.name)
        }
        again = replace(choice, settings=replace(choice.settings, **changed))
        words, text = remedy_words(found, before)
        self._notices.offer(
            error.title,
            tr("Everything written so far is kept. {change}", change=text),
            Action("apply", words, "retry"),
            functools.partial(self._on_answered, found.model.id, again),
            kind="warning",
        )

    def _on_no_forecast(self, error: UserError, _: UserError) -> None:
        self._notices.show_error(error)

    def _on_answered(self, model_id: str, choice: LoadChoice, action: str) -> None:
        if action == "apply":
            self._models.use(model_id, choice)


def remedy_words(found: Remedy, before: LoadSettings) -> tuple[str, str]:
    """The words of the button, and the sentence with the memory before and after."""
    amounts = {"needs": size(found.needs_bytes), "needed": size(found.needed_bytes)}
    settings = found.settings
    if settings.kv_types != before.kv_types:
        return tr("Compress its memory"), tr(
            "With compressed memory (an 8-bit KV cache) it needs {needs} instead of {needed}.", **amounts
        )
    if settings.context_length != before.context_length:
        return tr("Shorten the context"), tr(
            "With a context of {tokens} tokens it needs {needs} instead of {needed}.",
            tokens=number(settings.context_length or 0),
            **amounts,
        )
    if settings.gpu_layers != before.gpu_layers:
        return tr("Use the processor"), tr(
            "On the processor it needs nothing of the graphics card’s memory, and is slower."
        )
    name = f"{model_name(found.model)} {size_word(found.model.quantization)}"
    return tr("Use {name}", name=name), tr(
        "{name} is here too and needs {needs} instead of {needed}.", name=name, **amounts
    )
