"""Reads and checks the header of a GGUF file, within budgets, before any native code sees the file.

The file comes from strangers: every count and length is bounded before memory is taken, nothing past the header is
read, and what the properties claim is checked against llama.cpp's own limits.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf.checks import check
from desktop_llm.models.gguf.reader import Contents, GgufReader, Value, number
from desktop_llm.models.gguf.shape import Shape, Tensor, shape_of
from desktop_llm.models.gguf.tables import EMBEDDING_ARCHITECTURES, FILE_TYPES, PART_ARCHITECTURES
from desktop_llm.models.gguf.words import printable
from desktop_llm.words import tr

Kind = Literal["chat", "embedding", "adapter", "part"]

_SPLIT_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<parts>\d{5})\.gguf")


@dataclass(frozen=True, slots=True)
class Header:
    """What the app needs to know of a model file; `layers` and `context_length` are 0 where the file doesn't say.

    `parts` is the number of files the model is split into: only the first one is the model, the others are parts.
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

    def to_json(self) -> dict[str, Any]:
        """The header as JSON, for those who keep it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Header:
        """The header that `to_json` wrote; raises TypeError or KeyError for that of another version."""
        return cls(**{**data, "shape": Shape.from_json(data["shape"])})


def read_header(path: Path) -> Header:
    """The checked header of `path`; raises ModelFileError with one sentence where llama.cpp should not see the file.

    The first file of a split model speaks for all: the others, which llama.cpp opens by itself, are checked too.
    """
    try:
        contents = _read(path)
        if contents.parts > 1 and not contents.part:
            return _header(contents, _tensors_of_parts(path, contents))
        return _header(contents, contents.tensors)
    except OSError as error:
        reason = error.strerror or tr("the system gave no reason")
        raise ModelFileError(
            tr("{name} can't be read: {reason}. Check that it is still there.", name=path.name, reason=reason)
        ) from error


def read_header_from(stream: BinaryIO, size_bytes: int, name: str) -> Header:
    """The checked header of a file that comes as a stream, read forward and no further than needed.

    `size_bytes` is the whole file's size, `name` is for the sentences. Of a split model only this file is seen: its
    shape knows the layers that lie here. Raises as `read_header` does, and whatever the stream raises.
    """
    contents = _checked(stream, size_bytes, name)
    return _header(contents, contents.tensors)


def _read(path: Path) -> Contents:
    with path.open("rb") as file:
        return _checked(file, os.fstat(file.fileno()).st_size, path.name)


def _checked(stream: BinaryIO, size_bytes: int, name: str) -> Contents:
    contents = GgufReader(stream, size_bytes, name).contents()
    if not contents.part:  # the other parts of a split model only hold weights
        check(contents, name)
    return contents


def _tensors_of_parts(path: Path, first: Contents) -> tuple[Tensor, ...]:
    """All tensors of a split model, after every part was checked; llama.cpp finds the parts by this very rule."""
    match = _SPLIT_NAME.fullmatch(path.name)
    if match is None or int(match["number"]) != 1 or int(match["parts"]) != first.parts:
        raise ModelFileError(
            tr(
                "{name} is the first of {parts} files of a model, but its name does not say so. "
                "Nothing was changed; give the files their names back.",
                name=path.name,
                parts=first.parts,
            )
        )
    tensors = list(first.tensors)
    for part in range(2, first.parts + 1):
        sibling = path.with_name(f"{match['stem']}-{part:05}-of-{match['parts']}.gguf")
        if not sibling.is_file():
            raise ModelFileError(
                tr(
                    "{name} needs {sibling} beside it, part {number} of {parts}. "
                    "Nothing was changed; download the missing part.",
                    name=path.name,
                    sibling=sibling.name,
                    number=part,
                    parts=first.parts,
                )
            )
        tensors += _read(sibling).tensors
    return tuple(tensors)


def _kind(contents: Contents) -> Kind:
    general, architecture = contents.properties.get("general.type"), contents.architecture
    if general == "adapter":
        return "adapter"
    if contents.part or general in ("mmproj", "imatrix") or architecture in PART_ARCHITECTURES:
        return "part"
    if not contents.tensors and contents.parts == 1:
        return "part"
    pooling = number(contents.properties, f"{architecture}.pooling_type")
    return "embedding" if architecture in EMBEDDING_ARCHITECTURES or pooling else "chat"


def _header(contents: Contents, tensors: tuple[Tensor, ...]) -> Header:
    properties, architecture = contents.properties, contents.architecture
    formats: Counter[str] = Counter()
    for tensor in tensors:
        formats[tensor.format] += tensor.values
    parameters = formats.total()
    template = properties.get("tokenizer.chat_template")
    return Header(
        architecture=architecture,
        name=printable(str(properties.get("general.name") or ""))[:120],
        quantization=_quantization(properties, formats),
        context_length=max(0, number(properties, f"{architecture}.context_length")),
        layers=number(properties, f"{architecture}.block_count"),
        chat_template=template if isinstance(template, str) else None,
        kind=_kind(contents),
        size_label=printable(str(properties.get("general.size_label") or ""))[:20] or size_label(parameters),
        parameters=parameters,
        parts=contents.parts,
        shape=shape_of(properties, architecture, contents.length("tokenizer.ggml.tokens"), tensors),
    )


def _quantization(properties: Mapping[str, Value], formats: Counter[str]) -> str:
    if (known := FILE_TYPES.get(number(properties, "general.file_type", -1))) is not None:
        return known
    return formats.most_common(1)[0][0] if formats else ""


def size_label(parameters: int) -> str:
    """The customary short form of a parameter count: 134515008 → "135M"."""
    for limit, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if parameters >= limit:
            value = parameters / limit
            return f"{value:.1f}{letter}" if value < 10 else f"{value:.0f}{letter}"
    return ""
