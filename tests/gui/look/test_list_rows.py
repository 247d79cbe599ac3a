"""The rows of lists share their line between a name and its tags."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from pytestqt.qtbot import QtBot

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.list_rows import RowPainter

NAME = "Qwen2.5 Coder"


class Recorder(RowPainter):
    """Notes how much room each text gets."""

    room = 0

    def words(self, place: QRect, *args: Any, **more: Any) -> int:
        self.room = place.width()
        return super().words(place, *args, **more)


def room_for_name(width: int, tags: list[str]) -> int:
    """The pixels that a name gets in a line of this width."""
    picture = QImage(400, 24, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    row = Recorder(painter, picture.rect(), Qt.LayoutDirection.LeftToRight)
    row.name(QRect(0, 0, width, 20), NAME, tags)
    painter.end()
    return row.room


@pytest.mark.parametrize("width", [180, 240, 400])
def test_a_long_tag_gives_way_before_the_name(qtbot: QtBot, width: int) -> None:
    needed = QFontMetrics(theme.current().font("ui_strong")).horizontalAdvance(NAME)
    assert room_for_name(width, ["Balanced", "the Hugging Face cache of everybody"]) >= min(needed, width * 0.59)


def test_tags_stay_if_there_is_room(qtbot: QtBot) -> None:
    assert room_for_name(400, ["Balanced"]) < 400 - 50
