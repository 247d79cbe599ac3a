"""All files of one collection as a table: which were read, which could not be read and why, and what to do about it.

Made for 20,000 rows: the model sorts and filters plain lists and answers only for the cells in view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QTableView, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats, icons, theme
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.literal import set_tip, tip_text
from desktop_llm.gui.look.widgets import Button, Label, SearchField
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.gui.work.collection_parts import action_for
from desktop_llm.knowledge.client import Document
from desktop_llm.words import tr

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
DOCUMENT, STATUS, PAGES, PASSAGES, SIZE = range(5)
_NUMBERS = (PAGES, PASSAGES, SIZE)
_STATUS_LOOK = {
    "ready": ("check", "success_text"),
    "partly": ("warn", "warning_text"),
    "failed": ("warn", "warning_text"),
    "waiting": ("clock", "text_secondary"),
}
_ORDER = {"failed": 0, "partly": 1, "waiting": 2, "ready": 3}


class FilesModel(QAbstractTableModel):
    """Documents as rows; `documents_at` returns the documents of the selected rows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[Document] = []
        self._rows: list[Document] = []
        self._filter = ""
        self._sorting = (STATUS, Qt.SortOrder.AscendingOrder)
        self._titles = [
            tr("Document"),
            tr("Status"),
            tr("Pages"),
            tr("Passages"),
            tr("Size"),
        ]

    def set_documents(self, documents: Sequence[Document]) -> None:
        """Replace the documents."""
        self._all = list(documents)
        self._arrange()

    def set_filter(self, text: str) -> None:
        """Show only the rows whose path or reason contains the text."""
        self._filter = text.strip().casefold()
        self._arrange()

    def documents_at(self, rows: Sequence[int]) -> list[Document]:
        """The documents of these rows."""
        return [self._rows[row] for row in sorted(set(rows))]

    def rows_of(self, paths: Sequence[str]) -> list[int]:
        """The rows that show these paths; paths without a row are left out."""
        wanted = set(paths)
        return [row for row, document in enumerate(self._rows) if document.path in wanted] if wanted else []

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One row for each document that passes the filter."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Document, status, pages, passages, size."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The titles of the columns."""
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text, icon and colours of a cell."""
        if not index.isValid():
            return None
        document, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(document, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(document, column)
        if column == STATUS:
            return _status_look(document, role)
        if role == Qt.ItemDataRole.ForegroundRole and column in _NUMBERS:
            return theme.current().colour("text_secondary")
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, and by path if the values are equal."""
        self._sorting = (column, order)
        self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        column, order = self._sorting
        kept = [document for document in self._all if self._matches(document)]
        kept.sort(key=attrgetter("path"))
        kept.sort(key=_SORT_KEYS[column], reverse=order == Qt.SortOrder.DescendingOrder)
        self._rows = kept
        self.endResetModel()

    def _matches(self, document: Document) -> bool:
        return self._filter in document.path.casefold() or self._filter in document.reason.casefold()


_SORT_KEYS: dict[int, Callable[[Document], Any]] = {
    DOCUMENT: lambda document: document.path.rpartition("/")[2].casefold(),
    STATUS: lambda document: _ORDER.get(_state(document), len(_ORDER)),
    PAGES: attrgetter("pages"),
    PASSAGES: attrgetter("chunks"),
    SIZE: attrgetter("size_bytes"),
}


def _state(document: Document) -> str:
    return "partly" if document.status == "ready" and document.reason else document.status


def status_text(document: Document) -> str:
    """The state in words; for a file that could not be read, or only in part, the reason."""
    if _state(document) == "ready":
        return tr("Ready")
    if document.status == "waiting":
        return tr("Waiting to be read")
    return formats.plain(document.reason) or tr("Could not be read")


def _text(document: Document, column: int) -> str:
    if column == DOCUMENT:
        return formats.file_name(document.path)
    if column == STATUS:
        return status_text(document)
    if column == SIZE:
        return formats.size(document.size_bytes) if document.size_bytes else "–"
    amount = document.pages if column == PAGES else document.chunks
    return formats.number(amount) if amount else "–"


def _tooltip(document: Document, column: int) -> str | None:
    if column == DOCUMENT:
        return tip_text(formats.plain(document.path))
    if column == STATUS and document.status == "failed":
        return tip_text(status_text(document))
    return None


def _status_look(document: Document, role: int) -> Any:
    name, colour = _STATUS_LOOK.get(_state(document), _STATUS_LOOK["waiting"])
    if role == Qt.ItemDataRole.DecorationRole:
        return icons.pixmap(name, colour, 14)
    if role == Qt.ItemDataRole.ForegroundRole:
        return theme.current().colour(colour if document.reason else "text_secondary")
    return None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class FilesView(QWidget):
    """Shows a collection's documents. Signals: `acted` with retry, password, show, remove_files or forget for the
    chosen files, or with add_files for the collection; `left` when the person goes back to all collections."""

    acted = Signal(CardAction)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_files")
        self._model = FilesModel(self)
        self._name = ""
        self._total = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._header())
        self._table = self._make_table()
        self._table.setAccessibleName(tr("Files"))
        column.addWidget(self._table, 1)
        column.addLayout(self._actions())
        self._refresh_actions()

    def show_collection(self, name: str) -> None:
        """Switch to another collection; its documents follow with `set_documents`."""
        self._name = name
        self._filter.clear()
        self._model.set_documents([])
        self._count.setText(tr("Looking up the files"))
        self._table.setAccessibleName(tr("Files of {name}", name=formats.plain(name)))
        self._refresh_actions()

    def set_documents(self, documents: Sequence[Document]) -> None:
        """Show these documents, and keep the selection."""
        chosen = [document.path for document in self._chosen()]
        scrolled = self._table.verticalScrollBar().value()
        self._total = len(documents)
        self._model.set_documents(documents)
        self._choose(chosen)
        self._table.verticalScrollBar().setValue(scrolled)
        self._refresh_actions()

    def focus_table(self) -> None:
        """Move the keyboard focus to the table."""
        self._table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _header(self) -> QHBoxLayout:
        self._filter = SearchField(tr("Filter files"), object_name="documents_files_filter")
        self._filter.setFixedWidth(240)
        self._filter.search_changed.connect(self._on_filtered)
        add = Button(tr("Add files"), "plus", object_name="documents_files_add")
        add.clicked.connect(self._on_add)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._filter)
        row.addStretch(1)
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
        set_names(header, "documents_files_header", tr("Sort the files"))
        header.setHighlightSections(False)
        header.setSectionResizeMode(DOCUMENT, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(STATUS, QHeaderView.ResizeMode.Stretch)
        for column, width in ((PAGES, 84), (PASSAGES, 104), (SIZE, 92)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)

    def _actions(self) -> QHBoxLayout:
        self._count = Label("", "small", "text_secondary", object_name="documents_files_count")
        self._password = self._button("password", tr("Give password"), "lock")
        self._retry = self._button("retry", tr("Try again"), "retry")
        self._show = self._button("show", tr("Show file"), "external")
        self._remove = self._button("remove_files", tr("Remove from collection"), "x")
        self._forget = self._button("forget", tr("Forget this file…"), "trash")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 8)
        row.setSpacing(2)
        row.addWidget(self._count, 1)
        for button in (self._password, self._retry, self._show, self._remove, self._forget):
            row.addWidget(button)
        return row

    def _button(self, name: str, text: str, icon: str) -> Button:
        button = Button(text, icon, kind="quiet", object_name=f"documents_files_{name.removesuffix('_files')}")
        button.setProperty("action", name)
        button.clicked.connect(self._on_button)
        return button

    def _on_button(self) -> None:
        self._act(self.sender().property("action"))

    def _on_add(self) -> None:
        self.acted.emit(CardAction("add_files", self._name))

    def _act(self, action: str) -> None:
        self.acted.emit(CardAction(action, self._name, tuple(document.path for document in self._chosen())))

    def _on_filtered(self, text: str) -> None:
        chosen = [document.path for document in self._chosen()]
        self._model.set_filter(text)
        self._choose(chosen)
        self._refresh_actions()

    def _chosen(self) -> list[Document]:
        # By ranges: asking Qt for each selected row takes seconds if all 20,000 are selected.
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
        self._forget.setVisible(len(chosen) == 1)
        set_tip(self._forget, tr("Removes every trace of its text from this app; the file itself is not touched"))
        set_tip(self._remove, tr("The file itself is not touched"))
        self._count.setText(self._count_text(len(chosen)))

    def _count_text(self, chosen: int) -> str:
        shown = self._model.rowCount()
        all_of_them = formats.documents(self._total)
        text = (
            all_of_them
            if shown == self._total
            else tr("{shown} of {all}", shown=formats.number(shown), all=all_of_them)
        )
        return text + (tr(", {count} chosen", count=formats.number(chosen)) if chosen else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back, Delete removes the chosen files from the collection."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() == Qt.Key.Key_Delete and self._chosen():
            self._act("remove_files")
        else:
            super().keyPressEvent(event)


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending rows grouped into unbroken ranges, each as (first, last)."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
