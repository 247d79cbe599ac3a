"""The list of the model menu: headings and models, painted by a delegate."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop_llm.gui import icons, theme
from desktop_llm.gui.fit_words import fit_pill, fit_tip
from desktop_llm.gui.model_button import paint_tag, tag_width
from desktop_llm.gui.model_groups import Entry, ModelRow, action_word
from desktop_llm.gui.model_words import model_name, size_word
from desktop_llm.gui.widgets.labels import paint_pill, pill_width
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names

Index = QModelIndex | QPersistentModelIndex

_ROW_HEIGHT, _HEADING_HEIGHT = 50, 30
_LEFT, _RIGHT, _BAR = 34, 10, 3
_NO_PARENT = QModelIndex()


class ModelListView(QListView):
    """Signals with the id of a model: `opened` (clicked or Enter on one that can be loaded), `looked_at` (moved to),
    `action_requested` (the same on one that can't be loaded).
    """

    opened = Signal(str)
    looked_at = Signal(str)
    action_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        set_names(self, "model_menu_list", self.tr("Models on this computer"))
        self._filling = False  # nobody moved to another model: there are other rows
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self._delegate = _Delegate(self)
        self.setItemDelegate(self._delegate)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        repaint_on_theme(self)

    def set_entries(self, entries: Sequence[Entry], looked_at: str) -> None:
        """Show these, and as looked at the model with this id; none where it has no row."""
        if tuple(entries) != self._rows.entries:
            place = self.verticalScrollBar().value()
            self._filling = True
            self._rows.set_entries(entries)
            self.verticalScrollBar().setValue(place)
            self._filling = False
        if looked_at != self.current_id():
            self._look_at(looked_at)

    def current_id(self) -> str:
        """The model looked at; empty where there is none."""
        row = self._row(self.currentIndex())
        return row.model.id if row is not None else ""

    def step(self, by: int) -> bool:
        """Look at the next model or the one before, the first one if at none; False where there is none."""
        numbers = [number for number, _ in self._models()]
        current = self.currentIndex().row()
        at = numbers.index(current) + by if current in numbers else min(by, 0)
        if not 0 <= at < len(numbers):
            return False
        self.setCurrentIndex(self._rows.index(numbers[at]))
        if at == 0:
            self.scrollToTop()  # the heading above the first one belongs to it
        return True

    def open_current(self) -> None:
        """Do what Enter does with the model looked at."""
        row = self._row(self.currentIndex())
        if row is not None:
            (self.opened if row.usable else self.action_requested).emit(row.model.id)

    def wanted_height(self) -> int:
        """Room for everything."""
        return sum(self._delegate.height_of(entry) for entry in self._rows.entries)

    def _models(self) -> list[tuple[int, ModelRow]]:
        return [(number, row) for number, row in enumerate(self._rows.entries) if isinstance(row, ModelRow)]

    def _look_at(self, model_id: str) -> None:
        place = next((number for number, row in self._models() if row.model.id == model_id), None)
        self._filling = True
        if place is None:
            self.selectionModel().clear()
        else:
            choose = self.selectionModel().SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(self._rows.index(place), choose)
        self._filling = False

    def _row(self, index: Index) -> ModelRow | None:
        entry = self._rows.entries[index.row()] if index.isValid() else None
        return entry if isinstance(entry, ModelRow) else None

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row = self._row(current)
        if row is not None and self.isVisible() and not self._filling:
            self.looked_at.emit(row.model.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space loads, as Enter does; that and the arrows are the menu's."""
        if event.key() == Qt.Key.Key_Space:
            self.open_current()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click loads."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index == self.currentIndex():
            self.open_current()


class _Rows(QAbstractListModel):
    """Headings and models as rows."""

    def __init__(self, parent: QListView) -> None:
        super().__init__(parent)
        self.entries: tuple[Entry, ...] = ()

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Replace the rows; those of the same models stay in their place, only what they say changes."""
        same = [_key(entry) for entry in entries] == [_key(entry) for entry in self.entries]
        if not same:
            self.beginResetModel()
        self.entries = tuple(entries)
        if not same:
            self.endResetModel()
        elif entries:
            self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """One row an entry."""
        return 0 if parent.isValid() else len(self.entries)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A heading can't be chosen."""
        return Qt.ItemFlag.NoItemFlags if isinstance(self.entries[index.row()], str) else super().flags(index)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name or heading, tooltip and spoken text, and the entry itself to the delegate."""
        entry = self.entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return entry if isinstance(entry, str) else model_name(entry.model)
            case Qt.ItemDataRole.UserRole:
                return entry
            case Qt.ItemDataRole.AccessibleTextRole:
                return entry if isinstance(entry, str) else entry.spoken()
            case Qt.ItemDataRole.ToolTipRole:
                return None if isinstance(entry, str) else _tip(entry)
        return None


def _key(entry: Entry) -> str:
    return entry if isinstance(entry, str) else f"model {entry.model.id}"


class _Delegate(QStyledItemDelegate):
    """Tick, name, tags, the second line, and the pill or the button at the end."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._strong, self._small = theme.current().font("ui_strong"), theme.current().font("small")
        self._heading = theme.current().font("small_strong")
        line = view.fontMetrics().height()
        self._row_height = max(_ROW_HEIGHT, line * 2 + 12)
        self._heading_height = max(_HEADING_HEIGHT, line + 10)

    def height_of(self, entry: Entry) -> int:
        """Pixels of a row."""
        return self._heading_height if isinstance(entry, str) else self._row_height

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """Two heights: headings and models."""
        return QSize(200, self.height_of(index.data(Qt.ItemDataRole.UserRole)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        painter.save()
        entry = index.data(Qt.ItemDataRole.UserRole)
        if isinstance(entry, str):
            self._paint_heading(painter, option.rect, entry)
        else:
            self._paint_ground(painter, option)
            self._paint_row(painter, option.rect, entry)
        painter.restore()

    def _paint_heading(self, painter: QPainter, place: QRect, words: str) -> None:
        painter.setFont(self._heading)
        painter.setPen(theme.current().colour("text_tertiary"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        painter.drawText(place.adjusted(8, 0, -8, 0), flags, words)

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        colour = theme.current().colour
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            draw_box(painter, option.rect, 6, colour("selected" if selected else "hover"))
        if selected:
            bar = QRect(option.rect.x(), option.rect.y() + 8, _BAR, option.rect.height() - 16)
            draw_box(painter, QStyle.visualRect(option.direction, option.rect, bar), 1.5, colour("accent"))
        if bool(option.state & QStyle.StateFlag.State_HasFocus):
            draw_box(painter, option.rect, 6, None, colour("focus_ring"), 2)

    def _paint_row(self, painter: QPainter, place: QRect, row: ModelRow) -> None:
        side = functools.partial(QStyle.visualRect, painter.layoutDirection(), place)
        mark = "alert" if not row.usable else "check" if row.chosen else ""
        if mark:
            ink = "danger_text" if mark == "alert" else "accent_text"
            icons.paint_icon(painter, mark, ink, side(QRect(place.x() + 10, place.y(), 16, place.height())))
        room = place.width() - _LEFT - _RIGHT - self._paint_end(painter, place, row)
        middle = place.center().y() - 8
        self._paint_name(painter, place, row, room, middle)
        painter.setFont(self._small)
        painter.setPen(theme.current().colour("text_secondary" if row.model.state == "ok" else "danger_text"))
        line = painter.fontMetrics().elidedText(row.line(), Qt.TextElideMode.ElideRight, room)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        painter.drawText(side(QRect(place.x() + _LEFT, middle + 9, room, 18)), flags, line)

    def _paint_end(self, painter: QPainter, place: QRect, row: ModelRow) -> int:
        """The pill, or the button of a row that can't be loaded; returns the width it took."""
        if row.action:
            return _paint_button(painter, place, action_word(row.action))
        if row.forecast is None or not row.usable:
            return 0
        word, kind, icon = fit_pill(row.forecast.fit)
        width = pill_width(word, icon)
        box = QRect(place.right() - _RIGHT - width + 1, place.center().y() - 10, width, 20)
        paint_pill(painter, QStyle.visualRect(painter.layoutDirection(), place, box), word, kind, icon)
        return width + 8

    def _paint_name(self, painter: QPainter, place: QRect, row: ModelRow, room: int, middle: int) -> None:
        side = functools.partial(QStyle.visualRect, painter.layoutDirection(), place)
        tags = [word for word in (size_word(row.model.quantization), row.model.app) if word]
        painter.setFont(self._strong)
        painter.setPen(theme.current().colour("text_primary"))
        left = room - sum(tag_width(tag) + 8 for tag in tags)
        name = painter.fontMetrics().elidedText(model_name(row.model), Qt.TextElideMode.ElideMiddle, left)
        x, width = place.x() + _LEFT, painter.fontMetrics().horizontalAdvance(name)
        painter.drawText(side(QRect(x, middle - 10, width + 1, 20)), Qt.AlignmentFlag.AlignVCenter, name)
        x += width + 8
        for tag in tags:
            paint_tag(painter, side(QRect(x, middle, tag_width(tag), 18)).x(), middle, tag)
            x += tag_width(tag) + 8


def _paint_button(painter: QPainter, place: QRect, words: str) -> int:
    """An outlined button at the end of a row; the whole row is pressed with it."""
    font = theme.current().font("small_strong")
    width = QFontMetrics(font).horizontalAdvance(words) + 20
    box = QRect(place.right() - _RIGHT - width + 1, place.center().y() - 12, width, 26)
    box = QStyle.visualRect(painter.layoutDirection(), place, box)
    draw_box(painter, box, 6, theme.current().colour("surface"), theme.current().colour("border"))
    painter.setFont(font)
    painter.setPen(theme.current().colour("text_primary"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    return width + 8


def _tip(row: ModelRow) -> str:
    lines = [f"{model_name(row.model)} {row.model.quantization}".strip()]
    if row.model.state != "ok":
        lines.append(row.explained())
    elif row.forecast is not None:
        lines.append(fit_tip(row.forecast))
    return "\n".join([*lines, str(row.model.path)])
