"""The transcript without a mouse: message by message, and inside one from citation to link to button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.transcript.documents import Anchor
from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.transcript.parts import DocumentPart
from desktop_llm.gui.widgets.painting import draw_box

if TYPE_CHECKING:
    from desktop_llm.gui.transcript.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Stop:
    """Something inside a message that Tab stops at: an anchor of a part, or a button."""

    part: int
    anchor: Anchor | None = None
    button: QAbstractButton | None = None


class Keyboard(QObject):
    """Which message has the focus, and what inside it."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self.current = -1
        self._stop: Stop | None = None

    def leave(self) -> None:
        """No message has the focus any more."""
        self.current, self._stop = -1, None

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key means here; False if it means nothing."""
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
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key))
        if step is None or self.current < 0:
            return False
        self._transcript.branch_requested.emit(self._id(), step)
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
        self._stop = None
        self.current = min(max(0, start + step), count - 1)
        self._transcript.show_message(self.current)
        return True

    def _enter(self) -> bool:
        if self._stop is not None:
            self._activate(self._stop)
            return True
        return self.current >= 0 and self.tab(True)

    def _back_out(self) -> None:
        if self._stop is not None:
            self._stop = None
            self._transcript.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.current = -1
        self._transcript.show_message(self.current)

    def _open_citation(self, number: int) -> bool:
        if self.current < 0:
            return False
        stops = [stop for stop in self._stops() if stop.anchor is not None and stop.anchor.citation == number]
        if stops:
            self._activate(stops[0])
        return bool(stops)

    def _stops(self) -> list[Stop]:
        layout = self._transcript.layout_at(self.current)
        found: list[Stop] = []
        for number, part in enumerate(layout.parts):
            if isinstance(part, DocumentPart):
                found.extend(Stop(number, anchor) for anchor in part.anchors)
            if part.has_widget() and (widget := part.widget()) is not None:
                buttons = [widget] if isinstance(widget, QAbstractButton) else widget.findChildren(QAbstractButton)
                found.extend(Stop(number, button=button) for button in buttons)
        found.extend(Stop(-1, button=button) for button in self._transcript.foot_buttons(self.current))
        return found

    def tab(self, forward: bool) -> bool:
        """To the next or previous stop inside the message; False at its end."""
        if self.current < 0 or (self._stop is None and not forward):
            return False
        stops = self._stops()
        at = stops.index(self._stop) if self._stop in stops else -1
        at += 1 if forward else -1
        if not 0 <= at < len(stops):
            self._stop = None
            return False
        self._take(stops[at])
        return True

    def _take(self, stop: Stop) -> None:
        self._stop = stop
        if stop.button is not None:
            stop.button.installEventFilter(self)
            stop.button.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self._transcript.setFocus(Qt.FocusReason.TabFocusReason)
        self._transcript.setAccessibleDescription(self._describe(stop))
        self._transcript.viewport().update()

    def _describe(self, stop: Stop) -> str:
        if stop.anchor is None:
            return stop.button.accessibleName() if stop.button is not None else ""
        if stop.anchor.citation:
            return self._transcript.layout_at(self.current).pills.describe(stop.anchor.citation)
        return stop.anchor.href

    def _activate(self, stop: Stop) -> None:
        if stop.button is not None:
            stop.button.click()
        elif stop.anchor is not None:
            self._transcript.activate(self.current, stop.anchor)

    def paint(self, painter: QPainter, index: int, layout: MessageLayout) -> None:
        """The ring around the message with the focus, or around the stop inside it."""
        if index != self.current:
            return
        ring = theme.current().colour("focus_ring")
        if self._stop is None:
            box = QRectF(-10, layout.gap_above - 6, layout.width + 20, layout.height - layout.gap_above + 10)
            draw_box(painter, box.toRect(), 8, None, ring, 2)
            return
        part = layout.parts[self._stop.part]
        if self._stop.anchor is not None and isinstance(part, DocumentPart):
            for rect in part.anchor_rects(self._stop.anchor):
                box = rect.translated(0, layout.tops[self._stop.part]).adjusted(1, 0, 2, 0)
                draw_box(painter, box.toRect(), 5, None, ring, 2)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tab and Esc on a button inside a message stay with the message."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and isinstance(watched, QWidget):
            if event.key() == Qt.Key.Key_Escape:
                self._back_out()
                return True
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and self._stop is not None:
                return self.tab(event.key() == Qt.Key.Key_Tab)
        return super().eventFilter(watched, event)
