"""Has the model read what comes before a question while that is being typed."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.conversation.mixing import mixed
from desktop_llm.conversation.prompt import given_passages, with_passages_before
from desktop_llm.conversation.tools import definitions, offered
from desktop_llm.engine.client import ChatMessage, Engine
from desktop_llm.errors import UserError
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Library, Model


class ReadingAhead:
    """Reads with the chosen model, if it is in memory; the same once only."""

    def __init__(self, resources: Resources, models: ChosenModelController) -> None:
        self._resources, self._models = resources, models
        self._read: tuple[str, Conversation, Sequence[ChatMessage], str] | None = None

    def read(
        self,
        conversation: Conversation,
        messages: Sequence[StoredMessage],
        before: Sequence[ChatMessage],
        thinking: str,
    ) -> None:
        """Read `before`, which the chat's `messages` became, as for an answer with this level of thinking."""
        engine, model = self._models.engine, self._models.model
        if engine is None or model is None or self._read == (model.id, conversation, before, thinking):
            return
        self._read = model.id, conversation, before, thinking
        read = functools.partial(
            _read, engine, self._resources.library, model, conversation, messages, before, thinking or None
        )
        self._resources.tasks.call(read, failed=_without)


def _read(
    engine: Engine,
    library: Library,
    model: Model,
    conversation: Conversation,
    messages: Sequence[StoredMessage],
    before: Sequence[ChatMessage],
    thinking: str | None,
) -> None:
    """Ask the engine to read; runs in a task, because it looks at the files of adapters."""
    _, adapters = mixed(library, model, conversation.adapters)
    known = with_passages_before(engine, before, given_passages(conversation, messages))
    engine.prepare(known, conversation.id, thinking, tools=definitions(offered(conversation)), adapters=adapters)


def _without(_: UserError) -> None:
    """Read nothing ahead; the question will say what is wrong."""
