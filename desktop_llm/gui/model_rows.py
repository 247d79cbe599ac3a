"""The rows of the model menu: one model each, painted by a delegate."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop_llm.gui import icons, theme
from desktop_llm.gui.model_button import paint_tag, tag_width
from desktop_llm.gui.model_words import model_name, size_line, size_word
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.models.library import Model

Index = QModelIndex | QPersistentModelIndex

_ROW_HEIGHT = 50
_NO_PARENT = QModelIndex()


class ModelListView(QListView):
    """Signals: `opened` and `looked_at` with the id of a model (clicked or Enter; moved to)."""

    opened = Signal(str)
    looked_at = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        set_names(self, "model_menu_list", self.tr("All models"))
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self._delegate = _Delegate(self)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        repaint_on_theme(self)

    def set_models(self, models: Sequence[Model], chosen: str) -> None:
        """Show these; the one looked at stays, else the first is."""
        current = self.current_id()
        self._rows.set_models(models, chosen)
        ids = [model.id for model in models]
        row = ids.index(current) if current in ids else 0
        if models:
            self.selectionModel().setCurrentIndex(
                self._rows.index(row), self.selectionModel().SelectionFlag.ClearAndSelect
            )

    def current_id(self) -> str:
        """The model looked at; empty where there is none."""
        index = self.currentIndex()
        return self._rows.models[index.row()].id if index.isValid() else ""

    def step(self, by: int) -> None:
        """Look at the next or the one before."""
        row = self.currentIndex().row() + by
        if 0 <= row < self._rows.rowCount():
            self.setCurrentIndex(self._rows.index(row))

    def wanted_height(self) -> int:
        """Room for all rows."""
        return self._rows.rowCount() * self._delegate.row_height

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and self.isVisible():
            self.looked_at.emit(self._rows.models[current.row()].id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter loads."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.current_id():
            self.opened.emit(self.current_id())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click loads."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index == self.currentIndex():
            self.opened.emit(self.current_id())


class _Rows(QAbstractListModel):
    """The models as rows."""

    def __init__(self, parent: QListView) -> None:
        super().__init__(parent)
        self.models: tuple[Model, ...] = ()
        self._chosen = ""

    def set_models(self, models: Sequence[Model], chosen: str) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self.models, self._chosen = tuple(models), chosen
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """One row a model."""
        return 0 if parent.isValid() else len(self.models)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, second line as tooltip and spoken text, and the model itself to the delegate."""
        model = self.models[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return model_name(model)
            case Qt.ItemDataRole.UserRole:
                return model
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if model.id == self._chosen else None
            case Qt.ItemDataRole.AccessibleTextRole:
                chosen = self.tr(", chosen") if model.id == self._chosen else ""
                return f"{model_name(model)} {size_word(model.quantization)}, {size_line(model)}{chosen}"
            case Qt.ItemDataRole.ToolTipRole:
                return f"{model_name(model)}\n{model.path}"
        return None


class _Delegate(QStyledItemDelegate):
    """Tick, name, size tag and the second line."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._strong, self._small = theme.current().font("ui_strong"), theme.current().font("small")
        self.row_height = max(_ROW_HEIGHT, view.fontMetrics().height() * 2 + 12)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """One height for all rows."""
        return QSize(200, self.row_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        painter.save()
        colour, model = theme.current().colour, index.data(Qt.ItemDataRole.UserRole)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            draw_box(painter, option.rect, 6, colour("pressed" if hovered and selected else "hover"))
        if bool(option.state & QStyle.StateFlag.State_HasFocus):
            draw_box(painter, option.rect, 6, None, colour("focus_ring"), 2)
        if index.data(Qt.ItemDataRole.CheckStateRole) is not None:
            tick = QRect(option.rect.x() + 10, option.rect.y(), 16, option.rect.height())
            icons.paint_icon(painter, "check", "accent_text", QStyle.visualRect(option.direction, option.rect, tick))
        self._paint_words(painter, option.rect, option.rect.adjusted(34, 0, -10, 0), model)
        painter.restore()

    def _paint_words(self, painter: QPainter, row: QRect, place: QRect, model: Model) -> None:
        tag = size_word(model.quantization)
        middle = place.center().y() - 8
        painter.setFont(self._strong)
        painter.setPen(theme.current().colour("text_primary"))
        room = place.width() - (tag_width(tag) + 8 if tag else 0)
        name = painter.fontMetrics().elidedText(model_name(model), Qt.TextElideMode.ElideMiddle, room)
        width = painter.fontMetrics().horizontalAdvance(name)
        side = functools.partial(QStyle.visualRect, painter.layoutDirection(), row)
        painter.drawText(side(QRect(place.x(), middle - 10, width + 1, 20)), Qt.AlignmentFlag.AlignVCenter, name)
        if tag:
            paint_tag(painter, side(QRect(place.x() + width + 8, middle, tag_width(tag), 18)).x(), middle, tag)
        painter.setFont(self._small)
        painter.setPen(theme.current().colour("text_secondary"))
        line = painter.fontMetrics().elidedText(size_line(model), Qt.TextElideMode.ElideRight, place.width())
        below = side(QRect(place.x(), middle + 9, place.width(), 18))
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, line)
