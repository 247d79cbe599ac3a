"""The rows of the chat list: chats grouped by the day of their last change, how they are painted and renamed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QObject, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLineEdit, QListView, QStyleOptionViewItem, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.conversation.open_chat import Answering
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import locale, plain
from desktop_llm.gui.look.list_rows import Index, ListRows, RowDelegate, RowPainter
from desktop_llm.gui.look.widgets.meters import paint_spinner
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class ChatRow:
    """One chat; `answering` if it is being answered."""

    chat: Conversation
    answering: bool = False

    @property
    def key(self) -> str:
        """The id of the chat."""
        return self.chat.id

    @property
    def title(self) -> str:
        """The title, or "New chat" if there is none."""
        return self.chat.title or tr("New chat")

    @property
    def tip(self) -> str:
        """The whole title, which may be cut in the list."""
        return self.title

    def spoken(self) -> str:
        """The title and the marks, for a screen reader."""
        parts = [self.title]
        if self.answering or self.chat.state == "interrupted":
            parts.append(tr("answering") if self.answering else tr("interrupted"))
        parts += [tr("pinned")] * self.chat.pinned + [tr("uses documents")] * bool(self.chat.collections)
        return ", ".join(parts)


class ChatRows(ListRows[ChatRow]):
    """Chats below their headings. Signal: `renamed` with the id and the new title."""

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answering: frozenset[str] = frozenset()

    def entries_of(self, conversations: Sequence[Conversation]) -> list[ChatRow | str]:
        """The rows and headings for these chats as of today."""
        return [
            entry if isinstance(entry, str) else self._row(entry) for entry in _grouped(conversations, date.today())
        ]

    def set_answering(self, answering: Answering) -> None:
        """Mark the chats that are being answered."""
        before, self._answering = self._answering, answering.chats
        for key in before ^ answering.chats:
            row = self.row_at(self.index_of(key))
            if row is not None:
                self.replace(self._row(row.chat))

    def answering_rows(self) -> list[int]:
        """The rows that show a spinner."""
        return [place for place, row in enumerate(self.entries) if not isinstance(row, str) and row.answering]

    def _row(self, chat: Conversation) -> ChatRow:
        return ChatRow(chat, chat.id in self._answering or chat.state == "answering")

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a new title and show it at once; ignore an empty or unchanged one."""
        row, title = self.row_at(index), plain(str(value))
        if row is None or role != Qt.ItemDataRole.EditRole or not title or title == row.title:
            return False
        self.replace(self._row(replace(row.chat, title=title)))
        self.renamed.emit(row.key, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let chats be edited in place, for renaming."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if flags else flags


class ChatDelegate(RowDelegate[ChatRow]):
    """Paints chats, and makes the field for a new title. `selected` is the open chat."""

    edge, hover, drop = 9, "hover_sidebar", 6

    def __init__(self, view: QListView) -> None:
        line = QFontMetrics(theme.current().font("ui")).height()
        height = max(theme.current().length("control", "row_list"), line)
        super().__init__(view, height, height)
        self.selected: str | None = None
        self.turn = 0.0

    def is_chosen(self, row: ChatRow, _option: QStyleOptionViewItem) -> bool:
        """Whether this is the open chat, wherever the keyboard focus is."""
        return row.key == self.selected

    def paint_row(self, painter: RowPainter, row: ChatRow, *, chosen: bool) -> None:
        """Paint the title, and one mark at the end."""
        place = painter.row
        marked = self._paint_mark(painter, row)
        type_name, colour = ("ui_strong", "selected_text") if chosen else ("ui", "text_primary")
        painter.words(place.adjusted(8, 0, -32 if marked else -8, 0), row.title, type_name, colour)

    def _paint_mark(self, painter: RowPainter, row: ChatRow) -> bool:
        """Paint the most urgent mark, if there is any; returns whether there is one."""
        place, chat = painter.row, row.chat
        spot = QRect(place.right() - 24, place.y(), 16, place.height())
        if row.answering:
            box = painter.side(spot)
            paint_spinner(painter.painter, QRect(box.x(), box.center().y() - 7, 16, 16), self.turn)
            return True
        warned = chat.state == "interrupted"
        name = "warn" if warned else "pin" if chat.pinned else "library" if chat.collections else ""
        if name:
            painter.icon(spot, name, "warning_text" if warned else "text_secondary", 14)
        return bool(name)

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index) -> QWidget:
        """A field for the new title."""
        field = QLineEdit(parent)
        field.setObjectName("chat_list_rename")
        field.setAccessibleName(tr("New title"))
        field.setMaxLength(200)
        return field

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Start with the whole title selected; text typed since then stays if the list changes."""
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(index.data(Qt.ItemDataRole.EditRole))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Pass the new title on to the model."""
        if isinstance(editor, QLineEdit):
            model.setData(index, editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: Index) -> None:
        """Let the field cover its row."""
        editor.setGeometry(option.rect.adjusted(0, 1, -self.edge, -1))


def _grouped(conversations: Sequence[Conversation], today: date) -> list[Conversation | str]:
    """The chats in their order under headings: pinned chats first, then the others by the day of their last use."""
    rows: list[Conversation | str] = []
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
    others = [conversation for conversation in conversations if not conversation.pinned]
    for conversation, moment in zip(others, _moments(others, midnight + timedelta(days=1)), strict=True):
        group = next((words for since, words in limits if moment >= since), "")
        if not group:
            then = datetime.fromtimestamp(moment)
            group = _month(then.year, then.month, then.year != today.year)
        if group != heading:
            rows.append(group)
            heading = group
        rows.append(conversation)
    return rows


def _moments(conversations: Sequence[Conversation], tonight: datetime) -> list[float]:
    """When each chat was last used, never earlier than the one below it: a clock that jumps must not shuffle them."""
    earliest, moments = 0.0, []
    for conversation in reversed(conversations):
        earliest = max(earliest, min(conversation.updated_at, tonight.timestamp()))
        moments.append(earliest)
    return moments[::-1]


@functools.cache
def _month(year: int, month: int, with_year: bool) -> str:
    name = locale().standaloneMonthName(month)
    return f"{name} {year}" if with_year else name
