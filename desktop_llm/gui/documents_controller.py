"""Collections in the window: what they hold, reading into them, searching them.

Between the Documents page, the composer's chips and the knowledge worker. One reading runs per collection; paths that
arrive meanwhile wait for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import NotFound, UserError
from desktop_llm.gui import outside
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.knowledge.client import CHAT_PREFIX, Collection, IndexProgress, IndexReport

SEARCH_RESULTS = 30


class DocumentsController(QObject):
    """Signals: `collections_changed` with all collections; `progressed` and `read` for a collection being read, also
    of a chat's own files; `ask_requested(name)`, `passage_activated(passage)` passed on from the page."""

    collections_changed = Signal(object)
    progressed = Signal(object)
    read = Signal(object)
    read_failed = Signal(str, object)

    def __init__(self, resources: Resources, page: DocumentsPage, parent: QObject) -> None:
        super().__init__(parent)
        self._knowledge = resources.knowledge
        self._chats = resources.chats
        self._tasks = resources.tasks
        self._page = page
        self._reading: dict[str, Task] = {}
        self._next: dict[str, list[tuple[list[str], str | None]]] = {}
        self._collections: tuple[Collection, ...] = ()
        self._progress: dict[str, IndexProgress] = {}
        self._stopped: dict[str, UserError] = {}
        self._connect(page)

    def _connect(self, page: DocumentsPage) -> None:
        page.create_requested.connect(self.create)
        page.rename_requested.connect(self._on_rename)
        page.remove_requested.connect(self._on_remove)
        page.add_paths_requested.connect(self.add)
        page.retry_requested.connect(self.add)
        page.remove_documents_requested.connect(self._on_remove_documents)
        page.password_given.connect(self.add)
        page.pause_requested.connect(self._on_pause)
        page.resume_requested.connect(self._on_resume)
        page.stop_requested.connect(self._on_stop)
        page.files_requested.connect(self._on_files)
        page.check_requested.connect(self._on_check)
        page.rebuild_requested.connect(self._on_rebuild)
        page.show_file_requested.connect(outside.show_folder)
        page.search_requested.connect(self._on_search)

    @property
    def names(self) -> tuple[str, ...]:
        """The collections a person can tick."""
        return tuple(collection.name for collection in self._collections)

    @property
    def collections(self) -> tuple[Collection, ...]:
        """All of them, as they were looked at last."""
        return self._collections

    @property
    def progress(self) -> tuple[IndexProgress, ...]:
        """Where each reading stands, for what is shown later than it was told."""
        return tuple(self._progress.values())

    @property
    def chat_readings(self) -> tuple[IndexProgress, ...]:
        """Where reading the files of single chats stands; these are in no collection that is listed."""
        return tuple(progress for name, progress in self._progress.items() if name.startswith(CHAT_PREFIX))

    @property
    def stopped(self) -> dict[str, UserError]:
        """Why reading stopped by itself, for each collection that could go on."""
        waiting = [collection.name for collection in self._collections if collection.state == "paused"]
        return {name: self._stopped[name] for name in waiting if name in self._stopped}

    def act(self, name: str, action: str) -> None:
        """Do what a button of a collection's card says, wherever the card stands."""
        self._page.act(action, name)

    def act_on_files(self, name: str, action: str, paths: Sequence[str]) -> None:
        """Do what is offered for files of a collection that could not be read."""
        self._page.act_on_files(action, name, list(paths))

    def start(self) -> None:
        """List what is there, offer to go on where an unclean end cut reading off, forget files of chats long gone."""
        self.refresh()
        self._tasks.call(functools.partial(self._knowledge.collections, of_chats=True), self._on_all_collections)
        self._tasks.call(self._knowledge.waiting, self._page.set_interrupted)

    def refresh(self) -> None:
        """Ask for the collections anew."""
        self._tasks.call(self._knowledge.collections, self._on_collections)

    def create(self, name: str) -> None:
        """A new, empty collection."""
        self._change(functools.partial(self._knowledge.create, name))

    def add(self, name: str, paths: Sequence[str], password: str | None = None) -> None:
        """Read files and folders into a collection, after what it is reading already."""
        self._next.setdefault(name, []).append((list(paths), password))
        self._read_next(name)

    def is_reading(self, name: str) -> bool:
        """Whether a reading runs or waits."""
        return name in self._reading or bool(self._next.get(name))

    def _read_next(self, name: str) -> None:
        if name in self._reading or not self._next.get(name):
            return
        self._stopped.pop(name, None)
        paths, password = self._next[name].pop(0)
        self._reading[name] = self._tasks.run(
            functools.partial(self._knowledge.index, name, paths, password),
            progress=self._on_progress,
            done=functools.partial(self._on_read, name),
            failed=functools.partial(self._on_read_failed, name),
        )
        self.refresh()

    def _on_progress(self, progress: IndexProgress) -> None:
        if progress.collection not in self.names and not progress.collection.startswith(CHAT_PREFIX):
            self.refresh()
        self._progress[progress.collection] = progress
        self._page.set_progress(progress)
        self.progressed.emit(progress)

    def _on_read(self, name: str, report: IndexReport) -> None:
        self._forget_reading(name)
        self.read.emit(report)
        self.refresh()
        self._read_next(name)

    def _on_read_failed(self, name: str, error: UserError) -> None:
        self._forget_reading(name)
        self._stopped[name] = error
        self._page.set_notice(self.tr("Reading stopped."), error.message)
        self.read_failed.emit(name, error)
        self.refresh()
        self._tasks.call(self._knowledge.waiting, functools.partial(self._offer_to_go_on, name))

    def _forget_reading(self, name: str) -> None:
        self._reading.pop(name, None)
        self._progress.pop(name, None)

    def _offer_to_go_on(self, name: str, waiting: list[str]) -> None:
        """Also for paths that the dead worker had not been given yet."""
        held = [name] if self._next.get(name) and name not in waiting else []
        self._page.set_interrupted([*waiting, *held])

    def _on_collections(self, collections: list[Collection]) -> None:
        self._collections = tuple(collections)
        self._page.set_collections(self._collections)
        self.collections_changed.emit(self._collections)

    def _on_all_collections(self, collections: list[Collection]) -> None:
        of_chats = [each.name for each in collections if each.name.startswith(CHAT_PREFIX)]
        if of_chats:
            self._chats.write(functools.partial(_without_chat, of_chats), self._forget)

    def _forget(self, names: list[str]) -> None:
        for name in names:
            self._tasks.call(functools.partial(self._knowledge.remove, name), failed=_ignore)

    def _on_rename(self, old: str, new: str) -> None:
        self._change(functools.partial(self._knowledge.rename, old, new))

    def _on_remove(self, name: str) -> None:
        self._change(functools.partial(self._knowledge.remove, name))

    def _on_remove_documents(self, name: str, paths: Sequence[str]) -> None:
        self._change(functools.partial(self._remove_documents, name, paths))
        self._on_files(name)

    def _remove_documents(self, name: str, paths: Sequence[str]) -> None:
        for path in paths:
            self._knowledge.remove_document(name, path)

    def _on_pause(self, name: str) -> None:
        self._change(functools.partial(self._knowledge.pause, name))

    def _on_resume(self, name: str) -> None:
        if name in self._reading:
            self._change(functools.partial(self._knowledge.resume, name))
        else:
            self._page.set_interrupted(())
            self.add(name, [])

    def _on_stop(self, name: str) -> None:
        self._next.pop(name, None)
        self._change(functools.partial(self._knowledge.stop, name))

    def _on_files(self, name: str) -> None:
        show = functools.partial(self._page.set_documents, name)
        self._tasks.call(functools.partial(self._knowledge.documents, name), show, self._show_error)

    def _on_check(self, name: str) -> None:
        self._tasks.call(functools.partial(self._knowledge.verify, name), self._on_checked, self._show_error)

    def _on_checked(self, report: IndexReport) -> None:
        if report.failed:
            text = " ".join(failed.reason for failed in report.failed[:3])
            self._page.set_notice(self.tr("{name} needs attention.").format(name=report.collection), text)
        else:
            text = self.tr("Every passage is stored and can be found.")
            self._page.set_notice(self.tr("{name} is in order.").format(name=report.collection), text, "success")
        self.refresh()

    def _on_rebuild(self, name: str) -> None:
        self._tasks.run(
            functools.partial(self._knowledge.rebuild, name),
            progress=self._page.set_progress,
            done=self._on_checked,
            failed=self._show_error,
        )

    def _on_search(self, text: str) -> None:
        query = text.strip()
        if query and self.names:
            search = functools.partial(self._knowledge.search, self.names, query, SEARCH_RESULTS)
            show = functools.partial(self._page.set_search_results, query)
            self._tasks.call(search, show, self._show_error)

    def _change(self, work: Callable[[], object]) -> None:
        self._tasks.call(work, self._on_changed, self._show_error)

    def _on_changed(self, _: object) -> None:
        self.refresh()

    def _show_error(self, error: UserError) -> None:
        self._page.set_notice(self.tr("That did not work."), error.message)
        self.refresh()


def _without_chat(names: Sequence[str], store: ChatStore) -> list[str]:
    """Those of them whose chat is not even in the trash any more."""
    gone = []
    for name in names:
        try:
            store.conversation(name.removeprefix(CHAT_PREFIX))
        except NotFound:
            gone.append(name)
    return gone


def _ignore(_: UserError) -> None:
    """A collection that is already gone is what was wanted."""
