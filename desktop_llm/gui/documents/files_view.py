"""The page's second level: all files of one collection, with a filter and what can be done with the chosen ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QItemSelectionRange, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QTableView, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.documents.failures import action_for
from desktop_llm.gui.documents.files_table import DOCUMENT, PAGES, PASSAGES, SIZE, STATUS, FilesModel
from desktop_llm.gui.widgets import Button, ElidedLabel, IconButton, Label, SearchField
from desktop_llm.gui.widgets.painting import set_names
from desktop_llm.knowledge.client import Document


class FilesView(QWidget):
    """Shows a collection's documents. `action_requested(action, paths)`: retry, password, show or remove, for the
    chosen files; `add_requested` and `left` are the buttons at the top."""

    action_requested = Signal(str, object)
    add_requested = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_files")
        self._model = FilesModel(self)
        self._total = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._header())
        self._table = self._make_table()
        self._table.setAccessibleName(self.tr("Files"))
        column.addWidget(self._table, 1)
        column.addLayout(self._actions())
        self._refresh_actions()

    def show_collection(self, name: str) -> None:
        """Become the view of another collection, still without its documents."""
        self._title.set_text(words.plain(name))
        self._filter.clear()
        self._model.set_documents([])
        self._count.setText(self.tr("Looking up the files"))
        self._table.setAccessibleName(self.tr("Files of {name}").format(name=words.plain(name)))
        self._refresh_actions()

    def set_documents(self, documents: Sequence[Document]) -> None:
        """Show these documents; what was chosen stays chosen where it still is there."""
        chosen = [document.path for document in self._chosen()]
        scrolled = self._table.verticalScrollBar().value()
        self._total = len(documents)
        self._model.set_documents(documents)
        self._choose(chosen)
        self._table.verticalScrollBar().setValue(scrolled)
        self._refresh_actions()

    def focus_table(self) -> None:
        """Put the keyboard into the table."""
        self._table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _header(self) -> QHBoxLayout:
        back = IconButton(
            "left", self.tr("Back to all collections"), self.tr("Back (Esc)"), object_name="documents_files_back"
        )
        back.clicked.connect(self.left)
        self._title = ElidedLabel("", "heading", object_name="documents_files_title")
        self._filter = SearchField(self.tr("Filter files"), object_name="documents_files_filter")
        self._filter.setFixedWidth(240)
        self._filter.search_changed.connect(self._on_filtered)
        add = Button(self.tr("Add files"), "plus", object_name="documents_files_add")
        add.clicked.connect(self.add_requested)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(back)
        row.addWidget(self._title, 1)
        row.addWidget(self._filter)
        row.addWidget(add)
        return row

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("documents_files_table")
        table.setModel(self._model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setShowGrid(False)
        table.setCornerButtonEnabled(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(theme.current().length("control", "row_list"))
        table.setSortingEnabled(True)
        table.sortByColumn(STATUS, Qt.SortOrder.AscendingOrder)
        self._size_columns(table.horizontalHeader())
        table.selectionModel().selectionChanged.connect(self._refresh_actions)
        return table

    def _size_columns(self, header: QHeaderView) -> None:
        set_names(header, "documents_files_header", self.tr("Sort the files"))
        header.setHighlightSections(False)
        header.setSectionResizeMode(DOCUMENT, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(STATUS, QHeaderView.ResizeMode.Stretch)
        for column, width in ((PAGES, 84), (PASSAGES, 104), (SIZE, 92)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)

    def _actions(self) -> QHBoxLayout:
        self._count = Label("", "small", "text_secondary", object_name="documents_files_count")
        self._password = self._button("password", self.tr("Give password"), "lock")
        self._retry = self._button("retry", self.tr("Try again"), "retry")
        self._show = self._button("show", self.tr("Show file"), "external")
        self._remove = self._button("remove", self.tr("Remove from collection"), "x")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 8)
        row.setSpacing(2)
        row.addWidget(self._count, 1)
        for button in (self._password, self._retry, self._show, self._remove):
            row.addWidget(button)
        return row

    def _button(self, name: str, text: str, icon: str) -> Button:
        button = Button(text, icon, kind="quiet", object_name=f"documents_files_{name}")
        button.setProperty("action", name)
        button.clicked.connect(self._on_button)
        return button

    def _on_button(self) -> None:
        paths = [document.path for document in self._chosen()]
        self.action_requested.emit(self.sender().property("action"), paths)

    def _on_filtered(self, text: str) -> None:
        chosen = [document.path for document in self._chosen()]
        self._model.set_filter(text)
        self._choose(chosen)
        self._refresh_actions()

    def _chosen(self) -> list[Document]:
        # By ranges: asking Qt for each chosen row takes seconds when all of 20,000 are.
        selection = self._table.selectionModel().selection()
        ranges = [selection.at(index) for index in range(selection.count())]
        return self._model.documents_at([row for each in ranges for row in range(each.top(), each.bottom() + 1)])

    def _choose(self, paths: list[str]) -> None:
        chosen, last = QItemSelection(), self._model.columnCount() - 1
        for top, bottom in _runs(self._model.rows_of(paths)):
            chosen.append(QItemSelectionRange(self._model.index(top, 0), self._model.index(bottom, last)))
        self._table.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _refresh_actions(self) -> None:
        chosen = self._chosen()
        failed = [document for document in chosen if document.status == "failed"]
        locked = [document for document in failed if action_for(document.cause) == "password"]
        self._password.setVisible(len(chosen) == 1 and bool(locked))
        self._retry.setVisible(bool(failed) and len(failed) == len(chosen) and not self._password.isVisibleTo(self))
        self._show.setVisible(len(chosen) == 1)
        self._remove.setVisible(bool(chosen))
        self._remove.setToolTip(self.tr("The file itself is not touched"))
        self._count.setText(self._count_text(len(chosen)))

    def _count_text(self, chosen: int) -> str:
        shown = self._model.rowCount()
        all_of_them = words.documents(self._total)
        text = (
            all_of_them
            if shown == self._total
            else self.tr("{shown} of {all}").format(shown=words.number(shown), all=all_of_them)
        )
        return text + (self.tr(", {count} chosen").format(count=words.number(chosen)) if chosen else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back, Delete removes the chosen files from the collection."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() == Qt.Key.Key_Delete and self._chosen():
            self.action_requested.emit("remove", [document.path for document in self._chosen()])
        else:
            super().keyPressEvent(event)


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending rows as (first, last) of those without a gap."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
