"""The count of running and stopped work: the number on the rail and the words that go with it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop_llm.gui.look.formats import number
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.jobs.job import Job
from desktop_llm.words import tr


class ActivityCount(QObject):
    """Counts again whenever something changes.

    A collection with unreadable files is not counted: they may stay unreadable, and nobody waits for them.

    Signal: `changed` with the number of things and with words for them, "" for none.
    """

    changed = Signal(int, str)

    def __init__(self, jobs: Jobs, models: ChosenModelController, collections: Collections, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs, self._models, self._collections = jobs, models, collections
        for signal in (models.listed, models.states.changed):
            signal.connect(self._on_changed)
        jobs.changed.connect(self._on_changed)
        collections.changed.connect(self._on_changed)

    def now(self) -> tuple[int, str]:
        """The number of running and stopped things, and the words for it: 3 and "2 running, 1 stopped"."""
        jobs, readings = self._jobs.of(Job), self._collections.readings
        running = sum(job.under_way for job in jobs) + len(self._models.states.waiting)
        # Another process may have asked this one to read.
        running += sum(each.state == "reading" and each.name not in readings for each in self._collections.all)
        stopped = sum(job.state == "failed" for job in jobs) + len(self._stopped_models())
        words = [
            tr("{count} running", count=number(running)) if running else "",
            tr("{count} stopped", count=number(stopped)) if stopped else "",
        ]
        return running + stopped, ", ".join(filter(None, words))

    def _stopped_models(self) -> list[ModelState]:
        """The models that stopped and are still on this computer."""
        return [state for state in self._models.states.stopped if self._models.find(state.model.id) is not None]

    def _on_changed(self, *_: object) -> None:
        self.changed.emit(*self.now())
