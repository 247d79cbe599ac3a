"""A chat template that can't be used: the format that most likely fits, offered in a banner and used by a click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from desktop_llm.engine.template_messages import unusable
from desktop_llm.errors import UserError
from desktop_llm.gui.work.format_keeper import FormatKeeper
from desktop_llm.models.templates import FORMATS, suggested_format
from tests.gui.work.test_memory_keeper import Starved

REFUSED = unusable(ValueError("roles must alternate"))


class Window(Starved):
    """A window's models, with a keeper that looks after their formats."""

    def __init__(self, qtbot: QtBot, home: Path) -> None:
        super().__init__(qtbot, home)
        self.formats = FormatKeeper(self.models, self.notices, self.tasks)


@pytest.fixture
def window(qtbot: QtBot, home: Path) -> Iterator[Window]:
    made = Window(qtbot, home)
    yield made
    made.tasks.close()


@pytest.mark.parametrize("while_loading", [True, False])
def test_a_click_uses_another_format_from_then_on(qtbot: QtBot, window: Window, while_loading: bool) -> None:
    model = window.models.model
    assert model is not None
    if while_loading:
        window.models.states.show_stopped(model, REFUSED)
    else:  # while an answer was asked for, as the chat tells
        window.formats.offer(REFUSED)
    qtbot.waitUntil(lambda: bool(window.banners()), timeout=10_000)
    (banner,) = window.banners()
    assert banner.accessibleName().startswith("This model's chat template can't be used: roles must alternate.")
    proposed = suggested_format(model.architecture, model.name)
    texts = {each.text(): each for each in banner.findChildren(QAbstractButton)}
    button = texts[f"Use the format {proposed}"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.banners(), timeout=10_000)
    assert window.models.load_of(model).template == FORMATS[proposed]
    library = window.resources.library
    qtbot.waitUntil(lambda: library.remembered(model.id).get("chat_format") == proposed, timeout=10_000)


def test_another_error_offers_no_format(qtbot: QtBot, window: Window) -> None:
    assert window.models.model is not None
    window.models.states.show_stopped(window.models.model, UserError("The model stopped unexpectedly."))
    qtbot.wait(50)
    assert not window.banners()
