"""The Activity page: a model being loaded, downloads, documents being read, and what of it stopped."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.activity.readings import ChatReadings, Readings
from desktop_llm.gui.model_in_use import ModelInUse
from desktop_llm.gui.models.disk_use import DiskUse
from desktop_llm.gui.models.download_list import DownloadList
from desktop_llm.gui.models.transfers import Download
from desktop_llm.gui.reading_order import focus_neighbour
from desktop_llm.gui.scrolled import scrolled_column
from desktop_llm.gui.widgets import Action, Button, EmptyState, Label, UndoBar
from desktop_llm.gui.widgets.painting import RING_MARGIN
from desktop_llm.knowledge.client import Collection, IndexProgress
from desktop_llm.models.library import Model

_PAGE_WIDTH = 720


class ActivityPage(QWidget):
    """Things stand by kind, so that none moves away under the mouse when it is paused or stops.

    Signals: `pause_all_requested` for the downloads; `find_requested`, for a first model. The lists inside are public:
    the controller connects each with what feeds it.
    """

    pause_all_requested = Signal()
    find_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("activity_page")
        self.setAccessibleName(self.tr("Activity"))
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_list())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)
        self.undo = UndoBar(self, object_name="activity_undo")
        self._pause_all.clicked.connect(self._on_pause_all)

    def set_summary(self, words: str) -> None:
        """ "2 running, 1 stopped"."""
        self._summary.setText(words)

    def set_loading(self, model: Model | None, fraction: float | None) -> None:
        """A model is on its way into memory."""
        self.model.show_loading(model, fraction)
        self._show_model(shown=model is not None)

    def set_stopped(self, model: Model | None, message: str) -> None:
        """A model could not be loaded, or ended by itself."""
        self.model.show_failed(model, message)
        self._show_model(shown=model is not None)

    def set_no_model(self) -> None:
        """Nothing is being loaded and nothing stopped."""
        self.model.show_none()
        self._show_model(shown=False)

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Every download that waits, runs, is paused, is done or failed."""
        self.downloads.set_downloads(downloads)
        self._pause_all.setVisible(any(each.running or each.stage == "waiting" for each in downloads))
        self._show_section(self._downloads_section, shown=bool(downloads))

    def set_space(self, models_bytes: int, free_bytes: int) -> None:
        """How full the disk is that the downloads come to."""
        self._disk.set_space(models_bytes, free_bytes)

    def set_collections(self, collections: Sequence[Collection]) -> None:
        """All collections; those with nothing going on are left out."""
        self.readings.set_collections(collections)
        self._show_readings()

    def set_chat_readings(self, readings: Sequence[IndexProgress]) -> None:
        """Where reading the files of chats stands."""
        self._chat_readings.set_progress(readings)
        self._show_readings()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes by the places on the page: cards come and go."""
        return focus_neighbour(self, forward=forward) or super().focusNextPrevChild(forward)

    def _show_model(self, *, shown: bool) -> None:
        self.model.setVisible(shown)
        self._show_section(self._model_section, shown=shown)

    def _show_readings(self) -> None:
        for cards in (self.readings, self._chat_readings):
            cards.setVisible(bool(cards.cards))
        self._show_section(self._readings_section, shown=bool(self.readings.cards or self._chat_readings.cards))

    def _show_section(self, section: QWidget, *, shown: bool) -> None:
        section.setVisible(shown)
        self._stack.setCurrentIndex(int(any(not each.isHidden() for each in self._sections())))

    def _make_list(self) -> QWidget:
        page = QWidget(self._stack)
        column = scrolled_column(page, _PAGE_WIDTH)
        column.setSpacing(24)
        self._summary = Label("", "title", object_name="activity_summary")
        self._pause_all = Button(
            self.tr("Pause all"), "pause", kind="quiet", height=28, object_name="activity_pause_all"
        )
        self.model, self.downloads, self.readings = ModelInUse(), DownloadList(), Readings()
        self._model_section = _section(self.tr("Model"), _card(self.model))
        self._disk = DiskUse()
        self._disk.setContentsMargins(0, 8, 0, 0)
        self._downloads_section = _section(self.tr("Downloads"), self.downloads, self._disk, button=self._pause_all)
        self._chat_readings = ChatReadings()
        self._readings_section = _section(self.tr("Documents"), self.readings, self._chat_readings)
        column.addWidget(self._summary)
        for section in self._sections():
            section.hide()
            column.addWidget(section)
        column.addStretch(1)
        return page

    def _sections(self) -> tuple[QWidget, ...]:
        return self._model_section, self._downloads_section, self._readings_section

    def _make_empty(self) -> EmptyState:
        text = self.tr("Downloads, documents that are being read and models that are being loaded appear here.")
        find = Action("find", self.tr("Find a model"), "search", "primary")
        empty = EmptyState("activity", self.tr("Nothing is running"), text, (find,), object_name="activity_empty")
        empty.action_triggered.connect(self._on_find)
        return empty

    def _on_pause_all(self) -> None:
        self.pause_all_requested.emit()

    def _on_find(self, _action: str) -> None:
        self.find_requested.emit()


def _card(content: QWidget) -> QFrame:
    """A frame as the other cards have one."""
    card = QFrame()
    card.setProperty("card", True)
    column = QVBoxLayout(card)
    column.setContentsMargins(2, 2, 2, 2)
    column.addWidget(content)
    return card


def _section(title: str, *contents: QWidget, button: Button | None = None) -> QWidget:
    """A heading, what can be done with all of it, and the cards."""
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
