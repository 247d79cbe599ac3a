"""The list of chats: a search field above, groups by day, a mark for each chat's state, and renaming in place.

Built for thousands of rows: the model holds plain values, the delegate paints them, every row has one height.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QMenu, QVBoxLayout, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.conversation.open_chat import Answering
from desktop_llm.gui.chat.chat_rows import ChatDelegate, ChatRow, ChatRows
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.list_rows import Index, RowList
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import EmptyState, SearchField
from desktop_llm.gui.look.widgets.painting import repaint_on_theme
from desktop_llm.words import tr

_TURN_MS = 50


class ChatList(QWidget):
    """The search field and the chats. The signals carry the id of a chat, except `search_changed`, which carries the
    query."""

    conversation_selected = Signal(str)
    search_changed = Signal(str)
    rename_requested = Signal(str, str)
    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)
    export_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Chats"))
        self._empty: EmptyState | None = None
        self.search = SearchField(tr("Search chats"), object_name="chat_list_search")
        set_tip(self.search, tr("Searches titles and messages (Ctrl+Shift+F)"))
        self._rows = ChatRows(self)
        self._view = _View(self._rows)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 8, 0, 8)
        self._column.setSpacing(0)
        inset = QVBoxLayout()
        inset.setContentsMargins(0, 0, 9, 4)
        inset.addWidget(self.search)
        self._column.addLayout(inset)
        self._column.addWidget(self._view, 1)
        self._connect()
        repaint_on_theme(self)

    def _connect(self) -> None:
        self.search.search_changed.connect(self.search_changed)
        self._view.opened.connect(self.conversation_selected)
        self._view.delete_requested.connect(self.delete_requested)
        self._view.pin_requested.connect(self.pin_requested)
        self._view.export_requested.connect(self.export_requested)
        self._rows.renamed.connect(self.rename_requested)

    def set_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Show these chats, newest first within their groups; the open one, the focus and the scroll position stay."""
        self._view.set_conversations(conversations)
        self._show_empty(not conversations)

    def set_selected(self, conversation_id: str | None) -> None:
        """Mark the open chat and bring it into view; None marks none."""
        self._view.set_selected(conversation_id)

    def set_answering(self, answering: Answering) -> None:
        """Show a spinner in the chats that are being answered."""
        self._view.set_answering(answering)

    def begin_rename(self, conversation_id: str) -> None:
        """Edit the title in the row of this chat."""
        self._view.begin_rename(conversation_id)

    def focus_list(self) -> None:
        """Put the focus on the chats."""
        self._view.setFocus(Qt.FocusReason.TabFocusReason)

    def _show_empty(self, empty: bool) -> None:
        self._view.setVisible(not empty)
        if self._empty is not None:
            self._column.removeWidget(self._empty)
            self._empty.setParent(None)
            self._empty.deleteLater()
            self._empty = None
        if empty:
            self._empty = self._empty_state(self.search.text().strip())
            self._column.addWidget(self._empty, 1)

    def _empty_state(self, query: str) -> EmptyState:
        if query:
            title = tr("Nothing found")
            text = tr("No title and no message has “{query}”.", query=query)
            return EmptyState("search", title, text, object_name="chat_list_empty")
        text = tr("Chats are kept on this computer.")
        return EmptyState("chat", tr("No chats yet"), text, object_name="chat_list_empty")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move from the search field to the chats on Down or Enter."""
        down = event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if down and self.search.hasFocus() and self._rows.rowCount():
            self._view.focus_first()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("bg_sidebar"))
        painter.end()


class _View(RowList[ChatRow]):
    """The rows. A click or Enter opens a chat, F2 renames it in place, Delete deletes it; a context menu has the
    rest."""

    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)
    export_requested = Signal(str)

    def __init__(self, chats: ChatRows) -> None:
        super().__init__("chat_list", tr("Chats"), chats)
        self._chats = chats
        self._delegate = ChatDelegate(self)
        self._later: tuple[Conversation, ...] | None = None
        self._spinning = QTimer(self, interval=_TURN_MS)
        self._spinning.timeout.connect(self._on_turn)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)

    def set_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Replace the rows; while a title is being typed, wait until that is done."""
        if self.state() == QAbstractItemView.State.EditingState:
            self._later = tuple(conversations)
            return
        self.set_entries(self._chats.entries_of(conversations))
        self._watch_spinner()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Show the list that arrived while a title was being typed."""
        super().closeEditor(editor, hint)
        later, self._later = self._later, None
        if later is not None:
            self.set_conversations(later)

    def set_selected(self, conversation_id: str | None) -> None:
        """Mark the open chat."""
        if self._delegate.selected == conversation_id:
            return
        self._delegate.selected = conversation_id
        if conversation_id:
            self._bring(conversation_id)
        self.viewport().update()

    def set_answering(self, answering: Answering) -> None:
        """Mark the chats that are being answered."""
        self._chats.set_answering(answering)
        self._watch_spinner()

    def begin_rename(self, conversation_id: str) -> None:
        """Edit the title in the row of this chat."""
        if self._bring(conversation_id):
            self.edit(self.currentIndex())

    def _bring(self, conversation_id: str) -> bool:
        """Make a chat the current row and scroll to it; returns False if it is not listed."""
        index = self._chats.index_of(conversation_id)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
        return index.isValid()

    def _watch_spinner(self) -> None:
        if self._chats.answering_rows() and self.isVisible():
            self._spinning.start()
        else:
            self._spinning.stop()

    def _on_turn(self) -> None:
        self._delegate.turn = (self._delegate.turn + _TURN_MS / 900) % 1
        for row in self._chats.answering_rows():
            self.viewport().update(self.visualRect(self._chats.index(row)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ask to delete the focused chat on Delete."""
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() == Qt.Key.Key_Delete and self.current_key() and not editing:
            self.delete_requested.emit(self.current_key())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the row under the mouse, or of the current row if the menu key was pressed."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if self._chats.key_at(index):
            place = self.visualRect(index).bottomLeft() + QPoint(16, 0) if by_key else event.pos()
            self.menu_for(index).popup(self.viewport().mapToGlobal(place))

    def menu_for(self, index: Index) -> QMenu:
        """A menu of the actions for the chat in this row."""
        row = self._chats.row_at(index)
        menu = QMenu(self)
        menu.setObjectName("chat_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if row is None:
            return menu
        pin = tr("Unpin") if row.chat.pinned else tr("Pin")
        entries = (
            ("rename", tr("Rename\tF2"), "pencil"),
            ("pin", pin, "pin"),
            ("export", tr("Export…"), "upload"),
            ("delete", tr("Delete\tDel"), "trash"),
        )
        for name, text, icon in entries:
            action = QAction(icons.icon(icon), text, menu)
            action.setObjectName(f"chat_menu_{name}")
            action.setData((name, row.key, row.chat.pinned))
            menu.addAction(action)
        menu.triggered.connect(self._on_menu)
        return menu

    def _on_menu(self, action: QAction) -> None:
        name, conversation_id, pinned = action.data()
        match name:
            case "rename":
                self.begin_rename(conversation_id)
            case "pin":
                self.pin_requested.emit(conversation_id, not pinned)
            case "export":
                self.export_requested.emit(conversation_id)
            case "delete":
                self.delete_requested.emit(conversation_id)
