"""The Documents page of the window: search in all documents, collections as cards, the files of one.

It is given collections, progress and results by setters and asks for everything else by signals that name the
collection. Paths cross as `object`: a Qt string could not carry a name that is not UTF-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.documents.banners import Banners, NoticeKind
from desktop_llm.gui.documents.dialogs import FilesDialog, NameDialog, PasswordDialog, RemoveDialog
from desktop_llm.gui.documents.files_view import FilesView
from desktop_llm.gui.documents.grid import CollectionGrid
from desktop_llm.gui.documents.search_view import SearchView
from desktop_llm.gui.widgets import Action, EmptyState, PrimaryButton, SearchField
from desktop_llm.gui.widgets.painting import RING_MARGIN
from desktop_llm.knowledge.client import Collection, Document, IndexProgress, Passage

_TO_RESULTS = (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class DocumentsPage(QWidget):
    """Everything about documents but asking them, which happens in a chat.

    Signals that carry `paths` give a list of absolute paths as text; `retry_requested` and
    `remove_documents_requested` are about files that the collection already has.
    """

    create_requested = Signal(str)
    rename_requested = Signal(str, str)
    remove_requested = Signal(str)
    add_paths_requested = Signal(str, object)
    retry_requested = Signal(str, object)
    remove_documents_requested = Signal(str, object)
    password_given = Signal(str, object, str)
    pause_requested = Signal(str)
    resume_requested = Signal(str)
    stop_requested = Signal(str)
    ask_requested = Signal(str)
    files_requested = Signal(str)
    check_requested = Signal(str)
    rebuild_requested = Signal(str)
    show_file_requested = Signal(object)
    search_requested = Signal(str)
    passage_activated = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_page")
        self.setAccessibleName(self.tr("Documents"))
        self._collections: tuple[Collection, ...] = ()
        self._files_of = ""
        self._default = words.default_collection()
        column = QWidget(self)
        column.setMaximumWidth(theme.current().length("column", "page_max"))
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addStretch(1)
        outer.addWidget(column, 1000)
        outer.addStretch(1)
        rows = QVBoxLayout(column)
        rows.setContentsMargins(24, 15, 24 - RING_MARGIN, 0)
        rows.setSpacing(11)
        rows.addLayout(self._top_row())
        self._banners = Banners()
        self._banners.resume_requested.connect(self.resume_requested)
        self._banners.addWidget(self._make_stack(column), 1)
        rows.addLayout(self._banners, 1)

    def set_collections(self, collections: Sequence[Collection]) -> None:
        """Show these collections, in this order."""
        self._collections = tuple(collections)
        for card in self._grid.set_collections(collections):
            card.action_requested.connect(self._on_card_action)
            card.failure_action_requested.connect(self._on_failure_action)
        if self._files_of not in [collection.name for collection in collections]:
            self._files_of = ""
        self._show_level()

    def set_progress(self, progress: IndexProgress) -> None:
        """Show where reading a collection stands."""
        card = self._grid.card(progress.collection)
        if card is not None:
            card.set_progress(progress)

    def set_documents(self, name: str, documents: Sequence[Document]) -> None:
        """The files of a collection, if its table is still open."""
        if name == self._files_of:
            self._files.set_documents(documents)

    def set_search_results(self, query: str, passages: Sequence[Passage]) -> None:
        """What a search found; an answer to an older question is passed over."""
        if query == self._search.text().strip():
            self._found.show_results(passages, self._search_scope())

    def set_interrupted(self, names: Sequence[str]) -> None:
        """Offer to go on with collections whose reading was cut off; an empty list takes the offer away."""
        self._banners.set_interrupted(names)

    def set_notice(self, title: str, text: str = "", kind: NoticeKind = "warning") -> None:
        """Say something above the cards until it is dismissed; an empty title takes it away."""
        self._found.stop_waiting()
        self._banners.set_notice(title, text, kind)

    def set_default_collection(self, name: str) -> None:
        """Where files go that are added before there is any collection."""
        self._default = name

    def focus_search(self) -> None:
        """Put the keyboard into the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def show_files(self, name: str) -> None:
        """Open the table of a collection's files and ask for them."""
        self._files_of = name
        self._files.show_collection(name)
        self._search.clear()
        self._show_level()
        self._files.focus_table()
        self.files_requested.emit(name)

    def ask_for_collection(self) -> None:
        """Ask for the name of a new collection."""
        NameDialog.ask(self, self._on_named, taken=self._names())

    def pick_files(self, name: str, *, folder: bool = False) -> None:
        """Let the person choose files (or a folder) to add to a collection."""
        FilesDialog.ask(self, name, self._on_picked, folder=folder)

    def act(self, action: str, name: str) -> None:
        """Do with a collection what a button of its card names."""
        plain_requests = {
            "ask": self.ask_requested,
            "pause": self.pause_requested,
            "resume": self.resume_requested,
            "stop": self.stop_requested,
            "check": self.check_requested,
            "rebuild": self.rebuild_requested,
        }
        if action in plain_requests:
            plain_requests[action].emit(name)
        elif action in ("add_files", "add_folder"):
            self.pick_files(name, folder=action == "add_folder")
        elif action == "files":
            self.show_files(name)
        elif action == "retry_all":
            self._retry_all(name)
        elif action == "rename":
            NameDialog.ask(self, self._on_renamed, taken=self._names(), name=name)
        elif action == "remove":
            RemoveDialog.ask(self, name, self._on_removal_confirmed)

    def act_on_files(self, action: str, name: str, paths: list[str]) -> None:
        """Do with files of a collection what a button beside them names."""
        if action == "password":
            PasswordDialog.ask(self, name, paths[0], self._on_password)
        elif action == "remove":
            self.remove_documents_requested.emit(name, paths)
        elif action == "show":
            self.show_file_requested.emit(paths[0])
        elif action == "retry":
            self.retry_requested.emit(name, paths)

    def _top_row(self) -> QHBoxLayout:
        self._search = SearchField(self.tr("Search in all documents"), object_name="documents_search")
        self._search.setMaximumWidth(320)
        self._search.search_changed.connect(self._on_search_changed)
        self._search.installEventFilter(self)
        self._new = PrimaryButton(self.tr("New collection"), "plus", object_name="new_collection")
        self._new.clicked.connect(self.ask_for_collection)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._search, 1)
        row.addStretch(0)
        row.addWidget(self._new)
        return row

    def _make_stack(self, parent: QWidget) -> QStackedWidget:
        self._stack = QStackedWidget(parent)
        self._grid = CollectionGrid(self._stack)
        self._found = SearchView(self._stack)
        self._found.passage_activated.connect(self.passage_activated)
        self._found.left.connect(self.focus_search)
        self._found.clear_requested.connect(self._search.clear)
        self._files = FilesView(self._stack)
        self._files.left.connect(self._on_files_left)
        self._files.add_requested.connect(self._on_files_add)
        self._files.action_requested.connect(self._on_files_action)
        self._empty = self._make_empty()
        for level in (self._empty, self._grid, self._found, self._files):
            self._stack.addWidget(level)
        return self._stack

    def _make_empty(self) -> EmptyState:
        actions = (
            Action("create", self.tr("New collection"), "plus", "primary"),
            Action("add", self.tr("Add files"), "filetext"),
        )
        text = self.tr(
            "PDFs, Word files, web pages, notes, tables and code become a collection that you can ask. Drop them "
            "anywhere in this window. They are read in place and stay on this computer."
        )
        empty = EmptyState("library", self.tr("Ask your own documents"), text, actions, object_name="documents_empty")
        empty.action_triggered.connect(self._on_empty_action)
        return empty

    def _show_level(self) -> None:
        if self._search.text().strip():
            self._stack.setCurrentWidget(self._found)
        elif self._files_of:
            self._stack.setCurrentWidget(self._files)
        else:
            self._stack.setCurrentWidget(self._grid if self._collections else self._empty)

    def _names(self) -> list[str]:
        return [collection.name for collection in self._collections]

    def _name_of(self, card: QObject) -> str:
        return next(name for name in self._names() if self._grid.card(name) is card)

    def _search_scope(self) -> str:
        count = sum(collection.documents for collection in self._collections)
        scope = self.tr("Searched {documents}.").format(documents=words.documents(count))
        reading = [card for card in self._grid.cards() if card.reading and card.progress_text()]
        if reading:
            still = self.tr("{name} is still being read ({progress}).")
            name = words.isolated(words.plain(reading[0].collection.name))
            scope += " " + still.format(name=name, progress=reading[0].progress_text())
        return scope

    def _on_search_changed(self, text: str) -> None:
        query = text.strip()
        self._show_level()
        if not query:
            return
        self._found.begin(query)
        if self._collections:
            self.search_requested.emit(query)
        else:
            self._found.show_results((), self.tr("There are no documents yet."))

    def _on_card_action(self, action: str) -> None:
        self.act(action, self._name_of(self.sender()))

    def _retry_all(self, name: str) -> None:
        card = self._grid.card(name)
        if card is not None:
            self.retry_requested.emit(name, [failed.document for failed in card.collection.failed])

    def _on_named(self, _nothing: str, name: str) -> None:
        self.create_requested.emit(name)

    def _on_renamed(self, old: str, new: str) -> None:
        if new != old:
            self.rename_requested.emit(old, new)

    def _on_picked(self, name: str, paths: list[str]) -> None:
        self.add_paths_requested.emit(name, paths)

    def _on_password(self, document: tuple[str, str], password: str) -> None:
        self.password_given.emit(*document, password)

    def _on_removal_confirmed(self, name: str, _answer: str) -> None:
        self.remove_requested.emit(name)

    def _on_failure_action(self, action: str, path: str) -> None:
        self.act_on_files(action, self._name_of(self.sender()), [path])

    def _on_files_action(self, action: str, paths: list[str]) -> None:
        self.act_on_files(action, self._files_of, paths)

    def _on_files_left(self) -> None:
        name, self._files_of = self._files_of, ""
        self._show_level()
        card = self._grid.card(name)
        if card is not None:
            card.focus_files()

    def _on_files_add(self) -> None:
        self.pick_files(self._files_of)

    def _on_empty_action(self, action: str) -> None:
        if action == "create":
            self.ask_for_collection()
        else:
            self.pick_files(self._default)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down or Enter in the search field goes to the results."""
        pressed = event.type() == QEvent.Type.KeyPress
        if watched is self._search and pressed and cast(QKeyEvent, event).key() in _TO_RESULTS:
            self._found.focus_first()
            return True
        return super().eventFilter(watched, event)
