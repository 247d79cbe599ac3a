"""The repository in the middle of the Models page: reads it, forecasts its sizes, knows what is here already."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui import outside
from desktop_llm.gui.discovery import Card, Discovery, Opened, Outlook, Reading, Trouble
from desktop_llm.gui.downloads_controller import key_of
from desktop_llm.gui.models import words
from desktop_llm.gui.models.advice import advise, machine_words
from desktop_llm.gui.models.notices import kept_back, notice_for
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.sizes import HereState, SizeRow
from desktop_llm.gui.models.transfers import Download, Stage
from desktop_llm.gui.online import let_out
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.models.hub import HubModel, HubRepo, Reference
from desktop_llm.models.library import Model
from desktop_llm.settings import Settings

_STATES: dict[Stage, HereState] = {
    "waiting": "waiting",
    "downloading": "running",
    "checking": "running",
    "repairing": "running",
    "paused": "paused",
    "failed": "failed",
    "done": "here",
}


class RepositoryController(QObject):
    """Signals: `get_requested` with a HubRepo and a HubFile; `shown` with the HubModel of the repository that is open,
    again when more is known of it; `rated` with its id and the Forecast of the size to take; `token_requested`."""

    shown = Signal(object)
    rated = Signal(str, object)
    get_requested = Signal(object, object)
    token_requested = Signal()

    def __init__(self, resources: Resources, page: ModelsPage, parent: QWidget) -> None:
        super().__init__(parent)
        self._resources, self._page, self._view, self._window = resources, page, page.repository, parent
        self._discovery = Discovery(resources)
        self._task: Task | None = None
        self._wanted = Reference("")
        self._kept_back = False
        self._repo: HubRepo | None = None
        self._outlook: Outlook | None = None
        self._downloads: Mapping[str, Download] = {}
        self._here: frozenset[str] = frozenset()
        self._view.get_requested.connect(self._on_get)
        self._view.page_requested.connect(self._on_page)
        self._view.token_requested.connect(self.token_requested)
        self._view.link_requested.connect(functools.partial(outside.open_link, parent))
        self._view.notice_action.connect(self._on_notice)
        resources.settings.changed.connect(self._on_settings)

    def open(self, reference: Reference, known: HubModel | None = None, *, lift: bool = False) -> None:
        """Read a repository; what a list already knows of it is shown meanwhile.

        `lift` lets the questions out although the offline switch is on.
        """
        self.close()
        self._wanted, self._repo, self._outlook, self._kept_back = reference, None, None, False
        self._show_model(known or HubModel(reference.repo))
        hub = words.hub_name(self._resources.hub.endpoint)
        self._view.set_busy(self.tr("Asking {hub} for the sizes").format(hub=hub))
        self._page.show_repository()
        work = functools.partial(self._discovery.read, reference.repo, reference.revision)
        self._task = self._resources.tasks.run(
            functools.partial(let_out, self._resources.net, work) if lift else work,
            progress=self._on_read,
            done=self._on_done,
            failed=self._on_failed,
        )

    def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def set_downloads(self, downloads: Mapping[str, Download]) -> None:
        """What is on its way."""
        self._downloads = downloads
        self._show_rows()

    def set_models(self, models: Sequence[Model]) -> None:
        """What is on this computer."""
        self._here = frozenset(key_of(model.repo, model.file) for model in models if model.repo and _usable(model))
        self._show_rows()

    def _on_read(self, reading: Reading) -> None:
        match reading:
            case Opened(repo, outlook):
                self._repo = repo
                self._show_model(repo.model)
                self._view.set_busy("")
                self._on_outlook(outlook)
                if repo.model.gated:
                    self._view.set_gated()
                elif not repo.files:
                    text = self.tr("It may hold this model in another format.")
                    self._view.set_notice(self.tr("There is no GGUF file in this repository."), text, ())
            case Outlook():
                self._on_outlook(reading)
            case Card(blocks):
                self._view.set_card(blocks)
            case Trouble(error):
                self._on_trouble(error)

    def _show_model(self, model: HubModel) -> None:
        self._view.show_model(model)
        self.shown.emit(model)

    def _on_outlook(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._show_rows()
        self._view.set_advice(advise(self._rows(), outlook.machine))
        if self._repo is not None and (verdict := outlook.verdict(self._repo)) is not None:
            self.rated.emit(self._repo.model.repo, verdict)

    def _on_trouble(self, error: UserError) -> None:
        """Sizes are known already: only what asks for an action is worth a banner."""
        if isinstance(error, TransferError) and error.cause in ("gated", "unauthorized"):
            self._view.set_gated()

    def _on_done(self, _: None) -> None:
        self._task = None

    def _on_failed(self, error: UserError) -> None:
        self._task, self._kept_back = None, kept_back(error)
        self._view.set_busy("")
        hub = words.hub_name(self._resources.hub.endpoint)
        self._view.set_notice(*notice_for(error, hub, self.tr("Turn off for this repository")))

    def _on_settings(self, settings: Settings) -> None:
        """What the offline switch kept back is asked once it is off: it was asked for."""
        if self._kept_back and not settings.offline:
            self.open(self._wanted)

    def _show_rows(self) -> None:
        if self._outlook is not None:
            words_ = machine_words(self._outlook.machine, self._outlook.context_length)
            self._view.set_rows(self._rows(), words_, on_gpu=bool(self._outlook.machine.gpus))

    def _rows(self) -> list[SizeRow]:
        repo, outlook = self._repo, self._outlook
        if repo is None or outlook is None:
            return []
        marked = next((file.name for file in repo.files if file.quantization == outlook.recommended), "")
        named = (self._wanted.file or "").casefold()
        rows = [
            SizeRow(
                file,
                outlook.forecasts.get(file.name),
                recommended=file.name == marked,
                named=named in (file.name.casefold(), file.quantization.casefold()),
            )
            for file in repo.files
        ]
        return [self._with_state(repo.model.repo, row) for row in rows]

    def _with_state(self, repo: str, row: SizeRow) -> SizeRow:
        key = key_of(repo, row.file.name)
        if key in self._here:
            return replace(row, state="here")
        download = self._downloads.get(key)
        return replace(row, state=_STATES[download.stage], fraction=download.fraction) if download else row

    def _on_get(self, name: str) -> None:
        if self._repo is not None:
            file = next(file for file in self._repo.files if file.name == name)
            self.get_requested.emit(self._repo, file)

    def _on_page(self) -> None:
        outside.open_link(self._window, self._resources.hub.page(self._wanted.repo))

    def _on_notice(self, action: str) -> None:
        if action in ("go_online", "retry"):
            self.open(self._wanted, lift=action == "go_online")


def _usable(model: Model) -> bool:
    return model.state in ("ok", "changed")
