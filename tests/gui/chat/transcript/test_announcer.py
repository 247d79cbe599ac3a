"""Answers are announced to people who listen to them."""

from __future__ import annotations

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript.live_messages import Announcer


def test_an_answer_is_said_in_whole_sentences_and_ends_with_its_figures(qtbot: QtBot) -> None:
    owner = QObject()
    said: list[tuple[str, bool]] = []
    announcer = Announcer(owner, lambda words, at_once: said.append((words, at_once)))
    announcer.start()
    for piece in ("You have to", " give notice. It", " takes three months. And", " more"):
        announcer.add(piece)
    announcer.finish("Answer finished, 12 tokens")
    assert said == [
        ("Answering", False),
        ("You have to give notice.", False),
        ("It takes three months. And more Answer finished, 12 tokens", False),
    ]


def test_an_error_is_said_at_once(qtbot: QtBot) -> None:
    owner = QObject()
    said: list[tuple[str, bool]] = []
    announcer = Announcer(owner, lambda words, at_once: said.append((words, at_once)))
    announcer.add("Half a sen")
    announcer.fail("The model stopped.")
    assert said == [("The model stopped.", True)]
