"""The settings while the window runs: the current value, announced when it changes, saved outside the window's
thread."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop_llm import settings as storage
from desktop_llm.errors import UserError
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.settings import Settings

log = logging.getLogger(__name__)


class SettingsKeeper(QObject):
    """Holds the current Settings. Signal: `changed` with the new ones."""

    changed = Signal(Settings)

    def __init__(self, path: Path, settings: Settings, tasks: Tasks) -> None:
        super().__init__()
        self.current = settings
        self._path = path
        self._tasks = tasks

    def set(self, settings: Settings) -> None:
        """Use and save these settings."""
        if settings == self.current:
            return
        self.current = settings
        self._tasks.call(lambda: storage.save(self._path, settings), lane="settings")
        self.changed.emit(settings)

    def change(self, **fields: Any) -> None:
        """Change some fields of the settings."""
        self.set(replace(self.current, **fields))

    def remember(self, **window: Any) -> None:
        """Save the window's own state (geometry, panes, the open chat) without sending the signal."""
        self.current = replace(self.current, window={**self.current.window, **window})
        settings = self.current
        self._tasks.call(lambda: storage.save(self._path, settings), failed=_can_do_without, lane="settings")

    def save_again(self) -> None:
        """Save the current settings once more, after that failed."""
        settings = self.current
        self._tasks.call(lambda: storage.save(self._path, settings), lane="settings")


def _can_do_without(error: UserError) -> None:
    """Log it: the window's place is no text of the person's."""
    log.warning("%s", error.title)
