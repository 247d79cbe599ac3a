"""The log of bugs in the window's process: all go into one rotated file, and each is shown to the person once.

It holds uncaught exceptions of slots and threads, Qt's own warnings, and the stack of a crash in native code. No text
of a chat or a document is logged: an exception's message may quote it, so only the class and the lines of code are
kept.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import TextIO

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from desktop_llm.characters import without_controls

log = logging.getLogger(__name__)

LOG_BYTES, LOGS_KEPT = 2_000_000, 4
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class _Log(logging.handlers.RotatingFileHandler):
    """The file; a line that a full or read-only disk refuses is lost in silence, as a banner tells of the disk."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file, even if its last line can't be written."""
        with contextlib.suppress(OSError):
            super().close()


class _Lines(logging.Formatter):
    """Messages may hold names and errors from outside: these can't colour a terminal that shows the log, nor begin a
    line that looks like a message.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The message; its further lines are indented."""
        return without_controls(super().format(record)).replace("\n", "\n  ")


class CrashLog(QObject):
    """Installs hooks until it is closed. Signal: `caught` with the traceback of each new bug."""

    caught = Signal(str)

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._told: set[str] = set()
        self._handler = _Log(
            folder / "desktop-llm.log", maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8", delay=True
        )
        self._handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logging.getLogger().addHandler(self._handler)
        self._crash_file: TextIO | None = None
        with contextlib.suppress(OSError):  # the log can't be written; the app works without it
            (folder / "crash.log").touch(mode=0o600)
            self._crash_file = (folder / "crash.log").open("a")
            faulthandler.enable(self._crash_file)
        self._before, self._threads_before = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        self._qt_before = qInstallMessageHandler(_log_qt)

    def close(self) -> None:
        """Restore the earlier hooks."""
        sys.excepthook, threading.excepthook = self._before, self._threads_before
        qInstallMessageHandler(self._qt_before)
        faulthandler.disable()
        if self._crash_file is not None:
            self._crash_file.close()
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()

    def _on_exception(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        self._keep(kind, where)
        self._before(kind, error, where)

    def _on_thread_exception(self, found: threading.ExceptHookArgs) -> None:
        self._keep(found.exc_type, found.exc_traceback)
        self._threads_before(found)

    def _keep(self, kind: type[BaseException], where: TracebackType | None) -> None:
        lines = "".join(traceback.format_tb(where))
        details = f"{lines}{kind.__name__}"
        log.error("not caught\n%s", details)
        if details not in self._told:
            self._told.add(details)
            self.caught.emit(details)


def _log_qt(kind: QtMsgType, _: QMessageLogContext, text: str) -> None:
    log.log(_QT_LEVELS.get(kind, logging.WARNING), "Qt: %s", text)
