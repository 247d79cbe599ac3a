"""The downloads of this window: three run at a time, the others wait; each can be paused and goes on where it was."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_llm.errors import NotFound, UserError
from desktop_llm.gui.models.transfers import Download, advanced
from desktop_llm.gui.online import let_out
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.models.download import Pulled, PullProgress
from desktop_llm.words import tr

Steps = Generator[PullProgress, None, Pulled]

AT_ONCE = 3
_REPAINT_MS = 500


@dataclass(slots=True)
class Item:
    """One download: what is shown, how to run it, and its task while it runs.

    `let_out` is whether it may leave although the offline switch is on.
    """

    repo: str
    file: str
    work: Callable[[], Steps]
    shown: Download
    task: Task | None = None
    let_out: bool = False

    @property
    def under_way(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.shown.running or self.shown.stage == "waiting"


class DownloadQueue(QObject):
    """Signals: `changed` when anything is to be shown anew; `ended` with an Item that is done or failed;
    `finished` with the Model that is here now."""

    changed = Signal()
    ended = Signal(object)
    finished = Signal(object)

    def __init__(self, resources: Resources, parent: QObject) -> None:
        super().__init__(parent)
        self._resources = resources
        self.items: dict[str, Item] = {}
        self._repaint = QTimer(self, singleShot=True, interval=_REPAINT_MS)
        self._repaint.timeout.connect(self.changed)

    def put(self, *items: Item) -> None:
        """Take downloads in; those that are waiting start as soon as there is a place."""
        self.items.update({item.shown.key: item for item in items})
        self._schedule()

    def remove(self, *items: Item) -> None:
        """Stop downloads and forget them; what was received stays on disk."""
        for item in items:
            self._stop(item)
            del self.items[item.shown.key]
        self._schedule()

    def pause(self, *items: Item) -> None:
        """Stop downloads; they stay in the list."""
        for item in items:
            self._stop(item)
            item.shown = replace(item.shown, stage="paused", error=None, bytes_per_s=0.0, seconds_left=None)
        self._schedule()

    def resume(self, *items: Item) -> None:
        """Have downloads wait for their turn."""
        for item in items:
            item.shown = replace(item.shown, stage="waiting", error=None)
        self._schedule()

    def _schedule(self) -> None:
        running = sum(item.task is not None for item in self.items.values())
        waiting = [item for item in self.items.values() if item.task is None and item.shown.stage == "waiting"]
        for item in waiting[: max(0, AT_ONCE - running)]:
            self._start(item)
        self.changed.emit()

    def _start(self, item: Item) -> None:
        item.task = self._resources.tasks.run(
            functools.partial(let_out, self._resources.net, item.work) if item.let_out else item.work,
            progress=functools.partial(self._on_progress, item),
            done=functools.partial(self._on_done, item),
            failed=functools.partial(self._on_failed, item),
            lane=lane_of(item),
        )
        item.shown = replace(item.shown, stage="downloading", error=None)

    def _stop(self, item: Item) -> None:
        if item.task is not None:
            item.task.cancel()
            item.task = None
        item.let_out = False

    def _on_progress(self, item: Item, progress: PullProgress) -> None:
        another_stage = item.shown.stage != progress.stage
        item.shown = advanced(item.shown, progress)
        if another_stage:
            self.changed.emit()
        elif not self._repaint.isActive():
            self._repaint.start()

    def _on_done(self, item: Item, pulled: Pulled) -> None:
        self._stop(item)
        size_bytes = pulled.size_bytes
        item.shown = replace(
            item.shown,
            stage="done",
            done_bytes=size_bytes,
            total_bytes=size_bytes,
            name=pulled.model.display_name,  # as the file names itself, and as every other list says
            model_id=pulled.model.id,
            checked=pulled.checked,
        )
        self.finished.emit(pulled.model)
        self._schedule()
        self.ended.emit(item)

    def _on_failed(self, item: Item, error: UserError) -> None:
        self._stop(item)
        item.shown = replace(item.shown, stage="failed", error=error, bytes_per_s=0.0, seconds_left=None)
        self._schedule()
        self.ended.emit(item)


def lane_of(item: Item) -> str:
    """Each has its own: what goes on after a pause begins only when the paused one has let go of its file."""
    return f"download {item.shown.key}"


def pull_named(resources: Resources, repo_id: str, file_name: str, revision: str | None) -> Steps:
    """In a task: look a file up in its repository, then pull it; raises NotFound where it is there no more."""
    repo = resources.hub.repo(repo_id, revision)
    file = next((file for file in repo.files if file.name == file_name), None)
    if file is None:
        raise NotFound(tr("{file} is not in {repo} any more. Nothing was downloaded.", file=file_name, repo=repo_id))
    return (yield from resources.downloads.pull(repo, file))


def discard(resources: Resources, repo: str, file: str) -> None:
    """In a task: delete what came of a download."""
    for each in resources.downloads.unfinished():
        if (each.repo, each.file) == (repo, file):
            resources.downloads.discard(each.id)
