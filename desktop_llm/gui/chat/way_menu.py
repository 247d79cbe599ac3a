"""The menu of how a chat's documents are used: chosen by question, the best passages, or every file."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from desktop_llm.conversation.coverage import EVERY_FILE, PASSAGES
from desktop_llm.gui.look.literal import set_action_tip
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr


class WayMenu(QMenu):
    """Signal: `chosen` with "" (by question), "passages" or "every_file"."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("How to use them"), parent)
        set_names(self, "composer_documents_way", tr("How to use the documents"))
        self.setToolTipsVisible(True)
        group = QActionGroup(self)
        self._ways = {}
        for way, words, tip in (
            ("", tr("Choose by question"), tr("Offers every file when a question asks for all, each or how many")),
            (PASSAGES, tr("Best passages"), tr("Those that fit best, found by meaning and by words (hybrid search)")),
            (EVERY_FILE, tr("Every file"), tr("One pass over each file, then one list (map and reduce)")),
        ):
            action = self.addAction(words)
            action.setCheckable(True)
            set_action_tip(action, tip)
            action.setData(way)
            group.addAction(action)
            self._ways[way] = action
        self.set_way("")
        self.triggered.connect(lambda action: self.chosen.emit(str(action.data())))

    def set_way(self, way: str) -> None:
        """Tick the way of the open chat."""
        self._ways.get(way, self._ways[""]).setChecked(True)
