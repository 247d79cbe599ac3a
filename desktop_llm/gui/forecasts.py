"""What each model would need and how fast it would be here, asked off the window's thread and kept for the menu."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_llm.engine.client import LoadedModel, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui import measured
from desktop_llm.gui.load_choice import LoadChoice, context_of
from desktop_llm.gui.resources import Resources
from desktop_llm.models.library import Model

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine

TELL_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Question:
    """One model with the settings it would be loaded with."""

    model: Model
    choice: LoadChoice
    settings: LoadSettings


@dataclass(frozen=True, slots=True)
class Answer:
    """What `question` would need of `machine`."""

    question: Question
    forecast: Forecast
    machine: Machine


class Forecasts(QObject):
    """Signals: `listed` with the forecasts by model id, growing while they are made; `answered` with an Answer."""

    listed = Signal(object)
    answered = Signal(object)

    def __init__(self, resources: Resources, parent: QObject) -> None:
        super().__init__(parent)
        self._resources = resources
        self._known: dict[str, Forecast] = {}
        self._waiting: Question | None = None
        self._busy = False

    def list(self, questions: Sequence[Question]) -> None:
        """Forecast every model with its own settings; once more with speeds where this machine was not measured yet."""
        work = functools.partial(self._each, tuple(questions))
        self._resources.tasks.run(work, progress=self._on_some, failed=_without, lane="forecasts")

    def ask(self, question: Question) -> None:
        """Forecast settings that are being chosen: while one is asked, only the last of the others waits."""
        self._waiting = question
        if not self._busy:
            self._next()

    def _next(self) -> None:
        question, self._waiting = self._waiting, None
        self._busy = question is not None
        if question is not None:
            work = functools.partial(self._answer, question)
            self._resources.tasks.call(work, self._on_answered, self._on_failed)

    def _each(self, questions: tuple[Question, ...]) -> Generator[Mapping[str, Forecast], None, None]:
        """In a task: what is known at once, then with the speeds of this machine if they had to be measured."""
        yield from self._once(questions)
        if self._resources.forecaster.speeds is None:
            measured.learn_speeds(self._resources)
            yield from self._once(questions)

    def _once(self, questions: tuple[Question, ...]) -> Generator[Mapping[str, Forecast], None, None]:
        """Some at a time, since the list is shown anew for them.

        A model whose header can't be read is left out; its row says why in other words.
        """
        found: dict[str, Forecast] = {}
        told = time.monotonic()
        for question in questions:
            with contextlib.suppress(UserError, OSError):
                found[question.model.id] = forecast_of(self._resources, question)
            if time.monotonic() - told > TELL_EVERY_S:
                yield found
                found, told = {}, time.monotonic()
        yield found

    def _answer(self, question: Question) -> Answer:
        """In a task."""
        machine = _with_freed(self._resources.forecaster.machine(), self._resources.engine.loaded)
        return Answer(question, forecast_of(self._resources, question), machine)

    def _on_some(self, forecasts: Mapping[str, Forecast]) -> None:
        self._known = {**self._known, **forecasts}
        self.listed.emit(self._known)

    def _on_answered(self, answer: Answer) -> None:
        self.answered.emit(answer)
        self._next()

    def _on_failed(self, _: UserError) -> None:
        """No forecast, no bars: the model can be loaded all the same."""
        self._next()


def _without(_: UserError) -> None:
    """This machine can't be measured: forecasts say nothing about speed."""


def forecast_of(resources: Resources, question: Question) -> Forecast:
    """Ask for one forecast; blocks for a file's header, so for tasks alone. Raises ModelFileError."""
    settings = question.settings
    return resources.forecaster.forecast(
        resources.library.header(question.model),
        question.model.size_bytes,
        context_length=context_of(settings, question.model.context_length),
        kv_type=settings.kv_type or "f16",
        gpu_layers=settings.gpu_layers,
        batch=settings.batch or 512,
    )


def _with_freed(machine: Machine, loaded: LoadedModel | None) -> Machine:
    """The GPU's memory counts as free where the model in use holds it: loading another one ends it."""
    if loaded is None or not loaded.gpu_bytes or not machine.gpus:
        return machine
    first, *others = machine.gpus
    freed = replace(first, free_bytes=min(first.total_bytes, first.free_bytes + loaded.gpu_bytes))
    return replace(machine, gpus=(freed, *others))
