"""Shows the adapters that the open chat can use with the chosen model, and stores the mix that the person sets."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.gui.chat.adapters.mix import AdapterRow, rows_of
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.settings.controller import ChatSettingsController
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.resources import Resources
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.gui.chat.adapters.rows import AdapterRows
    from desktop_llm.gui.chat.settings import ChatSettings


class AdaptersController(QObject):
    """Adds the adapters to the panel of `settings` when that is made. They are looked at whenever they come into sight,
    and follow the model, the chat and the disk meanwhile. Signal: `add_requested`.
    """

    add_requested = Signal()

    def __init__(
        self,
        resources: Resources,
        conversations: ConversationsController,
        models: ChosenModelController,
        shelf: ModelShelf,
        settings: ChatSettingsController,
    ) -> None:
        super().__init__(conversations)
        self._tasks, self._library = resources.tasks, resources.library
        self._conversations, self._models = conversations, models
        self._rows: AdapterRows | None = None
        settings.made.connect(self._on_made)
        conversations.opened.connect(self._on_elsewhere)
        shelf.changed.connect(self._on_elsewhere)

    def show(self) -> None:
        """Look at the adapters and show those of the open chat; the first look at a model reads its header."""
        current = self._conversations.current
        mix = current.adapters if current is not None else ()
        work = functools.partial(rows_of, self._library, self._models.model, mix)
        self._tasks.call(work, self._on_found, lane="library")

    def _on_made(self, panel: ChatSettings) -> None:
        from desktop_llm.gui.chat.adapters.rows import AdapterRows
        from desktop_llm.gui.chat.settings.section import Section

        self._rows = AdapterRows()
        self._rows.shown.connect(self.show)
        self._rows.changed.connect(self._on_changed)
        self._rows.add.clicked.connect(self.add_requested)
        section = Section("adapters", tr("Adapters"))
        section.row.addWidget(self._rows.add)
        section.column.addWidget(self._rows)
        panel.add_part("adapters", section)

    def _on_found(self, rows: Sequence[AdapterRow]) -> None:
        if self._rows is not None:
            self._rows.show_rows(rows)

    def _on_elsewhere(self, _: object) -> None:
        if self._rows is not None and self._rows.isVisible():
            self.show()

    def _on_changed(self, mix: tuple[ChatAdapter, ...]) -> None:
        self._conversations.change(adapters=mix)
