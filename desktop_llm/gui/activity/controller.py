"""Feeds the Activity page with the window's jobs and the model being loaded, and carries out its buttons' actions."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.activity.page import ActivityPage
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.jobs.download import Download
from desktop_llm.words import tr


class ActivityController(QObject):
    """Signals: `download_acted` and `collection_acted` for actions of a card that only the Models or Documents page can
    do."""

    download_acted = Signal(CardAction)
    collection_acted = Signal(CardAction)

    def __init__(
        self,
        page: ActivityPage,
        jobs: Jobs,
        models: ChosenModelController,
        collections: Collections,
        count: ActivityCount,
    ) -> None:
        super().__init__(page)
        self._page, self._jobs, self._models, self._collections, self._count = page, jobs, models, collections, count
        for signal in (models.listed, models.states.changed):
            signal.connect(self._show_model)
        models.chosen.connect(self._show_jobs)
        jobs.changed.connect(self._show_jobs)
        collections.changed.connect(self._show_jobs)
        count.changed.connect(self._show_summary)
        page.shown.connect(self._show_jobs)
        page.model.cancel_requested.connect(models.cancel)
        page.model.retry_requested.connect(models.use)
        page.downloads.acted.connect(self._on_download_acted)
        page.pause_all_requested.connect(self._on_pause_all)
        page.readings.acted.connect(self._on_collection_acted)
        self._show_model()
        models.shelf.changed.connect(self._show_space)
        self._show_jobs()
        self._show_summary()
        if models.models:  # someone has looked already
            self._show_space()

    def _show_model(self, _: object = None) -> None:
        states, page = self._models.states, self._page
        stopped = [state for state in states.stopped if self._models.find(state.model.id) is not None]
        for state in (*states.waiting, *stopped)[:1]:
            page.show_model(state)
            return
        page.set_no_model()

    def _show_space(self, _: object = None) -> None:
        space = self._models.shelf.now.space
        self._page.set_space(space.models_bytes, space.free_bytes)

    def _show_jobs(self, _: object = None) -> None:
        if self._page.isHidden():  # its cards cost as much as a click on a download may take
            return
        model = self._models.model
        self._page.show_downloads(self._jobs.of(Download), model.id if model is not None else "")
        self._page.show_readings(self._collections.all, self._collections.readings)

    def _show_summary(self, *_: object) -> None:
        _number, words = self._count.now()
        self._page.set_summary(words or tr("Nothing is running"))

    def _on_pause_all(self) -> None:
        self._jobs.pause(*(each.key for each in self._jobs.of(Download) if each.under_way))

    def _on_download_acted(self, action: CardAction) -> None:
        download = next((each for each in self._jobs.of(Download) if each.subject == action.subject), None)
        if download is not None and not self._jobs.act(download.key, action.name):
            self.download_acted.emit(action)

    def _on_collection_acted(self, action: CardAction) -> None:
        if not self._collections.act(action):
            self.collection_acted.emit(action)
