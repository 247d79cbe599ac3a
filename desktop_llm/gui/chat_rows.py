"""The rows of the chat list: headings and chats as a Qt model, and how they are painted."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.gui import icons, theme
from desktop_llm.gui.documents.words import plain
from desktop_llm.gui.widgets.meters import paint_spinner
from desktop_llm.gui.widgets.painting import draw_box
from desktop_llm.words import tr

Index = QModelIndex | QPersistentModelIndex
Row = str | Conversation

_NO_PARENT = QModelIndex()
_RIGHT_GAP = 8


class ChatRows(QAbstractListModel):
    """Headings (words) and chats, one after the other. Signal: `renamed` with id and title."""

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._row_of: dict[str, int] = {}
        self._answering: str | None = None

    def set_conversations(self, conversations: Sequence[Conversation]) -> bool:
        """Show these; True where rows moved, False where only their content changed."""
        rows = _grouped(conversations, date.today())
        if [_key(row) for row in rows] == [_key(row) for row in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return False
        self.beginResetModel()
        self._rows = rows
        self._row_of = {row.id: number for number, row in enumerate(rows) if isinstance(row, Conversation)}
        self.endResetModel()
        return True

    def set_answering(self, conversation_id: str | None) -> None:
        """Mark the chat that is being answered."""
        before = self.answering_rows()
        self._answering = conversation_id
        for row in {*before, *self.answering_rows()}:
            self.dataChanged.emit(self.index(row), self.index(row))

    def answering_rows(self) -> list[int]:
        """Where a spinner turns."""
        return [row for row in self._row_of.values() if self.state_of(self._rows[row]) == "answering"]

    def state_of(self, row: Row) -> str:
        """What goes on in a chat, as stored and as told since."""
        if isinstance(row, str):
            return ""
        return "answering" if row.id == self._answering else row.state

    def index_of(self, conversation_id: str) -> QModelIndex:
        """Where a chat is; invalid where it is not listed."""
        row = self._row_of.get(conversation_id)
        return QModelIndex() if row is None else self.index(row)

    def conversation_at(self, index: Index) -> Conversation | None:
        """The chat in a row; None for a heading."""
        row = self._rows[index.row()] if index.isValid() else ""
        return row if isinstance(row, Conversation) else None

    def id_at(self, index: Index) -> str:
        """The id of the chat in a row; empty for a heading."""
        conversation = self.conversation_at(index)
        return conversation.id if conversation else ""

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """Headings and chats."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The words of a row; the row itself to the delegate."""
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.UserRole:
                return row
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return row if isinstance(row, str) else title_of(row)
            case Qt.ItemDataRole.ToolTipRole:
                return None if isinstance(row, str) else title_of(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._spoken(row)
        return None

    def _spoken(self, row: Row) -> str:
        if isinstance(row, str):
            return row
        marks = {"answering": self.tr("answering"), "interrupted": self.tr("interrupted")}
        parts = [title_of(row), marks.get(self.state_of(row), "")]
        parts += [self.tr("pinned")] * row.pinned + [self.tr("uses documents")] * bool(row.collections)
        return ", ".join(part for part in parts if part)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A new title, shown at once; an empty or unchanged one is no change."""
        conversation, title = self.conversation_at(index), plain(str(value))
        if conversation is None or role != Qt.ItemDataRole.EditRole or not title or title == title_of(conversation):
            return False
        self._rows[index.row()] = replace(conversation, title=title)
        self.dataChanged.emit(index, index)
        self.renamed.emit(conversation.id, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings can't be reached."""
        if self.conversation_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable


class ChatDelegate(QStyledItemDelegate):
    """Paints headings and chats, and makes the field for a new title."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.selected: str | None = None
        self.hovered = ""
        self.turn = 0.0
        self._heading_font = theme.current().font("small_strong")
        self._font, self._strong = theme.current().font("ui"), theme.current().font("ui_strong")
        self._size = QSize(120, max(theme.current().length("control", "row_list"), QFontMetrics(self._font).height()))

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """One height for all rows."""
        return self._size

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        row = index.data(Qt.ItemDataRole.UserRole)
        place = QStyle.visualRect(option.direction, option.rect, option.rect.adjusted(0, 0, -_RIGHT_GAP - 1, 0))
        painter.save()
        if isinstance(row, str):
            painter.setFont(self._heading_font)
            painter.setPen(theme.current().colour("text_tertiary"))
            painter.drawText(place.adjusted(8, 6, -8, 0), Qt.AlignmentFlag.AlignVCenter, row)
        else:
            focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
            self._paint_chat(painter, place, row, index, focused)
        painter.restore()

    def _paint_chat(self, painter: QPainter, place: QRect, chat: Conversation, index: Index, focused: bool) -> None:
        colour, chosen = theme.current().colour, chat.id == self.selected
        if chosen or chat.id == self.hovered:
            draw_box(painter, place, 6, colour("selected" if chosen else "hover_sidebar"))
        if chosen:
            bar = QRect(place.x(), place.y() + 8, 3, place.height() - 16)
            draw_box(painter, _side(painter, place, bar), 1.5, colour("accent"))
        if focused:
            draw_box(painter, place, 6, None, colour("focus_ring"), 2)
        marked = self._paint_mark(painter, place, chat, index)
        words = _side(painter, place, place.adjusted(8, 0, -32 if marked else -8, 0))
        painter.setFont(self._strong if chosen else self._font)
        painter.setPen(colour("selected_text" if chosen else "text_primary"))
        title = painter.fontMetrics().elidedText(title_of(chat), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, title)

    def _paint_mark(self, painter: QPainter, place: QRect, chat: Conversation, index: Index) -> bool:
        """The one mark at the end of a row: what needs a look comes first."""
        spot = _side(painter, place, QRect(place.right() - 24, place.y(), 16, place.height()))
        model = index.model()
        state = model.state_of(chat) if isinstance(model, ChatRows) else chat.state
        if state == "answering":
            paint_spinner(painter, QRect(spot.x(), spot.center().y() - 7, 16, 16), self.turn)
            return True
        warned = state == "interrupted"
        name = "warn" if warned else "pin" if chat.pinned else "library" if chat.collections else ""
        if name:
            icons.paint_icon(painter, name, "warning_text" if warned else "text_secondary", spot, 14)
        return bool(name)

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index) -> QWidget:
        """The field for the new title."""
        field = QLineEdit(parent)
        field.setObjectName("chat_list_rename")
        field.setAccessibleName(self.tr("New title"))
        field.setMaxLength(200)
        return field

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Start from the title there is, all of it selected; what was typed since stays when the list changes."""
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(index.data(Qt.ItemDataRole.EditRole))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Take the new title."""
        if isinstance(editor, QLineEdit):
            model.setData(index, editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: Index) -> None:
        """The field covers its row."""
        editor.setGeometry(option.rect.adjusted(0, 1, -_RIGHT_GAP - 1, -1))


def _side(painter: QPainter, row: QRect, place: QRect) -> QRect:
    """The place inside a row, mirrored where the window reads from right to left."""
    return QStyle.visualRect(painter.layoutDirection(), row, place)


def title_of(conversation: Conversation) -> str:
    """The title as it is shown; a chat without one is a new chat."""
    return conversation.title or tr("New chat")


def _key(row: Row) -> str:
    return row if isinstance(row, str) else f"\0{row.id}"


def _grouped(conversations: Sequence[Conversation], today: date) -> list[Row]:
    """The chats below headings: pinned ones, then by the day of their last change."""
    rows: list[Row] = []
    pinned = [conversation for conversation in conversations if conversation.pinned]
    if pinned:
        rows += [tr("Pinned"), *pinned]
    midnight = datetime.combine(today, datetime.min.time())
    limits = [
        (midnight.timestamp(), tr("Today")),
        ((midnight - timedelta(days=1)).timestamp(), tr("Yesterday")),
        ((midnight - timedelta(days=7)).timestamp(), tr("Last 7 days")),
    ]
    heading = ""
    for conversation in sorted((c for c in conversations if not c.pinned), key=_changed, reverse=True):
        group = next((words for since, words in limits if conversation.updated_at >= since), "")
        if not group:
            then = datetime.fromtimestamp(conversation.updated_at)
            group = _month(then.year, then.month, then.year != today.year)
        if group != heading:
            rows.append(group)
            heading = group
        rows.append(conversation)
    return rows


def _changed(conversation: Conversation) -> float:
    return conversation.updated_at


@functools.cache
def _month(year: int, month: int, with_year: bool) -> str:
    locale = QLocale()
    english = QLocale(QLocale.Language.English)
    name = (english if locale.language() == QLocale.Language.C else locale).standaloneMonthName(month)
    return f"{name} {year}" if with_year else name
