"""The Models page with everything behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.models.room import Room, room


@pytest.fixture
def models(qtbot: QtBot, home: Path) -> Iterator[Room]:
    """The page, its controllers, a library and a hub on 127.0.0.1."""
    with room(qtbot, home) as made:
        made.start()
        yield made
