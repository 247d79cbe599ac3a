"""The screenshots of the Models page: search, downloads, faults, and the models on this computer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.build import Wiring
from tests.end2end.person import LEFT, until
from tests.hub import LocalHub
from tests.sample_hub import GATED_REPO, HUGE_REPO, STARTER_REPO, WRONG_REPO

REPO = "Qwen/Qwen3-8B-GGUF"
# The time until a download that gets no connection says so.
GIVEN_UP_S = 90


@dataclass
class ModelScreens:
    """Acts on the window with the mouse and the keyboard; `save` takes the pictures of a stop by its name."""

    wiring: Wiring
    hub: LocalHub
    save: Callable[[str], None]

    def walk(self) -> None:
        """All stops, in order."""
        self.wiring.show_page("models")
        stops = (self._finding, self._getting, self._offline, self._gated, self._full_disk, self._wrong_hash)
        for stop in (*stops, self._done, self._here, self._no_internet):
            stop()
        self.wiring.show_page("chats")

    def _finding(self) -> None:
        QTest.qWait(500)
        self.save("models")
        QTest.keyClicks(self._find("models_search"), "qwen3")
        QTest.keyClick(self._find("models_search"), Qt.Key.Key_Return)
        rows = self._find("models_results")
        until(lambda: rows.model().rowCount() > 5)
        QTest.qWait(500)
        self.save("models-results")
        QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualRect(rows.model().index(0, 0)).center())
        self._wait_for_sizes()
        self.save("models-repository")

    def _getting(self) -> None:
        for size in ("q4_k_m", "q6_k"):
            self._click(f"get_qwen3_8b_{size}_gguf")
        QTest.qWait(6_000)
        QTest.mouseClick(self._all("download_pause")[1], LEFT)
        QTest.qWait(1_000)
        self.save("models-download")
        self.wiring.show_page("activity")
        self.save("activity")
        self.wiring.show_page("models")
        self.wiring.network.open()
        QTest.qWait(500)
        self.save("network")

    def _offline(self) -> None:
        self._click("network_offline")
        self._wait_for_failure()
        self.wiring.network.panel.close_popup()
        QTest.qWait(300)
        self.save("models-failed-offline")
        self._clear()
        self.wiring.resources.settings.change(offline=False)

    def _gated(self) -> None:
        self._fail(GATED_REPO, "models-failed-gated")

    def _full_disk(self) -> None:
        self._fail(HUGE_REPO, "models-failed-disk-full")

    def _wrong_hash(self) -> None:
        self._fail(WRONG_REPO, "models-failed-wrong-hash")

    def _done(self) -> None:
        self._open(STARTER_REPO)
        QTest.mouseClick(self._gets()[0], LEFT)
        until(lambda: self._all("download_use"))
        QTest.qWait(500)
        self.save("models-done")

    def _here(self) -> None:
        self.wiring.pages.models_room.page.show_here()
        QTest.qWait(300)
        rows = self._find("models_local_list")
        QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualRect(rows.model().index(2, 0)).center())
        QTest.qWait(500)
        self.save("models-here")

    def _no_internet(self) -> None:
        self._open(REPO)
        self.hub.stop()
        QTest.mouseClick(self._gets()[0], LEFT)
        until(lambda: self._all("download_error"), GIVEN_UP_S)
        QTest.keyClick(self._find("models_search"), Qt.Key.Key_Return)
        until(lambda: self._all("models_search_notice"), GIVEN_UP_S)
        QTest.qWait(300)
        self.save("models-failed-no-internet")
        self._clear()

    def _fail(self, repo: str, name: str) -> None:
        self._open(repo)
        QTest.mouseClick(self._gets()[0], LEFT)
        self._wait_for_failure()
        QTest.qWait(300)
        self.save(name)
        self._clear()

    def _open(self, repo: str) -> None:
        self.wiring.pages.models_room.discover.open_reference(repo)
        until(lambda: repo in self._find("models_repository").accessibleName())
        self._wait_for_sizes()

    def _wait_for_sizes(self) -> None:
        """The table, and the forecasts that come after it."""
        until(self._gets)
        QTest.qWait(2_000)

    def _wait_for_failure(self) -> None:
        until(lambda: self._all("download_error"), GIVEN_UP_S)

    def _clear(self) -> None:
        while found := self._all("download_cancel"):
            QTest.mouseClick(found[0], LEFT)
            QTest.qWait(50)

    def _gets(self) -> list[Any]:
        return [each for each in self._all("") if each.objectName().startswith("get_")]

    def _click(self, name: str) -> None:
        QTest.mouseClick(self._find(name), LEFT)

    def _find(self, name: str) -> Any:
        return self._all(name)[0]

    def _all(self, name: str) -> list[Any]:
        found = self.wiring.window.findChildren(QWidget, name) if name else self.wiring.window.findChildren(QWidget)
        return [each for each in found if each.isVisible()]
