"""The left column of the page: the switch between Discover and this computer, one search field, and the list below."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import number
from desktop_llm.gui.look.widgets import Label, SearchField, Segments
from desktop_llm.gui.look.widgets.painting import repaint_on_theme
from desktop_llm.gui.models import hub_words
from desktop_llm.gui.models.find.panel import DiscoverPanel
from desktop_llm.gui.models.here.panel import LocalPanel
from desktop_llm.words import tr

DISCOVER, LOCAL = 0, 1


class Sidebar(QWidget):
    """Signals: `typed` and `entered` (by Enter) with the text in the search field; `segment_changed`."""

    typed = Signal(str)
    entered = Signal(str)
    segment_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.segments = Segments(
            (tr("Discover"), tr("On this computer")),
            object_name="models_segments",
            accessible_name=tr("Where to search"),
        )
        self.search = SearchField(tr("Search models, or paste a link"), object_name="models_search")
        self._stack = QStackedWidget(self)
        self.discover, self.local = DiscoverPanel(self._stack), LocalPanel(self._stack)
        self._hub = Label("", "small", "text_secondary", wrap=True, object_name="models_hub")
        self._hub.hide()
        self._mirror = False
        self._texts = {DISCOVER: "", LOCAL: ""}
        self._stack.addWidget(self.discover)
        self._stack.addWidget(self.local)
        self._lay_out()
        self.segments.currentChanged.connect(self._on_segment)
        self.search.textChanged.connect(self.typed)
        self.search.returnPressed.connect(self._on_entered)
        self.discover.clear_requested.connect(self.search.clear)
        repaint_on_theme(self)

    def segment(self) -> int:
        """The list that is shown: DISCOVER or LOCAL."""
        return self.segments.currentIndex()

    def show_segment(self, segment: int) -> None:
        """Show this list."""
        self.segments.setCurrentIndex(segment)

    def set_count(self, count: int) -> None:
        """Show the number of models on this computer."""
        self.segments.setTabText(LOCAL, tr("On this computer {count}", count=number(count)))

    def set_endpoint(self, endpoint: str) -> None:
        """Say where the results come from if the hub is not the usual one."""
        name = hub_words.hub_name(endpoint)
        self._hub.setText(tr("Results of {host}", host=name))
        self._mirror = name != hub_words.hub_name("")
        self._hub.setVisible(self._mirror and self.segment() == DISCOVER)
        self.discover.set_hub(name)

    def _lay_out(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(12, 10, 12, 0)
        top.setSpacing(8)
        top.addWidget(self.segments)
        top.addWidget(self.search)
        top.addWidget(self._hub)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._stack, 1)

    def _on_segment(self, segment: int) -> None:
        self._stack.setCurrentIndex(segment)
        local = segment == LOCAL
        self._texts[DISCOVER if local else LOCAL] = self.search.text()
        self.search.setText(self._texts[segment])
        self._hub.setVisible(self._mirror and not local)
        self.search.setPlaceholderText(
            tr("Search models on this computer") if local else tr("Search models, or paste a link")
        )
        self.segment_changed.emit(segment)

    def _on_entered(self) -> None:
        self.entered.emit(self.search.text().strip())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move from the search field to the rows on Down."""
        if event.key() == Qt.Key.Key_Down and self.search.hasFocus():
            (self.local if self.segment() == LOCAL else self.discover).focus_list()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background and its edge."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_sidebar"))
        edge = 0 if self.isRightToLeft() else self.width() - 1
        painter.fillRect(edge, 0, 1, self.height(), colour("border_subtle"))
        painter.end()
