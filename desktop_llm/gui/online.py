"""Lifts the offline switch for one thing that the person asked for, and puts it back afterwards."""

from __future__ import annotations

from PySide6.QtCore import QObject

from desktop_llm.gui.resources import Resources


class OnlineOnce(QObject):
    """Counts what goes on with the switch lifted; the last one to end puts the switch back where the settings say."""

    def __init__(self, resources: Resources, parent: QObject) -> None:
        super().__init__(parent)
        self._resources = resources
        self._held: set[object] = set()

    def lift(self, reason: object) -> None:
        """Let connections out for `reason`."""
        self._held.add(reason)
        self._resources.net.offline = False

    def end(self, reason: object) -> None:
        """It ended; may be called for what never lifted anything."""
        if reason in self._held:
            self._held.discard(reason)
            if not self._held:
                self._resources.net.offline = self._resources.settings.current.offline
