"""Paints the rows of the page's lists: headings, and models on two lines."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop_llm.gui import icons, theme
from desktop_llm.gui.model_button import paint_tag, tag_width
from desktop_llm.gui.widgets.labels import paint_pill, pill_width
from desktop_llm.gui.widgets.painting import draw_box

if TYPE_CHECKING:
    from desktop_llm.gui.models.rows import Entry, Row

Index = QModelIndex | QPersistentModelIndex

_HEADING_HEIGHT, _ROW_HEIGHT, _PADDING, _RIGHT_GAP, _BAR = 32, 54, 12, 8, 3
_ICON, _GAP = 14, 4
_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading


class RowDelegate(QStyledItemDelegate):
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
