"""What the model menu, the Welcome page, a chat and dropped files ask of the Models page."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_llm.errors import NotFound, UserError
from desktop_llm.gui.first_run_controller import FirstRunController
from desktop_llm.gui.missing_model import MissingModel
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.notices import Notices
from desktop_llm.gui.pages import Pages
from desktop_llm.gui.picker import Picker
from desktop_llm.gui.widgets import Action

if TYPE_CHECKING:
    from desktop_llm.models.fit.catalog import Recommendation


class ModelRequests(QObject):
    """Carries each request to the page, which is built for it where it is not there yet."""

    def __init__(
        self,
        pages: Pages,
        models: ModelsController,
        picker: Picker,
        first_run: FirstRunController,
        missing_model: MissingModel,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._pages, self._models, self._notices = pages, models, notices
        models.failed.connect(self._on_failed)
        show_models = functools.partial(pages.show, "models")
        picker.import_requested.connect(self._on_import)
        picker.look_requested.connect(self._on_look)
        picker.get_more_requested.connect(show_models)
        picker.get_again_requested.connect(self._on_get)
        missing_model.get_again_requested.connect(self._on_get)
        missing_model.choose_requested.connect(picker.open)
        first_run.open_file_requested.connect(self._on_import)
        first_run.download_requested.connect(self._on_get_recommended)
        first_run.downloads_requested.connect(functools.partial(pages.show, "activity"))
        first_run.other_apps_requested.connect(self._on_other_apps)
        first_run.all_models_requested.connect(show_models)

    def import_files(self, paths: Sequence[str]) -> None:
        """Take files into the models on this computer."""
        self._pages.models_room.local.import_files(paths)

    def _on_failed(self, error: UserError) -> None:
        """Why a model can't be used; one whose file is gone can be got again right there."""
        model = self._models.stopped_model
        if model is None or not isinstance(error, NotFound):
            self._notices.show_error(error)
            return
        first, _, rest = error.message.partition(". ")
        get_again = Action("get_again", self.tr("Get it again"), "download")
        answered = functools.partial(self._on_offer, model.repo or model.display_name)
        self._notices.offer(f"{first}.", rest, get_again, answered, kind="warning")

    def _on_offer(self, query: str, action: str) -> None:
        if action == "get_again":
            self._on_get(query)

    def _on_import(self) -> None:
        self._pages.models_room.local.ask_for_file()

    def _on_look(self, model_id: str) -> None:
        self._pages.show("models")
        self._pages.models_room.local.open(model_id)

    def _on_get(self, query: str) -> None:
        self._pages.show("models")
        self._pages.models_room.discover.search(query)

    def _on_get_recommended(self, recommendation: Recommendation) -> None:
        self._pages.models_room.downloads.get_recommended(recommendation)

    def _on_other_apps(self) -> None:
        self._pages.show("models")
        self._pages.models_room.page.show_here()
