"""Each chat has its model: opening a chat chooses it, and choosing another one is remembered for the open chat."""

from __future__ import annotations

from PySide6.QtCore import QObject

from desktop_llm.chats.records import Conversation
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.models.library import Model


class ChatModel(QObject):
    """Connects the open chat with the chosen model. A chat that is not stored yet takes its model along when it is."""

    def __init__(self, conversations: ConversationsController, models: ChosenModelController, parent: QObject) -> None:
        super().__init__(parent)
        self._conversations, self._models = conversations, models
        conversations.opened.connect(self._on_opened)
        models.chosen.connect(self._on_chosen)
        models.picked.connect(self._on_picked)

    def _on_opened(self, conversation: Conversation | None) -> None:
        self._models.follow(conversation.model_id if conversation is not None else None)
        self._on_chosen(self._models.model)

    def _on_chosen(self, model: Model | None) -> None:
        self._conversations.open_chat.model_id = model.id if model is not None else ""

    def _on_picked(self, model: Model) -> None:
        current = self._conversations.current
        if current is not None and current.model_id != model.id:
            self._conversations.change(model_id=model.id)
