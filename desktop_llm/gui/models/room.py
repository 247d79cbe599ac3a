"""The Models page and its controllers, connected to each other; built when the window first needs them."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop_llm.gui.models.downloads.controller import DownloadsController
from desktop_llm.gui.models.find.controller import DiscoverController
from desktop_llm.gui.models.here.controller import LocalModelsController
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Model


class ModelsRoom:
    """The page and its three controllers, whose signals the rest of the window listens to."""

    def __init__(self, resources: Resources, shelf: ModelShelf, jobs: Jobs, page: ModelsPage, window: QWidget) -> None:
        self.page = page
        self.downloads = DownloadsController(resources, jobs, page, window)
        self.local = LocalModelsController(resources, shelf, self.downloads, page, window)
        self.discover = DiscoverController(resources, shelf, self.downloads, self.local, page, window)
        self.downloads.finished.connect(shelf.refresh)
        self.downloads.repository_requested.connect(self.discover.open_reference)

    def start(self) -> None:
        """List the models here, interrupted downloads and recommended models; sends nothing."""
        self.local.start()
        self.downloads.start()
        self.discover.start()

    def set_in_use(self, model: Model | None) -> None:
        """Set the model in use."""
        self.local.set_in_use(model)
        self.downloads.set_in_use(model)
