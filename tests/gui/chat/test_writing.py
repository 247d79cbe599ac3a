"""Unsent text, while what is stored of it is still being read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.chats.reader import ChatReader
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.writing import Drafts, Unsent
from desktop_llm.gui.work.store_lane import StoreLane
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.reserve import Reserve


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.close()


def test_what_was_saved_before_the_chat_was_read_can_still_be_deleted(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path
) -> None:
    path, window = tmp_path / "chats.db", QWidget()
    qtbot.addWidget(window)
    lane = StoreLane(tasks, path, Reserve(tmp_path / "reserve"))
    composer = Composer(window)
    drafts = Drafts(lane, composer, window)
    drafts.open(OpenChat())
    qtbot.keyClicks(composer.editor, "Early words")
    drafts.save()
    drafts.show(Unsent())  # read before that was saved
    composer.editor.clear()
    drafts.save()
    with qtbot.waitCallback() as written:
        lane.write(lambda _: None, written)
    with ChatReader(path) as reader:
        assert reader.draft("") == ""
    lane.close()
