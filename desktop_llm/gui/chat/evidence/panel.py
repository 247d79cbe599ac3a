"""The right panel of the window: the page that a citation comes from, and all passages that an answer was given.

It asks for pages with `page_requested` and ignores a late answer about another page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.chat.evidence.cards import PassageCards, tallest_card
from desktop_llm.gui.chat.evidence.contradiction import ContradictionCard
from desktop_llm.gui.chat.evidence.details_view import SearchDetailsView
from desktop_llm.gui.chat.evidence.page_view import PageStack
from desktop_llm.gui.chat.transcript.checked import CheckedSentence
from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.widgets import ElidedLabel, EmptyState, IconButton, Label, Picture, Segments
from desktop_llm.gui.look.widgets.painting import repaint_on_theme
from desktop_llm.gui.work import links
from desktop_llm.knowledge.client import PagePicture, PageText, TracedCandidate
from desktop_llm.message import Citation
from desktop_llm.words import tr

_DETAILS = 2  # the segment


class FoundLine(QWidget):
    """A line with an icon and a sentence at the left, and the relevance at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = Picture("check", 14, "success_text")
        self._sentence = ElidedLabel("", "small", "success_text", object_name="evidence_found")
        self._relevance = Label("", "small", "text_secondary", object_name="evidence_relevance")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._icon)
        row.addWidget(self._sentence, 1)
        row.addWidget(self._relevance)

    def show_quote(self, quote: Citation, *, checked: bool) -> None:
        """Say how sure this is: a quote of an answer was `checked`, a passage comes straight from the documents."""
        icon, colour, sentence = _verdict(quote, checked)
        self._icon.set_icon(icon, colour)
        self._sentence.set_colour(colour)
        self._sentence.set_text(sentence)
        score = tr("relevance {score}", score=f"{quote.score:.2f}")
        self._relevance.setText(score if quote.score > 0 else "")


def _verdict(quote: Citation, checked: bool) -> tuple[str, str, str]:
    if not quote.verified and not checked:
        return "quote", "text_secondary", tr("Found in your documents")
    if not quote.verified:
        return "warn", "warning_text", tr("Not confirmed: treat with care")
    if quote.page is None:
        return "check", "success_text", tr("Quote found word for word in this document")
    return "check", "success_text", tr("Quote found word for word on this page")


class PageToolbar(QWidget):
    """Signals: `turned` with -1 for the previous page and 1 for the next; `zoomed` with -1 to zoom out and 1 to zoom
    in."""

    turned = Signal(int)
    zoomed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ElidedLabel("", "ui", mode=Qt.TextElideMode.ElideMiddle, object_name="evidence_document")
        self._place = Label("", "ui", "text_secondary", object_name="evidence_page_number")
        self._back = self._button("left", tr("Previous page"), tr("Previous page (Left)"), "previous")
        self._next = self._button("right", tr("Next page"), tr("Next page (Right)"), "next")
        self._out = self._button("zoomout", tr("Zoom out"), tr("Zoom out (Ctrl+wheel)"), "zoom_out")
        self._in = self._button("zoomin", tr("Zoom in"), tr("Zoom in (Ctrl+wheel)"), "zoom_in")
        self._back.clicked.connect(self._on_back)
        self._next.clicked.connect(self._on_next)
        self._out.clicked.connect(self._on_out)
        self._in.clicked.connect(self._on_in)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(Picture("filetext", 16))
        row.addSpacing(8)
        row.addWidget(self._name, 1)
        row.addSpacing(8)
        for widget in (self._back, self._place, self._next, self._out, self._in):
            row.addWidget(widget)

    def show_place(self, document: str, page: int | None, pages: int | None, place: str = "") -> None:
        """Show the file's name and the place in it; `pages` is None until the number is known."""
        self._name.set_text(formats.file_name(document))
        self._place.setText(_place_words(page, pages, formats.plain(place)))
        paged = page is not None
        self._back.setVisible(paged)
        self._next.setVisible(paged)
        self._back.setEnabled(page is not None and page > 1)
        self._next.setEnabled(page is not None and pages is not None and page < pages)

    def show_zoom(self, offered: bool) -> None:
        """Offer to zoom, which works for page pictures only."""
        self._out.setVisible(offered)
        self._in.setVisible(offered)

    def _button(self, icon: str, text: str, tooltip: str, name: str) -> IconButton:
        return IconButton(icon, text, tooltip, object_name=f"evidence_{name}", side=22)

    def _on_back(self) -> None:
        self.turned.emit(-1)

    def _on_next(self) -> None:
        self.turned.emit(1)

    def _on_out(self) -> None:
        self.zoomed.emit(-1)

    def _on_in(self) -> None:
        self.zoomed.emit(1)


def _open_words(quote: Citation | None) -> tuple[str, str]:
    """The name and the tooltip of the button that opens the file."""
    if quote is None or links.is_document(quote.document):
        return tr("Open the file"), tr("Open the file in its own app")
    return tr("Show the file in its folder"), tr("Show the file in its folder, as files of this kind may be run")


def _place_words(page: int | None, pages: int | None, place: str) -> str:
    if page is None:
        return place
    if pages is None:
        return formats.number(page)
    return tr("{page} of {pages}", page=formats.number(page), pages=formats.number(pages))


_CARDS_PART = 0.28
"""The most of the panel's height that the cards below the page take."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that the panel wants to show: `page` is None in formats without pages, `start == end` lights nothing."""

    document: str
    page: int | None
    width_px: int
    start: int
    end: int


class EvidencePanel(QWidget):
    """The panel with its title and the choice between Page and Passages. Esc closes it, Left and Right turn the page.

    Signals: `open_file_requested` with the quote whose file should be opened; `details_requested` when the details of
    the search are to be seen.
    """

    page_requested = Signal(PageRequest)
    details_requested = Signal()
    open_file_requested = Signal(Citation)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence_panel")
        self.setAccessibleName(tr("Evidence"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumWidth(theme.current().length("column", "evidence_min"))
        self._quote: Citation | None = None
        self._citations: tuple[Citation, ...] = ()
        self._passages: tuple[Citation, ...] = ()
        self._opposed: tuple[CheckedSentence, ...] = ()
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
    def quote(self) -> Citation | None:
        """The citation or passage whose page is shown."""
        return self._quote

    def show_evidence(
        self,
        citations: Sequence[Citation],
        passages: Sequence[Citation] = (),
        chosen: Citation | None = None,
        opposed: Sequence[CheckedSentence] = (),
    ) -> None:
        """Show the evidence of an answer: its citations, the passages that the model was given, and the sentences that
        a passage contradicts.

        `chosen` is opened. Without it, the open quote stays if it is among them; otherwise the first one is opened.
        """
        self._citations, self._passages = tuple(dict.fromkeys(citations)), tuple(passages)
        self._opposed = tuple(opposed)
        shown = self._citations or self._passages
        self._cited.set_quotes(shown, checked=bool(citations))
        self._sources.set_quotes(self._passages)
        self._segments.setTabText(1, tr("Passages") + (f"  {len(passages)}" if passages else ""))
        if chosen is None and self._quote not in shown:
            chosen = shown[0] if shown else None
        if chosen is not None:
            self.show_quote(chosen)
        elif not shown:
            self._forget()
        self._refresh()

    def show_quote(self, quote: Citation) -> None:
        """Open the page of a citation or passage and highlight it."""
        self._quote = quote
        self._cited.set_active(quote)
        self._sources.set_active(quote)
        self._found.show_quote(quote, checked=quote in self._citations)
        opposed = next((each for each in self._opposed if quote in each.check.quotes), None)
        self.contradiction.show_checked(opposed)
        self._found.setVisible(opposed is None)
        self._segments.setCurrentIndex(0)
        self._pages = None
        self._refresh()
        self._turn_to(quote.page)

    def show_details(self) -> None:
        """Go to the details of the search."""
        self._segments.setCurrentIndex(_DETAILS)

    @property
    def shows_details(self) -> bool:
        """Whether the details of the search are in front."""
        return self._segments.currentIndex() == _DETAILS

    def show_picture(self, picture: PagePicture, document: str, page: int) -> None:
        """Show a page as a picture."""
        if not self._is_shown(document, page):
            return
        self._waiting = False
        self._pages = picture.pages
        self._views.show_picture(picture)
        self._refresh_place()

    def show_text(self, text: PageText, document: str, page: int | None, start: int, end: int) -> None:
        """Show the text of a page with `[start:end]` highlighted."""
        if not self._is_shown(document, page):
            return
        self._waiting = False
        self._pages = text.pages
        self._views.show_text(text.text, start, end)
        self._refresh_place(text.place)

    def set_busy(self) -> None:
        """Say that a page is being fetched, if that takes long enough to be noticed."""
        self._views.wait()

    def set_error(self, text: str) -> None:
        """Say why the page can't be shown; the quote below stays."""
        self._waiting = False
        self._views.show_error(text)

    def _header(self) -> QHBoxLayout:
        self._open = IconButton("external", *_open_words(None), object_name="evidence_open")
        self._open.clicked.connect(self._on_open)
        close = IconButton("x", tr("Close the evidence panel"), tr("Close (Esc)"), object_name="evidence_close")
        close.clicked.connect(self.closed)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(Label(tr("Evidence"), "heading"), 1)
        row.addWidget(self._open)
        row.addWidget(close)
        return row

    def _make_segments(self) -> Segments:
        names = (tr("Page"), tr("Passages"), tr("Search details"))
        self._segments = Segments(names, object_name="evidence_segments", accessible_name=tr("Parts of the evidence"))
        self._segments.currentChanged.connect(self._on_segment)
        return self._segments

    def _make_levels(self) -> QStackedWidget:
        self._levels = QStackedWidget(self)
        self._sources = PassageCards("evidence_sources", tr("Passages given to the model"), self._levels)
        self._sources.chosen.connect(self._on_card)
        self._nothing = EmptyState(
            "quote",
            tr("No evidence yet"),
            tr("Ask your documents: the pages behind an answer open here, with the quoted words highlighted."),
            object_name="evidence_empty",
        )
        self._page_level = self._make_page_level()
        self.details = SearchDetailsView(self._levels)
        self.details.opened.connect(self._on_candidate)
        for level in (self._page_level, self._sources, self.details, self._nothing):
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
        self.contradiction = ContradictionCard()
        self._cited = PassageCards("evidence_citations", tr("Citations of this answer"))
        self._cited.chosen.connect(self._on_card)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self._toolbar, self._views, self._found, self.contradiction, self._cited):
            column.addWidget(widget, 1 if widget is self._views else 0)
        return page

    def _refresh(self) -> None:
        """Show the page or the passages, or the empty state if there is neither."""
        if self._segments.currentIndex() == _DETAILS:
            self._levels.setCurrentWidget(self.details)
        elif self._segments.currentIndex() == 1:
            self._levels.setCurrentWidget(self._sources)
        else:
            self._levels.setCurrentWidget(self._page_level if self._quote else self._nothing)
        self._open.setEnabled(self._quote is not None)
        words, tip = _open_words(self._quote)
        self._open.set_content("external", words, tip)
        self._views.set_open_words(words)
        self._cited.setVisible(not self._cited.is_empty())
        self._refresh_place()

    def _refresh_place(self, place: str = "") -> None:
        if self._quote is None:
            return
        place = place or self._quote.place
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
        """Ask for the page, unless the panel is hidden."""
        if not self.isVisible():
            self._waiting = True
            return
        self._waiting = False
        quote = self._quote
        if quote is None:
            return
        lit = (quote.start, quote.end) if self._page == quote.page else (0, 0)
        self._views.wait()
        self.page_requested.emit(PageRequest(quote.document, self._page, self._views.wanted_width(), *lit))

    def _on_segment(self, index: int) -> None:
        self._refresh()
        if index == _DETAILS:
            self.details_requested.emit()

    def _on_candidate(self, found: TracedCandidate) -> None:
        score = min(1.0, found.score)
        self.show_quote(Citation(0, found.document, found.page, found.start, found.end, "", score, place=found.place))

    def _on_card(self, quote: Citation) -> None:
        self.show_quote(quote)

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
            self.open_file_requested.emit(self._quote)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the page that was chosen while the panel was hidden."""
        super().showEvent(event)
        if self._waiting:
            self._request()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Limit the height of the cards, so that the page gets most of it."""
        super().resizeEvent(event)
        self._cited.setMaximumHeight(max(tallest_card(), int(self.height() * _CARDS_PART)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Esc, turn the page on Left and Right."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() == Qt.Key.Key_Left:
            self._on_turned(-1)
        elif event.key() == Qt.Key.Key_Right:
            self._on_turned(1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint an opaque background, as the panel may lie over the chat, and a hairline at its left."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_window"))
        painter.setPen(colour("border_subtle"))
        edge = self.width() - 1 if self.isRightToLeft() else 0
        painter.drawLine(edge, 0, edge, self.height())
        painter.end()
