"""Which chat something belongs to, also before that chat is stored."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_llm.chats.store import ChatStore


@dataclass(slots=True, eq=False)
class Place:
    """A chat that was opened; a new one gets its `id` with the first thing that is stored of it.

    One object per opening: what was asked here and ends later knows whether the person is still here. `collections`
    are those ticked, until the chat is stored.
    """

    id: str | None = None
    collections: tuple[str, ...] = ()

    def stored(self, store: ChatStore, model_id: str | None = None) -> str:
        """The id; a new chat is stored and takes the draft along. For the writing lane alone."""
        if self.id is None:
            draft = store.draft("")
            self.id = store.create(collections=self.collections, model_id=model_id).id
            store.save_draft(self.id, draft)
            store.save_draft("", "")
        return self.id

    def same(self, other: Place) -> bool:
        """Whether both are one chat."""
        return self is other or (self.id is not None and self.id == other.id)
