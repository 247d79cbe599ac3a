"""Closes the window on Ctrl+C in the terminal and when the system asks to end, as if a person had closed it.

Python runs signal handlers only between its own steps, which an idle Qt never takes; a wake-up socket tells the event
loop.
"""

from __future__ import annotations

import contextlib
import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication


class QuitOnSignal(QObject):
    """Quits the application at SIGINT and SIGTERM, until it is closed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._told, self._tell = socket.socketpair()
        for end in (self._told, self._tell):
            end.setblocking(False)
        self._before = {number: signal.signal(number, _do_nothing) for number in (signal.SIGINT, signal.SIGTERM)}
        self._wakeup_before = signal.set_wakeup_fd(self._tell.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._told.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    def close(self) -> None:
        """Restore the earlier signal handlers."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._told.close()
        self._tell.close()

    def _on_signal(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._told.recv(64)
        QApplication.quit()


def _do_nothing(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up socket has already told the event loop."""
