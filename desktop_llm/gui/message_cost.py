"""What the message that is being typed costs of the context, counted by the loaded model in pauses of the typing."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject

from desktop_llm.engine.client import ChatMessage, Engine
from desktop_llm.errors import UserError
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.documents.words import number
from desktop_llm.gui.resources import Resources


class MessageCost(QObject):
    """Counts one text at a time, and loads no model for it. Passages of documents come on top."""

    def __init__(self, resources: Resources, composer: Composer, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._composer = resources, composer
        self._counted: str | None = None  # while it is being counted
        composer.draft_changed.connect(self._on_changed)

    def _on_changed(self, text: str) -> None:
        if not text.strip() or self._resources.engine.loaded is None:
            self._composer.set_token_count("")
        elif self._counted is None:
            self._counted = text
            work = functools.partial(_tokens_of, self._resources.engine, text)
            self._resources.tasks.call(work, self._on_counted, self._on_failed)

    def _on_counted(self, tokens: int) -> None:
        self._show(self.tr("1 token") if tokens == 1 else self.tr("{count} tokens").format(count=number(tokens)))

    def _on_failed(self, _: UserError) -> None:
        """The model was unloaded, or the message is too long: sending says so in words."""
        self._show("")

    def _show(self, words: str) -> None:
        counted, self._counted = self._counted, None
        text = self._composer.text()
        if text == counted:
            self._composer.set_token_count(words)
        else:
            self._on_changed(text)


def _tokens_of(engine: Engine, text: str) -> int:
    """In a task: what the text adds to a message without one. Raises UserError."""
    whole, empty = (engine.measure([ChatMessage("user", each)]).prompt_tokens for each in (text, ""))
    return whole - empty
