"""The window's pages: which one is in front, and those that are built when they are first wanted."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_llm.gui import outside
from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.first_run_controller import FirstRunController
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.notices import Notices
from desktop_llm.gui.resources import Resources

if TYPE_CHECKING:
    from desktop_llm.gui.activity.page import ActivityPage
    from desktop_llm.gui.documents.page import DocumentsPage
    from desktop_llm.gui.main_window import MainWindow
    from desktop_llm.gui.models.page import ModelsPage
    from desktop_llm.gui.models_room import ModelsRoom
    from desktop_llm.gui.settings_page import SettingsPage


class Pages(QObject):
    """Brings pages to the front; builds Models, Activity and Settings with what feeds them."""

    def __init__(
        self,
        window: MainWindow,
        resources: Resources,
        models: ModelsController,
        documents: DocumentsController,
        documents_page: DocumentsPage,
        first_run: FirstRunController,
        activity: ActivityCount,
        notices: Notices,
    ) -> None:
        super().__init__(window)
        self._window, self._resources = window, resources
        self._models, self._documents, self._first_run = models, documents, first_run
        self._activity, self._notices = activity, notices
        self._documents_page = documents_page

    def show(self, name: str) -> None:
        """Bring a page to the front by the name of its rail item."""
        match name:
            case "models":
                self._window.show_page(self.models_room.page, name, self.tr("Models"))
            case "documents":
                self._window.show_page(self._documents_page, name, self.tr("Documents"))
            case "activity":
                self._window.show_page(self.activity_page, name, self.tr("Activity"))
            case "settings":
                self._window.show_page(self.settings_page, name, self.tr("Settings"))
            case "welcome":
                self._window.show_page(self._first_run.page, name, self.tr("Welcome"))
                self._first_run.look()
            case _:
                self._window.show_page(self._window.chats, "chats", self.tr("Chats"))

    def show_keys(self) -> None:
        """All keys, above the page."""
        from desktop_llm.gui.keys_dialog import KeysDialog

        KeysDialog(self._window).exec()

    @functools.cached_property
    def settings_page(self) -> SettingsPage:
        """The settings and the keeper of the token."""
        from desktop_llm.gui.settings_page import SettingsPage
        from desktop_llm.gui.token_keeper import TokenKeeper

        page, settings = SettingsPage(self._window.pages), self._window.settings
        page.set_folders(self._window.home)
        page.set_collections(self._documents.names)
        page.set_settings(settings.current)
        page.settings_changed.connect(settings.set)
        page.show_folder_requested.connect(outside.show_folder)
        settings.changed.connect(page.set_settings)
        self._documents.collections_changed.connect(self._on_collections)
        self._token = TokenKeeper(self._resources.token, self._window.tasks, page.network)
        self._window.add_page(page)
        return page

    @functools.cached_property
    def activity_page(self) -> ActivityPage:
        """What goes on and what stopped."""
        from desktop_llm.gui.activity.page import ActivityPage
        from desktop_llm.gui.activity_controller import ActivityController

        page = ActivityPage(self._window.pages)
        room = self.models_room
        controller = ActivityController(page, self._models, room.local, room.downloads, self._documents, self._activity)
        controller.page_requested.connect(self.show)
        self._window.add_page(page)
        return page

    @functools.cached_property
    def models_page(self) -> ModelsPage:
        """The Models page, empty until its room is built."""
        from desktop_llm.gui.models.page import ModelsPage

        return ModelsPage(self._window.pages)

    @functools.cached_property
    def models_room(self) -> ModelsRoom:
        """The Models page and what feeds it."""
        from desktop_llm.gui.download_notices import DownloadNotices
        from desktop_llm.gui.models_room import ModelsRoom

        room, models = ModelsRoom(self._resources, self.models_page, self._window), self._models
        room.changed.connect(models.refresh)
        room.format_chosen.connect(models.set_format)
        room.use_requested.connect(self._on_use_model)
        room.token_requested.connect(self._on_token)
        room.page_requested.connect(functools.partial(self.show, "models"))
        room.activity_requested.connect(functools.partial(self.show, "activity"))
        models.chosen.connect(room.set_in_use)
        models.failed.connect(room.local.refresh)  # its file may be gone
        room.set_in_use(models.model)
        self._window.add_page(room.page)
        self._activity.watch(room.downloads)
        ended = DownloadNotices(self._notices, room.downloads, self._window.pages)
        ended.page_requested.connect(functools.partial(self.show, "models"))
        room.start()
        return room

    def _on_use_model(self, model_id: str) -> None:
        """Who wants to use a model wants to write to it."""
        self._models.use(model_id)
        self.show("chats")
        self._window.chats.composer.focus_text()

    def _on_token(self) -> None:
        self.show("settings")
        self.settings_page.network.focus_token()

    def _on_collections(self, _: object) -> None:
        self.settings_page.set_collections(self._documents.names)
