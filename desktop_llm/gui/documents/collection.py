"""One collection: its name, and its files, its self-test or its map below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.documents.files import FilesView
from desktop_llm.gui.documents.map_view import MapView
from desktop_llm.gui.documents.self_test_view import SelfTestView
from desktop_llm.gui.look import formats
from desktop_llm.gui.look.widgets import ElidedLabel, IconButton, Segments
from desktop_llm.words import tr

FILES, SELF_TEST, MAP = range(3)


class CollectionView(QWidget):
    """Holds `files`, `self_test` and `map`. Signals: `left`; `map_shown` with the collection's name when its map comes
    to the front and is to be drawn; `self_test_shown` when its last self-test is to be shown.
    """

    left = Signal()
    map_shown = Signal(str)
    self_test_shown = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_view")
        self.name = ""
        self.files, self.self_test, self.map = FilesView(), SelfTestView(), MapView()
        self._stack = QStackedWidget(self)
        for part in (self.files, self.self_test, self.map):
            self._stack.addWidget(part)
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
        self.self_test.clear()
        self.map.clear()

    def _header(self) -> QHBoxLayout:
        back = IconButton("left", tr("Back to all collections"), tr("Back (Esc)"), object_name="documents_files_back")
        back.clicked.connect(self.left)
        self._title = ElidedLabel("", "heading", object_name="documents_files_title")
        names = (tr("Files"), tr("Self-test"), tr("Map"))
        self._tabs = Segments(names, object_name="collection_tabs", accessible_name=tr("Parts of the collection"))
        self._tabs.setFixedWidth(330)
        self._tabs.currentChanged.connect(self._on_tab)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(back)
        row.addWidget(self._title, 1)
        row.addWidget(self._tabs)
        return row

    def _on_tab(self, tab: int) -> None:
        self._stack.setCurrentIndex(tab)
        if tab == SELF_TEST:
            self.self_test_shown.emit(self.name)
        elif tab == MAP and not self.map.is_drawn():
            self._want_map()

    def _want_map(self) -> None:
        self.map_shown.emit(self.name)
