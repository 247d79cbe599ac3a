"""Messages that arrive, change and grow while the model writes, and how a screen reader announces them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.bubble_part import BubblePart
from desktop_llm.gui.chat.transcript.canvas import LEAST_US, MessageCanvas
from desktop_llm.gui.chat.transcript.checks_card import ChecksCard
from desktop_llm.gui.chat.transcript.message_layout import MessageLayout
from desktop_llm.gui.chat.transcript.picture_strip import PictureButton, PictureStrip
from desktop_llm.gui.chat.transcript.thinking_row import ThinkingPart, ThinkingRow
from desktop_llm.gui.chat.transcript.tool_steps import ShowAllPart, ToolStepPart
from desktop_llm.gui.chat.transcript.view_model import MessageView, ReadingProgress, ThinkingFigures, WaitingInLine
from desktop_llm.gui.chat.transcript.widget_parts import WidgetPart
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets import Banner, Button
from desktop_llm.gui.work.announcing import announce
from desktop_llm.message import Citation, Part, Text, Thinking, ToolCall, ToolResult, appended, text_of
from desktop_llm.words import tr

_MOST_IMAGES = 40
"""Pictures of messages that are kept in memory, about 1 MB each."""


class Stream(QObject):
    """Collects tokens for 33 ms, and holds progress back for the first 300 ms, as most messages are read sooner."""

    due = Signal()
    """It is time to `take` the new pieces."""
    progress_changed = Signal(str)
    """The progress row of a message shows something else, or goes."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pieces: dict[str, list[Part]] = {}
        self._progress: dict[str, ReadingProgress | WaitingInLine] = {}
        motion = theme.current().length
        self._repaint = QTimer(self, singleShot=True, interval=motion("motion", "repaint_streaming_ms"))
        self._repaint.timeout.connect(self.due)
        self._late = QTimer(self, singleShot=True, interval=motion("motion", "spinner_delay_ms"))
        self._late.timeout.connect(self._on_late)

    def add(self, message_id: str, piece: Part) -> None:
        """Add a piece of an answer or of the model's thinking."""
        self._pieces.setdefault(message_id, []).append(piece)
        if not self._repaint.isActive():
            self._repaint.start()

    def take(self) -> dict[str, list[Part]]:
        """Return the pieces that arrived since the last call, by message and in order."""
        found, self._pieces = self._pieces, {}
        return found

    def forget(self, message_id: str) -> None:
        """Drop the pieces of a message that is shown again as a whole."""
        self._pieces.pop(message_id, None)

    def clear(self) -> None:
        """Drop all pieces, because another chat is shown."""
        self._repaint.stop()
        self._late.stop()
        self._pieces.clear()
        self._progress.clear()

    def progress(self, message_id: str) -> ReadingProgress | WaitingInLine | None:
        """The progress to show now, None if it is too early or there is none."""
        return None if self._late.isActive() else self._progress.get(message_id)

    def set_progress(self, message_id: str, progress: ReadingProgress | WaitingInLine | None) -> None:
        """Keep the latest progress; None ends it."""
        if progress is None:
            if self._progress.pop(message_id, None) is not None:
                self.progress_changed.emit(message_id)
            return
        if message_id not in self._progress:
            self._late.start()
        self._progress[message_id] = progress
        if self.progress(message_id) is not None:
            self.progress_changed.emit(message_id)

    def _on_late(self) -> None:
        for message_id in list(self._progress):
            self.progress_changed.emit(message_id)


_PAUSE_MS = 2000
_SENTENCE_END = re.compile(r"[.!?…。！？](?=\s)|\n")

Say = Callable[[str, bool], None]
"""Words to be said, and whether at once (assertive) or when there is a pause (polite)."""


class Announcer(QObject):
    """Says streamed text sentence by sentence, at most every two seconds."""

    def __init__(self, parent: QObject, say: Say | None = None) -> None:
        super().__init__(parent)
        self._say = say or functools.partial(announce, parent)
        self._unsaid = ""
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._say_sentences)

    def start(self) -> None:
        """Begin a new answer."""
        self._unsaid = ""
        self._say(tr("Answering"), False)

    def add(self, text: str) -> None:
        """Add a piece of the answer."""
        self._unsaid += text
        if not self._pause.isActive():
            self._say_sentences()

    def finish(self, words: str) -> None:
        """Say the rest of the answer and how it ended."""
        self._pause.stop()
        rest, self._unsaid = self._unsaid.strip(), ""
        self._say(" ".join(part for part in (rest, words) if part), False)

    def fail(self, words: str) -> None:
        """Say at once that something went wrong."""
        self._pause.stop()
        self._unsaid = ""
        self._say(words, True)

    def _say_sentences(self) -> None:
        ends = [match.end() for match in _SENTENCE_END.finditer(self._unsaid)]
        if ends:
            said, self._unsaid = self._unsaid[: ends[-1]].strip(), self._unsaid[ends[-1] :]
            if said:
                self._say(said, False)
                self._pause.start()


class LiveMessages(MessageCanvas):
    """Shows `MessageView`s and the text streamed to them.

    Signals: `action_requested` with a message's id and the name of an action from its banner, or "answer_now";
    `picture_wanted` with the path of a picture that `set_picture` then shows; `picture_activated` with the paths of a
    message's pictures and the index of the one that was pressed.
    """

    action_requested = Signal(str, str)
    citation_activated = Signal(str, Citation)
    picture_wanted = Signal(str)
    picture_activated = Signal(tuple, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._announcer = Announcer(self)
        self._images: dict[str, QImage] = {}
        self._stream = Stream(self)
        self._figures: dict[str, ThinkingFigures] = {}  # of thinking that is not shown yet
        self._stream.due.connect(self._take_incoming)
        self._stream.progress_changed.connect(self._on_progress_changed)

    # --- messages in --------------------------------------------------------------------------------------------

    def set_messages(self, views: Sequence[MessageView]) -> None:
        """Show these messages and stand at the last one."""
        self._stream.clear()
        self._replace_all(views)

    def clear(self) -> None:
        """Remove all messages."""
        self.set_messages([])

    def append_message(self, view: MessageView) -> None:
        """Add a message at the end."""
        self._append(view)
        self._tell_of_the_end()
        if view.status == "streaming":
            self._announcer.start()

    def update_message(self, view: MessageView) -> None:
        """Replace a message; an unknown one is appended."""
        index = self._index.get(view.id)
        if index is None:
            self.append_message(view)
            return
        self._stream.forget(view.id)
        self._views[index] = view
        self._begin_anew(index)
        self._rows.forget(index)
        self._arrange()

    def finish(self, view: MessageView) -> None:
        """Show the finished answer, with its figures and checked citations."""
        self._stream.set_progress(view.id, None)
        self.update_message(view)
        self._tell_of_the_end()
        if view.error:
            self._announcer.fail(f"{view.error} {view.error_text}".strip())
        else:
            self._announcer.finish(tr("Answer finished. {figures}", figures=view.foot))

    def append_text(self, message_id: str, text: str) -> None:
        """Add text to a streamed answer; it is shown within 33 ms, at most 30 times a second."""
        self._stream.add(message_id, Text(text))

    def append_step(self, message_id: str, part: ToolCall | ToolResult) -> None:
        """Add a tool's call to a streamed answer, or its result, which the row of its call then shows."""
        self._stream.add(message_id, part)

    def append_thinking(self, message_id: str, text: str, figures: ThinkingFigures | None = None) -> None:
        """Add text to the model's thinking, which has these figures by now."""
        self._stream.add(message_id, Thinking(text))
        if figures is not None:
            self._figures[message_id] = figures

    def set_progress(self, message_id: str, progress: ReadingProgress | WaitingInLine | None) -> None:
        """Show the prompt processing of an answer once it takes over 300 ms; None removes it."""
        self._stream.set_progress(message_id, progress)

    def message_ids(self) -> list[str]:
        """The ids of all messages, first to last."""
        return [view.id for view in self._views]

    def message(self, message_id: str) -> MessageView:
        """The message as it is shown, including streamed text."""
        self._take_incoming()
        return self._views[self._index[message_id]]

    def message_text(self, message_id: str) -> str:
        """All text shown in a message: its own, banners, checks and figures."""
        self._take_incoming()
        return self._finish_layout(self._index[message_id]).text()

    def _tell_of_the_end(self) -> None:
        """Say that there is something new at the end; a hook for subclasses."""

    # --- streaming ----------------------------------------------------------------------------------------------

    def _take_incoming(self) -> None:
        """Move the text streamed since the last repaint into the messages."""
        for message_id, pieces in self._stream.take().items():
            index = self._index.get(message_id)
            if index is not None:
                view = self._views[index]
                self._announcer.add(text_of(pieces))
                parts = view.parts
                for piece in pieces:
                    parts = appended(parts, piece) if isinstance(piece, Text | Thinking) else (*parts, piece)
                figures = self._figures.pop(message_id, view.thinking)
                self._views[index] = replace(view, parts=parts, thinking=figures)
                self._grow(index)

    def _grow(self, index: int) -> None:
        view = self._views[index]
        layout = self._layouts.get(view.id)
        if layout is None:
            self._rows.forget(index)
            self._arrange()
            return
        layout.grow(view)
        if view.id in self._coming:
            self._coming[view.id].grow(view)
        before = self.verticalScrollBar().value()
        self._lay_out(index, max(self._left_us, LEAST_US))
        if not layout.is_finished():
            self._ahead.start()
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
        """Connect the widgets of a message that were just made."""
        self._connect_thinking(layout)
        self._connect_steps(layout)
        if progress := self._stream.progress(layout.view.id):
            layout.show_progress(progress)
        for part in layout.parts:
            if isinstance(part, WidgetPart) and isinstance(banner := part.widget(), Banner):
                self._connect_banner(banner, layout.view.id)
            if isinstance(part, WidgetPart) and isinstance(card := part.widget(), ChecksCard):
                self._connect_checks(card, layout.view.id)
            if isinstance(part, BubblePart) and isinstance(strip := part.widget(), PictureStrip):
                self._connect_pictures(strip)

    def set_picture(self, path: str, image: QImage) -> None:
        """Show a picture that was asked for; null if it is gone."""
        self._images[path] = image
        if len(self._images) > _MOST_IMAGES:
            del self._images[next(iter(self._images))]
        for layout in self._layouts.values():
            for part in layout.parts:
                if isinstance(part, BubblePart) and isinstance(strip := part.widget(), PictureStrip):
                    for button in strip.buttons:
                        if button.path == path:
                            button.set_image(image)

    def _connect_pictures(self, strip: PictureStrip) -> None:
        if strip.property("connected") is None:
            strip.setProperty("connected", True)
            for button in strip.buttons:
                button.clicked.connect(self._on_picture_clicked)
                if button.path in self._images:
                    button.set_image(self._images[button.path])
                else:
                    self.picture_wanted.emit(button.path)

    def _connect_banner(self, banner: Banner, message_id: str) -> None:
        if banner.property("message") is None:
            banner.setProperty("message", message_id)
            banner.action_triggered.connect(self._on_banner_action)
            for button in banner.findChildren(Button):
                button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _connect_checks(self, card: ChecksCard, message_id: str) -> None:
        if card.property("message") is None:
            card.setProperty("message", message_id)
            card.folded.connect(self._on_checks_folded)
            card.quote_chosen.connect(self._on_check_chosen)
            card.action_triggered.connect(self._on_banner_action)

    def _on_checks_folded(self) -> None:
        card = self.sender()
        index = self._index[card.property("message")]
        layout = self.layout_at(index)
        if isinstance(card, ChecksCard):
            layout.fold_checks(card)
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def _on_check_chosen(self, quote: Citation) -> None:
        self.citation_activated.emit(self.sender().property("message"), quote)

    def _connect_thinking(self, layout: MessageLayout) -> None:
        for part in layout.parts:
            if isinstance(part, ThinkingPart) and part.row.property("message") is None:
                part.row.setProperty("message", layout.view.id)
                part.row.clicked.connect(self._on_thinking_clicked)
                part.row.answer_now.setProperty("message", layout.view.id)
                part.row.answer_now.clicked.connect(self._on_answer_now)

    def _connect_steps(self, layout: MessageLayout) -> None:
        for part in layout.parts:
            if isinstance(part, ToolStepPart | ShowAllPart) and (button := part.widget()).property("message") is None:
                button.setProperty("message", layout.view.id)
                part.button.clicked.connect(self._on_step_pressed)

    def _on_picture_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, PictureButton) and isinstance(strip := button.parentWidget(), PictureStrip):
            self.picture_activated.emit(strip.paths, strip.buttons.index(button))

    # --- signals of widgets in messages -------------------------------------------------------------------------

    def _on_thinking_clicked(self) -> None:
        row = self.sender()
        index = self._index[row.property("message")]
        layout = self.layout_at(index)
        if isinstance(row, ThinkingRow):
            layout.toggle_thoughts(row)
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def _on_step_pressed(self) -> None:
        button = self.sender()
        index = self._index[button.property("message")]
        layout = self.layout_at(index)
        if isinstance(button, QWidget):
            layout.press_step(button)
        self._pinned = False
        self._rows.set_height(index, layout.height)
        self._arrange()

    def _on_answer_now(self) -> None:
        self.action_requested.emit(self.sender().property("message"), "answer_now")

    def _on_banner_action(self, name: str) -> None:
        self.action_requested.emit(self.sender().property("message"), name)
