"""Reads the facts in a GGUF file's header and checks them before any native code sees the file.

The file can't be trusted: every count and length is checked before memory is allocated (`reader`), what the header
claims is checked before llama.cpp sees it (`checks`), and nothing after the header is read.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf.adapters import Adapter, adapter_of, check_numbers
from desktop_llm.models.gguf.checks import check
from desktop_llm.models.gguf.projector import is_projector
from desktop_llm.models.gguf.reader import Contents, GgufReader, Value, number
from desktop_llm.models.gguf.shape import Shape, Tensor, shape_of
from desktop_llm.models.gguf.tables import EMBEDDING_ARCHITECTURES, FILE_TYPES, PART_ARCHITECTURES
from desktop_llm.models.names import file_names, printable, size_label, split_name
from desktop_llm.words import tr

Kind = Literal["chat", "embedding", "reranker", "adapter", "projector", "part"]
# A reranker has a head that scores a pair of texts; older files do not say that they are pooled for it.
_RANKS = 4  # llama_pooling_type
_RANKING_TENSORS = frozenset({"cls.weight", "cls.output.weight"})
# The keys of general.sampling (gguf-py/gguf/constants.py) and the fields of the engine's `Sampling`.
_SAMPLING = {
    "temp": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "penalty_last_n": "penalty_last_n",
    "penalty_repeat": "repeat_penalty",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}


@dataclass(frozen=True, slots=True)
class Header:
    """The facts about a model file that the app needs; `layers` and `context_length` are 0 if the file doesn't say.

    `parts` is the number of files that the model is split into. The first of them stands for the model. `adapter` says
    what an adapter changes, and is None for everything else. `sampling` are the values that the file recommends, by the
    names of the engine's `Sampling`.
    """

    architecture: str
    name: str
    quantization: str
    context_length: int
    layers: int
    chat_template: str | None
    kind: Kind
    size_label: str
    parameters: int
    parts: int
    shape: Shape
    sampling: dict[str, float]
    adapter: Adapter | None = None

    def to_json(self) -> dict[str, Any]:
        """The header as JSON, to be stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Header:
        """Restore a header from `to_json`; raises TypeError or KeyError if another version wrote it."""
        adapter = data["adapter"] and Adapter.from_json(data["adapter"])
        return cls(**{**data, "shape": Shape.from_json(data["shape"]), "adapter": adapter})


def read_header(path: Path) -> Header:
    """The checked header of `path`; raises ModelFileError if llama.cpp should not see the file.

    The first file of a split model stands for all. The others are checked too, because llama.cpp opens them by itself.
    """
    with _told(path):
        contents = _read(path)
        if contents.parts > 1 and not contents.part:
            return _header(contents, _tensors_of_parts(path, contents))
        return _header(contents, contents.tensors)


def weights_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of a model, in all its files; raises the same errors as `read_header`."""
    with _told(path):
        contents = _read(path)
        tensors = _tensors_of_parts(path, contents) if contents.parts > 1 else contents.tensors
        return {tensor.name: tensor.shape for tensor in tensors}


def check_adapter(path: Path) -> None:
    """Read the whole file of an adapter; raises ModelFileError if a weight is no number, or as `read_header` does."""
    with _told(path), path.open("rb") as file:
        contents = _checked(file, os.fstat(file.fileno()).st_size, path.name)
        check_numbers(file, contents, path.name)


def read_header_from(stream: BinaryIO, size_bytes: int, name: str) -> Header:
    """The checked header of a file that comes as a stream, which is read forward and no further than needed.

    `size_bytes` is the size of the whole file, and `name` is its name in error messages. For a split model only this
    file is read, so the shape only includes its layers. Raises the same errors as `read_header`, and any that the
    stream raises.
    """
    contents = _checked(stream, size_bytes, name)
    return _header(contents, contents.tensors)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an error of the disk into a ModelFileError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or tr("the system gave no reason")
        raise ModelFileError(
            tr("{name} can't be read: {reason}.", name=path.name, reason=reason), tr("Check that it is still there.")
        ) from error


def _read(path: Path) -> Contents:
    with path.open("rb") as file:
        return _checked(file, os.fstat(file.fileno()).st_size, path.name)


def _checked(stream: BinaryIO, size_bytes: int, name: str) -> Contents:
    contents = GgufReader(stream, size_bytes, name).contents()
    if contents.properties.get("general.type") == "adapter":
        adapter_of(contents, name)
    elif not contents.part:  # the other parts of a split model contain only weights
        check(contents, name)
    return contents


def _tensors_of_parts(path: Path, first: Contents) -> tuple[Tensor, ...]:
    """Check every part of a split model and return all tensors; llama.cpp finds the parts by the same rule."""
    split = split_name(path.name)
    names = file_names(split.stem, first.parts) if split is not None else []
    if path.name not in names[:1]:
        raise ModelFileError(
            tr(
                "{name} is the first of {parts} files of a model, but its name does not say so.",
                name=path.name,
                parts=first.parts,
            ),
            tr("Nothing was changed; give the files their names back."),
        )
    tensors = list(first.tensors)
    for part, name in enumerate(names[1:], 2):
        sibling = path.with_name(name)
        if not sibling.is_file():
            raise ModelFileError(
                tr(
                    "{name} needs {sibling} beside it, part {number} of {parts}.",
                    name=path.name,
                    sibling=sibling.name,
                    number=part,
                    parts=first.parts,
                ),
                tr("Nothing was changed; download the missing part."),
            )
        tensors += _read(sibling).tensors
    return tuple(tensors)


def _kind(contents: Contents) -> Kind:
    general, architecture = contents.properties.get("general.type"), contents.architecture
    if general == "adapter":
        return "adapter"
    if is_projector(contents) and contents.tensors and contents.parts == 1:
        return "projector"
    if contents.part or general in ("mmproj", "imatrix") or architecture in PART_ARCHITECTURES:
        return "part"
    if not contents.tensors and contents.parts == 1:
        return "part"
    pooling = number(contents.properties, f"{architecture}.pooling_type")
    if pooling == _RANKS or any(tensor.name in _RANKING_TENSORS for tensor in contents.tensors):
        return "reranker"
    return "embedding" if architecture in EMBEDDING_ARCHITECTURES or pooling else "chat"


def _header(contents: Contents, tensors: tuple[Tensor, ...]) -> Header:
    properties, architecture = contents.properties, contents.architecture
    formats: Counter[str] = Counter()
    for tensor in tensors:
        formats[tensor.format] += tensor.values
    parameters = formats.total()
    template, kind = properties.get("tokenizer.chat_template"), _kind(contents)
    return Header(
        architecture=architecture,
        name=printable(str(properties.get("general.name") or ""))[:120],
        quantization=_quantization(properties, formats),
        context_length=max(0, number(properties, f"{architecture}.context_length")),
        layers=number(properties, f"{architecture}.block_count"),
        chat_template=template if isinstance(template, str) else None,
        kind=kind,
        size_label=printable(str(properties.get("general.size_label") or ""))[:20] or size_label(parameters),
        parameters=parameters,
        parts=contents.parts,
        shape=shape_of(properties, architecture, contents.length("tokenizer.ggml.tokens"), tensors),
        adapter=adapter_of(contents, "") if kind == "adapter" else None,
        sampling=_sampling(properties),
    )


def _sampling(properties: Mapping[str, Value]) -> dict[str, float]:
    """The recommended values; 32-bit numbers are rounded to what was meant."""
    found = {name: properties.get(f"general.sampling.{key}") for key, name in _SAMPLING.items()}
    return {
        name: value if type(value) is int else round(value, 6)
        for name, value in found.items()
        if type(value) is int or (type(value) is float and math.isfinite(value))
    }


def _quantization(properties: Mapping[str, Value], formats: Counter[str]) -> str:
    if (known := FILE_TYPES.get(number(properties, "general.file_type", -1))) is not None:
        return known
    return formats.most_common(1)[0][0] if formats else ""
