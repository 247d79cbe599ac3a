"""Reads and checks the header of a GGUF file, within budgets, before any native code sees the file.

The file comes from strangers: every count and length is bounded before memory is taken, and nothing past the header
is read. Token lists are walked, never turned into Python lists. Format: ggml's `docs/gguf.md`, versions 2 and 3.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf_tables import (
    EMBEDDING_ARCHITECTURES,
    FILE_TYPES,
    KNOWN_ARCHITECTURES,
    PART_ARCHITECTURES,
    TENSOR_TYPES,
)
from desktop_llm.models.shape import Shape, Tensor, shape_of
from desktop_llm.words import tr

Kind = Literal["chat", "embedding", "adapter", "part"]
Value = str | int | float | bool | tuple[int, ...] | None

MAX_STRING_BYTES = 1 << 20
MAX_ARRAY_ITEMS = 4_000_000
MAX_ENTRIES = 4_096
MAX_TENSORS = 65_536
MAX_ALIGNMENT = 1 << 20
MAX_LAYERS = 512
MAX_PARTS = 1_000
MAX_HEADER_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 20

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
# llama.cpp casts these arrays without asking for their type.
_ARRAY_TYPES = {"tokenizer.ggml.tokens": 8, "tokenizer.ggml.scores": 6, "tokenizer.ggml.token_type": 5}
_WHOLE_NUMBERS = frozenset({0, 1, 2, 3, 4, 5, 7, 10, 11})
_SPLIT_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<parts>\d{5})\.gguf")
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


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
    contents = _Reader(stream, size_bytes, name).contents()
    return _header(contents, contents.tensors)


@dataclass(frozen=True, slots=True)
class _Contents:
    """One file's header as it is written; `part` counts from 0, `vocabulary` is the number of its tokens."""

    properties: Mapping[str, Value]
    vocabulary: int
    tensors: tuple[Tensor, ...]
    part: int
    parts: int

    @property
    def architecture(self) -> str:
        return str(self.properties.get("general.architecture") or "")


def _read(path: Path) -> _Contents:
    with path.open("rb") as file:
        return _Reader(file, os.fstat(file.fileno()).st_size, path.name).contents()


def _tensors_of_parts(path: Path, first: _Contents) -> tuple[Tensor, ...]:
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
    for number in range(2, first.parts + 1):
        sibling = path.with_name(f"{match['stem']}-{number:05}-of-{match['parts']}.gguf")
        if not sibling.is_file():
            raise ModelFileError(
                tr(
                    "{name} needs {sibling} beside it, part {number} of {parts}. "
                    "Nothing was changed; download the missing part.",
                    name=path.name,
                    sibling=sibling.name,
                    number=number,
                    parts=first.parts,
                )
            )
        tensors += _read(sibling).tensors
    return tuple(tensors)


class _Reader:
    """A cursor over the header that refills itself by chunks and knows its budgets."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file = file
        self._size = size
        self._name = name
        self._buffer = b""
        self._at = 0
        self._taken = 0  # bytes of the file before the buffer
        self._vocabulary = 0

    def contents(self) -> _Contents:
        if self._size < 24 or self._bytes(4) != b"GGUF":
            raise self._refused(tr("is not a GGUF model file"))
        version = self._u32()
        if version not in (2, 3):
            raise self._refused(
                tr("has GGUF version {version}, and this app reads versions 2 and 3", version=version & 0xFFFF)
            )
        tensors = self._count(MAX_TENSORS, tr("tensors"))
        entries = self._entries(self._count(MAX_ENTRIES, tr("entries")))
        part, parts = _number(entries, "split.no"), max(1, _number(entries, "split.count"))
        if not 0 <= part < parts <= MAX_PARTS:
            raise self._damaged(tr("claims to be part {part} of {parts}", part=part + 1, parts=parts))
        if not part:
            self._check_architecture(entries)
        placed = self._tensors(tensors, self._alignment(entries))
        return _Contents(entries, self._vocabulary, placed, part, parts)

    def _check_architecture(self, entries: dict[str, Value]) -> None:
        architecture = str(entries.get("general.architecture") or "")
        if architecture not in KNOWN_ARCHITECTURES:
            shown = f"“{printable(architecture)[:40]}”" if architecture else tr("no name")
            raise self._refused(tr("has an architecture this version does not know ({name})", name=shown))
        layers = _number(entries, f"{architecture}.block_count")
        if not 0 <= layers <= MAX_LAYERS:
            raise self._damaged(tr("claims {layers:,} layers", layers=layers))

    def _entries(self, count: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self._string()
            if key in found:
                raise self._damaged(tr("names one property twice"))
            found[key] = self._value(key, self._u32())
        return found

    def _value(self, key: str, kind: int) -> Value:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(key)
        if kind not in _SCALARS:
            raise self._damaged(tr("has a property of unknown type {kind}", kind=kind & 0xFFFF))
        value: Value = self._scalar(_SCALARS[kind])
        return value

    def _array(self, key: str) -> tuple[int, ...] | None:
        """The numbers of a short list, such as one for each layer; a long one is only walked over."""
        kind = self._u32()
        count = self._count(MAX_ARRAY_ITEMS, tr("items in one list"))
        if key in _ARRAY_TYPES and kind != _ARRAY_TYPES[key]:
            raise self._damaged(tr("has a vocabulary of the wrong type"))
        if key == "tokenizer.ggml.tokens":
            self._vocabulary = count
        if kind == _STRING:
            self._skip_strings(count)
        elif kind in _WHOLE_NUMBERS and count <= MAX_LAYERS:
            return tuple(int(self._scalar(_SCALARS[kind])) for _ in range(count))
        elif kind in _SCALARS:
            self._skip(count * struct.calcsize(_SCALARS[kind]))
        else:
            raise self._damaged(tr("has a list of unknown type"))
        return None

    def _skip_strings(self, count: int) -> None:
        """Walk over `count` strings (a vocabulary has 150,000): local names keep it in tens of ms."""
        length_at, buffer, at = _U64.unpack_from, self._buffer, self._at
        for _ in range(count):
            if at + 8 + 6 > len(buffer):
                self._at = at
                self._need(8)
                buffer, at = self._buffer, self._at
            (length,) = length_at(buffer, at)
            at += 8
            if length == 6 and buffer[at : at + 3] == b"<0x":
                self._check_byte_token(buffer[at : at + 6])
            if length > MAX_STRING_BYTES:
                raise self._damaged(tr("has a text of absurd length"))
            at += length
            if at > len(buffer):
                self._at = at - length
                self._skip(length)
                buffer, at = self._buffer, self._at
        self._at = at

    def _check_byte_token(self, token: bytes) -> None:
        # llama.cpp reads the two digits without a check and uses them as an index.
        if token.endswith(b">") and not all(digit in b"0123456789abcdefABCDEF" for digit in token[3:5]):
            raise self._damaged(tr("has a byte token that is no byte"))

    def _tensors(self, count: int, alignment: int) -> tuple[Tensor, ...]:
        """The tensors, after checking every one's place."""
        tensors = []
        end = 0
        for _ in range(count):
            name, shape = self._string(), self._dimensions()
            number_format, block, block_bytes = self._tensor_type(self._u32())
            offset, values = self._u64(), math.prod(shape)
            if offset % alignment or shape[0] % block:
                raise self._damaged(tr("has a tensor that is out of place"))
            size_bytes = values // block * block_bytes
            end = max(end, offset + size_bytes)
            tensors.append(Tensor(name, number_format, shape, values, size_bytes))
        if len({tensor.name for tensor in tensors}) != count:
            raise self._damaged(tr("names one tensor twice"))
        self._check_end(end, alignment)
        return tuple(tensors)

    def _dimensions(self) -> tuple[int, ...]:
        count = self._u32()
        if not 1 <= count <= 4:
            raise self._damaged(tr("has a tensor without a shape"))
        shape = tuple(self._u64() for _ in range(count))
        if not 0 < math.prod(shape) < 1 << 62:
            raise self._damaged(tr("has a tensor of absurd size"))
        return shape

    def _tensor_type(self, kind: int) -> tuple[str, int, int]:
        if kind not in TENSOR_TYPES:
            raise self._refused(tr("uses a number format this version does not know ({kind})", kind=kind & 0xFFFF))
        return TENSOR_TYPES[kind]

    def _check_end(self, end: int, alignment: int) -> None:
        header = self._taken + self._at
        data_start = -(-header // alignment) * alignment
        whole = data_start + end
        if whole >= 1 << 62:
            raise self._damaged(tr("has a tensor of absurd size"))
        if end and whole > self._size:
            raise ModelFileError(
                tr(
                    "{name} ends too early: {here} of {whole} {unit} are here. "
                    "Download it again; nothing else was changed.",
                    name=self._name,
                    here=in_units(self._size, whole),
                    whole=in_units(whole, whole),
                    unit=unit(whole),
                )
            )

    def _alignment(self, entries: dict[str, Value]) -> int:
        value = entries.get("general.alignment", 32)
        if type(value) is not int or not 0 < value <= MAX_ALIGNMENT or value & (value - 1):
            raise self._damaged(tr("has an absurd alignment"))
        return value

    def _string(self) -> str:
        length = self._u64()
        if length > MAX_STRING_BYTES:
            raise self._damaged(tr("has a text of absurd length"))
        return self._bytes(length).decode("utf-8", "replace")

    def _count(self, limit: int, what: str) -> int:
        count = self._u64()
        if count > limit:
            raise self._damaged(tr("claims an absurd number of {what}", what=what))
        return count

    def _u32(self) -> int:
        return int.from_bytes(self._bytes(4), "little")

    def _u64(self) -> int:
        return int.from_bytes(self._bytes(8), "little")

    def _scalar(self, layout: str) -> int | float | bool:
        value: int | float | bool = struct.unpack(layout, self._bytes(struct.calcsize(layout)))[0]
        return value

    def _bytes(self, count: int) -> bytes:
        self._need(count)
        self._at += count
        return self._buffer[self._at - count : self._at]

    def _need(self, count: int) -> None:
        """Have `count` bytes ahead of the cursor in the buffer."""
        if self._at + count <= len(self._buffer):
            return
        rest = self._buffer[self._at :]
        self._taken += self._at
        if self._taken > MAX_HEADER_BYTES:
            raise self._damaged(tr("has a header of absurd size"))
        self._buffer = rest + self._read(max(_CHUNK_BYTES, count))
        self._at = 0
        if count > len(self._buffer):
            raise ModelFileError(
                tr(
                    "{name} ends too early: it stops within its header. Download it again; nothing else was changed.",
                    name=self._name,
                )
            )

    def _read(self, count: int) -> bytes:
        """So many bytes of the file, fewer only at its end: a stream may give them in pieces."""
        pieces = []
        while count and (piece := self._file.read(count)):
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _skip(self, count: int) -> None:
        while count:
            step = min(count, _CHUNK_BYTES)
            self._need(step)
            self._at += step
            count -= step

    def _refused(self, what: str) -> ModelFileError:
        return ModelFileError(
            tr("{name} {what}. Nothing was changed; choose another file.", name=self._name, what=what)
        )

    def _damaged(self, what: str) -> ModelFileError:
        return ModelFileError(
            tr("{name} is damaged: it {what}. Nothing was changed; download it again.", name=self._name, what=what)
        )


def _kind(contents: _Contents) -> Kind:
    general, architecture = contents.properties.get("general.type"), contents.architecture
    if general == "adapter":
        return "adapter"
    if contents.part or general in ("mmproj", "imatrix") or architecture in PART_ARCHITECTURES:
        return "part"
    if not contents.tensors and contents.parts == 1:
        return "part"
    pooling = _number(contents.properties, f"{architecture}.pooling_type")
    return "embedding" if architecture in EMBEDDING_ARCHITECTURES or pooling else "chat"


def _header(contents: _Contents, tensors: tuple[Tensor, ...]) -> Header:
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
        context_length=max(0, _number(properties, f"{architecture}.context_length")),
        layers=_number(properties, f"{architecture}.block_count"),
        chat_template=template if isinstance(template, str) else None,
        kind=_kind(contents),
        size_label=printable(str(properties.get("general.size_label") or ""))[:20] or size_label(parameters),
        parameters=parameters,
        parts=contents.parts,
        shape=shape_of(properties, architecture, contents.vocabulary, tensors),
    )


def _quantization(properties: Mapping[str, Value], formats: Counter[str]) -> str:
    if (known := FILE_TYPES.get(_number(properties, "general.file_type", -1))) is not None:
        return known
    return formats.most_common(1)[0][0] if formats else ""


def _number(properties: Mapping[str, Value], key: str, default: int = 0) -> int:
    value = properties.get(key, default)
    return value if isinstance(value, int) else default


def size_label(parameters: int) -> str:
    """The customary short form of a parameter count: 134515008 → "135M"."""
    for limit, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if parameters >= limit:
            value = parameters / limit
            return f"{value:.1f}{letter}" if value < 10 else f"{value:.0f}{letter}"
    return ""


def printable(text: str) -> str:
    """The text without control and bidirectional characters, which a stranger's file could use to deceive."""
    return "".join(character for character in text if character.isprintable()).strip()


def unit(size_bytes: int) -> str:
    """The decimal unit in which a size is shown."""
    return "GB" if size_bytes >= 10**9 else "MB" if size_bytes >= 10**6 else "bytes"


def in_units(size_bytes: int, whole_bytes: int) -> str:
    """`size_bytes` in the unit of `whole_bytes`, without the unit."""
    scale = {"GB": 10**9, "MB": 10**6, "bytes": 1}[unit(whole_bytes)]
    return f"{size_bytes / scale:.1f}" if scale > 1 else f"{size_bytes:,}"
