"""The collections of documents, shared by everything in the window that shows them, searches them or adds files.

Each collection has one reading at a time; paths that arrive meanwhile wait for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import NotFound, UserError
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.work import links
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.resources import Resources
from desktop_llm.jobs.job import Job
from desktop_llm.jobs.reading import Reading, ReadingWork
from desktop_llm.knowledge.client import CHAT_PREFIX, Collection, IndexReport


class Collections(QObject):
    """Signals: `changed` when the collections were listed again; `progressed` at each step of a Reading, and `read`
    when one is done or failed, also for the files of a chat; `interrupted` with the names of the collections whose
    reading can be resumed; `failed` when a change was refused; `recovered` with what is
    to be said if the stored text was damaged."""

    changed = Signal()
    progressed = Signal(Reading)
    read = Signal(Reading)
    interrupted = Signal(list)
    failed = Signal(UserError)
    recovered = Signal(str)

    def __init__(self, resources: Resources, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._knowledge, self._chats, self._tasks = resources.knowledge, resources.chats, resources.tasks
        self._jobs = jobs
        self._next: dict[str, list[tuple[list[str], str | None]]] = {}
        self.all: tuple[Collection, ...] = ()
        jobs.progressed.connect(self._on_progressed)
        jobs.ended.connect(self._on_ended)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the collections that a person can tick."""
        return tuple(collection.name for collection in self.all)

    @property
    def readings(self) -> dict[str, Reading]:
        """The readings of collections and of chats' files, by the collection's name."""
        return {reading.subject: reading for reading in self._jobs.of(Reading)}

    def start(self) -> None:
        """List the collections, offer to resume interrupted readings, and forget the files of deleted chats.

        What damage made unread is read again by itself: nobody stopped it.
        """
        self.refresh()
        self._tasks.call(functools.partial(self._knowledge.collections, of_chats=True), self._on_all_collections)
        self._tasks.call(functools.partial(self._knowledge.notice, seen=True), self._on_notice)

    def refresh(self) -> None:
        """List the collections again."""
        self._tasks.call(self._knowledge.collections, self._on_collections)

    def create(self, name: str) -> None:
        """Make a new, empty collection."""
        self._change(functools.partial(self._knowledge.create, name))

    def rename(self, old: str, new: str) -> None:
        """Rename a collection."""
        self._change(functools.partial(self._knowledge.rename, old, new))

    def remove(self, name: str) -> None:
        """Forget a collection; its files stay."""
        self._change(functools.partial(self._knowledge.remove, name))

    def remove_documents(self, name: str, paths: Sequence[str]) -> None:
        """Take files out of a collection; the files themselves stay."""
        self._change(functools.partial(self._remove_documents, name, paths))

    def add(self, name: str, paths: Sequence[str], password: str | None = None) -> None:
        """Read files and folders into a collection, after those that it is already reading."""
        self._next.setdefault(name, []).append((list(paths), password))
        self._read_next(name)

    def follow(self, name: str) -> None:
        """Take in what has changed in a collection's folders, unless it is being read or its reading is paused."""
        if not self.is_reading(name):
            look = functools.partial(self._knowledge.changes, name)
            self._tasks.call(look, functools.partial(self._on_changes, name), _ignore)

    def watch(self, name: str, *, watched: bool) -> None:
        """Watch all folders of a collection, or none."""
        folders = [folder.path for each in self.all if each.name == name for folder in each.folders]
        self._change(functools.partial(self._set_watched, name, folders, watched))

    def relocate(self, name: str, folder: str, new: str) -> None:
        """Say where a folder was moved to, then look through it."""
        done = functools.partial(self._on_folder_changed, name)
        self._tasks.call(functools.partial(self._knowledge.relocate, name, folder, new), done, self._on_refused)

    def set_patterns(self, name: str, folder: str, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Say which files of a folder are read, then look through it."""
        work = functools.partial(self._knowledge.set_folder, name, folder, include=include, exclude=exclude)
        self._tasks.call(work, functools.partial(self._on_folder_changed, name), self._on_refused)

    def decide(self, name: str, *, keep: bool) -> None:
        """Keep the files that disappeared in large numbers, or take them out."""
        self._change(functools.partial(self._knowledge.decide, name, keep=keep))

    def is_reading(self, name: str) -> bool:
        """Whether a reading runs or waits."""
        return self._runs(name) or bool(self._next.get(name))

    def act(self, action: CardAction) -> bool:
        """Carry out an action of a collection's card; returns False for one that needs a dialog or a page."""
        name, paths = action.subject, action.paths
        match action.name:
            case "pause" if self._runs(name):
                self._jobs.pause(_key(name))
            case "resume" if self._runs(name):
                self._jobs.resume(_key(name))
            case "resume":
                self.add(name, ())
            case "stop":
                self._next.pop(name, None)
                self._stop(name)
            case "retry":
                self.add(name, paths)
            case "retry_all":
                self.add(name, [file.document for each in self.all if each.name == name for file in each.failed])
            case "remove_files":
                self.remove_documents(name, paths)
            case "watch" | "unwatch":
                self.watch(name, watched=action.name == "watch")
            case "keep_gone" | "take_out_gone":
                self.decide(name, keep=action.name == "keep_gone")
            case "look_again":
                self.follow(name)
            case "show":
                links.show_folder(paths[0])
            case _:
                return False
        return True

    def _stop(self, name: str) -> None:
        if self._runs(name):
            self._jobs.cancel(_key(name))
            return
        if name in self.readings:
            self._jobs.remove(_key(name))
        self._change(functools.partial(self._knowledge.stop, name))

    def _runs(self, name: str) -> bool:
        """Whether the window has a reading of this collection, running or paused."""
        return self._jobs.is_open(_key(name))

    def _read_next(self, name: str) -> None:
        if self._runs(name) or not self._next.get(name):
            return
        paths, password = self._next[name].pop(0)
        self._jobs.add(Reading(name, name), ReadingWork(self._knowledge, name, paths, password))
        self.refresh()

    def _on_changes(self, name: str, found: IndexReport) -> None:
        before = next((each.folders for each in self.all if each.name == name), ())
        if found.changed and found.state not in ("reading", "paused") and not self.is_reading(name):
            self._jobs.add(Reading(name, name), ReadingWork(self._knowledge, name, look="changes"))
        elif found.folders != before:
            self.refresh()

    def _on_progressed(self, job: Job) -> None:
        if isinstance(job, Reading):
            if job.subject not in self.names and not job.subject.startswith(CHAT_PREFIX):
                self.refresh()
            self.progressed.emit(job)

    def _on_ended(self, job: Job) -> None:
        if not isinstance(job, Reading):
            return
        self.read.emit(job)
        if job.subject.startswith(CHAT_PREFIX):  # it has no card to show the failure
            self._jobs.remove(job.key)
        self.refresh()
        if job.state == "failed":
            self._tasks.call(self._knowledge.waiting, functools.partial(self._offer_to_go_on, job.subject))
        else:
            self._read_next(job.subject)

    def _offer_to_go_on(self, name: str, waiting: list[str]) -> None:
        """Offer to resume, even for paths that had not reached the worker before it died."""
        held = [name] if self._next.get(name) and name not in waiting else []
        self.interrupted.emit([*waiting, *held])

    def _on_notice(self, notice: str) -> None:
        if notice:
            self.recovered.emit(notice)
        self._tasks.call(self._knowledge.waiting, self._read_again if notice else self._on_waiting)

    def _read_again(self, names: list[str]) -> None:
        for name in names:
            self.add(name, ())

    def _on_waiting(self, names: list[str]) -> None:
        """Show readings that were interrupted when the app ended as paused, until the person resumes them."""
        for name in names:
            if not self._runs(name) and not name.startswith(CHAT_PREFIX):
                self._jobs.add(Reading(name, name, "paused"), ReadingWork(self._knowledge, name))
        self.interrupted.emit(names)

    def _on_collections(self, collections: list[Collection]) -> None:
        self.all = tuple(collections)
        waiting = {each.name for each in collections if each.state == "paused"}
        over = [each.key for name, each in self.readings.items() if not self._runs(name) and name not in waiting]
        if over:
            self._jobs.remove(*over)
        self.changed.emit()

    def _on_all_collections(self, collections: list[Collection]) -> None:
        of_chats = [each.name for each in collections if each.name.startswith(CHAT_PREFIX)]
        if of_chats:
            self._chats.write(functools.partial(_without_chat, of_chats), self._forget)

    def _forget(self, names: list[str]) -> None:
        for name in names:
            self._tasks.call(functools.partial(self._knowledge.remove, name), failed=_ignore)

    def _remove_documents(self, name: str, paths: Sequence[str]) -> None:
        for path in paths:
            self._knowledge.remove_document(name, path)

    def _set_watched(self, name: str, folders: Sequence[str], watched: bool) -> None:
        for folder in folders:
            self._knowledge.set_folder(name, folder, watched=watched)

    def _change(self, work: Callable[[], object]) -> None:
        self._tasks.call(work, self._on_changed, self._on_refused)

    def _on_changed(self, _: object) -> None:
        self.refresh()

    def _on_folder_changed(self, name: str, _: object) -> None:
        self.refresh()
        self.follow(name)

    def _on_refused(self, error: UserError) -> None:
        self.failed.emit(error)
        self.refresh()


def _key(name: str) -> str:
    return Reading(name, name).key


def _without_chat(names: Sequence[str], store: ChatStore) -> list[str]:
    """The names of the collections whose chat is gone, even from the trash."""
    gone = []
    for name in names:
        try:
            store.conversation(name.removeprefix(CHAT_PREFIX))
        except NotFound:
            gone.append(name)
    return gone


def _ignore(_: UserError) -> None:
    """Ignore a failure: the collection is already gone."""
