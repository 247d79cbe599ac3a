"""Reads the repository in the middle of the Models page, forecasts its sizes and marks those already on this
computer."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui.look.formats import number, plain, size
from desktop_llm.gui.models import hub_words
from desktop_llm.gui.models.downloads.controller import DownloadsController
from desktop_llm.gui.models.find.discovery import Card, Discovery, FoundModel, Opened, Outlook, Reading, Trouble
from desktop_llm.gui.models.find.repository import Advice
from desktop_llm.gui.models.find.sizes import HereState, SizeRow, main_rows
from desktop_llm.gui.models.notices import kept_back, notice_for
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.work import links
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.offline_pass import let_out
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.jobs.download import subject_of
from desktop_llm.jobs.job import State
from desktop_llm.models.fit import Forecast, Machine
from desktop_llm.models.hub import HubFile, HubModel, HubRepo, Reference
from desktop_llm.models.library import Model
from desktop_llm.settings import Settings
from desktop_llm.words import tr

_STATES: dict[State, HereState] = {
    "waiting": "waiting",
    "running": "running",
    "paused": "paused",
    "failed": "failed",
    "done": "here",
}


class RepositoryController(QObject):
    """Signals: `shown` with the open repository, and again when more is known about it; `rated` with it and the
    forecast of its recommended size; `token_requested`."""

    shown = Signal(HubModel)
    rated = Signal(FoundModel)
    token_requested = Signal()

    def __init__(
        self,
        resources: Resources,
        shelf: ModelShelf,
        downloads: DownloadsController,
        page: ModelsPage,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._resources, self._shelf, self._downloads = resources, shelf, downloads
        self._page, self._view, self._window = page, page.repository, parent
        self._discovery = Discovery(resources)
        self._task: Task | None = None
        self._wanted = Reference("")
        self._kept_back = False
        self._repo: HubRepo | None = None
        self._outlook: Outlook | None = None
        self._view.sizes.get_requested.connect(self._on_get)
        self._view.card.text.link_requested.connect(functools.partial(links.open_link, parent))
        self._view.notice_action.connect(self._on_notice)
        shelf.changed.connect(self._show_rows)
        downloads.changed.connect(self._show_rows)
        resources.settings.changed.connect(self._on_settings)

    def open(self, reference: Reference, known: HubModel | None = None, *, lift: bool = False) -> None:
        """Read a repository; meanwhile show `known`, the facts from the list.

        `lift` lets the requests out even if the offline switch is on.
        """
        self.close()
        self._wanted, self._repo, self._outlook, self._kept_back = reference, None, None, False
        self._show_model(known or HubModel(reference.repo))
        hub = hub_words.hub_name(self._resources.hub.endpoint)
        self._view.set_busy(tr("Asking {hub} for the sizes", hub=hub))
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
                    text = tr("It may contain this model in another format.")
                    self._view.set_notice(tr("There is no GGUF file in this repository."), text, ())
            case Outlook():
                self._on_outlook(reading)
            case Card(blocks, base_models):
                self._view.card.set_card(blocks, base_models)
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
            self.rated.emit(FoundModel(self._repo.model, verdict))

    def _on_trouble(self, error: UserError) -> None:
        """Show a banner only if the person can do something; the sizes are known already."""
        if isinstance(error, TransferError) and error.cause in ("gated", "unauthorized"):
            self._view.set_gated()

    def _on_done(self, _: None) -> None:
        self._task = None

    def _on_failed(self, error: UserError) -> None:
        self._task, self._kept_back = None, kept_back(error)
        self._view.set_busy("")
        hub = hub_words.hub_name(self._resources.hub.endpoint)
        self._view.set_notice(*notice_for(error, hub, tr("Turn off for this repository")))

    def _on_settings(self, settings: Settings) -> None:
        """Repeat the request that the offline switch stopped, when it is turned off."""
        if self._kept_back and not settings.offline:
            self.open(self._wanted)

    def _show_rows(self) -> None:
        if (outlook := self._outlook) is not None:
            machine = machine_words(outlook.machine, outlook.context_length)
            self._view.sizes.set_rows(self._rows(), machine, on_gpu=bool(outlook.machine.gpus))

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
        here = {subject_of(model.repo, model.file) for model in self._shelf.now.models if model.repo and _usable(model)}
        coming = self._downloads.by_subject
        for place, row in enumerate(rows):
            key = subject_of(repo.model.repo, row.file.name)
            if key in here:
                rows[place] = replace(row, state="here")
            elif download := coming.get(key):
                rows[place] = replace(row, state=_STATES[download.state], fraction=download.progress.fraction)
        return rows

    def _on_get(self, file: HubFile) -> None:
        if self._repo is not None:
            self._downloads.get(self._repo, file)

    def _on_notice(self, action: str) -> None:
        if action == "open_page":
            links.open_link(self._window, self._resources.hub.page(self._wanted.repo))
        elif action == "add_token":
            self.token_requested.emit()
        elif action in ("go_online", "retry"):
            self.open(self._wanted, lift=action == "go_online")


def _usable(model: Model) -> bool:
    return model.state in ("ok", "changed")


def machine_words(machine: Machine, context_length: int) -> str:
    """ "RTX 4060, 8.0 GB, context 16,384": the machine and context length of the forecasts."""
    context = tr("context {tokens}", tokens=number(context_length))
    if machine.gpus:
        gpu = machine.gpus[0]
        return f"{plain(gpu.name)}, {size(gpu.total_bytes)}, {context}"
    return tr("{size} of memory, {context}", size=size(machine.ram_bytes), context=context)


def advise(rows: Sequence[SizeRow], machine: Machine) -> Advice | None:
    """Say how the recommended size fits into memory, and how much better and slower the next larger one is."""
    known = [row for row in rows if row.forecast is not None]
    if not known:
        return None
    chosen = next((row for row in known if row.recommended), None)
    if chosen is None or chosen.forecast is None:
        title = tr("None of these sizes fits on this computer.")
        return Advice(title, tr("A model with fewer parameters needs less memory."))
    return Advice(_how_it_sits(chosen.word, chosen.forecast, machine), _larger(chosen, main_rows(known)[0]))


def _how_it_sits(word: str, forecast: Forecast, machine: Machine) -> str:
    if machine.gpus and forecast.gpu_layers >= forecast.layers > 0:
        left = machine.gpus[0].total_bytes - forecast.gpu_bytes
        return tr(
            "{size} fits completely on your graphics card and leaves {free} free.", size=word, free=size(max(0, left))
        )
    if forecast.gpu_layers:
        return tr(
            "{size} puts {count} of {all} layers on your graphics card and the rest into memory.",
            size=word,
            count=number(forecast.gpu_layers),
            all=number(forecast.layers),
        )
    left = machine.ram_bytes - forecast.memory_bytes
    if forecast.fit == "fits":
        return tr("{size} fits into memory and leaves {free} for everything else.", size=word, free=size(max(0, left)))
    return tr("{size} runs here, but slowly.", size=word)


def _larger(chosen: SizeRow, rows: Sequence[SizeRow]) -> str:
    larger = [row for row in rows if row.file.size_bytes > chosen.file.size_bytes]
    if not larger or (forecast := larger[0].forecast) is None:
        return ""
    name = larger[0].word
    if forecast.fit == "too_big":
        return tr("{size} is too big for this computer.", size=name)
    before = chosen.forecast.tokens_per_s if chosen.forecast else None
    if not before or not forecast.tokens_per_s:
        return tr("{size} is a little more exact and needs more memory.", size=name)
    return tr("{size} is a little more exact and {slower}.", size=name, slower=_slower(forecast.tokens_per_s / before))


def _slower(ratio: float) -> str:
    steps = (
        (0.92, tr("about as fast")),
        (0.68, tr("about a quarter slower")),
        (0.42, tr("about half as fast")),
    )
    return next((text for least, text in steps if ratio >= least), tr("much slower"))
