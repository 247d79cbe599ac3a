"""What a screen reader is told while an answer is written: that it starts, whole sentences, how it ended."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from desktop_llm.gui.announcing import announce

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
        """An answer is being written."""
        self._unsaid = ""
        self._say(self.tr("Answering"), False)

    def add(self, text: str) -> None:
        """More of it."""
        self._unsaid += text
        if not self._pause.isActive():
            self._say_sentences()

    def finish(self, words: str) -> None:
        """It has ended: say what is left and how it ended."""
        self._pause.stop()
        rest, self._unsaid = self._unsaid.strip(), ""
        self._say(" ".join(part for part in (rest, words) if part), False)

    def fail(self, words: str) -> None:
        """Something went wrong: say it at once."""
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
