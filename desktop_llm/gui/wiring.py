"""Everything that the window gets after its first paint: the other pages, the controllers, keys, the owner's channel.

One object builds them in order and connects them; it holds no state of its own.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_llm.chats.records import Conversation
from desktop_llm.engine.client import Engine
from desktop_llm.gui import outside
from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.ahead import Ahead
from desktop_llm.gui.app import apply_theme
from desktop_llm.gui.attachments import Attachments
from desktop_llm.gui.chat_commands import ChatCommands
from desktop_llm.gui.chat_controller import ChatController
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.drops import Drops
from desktop_llm.gui.evidence_controller import EvidenceController
from desktop_llm.gui.first_run_controller import FirstRunController
from desktop_llm.gui.guests import Guests
from desktop_llm.gui.mishaps import Mishaps
from desktop_llm.gui.missing_model import MissingModel
from desktop_llm.gui.model_requests import ModelRequests
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.network_controller import NetworkController
from desktop_llm.gui.notices import Notices
from desktop_llm.gui.pages import Pages
from desktop_llm.gui.picker import Picker
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.shortcuts import connect_keys
from desktop_llm.instance import Owner
from desktop_llm.knowledge.client import Knowledge, Passage
from desktop_llm.models.ledger import Ledger
from desktop_llm.models.library import Library
from desktop_llm.net import Net
from desktop_llm.settings import Settings

if TYPE_CHECKING:
    from desktop_llm.gui.main_window import MainWindow


class Wiring(QObject):
    """The window's controllers, connected; `close` ends what they use."""

    def __init__(self, window: MainWindow, owner: Owner | None) -> None:
        super().__init__(window)
        self.window = window
        self.resources = _resources(window)
        self.notices = Notices(window)
        window.tasks.on_unhandled(self.notices.show_error)
        self.mishaps = Mishaps(window.home.logs, self)
        self.mishaps.happened.connect(self.notices.show_bug)
        self.documents_page, self.evidence_panel = window.documents_page, window.evidence_panel
        self._build_models()
        self._build_chat()
        self._connect_header()
        self._connect_chat()
        self._connect_documents()
        connect_keys(self)
        self._start(owner)

    def close(self) -> None:
        """Stop what runs, save what waits, end the workers."""
        self._ahead.close()
        self.chat.close()
        self.resources.close()
        self.mishaps.close()

    def show_page(self, name: str) -> None:
        """Bring a page to the front by the name of its rail item."""
        self.pages.show(name)

    def _build_models(self) -> None:
        window, resources = self.window, self.resources
        self.documents = DocumentsController(resources, self.documents_page, self)
        self.models = ModelsController(resources, window.header, window)
        self.picker = Picker(resources, self.models, window.header, window)
        self.network = NetworkController(resources, window.header.network_state, window)
        self.first_run = FirstRunController(resources, self.models, window)
        self.missing_model = MissingModel(resources, self.models, window.chats, self)
        activity = ActivityCount(self.models, self.documents, self)
        activity.changed.connect(window.rail.set_activity)
        self.pages = Pages(
            window, resources, self.models, self.documents, self.documents_page, self.first_run, activity, self.notices
        )
        self.model_requests = ModelRequests(
            self.pages, self.models, self.picker, self.first_run, self.missing_model, self.notices, self
        )

    def _build_chat(self) -> None:
        window, resources = self.window, self.resources
        chats = window.chats
        self.conversations = window.conversations
        self.evidence = EvidenceController(resources, self.evidence_panel, self)
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
        self.commands = ChatCommands(window, self.pages, self.chat, self.documents, self.evidence_panel)
        self.drops = Drops(
            window, self.documents, self.attachments, self.model_requests.import_files, self.pages.show, self
        )

    def _connect_header(self) -> None:
        header, commands, pages = self.window.header, self.commands, self.pages
        self.window.rail.page_requested.connect(pages.show)
        header.new_chat_requested.connect(commands.new)
        header.model_menu_requested.connect(self.picker.open)
        header.panel_toggled.connect(commands.toggle_evidence)
        header.load_cancel_requested.connect(self.models.cancel)
        header.list_toggled.connect(self.window.chats.toggle_list)
        header.chat_settings_requested.connect(commands.show_settings)
        header.export_requested.connect(commands.export)
        header.rename_requested.connect(commands.rename)
        header.delete_requested.connect(commands.delete)
        header.keys_requested.connect(pages.show_keys)
        header.welcome_requested.connect(functools.partial(pages.show, "welcome"))
        self.chat.context_used.connect(header.set_context)
        self.window.chats.panel_shown.connect(header.set_panel_open)

    def _connect_chat(self) -> None:
        chats, chat, conversations = self.window.chats, self.chat, self.conversations
        chat.failed.connect(self.notices.show_error)
        self.models.stop_requested.connect(chat.stop)
        chat.evidence_requested.connect(self.commands.show_evidence)
        chat.link_requested.connect(functools.partial(outside.open_link, self.window))
        chat.answering_changed.connect(chats.list.set_answering)
        chat.answering_changed.connect(self.missing_model.look_away)
        self.evidence_panel.closed.connect(functools.partial(chats.show_panel, False))
        self.first_run.start_requested.connect(self.commands.new)
        conversations.started.connect(self._on_started)
        conversations.opened.connect(self._on_opened)
        conversations.changed.connect(self._on_chat_changed)
        conversations.noticed.connect(functools.partial(self.notices.say, self.tr("A damaged file was mended.")))
        conversations.saved.connect(self._on_exported)

    def _connect_documents(self) -> None:
        self.documents_page.ask_requested.connect(self.commands.ask)
        self.documents_page.passage_activated.connect(self._on_passage)
        self.window.chats.composer.new_collection_requested.connect(self._on_new_collection)

    def _start(self, owner: Owner | None) -> None:
        window = self.window
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
        pages = self.pages
        builds = (
            lambda: self.picker.menu,
            lambda: pages.models_page,
            lambda: pages.models_room,
            lambda: pages.activity_page,
            lambda: pages.settings_page,
        )
        self._ahead = Ahead(window.tasks, self.documents.start, builds, self)

    def _on_started(self, has_chats: bool) -> None:
        if self.first_run.is_wanted(has_chats=has_chats):
            self.show_page("welcome")

    def _on_opened(self, conversation: Conversation | None) -> None:
        self.window.chats.show_panel(False)
        self.missing_model.look_at(conversation)

    def _on_chat_changed(self, conversation: Conversation | None) -> None:
        self.window.set_chat_title(conversation.title if conversation else "")
        self.window.header.set_has_chat(conversation is not None)

    def _on_exported(self, path: str) -> None:
        self.window.chats.undo.show_message(self.tr("Saved as {path}").format(path=path), undo=False)

    def _on_passage(self, passage: Passage) -> None:
        self.commands.show_evidence()
        self.evidence.show_passage(passage)

    def _on_new_collection(self) -> None:
        self.show_page("documents")
        self.documents_page.ask_for_collection()

    def _on_settings(self, settings: Settings) -> None:
        apply_theme(settings)
        self.window.chats.transcript.set_reading_scale(settings.reading_scale)
        self.documents_page.set_default_collection(settings.default_collection)


def _resources(window: MainWindow) -> Resources:
    """The clients of the workers and the stores; none of them starts anything yet."""
    ledger = Ledger(window.home.ledger_db)
    return Resources(
        window.home,
        window.tasks,
        window.settings,
        window.store,
        Engine(window.home),
        Knowledge(window.home),
        Library(window.home, model_folders=lambda: window.settings.current.model_folders),
        Net(ledger, offline=window.settings.current.offline),
        ledger,
    )
