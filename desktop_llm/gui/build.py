"""The one file that knows all rooms: it builds and connects everything in the window except the list of chats.

One object builds everything in order and connects it; it has no state of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt

from desktop_llm.chats.records import Conversation
from desktop_llm.engine.engines import Engines
from desktop_llm.errors import CHOOSE_FORMAT, LESS_MEMORY, NotFound, UserError
from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.chat import transcript
from desktop_llm.gui.chat.adapters.controller import AdaptersController
from desktop_llm.gui.chat.attachments import Attachments
from desktop_llm.gui.chat.chat_model import ChatModel
from desktop_llm.gui.chat.commands import ChatCommands
from desktop_llm.gui.chat.controller import ChatController
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.evidence.controller import EvidenceController
from desktop_llm.gui.chat.evidence.panel import EvidencePanel
from desktop_llm.gui.chat.missing_model import MissingModel
from desktop_llm.gui.chat.page import ChatsPage
from desktop_llm.gui.chat.pictures import ChatPictures
from desktop_llm.gui.chat.settings.controller import ChatSettingsController
from desktop_llm.gui.documents.controller import DocumentsController
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.frame.drop.overlay import DropOverlay, DroppedFiles
from desktop_llm.gui.frame.keys import connect_keys, step_reading_size
from desktop_llm.gui.frame.window import MainWindow
from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.widgets import Action, UndoBar
from desktop_llm.gui.models.menu.picker import Picker
from desktop_llm.gui.network.controller import NetworkController
from desktop_llm.gui.pages import Pages
from desktop_llm.gui.welcome.controller import WelcomeController
from desktop_llm.gui.work import links
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.collection_name import NameDialog
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.crash_log import CrashLog
from desktop_llm.gui.work.disk_keeper import DiskKeeper
from desktop_llm.gui.work.folder_watch import FolderWatch
from desktop_llm.gui.work.format_keeper import FormatKeeper
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.memory_keeper import MemoryKeeper
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.notices import Notices
from desktop_llm.gui.work.other_processes import OtherProcesses
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.store_lane import StoreLane
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.hardware import physical_cores
from desktop_llm.instance import Owner
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.message import Citation
from desktop_llm.models.library import Library, Model
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import Folders
from desktop_llm.settings import Settings
from desktop_llm.words import plural, tr

# Modules that open at a click are imported before anybody clicks.
PAGES_MODULES = (
    "desktop_llm.gui.activity.controller",
    "desktop_llm.gui.activity.page",
    "desktop_llm.gui.chat.settings",
    "desktop_llm.gui.models.menu.menu",
    "desktop_llm.gui.models.room",
    "desktop_llm.gui.network.panel",
    "desktop_llm.gui.settings.page",
    "desktop_llm.gui.settings.token_keeper",
    "desktop_llm.gui.welcome.page",
)


class Wiring(QObject):
    """The window's controllers, connected; `close` ends everything they use."""

    def __init__(
        self,
        window: MainWindow,
        chats: ChatsPage,
        documents_page: DocumentsPage,
        evidence_panel: EvidencePanel,
        conversations: ConversationsController,
        resources: Resources,
        owner: Owner | None,
    ) -> None:
        super().__init__(window)
        self.window, self.resources, self.conversations = window, resources, conversations
        self.chats, self.documents_page, self.evidence_panel = chats, documents_page, evidence_panel
        self.notices = Notices(window.show_banner, self)
        resources.tasks.on_unhandled(self.notices.show_error)
        self.disk = DiskKeeper(resources, self.notices, self)
        self.crash_log = CrashLog(resources.folders.logs, self)
        self.crash_log.caught.connect(self.notices.show_bug)
        self._build_models()
        self._build_chat()
        self._connect_header()
        self._connect_models()
        self._connect_chat()
        self._connect_documents()
        connect_keys(window, self._keys())
        self._start(owner)

    def close(self) -> None:
        """Stop all work, write what is still queued, and end the workers."""
        self.chat.close()
        self.resources.close()
        self.crash_log.close()

    def show_page(self, name: str) -> None:
        """Bring a page to the front by the name of its rail item."""
        self.pages.show(name)

    def build_ahead(self, pause_ms: int) -> Generator[int | tuple[str, ...]]:
        """Start the work that was put off and build the parts that open at a click, each in its own turn.

        Yield the time to wait before the next turn, or the modules to import in a thread before it.
        """
        self.collections.start()
        self.resources.tasks.call(physical_cores)  # the load settings show them, and the system is slow to report them
        yield PAGES_MODULES
        pages = self.pages
        for build in (
            lambda: self.picker.menu,
            lambda: pages.models_page,
            lambda: pages.models_room,
            lambda: pages.activity_page,
            lambda: pages.settings_page,
        ):
            build()
            yield pause_ms

    def _build_models(self) -> None:
        window, resources = self.window, self.resources
        self.jobs = Jobs(resources.tasks, self)
        self.collections = Collections(resources, self.jobs, self)
        self.folder_watch = FolderWatch(resources, self.collections, self)
        self.documents = DocumentsController(resources, self.jobs, self.collections, self.documents_page, self)
        self.shelf = ModelShelf(resources, window)
        self.shelf.failed.connect(self.notices.show_error)
        self.models = ChosenModelController(resources, self.shelf, window)
        self.memory_keeper = MemoryKeeper(resources, self.models, self.notices, self)
        self.format_keeper = FormatKeeper(self.models, self.notices, self)
        self.picker = Picker(resources, self.models, window.header, window)
        self.network = NetworkController(resources, window.header.network_state, window)
        self.welcome = WelcomeController(resources, self.models, window.add_page, self)
        self.missing_model = MissingModel(resources, self.models, self.chats, self)
        activity = ActivityCount(self.jobs, self.models, self.collections, self)
        activity.changed.connect(window.rail.set_activity)
        self.pages = Pages(
            window,
            self.chats,
            self.documents,
            resources,
            self.jobs,
            self.models,
            self.collections,
            self.welcome,
            activity,
            self.notices,
        )

    def _build_chat(self) -> None:
        window, resources, chats = self.window, self.resources, self.chats
        ChatModel(self.conversations, self.models, self)
        self.evidence = EvidenceController(resources, self.evidence_panel, self)
        self.pictures = ChatPictures(resources, self.models, chats.composer, chats.transcript, window)
        self.attachments = Attachments(
            resources,
            self.conversations,
            self.collections,
            chats.composer,
            self.pictures,
            self.notices.show_error,
            window,
        )
        self.chat = ChatController(
            resources,
            self.conversations,
            self.models,
            self.collections,
            self.evidence,
            chats.transcript,
            chats.composer,
            chats.every_file,
            self.attachments,
            self.pictures,
            window,
        )
        self.commands = ChatCommands(
            chats,
            self.conversations,
            self.chat,
            self.evidence,
            functools.partial(self.pages.show, "chats"),
        )
        self.chat_settings = ChatSettingsController(
            self.conversations,
            self.models,
            self.resources.settings,
            lambda: self.collections.names,
            window.header.more_button,
        )
        self.adapters = AdaptersController(
            self.resources, self.conversations, self.models, self.shelf, self.chat_settings
        )
        self.adapters.add_requested.connect(self._on_add_adapter)

    def _connect_header(self) -> None:
        header, commands, pages, models = self.window.header, self.commands, self.pages, self.models
        self.window.rail.page_requested.connect(pages.show)
        header.new_chat_requested.connect(commands.new)
        header.model_menu_requested.connect(self.picker.open)
        header.panel_toggled.connect(commands.toggle_evidence)
        header.load_cancel_requested.connect(models.cancel)
        header.list_toggled.connect(self.chats.toggle_list)
        header.chat_settings_requested.connect(self.chat_settings.show)
        header.export_requested.connect(commands.export)
        header.rename_requested.connect(commands.rename)
        header.delete_requested.connect(commands.delete)
        header.keys_requested.connect(pages.show_keys)
        header.welcome_requested.connect(functools.partial(pages.show, "welcome"))
        models.chosen.connect(header.show_model)
        models.loading.connect(header.show_loading)
        models.loaded.connect(header.show_loaded)
        models.stopped.connect(header.show_stopped)
        self.chat.context_used.connect(header.set_context)
        self.chats.panel_shown.connect(header.set_panel_open)

    def _connect_models(self) -> None:
        pages, picker, welcome = self.pages, self.picker, self.welcome
        show_models = functools.partial(pages.show, "models")
        self.models.failed.connect(self._on_model_failed)
        self.models.stopped.connect(self._on_model_stopped)
        self.models.held_back.connect(self._on_model_held_back)
        picker.import_requested.connect(pages.choose_model_file)
        picker.look_requested.connect(pages.show_model)
        picker.get_more_requested.connect(show_models)
        picker.get_again_requested.connect(pages.find_model)
        self.missing_model.get_again_requested.connect(pages.find_model)
        self.missing_model.choose_requested.connect(picker.open)
        welcome.start_requested.connect(self.commands.new)
        welcome.open_file_requested.connect(pages.choose_model_file)
        welcome.download_requested.connect(pages.get_recommended)
        welcome.downloads_requested.connect(functools.partial(pages.show, "activity"))
        welcome.other_apps_requested.connect(pages.show_models_here)
        welcome.all_models_requested.connect(show_models)

    def _connect_chat(self) -> None:
        chats, chat, conversations = self.chats, self.chat, self.conversations
        chat.failed.connect(self.notices.show_error)
        chat.format_refused.connect(self.format_keeper.offer)
        self.models.stop_requested.connect(chat.stop_model)
        self.models.room_made.connect(self._on_room_made)
        self.models.unload_delayed.connect(self._on_unload_delayed)
        chat.evidence_requested.connect(self.commands.show_evidence)
        chat.link_requested.connect(functools.partial(links.open_link, self.window))
        chat.answering_changed.connect(chats.list.set_answering)
        chat.answering_changed.connect(self.missing_model.look_away)
        self.evidence_panel.closed.connect(functools.partial(chats.show_panel, False))
        for sign in (chats.composer.draft_changed, chats.list.conversation_selected):
            sign.connect(self._on_messages_near, Qt.ConnectionType.SingleShotConnection)
        conversations.started.connect(self._on_started)
        conversations.opened.connect(self._on_opened)
        conversations.changed.connect(self._on_chat_changed)
        conversations.noticed.connect(functools.partial(self.notices.say, tr("A damaged file was repaired.")))
        conversations.saved.connect(self._on_exported)
        for save_again in (chat.save_again, self.resources.settings.save_again, conversations.refresh):
            self.disk.usable_again.connect(save_again)

    def _connect_documents(self) -> None:
        self.documents.ask_requested.connect(self.commands.ask)
        self.documents.search_models.download_requested.connect(self.pages.get_recommended)
        self.documents.page_requested.connect(functools.partial(self.show_page, "documents"))
        self.documents_page.passage_activated.connect(self._on_passage)
        self.chats.composer.new_collection_requested.connect(self._on_new_collection)
        self.drop_overlay = DropOverlay.install(self.window)
        self.drop_overlay.files_dropped.connect(self._on_files_dropped)
        self.collections.changed.connect(self._set_drop_targets)
        self.window.pages.currentChanged.connect(self._set_drop_targets)
        self._set_drop_targets()

    def _keys(self) -> dict[str, Callable[[], object]]:
        """The keys of the whole window and their functions."""
        commands, chat, show_page = self.commands, self.chat, self.show_page
        step, resize = self.conversations.step, functools.partial(step_reading_size, self.resources.settings)
        return {
            "Ctrl+1": functools.partial(show_page, "chats"),
            "Ctrl+2": functools.partial(show_page, "models"),
            "Ctrl+3": functools.partial(show_page, "documents"),
            "Ctrl+J": functools.partial(show_page, "activity"),
            "Ctrl+,": functools.partial(show_page, "settings"),
            "F1": self.pages.show_keys,
            "Ctrl+N": commands.new,
            "Ctrl+L": self.picker.open,
            "Ctrl+O": self.attachments.ask,
            "Ctrl+E": commands.toggle_evidence,
            "Ctrl+Shift+E": commands.search_details,
            "Ctrl+B": self.chats.toggle_list,
            "Ctrl+Shift+,": self.chat_settings.show,
            "Ctrl+.": chat.stop,
            "Ctrl+R": chat.regenerate_last,
            "Ctrl+Shift+C": chat.copy_last,
            "Ctrl+S": commands.export,
            "Ctrl+Shift+F": commands.search,
            "Ctrl+Tab": functools.partial(step, 1),
            "Ctrl+Shift+Tab": functools.partial(step, -1),
            "Ctrl+Z": self._undo,
            "Ctrl+Shift+T": self.chat.thinking.next,
            "F2": commands.rename,
            "Esc": commands.escape,
            "Ctrl++": functools.partial(resize, 1),
            "Ctrl+-": functools.partial(resize, -1),
            "Ctrl+0": functools.partial(resize, 0),
        }

    def _start(self, owner: Owner | None) -> None:
        settings = self.resources.settings
        settings.changed.connect(self._on_settings)
        self._on_settings(settings.current)
        self.chats.transcript.set_empty_state(
            "chat",
            tr("What would you like to know?"),
            tr("The model runs on this computer. Drop documents here to ask about them."),
        )
        if owner is not None:
            requests = OtherProcesses(
                self.resources, self.open_files, self.conversations.refresh, self.collections.refresh
            )
            owner.listen(requests.answer)
        self.disk.look()
        self.conversations.start()
        self.shelf.look()

    def _undo(self) -> None:
        """Undo the action that the page offers to undo; if there is none, restore the chat deleted last."""
        if not any(bar.undo() for bar in self.window.findChildren(UndoBar)):
            self.conversations.undo()

    def _on_started(self, has_chats: bool) -> None:
        if not has_chats and self.welcome.is_first_start and not self._has_begun():
            self.show_page("welcome")

    def _has_begun(self) -> bool:
        """Whether the person has already begun something and must not be taken to another page."""
        composer = self.chats.composer
        on_chats = self.window.pages.currentWidget() is self.chats
        return not on_chats or bool(composer.text() or self.attachments.paths) or self.drop_overlay.isVisible()

    def _on_messages_near(self, _: str) -> None:
        """Import the modules that show messages (5 MB) before they are needed."""
        self.resources.tasks.call(transcript.warm_up)

    def _on_opened(self, conversation: Conversation | None) -> None:
        self.chats.show_panel(False)
        self.missing_model.look_at(conversation)

    def _on_chat_changed(self, conversation: Conversation | None) -> None:
        self.window.set_chat_title(conversation.title if conversation else "")
        self.window.header.set_has_chat(conversation is not None)

    def _on_exported(self, path: str) -> None:
        self.chats.undo.show_message(tr("Saved as {path}", path=path), undo=False)

    def _on_model_stopped(self, error: UserError) -> None:
        """If the model would only stop again, offer to choose another one or other load settings."""
        if error.action == "choose_model":
            choose = Action("choose", tr("Choose a model"))
            self.notices.offer(error.title, error.text, choose, self._on_choose_answered, kind="warning")

    def _on_choose_answered(self, action: str) -> None:
        if action == "choose":
            self.picker.open()

    def _on_room_made(self, unloaded: Model, other: Model) -> None:
        words = tr(
            "{model} was unloaded to make room for {other}.", model=unloaded.display_name, other=other.display_name
        )
        self.chats.undo.show_message(words, undo=False)

    def _on_unload_delayed(self, model: Model) -> None:
        words = tr("{model} is answering. It is unloaded when the answer has ended.", model=model.display_name)
        self.chats.undo.show_message(words, undo=False)

    def _on_model_held_back(self, model: Model, reason: UserError) -> None:
        use = Action("use", tr("Use {name} anyway", name=model.display_name))
        answered = functools.partial(self._on_held_back_answered, model.id)
        self.notices.offer(reason.title, reason.text, use, answered, kind="warning")

    def _on_held_back_answered(self, model_id: str, action: str) -> None:
        if action == "use":
            self.models.use(model_id)

    def _on_model_failed(self, model: Model, error: UserError) -> None:
        """Say why a model can't be used; if its file is gone, offer to download it again."""
        if error.action in ("choose_model", LESS_MEMORY, CHOOSE_FORMAT):
            return  # said with the stop
        if not isinstance(error, NotFound):
            self.notices.show_error(error)
            return
        get_again = Action("get_again", tr("Get it again"), "download")
        answered = functools.partial(self._on_get_again_answered, model.repo or model.display_name)
        self.notices.offer(error.title, error.text, get_again, answered, kind="warning")

    def _on_get_again_answered(self, query: str, action: str) -> None:
        if action == "get_again":
            self.pages.find_model(query)

    def _on_add_adapter(self) -> None:
        self.show_page("models")
        self.pages.models_room.local.ask_for_file()

    def _on_passage(self, passage: Citation) -> None:
        self.commands.show_evidence()
        self.evidence.show_passage(passage)

    def _on_new_collection(self) -> None:
        self.show_page("documents")
        self.documents.ask_for_collection()

    def _set_drop_targets(self, _: object = None) -> None:
        default = self.resources.settings.current.default_collection
        names = [default, *(name for name in self.collections.names if name != default)]
        self.drop_overlay.set_targets(names, chat=self.window.pages.currentWidget() is self.chats)

    def _on_files_dropped(self, dropped: DroppedFiles) -> None:
        zone, paths = dropped.zone, dropped.paths
        match zone.kind:
            case "models":
                self.show_page("models")
                self.pages.models_room.local.import_files(paths)
            case "chat":
                self.attachments.add(paths)
            case "new":
                NameDialog.ask(
                    self.window,
                    lambda _, name: self._add_documents(name, paths),
                    taken=self.collections.names,
                    name=zone.name,
                    title=tr("New collection"),
                    action=tr("Create"),
                )
            case "collection":
                self._add_documents(zone.name, paths)

    def open_files(self, files: Sequence[Path]) -> None:
        """Raise the window; ask where these files should go, as if they had been dropped on it."""
        self.window.raise_to_front()
        there = [str(file) for file in files if file.exists()]
        if missing := [file for file in files if not file.exists()]:
            name = formats.file_name(str(missing[0]))
            self.notices.say(
                tr("{file} is not there any more.", file=name)
                if len(missing) == 1
                else plural("%n file is not there any more.", "%n files are not there any more.", len(missing)),
                tr("Nothing was changed."),
                kind="warning",
            )
        if there:
            self.drop_overlay.ask(there)

    def _add_documents(self, collection: str, paths: Sequence[str]) -> None:
        self.show_page("documents")
        self.collections.add(collection, paths)

    def _on_settings(self, settings: Settings) -> None:
        theme.use_setting(settings.theme)
        self.chats.transcript.set_reading_scale(settings.reading_scale)
        self.documents_page.set_default_collection(settings.default_collection)


def resources_for(folders: Folders, tasks: Tasks, settings: SettingsKeeper, chats: StoreLane) -> Resources:
    """Make the clients of the workers and the stores; none of them starts anything yet."""
    ledger = Ledger(folders.ledger_db)
    return Resources(
        folders,
        tasks,
        settings,
        chats,
        Engines(folders),
        Knowledge(folders),
        Library(folders, model_folders=lambda: settings.current.model_folders),
        Net(ledger, offline=settings.current.offline),
        ledger,
    )
