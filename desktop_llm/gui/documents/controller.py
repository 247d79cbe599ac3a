"""Carries out the requests of the Documents page, and keeps the page in step with the collections."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from desktop_llm.errors import UserError
from desktop_llm.gui.documents.dialogs import FilesDialog, ForgetDialog, PasswordDialog, RemoveDialog
from desktop_llm.gui.documents.looking_inside import LookingInside
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.documents.search_models import SearchModels
from desktop_llm.gui.documents.settings_controller import SettingsController
from desktop_llm.gui.look import formats
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.work.collection_name import NameDialog
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.resources import Resources
from desktop_llm.jobs.job import Job
from desktop_llm.jobs.reading import Reading, progress_of
from desktop_llm.knowledge.client import Forgotten, IndexProgress, IndexReport
from desktop_llm.words import tr

SEARCH_RESULTS = 30


class DocumentsController(QObject):
    """Signals: `ask_requested` with a collection to chat about; `page_requested` when an action on another page needs
    this page to be shown."""

    ask_requested = Signal(str)
    page_requested = Signal()

    def __init__(
        self, resources: Resources, jobs: Jobs, collections: Collections, page: DocumentsPage, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._knowledge, self._tasks, self._chats = resources.knowledge, resources.tasks, resources.chats
        self._collections, self.page = collections, page
        self._rebuilding: dict[str, Reading] = {}
        self._readings_shown: dict[str, Reading] = {}
        jobs.changed.connect(self._on_jobs)
        collections.changed.connect(self._show)
        collections.interrupted.connect(page.set_interrupted)
        collections.read.connect(self._on_read)
        collections.failed.connect(self._show_error)
        collections.recovered.connect(self._on_recovered)
        page.acted.connect(self.act)
        page.new_requested.connect(self.ask_for_collection)
        page.search_requested.connect(self._on_search)
        self._settings = SettingsController(resources, collections, page, self)
        self.search_models = SearchModels(resources, jobs, collections, page, self._show_error, self)
        self._looking = LookingInside(resources, collections, page, self._on_error, self)

    def act(self, action: CardAction) -> None:
        """Carry out the action of a button on a collection's card, whichever page the card is on."""
        if self._collections.act(action):
            if action.name == "resume":
                self.page.set_interrupted(())
            if action.name == "remove_files":
                self._list_files(action.subject)
            return
        name = action.subject
        match action.name:
            case "ask":
                self.ask_requested.emit(name)
            case "add_files" | "add_folder":
                FilesDialog.ask(self.page, name, self._on_picked, folder=action.name == "add_folder")
            case "files":
                self.page_requested.emit()
                self.page.show_files(name)
                self._list_files(name)
            case "search_models":
                self.search_models.ask(name)
            case "rename":
                NameDialog.ask(self.page, self._on_renamed, taken=self._collections.names, name=name)
            case "remove":
                RemoveDialog.ask(self.page, name, self._on_removal_confirmed)
            case "forget":
                ForgetDialog.ask(self.page, action.paths[0], functools.partial(self._on_forget, name))
            case "settings":
                self.page_requested.emit()
                self._settings.open(name)
            case "choose_folder":
                chosen = functools.partial(self._on_folder_chosen, action.paths[0])
                FilesDialog.ask(self.page, name, chosen, folder=True)
            case "watch_details":
                self.page_requested.emit()
                self.page.set_notice(tr("Changes in this folder are found late."), _watch_details(), "info")
            case "password":
                PasswordDialog.ask(self.page, action, self._on_password)
            case "check":
                self._tasks.call(functools.partial(self._knowledge.verify, name), self._on_checked, self._on_error)
            case "rebuild":
                self._tasks.run(
                    functools.partial(self._knowledge.rebuild, name),
                    progress=self._on_rebuilding,
                    done=self._on_rebuilt,
                    failed=self._on_not_rebuilt,
                )

    def ask_for_collection(self) -> None:
        """Ask for the name of a new collection."""
        NameDialog.ask(self.page, self._on_named, taken=self._collections.names)

    def _on_jobs(self) -> None:
        if self._collections.readings != self._readings_shown:  # downloads are jobs too
            self._show()

    def _show(self) -> None:
        self._readings_shown = self._collections.readings
        self.page.show_collections(self._collections.all, self._readings_shown | self._rebuilding)

    def _on_read(self, job: Job) -> None:
        if job.error is not None:
            self.page.set_notice(tr("Reading stopped."), job.error.message)

    def _on_recovered(self, notice: str) -> None:
        self.page.set_notice(tr("The stored text of your documents was damaged."), notice)

    def _list_files(self, name: str) -> None:
        show = functools.partial(self.page.set_documents, name)
        self._tasks.call(functools.partial(self._knowledge.documents, name), show, self._on_error)

    def _on_named(self, _nothing: str, name: str) -> None:
        self._collections.create(name)

    def _on_renamed(self, old: str, new: str) -> None:
        if new != old:
            self._collections.rename(old, new)

    def _on_picked(self, name: str, paths: Sequence[str]) -> None:
        self._collections.add(name, paths)

    def _on_folder_chosen(self, before: str, name: str, paths: Sequence[str]) -> None:
        self._collections.relocate(name, before, paths[0])

    def _on_password(self, action: CardAction, password: str) -> None:
        self._collections.add(action.subject, action.paths, password)

    def _on_forget(self, name: str, path: str, _answer: str) -> None:
        done = functools.partial(self._on_forgotten, name)
        self._tasks.call(functools.partial(self._knowledge.forget, path), done, self._on_error)

    def _on_forgotten(self, name: str, forgotten: Forgotten) -> None:
        def show(answers: int) -> None:
            text = " ".join(forgotten.words(answers))
            file = formats.isolated(formats.file_name(forgotten.path))
            self.page.set_notice(tr("{file} is forgotten.", file=file), text, "success")

        self._chats.write(lambda store: store.answers_quoting(forgotten.path), show)
        self._list_files(name)
        self._collections.refresh()

    def _on_removal_confirmed(self, name: str, _answer: str) -> None:
        self._collections.remove(name)

    def _on_checked(self, report: IndexReport) -> None:
        if report.failed:
            text = " ".join(failed.reason for failed in report.failed[:3])
            self.page.set_notice(tr("{name} needs attention.", name=report.collection), text)
        else:
            text = tr("Every passage is stored and can be found.")
            self.page.set_notice(tr("{name} is in order.", name=report.collection), text, "success")
        self._collections.refresh()

    def _on_rebuilding(self, step: IndexProgress) -> None:
        name = step.collection
        self._rebuilding = {name: Reading(name, name, "running", progress_of(step))}
        self._show()

    def _on_rebuilt(self, report: IndexReport) -> None:
        self._rebuilding = {}
        self._on_checked(report)

    def _on_not_rebuilt(self, error: UserError) -> None:
        self._rebuilding = {}
        self._on_error(error)

    def _on_search(self, text: str) -> None:
        query = text.strip()
        if query and self._collections.names:
            search = functools.partial(self._knowledge.search, self._collections.names, query, SEARCH_RESULTS)
            show = functools.partial(self.page.set_search_results, query)
            self._tasks.call(search, show, self._on_error)

    def _on_error(self, error: UserError) -> None:
        self._show_error(error)
        self._collections.refresh()

    def _show_error(self, error: UserError) -> None:
        self.page.set_notice(tr("That did not work."), error.message)


def _watch_details() -> str:
    said: str = tr(
        "All files stay searchable, and nothing is lost: a change is taken in within 10 minutes, or at once with “Look "
        "for changes now” in the card's menu."
    )
    if sys.platform == "linux":
        more = tr(
            "Folders on network drives are never reported. For others, the administrator can raise the limit "
            "{limit} of this system.",
            limit="fs.inotify.max_user_watches",
        )
        return f"{said} {more}"
    return said
