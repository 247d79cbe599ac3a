"""The window's pages: brings one to the front, and builds some when they are first needed."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.chat.page import ChatsPage
from desktop_llm.gui.documents.controller import DocumentsController
from desktop_llm.gui.frame.window import MainWindow
from desktop_llm.gui.welcome.controller import WelcomeController
from desktop_llm.gui.work import links
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.notices import Notices
from desktop_llm.gui.work.resources import Resources
from desktop_llm.words import tr

if TYPE_CHECKING:  # the pages that are built on first use
    from desktop_llm.gui.activity.page import ActivityPage
    from desktop_llm.gui.models.page import ModelsPage
    from desktop_llm.gui.models.room import ModelsRoom
    from desktop_llm.gui.settings.page import SettingsPage
    from desktop_llm.models.fit.catalog import Recommendation
    from desktop_llm.models.fit.search_models import SearchModel


class Pages(QObject):
    """Brings pages to the front; builds Models, Activity and Settings with their controllers."""

    def __init__(
        self,
        window: MainWindow,
        chats: ChatsPage,
        documents: DocumentsController,
        resources: Resources,
        jobs: Jobs,
        models: ChosenModelController,
        collections: Collections,
        welcome: WelcomeController,
        activity: ActivityCount,
        notices: Notices,
    ) -> None:
        super().__init__(window)
        self._window, self._chats, self._documents, self._jobs = window, chats, documents, jobs
        self._resources, self._models, self._collections = resources, models, collections
        self._welcome, self._activity, self._notices = welcome, activity, notices

    def show(self, name: str) -> None:
        """Bring a page to the front by the name of its rail item."""
        match name:
            case "models":
                self._window.show_page(self.models_room.page, name, tr("Models"))
            case "documents":
                self._window.show_page(self._documents.page, name, tr("Documents"))
            case "activity":
                self._window.show_page(self.activity_page, name, tr("Activity"))
            case "settings":
                self._window.show_page(self.settings_page, name, tr("Settings"))
            case "welcome":
                self._window.show_page(self._welcome.page, name, tr("Welcome"))
                self._welcome.look()
            case _:
                self._window.show_page(self._chats, "chats", tr("Chats"))

    def show_keys(self) -> None:
        """Show the dialog with all keys."""
        from desktop_llm.gui.frame.keys import KeysDialog

        KeysDialog(self._window).exec()

    def choose_model_file(self) -> None:
        """Ask for a file to add to the models on this computer."""
        self.models_room.local.ask_for_file()

    def show_model(self, model_id: str) -> None:
        """Show a model of this computer on the Models page."""
        self.show("models")
        self.models_room.local.open(model_id)

    def find_model(self, query: str) -> None:
        """Search Hugging Face on the Models page."""
        self.show("models")
        self.models_room.discover.search(query)

    def get_recommended(self, recommendation: Recommendation | SearchModel) -> None:
        """Download a model of a catalogue."""
        self.models_room.downloads.get_recommended(recommendation)

    def show_models_here(self) -> None:
        """Show the models on this computer, including those of other programs."""
        self.show("models")
        self.models_room.page.show_here()

    @functools.cached_property
    def settings_page(self) -> SettingsPage:
        """The Settings page, built on first use with the keeper of the token."""
        from desktop_llm.gui.settings.page import SettingsPage
        from desktop_llm.gui.settings.token_keeper import TokenKeeper

        page, settings = SettingsPage(self._window.pages), self._resources.settings
        page.set_folders(self._resources.folders)
        page.set_collections(self._collections.names)
        page.set_settings(settings.current)
        page.settings_changed.connect(settings.set)
        page.show_folder_requested.connect(links.show_folder)
        settings.changed.connect(page.set_settings)
        self._collections.changed.connect(self._on_collections)
        self._token = TokenKeeper(
            self._resources.token, self._resources.account_of, self._resources.tasks, page.network
        )
        self._window.add_page(page)
        return page

    @functools.cached_property
    def activity_page(self) -> ActivityPage:
        """The Activity page, built on first use."""
        from desktop_llm.gui.activity.controller import ActivityController
        from desktop_llm.gui.activity.page import ActivityPage

        page = ActivityPage(self._window.pages)
        room = self.models_room
        controller = ActivityController(page, self._jobs, self._models, self._collections, self._activity)
        controller.download_acted.connect(room.downloads.act)
        controller.collection_acted.connect(self._documents.act)
        page.find_requested.connect(functools.partial(self.show, "models"))
        room.downloads.offer_undo_at(page.undo)
        self._window.add_page(page)
        return page

    @functools.cached_property
    def models_page(self) -> ModelsPage:
        """The Models page, empty until `models_room` is built."""
        from desktop_llm.gui.models.page import ModelsPage

        return ModelsPage(self._window.pages)

    @functools.cached_property
    def models_room(self) -> ModelsRoom:
        """The Models page with its controllers, built on first use."""
        from desktop_llm.gui.models.downloads.notices import DownloadNotices
        from desktop_llm.gui.models.room import ModelsRoom

        models, shelf = self._models, self._models.shelf
        room = ModelsRoom(self._resources, shelf, self._jobs, self.models_page, self._window)
        room.local.format_chosen.connect(models.set_format)
        room.local.measuring.memory_wanted.connect(models.unload_all)
        room.page.local.use_requested.connect(self._on_use_model)
        room.page.activity_requested.connect(functools.partial(self.show, "activity"))
        room.downloads.use_requested.connect(self._on_use_model)
        room.downloads.page_requested.connect(functools.partial(self.show, "models"))
        for each in (room.downloads, room.discover, room.discover.repository):
            each.token_requested.connect(self._on_token)
        models.chosen.connect(room.set_in_use)
        models.failed.connect(lambda *_: shelf.look())  # the file may be gone
        room.set_in_use(models.model)
        self._window.add_page(room.page)
        ended = DownloadNotices(self._notices, self._jobs, room.downloads, self._window.pages)
        ended.page_requested.connect(functools.partial(self.show, "models"))
        room.start()
        return room

    def _on_use_model(self, model_id: str) -> None:
        """Load a model and show the chat, because the person wants to write to it."""
        self._models.use(model_id)
        self.show("chats")
        self._chats.composer.focus_text()

    def _on_token(self) -> None:
        self.show("settings")
        self.settings_page.network.focus_token()

    def _on_collections(self) -> None:
        self.settings_page.set_collections(self._collections.names)
