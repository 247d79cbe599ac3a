"""Keeps collections in step with their folders while the window is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from desktop_llm.errors import UserError
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.resources import Resources

EVERY_MS = 1_000
"""How often the knowledge worker is asked whether something has changed."""


class FolderWatch(QObject):
    """Asks the knowledge worker, which watches the folders, and has what changed taken in. A collection that is being
    read just then has its turn afterwards.

    `limited`: the system does not report all changes; some are found every 10 minutes only.
    """

    def __init__(self, resources: Resources, collections: Collections, parent: QObject) -> None:
        super().__init__(parent)
        self.limited = False
        self._knowledge, self._tasks = resources.knowledge, resources.tasks
        self._collections = collections
        self._later: set[str] = set()
        self._asking = False
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self._ask)
        collections.changed.connect(self._on_collections)

    def _on_collections(self) -> None:
        """Ask only while there is a folder to be watched."""
        if any(folder.watched for each in self._collections.all for folder in each.folders):
            if not self._timer.isActive():
                self._timer.start()
        else:
            self._timer.stop()

    def _ask(self) -> None:
        if not self._asking:
            self._asking = True
            self._tasks.call(self._knowledge.watch, self._on_answer, self._on_failed)

    def _on_answer(self, answer: tuple[list[str], bool]) -> None:
        self._asking = False
        names, self.limited = answer
        waiting, self._later = self._later | set(names), set()
        for name in sorted(waiting):
            if self._collections.is_reading(name):
                self._later.add(name)
            else:
                self._collections.follow(name)

    def _on_failed(self, _error: UserError) -> None:
        self._asking = False
