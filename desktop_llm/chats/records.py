"""What is stored about a conversation, as values; `store` hands them out and takes them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat in the list; `state` is "idle", "answering" or "interrupted", times are seconds since 1970."""

    id: str
    title: str
    created_at: float
    updated_at: float
    pinned: bool = False
    collections: tuple[str, ...] = ()
    system_prompt: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)
    model_id: str | None = None
    state: str = "idle"


@dataclass(frozen=True, slots=True)
class StoredCitation:
    """A passage as it was when it was given to the model or quoted: `text` is the span start..end of that page, and
    `place` says where that is in a format without pages."""

    number: int
    document: str
    page: int | None
    start: int
    end: int
    text: str
    score: float
    verified: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message with its parts joined; `branch` of `branches` counts it among the children of its parent, and
    `unsupported` holds the (start, end) of the sentences in `text` that no source supports."""

    id: str
    parent_id: str | None
    role: str
    status: str
    text: str
    thinking: str
    error: str
    model_id: str | None
    model_name: str | None
    sampling: dict[str, Any]
    seed: int | None
    created_at: float
    finish_reason: str | None
    usage: dict[str, Any]
    timings: dict[str, Any]
    citations: tuple[StoredCitation, ...]
    sources: tuple[StoredCitation, ...]
    unsupported: tuple[tuple[int, int], ...]
    attachments: tuple[str, ...]
    branch: int
    branches: int


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One place where the searched words stand; `message_id` is None where it is the title."""

    conversation_id: str
    title: str
    message_id: str | None
    snippet: str


class ConversationFields(TypedDict, total=False):
    """What may be set on a conversation."""

    title: str
    pinned: bool
    collections: tuple[str, ...]
    system_prompt: str
    sampling: dict[str, Any]
    model_id: str | None


class MessageFields(TypedDict, total=False):
    """What is known about an answer at its start or its end, beside its text."""

    error: str
    model_id: str | None
    model_name: str | None
    model_sha256: str | None
    adapters: list[dict[str, Any]]
    sampling: dict[str, Any]
    seed: int | None
    finish_reason: str | None
    usage: dict[str, Any]
    timings: dict[str, Any]
    unsupported: Sequence[tuple[int, int]]
