"""The network in the window: its state in the header, the list of requests, the offline switch."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from desktop_llm.errors import UserError
from desktop_llm.gui.frame.network_state import NetworkState
from desktop_llm.gui.network.words import not_reached, rate
from desktop_llm.gui.work.resources import Resources

if TYPE_CHECKING:
    from desktop_llm.gui.network.panel import NetworkPanel
    from desktop_llm.net.ledger import LedgerEntry

LOOK_EVERY_MS = 500
SHOWN_REQUESTS = 500
# The header says for this long that a request got no answer; after that it may no longer be true.
TROUBLE_S = 60


class NetworkController(QObject):
    """Checks the network twice a second while the window is visible or a transfer is under way."""

    def __init__(
        self,
        resources: Resources,
        state: NetworkState,
        window: QWidget,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(window)
        self._now = now
        self._resources, self._state, self._window = resources, state, window
        self._net, self._ledger = resources.net, resources.ledger
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._panel_built = False
        window.installEventFilter(self)
        state.clicked.connect(self.open)
        resources.settings.changed.connect(self._on_settings)
        self._on_settings()
        if window.isVisible():
            self._timer.start()

    def open(self) -> None:
        """Show the list of requests."""
        self.panel.set_offline(self._resources.settings.current.offline)
        self._read()
        self.panel.show_below(self._state)

    def is_looking(self) -> bool:
        """Whether it checks the network now."""
        return self._timer.isActive()

    @functools.cached_property
    def panel(self) -> NetworkPanel:
        """The sheet, built when it is first opened."""
        from desktop_llm.gui.network.panel import NetworkPanel

        panel = NetworkPanel(self._window)
        panel.offline_changed.connect(self._on_offline)
        panel.clear_requested.connect(self._on_clear)
        self._panel_built = True
        return panel

    def _look(self) -> None:
        self._show()
        if self._panel_built and self.panel.is_open():
            self._read()
        if not self._window.isVisible() and not self._net.active():
            self._timer.stop()

    def _show(self) -> None:
        active = self._net.active()
        if active:  # some may have permission although the switch is on
            busiest = max(active, key=lambda transfer: transfer.bytes_per_s)
            self._state.set_state("active", rate(busiest.host, sum(transfer.bytes_per_s for transfer in active)))
        elif self._net.offline:
            self._state.set_state("offline")
        elif (last := self._net.unanswered) is not None and self._now() - last.at < TROUBLE_S:
            self._state.set_state("unreachable", not_reached(last))
        else:
            self._state.set_state("quiet")

    def _read(self) -> None:
        self._resources.tasks.call(self._record, self._on_record, self._on_unreadable, lane="ledger")

    def _record(self) -> tuple[list[LedgerEntry], str]:
        return self._ledger.entries(SHOWN_REQUESTS), self._ledger.missing()

    def _on_record(self, record: tuple[list[LedgerEntry], str]) -> None:
        self.panel.set_entries(*record)

    def _on_unreadable(self, error: UserError) -> None:
        self.panel.set_entries((), error.message)

    def _on_offline(self, offline: bool) -> None:
        self._resources.settings.change(offline=offline)

    def _on_clear(self) -> None:
        self._resources.tasks.call(self._ledger.clear, lane="ledger")
        self._read()

    def _on_settings(self, _: object = None) -> None:
        offline = self._resources.settings.current.offline
        if offline != self._net.offline:  # turning it on again would end requests that have permission
            self._net.offline = offline
        if self._panel_built:
            self.panel.set_offline(offline)
        self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Start or stop checking when the window is shown or hidden."""
        if event.type() == QEvent.Type.Show:
            self._timer.start()
        return super().eventFilter(watched, event)
