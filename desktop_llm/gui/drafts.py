"""What is typed and not sent: kept per chat, back when the chat is opened again."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, QTimer

from desktop_llm.chats.store import ChatStore
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.place import Place
from desktop_llm.gui.store_lane import StoreLane

PAUSE_MS = 400


class Drafts(QObject):
    """Saves the composer's text under the chat it was typed for, in pauses of the typing."""

    def __init__(self, chats: StoreLane, composer: Composer, parent: QObject) -> None:
        super().__init__(parent)
        self._chats = chats
        self._composer = composer
        self._place = Place()
        self._saved = ""
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.save)
        composer.draft_changed.connect(self._on_changed)

    def open(self, place: Place) -> None:
        """Another chat is open: save what was typed for the one before, and make room for this one's."""
        self.save()
        self._place, self._saved = place, ""
        self._composer.set_text("")

    def show(self, text: str) -> None:
        """The draft of the open chat, as it was stored; what has been typed meanwhile goes before."""
        if text and not self._composer.text():
            self._saved = text
            self._composer.set_text(text)

    def put_back(self, text: str) -> None:
        """Give a text back that could not be sent, above what has been typed since."""
        typed = self._composer.text()
        self._composer.set_text(f"{text}\n\n{typed}" if typed else text)
        self.save()

    def leave(self, place: Place, text: str) -> None:
        """Keep a text that could not be sent in a chat that is not open, above what is typed there."""
        self._chats.write(functools.partial(_put_above, place, text))

    def save(self) -> None:
        """Save now."""
        self._pause.stop()
        text = self._composer.text()
        if text != self._saved:
            self._saved = text
            self._chats.write(functools.partial(_save, self._place, text))

    def _on_changed(self, _: str) -> None:
        self._pause.start()


def _save(place: Place, text: str, store: ChatStore) -> None:
    # In the lane, so that a chat which was stored a moment ago is known by its id.
    store.save_draft(place.id or "", text)


def _put_above(place: Place, text: str, store: ChatStore) -> None:
    typed = store.draft(place.id or "")
    store.save_draft(place.id or "", f"{text}\n\n{typed}" if typed else text)
