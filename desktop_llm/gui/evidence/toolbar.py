"""The line above a page: which file, which page of how many, zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_llm.gui.documents import words
from desktop_llm.gui.documents.picture import Picture
from desktop_llm.gui.widgets import ElidedLabel, IconButton, Label
from desktop_llm.words import tr


class PageToolbar(QWidget):
    """`turned(step)` for the previous (-1) and next (1) page, `zoomed(step)` likewise for the size."""

    turned = Signal(int)
    zoomed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ElidedLabel("", "ui", mode=Qt.TextElideMode.ElideMiddle, object_name="evidence_document")
        self._place = Label("", "ui", "text_secondary", object_name="evidence_page_number")
        self._back = self._button("left", self.tr("Previous page"), self.tr("Previous page (Left)"), "previous")
        self._next = self._button("right", self.tr("Next page"), self.tr("Next page (Right)"), "next")
        self._out = self._button("zoomout", self.tr("Zoom out"), self.tr("Zoom out (Ctrl+wheel)"), "zoom_out")
        self._in = self._button("zoomin", self.tr("Zoom in"), self.tr("Zoom in (Ctrl+wheel)"), "zoom_in")
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
        """Name the file (by its path) and where in it we are; `pages` is None as long as it isn't known."""
        self._name.set_text(words.file_name(document))
        self._place.setText(_place_words(page, pages, words.plain(place)))
        paged = page is not None
        self._back.setVisible(paged)
        self._next.setVisible(paged)
        self._back.setEnabled(page is not None and page > 1)
        self._next.setEnabled(page is not None and pages is not None and page < pages)

    def show_zoom(self, offered: bool) -> None:
        """Offer to zoom, which only page pictures can."""
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


def _place_words(page: int | None, pages: int | None, place: str) -> str:
    if page is None:
        return place
    if pages is None:
        return words.number(page)
    return tr("{page} of {pages}").format(page=words.number(page), pages=words.number(pages))
