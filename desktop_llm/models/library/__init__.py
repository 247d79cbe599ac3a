"""The models on this disk, ours and those of other apps. `Library` is the way in."""

from desktop_llm.models.library.library import (
    STARTER_CHAT,
    STARTER_EMBEDDING,
    Imported,
    Library,
    Model,
    Space,
)

__all__ = [
    "STARTER_CHAT",
    "STARTER_EMBEDDING",
    "Imported",
    "Library",
    "Model",
    "Space",
]
