"""How much of the model's context the open chat takes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.records import StoredMessage
from desktop_llm.engine.client import ChatMessage, LoadedModel
from desktop_llm.engine.shapes import PromptSize
from desktop_llm.errors import UserError
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.tasks import Tasks


class ContextUse(QObject):
    """Tells what an answer took; once another model is loaded, that one counts the chat anew.

    Signals: `used` with the tokens used and those of the context. `messages` are what the model would read now.
    """

    used = Signal(int, int)

    def __init__(
        self,
        models: ChosenModelController,
        tasks: Tasks,
        messages: Callable[[], Sequence[ChatMessage]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._models, self._tasks, self._messages = models, tasks, messages
        self._told: tuple[Path, int] | None = None  # the model and the context length that the figures are of
        models.loaded.connect(self._on_loaded)

    def show(self, answer: StoredMessage) -> None:
        """Show what the last answer took, if the chosen model wrote it."""
        loaded, model = self._models.in_memory, self._models.model
        tokens = answer.usage.get("prompt_tokens", 0) + answer.usage.get("completion_tokens", 0)
        if loaded is None:
            self.used.emit(tokens, 0)
        elif tokens and model is not None and model.id == answer.model_id:
            self._told = _key(loaded)
            self.used.emit(tokens, loaded.context_length)
        else:
            self._count(loaded)

    def clear(self) -> None:
        """Show nothing: another chat is opened."""
        self._told = None
        self.used.emit(0, 0)

    def _on_loaded(self, loaded: LoadedModel | None) -> None:
        if loaded is not None and self._told != _key(loaded):
            self._count(loaded)

    def _count(self, loaded: LoadedModel) -> None:
        engine, messages = self._models.engine, self._messages()
        if engine is not None and messages:
            self._told = _key(loaded)
            counted = functools.partial(self._on_counted, self._told)
            self._tasks.call(functools.partial(engine.measure, messages), counted, self._on_failed)

    def _on_counted(self, key: tuple[Path, int], size: PromptSize) -> None:
        if key == self._told:
            self.used.emit(size.prompt_tokens, size.context_length)

    def _on_failed(self, _: UserError) -> None:
        """Leave the figures: the model is gone, or the chat too long for it, and the next answer says so."""


def _key(loaded: LoadedModel) -> tuple[Path, int]:
    return loaded.path, loaded.context_length
