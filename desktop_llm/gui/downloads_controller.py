"""Downloads in the window: three at a time, the others wait; paused, resumed and cancelled from their cards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.errors import NotFound, TransferError, UserError
from desktop_llm.gui import outside
from desktop_llm.gui.models import words
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.sidebar import LOCAL
from desktop_llm.gui.models.transfers import Download, advanced
from desktop_llm.gui.online import let_out
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.gui.widgets import UndoBar
from desktop_llm.models.download import Pulled, PullProgress, Unfinished
from desktop_llm.models.hub import HubFile, HubRepo
from desktop_llm.models.library import Model
from desktop_llm.settings import Settings
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit.catalog import Recommendation

Steps = Generator[PullProgress, None, Pulled]

AT_ONCE = 3
_REPAINT_MS = 500


@dataclass(slots=True)
class _Item:
    """One download of this window: what is shown, how to run it, and its task while it runs.

    `let_out` is whether it may leave although the offline switch is on.
    """

    repo: str
    file: str
    work: Callable[[], Steps]
    shown: Download
    task: Task | None = None
    let_out: bool = False


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
        self._resources = resources
        self._tasks, self._page, self._window = resources.tasks, page, parent
        self._items: dict[str, _Item] = {}
        self._cancelled: tuple[str, _Item] | None = None
        self._in_use = ""
        self._repaint = QTimer(self, singleShot=True, interval=_REPAINT_MS)
        self._repaint.timeout.connect(self._show)
        page.downloads.action_requested.connect(self.act)
        page.downloads.pause_all_requested.connect(self.pause_all)
        page.downloads.clear_requested.connect(self._on_clear)
        self._undo_bars: list[UndoBar] = []
        self.also_undo_at(page.downloads_undo)
        resources.settings.changed.connect(self._on_settings)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """All of them, in the order in which they came."""
        return tuple(self._shown(item) for item in self._items.values())

    def also_undo_at(self, bar: UndoBar) -> None:
        """Another page shows these downloads: what is cancelled there can be undone there."""
        self._undo_bars.append(bar)
        bar.undo_requested.connect(self._on_undo)
        bar.closed.connect(self._on_undo_closed)

    def start(self) -> None:
        """List what was interrupted by a quit or a kill, as paused; nothing goes on by itself."""
        self._tasks.call(self._resources.downloads.unfinished, self._on_unfinished)

    def get(self, repo: HubRepo, file: HubFile) -> None:
        """Download a file of a repository."""
        work = functools.partial(self._resources.downloads.pull, repo, file)
        shown = Download(
            key_of(repo.model.repo, file.name),
            words.friendly_name(repo.model.repo),
            file.quantization,
            total_bytes=file.size_bytes,
        )
        self._add(_Item(repo.model.repo, file.name, work, shown))

    def get_recommended(self, recommendation: Recommendation) -> None:
        """Download a model of the catalogue; the hub is asked where it is first."""
        shown = Download(
            key_of(recommendation.repo, recommendation.file),
            recommendation.name,
            recommendation.quantization,
            total_bytes=recommendation.size_bytes,
        )
        work = functools.partial(self._pull_named, recommendation.repo, recommendation.file, None)
        self._add(_Item(recommendation.repo, recommendation.file, work, shown))

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
        work = functools.partial(self._pull_named, model.repo, model.file, model.revision or None)
        self._add(_Item(model.repo, model.file, work, shown))

    def forget(self, model: Model) -> None:
        """A model was removed: what brought it here can be used no more, and got again."""
        for key in [key for key, item in self._items.items() if item.shown.model_id == model.id]:
            del self._items[key]
        self._show()

    def set_in_use(self, model: Model | None) -> None:
        """The model that the next message goes to: its card need not offer it any more."""
        self._in_use = model.id if model is not None else ""
        self._show()

    def pause_all(self) -> None:
        """Pause what runs and what waits."""
        for item in self._items.values():
            if item.shown.running or item.shown.stage == "waiting":
                self._pause(item)
        self._show()

    def act(self, key: str, action: str) -> None:
        """Do what a button of a download's card says."""
        item = self._items.get(key)
        if item is None:
            return
        actions: dict[str, Callable[[_Item], None]] = {
            "pause": self._on_pause,
            "resume": self._wait,
            "retry": self._wait,
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

    def _add(self, item: _Item) -> None:
        known = self._items.get(item.shown.key)
        if known is not None and (known.shown.running or known.shown.stage == "waiting"):
            self._page.show_downloads()
            return
        if self._cancelled is not None and self._cancelled[0] == item.shown.key:
            self._cancelled = None  # its bytes are of use again, and there is nothing to undo
            for bar in self._undo_bars:
                bar.hide()
        self._items[item.shown.key] = item
        self._page.show_downloads()
        self._schedule()

    def _pull_named(self, repo_id: str, file_name: str, revision: str | None) -> Steps:
        """In a task: look the file up in its repository, then pull it."""
        repo = self._resources.hub.repo(repo_id, revision)
        file = next((file for file in repo.files if file.name == file_name), None)
        if file is None:
            raise NotFound(
                tr("{file} is not in {repo} any more. Nothing was downloaded.", file=file_name, repo=repo_id)
            )
        return (yield from self._resources.downloads.pull(repo, file))

    def _schedule(self) -> None:
        """Start what waits, as far as there is a place."""
        running = sum(item.task is not None for item in self._items.values())
        waiting = [item for item in self._items.values() if item.task is None and item.shown.stage == "waiting"]
        for item in waiting[: max(0, AT_ONCE - running)]:
            self._start(item)
        self._show()

    def _start(self, item: _Item) -> None:
        key = item.shown.key
        # A lane of its own: what goes on after a pause begins only when the paused one has let go of its file.
        item.task = self._tasks.run(
            functools.partial(let_out, self._resources.net, item.work) if item.let_out else item.work,
            progress=functools.partial(self._on_progress, item),
            done=functools.partial(self._on_done, item),
            failed=functools.partial(self._on_failed, item),
            lane=f"download {key}",
        )
        item.shown = replace(item.shown, stage="downloading", error=None)

    def _stop(self, item: _Item) -> None:
        if item.task is not None:
            item.task.cancel()
            item.task = None
        item.let_out = False

    def _pause(self, item: _Item) -> None:
        self._stop(item)
        item.shown = replace(item.shown, stage="paused", bytes_per_s=0.0, seconds_left=None)

    def _wait(self, item: _Item) -> None:
        item.shown = replace(item.shown, stage="waiting", error=None)
        self._schedule()

    def _on_progress(self, item: _Item, progress: PullProgress) -> None:
        another_stage = item.shown.stage != progress.stage
        item.shown = advanced(item.shown, progress)
        if another_stage:
            self._show()
        elif not self._repaint.isActive():
            self._repaint.start()

    def _on_done(self, item: _Item, pulled: Pulled) -> None:
        self._stop(item)
        size_bytes = pulled.size_bytes
        item.shown = replace(
            item.shown,
            stage="done",
            done_bytes=size_bytes,
            total_bytes=size_bytes,
            model_id=pulled.model.id,
            checked=pulled.checked,
        )
        self.finished.emit(pulled.model)
        self._schedule()
        self.ended.emit(self._shown(item))

    def _on_failed(self, item: _Item, error: UserError) -> None:
        self._stop(item)
        item.shown = replace(item.shown, stage="failed", error=error, bytes_per_s=0.0, seconds_left=None)
        self._schedule()
        self.ended.emit(self._shown(item))

    def _on_unfinished(self, found: list[Unfinished]) -> None:
        for each in found:
            key = key_of(each.repo, each.file)
            if key not in self._items:
                work = functools.partial(self._resources.downloads.resume, each)
                name = words.friendly_name(each.repo)
                shown = Download(key, name, each.quantization, "paused", each.done_bytes, each.total_bytes)
                self._items[key] = _Item(each.repo, each.file, work, shown)
        self._show()

    def _on_pause(self, item: _Item) -> None:
        self._pause(item)
        self._schedule()

    def _on_go_online(self, item: _Item) -> None:
        item.let_out = True
        self._wait(item)

    def _on_cancel(self, item: _Item) -> None:
        """Take the card away; what was received stays until the offer to undo is gone."""
        stage = item.shown.stage
        self._stop(item)
        del self._items[item.shown.key]
        if stage != "done":
            said = self.tr("Download of {name} cancelled.").format(name=item.shown.full_name)
            self._undo_bar().show_message(said)
            self._cancelled = (item.shown.key, item)
        self._schedule()

    def _on_settings(self, settings: Settings) -> None:
        """What the offline switch stopped goes on by itself once it is off again."""
        stopped = [item for item in self._items.values() if _stopped_by_switch(item.shown)]
        if stopped and not settings.offline:
            for item in stopped:
                item.shown = replace(item.shown, stage="waiting", error=None)
            self._schedule()

    def _undo_bar(self) -> UndoBar:
        """The one on the page that the person looks at."""
        first, *_others = self._undo_bars
        return next((bar for bar in self._undo_bars if bar.pane.isVisible()), first)

    def _on_undo(self) -> None:
        if self._cancelled is not None:
            key, item = self._cancelled
            self._cancelled = None
            item.shown = replace(item.shown, stage="paused", error=None, bytes_per_s=0.0, seconds_left=None)
            self._items[key] = item
            self._show()

    def _on_undo_closed(self) -> None:
        if self._cancelled is not None:
            key, item = self._cancelled
            self._cancelled = None
            self._tasks.call(functools.partial(self._discard, item.repo, item.file), lane=f"download {key}")

    def _discard(self, repo: str, file: str) -> None:
        """In a task: delete what came of a download."""
        for each in self._resources.downloads.unfinished():
            if (each.repo, each.file) == (repo, file):
                self._resources.downloads.discard(each.id)

    def _on_use(self, item: _Item) -> None:
        self.use_requested.emit(item.shown.model_id)

    def _on_free_space(self, _item: _Item) -> None:
        self._page.sidebar.show_segment(LOCAL)
        self.page_requested.emit()

    def _on_open_page(self, item: _Item) -> None:
        outside.open_link(self._window, f"{self._resources.hub.endpoint}/{item.repo}")

    def _on_open_repository(self, item: _Item) -> None:
        self.repository_requested.emit(item.repo)
        self.page_requested.emit()

    def _on_add_token(self, _item: _Item) -> None:
        self.token_requested.emit()

    def _on_copy_details(self, item: _Item) -> None:
        if item.shown.error is not None:
            QApplication.clipboard().setText(item.shown.error.details)

    def _on_clear(self) -> None:
        for key in [key for key, item in self._items.items() if item.shown.stage == "done"]:
            del self._items[key]
        self._show()

    def _shown(self, item: _Item) -> Download:
        model_id = item.shown.model_id
        in_use = bool(model_id) and model_id == self._in_use
        return replace(item.shown, in_use=in_use, hub=words.hub_name(self._resources.hub.endpoint))

    def _show(self) -> None:
        shown = self.downloads
        self._page.downloads.set_downloads(shown)
        self._page.bar.set_downloads(shown)
        self.changed.emit({download.key: download for download in shown})


def _stopped_by_switch(shown: Download) -> bool:
    return isinstance(shown.error, TransferError) and shown.error.cause == "offline_switch"


def key_of(repo: str, file: str) -> str:
    """What tells one download from another."""
    return f"{repo}/{file}"
