"""Starred repositories: the star of the open one, and the list shown when there is no search."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.models.find.discovery import Discovery, FoundModel
from desktop_llm.gui.models.find.repository import RepositoryView
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.hub import HubModel
from desktop_llm.models.starred import Starred

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast

_LANE = "starred"


class StarredController(QObject):
    """Signal: `changed` with FoundModels, the last starred first. Sends nothing."""

    changed = Signal(tuple)

    def __init__(self, resources: Resources, view: RepositoryView, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._view = resources.tasks, view
        self._store = Starred(resources.folders.starred)
        self._discovery = Discovery(resources)
        self._starred: dict[str, HubModel] = {}
        self._read = False
        self._forecasts: dict[str, Forecast | None] = {}
        self._open: HubModel | None = None
        view.star_toggled.connect(self._on_toggled)

    def start(self) -> None:
        """List the starred repositories."""
        self._tasks.call(self._store.read, self._on_read, lane=_LANE)

    def look_at(self, model: HubModel) -> None:
        """Follow the open repository; newer facts about it are kept with its star."""
        self._open = model
        starred = self._starred.get(model.repo)
        self._view.set_starred(starred is not None)
        if starred is not None and model.downloads and model != starred:
            self._starred[model.repo] = model
            self._keep()

    def _on_read(self, models: tuple[HubModel, ...]) -> None:
        early, self._read = self._starred, True  # starred while the file was being read
        self._starred = early | {model.repo: model for model in models}
        if self._open is not None:
            self._view.set_starred(self._open.repo in self._starred)
        if early:
            self._keep()
        else:
            self._show()

    def _on_toggled(self, on: bool) -> None:
        if self._open is None:
            return
        self._starred.pop(self._open.repo, None)
        if on:
            self._starred = {self._open.repo: self._open, **self._starred}
        self._view.set_starred(on)
        self._keep()

    def _keep(self) -> None:
        if self._read:  # otherwise stars that were not yet read would be lost
            models = tuple(self._starred.values())
            self._tasks.call(functools.partial(self._store.write, models), lane=_LANE)
        self._show()

    def _show(self) -> None:
        """Send the models at once; forecasts follow, as they may wait for the list of GPUs."""
        self._tell()
        models = tuple(self._starred.values())
        self._tasks.call(functools.partial(self._discovery.forecast, models), self._on_forecast)

    def _on_forecast(self, found: list[FoundModel]) -> None:
        self._forecasts = {each.model.repo: each.forecast for each in found}
        self._tell()

    def _tell(self) -> None:
        self.changed.emit(tuple(FoundModel(model, self._forecasts.get(repo)) for repo, model in self._starred.items()))
