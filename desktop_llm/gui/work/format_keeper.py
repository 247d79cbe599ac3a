"""When a model's chat template can't be used: offers the chat format that most likely fits in its place."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject

from desktop_llm.errors import CHOOSE_FORMAT, UserError
from desktop_llm.gui.look.widgets import Action
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.notices import Notices
from desktop_llm.words import tr


class FormatKeeper(QObject):
    """Answers each failure of a chat template with a banner; the format is remembered for the model."""

    def __init__(self, models: ChosenModelController, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._models, self._notices = models, notices
        models.stopped.connect(self.offer)

    def offer(self, error: UserError) -> None:
        """Offer another format if the error says that one is needed."""
        from desktop_llm.models.templates import suggested_format  # few models need it

        model = self._models.model
        if error.action != CHOOSE_FORMAT or model is None:
            return
        chat_format = suggested_format(model.architecture, model.name)
        self._notices.offer(
            error.title,
            error.text,
            Action("use", tr("Use the format {name}", name=chat_format)),
            functools.partial(self._on_answered, model.id, chat_format),
            kind="warning",
        )

    def _on_answered(self, model_id: str, chat_format: str, action: str) -> None:
        if action == "use":
            self._models.set_format(model_id, chat_format)
