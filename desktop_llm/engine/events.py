"""What goes over the wire between the engine's client and its worker, in the shapes that the app sees."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from desktop_llm.engine.shapes import (
    ChatMessage,
    Event,
    LeftOut,
    Loading,
    PromptProgress,
    TextDelta,
    ThinkingDelta,
)
from desktop_llm.steps import Run
from desktop_llm.workers.protocol import Message


def event_of(data: dict[str, Any]) -> Event:
    """What the worker says of an answer under way."""
    kind = data["event"]
    if kind == "text":
        return TextDelta(data["text"])
    if kind == "thinking":
        return ThinkingDelta(data["text"])
    if kind == "prompt":
        return PromptProgress(data["done"], data["total"], data["seconds_left"])
    return LeftOut(data["messages"])


def messages_to_wire(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """A conversation as the worker takes it."""
    return [{"role": message.role, "content": message.text} for message in messages]


def as_loading(steps: Generator[Message, None, Message]) -> Generator[Loading, None, Message]:
    """A load with its progress in our words."""
    run = Run(steps)
    for message in run:
        yield Loading(message.data["fraction"])
    return run.result
