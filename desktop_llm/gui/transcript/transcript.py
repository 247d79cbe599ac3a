"""The transcript: the messages of a chat, streaming, selectable, and usable without a mouse.

It is given `MessageView`s and speaks by signals; it never touches a store or a worker.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from desktop_llm.gui import markdown
from desktop_llm.gui.transcript.documents import Anchor
from desktop_llm.gui.transcript.feet import Feet
from desktop_llm.gui.transcript.keyboard import Keyboard
from desktop_llm.gui.transcript.live_messages import LiveMessages
from desktop_llm.gui.transcript.menu import message_menu
from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.transcript.mouse import Mouse
from desktop_llm.gui.transcript.parts import Selection
from desktop_llm.gui.transcript.selection import Place, TranscriptSelection
from desktop_llm.gui.transcript.view_model import MessageView
from desktop_llm.gui.widgets import Action, Button, EmptyState, IconButton

_PILL_FROM = 24


class Transcript(LiveMessages):
    """All messages of the chat that is open. Message ids are the store's."""

    citation_activated = Signal(str, int)
    link_activated = Signal(str)
    copy_requested = Signal(str)
    regenerate_requested = Signal(str)
    edit_requested = Signal(str)
    branch_requested = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName(self.tr("Messages"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self._selection = TranscriptSelection()
        self._keyboard = Keyboard(self)
        self._mouse = Mouse(self)
        self._empty: EmptyState | None = None
        self._feet = Feet(self.viewport())
        self._connect_feet()
        self._jump = Button(
            self.tr("Jump to latest"), "arrowdown", object_name="jump_to_latest", height=28, parent=self
        )
        self._jump.clicked.connect(self.jump_to_latest)
        self._jump.hide()

    def _connect_feet(self) -> None:
        for row in self._feet.rows:
            row.copy_clicked.connect(self.copy_requested)
            row.retry_clicked.connect(self.regenerate_requested)
            row.edit_clicked.connect(self.edit_requested)
            row.branch_clicked.connect(self.branch_requested)
            row.more_clicked.connect(self._on_more)

    # --- messages in --------------------------------------------------------------------------------------------

    def set_messages(self, views: Sequence[MessageView]) -> None:
        """Show these messages and stand at the last one."""
        self._selection.clear()
        self._keyboard.leave()
        self._mouse.forget()
        super().set_messages(views)

    def set_empty_state(self, icon: str, title: str, text: str = "", actions: tuple[Action, ...] = ()) -> None:
        """What is said while there is no message; its actions come back with an empty message id."""
        if self._empty is not None:
            self._empty.deleteLater()
        self._empty = EmptyState(icon, title, text, actions, object_name="transcript_empty", parent=self.viewport())
        self._empty.action_triggered.connect(self._on_empty_action)
        self._arrange()

    def set_active_citation(self, message_id: str, number: int) -> None:
        """Mark the citation whose evidence is open; number 0 marks none."""
        for layout in self._layouts.values():
            layout.pills.active = number if layout.view.id == message_id else 0
        self.viewport().update()

    # --- what others may ask ------------------------------------------------------------------------------------

    def selected_text(self) -> str:
        """The selected words."""
        return self._selection.text(self.layout_at, self._plain_text)

    def foot_buttons(self, index: int) -> list[IconButton]:
        """The buttons now shown for a message."""
        return self._feet.buttons(self._views[index].id)

    def show_message(self, index: int) -> None:
        """Scroll as little as needed to see a message, from its start; say it to a screen reader."""
        if index >= 0:
            layout = self.layout_at(index)
            top, height = self._rows.top(index), self.viewport().height()
            bar = self.verticalScrollBar()
            if top < bar.value() or layout.height > height:
                bar.setValue(round(top))
            elif top + layout.height > bar.value() + height:
                bar.setValue(round(top + layout.height - height + 16))
            role = self.tr("Question") if layout.view.role == "user" else self.tr("Answer")
            self.setAccessibleDescription(f"{role}: {layout.text()}")
        self.place_feet()
        self.viewport().update()

    def _plain_text(self, index: int) -> str:
        view = self._views[index]
        if view.role == "user":
            return view.text
        numbers = {citation.number for citation in view.citations}
        return markdown.plain(markdown.parse(view.text, numbers))

    # --- what widgets in messages say ---------------------------------------------------------------------------

    def _on_empty_action(self, name: str) -> None:
        self.action_requested.emit("", name)

    def _on_more(self, message_id: str) -> None:
        index = self._index[message_id]
        menu = message_menu(self, self._views[index], None, self._selection_words())
        row = self._feet.row_of(message_id)
        menu.popup(row.menu_position() if row is not None else self.cursor().pos())

    def _selection_words(self) -> str:
        return "" if self._selection.is_empty() else self.selected_text()

    # --- arranging what floats ----------------------------------------------------------------------------------

    def _arrange(self) -> None:
        super()._arrange()
        self.place_feet()
        bar = self.verticalScrollBar()
        behind = bool(self._views) and not self._pinned and bar.maximum() - bar.value() > _PILL_FROM
        self._jump.setVisible(behind)
        if behind:
            size = self._jump.sizeHint()
            self._jump.setGeometry(
                (self.width() - size.width()) // 2, self.height() - size.height() - 6, *size.toTuple()
            )
            self._jump.raise_()
        else:
            self._jump.set_content(self.tr("Jump to latest"))
        if self._empty is not None:
            self._empty.setVisible(not self._views)
            self._empty.setGeometry(self.viewport().rect())

    def _tell_of_the_end(self) -> None:
        """The pill says that something new is below."""
        if not self._pinned:
            self._jump.set_content(self.tr("New answer below"))

    def place_feet(self) -> None:
        """The buttons of the last answer, and those of the message hovered or focused."""
        last = len(self._views) - 1
        wanted = [last if last >= 0 and self._views[last].role == "assistant" else -1]
        focused = self._keyboard.current if self._has_focus_within() else -1
        other = focused if focused >= 0 else self._mouse.hovered
        wanted.append(other if other != wanted[0] else -1)
        for number, index in enumerate(wanted):
            seen = index in self._seen()
            layout = self.layout_at(index) if seen else None
            self._feet.place(number, layout, self.corner_of(index).toPoint() if seen else QPoint())

    def _has_focus_within(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is self or (focused is not None and self.isAncestorOf(focused))

    # --- mouse --------------------------------------------------------------------------------------------------

    def activate(self, index: int, anchor: Anchor) -> None:
        """Open what a citation or link points to."""
        if anchor.citation:
            self.citation_activated.emit(self._views[index].id, anchor.citation)
        elif anchor.href:
            self.link_activated.emit(anchor.href)

    def select_from(self, place: Place, *, extend: bool = False) -> None:
        """Start a selection at a place, or extend it to there."""
        if extend:
            self._selection.extend(place)
        else:
            self._selection.begin(place)
        self.viewport().update()

    def has_selection(self) -> bool:
        """Whether any words are selected."""
        return not self._selection.is_empty()

    def relayout(self, index: int) -> None:
        """A part of a message took another height."""
        layout = self.layout_at(index)
        layout.layout(layout.width)
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def light_citation(self, index: int, number: int) -> None:
        """The mouse is over a citation; number 0 over none."""
        lit = self._views[index].id if number else ""
        for layout in self._layouts.values():
            wanted = number if layout.view.id == lit else 0
            if layout.pills.hovered != wanted:
                layout.pills.hovered = wanted
                self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a selection, or press a link."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._keyboard.leave()
            self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection, or show what is under the mouse."""
        self._mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the selection, or open what was pressed."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        self._mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Sideways over code and tables, up and down over everything."""
        if not self._mouse.wheel(event):
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be copied here."""
        hit = self._mouse.hit(QPointF(event.pos()))
        if hit is not None:
            menu = message_menu(self, self._views[hit.message], hit, self._selection_words())
            menu.popup(event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        """Tooltips of citations and figures; the buttons go when the mouse leaves."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._mouse.tip(QPointF(event.pos())), self.viewport())
            return True
        if event.type() == QEvent.Type.Leave:
            inside = self.viewport().mapFromGlobal(self.cursor().pos())
            if not self.viewport().rect().contains(inside):
                self._mouse.hover_message(-1)
        return super().viewportEvent(event)

    # --- keyboard -----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys of look and habit; what is not ours goes on to the window."""
        if not self._keyboard.press(event):
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Inside a message Tab goes over its citations, links and buttons."""
        return self._keyboard.tab(forward) or super().focusNextPrevChild(forward)

    def copy_selection(self) -> None:
        """The selected words to the clipboard; without any, the message with the focus is copied."""
        if not self._selection.is_empty():
            QGuiApplication.clipboard().setText(self.selected_text())
        elif self._keyboard.current >= 0:
            self.copy_requested.emit(self._views[self._keyboard.current].id)

    def select_all(self) -> None:
        """Select every message."""
        if self._views:
            self._selection.select_all(len(self._views))
            self.viewport().update()

    # --- painting -----------------------------------------------------------------------------------------------

    def _selection_within(self, message: int, part: int, length: int) -> Selection:
        return self._selection.within(message, part, length)

    def _paint_message_extras(self, painter: QPainter, index: int, layout: MessageLayout) -> None:
        if self.hasFocus():
            self._keyboard.paint(painter, index, layout)
