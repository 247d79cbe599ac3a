"""An open chat, which may not be stored yet, and the ids of the chats that are being answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from desktop_llm.chats.store import ChatStore


@dataclass(slots=True, eq=False)
class OpenChat:
    """A chat that was opened; a new one gets its `id` when something about it is first stored.

    Each opening makes a new object, so that a question can tell later whether the person is still in the chat.
    Until the chat is stored, `collections` are the ticked ones, `sampling` holds what was chosen of its settings, and
    `draft` is the unsent text as it is stored. `model_id` is the model that is to answer here, "" if none was chosen.
    """

    id: str | None = None
    collections: tuple[str, ...] = ()
    draft: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)
    model_id: str = ""

    def stored(self, store: ChatStore, model_id: str | None = None) -> str:
        """The chat's id; a new chat is stored now, with its draft. Call it only in the store's thread."""
        if self.id is None:
            with store.together():
                model_id = model_id or self.model_id or None
                id = store.create(collections=self.collections, sampling=self.sampling, model_id=model_id).id
                if store.draft("") == self.draft:  # else it belongs to another new chat, begun while this one waited
                    store.save_draft(id, self.draft)
                    store.save_draft("", "")
            self.id = id
        return self.id

    def same(self, other: OpenChat) -> bool:
        """Whether both are the same chat."""
        return self is other or (self.id is not None and self.id == other.id)


@dataclass(frozen=True, slots=True)
class Answering:
    """The ids of the chats that are being answered; "" stands for those that are not stored yet."""

    chats: frozenset[str] = frozenset()
