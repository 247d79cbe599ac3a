"""Which chat is open, while the list of chats is still being read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.chat_list import ChatList
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.look.widgets import UndoBar
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.store_lane import StoreLane
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.reserve import Reserve
from desktop_llm.settings import Settings


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.close()


def test_a_chat_that_was_begun_while_the_list_is_read_stays_open(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    lane = StoreLane(tasks, tmp_path / "chats.db", Reserve(tmp_path / "reserve"))
    settings = SettingsKeeper(tmp_path / "settings.json", Settings(), tasks)
    chats = ConversationsController(lane, settings, ChatList(), UndoBar(window), window)
    the_disk_answers = threading.Event()
    lane.write(lambda _: the_disk_answers.wait(10))
    chats.start()
    chats.new()
    chats.change(sampling={"temperature": 0.0})
    begun = chats.open_chat
    with qtbot.waitSignals([chats.started, chats.changed]):
        the_disk_answers.set()
    assert chats.open_chat is begun
    qtbot.waitUntil(lambda: chats.current is not None and chats.current.sampling == {"temperature": 0.0})
    lane.close()
