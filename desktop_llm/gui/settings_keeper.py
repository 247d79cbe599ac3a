"""The settings while the window runs: the current value, told to whoever cares, saved off the window's thread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop_llm import settings as storage
from desktop_llm.gui.tasks import Tasks
from desktop_llm.settings import Settings


class SettingsKeeper(QObject):
    """Holds the one Settings value. Signal: `changed` with the new one."""

    changed = Signal(object)

    def __init__(self, path: Path, settings: Settings, tasks: Tasks) -> None:
        super().__init__()
        self.current = settings
        self._path = path
        self._tasks = tasks

    def set(self, settings: Settings) -> None:
        """Use and save another value."""
        if settings == self.current:
            return
        self.current = settings
        self._tasks.call(lambda: storage.save(self._path, settings), lane="settings")
        self.changed.emit(settings)

    def change(self, **fields: Any) -> None:
        """Change some fields."""
        self.set(replace(self.current, **fields))

    def remember(self, **window: Any) -> None:
        """Keep something of the window's own (geometry, panes, the open chat); nobody needs to hear of it."""
        self.current = replace(self.current, window={**self.current.window, **window})
        settings = self.current
        self._tasks.call(lambda: storage.save(self._path, settings), lane="settings")
