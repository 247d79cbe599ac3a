"""The transcript: the messages of a chat, streaming, selectable, and usable without a mouse.

It is given `MessageView`s and speaks by signals; it never touches a store or a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from desktop_llm.gui import markdown, theme
from desktop_llm.gui.transcript.canvas import MessageCanvas
from desktop_llm.gui.transcript.code_part import CodePart
from desktop_llm.gui.transcript.documents import Anchor
from desktop_llm.gui.transcript.foot_row import FootRow
from desktop_llm.gui.transcript.keyboard import Keyboard
from desktop_llm.gui.transcript.menu import message_menu
from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.transcript.parts import BubblePart, DocumentPart, Part, Selection
from desktop_llm.gui.transcript.selection import Place, TranscriptSelection
from desktop_llm.gui.transcript.table_part import TablePart
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress
from desktop_llm.gui.widgets import Action, Banner, Button, EmptyState, IconButton

_PILL_FROM = 24


class Transcript(MessageCanvas):
    """All messages of the chat that is open. Message ids are the store's."""

    citation_activated = Signal(str, int)
    link_activated = Signal(str)
    copy_requested = Signal(str)
    regenerate_requested = Signal(str)
    edit_requested = Signal(str)
    branch_requested = Signal(str, int)
    action_requested = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName(self.tr("Messages"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self._selection = TranscriptSelection()
        self._keyboard = Keyboard(self)
        self._selecting = False
        self._pressed: Anchor | None = None
        self._hovered = -1
        self._empty: EmptyState | None = None
        self._incoming: dict[str, list[str]] = {}
        self._incoming_thoughts: dict[str, list[str]] = {}
        self._repaint = QTimer(self, singleShot=True)
        self._repaint.setInterval(theme.current().length("motion", "repaint_streaming_ms"))
        self._repaint.timeout.connect(self._take_incoming)
        self._progress: dict[str, ReadingProgress] = {}
        self._reading_for = QElapsedTimer()
        self._late_progress = QTimer(self, singleShot=True)
        self._late_progress.setInterval(theme.current().length("motion", "spinner_delay_ms"))
        self._late_progress.timeout.connect(self._show_progress)
        self._feet = (self._foot_row(), self._foot_row())
        self._jump = Button(
            self.tr("Jump to latest"), "arrowdown", object_name="jump_to_latest", height=28, parent=self
        )
        self._jump.clicked.connect(self.jump_to_latest)
        self._jump.hide()

    def _foot_row(self) -> FootRow:
        row = FootRow(self.viewport())
        row.copy_clicked.connect(self.copy_requested)
        row.retry_clicked.connect(self.regenerate_requested)
        row.edit_clicked.connect(self.edit_requested)
        row.branch_clicked.connect(self.branch_requested)
        row.more_clicked.connect(self._on_more)
        return row

    # --- messages in --------------------------------------------------------------------------------------------

    def set_messages(self, views: Sequence[MessageView]) -> None:
        """Show these messages and stand at the last one."""
        self._forget_streams()
        self._selection.clear()
        self._keyboard.leave()
        self._hovered = -1
        self._replace_all(views)
        self._show_empty_state()

    def clear(self) -> None:
        """Show no message."""
        self.set_messages([])

    def append_message(self, view: MessageView) -> None:
        """Show one more message at the end."""
        self._append(view)
        self._show_empty_state()
        self._name_the_end()

    def update_message(self, view: MessageView) -> None:
        """Show a message anew; an unknown one is appended."""
        index = self._index.get(view.id)
        if index is None:
            self.append_message(view)
            return
        self._incoming.pop(view.id, None)
        self._incoming_thoughts.pop(view.id, None)
        self._views[index] = view
        self._drop(view.id)
        self._rows.forget(index)
        self._arrange()

    def finish(self, view: MessageView) -> None:
        """The answer has ended: show it whole, with its figures and checked citations."""
        self._progress.pop(view.id, None)
        self.update_message(view)
        self._name_the_end()

    def append_text(self, message_id: str, text: str) -> None:
        """More of a streamed answer; shown within 33 ms, at most 30 times a second."""
        self._incoming.setdefault(message_id, []).append(text)
        self._start_repaint()

    def append_thinking(self, message_id: str, text: str) -> None:
        """More of what the model thinks."""
        self._incoming_thoughts.setdefault(message_id, []).append(text)
        self._start_repaint()

    def set_progress(self, message_id: str, progress: ReadingProgress | None) -> None:
        """Prompt processing of an answer; shown from 300 ms on, None takes it away."""
        if progress is None:
            self._progress.pop(message_id, None)
            self._late_progress.stop()
            self._update_progress_row(message_id, None)
            return
        if message_id not in self._progress:
            self._reading_for.start()
        self._progress[message_id] = progress
        if self._reading_for.hasExpired(self._late_progress.interval()):
            self._update_progress_row(message_id, progress)
        elif not self._late_progress.isActive():
            self._late_progress.start()

    def set_empty_state(self, icon: str, title: str, text: str = "", actions: tuple[Action, ...] = ()) -> None:
        """What is said while there is no message; its actions come back with an empty message id."""
        if self._empty is not None:
            self._empty.deleteLater()
        self._empty = EmptyState(icon, title, text, actions, object_name="transcript_empty", parent=self.viewport())
        self._empty.action_triggered.connect(self._on_empty_action)
        self._show_empty_state()

    def set_active_citation(self, message_id: str, number: int) -> None:
        """Mark the citation whose evidence is open; number 0 marks none."""
        for layout in self._layouts.values():
            layout.pills.active = number if layout.view.id == message_id else 0
        self.viewport().update()

    # --- what others may ask ------------------------------------------------------------------------------------

    def message_ids(self) -> list[str]:
        """Ids of all messages, first to last."""
        return [view.id for view in self._views]

    def message(self, message_id: str) -> MessageView:
        """The message as it is shown, streamed text included."""
        self._take_incoming()
        return self._views[self._index[message_id]]

    def message_text(self, message_id: str) -> str:
        """All words that are read in a message: its text, banners, checks and figures."""
        self._take_incoming()
        return self._layout_of(self._index[message_id]).text()

    def selected_text(self) -> str:
        """The selected words."""
        return self._selection.text(self._layout_of, self._plain_text)

    def jump_to_latest(self) -> None:
        """Go to the end and stay there while it grows."""
        self._pinned = True
        self._arrange()

    def is_at_end(self) -> bool:
        """Whether the view follows the end."""
        return self._pinned

    def last_seen(self) -> int:
        """Index of the last message of which something is seen, -1 without any."""
        return self._seen().stop - 1

    def layout_at(self, index: int) -> MessageLayout:
        """The message at an index, laid out."""
        return self._layout_of(index)

    def foot_buttons(self, index: int) -> list[IconButton]:
        """The buttons now shown for a message."""
        rows = [row for row in self._feet if not row.isHidden() and row.message_id == self._views[index].id]
        return rows[0].buttons() if rows else []

    def show_message(self, index: int) -> None:
        """Scroll as little as needed to see a message, from its start; say it to a screen reader."""
        if index >= 0:
            layout = self._layout_of(index)
            top, height = self._rows.top(index), self.viewport().height()
            bar = self.verticalScrollBar()
            if top < bar.value() or layout.height > height:
                bar.setValue(round(top))
            elif top + layout.height > bar.value() + height:
                bar.setValue(round(top + layout.height - height + 16))
            role = self.tr("Question") if layout.view.role == "user" else self.tr("Answer")
            self.setAccessibleDescription(f"{role}: {layout.text()}")
        self._place_feet()
        self.viewport().update()

    def _plain_text(self, index: int) -> str:
        view = self._views[index]
        if view.role == "user":
            return view.text
        numbers = {citation.number for citation in view.citations}
        return markdown.plain(markdown.parse(view.text, numbers))

    # --- streaming ----------------------------------------------------------------------------------------------

    def _start_repaint(self) -> None:
        if not self._repaint.isActive():
            self._repaint.start()

    def _forget_streams(self) -> None:
        self._repaint.stop()
        self._late_progress.stop()
        for waiting in (self._incoming, self._incoming_thoughts, self._progress):
            waiting.clear()

    def _take_incoming(self) -> None:
        """Move what has streamed in since the last repaint into the messages."""
        ids = {*self._incoming, *self._incoming_thoughts} & self._index.keys()
        for message_id in ids:
            index = self._index[message_id]
            view = self._views[index]
            text = "".join(self._incoming.get(message_id, []))
            thoughts = "".join(self._incoming_thoughts.get(message_id, []))
            self._views[index] = replace(view, text=view.text + text, thinking=view.thinking + thoughts)
            self._grow(index)
        self._incoming.clear()
        self._incoming_thoughts.clear()

    def _grow(self, index: int) -> None:
        view = self._views[index]
        layout = self._layouts.get(view.id)
        if layout is None:
            self._rows.forget(index)
            self._arrange()
            return
        layout.grow(view)
        self._rows.set_height(index, layout.height)
        if layout.thinking_row is not None:
            self._connect_thinking(layout)
        before = self.verticalScrollBar().value()
        if self._pinned:
            self._adjust_scroll_bar()
            self._remember_anchor()
        if self.verticalScrollBar().value() != before or not self._pinned:
            self._arrange()
            return
        self._place_widgets()
        top = round(self._corner(index).y())
        self.viewport().update(QRect(0, top, self.viewport().width(), self.viewport().height() - top))

    def _show_progress(self) -> None:
        for message_id, progress in self._progress.items():
            self._update_progress_row(message_id, progress)

    def _update_progress_row(self, message_id: str, progress: ReadingProgress | None) -> None:
        index = self._index.get(message_id)
        if index is not None:
            layout = self._layout_of(index)
            layout.show_progress(progress)
            self._rows.set_height(index, layout.height)
            self._arrange()

    def _prepare(self, layout: MessageLayout) -> None:
        """Connect what was just built."""
        self._connect_thinking(layout)
        if progress := self._progress.get(layout.view.id):
            layout.show_progress(progress)
        for part in layout.parts:
            if part.has_widget() and isinstance(banner := part.widget(), Banner):
                for button in banner.findChildren(Button):
                    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
                banner.setProperty("message", layout.view.id)
                banner.action_triggered.connect(self._on_banner_action)

    def _connect_thinking(self, layout: MessageLayout) -> None:
        row = layout.thinking_row
        if row is not None and row.property("message") is None:
            row.setProperty("message", layout.view.id)
            row.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            row.clicked.connect(self._on_thinking_clicked)

    # --- what widgets in messages say ---------------------------------------------------------------------------

    def _on_thinking_clicked(self) -> None:
        index = self._index[self.sender().property("message")]
        layout = self._layout_of(index)
        layout.toggle_thought()
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def _on_banner_action(self, name: str) -> None:
        self.action_requested.emit(self.sender().property("message"), name)

    def _on_empty_action(self, name: str) -> None:
        self.action_requested.emit("", name)

    def _on_more(self, message_id: str) -> None:
        index = self._index[message_id]
        menu = message_menu(self, self._views[index], None, self._selection_words())
        menu.popup(self.cursor().pos())

    def _selection_words(self) -> str:
        return "" if self._selection.is_empty() else self.selected_text()

    # --- arranging what floats ----------------------------------------------------------------------------------

    def _arrange(self) -> None:
        super()._arrange()
        self._place_feet()
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
            self._empty.setGeometry(self.viewport().rect())

    def _show_empty_state(self) -> None:
        if self._empty is not None:
            self._empty.setVisible(not self._views)
            self._empty.setGeometry(self.viewport().rect())

    def _name_the_end(self) -> None:
        """The pill says that something new is below."""
        if not self._pinned:
            self._jump.set_content(self.tr("New answer below"))

    def _place_feet(self) -> None:
        """The buttons of the last answer, and those of the message hovered or focused."""
        last = len(self._views) - 1
        wanted = [last if last >= 0 and self._views[last].role == "assistant" else -1]
        other = self._keyboard.current if self._keyboard.current >= 0 and self.hasFocus() else self._hovered
        wanted.append(other if other != wanted[0] else -1)
        for row, index in zip(self._feet, wanted, strict=True):
            if index not in self._seen() or self._views[index].status == "streaming":
                row.hide()
            else:
                self._place_foot(row, index)

    def _place_foot(self, row: FootRow, index: int) -> None:
        layout, view, corner = self._layout_of(index), self._views[index], self._corner(index)
        row.show_for(view, view.foot_tip)
        size = row.sizeHint()
        foot = layout.foot_index()
        if foot is not None:
            part = layout.parts[foot]
            y = corner.y() + layout.tops[foot] + (part.height - size.height()) / 2
            x = corner.x() - 3 if view.role != "user" else corner.x() + layout.width - size.width()
        else:
            bubble = layout.parts[0]
            box = bubble.box() if isinstance(bubble, BubblePart) else bubble.widget_rect().toRectF()
            x = max(4.0, corner.x() + box.left() - size.width() - 2)
            y = corner.y() + layout.tops[0] + box.bottom() - size.height() - 2
        row.setGeometry(QRect(QPoint(round(x), round(y)), size))
        row.show()
        row.raise_()

    # --- mouse --------------------------------------------------------------------------------------------------

    def _hit(self, point: QPointF) -> tuple[int, int, Part, QPointF] | None:
        """Message, part and the point in the part's coordinates."""
        if not self._views:
            return None
        index = self._rows.at(point.y() + self.verticalScrollBar().value())
        layout, corner = self._layout_of(index), self._corner(index)
        part = layout.part_at(point.y() - corner.y())
        if part < 0:
            return None
        return index, part, layout.parts[part], point - corner - QPointF(0, layout.tops[part])

    def _anchor_at(self, point: QPointF) -> tuple[str, Anchor] | None:
        hit = self._hit(point)
        if hit is None or not isinstance(hit[2], DocumentPart):
            return None
        anchor = hit[2].anchor_at(hit[3])
        return (self._views[hit[0]].id, anchor) if anchor is not None else None

    def _place_at(self, point: QPointF) -> Place | None:
        """The nearest position in words."""
        hit = self._hit(point)
        if hit is None:
            return None
        index, number, part, inside = hit
        if isinstance(part, DocumentPart):
            return index, number, part.position_at(inside)
        above = [(i, p) for i, p in self._layout_of(index).documents() if i < number]
        return (index, above[-1][0], above[-1][1].length()) if above else (index, number, 0)

    def activate(self, message_id: str, anchor: Anchor) -> None:
        """Open what a citation or link points to."""
        if anchor.citation:
            self.citation_activated.emit(message_id, anchor.citation)
        elif anchor.href:
            self.link_activated.emit(anchor.href)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a selection, or press a link."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._keyboard.leave()
        point = event.position()
        found = self._anchor_at(point)
        self._pressed = found[1] if found else None
        place = self._place_at(point)
        if place is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._selection.extend(place)
        else:
            self._selection.begin(place)
        self._selecting = True
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection, or show what is under the mouse."""
        if self._selecting:
            place = self._place_at(event.position())
            if place is not None:
                self._selection.extend(place)
            self._scroll_at_edge(event.position().y())
            self.viewport().update()
            return
        self._hover(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the selection, or open what was pressed."""
        self._selecting = False
        if event.button() != Qt.MouseButton.LeftButton or not self._selection.is_empty():
            return
        found = self._anchor_at(event.position())
        if found is not None and found[1] == self._pressed:
            self.activate(*found)
            return
        hit = self._hit(event.position())
        if hit is not None and isinstance(hit[2], CodePart) and hit[2].fold_rect().contains(hit[3]):
            hit[2].toggle_fold()
            self._relayout(hit[0])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        hit = self._hit(event.position())
        if hit is not None and isinstance(hit[2], DocumentPart):
            start, end = hit[2].word_at(hit[3])
            self._selection.select((hit[0], hit[1], start), (hit[0], hit[1], end))
            self.viewport().update()

    def _relayout(self, index: int) -> None:
        """A part of a message took another height."""
        layout = self._layout_of(index)
        layout.layout(layout.width)
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def _scroll_at_edge(self, y: float) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if y < 0 or y > height:
            bar.setValue(bar.value() + round(y if y < 0 else y - height))

    def _hover(self, point: QPointF) -> None:
        hit = self._hit(point)
        found = self._anchor_at(point)
        over_words = hit is not None and isinstance(hit[2], DocumentPart) and hit[2].contains_words(hit[3])
        shape = Qt.CursorShape.IBeamCursor if over_words else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if found else shape)
        self._hover_citation(found)
        index = hit[0] if hit else -1
        if index != self._hovered:
            self._hovered = index
            self._place_feet()

    def _hover_citation(self, found: tuple[str, Anchor] | None) -> None:
        for layout in self._layouts.values():
            number = found[1].citation if found and layout.view.id == found[0] else 0
            if layout.pills.hovered != number:
                layout.pills.hovered = number
                self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Sideways (or with Shift) over code and tables; up and down over everything."""
        delta = event.angleDelta()
        sideways = delta.x() or (delta.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if abs(sideways) >= abs(delta.y()) and sideways:
            hit = self._hit(event.position())
            if hit is not None and isinstance(hit[2], CodePart | TablePart) and hit[2].scroll(-sideways / 2):
                self.viewport().update()
            event.accept()
            return
        super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be copied here."""
        hit = self._hit(QPointF(event.pos()))
        if hit is not None:
            menu = message_menu(self, self._views[hit[0]], hit[2], self._selection_words())
            menu.exec(event.globalPos())
            self._relayout(hit[0])

    def viewportEvent(self, event: QEvent) -> bool:
        """Tooltips of citations and figures; the buttons go when the mouse leaves."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip_at(QPointF(event.pos())), self.viewport())
            return True
        if event.type() == QEvent.Type.Leave and not self.viewport().rect().contains(
            self.viewport().mapFromGlobal(self.cursor().pos())
        ):
            self._hovered = -1
            self._place_feet()
        return super().viewportEvent(event)

    def _tip_at(self, point: QPointF) -> str:
        found = self._anchor_at(point)
        if found is not None and found[1].citation:
            return self._layouts[found[0]].pills.tip(found[1].citation)
        if found is not None:
            return found[1].href
        hit = self._hit(point)
        return getattr(hit[2], "tip", "") if hit else ""

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the floating things in place."""
        super().resizeEvent(event)
        self._show_empty_state()
