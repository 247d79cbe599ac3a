"""The right panel of the window: the page that a citation comes from, and all passages an answer was given.

It asks for pages with `page_requested` and shows the answer that belongs to what it is showing; a late answer about
another page is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.evidence.cards import PassageCards, Quote, tallest_card
from desktop_llm.gui.evidence.found_line import FoundLine
from desktop_llm.gui.evidence.page_stack import PageStack
from desktop_llm.gui.evidence.segments import Segments
from desktop_llm.gui.evidence.toolbar import PageToolbar
from desktop_llm.gui.widgets import EmptyState, IconButton, Label
from desktop_llm.gui.widgets.painting import repaint_on_theme
from desktop_llm.knowledge.client import Citation, PagePicture, PageText, Passage

_CARDS_PART = 0.28
"""The most of the panel's height that the cards below the page take."""


class EvidencePanel(QWidget):
    """Title, Page or Passages, and the keyboard: Esc closes, Left and Right turn the page.

    `page_requested(document, page, width_px, start, end)`: `page` is None for formats without pages; `start == end`
    where nothing is to be lit. Documents cross as `object`, since a Qt string can't carry every path.
    """

    page_requested = Signal(object, object, int, int, int)
    citation_selected = Signal(int)
    open_file_requested = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence_panel")
        self.setAccessibleName(self.tr("Evidence"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumWidth(theme.current().length("column", "evidence_min"))
        self._quote: Quote | None = None
        self._page: int | None = None
        self._pages: int | None = None
        self._waiting = False
        column = QVBoxLayout(self)
        column.setContentsMargins(17, 6, 16, 12)
        column.setSpacing(8)
        column.addLayout(self._header())
        column.addWidget(self._make_segments())
        column.addWidget(self._make_levels(), 1)
        repaint_on_theme(self)
        self._refresh()

    @property
    def quote(self) -> Quote | None:
        """The citation or passage whose page is shown."""
        return self._quote

    def set_citations(self, citations: Sequence[Citation], active: int | None = None) -> None:
        """The citations of an answer; `active` is the number of the one to show now."""
        self._cited.set_quotes(citations)
        chosen = next((citation for citation in citations if citation.number == active), None)
        if chosen is None and self._quote not in citations:
            chosen = citations[0] if citations else None
        if chosen is not None:
            self.show_quote(chosen)
        elif not citations:
            self._forget()
        self._refresh()

    def set_sources(self, passages: Sequence[Passage]) -> None:
        """All passages that were given to the model for this answer."""
        self._sources.set_quotes(passages)
        self._segments.setTabText(1, self.tr("Passages") + (f"  {len(passages)}" if passages else ""))
        self._refresh()

    def show_quote(self, quote: Quote) -> None:
        """Open the page of a citation or passage and light it."""
        self._quote = quote
        self._cited.set_active(quote)
        self._sources.set_active(quote)
        self._found.show_quote(quote)
        self._segments.setCurrentIndex(0)
        self._pages = None
        self._refresh()
        self._turn_to(quote.page)

    def show_picture(self, picture: PagePicture, document: str, page: int) -> None:
        """A page as it looks."""
        if not self._is_shown(document, page):
            return
        self._waiting = False
        self._pages = picture.pages
        self._views.show_picture(picture)
        self._refresh_place()

    def show_text(self, text: PageText, document: str, page: int | None, start: int, end: int) -> None:
        """The text of a page; `[start:end]` is lit."""
        if not self._is_shown(document, page):
            return
        self._waiting = False
        self._pages = text.pages
        self._views.show_text(text.text, start, end)
        self._refresh_place(text.place)

    def set_busy(self) -> None:
        """A page is being fetched; said only when it takes long enough to be noticed."""
        self._views.wait()

    def set_error(self, text: str) -> None:
        """Say in words why the page can't be shown; the quote below stays."""
        self._waiting = False
        self._views.show_error(text)

    def _header(self) -> QHBoxLayout:
        self._open = IconButton(
            "external", self.tr("Open the file"), self.tr("Open the file in its own app"), object_name="evidence_open"
        )
        self._open.clicked.connect(self._on_open)
        close = IconButton(
            "x", self.tr("Close the evidence panel"), self.tr("Close (Esc)"), object_name="evidence_close"
        )
        close.clicked.connect(self.closed)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(Label(self.tr("Evidence"), "heading"), 1)
        row.addWidget(self._open)
        row.addWidget(close)
        return row

    def _make_segments(self) -> Segments:
        names = (self.tr("Page"), self.tr("Passages"))
        self._segments = Segments(
            names, object_name="evidence_segments", accessible_name=self.tr("Parts of the evidence")
        )
        self._segments.currentChanged.connect(self._on_segment)
        return self._segments

    def _make_levels(self) -> QStackedWidget:
        self._levels = QStackedWidget(self)
        self._sources = PassageCards("evidence_sources", self.tr("Passages given to the model"), self._levels)
        self._sources.chosen.connect(self._on_card)
        self._nothing = EmptyState(
            "quote",
            self.tr("No evidence yet"),
            self.tr("Ask your documents: the pages an answer rests on open here, with the words lit."),
            object_name="evidence_empty",
        )
        self._page_level = self._make_page_level()
        for level in (self._page_level, self._sources, self._nothing):
            self._levels.addWidget(level)
        return self._levels

    def _make_page_level(self) -> QWidget:
        page = QWidget(self._levels)
        self._toolbar = PageToolbar()
        self._toolbar.turned.connect(self._on_turned)
        self._toolbar.zoomed.connect(self._on_zoomed)
        self._views = PageStack(page)
        self._views.width_wanted.connect(self._on_width_wanted)
        self._views.open_requested.connect(self._on_open)
        self._found = FoundLine()
        self._cited = PassageCards("evidence_citations", self.tr("Citations of this answer"))
        self._cited.chosen.connect(self._on_card)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget, stretch in ((self._toolbar, 0), (self._views, 1), (self._found, 0), (self._cited, 0)):
            column.addWidget(widget, stretch)
        return page

    def _refresh(self) -> None:
        """Show the level that has something to show."""
        if self._segments.currentIndex() == 1:
            self._levels.setCurrentWidget(self._sources)
        else:
            self._levels.setCurrentWidget(self._page_level if self._quote else self._nothing)
        self._open.setEnabled(self._quote is not None)
        self._cited.setVisible(not self._cited.is_empty())
        self._refresh_place()

    def _refresh_place(self, place: str = "") -> None:
        if self._quote is None:
            return
        place = place or (self._quote.place if isinstance(self._quote, Passage) else "")
        self._toolbar.show_place(self._quote.document, self._page, self._pages, place)
        self._toolbar.show_zoom(self._views.shows_picture)

    def _is_shown(self, document: str, page: int | None) -> bool:
        return self._quote is not None and self._quote.document == document and self._page == page

    def _forget(self) -> None:
        self._quote = None
        self._page = self._pages = None
        self._views.clear()

    def _turn_to(self, page: int | None) -> None:
        self._page = page
        self._views.clear()
        self._refresh_place()
        self._request()

    def _request(self) -> None:
        """Ask for the page; while the panel is hidden that would be work for nobody."""
        if not self.isVisible():
            self._waiting = True
            return
        self._waiting = False
        quote = self._quote
        if quote is None:
            return
        lit = (quote.start, quote.end) if self._page == quote.page else (0, 0)
        self._views.wait()
        self.page_requested.emit(quote.document, self._page, self._views.wanted_width(), *lit)

    def _on_segment(self, _index: int) -> None:
        self._refresh()

    def _on_card(self, quote: Quote) -> None:
        self.show_quote(quote)
        self.citation_selected.emit(quote.number)

    def _on_turned(self, step: int) -> None:
        if self._page is None or not 1 <= self._page + step <= (self._pages or self._page):
            return
        self._turn_to(self._page + step)

    def _on_zoomed(self, step: int) -> None:
        self._views.zoom(step)

    def _on_width_wanted(self, _width: int) -> None:
        self._request()

    def _on_open(self) -> None:
        if self._quote is not None:
            self.open_file_requested.emit(self._quote.document)

    def showEvent(self, event: QShowEvent) -> None:
        """Fetch what was asked for while hidden."""
        super().showEvent(event)
        if self._waiting:
            self._request()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave most of the height to the page."""
        super().resizeEvent(event)
        self._cited.setMaximumHeight(max(tallest_card(), int(self.height() * _CARDS_PART)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes, Left and Right turn the page."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() == Qt.Key.Key_Left:
            self._on_turned(-1)
        elif event.key() == Qt.Key.Key_Right:
            self._on_turned(1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """An opaque ground (the panel may lie over the chat) and a hairline at its left."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_window"))
        painter.setPen(colour("border_subtle"))
        edge = self.width() - 1 if self.isRightToLeft() else 0
        painter.drawLine(edge, 0, edge, self.height())
        painter.end()
