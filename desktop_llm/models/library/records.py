"""The plain data that the library returns: models, imports, duplicates and the space they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from desktop_llm.models.gguf.adapters import Adapter
from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.templates import TemplateState
from desktop_llm.words import tr

Origin = Literal["starter", "imported", "pulled", "folder", "lm_studio", "ollama", "gpt4all", "jan", "huggingface"]
State = Literal["ok", "missing", "changed", "damaged", "unsupported"]

# Models in the app's own folder, which it may delete.
OWN_ORIGINS = ("imported", "pulled")


@dataclass(frozen=True, slots=True)
class Model:
    """One model on disk; `id` is its file's stem in lower case, made unique, and stays with the file.

    If `state` is not "ok", `reason` says why in a sentence, and `remedy` says what is safe and what to do. `parts` are
    all files of the model, and `size_bytes` counts all of them; `path` is the first, which the engine opens. `repo` is
    the Hugging Face repository it came from, if known, and `sha256` the checksum of `path`, if known. `template` says
    how the chat template in the file compares with published ones. `sampling` are the values that the file recommends
    (pairs of a field of the engine's Sampling and its value). `used_at` is in seconds since 1970. A `hidden` model
    belongs to another app, and the person chose to leave it out of lists. `adapter` says what an adapter changes; it is
    None for models and for adapters whose file can't be read. `projector` is the file that lets a model see pictures or
    hear.
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
    remedy: str = ""
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
    adapter: Adapter | None = None
    projector: Path | None = None
    sampling: tuple[tuple[str, float], ...] = ()

    @property
    def display_name(self) -> str:
        """The name on the model button: "SmolLM2 135M"."""
        return self.name or self.path.stem

    @property
    def explanation(self) -> str:
        """Reason and remedy as one paragraph; "" if nothing is wrong."""
        return tr("{title} {text}", title=self.reason, text=self.remedy) if self.remedy else self.reason

    @property
    def own(self) -> bool:
        """Whether this app may delete its files; it may not if they belong to another app or to the install."""
        return self.origin in OWN_ORIGINS

    @property
    def app(self) -> str:
        """The name of the app that the model belongs to, as people know it; empty for our own."""
        return app_name(self.origin)


@dataclass(frozen=True, slots=True)
class Imported:
    """A finished import; `bytes_transferred` is 0 if a hard link was enough."""

    model: Model
    sha256: str
    size_bytes: int
    bytes_transferred: int


@dataclass(frozen=True, slots=True)
class Space:
    """The space that our own models and those of other apps take, and the space that is free for new ones."""

    models_bytes: int
    elsewhere_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the disk at one look: the models to list, the models that are hidden, and their space."""

    models: tuple[Model, ...]
    hidden: tuple[Model, ...]
    space: Space


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Models with the same content; `spare_bytes` would be freed by keeping only one of them."""

    models: Sequence[Model]
    spare_bytes: int


def app_name(origin: Origin) -> str:
    """The name of the app that the file belongs to; empty if it is this app's or the person put it there."""
    if origin == "huggingface":
        return tr("the Hugging Face cache")
    return {"lm_studio": "LM Studio", "ollama": "Ollama", "gpt4all": "GPT4All", "jan": "Jan"}.get(origin, "")
