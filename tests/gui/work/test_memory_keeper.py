"""A model that ran out of memory: the one change that helps, offered in a banner and applied by a click."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import LoadedModel, LoadSettings
from desktop_llm.engine.room import Memory
from desktop_llm.errors import LESS_MEMORY, UserError, WorkerDied
from desktop_llm.gui.look.widgets import Banner
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.memory_keeper import MemoryKeeper
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.notices import Notices
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecaster, Machine
from desktop_llm.models.library import STARTER_SMALL, Library
from desktop_llm.paths import folders
from desktop_llm.settings import Settings

GB = 10**9
FULL = WorkerDied("The model stopped because the memory ran out.", "It is kept.", action=LESS_MEMORY)


class Starved:
    """A window's models, whose engine notes how it is asked to load."""

    def __init__(self, qtbot: QtBot, home: Path) -> None:
        here, self.tasks = folders(home), Tasks()
        self.window = QWidget()
        self.asked: list[LoadSettings] = []
        column = QVBoxLayout(self.window)
        qtbot.addWidget(self.window)
        engines = SimpleNamespace(
            take=self._take, give_back=lambda _: None, of=lambda _: None, unload=lambda _: None, why_not=lambda _: None
        )
        self.resources = cast(
            Resources,
            SimpleNamespace(
                tasks=self.tasks,
                settings=SettingsKeeper(here.settings, Settings(), self.tasks),
                library=Library(here),
                engines=engines,
                forecaster=Forecaster(Facts(here.facts_db), lambda: Machine(8 * GB, 6 * GB, 2)),
            ),
        )
        shelf = ModelShelf(self.resources, self.tasks)
        self.models = ChosenModelController(self.resources, shelf, self.tasks)
        self.notices = Notices(column.addWidget, self.tasks)
        self.keeper = MemoryKeeper(self.resources, self.models, self.notices, self.tasks)
        shelf.look()
        qtbot.waitUntil(lambda: self.models.model is not None, timeout=10_000)
        self.window.show()

    def _take(
        self, path: Path, settings: LoadSettings, _needs: Memory, *, asked_for: bool
    ) -> Generator[None, None, SimpleNamespace]:
        self.asked.append(settings)
        yield from ()
        return SimpleNamespace(loaded=LoadedModel(path, 8_192, "CPU, 2 threads", "cpu", 30, 0, 0, 0, 0.1))

    def banners(self) -> list[Banner]:
        return [each for each in self.window.findChildren(Banner) if each.isVisible()]


@pytest.fixture
def starved(qtbot: QtBot, home: Path) -> Iterator[Starved]:
    made = Starved(qtbot, home)
    yield made
    made.tasks.close()


def test_a_click_loads_the_model_with_the_change_that_helps(qtbot: QtBot, starved: Starved) -> None:
    assert starved.models.model is not None
    assert starved.models.model.id == STARTER_SMALL.id
    starved.models.states.show_stopped(starved.models.model, FULL)
    qtbot.waitUntil(lambda: bool(starved.banners()), timeout=10_000)
    banner = starved.banners()[0]
    assert banner.accessibleName().startswith("The model stopped because the memory ran out.")
    button = next(each for each in banner.findChildren(QAbstractButton) if each.text() == "Compress its memory")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(starved.asked), timeout=10_000)
    assert starved.asked == [LoadSettings(kv_type_k="q8_0", kv_type_v="q8_0")]


def test_another_reason_to_stop_is_left_to_others(qtbot: QtBot, starved: Starved) -> None:
    assert starved.models.model is not None
    starved.models.states.show_stopped(starved.models.model, UserError("The model stopped unexpectedly."))
    qtbot.wait(50)
    assert not starved.banners()
