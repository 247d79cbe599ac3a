"""Downloads in the window: got from repositories and recommendations, shown as cards, acted on by their buttons."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.gui import outside
from desktop_llm.gui.cancelled_downloads import CancelledDownloads
from desktop_llm.gui.download_queue import DownloadQueue, Item, Steps, discard, lane_of, pull_named
from desktop_llm.gui.models import words
from desktop_llm.gui.models.failures import cause_of
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.sidebar import LOCAL
from desktop_llm.gui.models.transfers import Download
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.widgets import UndoBar
from desktop_llm.models.download import Unfinished
from desktop_llm.models.hub import HubFile, HubRepo
from desktop_llm.models.library import Model
from desktop_llm.settings import Settings

if TYPE_CHECKING:
    from desktop_llm.models.fit.catalog import Recommendation


class DownloadsController(QObject):
    """Signals: `changed` with all Downloads by key ("owner/name/file"); `ended` with a Download that is done or failed;
    `finished` with the Model that is here now; `use_requested` with a model's id; `repository_requested` with a
    repository's id; `token_requested`; `page_requested` where the Models page has to be seen for what was asked."""

    changed = Signal(object)
    ended = Signal(object)
    finished = Signal(object)
    use_requested = Signal(str)
    repository_requested = Signal(str)
    token_requested = Signal()
    page_requested = Signal()

    def __init__(self, resources: Resources, page: ModelsPage, parent: QWidget) -> None:
        super().__init__(parent)
        self._resources, self._page, self._window = resources, page, parent
        self._queue = DownloadQueue(resources, self)
        self._cancelled = CancelledDownloads(self)
        self._in_use = ""
        self._connect()

    @property
    def downloads(self) -> tuple[Download, ...]:
        """All of them, in the order in which they came."""
        return tuple(self._shown(item) for item in self._queue.items.values())

    def also_undo_at(self, bar: UndoBar) -> None:
        """Another page shows these downloads: what is cancelled there can be undone there."""
        self._cancelled.offer_at(bar)

    def start(self) -> None:
        """List what was interrupted by a quit or a kill, as paused; nothing goes on by itself."""
        self._resources.tasks.call(self._resources.downloads.unfinished, self._on_unfinished)

    def get(self, repo: HubRepo, file: HubFile) -> None:
        """Download a file of a repository."""
        name = words.friendly_name(repo.model.repo)
        shown = Download(key_of(repo.model.repo, file.name), name, file.quantization, total_bytes=file.size_bytes)
        work = functools.partial(self._resources.downloads.pull, repo, file)
        self._add(Item(repo.model.repo, file.name, work, shown))

    def get_recommended(self, recommendation: Recommendation) -> None:
        """Download a model of the catalogue; the hub is asked where it is first."""
        repo, file = recommendation.repo, recommendation.file
        shown = Download(
            key_of(repo, file),
            recommendation.name,
            recommendation.quantization,
            total_bytes=recommendation.size_bytes,
        )
        self._add(Item(repo, file, self._named(repo, file), shown))

    def get_again(self, model: Model) -> None:
        """Download the file of a model that is gone or damaged.

        Of one that another app got only the repository is known: its sizes are shown then, to choose from.
        """
        if not model.file:
            self.repository_requested.emit(model.repo)
            return
        shown = Download(
            key_of(model.repo, model.file), model.display_name, model.quantization, total_bytes=model.size_bytes
        )
        self._add(Item(model.repo, model.file, self._named(model.repo, model.file, model.revision or None), shown))

    def forget(self, model: Model) -> None:
        """A model was removed: what brought it here can be used no more, and got again."""
        items = self._queue.items.values()
        self._queue.remove(*(item for item in items if item.shown.model_id == model.id))

    def set_in_use(self, model: Model | None) -> None:
        """The model that the next message goes to: its card need not offer it any more."""
        self._in_use = model.id if model is not None else ""
        self._show()

    def pause_all(self) -> None:
        """Pause what runs and what waits."""
        self._queue.pause(*(item for item in self._queue.items.values() if item.under_way))

    def act(self, key: str, action: str) -> None:
        """Do what a button of a download's card says."""
        item = self._queue.items.get(key)
        if item is None:
            return
        actions: dict[str, Callable[[Item], None]] = {
            "pause": self._queue.pause,
            "resume": self._queue.resume,
            "retry": self._queue.resume,
            "go_online": self._on_go_online,
            "cancel": self._on_cancel,
            "use": self._on_use,
            "free_space": self._on_free_space,
            "open_page": self._on_open_page,
            "open_repository": self._on_open_repository,
            "add_token": self._on_add_token,
            "copy_details": self._on_copy_details,
        }
        actions[action](item)

    def _connect(self) -> None:
        page, queue = self._page, self._queue
        page.downloads.action_requested.connect(self.act)
        page.downloads.pause_all_requested.connect(self.pause_all)
        page.downloads.clear_requested.connect(self._on_clear)
        queue.changed.connect(self._show)
        queue.ended.connect(self._on_ended)
        queue.finished.connect(self.finished)
        self._cancelled.offer_at(page.downloads_undo)
        self._cancelled.taken_back.connect(self._on_taken_back)
        self._cancelled.given_up.connect(self._on_given_up)
        self._resources.settings.changed.connect(self._on_settings)

    def _named(self, repo: str, file: str, revision: str | None = None) -> Callable[[], Steps]:
        return functools.partial(pull_named, self._resources, repo, file, revision)

    def _add(self, item: Item) -> None:
        known = self._queue.items.get(item.shown.key)
        if known is None or not known.under_way:
            self._cancelled.drop(item.shown.key)
            self._queue.put(item)
        self._page.show_downloads()

    def _on_unfinished(self, found: list[Unfinished]) -> None:
        for each in found:
            key = key_of(each.repo, each.file)
            if key not in self._queue.items:
                work = functools.partial(self._resources.downloads.resume, each)
                name = words.friendly_name(each.repo)
                shown = Download(key, name, each.quantization, "paused", each.done_bytes, each.total_bytes)
                self._queue.put(Item(each.repo, each.file, work, shown))

    def _on_ended(self, item: Item) -> None:
        self.ended.emit(self._shown(item))

    def _on_go_online(self, item: Item) -> None:
        item.let_out = self._resources.net.offline
        self._queue.resume(item)

    def _on_cancel(self, item: Item) -> None:
        """Take the card away; what was received stays until the offer to undo is gone."""
        done = item.shown.stage == "done"
        self._queue.remove(item)
        if not done:
            self._cancelled.add(item)

    def _on_taken_back(self, item: Item) -> None:
        self._queue.pause(item)
        self._queue.put(item)

    def _on_given_up(self, item: Item) -> None:
        work = functools.partial(discard, self._resources, item.repo, item.file)
        self._resources.tasks.call(work, lane=lane_of(item))

    def _on_settings(self, settings: Settings) -> None:
        """What the offline switch stopped goes on by itself once it is off again.

        What was let out and still waits needs that no more, and must not leave when the switch is turned on anew.
        """
        if settings.offline:
            return
        items = list(self._queue.items.values())
        for item in items:
            item.let_out = False
        if stopped := [item for item in items if _stopped_by_switch(item.shown)]:
            self._queue.resume(*stopped)

    def _on_use(self, item: Item) -> None:
        self.use_requested.emit(item.shown.model_id)

    def _on_free_space(self, _item: Item) -> None:
        self._page.sidebar.show_segment(LOCAL)
        self.page_requested.emit()

    def _on_open_page(self, item: Item) -> None:
        outside.open_link(self._window, f"{self._resources.hub.endpoint}/{item.repo}")

    def _on_open_repository(self, item: Item) -> None:
        self.repository_requested.emit(item.repo)
        self.page_requested.emit()

    def _on_add_token(self, _item: Item) -> None:
        self.token_requested.emit()

    def _on_copy_details(self, item: Item) -> None:
        if item.shown.error is not None:
            QApplication.clipboard().setText(item.shown.error.details)

    def _on_clear(self) -> None:
        self._queue.remove(*(item for item in self._queue.items.values() if item.shown.stage == "done"))

    def _shown(self, item: Item) -> Download:
        model_id = item.shown.model_id
        in_use = bool(model_id) and model_id == self._in_use
        return replace(item.shown, in_use=in_use, hub=words.hub_name(self._resources.hub.endpoint))

    def _show(self) -> None:
        shown = self.downloads
        self._page.downloads.set_downloads(shown)
        self._page.bar.set_downloads(shown)
        self.changed.emit({download.key: download for download in shown})


def _stopped_by_switch(shown: Download) -> bool:
    return shown.error is not None and cause_of(shown.error) == "offline_switch"


def key_of(repo: str, file: str) -> str:
    """What tells one download from another."""
    return f"{repo}/{file}"
