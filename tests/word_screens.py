"""The screens of word choices: an answer without them, the marks of its words, the card of one, and another way on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop_llm.gui.build import Wiring

LEFT = Qt.MouseButton.LeftButton


class WordScreens:
    """Acts on the window with the mouse and the keyboard; `save` takes a screen, `until` waits, `send` asks."""

    def __init__(
        self,
        wiring: Wiring,
        save: Callable[[str], None],
        until: Callable[[Callable[[], object], float], None],
        send: Callable[[str], None],
    ) -> None:
        self.wiring, self.save, self.until, self.send = wiring, save, until, send

    def walk(self) -> None:
        """All stops."""
        wiring, transcript = self.wiring, self.wiring.chats.transcript
        wiring.show_page("chats")
        wiring.commands.new()
        wiring.conversations.change(sampling={"max_tokens": 60, "temperature": 0.0})
        self.send("How do I send a letter so that I can prove the day it arrived?")
        answer = transcript.message_ids()[-1]
        QTest.mouseClick(self._shown("answer_word_choices"), LEFT)
        self.until(lambda: self._all("word_choices_notice"), 30)
        self.save("words-not-kept")
        button = self._shown("word_choices_notice").findChildren(QAbstractButton)[0]
        QTest.mouseClick(button, LEFT)
        self.until(lambda: transcript.words.words(answer), 60)
        transcript.setFocus()
        QTest.keyClick(transcript, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
        self.save("words-card")
        QTest.keyClick(self._shown("word_card"), Qt.Key.Key_2)
        self.until(lambda: transcript.message_ids()[-1] != answer and not wiring.chat.answering.chats, 60)
        self.until(lambda: transcript.words.words(transcript.message_ids()[-1]), 30)
        self.save("words-continued")

    def _all(self, name: str) -> list[Any]:
        return [each for each in self.wiring.window.findChildren(QWidget, name) if each.isVisible()]

    def _shown(self, name: str) -> Any:
        return self._all(name)[0]
