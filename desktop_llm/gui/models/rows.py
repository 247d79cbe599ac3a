"""The rows of the page's lists: one model each, painted by a delegate, so that 20,000 are as quick as twenty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QListView

from desktop_llm.gui.models.row_delegate import Index, RowDelegate
from desktop_llm.gui.widgets.labels import PillKind
from desktop_llm.gui.widgets.painting import repaint_on_theme, set_names

_NO_PARENT = QModelIndex()


@dataclass(frozen=True, slots=True)
class Mark:
    """A pill: word, kind and icon."""

    text: str
    kind: PillKind = "neutral"
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: title with tag, lock and pill above; words and small facts (icon or "", text) below."""

    key: str
    title: str
    second: str = ""
    tag: str = ""
    mark: Mark | None = None
    facts: tuple[tuple[str, str], ...] = ()
    locked: bool = False

    def spoken(self) -> str:
        """The whole row as one line."""
        parts = (self.title, self.tag, self.second, *(text for _, text in self.facts), self.mark and self.mark.text)
        return ", ".join(part for part in parts if part)


Row = Entry | str
"""A row, or the heading of those below it."""


class EntryList(QListView):
    """Signals: `opened` with the key of a row that was clicked or entered; `moved` with that of the row looked at."""

    opened = Signal(str)
    moved = Signal(str)

    def __init__(self, object_name: str, accessible_name: str) -> None:
        super().__init__()
        set_names(self, object_name, accessible_name)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setItemDelegate(RowDelegate(self))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        repaint_on_theme(self)

    def entries(self) -> tuple[Entry, ...]:
        """All rows but headings."""
        return tuple(entry for entry in self._rows.entries if isinstance(entry, Entry))

    def headings(self) -> tuple[str, ...]:
        """All headings."""
        return tuple(entry for entry in self._rows.entries if isinstance(entry, str))

    def set_entries(self, entries: Sequence[Row]) -> None:
        """Show these; the row looked at stays looked at where it still is there."""
        current = self.current_key()
        self.selectionModel().blockSignals(True)
        self.setUniformItemSizes(not any(isinstance(entry, str) for entry in entries))  # quick for 20,000
        self._rows.set_entries(entries)
        self.selectionModel().blockSignals(False)
        self.select(current)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add rows at the end; what is shown stays where it is."""
        self._rows.append(entries)

    def update_entry(self, entry: Entry) -> None:
        """Show newer facts in the row with this key, if it is there."""
        self._rows.replace(entry)

    def remove(self, key: str) -> None:
        """Take the row with this key away, if it is there."""
        self._rows.remove(key)

    def select(self, key: str) -> None:
        """Mark a row without opening it; a key that no row has marks none."""
        row = self._rows.row_of(key)
        self.selectionModel().blockSignals(True)
        if row < 0:
            self.selectionModel().clear()
        else:
            flag = self.selectionModel().SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(self._rows.index(row), flag)
        self.selectionModel().blockSignals(False)
        self.viewport().update()

    def current_key(self) -> str:
        """The row looked at; empty where there is none."""
        return self._rows.key_of(self.currentIndex())

    def focus_first(self) -> None:
        """Take the focus, on the first row if none is looked at."""
        if not self.currentIndex().isValid() and (entries := self.entries()):
            self.setCurrentIndex(self._rows.index(self._rows.row_of(entries[0].key)))
        self.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.moved.emit(self._rows.key_of(current))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space open."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.current_key():
            self.opened.emit(self.current_key())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click opens."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index == self.currentIndex():
            self.opened.emit(self.current_key())


class _Rows(QAbstractListModel):
    """Entries and headings as rows."""

    def __init__(self, parent: QListView) -> None:
        super().__init__(parent)
        self.entries: list[Row] = []
        self._places: dict[str, int] = {}

    def set_entries(self, entries: Sequence[Row]) -> None:
        self.beginResetModel()
        self.entries = list(entries)
        self._find_places()
        self.endResetModel()

    def append(self, entries: Sequence[Entry]) -> None:
        first = len(self.entries)
        if entries:
            self.beginInsertRows(_NO_PARENT, first, first + len(entries) - 1)
            self.entries.extend(entries)
            self._places.update({entry.key: first + row for row, entry in enumerate(entries)})
            self.endInsertRows()

    def replace(self, entry: Entry) -> None:
        row = self.row_of(entry.key)
        if row >= 0:
            self.entries[row] = entry
            self.dataChanged.emit(self.index(row), self.index(row))

    def remove(self, key: str) -> None:
        row = self.row_of(key)
        if row >= 0:
            self.beginRemoveRows(_NO_PARENT, row, row)
            del self.entries[row]
            self._find_places()
            self.endRemoveRows()

    def row_of(self, key: str) -> int:
        return self._places.get(key, -1)

    def _find_places(self) -> None:
        self._places = {entry.key: row for row, entry in enumerate(self.entries) if isinstance(entry, Entry)}

    def key_of(self, index: Index) -> str:
        entry = self.entries[index.row()] if index.isValid() else ""
        return "" if isinstance(entry, str) else entry.key

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A heading can't be chosen."""
        return Qt.ItemFlag.NoItemFlags if isinstance(self.entries[index.row()], str) else super().flags(index)

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """One row an entry or heading."""
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Title, spoken text, and the entry itself to the delegate."""
        entry = self.entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return entry if isinstance(entry, str) else entry.title
            case Qt.ItemDataRole.UserRole:
                return entry
            case Qt.ItemDataRole.AccessibleTextRole:
                return entry if isinstance(entry, str) else entry.spoken()
        return None
