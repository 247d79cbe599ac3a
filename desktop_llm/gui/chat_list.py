"""The list of chats: search above, groups by day, rename in place, what is going on in each.

Built for thousands of rows: the model holds plain values, the delegate paints them, every row has one height.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QListView, QMenu, QVBoxLayout, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.gui import icons, theme
from desktop_llm.gui.chat_rows import ChatDelegate, ChatRows
from desktop_llm.gui.widgets import EmptyState, SearchField
from desktop_llm.gui.widgets.painting import repaint_on_theme, set_names

Index = QModelIndex | QPersistentModelIndex

_TURN_MS = 50


class ChatList(QWidget):
    """Search field and chats. Each signal carries the id of the chat that is meant."""

    conversation_selected = Signal(str)
    search_changed = Signal(str)
    rename_requested = Signal(str, str)
    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)
    export_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Chats"))
        self._empty: EmptyState | None = None
        self.search = SearchField(self.tr("Search chats"), object_name="chat_list_search")
        self.search.setToolTip(self.tr("Searches titles and messages (Ctrl+Shift+F)"))
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

    def set_answering(self, conversation_id: str | None) -> None:
        """Let the chat that is being answered show a spinner; None: none is."""
        self._view.set_answering(conversation_id)

    def begin_rename(self, conversation_id: str) -> None:
        """Open the field in the row of this chat."""
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
            title = self.tr("Nothing found")
            text = self.tr("No title and no message has “{query}”.").format(query=query)
            return EmptyState("search", title, text, object_name="chat_list_empty")
        text = self.tr("Chats are kept on this computer.")
        return EmptyState("chat", self.tr("No chats yet"), text, object_name="chat_list_empty")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down and Enter go from the search field to the chats."""
        down = event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if down and self.search.hasFocus() and self._rows.rowCount():
            self._view.focus_first()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("bg_sidebar"))
        painter.end()


class _View(QListView):
    """The rows: a click or Enter opens, F2 renames in place, Delete deletes, the rest is in the context menu."""

    opened = Signal(str)
    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)
    export_requested = Signal(str)

    def __init__(self, rows: ChatRows) -> None:
        super().__init__()
        set_names(self, "chat_list", self.tr("Chats"))
        self._rows = rows
        self._delegate = ChatDelegate(self)
        self._later: tuple[Conversation, ...] | None = None
        self._spinning = QTimer(self, interval=_TURN_MS)
        self._spinning.timeout.connect(self._on_turn)
        self.setModel(rows)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        repaint_on_theme(self)

    def set_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Replace the rows and stay where the eye is; while a title is being typed, afterwards."""
        if self.state() == QAbstractItemView.State.EditingState:
            self._later = tuple(conversations)
            return
        bar = self.verticalScrollBar()
        at, current = bar.value(), self._rows.id_at(self.currentIndex())
        if self._rows.set_conversations(conversations):
            self._delegate.hovered = ""
            if current and (index := self._rows.index_of(current)).isValid():
                self.selectionModel().setCurrentIndex(index, self.selectionModel().SelectionFlag.NoUpdate)
            if at:
                self.doItemsLayout()
                bar.setValue(at)
        self._watch_spinner()

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Show the list that came while a title was being typed."""
        super().closeEditor(editor, hint)
        later, self._later = self._later, None
        if later is not None:
            self.set_conversations(later)

    def set_selected(self, conversation_id: str | None) -> None:
        """Mark the open chat."""
        if self._delegate.selected == conversation_id:
            return
        self._delegate.selected = conversation_id
        index = self._rows.index_of(conversation_id) if conversation_id else QModelIndex()
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
        self.viewport().update()

    def set_answering(self, conversation_id: str | None) -> None:
        """Mark the chat that is being answered."""
        self._rows.set_answering(conversation_id)
        self._watch_spinner()

    def begin_rename(self, conversation_id: str) -> None:
        """Open the field in this row."""
        index = self._rows.index_of(conversation_id)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
            self.edit(index)

    def focus_first(self) -> None:
        """Take the focus, on the first chat if there is none yet."""
        if not self.currentIndex().isValid():
            self.setCurrentIndex(self._rows.index(1))
        self.setFocus(Qt.FocusReason.TabFocusReason)

    def _open(self, index: Index) -> None:
        if conversation_id := self._rows.id_at(index):
            self.opened.emit(conversation_id)

    def _watch_spinner(self) -> None:
        if self._rows.answering_rows() and self.isVisible():
            self._spinning.start()
        else:
            self._spinning.stop()

    def _on_turn(self) -> None:
        self._delegate.turn = (self._delegate.turn + _TURN_MS / 900) % 1
        for row in self._rows.answering_rows():
            self.viewport().update(self.visualRect(self._rows.index(row)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens and Delete deletes the chat with the focus."""
        conversation_id = self._rows.id_at(self.currentIndex())
        editing = self.state() == QAbstractItemView.State.EditingState
        if editing or not conversation_id:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(conversation_id)
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_requested.emit(conversation_id)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click opens."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index == self.currentIndex():
            self._open(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light the row under the mouse; a title that is cut shows whole as its tooltip."""
        super().mouseMoveEvent(event)
        self._set_hovered(self._rows.id_at(self.indexAt(event.position().toPoint())))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self._set_hovered("")

    def _set_hovered(self, conversation_id: str) -> None:
        if self._delegate.hovered != conversation_id:
            self._delegate.hovered = conversation_id
            self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of the row under the mouse, or with the focus where the key asked."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if self._rows.id_at(index):
            place = self.visualRect(index).bottomLeft() + QPoint(16, 0) if by_key else event.pos()
            self.menu_for(index).popup(self.viewport().mapToGlobal(place))

    def menu_for(self, index: Index) -> QMenu:
        """What can be done with the chat in this row."""
        conversation = self._rows.conversation_at(index)
        menu = QMenu(self)
        menu.setObjectName("chat_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if conversation is None:
            return menu
        pin = self.tr("Unpin") if conversation.pinned else self.tr("Pin")
        entries = (
            ("rename", self.tr("Rename\tF2"), "pencil"),
            ("pin", pin, "pin"),
            ("export", self.tr("Export…"), "upload"),
            ("delete", self.tr("Delete\tDel"), "trash"),
        )
        for name, text, icon in entries:
            action = QAction(icons.icon(icon), text, menu)
            action.setObjectName(f"chat_menu_{name}")
            action.setData((name, conversation.id, conversation.pinned))
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
