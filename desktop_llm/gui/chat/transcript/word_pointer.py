"""Which word of an answer is looked at: the one under the mouse, or the one that the keyboard is at."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRect, QTimer, Signal

from desktop_llm.gui.chat.transcript.canvas import MessageCanvas
from desktop_llm.gui.chat.transcript.message_layout import MessageLayout
from desktop_llm.gui.chat.transcript.parts import DocumentPart, Part
from desktop_llm.gui.chat.transcript.word_marks import level_of

_HOVER_MS = 300


class WordPointer(QObject):
    """Lights the word, and tells of it.

    Signals: `pointed` once the mouse rests on a word, and `opened` if the keyboard asks for it, both with the message's
    id and the token's number; `left` when the mouse is on none any more; `wanted` if the keyboard asks for the words of
    a message that does not show them.
    """

    pointed = Signal(str, int)
    opened = Signal(str, int)
    left = Signal()
    wanted = Signal(str)

    def __init__(self, transcript: MessageCanvas) -> None:
        super().__init__(transcript)
        self._transcript = transcript
        self.place: tuple[str, int] | None = None
        """The message and the token that are lit."""
        self.under: tuple[str, int] | None = None
        """Those under the mouse."""
        self._rest = QTimer(self, singleShot=True, interval=_HOVER_MS)
        self._rest.timeout.connect(self._on_rest)
        self.held = False
        """Whether the word stays lit wherever the mouse goes."""

    def hover(self, index: int, part: Part | None, point: QPointF) -> None:
        """Follow the mouse, which is at a point of a part of a message, or on no part."""
        place = self.under = self._at(index, part, point)
        if self.held:
            if place != self.place:
                self.left.emit()
        elif place != self.place:
            self._light(place)
            self._rest.stop()
            if place is not None:
                self._rest.start()

    def _at(self, index: int, part: Part | None, point: QPointF) -> tuple[str, int] | None:
        if not isinstance(part, DocumentPart) or part.marks is None:
            return None
        token = part.marks.token_at(point - part.origin())
        return (self._transcript.view_at(index).id, token) if token >= 0 else None

    def _on_rest(self) -> None:
        if self.place is not None:
            self.pointed.emit(*self.place)

    def open(self, message_id: str) -> None:
        """Ask for the word at the cursor of a message: the one that is lit, or the first the model was unsure of."""
        words = self.words(message_id)
        if not words:
            self.wanted.emit(message_id)
            return
        if self.place is None or self.place[0] != message_id:
            choices = self._transcript.view_at(self._transcript.index_of(message_id)).choices
            tokens = choices.tokens if choices is not None else ()
            unsure = (word for word in words if level_of(tokens[word].probability or 0.0) in ("open", "guess"))
            self._light((message_id, next(unsure, words[0])))
        assert self.place is not None
        self.opened.emit(*self.place)

    def words(self, message_id: str) -> list[int]:
        """The numbers of the tokens that a message shows, in order, as far as it is laid out."""
        index = self._transcript.index_of(message_id)
        return self._transcript.layout_at(index).words() if index >= 0 else []

    def go_to(self, message_id: str, token: int) -> QRect:
        """Light this word and scroll it into view; returns its rectangle on the screen."""
        self._rest.stop()
        self._light((message_id, token))
        transcript = self._transcript
        index = transcript.index_of(message_id)
        box = transcript.layout_at(index).word_rect(token)
        rect = box.translated(transcript.corner_of(index)).toRect()
        view = transcript.viewport().rect()
        if rect.top() < view.top() or rect.bottom() > view.bottom():
            bar = transcript.verticalScrollBar()
            bar.setValue(bar.value() + rect.center().y() - view.center().y())
            rect = box.translated(transcript.corner_of(index)).toRect()
        return QRect(transcript.viewport().mapToGlobal(rect.topLeft()), rect.size())

    def light_again(self, layout: MessageLayout) -> None:
        """Light the word in a new layout of its message."""
        if self.place is not None and self.place[0] == layout.view.id:
            layout.light(self.place[1])

    def clear(self) -> None:
        """Light no word."""
        self.held = False
        self._rest.stop()
        self._light(None)

    def _light(self, place: tuple[str, int] | None) -> None:
        before, self.place = self.place, place
        for message_id in {each[0] for each in (before, place) if each is not None}:
            index = self._transcript.index_of(message_id)
            if index >= 0:
                lit = place[1] if place is not None and place[0] == message_id else -1
                self._transcript.layout_at(index).light(lit)
        self._transcript.viewport().update()
