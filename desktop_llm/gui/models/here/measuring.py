"""Measures the open model on the Models page, and shows the results on its card."""

from __future__ import annotations

import functools
from collections.abc import Generator

from PySide6.QtCore import QObject, Signal

from desktop_llm.engine.client import Loading, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui.models.here.speed_card import SpeedCard
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.models import benches
from desktop_llm.models.benches import Bench
from desktop_llm.models.facts import Facts
from desktop_llm.models.library import Model
from desktop_llm.words import tr


class Measuring(QObject):
    """One model is measured at a time, with the load settings that are remembered for it.

    Signal: `memory_wanted` before it begins, so that all models are unloaded: another may not fit, and they could be
    asked something meanwhile.
    """

    memory_wanted = Signal()

    def __init__(self, resources: Resources, card: SpeedCard, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._card = resources, card
        self._facts = Facts(resources.folders.facts_db)
        self._model: Model | None = None
        self._task: Task | None = None
        self._measured = ""  # the id of the model that is being measured
        card.measure_requested.connect(self._on_measure)
        card.cancel_requested.connect(self._on_cancel)

    def show(self, model: Model) -> None:
        """Show the results of this model, or its measurement under way."""
        self._card.setVisible(model.kind == "chat" and model.state in ("ok", "changed"))
        known = self._model is not None and self._model.id == model.id
        self._model = model
        if not known:
            self._look()

    def _look(self) -> None:
        model = self._model
        if model is None:
            return
        if model.id == self._measured:
            self._card.show_progress(tr("Measuring"), None)
            return
        show = functools.partial(self._on_kept, model.id)
        self._resources.tasks.call(functools.partial(benches.kept, self._facts, model.id), show, lane="benches")

    def _on_kept(self, model_id: str, kept: list[Bench]) -> None:
        if self._model is not None and self._model.id == model_id != self._measured:
            self._card.show_benches(kept)

    def _on_measure(self) -> None:
        model = self._model
        if model is None or self._task is not None:
            return
        self._measured = model.id
        self.memory_wanted.emit()
        self._card.show_progress(tr("Getting ready"), None)
        self._task = self._resources.tasks.run(
            functools.partial(self._measure, model),
            progress=functools.partial(self._on_progress, model.id),
            done=functools.partial(self._on_done, model.id),
            failed=functools.partial(self._on_failed, model.id),
            lane="engine",
        )

    def _measure(self, model: Model) -> Generator[Loading | float, None, None]:
        """In a task, after the unloading that shares its lane."""
        remembered = LoadChoice.from_values(self._resources.library.remembered(model.id))
        chosen = self._resources.settings.current
        defaults = LoadSettings(context_length=chosen.context_length, threads=chosen.threads)
        settings = remembered.with_defaults(defaults)
        bench = yield from benches.measure(self._resources.engines.beside, model, settings)
        benches.keep(self._facts, model.id, bench)

    def _on_progress(self, model_id: str, step: Loading | float) -> None:
        if self._model is None or self._model.id != model_id:
            return
        if isinstance(step, Loading):
            self._card.show_progress(tr("Loading the model"), step.fraction)
        else:
            self._card.show_progress(tr("Measuring"), step)

    def _on_cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._end()
            self._look()

    def _on_done(self, _model_id: str, _: None) -> None:
        self._end()
        self._look()

    def _on_failed(self, model_id: str, error: UserError) -> None:
        self._end()
        if self._model is not None and self._model.id == model_id:
            self._card.show_trouble(error.message)

    def _end(self) -> None:
        self._task, self._measured = None, ""
