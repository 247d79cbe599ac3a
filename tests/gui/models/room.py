"""The Models page with its controllers, a library in its own folder, and a hub on 127.0.0.1."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import psutil
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.engine.engines import Engines
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.room import ModelsRoom
from desktop_llm.gui.models.rows import TwoLineList
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.jobs.download import Download
from desktop_llm.models.download import Downloads
from desktop_llm.models.download.receiving import Patience
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecaster, Machine
from desktop_llm.models.fit.speeds import Speeds
from desktop_llm.models.hub import Hub
from desktop_llm.models.library import Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import folders
from desktop_llm.settings import Settings
from tests.engine.conftest import FAKE_WORKER
from tests.gui.samples import find
from tests.hub import Exchange, LocalHub
from tests.models.downloading import made_model

GiB = 1 << 30
HASTY = Patience(tries=2, give_up_s=2, answer_s=2, stall_s=2, first_wait_s=0.01, longest_wait_s=0.05)
MODEL = made_model(Random(1), 50_000)
SIZES = ("Q3_K_M", "Q4_K_M", "Q8_0")
CARD = b"---\nlicense: mit\n---\n# Tiny\n\nA *tiny* model.\n"


class Room:
    """The objects a test acts on: `page`, `hub`, the controllers, and the resources below them."""

    def __init__(self, qtbot: QtBot, hub: LocalHub, home: Path) -> None:
        self.qtbot, self.hub = qtbot, hub
        self.machine = a_machine
        self.folders = folders(home)
        self.tasks = Tasks()
        self.net = Net(Ledger(self.folders.ledger_db))
        settings = SettingsKeeper(self.folders.settings, Settings(), self.tasks)
        facts = Facts(self.folders.facts_db)
        self.library = Library(self.folders, Places(home / "nobody", {}))
        hugging = Hub(self.net, endpoint=hub.url, facts=facts)
        self.downloads = Downloads(self.folders, self.net, hugging, self.library, patience=HASTY)
        self.settings = settings
        facts.note_measured("speeds", Speeds.of_bandwidth(20e9).to_json())  # as if this machine had been measured
        self.resources = cast(
            Resources,
            SimpleNamespace(
                folders=self.folders,
                tasks=self.tasks,
                settings=settings,
                net=self.net,
                hub=hugging,
                library=self.library,
                downloads=self.downloads,
                engines=Engines(self.folders, command=[sys.executable, str(FAKE_WORKER)]),
                forecaster=Forecaster(facts, lambda: self.machine()),
            ),
        )
        self._open()

    def _open(self) -> None:
        self.page = ModelsPage()
        self.qtbot.addWidget(self.page)
        self.page.resize(1208, 752)
        self.page.show()
        self.shelf = ModelShelf(self.resources, self.page)
        self.jobs = Jobs(self.tasks, self.page)
        self.room = ModelsRoom(self.resources, self.shelf, self.jobs, self.page, self.page)
        self.local, self.transfers, self.discover = self.room.local, self.room.downloads, self.room.discover

    @property
    def shown(self) -> dict[str, Download]:
        """The downloads, by the file they bring."""
        return self.transfers.by_subject

    def start(self) -> None:
        """Do what the window does once it is painted."""
        self.room.start()
        self.shelf.look()
        self.until(lambda: self.shelf.now.models)
        self.until(lambda: self.results())

    def reopen(self) -> None:
        """Open another window on the same folders, as after a quit."""
        self._open()
        self.start()

    def add(self, repo: str = "maker/Tiny-GGUF", **facts: object) -> None:
        """Publish a repository with three sizes and a card."""
        files = {f"tiny-{size}.gguf": MODEL for size in SIZES} | {"README.md": CARD}
        self.hub.add(repo, files, **facts)  # type: ignore[arg-type]

    def until(self, condition: Callable[[], object]) -> None:
        """Run the window until a condition holds."""
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=10_000)

    def search(self, text: str) -> None:
        """Type into the search field and press Enter."""
        self.page.sidebar.search.setText("")
        self.qtbot.keyClicks(self.page.sidebar.search, text)
        self.qtbot.keyClick(self.page.sidebar.search, Qt.Key.Key_Return)

    def results(self, name: str = "models_results") -> list[str]:
        """The titles in a list."""
        return [entry.title for entry in find(self.page, name, TwoLineList).content.rows()]

    def headings(self) -> tuple[str, ...]:
        """The headings in the list of results."""
        return headings_of(find(self.page, "models_results", TwoLineList))

    def open(self, repo: str = "maker/Tiny-GGUF") -> None:
        """Open a repository by its id, and wait until all its facts are there."""
        self.discover.open_reference(repo)
        self.until(lambda: self.shows("get_tiny_q4_k_m_gguf"))

    def open_row(self, place: int = 0) -> None:
        """Click a row of the results, not counting headings."""
        view = find(self.page, "models_results", TwoLineList)
        rows = [view.model().index(row, 0) for row in range(view.model().rowCount())]
        wanted = [row for row in rows if row.flags() & Qt.ItemFlag.ItemIsSelectable][place]
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(wanted).center())

    def get(self, size: str = "q4_k_m") -> None:
        """Press Get."""
        self.press(f"get_tiny_{size}_gguf")

    def press(self, name: str) -> None:
        """Click a button."""
        QTest.mouseClick(find(self.page, name, QAbstractButton), Qt.MouseButton.LeftButton)

    def shows(self, name: str) -> bool:
        """Whether a widget of this name is visible."""
        return any(widget.isVisible() for widget in self.page.findChildren(QAbstractButton, name))

    def says(self, name: str) -> str:
        """The words of a widget for a screen reader, "" if it is not visible."""
        found: list[Any] = [widget for widget in self.page.findChildren(QWidget, name) if widget.isVisible()]
        return found[0].accessibleName() or found[0].text() if found else ""

    def are_done(self, count: int) -> bool:
        """Whether the list has `count` downloads, all of them done."""
        return self.stages() == ["done"] * count

    def has_ended(self, after: int) -> bool:
        """Whether the list has one more download than `after`, and that one is done or failed."""
        return self.stages()[after:] in (["done"], ["failed"])

    def stages(self) -> list[str]:
        """The stages of the downloads."""
        return [download.state for download in self.shown.values()]

    def received(self) -> bool:
        """Whether some bytes of a download are here."""
        return any(download.progress.done for download in self.shown.values())

    def close(self) -> None:
        """Close everything as the window does at its end."""
        self.discover.close()
        self.tasks.close()
        self.net.close()


def headings_of(view: TwoLineList) -> tuple[str, ...]:
    """The headings in a list."""
    return tuple(entry for entry in view.content.entries if isinstance(entry, str))


def half(exchange: Exchange) -> bool:
    """Send the first half of a file, then nothing more."""
    exchange.start(206 if exchange.range(len(MODEL)) else 200, {"Content-Length": str(len(MODEL))})
    exchange.raw(MODEL[: len(MODEL) // 2])
    exchange.wait(30)
    return True


@contextmanager
def room(qtbot: QtBot, home: Path) -> Iterator[Room]:
    """A room that leaves nothing running."""
    with LocalHub() as hub:
        made = Room(qtbot, hub, home)
        try:
            yield made
        finally:
            made.close()


def a_machine() -> Machine:
    """A machine without a GPU."""
    return Machine(16 * GiB, 12 * GiB, psutil.cpu_count(logical=False) or 1)
