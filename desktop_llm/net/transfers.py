"""What is under way and what came of it: the live numbers for the window, and the rows of the ledger."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass

from desktop_llm.errors import UserError
from desktop_llm.models.ledger import Ledger

_WINDOW_S = 0.5
_NO_ANSWER = {"no_internet", "no_connection", "timeout", "tls", "proxy_auth", "login_page"}


@dataclass(frozen=True, slots=True)
class Transfer:
    """A request under way, as the window shows it."""

    host: str
    purpose: str
    bytes_in: int
    bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The last request, where nobody answered it: whom it was for, why not (a TransferError's cause), and when
    (`time.monotonic()`).
    """

    host: str
    cause: str
    at: float


class Running:
    """One request under way; `result` is what the ledger will say of it."""

    def __init__(self, id: int, host: str, purpose: str, bytes_out: int) -> None:
        self.id = id
        self.host = host
        self.purpose = purpose
        self.bytes_in = 0
        self.bytes_out = bytes_out
        self.result = "stopped"
        self._rate = 0.0
        self._mark = (time.monotonic(), 0)

    def received(self, count: int) -> None:
        """Count bytes that arrived."""
        self.bytes_in += count
        since, before = self._mark
        now = time.monotonic()
        if now - since >= _WINDOW_S:
            self._rate = (self.bytes_in - before) / (now - since)
            self._mark = (now, self.bytes_in)

    def shown(self) -> Transfer:
        """The numbers of this moment."""
        return Transfer(self.host, self.purpose, self.bytes_in, self._rate)


class Transfers:
    """All requests under way; each has its row in the ledger from before it leaves."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._running: dict[int, Running] = {}
        self._lock = threading.Lock()
        self.unanswered: Unanswered | None = None

    def begin(self, host: str, purpose: str, bytes_out: int) -> Running:
        """Write the row, then let it go."""
        running = Running(self._ledger.begin(host, purpose), host, purpose, bytes_out)
        with self._lock:
            self._running[running.id] = running
        return running

    def end(self, running: Running) -> None:
        """Complete the row; a second call does nothing."""
        with self._lock:
            if self._running.pop(running.id, None) is None:
                return
        if running.result not in ("stopped", "offline_switch"):
            failed = running.result in _NO_ANSWER
            self.unanswered = Unanswered(running.host, running.result, time.monotonic()) if failed else None
        # On a full disk the row stays "open"; that must not hide how the transfer itself ended.
        with contextlib.suppress(UserError):
            self._ledger.end(running.id, running.bytes_in, running.bytes_out, running.result)

    def active(self) -> tuple[Transfer, ...]:
        """The requests under way, the oldest first."""
        with self._lock:
            return tuple(running.shown() for running in self._running.values())
