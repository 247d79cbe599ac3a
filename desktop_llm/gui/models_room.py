"""The Models page with what feeds it, connected among themselves; built when the window first needs it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.discover_controller import DiscoverController
from desktop_llm.gui.downloads_controller import DownloadsController
from desktop_llm.gui.local_models_controller import LocalModelsController
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.resources import Resources
from desktop_llm.models.library import Model


class ModelsRoom(QObject):
    """Signals: `changed` with all Models on this computer; `use_requested` with a model's id; `format_chosen` with a
    model's id and the name of a chat format; `token_requested`; `page_requested` where this page has to be
    seen; `activity_requested` where there is no room for the downloads on it."""

    changed = Signal(object)
    use_requested = Signal(str)
    format_chosen = Signal(str, str)
    token_requested = Signal()
    page_requested = Signal()
    activity_requested = Signal()

    def __init__(self, resources: Resources, page: ModelsPage, window: QWidget) -> None:
        super().__init__(window)
        self.page = page
        self.local = LocalModelsController(resources, self.page, window)
        self.downloads = DownloadsController(resources, self.page, window)
        self.discover = DiscoverController(resources, self.page, window)
        self._connect()

    def start(self) -> None:
        """List what is here, what was interrupted, and what is recommended; asks nobody outside."""
        self.local.start()
        self.downloads.start()
        self.discover.start()

    def close(self) -> None:
        """Stop asking; downloads pause where they are."""
        self.discover.close()

    def set_in_use(self, model: Model | None) -> None:
        """The model that the next message goes to."""
        self.local.set_in_use(model)
        self.downloads.set_in_use(model)

    def _connect(self) -> None:
        local, downloads, discover = self.local, self.downloads, self.discover
        local.changed.connect(discover.set_models)
        local.changed.connect(self.changed)
        local.use_requested.connect(self.use_requested)
        local.format_chosen.connect(self.format_chosen)
        local.get_again_requested.connect(downloads.get_again)
        local.removed.connect(downloads.forget)
        downloads.changed.connect(discover.set_downloads)
        downloads.finished.connect(local.refresh)
        downloads.use_requested.connect(self.use_requested)
        downloads.repository_requested.connect(discover.open_reference)
        downloads.token_requested.connect(self.token_requested)
        downloads.page_requested.connect(self.page_requested)
        self.page.activity_requested.connect(self.activity_requested)
        discover.get_requested.connect(downloads.get)
        discover.recommendation_requested.connect(downloads.get_recommended)
        discover.local_opened.connect(local.open)
        discover.token_requested.connect(self.token_requested)
