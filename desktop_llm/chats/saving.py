"""A finished exchange stored in one go, as `chat --save` does; by whoever owns the data folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from desktop_llm.chats.records import Conversation, StoredCitation
from desktop_llm.chats.store import ChatStore
from desktop_llm.chats.titles import title_from


@dataclass(frozen=True, slots=True)
class Exchange:
    """Messages (role, text) in order, the answer to the last one, by which model, and what it stands on.

    `citations` and `sources` are StoredCitations as plain values, since an exchange may come from another process.
    """

    messages: tuple[tuple[str, str], ...]
    answer: str
    model_id: str
    model_name: str
    collections: tuple[str, ...] = ()
    finished: dict[str, Any] = field(default_factory=dict)
    citations: tuple[dict[str, Any], ...] = ()
    sources: tuple[dict[str, Any], ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()


def save_exchange(store: ChatStore, exchange: Exchange) -> Conversation:
    """Make it a conversation of its own, titled by its first question."""
    system = "\n\n".join(text for role, text in exchange.messages if role == "system")
    turns = [(role, text) for role, text in exchange.messages if role != "system"]
    conversation = store.create(
        title=title_from(next(text for role, text in turns if role == "user")),
        system_prompt=system,
        collections=tuple(exchange.collections),
        model_id=exchange.model_id,
    )
    parent: str | None = None
    for role, text in turns:
        parent = store.add(conversation.id, parent, role, text).id
    _save_answer(store, conversation, parent, exchange)
    return conversation


def _save_answer(store: ChatStore, conversation: Conversation, parent: str | None, exchange: Exchange) -> None:
    finished = exchange.finished
    answer = store.add(
        conversation.id,
        parent,
        "assistant",
        status="streaming",
        model_id=exchange.model_id,
        model_name=exchange.model_name,
    )
    store.finish(
        answer.id,
        "complete",
        text=exchange.answer,
        citations=[StoredCitation(**citation) for citation in exchange.citations],
        sources=[StoredCitation(**source) for source in exchange.sources],
        unsupported=exchange.unsupported,
        finish_reason=finished.get("finish_reason"),
        usage=finished.get("usage") or {},
        timings=finished.get("timings") or {},
        seed=finished.get("seed"),
    )
