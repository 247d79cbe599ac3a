"""Everything that the window gets after its first paint: the other pages, the controllers, keys, the owner's channel.

One object builds them in order and connects them; it holds no state of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence

from desktop_llm.chats.records import Conversation
from desktop_llm.engine.client import Engine
from desktop_llm.gui import outside, theme
from desktop_llm.gui.app import apply_theme
from desktop_llm.gui.attachments import Attachments
from desktop_llm.gui.chat_controller import ChatController
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.drops import Drops
from desktop_llm.gui.evidence.panel import EvidencePanel
from desktop_llm.gui.evidence_controller import EvidenceController
from desktop_llm.gui.first_run_controller import FirstRunController
from desktop_llm.gui.guests import Guests
from desktop_llm.gui.mishaps import Mishaps
from desktop_llm.gui.missing_model import MissingModel
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.network_controller import NetworkController
from desktop_llm.gui.notices import Notices
from desktop_llm.gui.picker import Picker
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.transcript import warm_up
from desktop_llm.instance import Owner
from desktop_llm.knowledge.client import Knowledge, Passage
from desktop_llm.models.ledger import Ledger
from desktop_llm.models.library import Library
from desktop_llm.net import Net
from desktop_llm.settings import Settings

if TYPE_CHECKING:
    from desktop_llm.gui.chat_settings import ChatSettings
    from desktop_llm.gui.local_models_controller import LocalModelsController
    from desktop_llm.gui.main_window import MainWindow
    from desktop_llm.gui.models.page import ModelsPage
    from desktop_llm.gui.models_room import ModelsRoom
    from desktop_llm.gui.settings_page import SettingsPage
    from desktop_llm.models.fit.catalog import Recommendation

LATER_MS = 500


class Wiring(QObject):
    """The window's controllers, connected; `close` ends what they use."""

    def __init__(self, window: MainWindow, owner: Owner | None) -> None:
        super().__init__(window)
        self.window = window
        ledger = Ledger(window.home.ledger_db)
        self.resources = Resources(
            window.home,
            window.tasks,
            window.settings,
            window.store,
            Engine(window.home),
            Knowledge(window.home),
            Library(window.home, model_folders=self._model_folders),
            Net(ledger, offline=window.settings.current.offline),
            ledger,
        )
        self.notices = Notices(window)
        window.tasks.on_unhandled(self.notices.show_error)
        self.mishaps = Mishaps(window.home.logs, self)
        self.mishaps.happened.connect(self.notices.show_bug)
        self._build_pages()
        self._build_controllers()
        self._connect_header()
        self._connect_models()
        self._connect_pages()
        self._connect_keys()
        window.settings.changed.connect(self._on_settings)
        self._on_settings(window.settings.current)
        window.chats.transcript.set_empty_state(
            "chat",
            self.tr("What would you like to know?"),
            self.tr("The model runs on this computer. Drop documents here to ask about them."),
        )
        if owner is not None:
            owner.listen(Guests(window, self.resources, self.documents.refresh).answer)
        self.conversations.start()
        self.models.start()
        # What a person sees first goes first; a second process and two parsers would hold it up.
        self._later = QTimer(self, singleShot=True, interval=LATER_MS)
        self._later.timeout.connect(self._start_later)
        self._later.start()
        self._room_next = QTimer(self, singleShot=True)
        self._room_next.timeout.connect(self._build_models_room)

    def _start_later(self) -> None:
        self.documents.start()
        self.window.tasks.call(warm_up)
        self.window.tasks.call(_import_what_comes_later, self._build_models_page)

    def _build_models_page(self, _: None) -> None:
        """Before it is wanted, and in two turns, so that the window waits for neither."""
        assert self._models_page
        self._room_next.start()

    def _build_models_room(self) -> None:
        """It lists what a quit interrupted."""
        assert self.models_room

    def _model_folders(self) -> tuple[str, ...]:
        return self.window.settings.current.model_folders

    def close(self) -> None:
        """Stop what runs, save what waits, end the workers."""
        self._later.stop()
        self._room_next.stop()
        self.chat.close()
        self.resources.close()
        self.mishaps.close()

    def show_page(self, name: str) -> None:
        """Bring a page to the front by the name of its rail item."""
        match name:
            case "models":
                self.window.show_page(self.models_room.page, name, self.tr("Models"))
            case "documents":
                self.window.show_page(self.documents_page, name, self.tr("Documents"))
            case "settings":
                self.window.show_page(self.settings_page, name, self.tr("Settings"))
            case "welcome":
                self.window.show_page(self.first_run.page, name, self.tr("Welcome"))
                self.first_run.look()
            case _:
                self.window.show_page(self.window.chats, "chats", self.tr("Chats"))

    @functools.cached_property
    def settings_page(self) -> SettingsPage:
        """The settings, built when they are first wanted."""
        from desktop_llm.gui.settings_page import SettingsPage
        from desktop_llm.gui.token_keeper import TokenKeeper

        page = SettingsPage()
        page.set_folders(self.window.home)
        page.set_collections(self.documents.names)
        page.set_settings(self.window.settings.current)
        page.settings_changed.connect(self.window.settings.set)
        page.show_folder_requested.connect(outside.show_folder)
        self.window.settings.changed.connect(page.set_settings)
        self.documents.collections_changed.connect(self._on_collections)
        self.token = TokenKeeper(self.resources.token, self.window.tasks, page.network)
        self.window.add_page(page)
        return page

    @functools.cached_property
    def _models_page(self) -> ModelsPage:
        from desktop_llm.gui.models.page import ModelsPage

        return ModelsPage()

    @functools.cached_property
    def models_room(self) -> ModelsRoom:
        """The Models page and what feeds it."""
        from desktop_llm.gui.models_room import ModelsRoom

        room = ModelsRoom(self.resources, self._models_page, self.window)
        room.changed.connect(self.models.refresh)
        room.format_chosen.connect(self.models.set_format)
        room.use_requested.connect(self._on_use_model)
        room.token_requested.connect(self._on_token)
        self.models.chosen.connect(room.set_in_use)
        room.set_in_use(self.models.model)
        self.window.add_page(room.page)
        room.start()
        return room

    @property
    def local_models(self) -> LocalModelsController:
        """The models on this computer."""
        return self.models_room.local

    @functools.cached_property
    def chat_settings(self) -> ChatSettings:
        """The sheet with the settings of one chat."""
        from desktop_llm.gui.chat_settings import ChatSettings

        sheet = ChatSettings(self.window)
        sheet.changed.connect(self._on_chat_settings_changed)
        return sheet

    def _build_pages(self) -> None:
        window = self.window
        self.documents_page = DocumentsPage()
        window.add_page(self.documents_page)
        self.evidence_panel = EvidencePanel()
        window.chats.set_panel(self.evidence_panel)

    def _build_controllers(self) -> None:
        window, resources = self.window, self.resources
        chats = window.chats
        self.documents = DocumentsController(resources, self.documents_page, self)
        self.evidence = EvidenceController(resources, self.evidence_panel, self)
        self.models = ModelsController(resources, window.header, window)
        self.picker = Picker(resources, self.models, window.header, window)
        self.network = NetworkController(resources, window.header.network_state, window)
        self.first_run = FirstRunController(resources, self.models, window)
        self.missing_model = MissingModel(resources, self.models, chats, self)
        self.conversations = window.conversations
        self.attachments = Attachments(
            resources, self.conversations, self.documents, chats.composer, self.notices.show_error, window
        )
        self.chat = ChatController(
            resources,
            self.conversations,
            self.models,
            self.documents,
            self.evidence,
            chats.transcript,
            chats.composer,
            self.attachments,
            window,
        )
        self.drops = Drops(window, self.documents, self.attachments, self._import_models, self.show_page, self)

    def _connect_header(self) -> None:
        header, window = self.window.header, self.window
        window.rail.page_requested.connect(self.show_page)
        header.new_chat_requested.connect(self._on_new_chat)
        header.model_menu_requested.connect(self._on_model_menu)
        header.panel_toggled.connect(self._on_toggle_panel)
        header.load_cancel_requested.connect(self.models.cancel)
        header.list_toggled.connect(window.chats.toggle_list)
        header.chat_settings_requested.connect(self._on_chat_settings)
        header.export_requested.connect(self._on_export)
        header.rename_requested.connect(self._on_rename)
        header.delete_requested.connect(self._on_delete)
        header.keys_requested.connect(self._on_keys)
        header.welcome_requested.connect(functools.partial(self.show_page, "welcome"))
        self.chat.context_used.connect(header.set_context)
        window.chats.panel_shown.connect(header.set_panel_open)

    def _connect_models(self) -> None:
        picker, first_run = self.picker, self.first_run
        show_models = functools.partial(self.show_page, "models")
        picker.import_requested.connect(self._on_import)
        picker.look_requested.connect(self._on_look_at_model)
        picker.get_more_requested.connect(show_models)
        picker.get_again_requested.connect(self._on_get_model)
        self.missing_model.get_again_requested.connect(self._on_get_model)
        self.missing_model.choose_requested.connect(picker.open)
        first_run.start_requested.connect(self._on_new_chat)
        first_run.open_file_requested.connect(self._on_import)
        first_run.download_requested.connect(self._on_get_recommended)
        first_run.downloads_requested.connect(self._on_downloads)
        first_run.other_apps_requested.connect(self._on_other_apps)
        first_run.all_models_requested.connect(show_models)

    def _connect_pages(self) -> None:
        window = self.window
        self.chat.failed.connect(self.notices.show_error)
        self.models.failed.connect(self.notices.show_error)
        self.chat.evidence_requested.connect(self._on_evidence)
        self.chat.link_requested.connect(functools.partial(outside.open_link, window))
        self.chat.answering_changed.connect(window.chats.list.set_answering)
        self.chat.answering_changed.connect(self.missing_model.look_away)
        self.evidence_panel.closed.connect(functools.partial(window.chats.show_panel, False))
        self.conversations.started.connect(self._on_started)
        self.conversations.opened.connect(self._on_opened)
        self.conversations.changed.connect(self._on_chat_changed)
        self.conversations.noticed.connect(functools.partial(self.notices.say, self.tr("A damaged file was mended.")))
        self.conversations.saved.connect(self._on_exported)
        self.documents_page.ask_requested.connect(self._on_ask)
        self.documents_page.passage_activated.connect(self._on_passage)
        window.chats.composer.new_collection_requested.connect(self._on_new_collection)

    def _connect_keys(self) -> None:
        pages = {"Ctrl+1": "chats", "Ctrl+2": "models", "Ctrl+3": "documents", "Ctrl+,": "settings"}
        keys: dict[str, Callable[[], object]] = {
            **{key: functools.partial(self.show_page, name) for key, name in pages.items()},
            "Ctrl+N": self._on_new_chat,
            "Ctrl+L": self._on_model_menu,
            "Ctrl+O": self.attachments.ask,
            "Ctrl+E": self._on_toggle_panel,
            "Ctrl+B": self.window.chats.toggle_list,
            "Ctrl+Shift+,": self._on_chat_settings,
            "Ctrl+.": self.chat.stop,
            "Ctrl+R": self.chat.regenerate_last,
            "Ctrl+Shift+C": self.chat.copy_last,
            "Ctrl+S": self._on_export,
            "Ctrl+Shift+F": self._on_search_chats,
            "Ctrl+Tab": functools.partial(self.conversations.step, 1),
            "Ctrl+Shift+Tab": functools.partial(self.conversations.step, -1),
            "Ctrl+Z": self.conversations.undo,
            "Ctrl++": functools.partial(self._on_reading_size, 1),
            "Ctrl+-": functools.partial(self._on_reading_size, -1),
            "Ctrl+0": functools.partial(self._on_reading_size, 0),
            "F1": self._on_keys,
            "F2": self._on_rename,
            "Esc": self._on_escape,
        }
        for key, function in keys.items():
            action = QAction(self.window)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(functools.partial(_call, function))
            self.window.addAction(action)

    def _on_use_model(self, model_id: str) -> None:
        """Who wants to use a model wants to write to it."""
        self.models.use(model_id)
        self.show_page("chats")
        self.window.chats.composer.focus_text()

    def _on_new_chat(self) -> None:
        self.show_page("chats")
        self.conversations.new()
        self.window.chats.composer.focus_text()

    def _on_model_menu(self) -> None:
        self.picker.open()

    def _on_get_model(self, query: str) -> None:
        self.show_page("models")
        self.models_room.discover.search(query)

    def _on_get_recommended(self, recommendation: Recommendation) -> None:
        self.models_room.downloads.get_recommended(recommendation)

    def _on_downloads(self) -> None:
        self.show_page("models")
        self.models_room.page.show_downloads()

    def _on_other_apps(self) -> None:
        self.show_page("models")
        self.models_room.page.show_here()

    def _on_token(self) -> None:
        self.show_page("settings")
        self.settings_page.network.focus_token()

    def _on_import(self) -> None:
        self.models_room.local.ask_for_file()

    def _on_look_at_model(self, model_id: str) -> None:
        self.show_page("models")
        self.models_room.local.open(model_id)

    def _import_models(self, paths: Sequence[str]) -> None:
        self.models_room.local.import_files(paths)

    def _on_chat_settings(self) -> None:
        self.chat_settings.set_collections(self.documents.names)
        self.chat_settings.set_conversation(self.conversations.current or self._not_yet_stored())
        self.chat_settings.show_below(self.window.header.more_button)

    def _not_yet_stored(self) -> Conversation:
        """A new chat, as far as it has settings already; the first change stores it."""
        return Conversation("", "", 0.0, 0.0, collections=self.conversations.place.collections)

    def _on_chat_settings_changed(self, fields: dict[str, Any]) -> None:
        self.conversations.change(**fields)

    def _on_export(self) -> None:
        if self.conversations.current is not None:
            self.conversations.export(self.conversations.current.id)

    def _on_rename(self) -> None:
        if self.conversations.current is not None:
            self.window.chats.list.setVisible(True)
            self.window.chats.list.begin_rename(self.conversations.current.id)

    def _on_delete(self) -> None:
        if self.conversations.current is not None:
            self.conversations.trash(self.conversations.current.id)

    def _on_exported(self, path: str) -> None:
        self.window.chats.undo.show_message(self.tr("Saved as {path}").format(path=path), undo=False)

    def _on_keys(self) -> None:
        from desktop_llm.gui.keys_dialog import KeysDialog

        KeysDialog(self.window).exec()

    def _on_started(self, has_chats: bool) -> None:
        if self.first_run.is_wanted(has_chats=has_chats):
            self.show_page("welcome")

    def _on_opened(self, conversation: Conversation | None) -> None:
        self.window.chats.show_panel(False)
        self.missing_model.look_at(conversation)

    def _on_chat_changed(self, conversation: Conversation | None) -> None:
        self.window.set_chat_title(conversation.title if conversation else "")
        self.window.header.set_has_chat(conversation is not None)

    def _on_evidence(self) -> None:
        self.show_page("chats")
        self.window.chats.show_panel(True)

    def _on_toggle_panel(self) -> None:
        self.window.chats.show_panel(not self.evidence_panel.isVisible())

    def _on_passage(self, passage: Passage) -> None:
        self._on_evidence()
        self.evidence.show_passage(passage)

    def _on_ask(self, name: str) -> None:
        self._on_new_chat()
        self.chat.tick((name,))

    def _on_collections(self, _: object) -> None:
        self.settings_page.set_collections(self.documents.names)

    def _on_new_collection(self) -> None:
        self.show_page("documents")
        self.documents_page.ask_for_collection()

    def _on_search_chats(self) -> None:
        self.show_page("chats")
        self.window.chats.list.setVisible(True)
        self.window.chats.list.search.setFocus()

    def _on_escape(self) -> None:
        if not self.window.chats.close_overlays() and not self.chat.leave_edit():
            self.chat.stop()

    def _on_reading_size(self, step: int) -> None:
        steps = theme.reading_steps()
        current = self.window.settings.current.reading_scale
        nearest = min(range(len(steps)), key=lambda index: abs(steps[index] - current))
        chosen = steps[max(0, min(len(steps) - 1, nearest + step))] if step else 1.0
        self.window.settings.change(reading_scale=chosen)

    def _on_settings(self, settings: Settings) -> None:
        apply_theme(settings)
        self.window.chats.transcript.set_reading_scale(settings.reading_scale)
        self.documents_page.set_default_collection(settings.default_collection)


def _import_what_comes_later() -> None:
    """In a task: read the modules of what opens at a click, so that the window does not wait for them."""
    import desktop_llm.gui.chat_settings
    import desktop_llm.gui.first_run
    import desktop_llm.gui.model_menu
    import desktop_llm.gui.models_room
    import desktop_llm.gui.network_panel
    import desktop_llm.gui.settings_page
    import desktop_llm.gui.token_keeper  # noqa: F401


def _call(function: Callable[[], object], _checked: bool = False) -> None:
    function()
