"""Messages that come, change and grow while the model writes; laid out and scrolled by the canvas below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.transcript.announcer import Announcer
from desktop_llm.gui.transcript.canvas import MessageCanvas
from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.transcript.stream import Stream
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress
from desktop_llm.gui.widgets import Banner, Button


class LiveMessages(MessageCanvas):
    """Takes in `MessageView`s and what is streamed to them. Signal: `action_requested` with a message's id and the name
    of an action that its banner offers.
    """

    action_requested = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._announcer = Announcer(self)
        self._stream = Stream(self)
        self._stream.due.connect(self._take_incoming)
        self._stream.progress_changed.connect(self._on_progress_changed)

    # --- messages in --------------------------------------------------------------------------------------------

    def set_messages(self, views: Sequence[MessageView]) -> None:
        """Show these messages and stand at the last one."""
        self._stream.clear()
        self._replace_all(views)

    def clear(self) -> None:
        """Show no message."""
        self.set_messages([])

    def append_message(self, view: MessageView) -> None:
        """Show one more message at the end."""
        self._append(view)
        self._tell_of_the_end()
        if view.status == "streaming":
            self._announcer.start()

    def update_message(self, view: MessageView) -> None:
        """Show a message anew; an unknown one is appended."""
        index = self._index.get(view.id)
        if index is None:
            self.append_message(view)
            return
        self._stream.forget(view.id)
        self._views[index] = view
        self._drop(view.id)
        self._rows.forget(index)
        self._arrange()

    def finish(self, view: MessageView) -> None:
        """The answer has ended: show it whole, with its figures and checked citations."""
        self._stream.set_progress(view.id, None)
        self.update_message(view)
        self._tell_of_the_end()
        if view.error:
            self._announcer.fail(view.error)
        else:
            self._announcer.finish(self.tr("Answer finished. {figures}").format(figures=view.foot))

    def append_text(self, message_id: str, text: str) -> None:
        """More of a streamed answer; shown within 33 ms, at most 30 times a second."""
        self._stream.add_text(message_id, text)

    def append_thinking(self, message_id: str, text: str) -> None:
        """More of what the model thinks."""
        self._stream.add_thoughts(message_id, text)

    def set_progress(self, message_id: str, progress: ReadingProgress | None) -> None:
        """Prompt processing of an answer; shown from 300 ms on, None takes it away."""
        self._stream.set_progress(message_id, progress)

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
        return self.layout_at(self._index[message_id]).text()

    def _tell_of_the_end(self) -> None:
        """A hook: something new stands at the end."""

    # --- streaming ----------------------------------------------------------------------------------------------

    def _take_incoming(self) -> None:
        """Move what has streamed in since the last repaint into the messages."""
        for message_id, (text, thoughts) in self._stream.take().items():
            index = self._index.get(message_id)
            if index is not None:
                view = self._views[index]
                self._announcer.add(text)
                self._views[index] = replace(view, text=view.text + text, thinking=view.thinking + thoughts)
                self._grow(index)

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
        top = round(self.corner_of(index).y())
        self.viewport().update(QRect(0, top, self.viewport().width(), self.viewport().height() - top))

    def _on_progress_changed(self, message_id: str) -> None:
        index = self._index.get(message_id)
        if index is not None:
            layout = self.layout_at(index)
            layout.show_progress(self._stream.progress(message_id))
            self._rows.set_height(index, layout.height)
            self._arrange()

    def _prepare(self, layout: MessageLayout) -> None:
        """Connect what was just built."""
        self._connect_thinking(layout)
        if progress := self._stream.progress(layout.view.id):
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
        layout = self.layout_at(index)
        layout.toggle_thought()
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def _on_banner_action(self, name: str) -> None:
        self.action_requested.emit(self.sender().property("message"), name)
