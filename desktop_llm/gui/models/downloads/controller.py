"""The downloads of the window: started from repositories and recommendations, controlled by the buttons of their
cards."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets import UndoBar
from desktop_llm.gui.models import hub_words
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.sidebar import LOCAL
from desktop_llm.gui.work import links
from desktop_llm.gui.work.download_card import full_name
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.transfer_failures import cause_of
from desktop_llm.jobs.download import Download, DownloadWork, Pull, pull_named, subject_of
from desktop_llm.jobs.job import Job, Progress
from desktop_llm.models.download import Unfinished
from desktop_llm.models.hub import HubFile, HubRepo
from desktop_llm.models.library import Model
from desktop_llm.settings import Settings
from desktop_llm.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop_llm.models.fit.catalog import Recommendation
    from desktop_llm.models.fit.search_models import SearchModel


class DownloadsController(QObject):
    """Signals: `changed` when there is something new to show; `finished` when a model has been downloaded;
    `use_requested` with a model's id; `repository_requested` with a repository's id; `token_requested`;
    `page_requested` when an action needs the Models page to be shown."""

    changed = Signal()
    finished = Signal()
    use_requested = Signal(str)
    repository_requested = Signal(str)
    token_requested = Signal()
    page_requested = Signal()

    def __init__(self, resources: Resources, jobs: Jobs, page: ModelsPage, parent: QWidget) -> None:
        super().__init__(parent)
        self._resources, self._jobs, self._page, self._window = resources, jobs, page, parent
        self._undo_bars: dict[UndoBar, str] = {}  # each with the key of the download that it can restore
        self.model_in_use = ""
        self.offer_undo_at(page.downloads_undo)
        page.downloads.acted.connect(self.act)
        page.downloads.pause_all_requested.connect(self.pause_all)
        page.downloads.clear_requested.connect(self._on_clear)
        jobs.changed.connect(self._show)
        jobs.ended.connect(self._on_ended)
        jobs.cancelled.connect(self._on_cancelled)
        resources.settings.changed.connect(self._on_settings)

    @property
    def by_subject(self) -> dict[str, Download]:
        """All downloads by "owner/name/file", in the order in which they were added."""
        return {download.subject: download for download in self._jobs.of(Download)}

    def offer_undo_at(self, bar: UndoBar) -> None:
        """Offer to undo cancelling at this bar, on a page that shows downloads."""
        self._undo_bars[bar] = ""
        bar.undo_requested.connect(functools.partial(self._on_undo, bar))
        bar.closed.connect(functools.partial(self._on_undo_gone, bar))

    def start(self) -> None:
        """List downloads that were interrupted when the app ended as paused; none resumes by itself."""
        self._resources.tasks.call(self._resources.downloads.unfinished, self._on_unfinished)

    def get(self, repo: HubRepo, file: HubFile) -> None:
        """Download a file of a repository."""
        name, title = repo.model.repo, hub_words.friendly_name(repo.model.repo)
        pull = functools.partial(self._resources.downloads.pull, repo, file)
        self._add(self._job(name, file.name, title, file.quantization, file.size_bytes), name, file.name, pull)

    def get_recommended(self, recommendation: Recommendation | SearchModel) -> None:
        """Download a model of a catalogue; the hub is asked for its files first."""
        repo, file = recommendation.repo, recommendation.file
        title, quantization, size_bytes = recommendation.name, recommendation.quantization, recommendation.size_bytes
        self._add(self._job(repo, file, title, quantization, size_bytes), repo, file, self._named(repo, file))

    def get_again(self, model: Model) -> None:
        """Download the file of a model that is gone or damaged.

        If another app downloaded it, only the repository is known, so its sizes are shown to choose from.
        """
        if not model.file:
            self.repository_requested.emit(model.repo)
            return
        job = self._job(model.repo, model.file, model.display_name, model.quantization, model.size_bytes)
        self._add(job, model.repo, model.file, self._named(model.repo, model.file, model.revision or None))

    def forget(self, model: Model) -> None:
        """Remove the download of a deleted model from the list."""
        self._jobs.remove(*(each.key for each in self._jobs.of(Download) if each.model_id == model.id))

    def set_in_use(self, model: Model | None) -> None:
        """Set the model in use; its card does not offer to use it."""
        self.model_in_use = model.id if model is not None else ""
        self._show()

    def pause_all(self) -> None:
        """Pause all downloads that run or wait."""
        self._jobs.pause(*(each.key for each in self._jobs.of(Download) if each.under_way))

    def act(self, action: CardAction) -> None:
        """Carry out the action of a button on a download's card."""
        download = self.by_subject.get(action.subject)
        if download is None or self._jobs.act(download.key, action.name):
            return
        repo = self._work(download.key).repo
        match action.name:
            case "use":
                self.use_requested.emit(download.model_id)
            case "go_online":
                self._work(download.key).let_out = self._resources.net.offline
                self._jobs.resume(download.key)
            case "free_space":
                self._page.sidebar.show_segment(LOCAL)
                self.page_requested.emit()
            case "open_page":
                links.open_link(self._window, self._resources.hub.page(repo))
            case "open_repository":
                self.repository_requested.emit(repo)
                self.page_requested.emit()
            case "add_token":
                self.token_requested.emit()
            case "copy_details" if download.error is not None:
                QApplication.clipboard().setText(download.error.details)

    def _job(self, repo: str, file: str, title: str, quantization: str, size_bytes: int) -> Download:
        hub = hub_words.hub_name(self._resources.hub.endpoint)
        progress = Progress(total=size_bytes)
        return Download(subject_of(repo, file), title, progress=progress, quantization=quantization, hub=hub)

    def _named(self, repo: str, file: str, revision: str | None = None) -> Callable[[], Pull]:
        return functools.partial(pull_named, self._resources.hub, self._resources.downloads, repo, file, revision)

    def _work(self, key: str) -> DownloadWork:
        work = self._jobs.work(key)
        assert isinstance(work, DownloadWork)
        return work

    def _add(self, job: Download, repo: str, file: str, pull: Callable[[], Pull]) -> None:
        known = self._jobs.get(job.key)
        if known is None or not known.under_way:
            for bar in [bar for bar, key in self._undo_bars.items() if key == job.key]:
                self._undo_bars[bar] = ""  # the bytes are useful, and there is nothing to undo
                bar.hide()
            self._jobs.add(job, DownloadWork(self._resources.downloads, self._resources.net, repo, file, pull))
        self._page.show_downloads()

    def _on_unfinished(self, found: list[Unfinished]) -> None:
        for each in found:
            if subject_of(each.repo, each.file) in self.by_subject:
                continue
            job = self._job(each.repo, each.file, hub_words.friendly_name(each.repo), each.quantization, 0)
            job = job.advanced(Progress(each.done_bytes, each.total_bytes)).now("paused")
            pull = functools.partial(self._resources.downloads.resume, each)
            work = DownloadWork(self._resources.downloads, self._resources.net, each.repo, each.file, pull)
            self._jobs.add(job, work)

    def _on_ended(self, job: Job) -> None:
        if isinstance(job, Download) and job.state == "done":
            self.finished.emit()

    def _on_cancelled(self, job: Job) -> None:
        """Offer to undo on the visible page; the downloaded bytes are kept until the offer is gone."""
        if isinstance(job, Download):
            bar = next((bar for bar in self._undo_bars if bar.pane.isVisible()), self._page.downloads_undo)
            bar.show_message(tr("Download of {name} cancelled.", name=full_name(job)))
            self._undo_bars[bar] = job.key

    def _on_undo(self, bar: UndoBar) -> None:
        key, self._undo_bars[bar] = self._undo_bars[bar], ""
        self._jobs.take_back(key)

    def _on_undo_gone(self, bar: UndoBar) -> None:
        key, self._undo_bars[bar] = self._undo_bars[bar], ""
        self._jobs.discard(key)

    def _on_settings(self, settings: Settings) -> None:
        """Resume the downloads that the offline switch stopped, when it is turned off.

        Waiting downloads lose the permission to pass the switch: they must not start if it is turned on again.
        """
        if settings.offline:
            return
        downloads = self._jobs.of(Download)
        for download in downloads:
            self._work(download.key).let_out = False
        stopped = [each.key for each in downloads if each.error and cause_of(each.error) == "offline_switch"]
        self._jobs.resume(*stopped)

    def _on_clear(self) -> None:
        self._jobs.remove(*(each.key for each in self._jobs.of(Download) if each.state == "done"))

    def _show(self) -> None:
        downloads = self._jobs.of(Download)
        self._page.downloads.show_downloads(downloads, self.model_in_use)
        self._page.bar.show_downloads(downloads)
        self.changed.emit()
