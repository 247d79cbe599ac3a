"""The transcript: the messages of a chat, streaming, selectable, and usable without a mouse.

It receives `MessageView`s and sends signals; it never touches a store or a worker.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.accessible import MessageItems
from desktop_llm.gui.chat.transcript.message_layout import MessageLayout
from desktop_llm.gui.chat.transcript.parts import WordsPart
from desktop_llm.gui.chat.transcript.selectable import SelectableMessages, Stop
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets import Action, Button, EmptyState
from desktop_llm.gui.look.widgets.painting import draw_box
from desktop_llm.message import Citation
from desktop_llm.words import tr

_PILL_FROM = 24


class Transcript(SelectableMessages):
    """All messages of the open chat. Message ids come from the store."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName(tr("Messages"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._keyboard = Keyboard(self)
        self._empty: EmptyState | None = None
        self._jump = Button(tr("Jump to latest"), "arrowdown", object_name="jump_to_latest", height=28, parent=self)
        self._jump.clicked.connect(self.jump_to_latest)
        self._jump.hide()
        self._items = MessageItems(self, self._floating)

    def set_messages(self, views: Sequence[MessageView]) -> None:
        """Show these messages and stand at the last one."""
        self._keyboard.leave()
        self.forget_pointer()
        self.words.clear()
        self._items.clear()
        super().set_messages(views)

    def set_empty_state(self, icon: str, title: str, text: str = "", actions: tuple[Action, ...] = ()) -> None:
        """Set the text shown while there is no message; its actions are sent with an empty message id."""
        if self._empty is not None:
            self._empty.deleteLater()
        self._empty = EmptyState(icon, title, text, actions, object_name="transcript_empty", parent=self.viewport())
        self._empty.action_triggered.connect(self._on_empty_action)
        self._arrange()

    def set_active_citation(self, message_id: str, quote: Citation | None) -> None:
        """Light the marks of the quote whose page is open; None lights none."""
        for layout in self._layouts.values():
            layout.light_quote(quote if layout.view.id == message_id else None)
        self.viewport().update()

    def copy_selection(self) -> None:
        """Copy the selected text, or, without a selection, the message with the focus."""
        if not self._selection.is_empty():
            self.copy_selected()
        elif self._keyboard.current >= 0:
            self.copy_requested.emit(self._views[self._keyboard.current].id)

    def _floating(self) -> list[QWidget]:
        """The visible widgets that lie over the messages."""
        return [widget for widget in (self._jump, self._empty) if widget is not None and widget.isVisible()]

    def tell_focus(self, index: int, stop: Stop | None) -> None:
        """Let a screen reader follow the keyboard."""
        self._items.tell_focus(index, stop)

    def _on_empty_action(self, name: str) -> None:
        self.action_requested.emit("", name)

    def _arrange(self) -> None:
        super()._arrange()
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
            self._jump.set_content(tr("Jump to latest"))
        if self._empty is not None:
            self._empty.setVisible(not self._views)
            self._empty.setGeometry(self.viewport().rect())

    def _tell_of_the_end(self) -> None:
        """Say on the pill that there is something new below."""
        if not self._pinned:
            self._jump.set_content(tr("New answer below"))

    def open_word(self, index: int) -> bool:
        """Look into the words of a message, or, without one (-1), of the last answer; False if it is no answer."""
        answer = self._views[index] if index < len(self._views) and self._views else None
        if answer is None or answer.role != "assistant" or not answer.text or answer.status == "streaming":
            return False
        self.words.open(answer.id)
        return True

    def to_look_at(self) -> list[tuple[int, Stop]]:
        """The citations that need a look: the index of the message of each, and the citation."""
        return [
            (index, Stop(part, anchor))
            for index, view in enumerate(self._views)
            if any(each.check.needs_a_look for each in view.checked)
            for part, anchor in self.layout_at(index).to_look_at()
        ]

    def shows_words(self, index: int) -> bool:
        """Whether the word choices of a message, or, without one (-1), of the last answer, are switched on."""
        return bool(self._views) and index < len(self._views) and self._views[index].choices is not None

    def focused_message(self) -> int:
        return self._keyboard.current

    def focused_stop(self) -> Stop | None:
        return self._keyboard.stop

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Drop the keyboard focus of messages, because the mouse is used."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._keyboard.leave()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the keys of the transcript; pass all others on to the window."""
        if not self._keyboard.press(event):
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Move between citations, links and buttons on Tab inside a message."""
        return self._keyboard.tab(forward) or super().focusNextPrevChild(forward)

    def _paint_message_extras(self, painter: QPainter, index: int, layout: MessageLayout) -> None:
        if self.hasFocus():
            self._keyboard.paint(painter, index, layout)


class Keyboard(QObject):
    """Keeps which message has the focus, and which link or button inside it."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self.current = -1
        self.stop: Stop | None = None

    def leave(self) -> None:
        """Take the focus from the messages."""
        self.current, self.stop = -1, None

    def press(self, event: QKeyEvent) -> bool:
        """Handle a key; returns False if it has no meaning here."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self._transcript.copy_selection()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self._transcript.select_all()
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.key() == Qt.Key.Key_End:
            self._transcript.jump_to_latest()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            return self._press_alt(event.key())
        else:
            return self._press_plain(event.key(), event.text())
        return True

    def _press_alt(self, key: int) -> bool:
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self._go_to_check(1 if key == Qt.Key.Key_Down else -1):
            return True
        if key == Qt.Key.Key_Down:
            return self._transcript.open_word(self.current)
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key))
        if step is None or self.current < 0:
            return False
        self._transcript.branch_requested.emit(self._id(), step)
        return True

    def _go_to_check(self, step: int) -> bool:
        """Move to the next or previous citation that needs a look, in any answer; False if there is none, or the word
        choices are shown, which have the same key.
        """
        places = self._transcript.to_look_at()
        if not places or self._transcript.shows_words(self.current):
            return False
        here = self.stop.part if self.stop is not None else -1
        order = [(index, stop.part, stop.anchor.start if stop.anchor else 0) for index, stop in places]
        start = self.stop.anchor.start if self.stop is not None and self.stop.anchor is not None else -1
        now = (self.current, here, start)
        following = [at for at, place in enumerate(order) if (place > now if step > 0 else place < now)]
        at = (following[0] if step > 0 else following[-1]) if following else (0 if step > 0 else len(order) - 1)
        self.current, stop = places[at]
        self._transcript.show_message(self.current)
        self._take(stop)
        return True

    def _press_plain(self, key: int, text: str) -> bool:
        match key:
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                return self._go(-1 if key == Qt.Key.Key_Up else 1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                return self._enter()
            case Qt.Key.Key_Escape if self.current >= 0:
                self._back_out()
                return True
            case Qt.Key.Key_C if self.current >= 0:
                self._transcript.copy_requested.emit(self._id())
                return True
            case _:
                return bool(text) and text in "123456789" and self._open_citation(int(text))

    def _id(self) -> str:
        return self._transcript.message_ids()[self.current]

    def _go(self, step: int) -> bool:
        count = len(self._transcript.message_ids())
        if not count:
            return False
        start = self._transcript.last_seen() + (1 if step < 0 else 0) if self.current < 0 else self.current
        self.stop = None
        self.current = min(max(0, start + step), count - 1)
        self._show()
        return True

    def _enter(self) -> bool:
        if self.stop is not None:
            self._activate(self.stop)
            return True
        return self.current >= 0 and self.tab(True)

    def _back_out(self) -> None:
        if self.stop is not None:
            self.stop = None
            self._transcript.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.current = -1
        self._show()

    def _show(self) -> None:
        if self.current >= 0:
            self._transcript.show_message(self.current)
        self._transcript.tell_focus(self.current, None)
        self._transcript.viewport().update()

    def _open_citation(self, number: int) -> bool:
        if self.current < 0:
            return False
        stops = [
            stop
            for stop in self._transcript.stops(self.current)
            if stop.anchor is not None and stop.anchor.citation == number
        ]
        if stops:
            self._activate(stops[0])
        return bool(stops)

    def tab(self, forward: bool) -> bool:
        """Move to the next or previous link or button inside the message; returns False at its end."""
        if self.current < 0 or (self.stop is None and not forward):
            return False
        stops = self._transcript.stops(self.current)
        at = stops.index(self.stop) if self.stop in stops else -1
        at += 1 if forward else -1
        if not 0 <= at < len(stops):
            self.stop = None
            return False
        self._take(stops[at])
        return True

    def _take(self, stop: Stop) -> None:
        self.stop = stop
        if stop.button is not None:
            stop.button.installEventFilter(self)
            stop.button.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self._transcript.setFocus(Qt.FocusReason.TabFocusReason)
        self._transcript.tell_focus(self.current, stop)
        self._transcript.viewport().update()

    def _activate(self, stop: Stop) -> None:
        if stop.button is not None:
            stop.button.click()
        elif stop.anchor is not None:
            self._transcript.activate(self.current, stop.anchor)

    def paint(self, painter: QPainter, index: int, layout: MessageLayout) -> None:
        """Paint the ring around the message with the focus, or around the link or button inside it."""
        if index != self.current:
            return
        ring = theme.current().colour("focus_ring")
        if self.stop is None:
            box = QRectF(-10, layout.gap_above - 6, layout.width + 20, layout.height - layout.gap_above + 10)
            draw_box(painter, box.toRect(), 8, None, ring, 2)
            return
        part = layout.parts[self.stop.part]
        if self.stop.anchor is not None and isinstance(part, WordsPart):
            for rect in part.anchor_rects(self.stop.anchor):
                box = rect.translated(0, layout.tops[self.stop.part]).adjusted(1, 0, 2, 0)
                draw_box(painter, box.toRect(), 5, None, ring, 2)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle Tab and Esc on a button as if pressed in its message."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and isinstance(watched, QWidget):
            if event.key() == Qt.Key.Key_Escape:
                self._back_out()
                return True
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and self.stop is not None:
                return self.tab(event.key() == Qt.Key.Key_Tab)
        return super().eventFilter(watched, event)
