"""The Activity page: models being loaded, downloads and documents being read, running or stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.look.disk_use import DiskUse
from desktop_llm.gui.look.layouts import CardAction, CardColumn, scrolled_column
from desktop_llm.gui.look.model_in_use import ModelInUse
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.look.tab_order import focus_neighbour
from desktop_llm.gui.look.widgets import Action, Button, EmptyState, Label, UndoBar
from desktop_llm.gui.look.widgets.painting import RING_MARGIN
from desktop_llm.gui.work.collection_card import CollectionCard
from desktop_llm.gui.work.collection_parts import CollectionProgress
from desktop_llm.gui.work.download_card import DownloadList
from desktop_llm.jobs.download import Download
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import CHAT_PREFIX, Collection
from desktop_llm.words import tr

_PAGE_WIDTH = 720
_SHOWN_STATES = ("reading", "paused", "attention")  # of collections


class ActivityPage(QWidget):
    """Work is grouped by kind, so that no card moves away under the mouse when it is paused or stops.

    Signals: `shown` when the page comes to the front, because nobody keeps it up to date while it is hidden;
    `pause_all_requested` for the downloads; `find_requested`, for a first model. The lists inside are public, so that
    the controller feeds each of them.
    """

    shown = Signal()
    pause_all_requested = Signal()
    find_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("activity_page")
        self.setAccessibleName(tr("Activity"))
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_list())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)
        self.undo = UndoBar(self, object_name="activity_undo")
        self._pause_all.clicked.connect(self.pause_all_requested)

    def set_summary(self, words: str) -> None:
        """Show the summary, such as "2 running, 1 stopped"."""
        self._summary.setText(words)

    def show_model(self, state: ModelState) -> None:
        """Show a model that waits, is being loaded, or has stopped."""
        self.model.show_state(state)
        self._show_model(shown=True)

    def set_no_model(self) -> None:
        """Show no model: none is being loaded and none has stopped."""
        self.model.show_none()
        self._show_model(shown=False)

    def show_downloads(self, downloads: Sequence[Download], model_in_use: str = "") -> None:
        """Show all downloads that wait, run, are paused, done or failed."""
        self.downloads.show_downloads(downloads, model_in_use)
        self._pause_all.setVisible(any(each.under_way for each in downloads))
        self._show_section(self._downloads_section, shown=bool(downloads))

    def set_space(self, models_bytes: int, free_bytes: int) -> None:
        """Show the space taken by models, and the free space on their disk."""
        self._disk.set_space(models_bytes, free_bytes)

    def show_readings(self, collections: Sequence[Collection], readings: Mapping[str, Reading]) -> None:
        """Show the readings by collection; collections with nothing going on are left out."""
        self.readings.show_readings(collections, readings)
        self._chat_readings.show_readings(readings)
        for cards in (self.readings, self._chat_readings):
            cards.setVisible(bool(cards.cards))
        self._show_section(self._readings_section, shown=bool(self.readings.cards or self._chat_readings.cards))

    def showEvent(self, event: QShowEvent) -> None:
        """Say that the page is shown."""
        self.shown.emit()
        super().showEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab follow the layout of the page, because cards come and go."""
        return focus_neighbour(self, forward=forward) or super().focusNextPrevChild(forward)

    def _show_model(self, *, shown: bool) -> None:
        self.model.setVisible(shown)
        self._show_section(self._model_section, shown=shown)

    def _show_section(self, section: QWidget, *, shown: bool) -> None:
        section.setVisible(shown)
        self._stack.setCurrentIndex(int(any(not each.isHidden() for each in self._sections())))

    def _make_list(self) -> QWidget:
        page = QWidget(self._stack)
        column = scrolled_column(page, _PAGE_WIDTH)
        column.setSpacing(24)
        self._summary = Label("", "title", object_name="activity_summary")
        self._pause_all = Button(tr("Pause all"), "pause", kind="quiet", height=28, object_name="activity_pause_all")
        self.model, self.downloads, self.readings = ModelInUse(), DownloadList(), CollectionReadings()
        self._model_section = _section(tr("Model"), _card(self.model))
        self._disk = DiskUse()
        self._disk.setContentsMargins(0, 8, 0, 0)
        self._downloads_section = _section(tr("Downloads"), self.downloads, self._disk, button=self._pause_all)
        self._chat_readings = ChatReadings()
        self._readings_section = _section(tr("Documents"), self.readings, self._chat_readings)
        column.addWidget(self._summary)
        for section in self._sections():
            section.hide()
            column.addWidget(section)
        column.addStretch(1)
        return page

    def _sections(self) -> tuple[QWidget, ...]:
        return self._model_section, self._downloads_section, self._readings_section

    def _make_empty(self) -> EmptyState:
        text = tr("Downloads, documents that are being read and models that are being loaded appear here.")
        find = Action("find", tr("Find a model"), "search", "primary")
        empty = EmptyState("activity", tr("Nothing is running"), text, (find,), object_name="activity_empty")
        empty.action_triggered.connect(self.find_requested)
        return empty


def _card(content: QWidget) -> QFrame:
    """A frame like that of the other cards."""
    card = QFrame()
    card.setProperty("card", True)
    column = QVBoxLayout(card)
    column.setContentsMargins(2, 2, 2, 2)
    column.addWidget(content)
    return card


def _section(title: str, *contents: QWidget, button: Button | None = None) -> QWidget:
    """A section with a heading, an optional button for all cards, and the cards."""
    head = QHBoxLayout()
    head.addWidget(Label(title, "heading"), 1)
    if button is not None:
        head.addWidget(button)
    section = QWidget()
    column = QVBoxLayout(section)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8 if button is None else 8 - RING_MARGIN)
    column.addLayout(head)
    for content in contents:
        column.addWidget(content)
    return section


class CollectionReadings(CardColumn[CollectionCard]):
    """The cards of collections. Signal: `acted` when a button of a card is pressed."""

    acted = Signal(CardAction)

    def show_readings(self, collections: Sequence[Collection], readings: Mapping[str, Reading]) -> None:
        """Show the collections with something going on or wrong."""
        shown = {each.name: each for each in collections if each.state in _SHOWN_STATES or each.name in readings}
        self.show_cards(list(shown), lambda name: self._card(shown[name]))
        for name, collection in shown.items():
            self.cards[name].show_collection(collection, readings.get(name))

    def _card(self, collection: Collection) -> CollectionCard:
        card = CollectionCard(collection, self)
        card.acted.connect(self.acted)
        return card


class ChatReadings(CardColumn["ChatReading"]):
    """The readings of chats' files, whose collections are hidden from the person."""

    def show_readings(self, readings: Mapping[str, Reading]) -> None:
        """Show the readings that belong to chats."""
        of_chats = {name: reading for name, reading in readings.items() if name.startswith(CHAT_PREFIX)}
        self.show_cards(list(of_chats), lambda _name: ChatReading(self))
        for name, reading in of_chats.items():
            self.cards[name].show_reading(reading)


class ChatReading(QFrame):
    """The files of one chat; they can only be removed in the chat itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setObjectName("chat_reading")
        self.setAccessibleName(tr("Files of a chat"))
        self._progress = CollectionProgress()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(Label(tr("Files of a chat"), "heading"))
        column.addWidget(self._progress)

    def show_reading(self, reading: Reading) -> None:
        """Show the progress of the reading."""
        if reading.progress.total:
            self._progress.show_progress(reading)
        else:
            self._progress.show_waiting(0, paused=reading.state == "paused")
