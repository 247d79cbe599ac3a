"""One collection: its name, and its files, its self-test or its map below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.documents.files import FilesView
from desktop_llm.gui.documents.map_view import MapView
from desktop_llm.gui.look import formats
from desktop_llm.gui.look.widgets import ElidedLabel, IconButton, Segments
from desktop_llm.words import tr

FILES, MAP = range(2)


class CollectionView(QWidget):
    """Holds `files` and `map`. Signals: `left`; `map_shown` with the collection's name when its map comes to the front
    and is to be drawn.
    """

    left = Signal()
    map_shown = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_view")
        self.name = ""
        self.files, self.map = FilesView(), MapView()
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self.files)
        self._stack.addWidget(self.map)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._header())
        column.addWidget(self._stack, 1)
        self.files.left.connect(self.left)
        self.map.wanted.connect(self._want_map)

    def show_collection(self, name: str) -> None:
        """Show another collection's files; its documents follow with `files.set_documents`."""
        self.name = name
        self._title.set_text(formats.plain(name))
        self._tabs.setCurrentIndex(FILES)
        self.files.show_collection(name)
        self.map.clear()

    def _header(self) -> QHBoxLayout:
        back = IconButton("left", tr("Back to all collections"), tr("Back (Esc)"), object_name="documents_files_back")
        back.clicked.connect(self.left)
        self._title = ElidedLabel("", "heading", object_name="documents_files_title")
        names = (tr("Files"), tr("Map"))
        self._tabs = Segments(names, object_name="collection_tabs", accessible_name=tr("Parts of the collection"))
        self._tabs.setFixedWidth(240)
        self._tabs.currentChanged.connect(self._on_tab)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(back)
        row.addWidget(self._title, 1)
        row.addWidget(self._tabs)
        return row

    def _on_tab(self, tab: int) -> None:
        self._stack.setCurrentIndex(tab)
        if tab == MAP and not self.map.is_drawn():
            self._want_map()

    def _want_map(self) -> None:
        self.map_shown.emit(self.name)
