"""Models in other apps' folders, and the ids that a library shows."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.models.library import Library
from tests.models.gguf_files import model


def lm_studio(person: Path, name: str = "tiny.gguf") -> Path:
    """Make a model as LM Studio keeps it."""
    path = person / ".lmstudio" / "models" / "author" / "repo" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return model(path)


def ids(library: Library) -> list[str]:
    """The ids of all models except those that came with the app."""
    return [known.id for known in library.models() if not known.starter]
