"""The rows of the page's lists: one model each, painted by a delegate, so that 20,000 are as quick as twenty."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop_llm.gui import icons, theme
from desktop_llm.gui.model_button import paint_tag, tag_width
from desktop_llm.gui.widgets.labels import PillKind, paint_pill, pill_width
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names

Index = QModelIndex | QPersistentModelIndex

_NO_PARENT = QModelIndex()
_HEADING_HEIGHT = 32
_ROW_HEIGHT, _PADDING, _RIGHT_GAP, _BAR = 54, 12, 8, 3
_ICON, _GAP = 14, 4


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
        self.setItemDelegate(_Delegate(self))
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


class _Delegate(QStyledItemDelegate):
    """Two lines: title, tag, lock and pill; words and facts."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        metrics = QFontMetrics(theme.current().font("ui"))
        self.row_height = max(_ROW_HEIGHT, metrics.height() * 2 + 16)
        self._heading_height = max(_HEADING_HEIGHT, metrics.height() + 12)

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """One height for all rows, another for headings."""
        heading = isinstance(index.data(Qt.ItemDataRole.UserRole), str)
        return QSize(160, self._heading_height if heading else self.row_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        entry: Row = index.data(Qt.ItemDataRole.UserRole)
        if isinstance(entry, str):
            _paint_heading(painter, option.rect, entry)
            return
        painter.save()
        row = QStyle.visualRect(option.direction, option.rect, option.rect.adjusted(0, 0, -_RIGHT_GAP, 0))
        self._paint_ground(painter, option, row)
        place = row.adjusted(_PADDING, 8, -_PADDING, -8)
        half = place.height() // 2
        side = functools.partial(QStyle.visualRect, option.direction, row)
        self._paint_title(painter, side, QRect(place.x(), place.y(), place.width(), half), entry)
        self._paint_second(painter, side, QRect(place.x(), place.y() + half, place.width(), half), entry)
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, row: QRect) -> None:
        colour = theme.current().colour
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            draw_box(painter, row, 6, colour("selected" if selected else "hover_sidebar"))
        if selected:
            bar = QRect(row.x(), row.y() + 8, _BAR, row.height() - 16)
            draw_box(painter, QStyle.visualRect(option.direction, row, bar), 1.5, colour("accent"))
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            draw_box(painter, row, 6, None, colour("focus_ring"), 2)

    def _paint_title(self, painter: QPainter, side: Any, place: QRect, entry: Entry) -> None:
        right = place.right() + 1
        if entry.mark is not None:
            mark = entry.mark
            width = pill_width(mark.text, mark.icon)
            box = side(QRect(right - width, place.center().y() - 9, width, 20))
            paint_pill(painter, box, mark.text, mark.kind, mark.icon)
            right -= width + 8
        if entry.locked:
            icons.paint_icon(
                painter, "lock", "text_secondary", side(QRect(right - _ICON, place.y(), _ICON, place.height())), _ICON
            )
            right -= _ICON + 6
        tag_room = tag_width(entry.tag) + 8 if entry.tag else 0
        painter.setFont(theme.current().font("ui_strong"))
        painter.setPen(theme.current().colour("text_primary"))
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(entry.title, Qt.TextElideMode.ElideMiddle, right - place.x() - tag_room)
        width = metrics.horizontalAdvance(shown)
        painter.drawText(side(QRect(place.x(), place.y(), width + 1, place.height())), _MIDDLE, shown)
        if entry.tag:
            tag = side(QRect(place.x() + width + 8, place.y(), tag_width(entry.tag), place.height()))
            paint_tag(painter, tag.x(), place.center().y(), entry.tag)

    def _paint_second(self, painter: QPainter, side: Any, place: QRect, entry: Entry) -> None:
        painter.setFont(theme.current().font("small"))
        painter.setPen(theme.current().colour("text_secondary"))
        metrics = painter.fontMetrics()
        right = place.right() + 1
        for icon, text in reversed(entry.facts):
            width = metrics.horizontalAdvance(text)
            painter.drawText(side(QRect(right - width, place.y(), width + 1, place.height())), _MIDDLE, text)
            right -= width + _GAP
            if icon:
                box = side(QRect(right - _ICON, place.y(), _ICON, place.height()))
                icons.paint_icon(painter, icon, "text_secondary", box, 13)
                right -= _ICON
            right -= 10
        room = right - place.x()
        if room > 24:
            shown = metrics.elidedText(entry.second, Qt.TextElideMode.ElideRight, room)
            painter.drawText(side(QRect(place.x(), place.y(), room, place.height())), _MIDDLE, shown)


def _paint_heading(painter: QPainter, place: QRect, words: str) -> None:
    painter.setFont(theme.current().font("small_strong"))
    painter.setPen(theme.current().colour("text_tertiary"))
    painter.drawText(place.adjusted(_PADDING, 6, -_PADDING, 0), _MIDDLE, words)


_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
