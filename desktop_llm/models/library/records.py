"""What the library tells about a model, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.templates import TemplateState
from desktop_llm.words import tr

Origin = Literal["starter", "imported", "pulled", "folder", "lm_studio", "ollama", "gpt4all", "jan", "huggingface"]
State = Literal["ok", "missing", "changed", "damaged", "unsupported"]

# Files that lie in the app's own folder and are its own to remove.
OWN_ORIGINS = ("imported", "pulled")


@dataclass(frozen=True, slots=True)
class Model:
    """One model on disk; `id` is its file's stem in lower case, made unique, and stays with the file.

    `reason` says in a sentence why `state` is not "ok". `parts` are all files of the model, `path` the first of them,
    which is what the engine opens; `size_bytes` counts all. `repo` is where it came from on Hugging Face, if known, and
    `sha256` that of `path`, if known. `template` is that of a chat model's file. `used_at` is seconds since 1970. A
    `hidden` model belongs to another app and is left out of lists because the person said so.
    """

    id: str
    name: str
    path: Path
    size_bytes: int
    architecture: str
    quantization: str
    context_length: int
    kind: str
    starter: bool = False
    origin: Origin = "imported"
    state: State = "ok"
    reason: str = ""
    used_at: float | None = None
    layers: int = 0
    parts: tuple[Path, ...] = ()
    repo: str = ""
    file: str = ""
    revision: str = ""
    sha256: str | None = None
    template: TemplateState = "unknown"
    hidden: bool = False
    shape: Shape = field(default_factory=Shape)

    @property
    def display_name(self) -> str:
        """What the model button shows: "SmolLM2 135M"."""
        return self.name or self.path.stem

    @property
    def own(self) -> bool:
        """Whether its files are this app's to remove; others belong to another app or came with the install."""
        return self.origin in OWN_ORIGINS

    @property
    def app(self) -> str:
        """The app whose model this is, as a person knows it; empty for our own."""
        return app_name(self.origin)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `bytes_transferred` is 0 where a hard link was enough."""

    model: Model
    sha256: str
    size_bytes: int
    bytes_transferred: int


@dataclass(frozen=True, slots=True)
class Space:
    """What models take: this app's own, other apps' files that are used in place, and what is left on the own disk."""

    models_bytes: int
    elsewhere_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Models of one content in several files; `spare_bytes` would be free if only one of them were kept."""

    models: Sequence[Model]
    spare_bytes: int


def app_name(origin: Origin) -> str:
    """The app that put the file where it is; empty where it was this one, or a person."""
    if origin == "huggingface":
        return tr("the Hugging Face cache")
    return {"lm_studio": "LM Studio", "ollama": "Ollama", "gpt4all": "GPT4All", "jan": "Jan"}.get(origin, "")
