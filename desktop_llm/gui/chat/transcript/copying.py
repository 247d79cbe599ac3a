"""Puts a text that comes in pieces on the clipboard, without keeping the window from other things meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

_SLICE_S = 0.008


class Copying(QObject):
    """Takes the pieces of one text at a time: for 8 ms at once, and then whenever nothing else is to do. A short text
    is on the clipboard when `start` returns; another text takes the place of one that is not complete."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._coming: Iterator[str] = iter(())
        self._pieces: list[str] = []
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._take)

    def start(self, pieces: Iterator[str]) -> None:
        """Copy the text that these pieces make up; no piece may take long."""
        self._coming, self._pieces = pieces, []
        self._take()

    def _take(self) -> None:
        end = time.thread_time() + _SLICE_S
        for piece in self._coming:
            self._pieces.append(piece)
            if time.thread_time() > end:
                self._next.start()
                return
        self._next.stop()
        QGuiApplication.clipboard().setText("".join(self._pieces))
        self._pieces = []
