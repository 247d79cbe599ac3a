"""Feeds the Activity page from the controllers that run what it shows, and hands every action back to them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.activity.page import ActivityPage
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.downloads_controller import DownloadsController
from desktop_llm.gui.local_models_controller import LocalModelsController
from desktop_llm.gui.models_controller import ModelsController


class ActivityController(QObject):
    """Keeps nothing of its own. Signal: `page_requested` with the name of the page where an action goes on."""

    page_requested = Signal(str)

    def __init__(
        self,
        page: ActivityPage,
        models: ModelsController,
        local: LocalModelsController,
        downloads: DownloadsController,
        documents: DocumentsController,
        count: ActivityCount,
    ) -> None:
        super().__init__(page)
        self._page, self._count = page, count
        self._models, self._local, self._downloads, self._documents = models, local, downloads, documents
        self._connect_models()
        self._connect_downloads()
        self._connect_documents()
        page.find_requested.connect(self._on_find)
        count.changed.connect(self._show_summary)
        self._show_summary()

    def _connect_models(self) -> None:
        models, shown = self._models, self._page.model
        for signal in (models.listed, models.loading, models.loaded, models.stopped):
            signal.connect(self._show_model)
        shown.cancel_requested.connect(models.cancel)
        shown.retry_requested.connect(models.use)
        self._show_model()

    def _connect_downloads(self) -> None:
        downloads, page = self._downloads, self._page
        downloads.changed.connect(self._show_downloads)
        self._local.changed.connect(self._show_space)
        downloads.also_undo_at(page.undo)
        page.downloads.action_requested.connect(downloads.act)
        page.pause_all_requested.connect(downloads.pause_all)
        self._show_downloads()
        if self._local.models:  # looked at already
            self._show_space()

    def _connect_documents(self) -> None:
        documents, shown = self._documents, self._page.readings
        documents.collections_changed.connect(self._show_collections)
        documents.progressed.connect(shown.set_progress)
        for signal in (documents.progressed, documents.read, documents.read_failed):
            signal.connect(self._show_chat_readings)
        shown.action_requested.connect(self._on_action)
        shown.failure_action_requested.connect(self._on_failure_action)
        self._show_collections()
        self._show_chat_readings()

    def _show_model(self, _: object = None) -> None:
        models, page = self._models, self._page
        if models.step is not None:
            page.set_loading(models.model, models.step.fraction)
        elif models.error is not None:
            page.set_stopped(models.stopped_model, models.error.message)
        else:
            page.set_no_model()

    def _show_downloads(self, _: object = None) -> None:
        self._page.set_downloads(self._downloads.downloads)

    def _show_space(self, _: object = None) -> None:
        space = self._local.space
        self._page.set_space(space.models_bytes, space.free_bytes)

    def _show_collections(self, _: object = None) -> None:
        self._page.set_collections(self._documents.collections)
        for progress in self._documents.progress:  # a card that has just come knows nothing of it
            self._page.readings.set_progress(progress)
        stopped = self._documents.stopped.items()
        self._page.readings.set_reasons({name: error.message for name, error in stopped})

    def _show_chat_readings(self, *_: object) -> None:
        self._page.set_chat_readings(self._documents.chat_readings)

    def _show_summary(self, *_: object) -> None:
        _number, words = self._count.now()
        self._page.set_summary(words or self.tr("Nothing is running"))

    def _on_find(self) -> None:
        self.page_requested.emit("models")

    def _on_action(self, name: str, action: str) -> None:
        if action == "files":  # a table, which needs a page to itself
            self.page_requested.emit("documents")
        self._documents.act(name, action)

    def _on_failure_action(self, name: str, action: str, path: str) -> None:
        self._documents.act_on_files(name, action, [path])
