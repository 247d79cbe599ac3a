"""The Documents page of the window: a search in all documents, collections as cards, the files of one collection.

Setters give it collections, reading jobs and results; it asks for everything else by signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.documents.collection import CollectionView
from desktop_llm.gui.documents.grid import CollectionGrid
from desktop_llm.gui.documents.search import SearchView
from desktop_llm.gui.documents.settings_sheet import SettingsSheet
from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets import Action, Banner, EmptyState, PrimaryButton, SearchField
from desktop_llm.gui.look.widgets.banner import BannerKind
from desktop_llm.gui.look.widgets.painting import RING_MARGIN
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import CHAT_PREFIX, Collection, Document
from desktop_llm.message import Citation
from desktop_llm.words import tr

NoticeKind = BannerKind | Literal["success"]
_BESIDE_FROM = 1_048  # px of this page: 1,120 of the window
_TO_RESULTS = (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class DocumentsPage(QWidget):
    """Everything to do with documents, except asking them questions, which happens in a chat.

    `opened` is the collection whose files are shown. Signals: `acted` with the action of a button on a card, in the
    table or on a banner; `new_requested` for a new collection; `search_requested` with the query; `passage_activated`
    with the passage that was opened.
    """

    acted = Signal(CardAction)
    new_requested = Signal()
    search_requested = Signal(str)
    passage_activated = Signal(Citation)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_page")
        self.setAccessibleName(tr("Documents"))
        self._collections: tuple[Collection, ...] = ()
        self._files_of = ""
        self._default = formats.default_collection()
        column = QWidget(self)
        column.setMaximumWidth(theme.current().length("column", "page_max"))
        self._focus_before: QWidget | None = None
        self._outer = outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addStretch(1)
        outer.addWidget(column, 1000)
        outer.addStretch(1)
        rows = QVBoxLayout(column)
        rows.setContentsMargins(24, 15, 24 - RING_MARGIN, 0)
        rows.setSpacing(11)
        rows.addLayout(self._top_row())
        self._banners = Banners()
        self._banners.acted.connect(self.acted)
        self._banners.addWidget(self._make_stack(column), 1)
        rows.addLayout(self._banners, 1)
        self.settings = SettingsSheet(self)
        self.settings.closed.connect(self.close_settings)

    def show_collections(self, collections: Sequence[Collection], readings: Mapping[str, Reading]) -> None:
        """Show these collections in this order, and how far each has been read."""
        self._collections = tuple(collections)
        self._grid.show_collections(collections, readings)
        if self._files_of not in [collection.name for collection in collections]:
            self._files_of = ""
        self._show_level()

    def set_documents(self, name: str, documents: Sequence[Document]) -> None:
        """Show the files of a collection, if its table is still open."""
        if name == self._files_of:
            self.opened.files.set_documents(documents)

    def set_search_results(self, query: str, passages: Sequence[Citation]) -> None:
        """Show the passages that a search found; ignore the results of an older search."""
        if query == self._search.text().strip():
            self._found.show_results(passages, self._search_scope())

    def set_interrupted(self, names: Sequence[str]) -> None:
        """Offer to resume collections whose reading was interrupted; an empty list removes the offer."""
        self._banners.set_interrupted(names)

    def set_notice(self, title: str, text: str = "", kind: NoticeKind = "warning") -> None:
        """Show a notice above the cards until it is dismissed; an empty title removes it."""
        self._found.stop_waiting()
        self._banners.set_notice(title, text, kind)

    def show_settings(self, collection: Collection) -> None:
        """Open the settings of a collection: beside the page, or over it where that is narrow."""
        self._focus_before = self.window().focusWidget()
        self.settings.show_collection(collection)
        self.settings.show()
        self._place_settings()
        self.settings.close_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_settings(self) -> None:
        """Close the settings and give the focus back."""
        self.settings.hide()
        self._place_settings()
        if self._focus_before is not None and self._focus_before.isVisible():
            self._focus_before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._focus_before = None

    def _place_settings(self) -> None:
        beside = self.settings.isVisibleTo(self) and self.width() >= _BESIDE_FROM
        self._outer.setContentsMargins(0, 0, self.settings.width() if beside else 0, 0)
        side = 0 if self.isRightToLeft() else self.width() - self.settings.width()
        self.settings.setGeometry(side, 0, self.settings.width(), self.height())
        self.settings.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the settings at the side."""
        super().resizeEvent(event)
        self._place_settings()

    def set_default_collection(self, name: str) -> None:
        """Set the collection that gets the files added before there is any."""
        self._default = name

    def focus_search(self) -> None:
        """Move the keyboard focus to the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def show_files(self, name: str) -> None:
        """Open the table of a collection's files, still empty."""
        self._files_of = name
        self.opened.show_collection(name)
        self._search.clear()
        self._show_level()
        self.opened.files.focus_table()

    def _top_row(self) -> QHBoxLayout:
        self._search = SearchField(tr("Search in all documents"), object_name="documents_search")
        self._search.setMaximumWidth(320)
        self._search.search_changed.connect(self._on_search_changed)
        self._search.installEventFilter(self)
        self._new = PrimaryButton(tr("New collection"), "plus", object_name="new_collection")
        self._new.clicked.connect(self.new_requested)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._search, 1)
        row.addStretch(0)
        row.addWidget(self._new)
        return row

    def _make_stack(self, parent: QWidget) -> QStackedWidget:
        self._stack = QStackedWidget(parent)
        self._grid = CollectionGrid(self._stack)
        self._grid.acted.connect(self.acted)
        self._found = SearchView(self._stack)
        self._found.passage_activated.connect(self.passage_activated)
        self._found.left.connect(self.focus_search)
        self._found.clear_requested.connect(self._search.clear)
        self.opened = CollectionView(self._stack)
        self.opened.left.connect(self._on_files_left)
        self.opened.files.acted.connect(self.acted)
        self._empty = self._make_empty()
        for level in (self._empty, self._grid, self._found, self.opened):
            self._stack.addWidget(level)
        return self._stack

    def _make_empty(self) -> EmptyState:
        actions = (
            Action("create", tr("New collection"), "plus", "primary"),
            Action("add", tr("Add files"), "filetext"),
        )
        text = tr(
            "PDFs, Word files, web pages, notes, tables and code become a collection that you can ask. Drop them "
            "anywhere in this window. They are read in place and stay on this computer."
        )
        empty = EmptyState("library", tr("Ask your own documents"), text, actions, object_name="documents_empty")
        empty.action_triggered.connect(self._on_empty_action)
        return empty

    def _show_level(self) -> None:
        if self._search.text().strip():
            self._stack.setCurrentWidget(self._found)
        elif self._files_of:
            self._stack.setCurrentWidget(self.opened)
        else:
            self._stack.setCurrentWidget(self._grid if self._collections else self._empty)

    def _search_scope(self) -> str:
        count = sum(collection.documents for collection in self._collections)
        scope = tr("Searched {documents}.", documents=formats.documents(count))
        reading = next((card for card in self._grid.cards() if card.progress_text()), None)
        if reading is None:
            return scope
        name = formats.isolated(formats.plain(reading.collection.name))
        still = tr("{name} is still being read ({progress}).", name=name, progress=reading.progress_text())
        return f"{scope} {still}"

    def _on_search_changed(self, text: str) -> None:
        query = text.strip()
        self._show_level()
        if not query:
            return
        self._found.begin(query)
        if self._collections:
            self.search_requested.emit(query)
        else:
            self._found.show_results((), tr("There are no documents yet."))

    def _on_files_left(self) -> None:
        name, self._files_of = self._files_of, ""
        self._show_level()
        card = self._grid.card(name)
        if card is not None:
            card.focus_files()

    def _on_empty_action(self, action: str) -> None:
        if action == "create":
            self.new_requested.emit()
        else:
            self.acted.emit(CardAction("add_files", self._default))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move to the results on Down or Enter in the search field."""
        pressed = event.type() == QEvent.Type.KeyPress
        if watched is self._search and pressed and cast(QKeyEvent, event).key() in _TO_RESULTS:
            self._found.focus_first()
            return True
        return super().eventFilter(watched, event)


class Banners(QVBoxLayout):
    """A column with the banners on top. Signal: `acted` with "resume" for each collection to resume."""

    acted = Signal(CardAction)

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, RING_MARGIN, 0)
        self.setSpacing(12)
        self._interrupted: tuple[str, ...] = ()
        self._offer: Banner | None = None
        self._notice: Banner | None = None

    def set_interrupted(self, names: Sequence[str]) -> None:
        """Offer to resume these collections; an empty list removes the offer."""
        self._interrupted = tuple(names)
        banner = None
        if names:
            actions = (
                Action("resume", tr("Resume"), "play", "primary"),
                Action("dismiss", tr("Not now"), kind="quiet"),
            )
            text = tr("{names} can continue from where it stopped. The text read so far is kept.", names=_listed(names))
            banner = Banner(tr("Reading was interrupted."), text, actions, object_name="documents_interrupted")
            banner.action_triggered.connect(self._on_offer_action)
        self._offer = self._exchange(self._offer, banner)

    def set_notice(self, title: str, text: str, kind: NoticeKind) -> None:
        """Show a notice until it is dismissed; an empty title removes it."""
        banner = None
        if title:
            dismiss = (Action("dismiss", tr("Dismiss"), kind="quiet"),)
            look: BannerKind = "info" if kind == "success" else kind
            icon = "check" if kind == "success" else ""
            banner = Banner(title, text, dismiss, kind=look, icon=icon, object_name="documents_notice")
            banner.action_triggered.connect(self._on_notice_action)
        self._notice = self._exchange(self._notice, banner)

    def _exchange(self, old: Banner | None, new: Banner | None) -> Banner | None:
        """Remove one banner and put another at the top."""
        if old is not None:
            self.removeWidget(old)
            old.hide()
            old.deleteLater()
        if new is not None:
            self.insertWidget(0, new)
        return new

    def _on_offer_action(self, action: str) -> None:
        names = self._interrupted
        self.set_interrupted(())
        if action == "resume":
            for name in names:
                self.acted.emit(CardAction("resume", name))

    def _on_notice_action(self, _action: str) -> None:
        self._notice = self._exchange(self._notice, None)


def _listed(names: Sequence[str]) -> str:
    """ "House & lease", "House & lease and 2 more"."""
    first: str = tr("The files of a chat")
    if not names[0].startswith(CHAT_PREFIX):
        first = formats.isolated(formats.plain(names[0]))
    if len(names) == 1:
        return first
    return tr("{name} and {count} more", name=first, count=len(names) - 1)
