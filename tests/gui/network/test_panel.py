"""The network in the window: the words in the header, the list of requests, the offline switch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTableView, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.errors import TransferError
from desktop_llm.gui.frame.network_state import NetworkState
from desktop_llm.gui.network.controller import NetworkController
from desktop_llm.gui.network.panel import NetworkPanel
from desktop_llm.gui.network.words import not_reached, result
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.net import Net, Unanswered
from desktop_llm.net.ledger import Ledger
from desktop_llm.settings import Settings
from desktop_llm.workers.confine import Enforced
from tests.gui.samples import find, heard, nameless
from tests.hub import LocalHub


@dataclass(frozen=True)
class Desk:
    """A window with nothing but the network state, on a real net and ledger."""

    window: QWidget
    state: NetworkState
    controller: NetworkController
    net: Net
    ledger: Ledger
    settings: SettingsKeeper
    clock: list[float]
    ledger_file: Path

    def rows(self) -> list[list[str]]:
        """The table's words."""
        table = find(self.controller.panel, "network_requests", QTableView).model()
        columns = range(table.columnCount())
        return [[table.index(row, column).data() for column in columns] for row in range(table.rowCount())]


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path) -> Iterator[Desk]:
    window, tasks = QWidget(), Tasks()
    qtbot.addWidget(window)
    window.resize(900, 600)
    state = NetworkState(window)
    state.move(700, 8)
    ledger = Ledger(tmp_path / "ledger.db")
    net = Net(ledger)
    settings = SettingsKeeper(tmp_path / "settings.json", Settings(), tasks)
    resources = cast(Resources, SimpleNamespace(net=net, ledger=ledger, settings=settings, tasks=tasks))
    clock = [0.0]
    controller = NetworkController(resources, state, window, lambda: max(clock[-1], time.monotonic()))
    window.show()
    yield Desk(window, state, controller, net, ledger, settings, clock, tmp_path / "ledger.db")
    window.hide()
    net.close()
    tasks.close()


def ask(net: Net) -> str:
    """Send a request to a port that nobody listens on; returns why it failed."""
    with pytest.raises(TransferError) as failed:
        net.get("http://127.0.0.1:9/models", purpose="search models")
    return failed.value.cause


def test_a_click_opens_the_list_of_all_requests(qtbot: QtBot, desk: Desk) -> None:
    ask(desk.net)
    qtbot.mouseClick(desk.state, Qt.MouseButton.LeftButton)
    assert desk.controller.panel.is_open()
    qtbot.waitUntil(lambda: len(desk.rows()) == 1)
    [[_, host, purpose, received, result]] = desk.rows()
    assert host.startswith("127.0.0.1")
    assert (purpose, received, result) == ("Search models", "0 bytes", "No connection")
    assert not nameless(desk.controller.panel)


def test_the_header_says_who_was_not_reached_and_not_for_long(qtbot: QtBot, desk: Desk) -> None:
    assert desk.state.kind() == "quiet"
    ask(desk.net)
    qtbot.waitUntil(lambda: desk.state.kind() == "unreachable")
    assert desk.state.text() == "127.0.0.1:9 not reached"
    desk.clock.append(time.monotonic() + 61)
    qtbot.waitUntil(lambda: desk.state.kind() == "quiet")


@pytest.mark.parametrize("cause", ["no_connection", "timeout", "tls", "proxy_auth", "login_page"])
def test_no_internet_is_said_only_where_this_computer_has_none(desk: Desk, cause: str) -> None:
    desk.state.set_state("unreachable", not_reached(Unanswered("huggingface.co", "no_internet", 0)))
    assert desk.state.text() == "No internet"
    desk.state.set_state("unreachable", not_reached(Unanswered("huggingface.co", cause, 0)))
    assert desk.state.text() == "huggingface.co not reached"


def test_the_offline_switch_stops_requests_and_is_kept(qtbot: QtBot, desk: Desk) -> None:
    qtbot.mouseClick(desk.state, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(find(desk.controller.panel, "network_offline"), Qt.MouseButton.LeftButton)
    assert desk.settings.current.offline
    assert desk.net.offline
    assert desk.state.kind() == "offline"
    with pytest.raises(TransferError) as refused:
        desk.net.get("https://huggingface.co/api/models", purpose="search models")
    assert refused.value.cause == "offline_switch"


def test_what_was_let_out_is_not_ended_when_something_else_is_set(desk: Desk) -> None:
    desk.settings.change(offline=True)
    with desk.net.lifted():
        desk.settings.change(theme="dark")
        assert ask(desk.net) == "no_connection"
        desk.settings.change(offline=False)
        desk.settings.change(offline=True)
        assert ask(desk.net) == "offline_switch"


def test_what_was_let_out_is_seen_while_the_switch_is_on(desk: Desk) -> None:
    desk.settings.change(offline=True)
    with LocalHub() as hub, desk.net.lifted(), desk.net.open(f"{hub.url}/api/models", purpose="search models"):
        desk.settings.change(theme="dark")
        assert desk.state.kind() == "active"
    desk.settings.change(theme="light")
    assert desk.state.kind() == "offline"


def test_a_transfer_that_the_switch_ended_is_not_called_unsent(desk: Desk) -> None:
    desk.ledger.end(desk.ledger.begin("huggingface.co", "download"), 900_000, 500, "offline_switch")
    desk.ledger.end(desk.ledger.begin("huggingface.co", "download"), 0, 0, "offline_switch")
    unsent, stopped = desk.ledger.entries(2)
    assert result(unsent) == "Not sent, offline"
    assert result(stopped) == "Stopped, offline"


def test_every_column_has_room_for_its_title(qtbot: QtBot, desk: Desk) -> None:
    ask(desk.net)
    qtbot.mouseClick(desk.state, Qt.MouseButton.LeftButton)
    table = find(desk.controller.panel, "network_requests", QTableView)
    columns, metrics = table.horizontalHeader(), table.fontMetrics()
    titles = [str(table.model().headerData(at, Qt.Orientation.Horizontal)) for at in range(columns.count())]
    assert all(columns.sectionSize(at) > metrics.horizontalAdvance(title) for at, title in enumerate(titles))


def test_the_list_can_be_cleared(qtbot: QtBot, desk: Desk) -> None:
    ask(desk.net)
    qtbot.mouseClick(desk.state, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(desk.rows()) == 1)
    qtbot.mouseClick(find(desk.controller.panel, "network_clear"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.rows() == [])
    assert desk.ledger.entries() == []
    told = find(desk.controller.panel, "network_missing", QLabel)
    qtbot.waitUntil(told.isVisible)
    assert told.text().startswith("The list was cleared on ")
    assert not find(desk.controller.panel, "network_nothing", QLabel).isVisible()


def test_an_empty_list_says_that_nothing_was_sent_only_if_no_record_was_lost(qtbot: QtBot, desk: Desk) -> None:
    panel = desk.controller.panel
    nothing, told = (find(panel, name, QLabel) for name in ("network_nothing", "network_missing"))
    qtbot.mouseClick(desk.state, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(nothing.isVisible)
    assert told.isHidden()
    ask(desk.net)
    qtbot.waitUntil(lambda: len(desk.rows()) == 1)
    desk.ledger_file.unlink()
    qtbot.waitUntil(told.isVisible)
    assert "is lost or can't be read" in told.text()
    assert nothing.isHidden()
    desk.ledger_file.unlink()
    desk.ledger_file.mkdir()
    qtbot.waitUntil(lambda: "could not be read" in told.text())
    assert nothing.isHidden()


def test_a_hidden_window_with_nothing_going_on_looks_no_more(qtbot: QtBot, desk: Desk) -> None:
    assert desk.controller.is_looking()
    desk.window.hide()
    qtbot.waitUntil(lambda: not desk.controller.is_looking())
    desk.window.show()
    assert desk.controller.is_looking()


def test_the_panel_tells_of_the_switch_only_when_a_person_moved_it(qtbot: QtBot) -> None:
    panel = NetworkPanel()
    qtbot.addWidget(panel)
    told = heard(panel.offline_changed)
    panel.set_offline(True)
    assert told == []


def test_a_system_that_enforces_nothing_is_told_on_the_sheet(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_llm.gui.network.panel.enforced", lambda: Enforced(network=False, files=False))
    panel = NetworkPanel()
    qtbot.addWidget(panel)
    assert "off the network: only the app's own code does" in find(panel, "network_confinement").text()
