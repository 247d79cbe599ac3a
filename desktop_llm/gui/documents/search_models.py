"""Carries out which models search a collection: asks, downloads, has passages embedded, and goes on after a restart."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from desktop_llm.errors import UserError
from desktop_llm.gui.documents.model_dialog import SearchChoice, SearchModelsDialog
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.resources import Resources
from desktop_llm.jobs.embedding import EmbeddingWork
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import IndexReport
from desktop_llm.models.fit.search_models import SearchModel
from desktop_llm.models.library import Model
from desktop_llm.words import tr


class SearchModels(QObject):
    """Signal: `download_requested` with a model of the catalogue."""

    download_requested = Signal(SearchModel)

    def __init__(
        self,
        resources: Resources,
        jobs: Jobs,
        collections: Collections,
        page: DocumentsPage,
        on_error: Callable[[UserError], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._knowledge, self._tasks, self._library = resources.knowledge, resources.tasks, resources.library
        self._jobs, self._collections, self._page, self._on_error = jobs, collections, page, on_error
        self._looked = False
        collections.changed.connect(self._go_on)

    def ask(self, name: str) -> None:
        """Ask which models search a collection."""
        self._tasks.call(self._knowledge.reranker, functools.partial(self._ask, name), self._on_error)

    def _ask(self, name: str, reranker: tuple[str, str]) -> None:
        now = next((each.next_model or each.model for each in self._collections.all if each.name == name), "")
        models = self._library.snapshot().models
        SearchModelsDialog.ask(self._page, name, (now, reranker[0]), models, self._on_chosen)

    def _on_chosen(self, choice: SearchChoice) -> None:
        for wanted in (choice.embedding, choice.reranker):
            if isinstance(wanted, SearchModel):
                self.download_requested.emit(wanted)
                text = tr("Choose it here once it is on this computer. Activity shows how far it is.")
                self._page.set_notice(tr("{name} is being downloaded.", name=wanted.name), text, "info")
        if isinstance(choice.embedding, Model | str):
            use = functools.partial(self._use, choice.collection, choice.embedding)
            self._tasks.call(use, self._embed, self._on_error)
        if isinstance(choice.reranker, Model | str):
            self._tasks.call(functools.partial(self._rerank, choice.reranker), failed=self._on_error)

    def _use(self, collection: str, model: Model | str) -> IndexReport:
        return self._knowledge.choose_model(collection, *self._checked(model))

    def _rerank(self, model: Model | str) -> None:
        self._knowledge.use_reranker(*self._checked(model))

    def _checked(self, model: Model | str) -> tuple[()] | tuple[str, object]:
        if not isinstance(model, Model):
            return ()
        self._library.header(model)  # refuses what llama.cpp should not see
        return model.display_name, model.path

    def _embed(self, report: IndexReport) -> None:
        name = report.collection
        if not self._collections.is_reading(name):
            self._jobs.add(Reading(name, name), EmbeddingWork(self._knowledge, name))
        self._collections.refresh()

    def _go_on(self) -> None:
        """After the start, go on with what a quit or a kill interrupted."""
        if self._looked:
            return
        self._looked = True
        for each in self._collections.all:
            if each.next_model and each.state != "paused" and not self._collections.is_reading(each.name):
                self._jobs.add(Reading(each.name, each.name), EmbeddingWork(self._knowledge, each.name))
