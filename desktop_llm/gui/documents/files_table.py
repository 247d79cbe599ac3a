"""The files of one collection as a table: what has been read, what could not be and why, and what to do about it.

Made for 20,000 rows: the model sorts and filters plain lists and answers only for the cells in view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from operator import attrgetter
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from desktop_llm.gui import icons, theme
from desktop_llm.gui.documents import words
from desktop_llm.knowledge.client import Document
from desktop_llm.words import tr

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
DOCUMENT, STATUS, PAGES, PASSAGES, SIZE = range(5)
_NUMBERS = (PAGES, PASSAGES, SIZE)
_STATUS_LOOK = {
    "ready": ("check", "success_text"),
    "failed": ("warn", "warning_text"),
    "waiting": ("clock", "text_secondary"),
}
_ORDER = {"failed": 0, "waiting": 1, "ready": 2}


class FilesModel(QAbstractTableModel):
    """Documents as rows; `documents_at` gives back what the selected rows stand for."""

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
        """Show these instead."""
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
        """The rows that show these paths; those that no row shows are left out."""
        wanted = set(paths)
        return [row for row, document in enumerate(self._rows) if document.path in wanted] if wanted else []

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One row a document that the filter leaves."""
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
        """Words, icon and colours of a cell."""
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
        """Order by a column; equal ones by path."""
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
    STATUS: lambda document: _ORDER.get(document.status, len(_ORDER)),
    PAGES: attrgetter("pages"),
    PASSAGES: attrgetter("chunks"),
    SIZE: attrgetter("size_bytes"),
}


def status_text(document: Document) -> str:
    """The state in words, with the reason where it could not be read."""
    if document.status == "ready":
        return tr("Ready")
    if document.status == "waiting":
        return tr("Waiting to be read")
    return words.plain(document.reason) or tr("Could not be read")


def _text(document: Document, column: int) -> str:
    if column == DOCUMENT:
        return words.file_name(document.path)
    if column == STATUS:
        return status_text(document)
    if column == SIZE:
        return words.size(document.size_bytes) if document.size_bytes else "–"
    amount = document.pages if column == PAGES else document.chunks
    return words.number(amount) if amount else "–"


def _tooltip(document: Document, column: int) -> str | None:
    # Qt would read a tooltip that looks like HTML as HTML: a path may look like anything.
    if column == DOCUMENT:
        return "<p>" + escape(words.plain(document.path)) + "</p>"
    if column == STATUS and document.status == "failed":
        return "<p>" + escape(status_text(document)) + "</p>"
    return None


def _status_look(document: Document, role: int) -> Any:
    name, colour = _STATUS_LOOK.get(document.status, _STATUS_LOOK["waiting"])
    if role == Qt.ItemDataRole.DecorationRole:
        return icons.pixmap(name, colour, 14)
    if role == Qt.ItemDataRole.ForegroundRole:
        return theme.current().colour(colour if document.status == "failed" else "text_secondary")
    return None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
