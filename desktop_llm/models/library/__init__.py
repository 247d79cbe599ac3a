"""The models on this disk, our own and those of other apps. Start with `Library`."""

from desktop_llm.models.library.library import (
    STARTER_CHAT,
    STARTER_EMBEDDING,
    STARTER_SMALL,
    Imported,
    Library,
    Model,
    Snapshot,
    Space,
)
from desktop_llm.models.library.projectors import with_projector

__all__ = [
    "STARTER_CHAT",
    "STARTER_EMBEDDING",
    "STARTER_SMALL",
    "Imported",
    "Library",
    "Model",
    "Snapshot",
    "Space",
    "with_projector",
]
