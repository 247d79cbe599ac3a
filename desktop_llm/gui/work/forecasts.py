"""Forecasts of memory and speed for the models on this computer: made in tasks, corrected by real use."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_llm.engine.client import Finished, LoadedModel, LoadSettings
from desktop_llm.engine.room import Memory
from desktop_llm.errors import UserError
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Model, with_projector

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine

_LANE = "forecasts"
_TELL_EVERY_S = 0.2
# The speed of an answer with fewer tokens is not measured precisely.
_LEAST_WRITTEN, _LEAST_READ = 16, 64


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One model with the settings it would be loaded with."""

    model: Model
    choice: LoadChoice
    settings: LoadSettings


@dataclass(frozen=True, slots=True)
class PlanForecast:
    """The forecast of `plan` on `machine`."""

    plan: LoadPlan
    forecast: Forecast
    machine: Machine


class Forecasts(QObject):
    """Signals: `listed` when more forecasts are in `known`, by model id; `answered` with the forecast for a plan."""

    listed = Signal()
    answered = Signal(PlanForecast)

    def __init__(self, resources: Resources, parent: QObject) -> None:
        super().__init__(parent)
        self._resources = resources
        self.known: dict[str, Forecast] = {}
        self._waiting: LoadPlan | None = None
        self._busy = False

    def list(self, plans: Iterable[LoadPlan]) -> None:
        """Forecast each model with its own settings; if this machine has yet to be measured, do it again afterwards.

        The plans are made in the task: a hundred of them take longer than a frame.
        """
        work = functools.partial(self._each, plans)
        self._resources.tasks.run(work, progress=self._on_some, failed=_without, lane=_LANE)

    def ask(self, plan: LoadPlan) -> None:
        """Forecast the settings being chosen; of several calls during a forecast, only the last one counts."""
        self._waiting = plan
        if not self._busy:
            self._next()

    def _next(self) -> None:
        plan, self._waiting = self._waiting, None
        self._busy = plan is not None
        if plan is not None:
            work = functools.partial(self._answer, plan)
            self._resources.tasks.call(work, self._on_answered, self._on_failed)

    def _each(self, each: Iterable[LoadPlan]) -> Generator[Mapping[str, Forecast], None, None]:
        """Yield forecasts at once, and again with speeds if this machine had to be measured; runs in a task."""
        plans = tuple(each)
        yield from self._once(plans)
        if self._resources.forecaster.speeds is None:
            learn_speeds(self._resources)
            yield from self._once(plans)

    def _once(self, plans: tuple[LoadPlan, ...]) -> Generator[Mapping[str, Forecast], None, None]:
        """Yield forecasts in batches, as the list is repainted for each. Models whose header can't be read are left
        out; their rows say what is wrong.
        """
        found: dict[str, Forecast] = {}
        told = time.monotonic()
        for plan in plans:
            with contextlib.suppress(UserError, OSError):
                found[plan.model.id] = forecast_of(self._resources, plan)
            if time.monotonic() - told > _TELL_EVERY_S:
                yield found
                found, told = {}, time.monotonic()
        yield found

    def _answer(self, plan: LoadPlan) -> PlanForecast:
        """In a task."""
        machine = _with_freed(self._resources.forecaster.machine(), self._resources.engines.loaded)
        return PlanForecast(plan, forecast_of(self._resources, plan), machine)

    def _on_some(self, forecasts: Mapping[str, Forecast]) -> None:
        self.known = {**self.known, **forecasts}
        self.listed.emit()

    def _on_answered(self, answer: PlanForecast) -> None:
        self.answered.emit(answer)
        self._next()

    def _on_failed(self, _: UserError) -> None:
        """Show no forecast; the model can still be loaded."""
        self._next()


def _without(_: UserError) -> None:
    """Leave forecasts without speeds, because this machine can't be measured."""


def forecast_of(resources: Resources, plan: LoadPlan) -> Forecast:
    """Make one forecast. Reads the file's header, so only in tasks. Raises ModelFileError."""
    from desktop_llm.models.fit import Setup  # imported late so that the window starts sooner

    settings = with_projector(plan.settings, plan.model)
    return resources.forecaster.forecast(
        resources.library.header(plan.model),
        plan.model.size_bytes,
        Setup.of(settings, settings.context_for(plan.model.context_length)),
        settings.gpu_layers,
    )


def memory_of(resources: Resources, model: Model, settings: LoadSettings) -> Memory:
    """The memory that a model will take; nothing if its file can't be read, which loading will say. Only in tasks."""
    try:
        made = forecast_of(resources, LoadPlan(model, LoadChoice(), settings))
    except (UserError, OSError):
        return Memory()
    return Memory(made.memory_bytes - made.gpu_bytes, made.gpu_bytes)


def _with_freed(machine: Machine, loaded: Iterable[LoadedModel]) -> Machine:
    """The machine with the GPU memory of the models in use counted as free, since it is freed for another one."""
    used_bytes = sum(each.gpu_bytes for each in loaded)
    if not used_bytes or not machine.gpus:
        return machine
    first, *others = machine.gpus
    freed = replace(first, free_bytes=min(first.total_bytes, first.free_bytes + used_bytes))
    return replace(machine, gpus=(freed, *others))


def learn_load(resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel) -> None:
    """Start a task that learns how much memory a model took."""
    _learn(resources, model, settings, loaded, 0.0, 0.0)


def learn_answer(resources: Resources, model: Model, settings: LoadSettings, finished: Finished) -> None:
    """Start a task that learns memory and speeds from an answer, if it was long enough."""
    engine = resources.engines.of(model.path)
    if engine is None or (loaded := engine.loaded) is None:
        return
    usage, timings = finished.usage, finished.timings
    written = timings.generation_tps if usage.completion_tokens >= _LEAST_WRITTEN else 0.0
    read = timings.prompt_tps if usage.prompt_tokens - usage.cached_tokens >= _LEAST_READ else 0.0
    _learn(resources, model, settings, loaded, written, read)


def learn_speeds(resources: Resources) -> None:
    """Measure this machine once, for a few seconds, in a child process of the engine; runs in a task. Raises
    UserError."""
    if resources.forecaster.speeds is None:
        resources.forecaster.note_speeds(resources.engines.installation.speeds())


def _learn(
    resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel, written: float, read: float
) -> None:
    work = functools.partial(_note, resources, model, settings, loaded, written, read)
    resources.tasks.call(work, failed=_no_lesson, lane=_LANE)


def _note(
    resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel, written: float, read: float
) -> None:
    from desktop_llm.models.fit import Setup

    resources.forecaster.learn(
        resources.library.header(model),
        model.size_bytes,
        memory_bytes=loaded.memory_bytes,
        tokens_per_s=written,
        prompt_tps=read,
        setup=Setup.of(settings, loaded.context_length),
        gpu_layers=loaded.gpu_layers,
    )


def _no_lesson(_: UserError) -> None:
    """Ignore a failure: the file is gone, and the next answer can be measured instead."""
