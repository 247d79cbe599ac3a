"""Walks the header of a GGUF file within budgets; what is true of every file of the format is checked here.

Token lists are walked, never turned into Python lists. Format: ggml's `docs/gguf.md`, versions 2 and 3.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.models.gguf.shape import Tensor
from desktop_llm.models.gguf.tables import TENSOR_TYPES
from desktop_llm.models.gguf.words import damaged, in_units, not_gguf, unit, unsupported
from desktop_llm.words import tr

Value = str | int | float | bool | tuple[int, ...] | None

MAX_STRING_BYTES = 1 << 20
MAX_ARRAY_ITEMS = 4_000_000
MAX_ENTRIES = 4_096
MAX_TENSORS = 65_536
MAX_ALIGNMENT = 1 << 20
MAX_LAYERS = 512
MAX_PARTS = 1_000
MAX_HEADER_BYTES = 256 << 20
MAX_FILE_BYTES = 1 << 46  # 70 TB
CHUNK_BYTES = 1 << 20

_STRING, _ARRAY = 8, 9
_BYTE_TOKEN_BYTES = 6  # "<0x0A>"
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
# llama.cpp reads these without asking for their type, or ends its process if it is another one.
_TYPES = {
    "general.architecture": _STRING,
    "general.alignment": 4,
    "tokenizer.ggml.model": _STRING,
    "tokenizer.chat_template": _STRING,
    "tokenizer.ggml.tokens": _ARRAY,
    "tokenizer.ggml.scores": _ARRAY,
    "tokenizer.ggml.token_type": _ARRAY,
    "tokenizer.ggml.merges": _ARRAY,
    "tokenizer.ggml.precompiled_charsmap": _ARRAY,
    "tokenizer.ggml.suppress_tokens": _ARRAY,
}
_LIST_TYPES = {
    "tokenizer.ggml.tokens": (_STRING,),
    "tokenizer.ggml.scores": (5, 6),
    "tokenizer.ggml.token_type": (5,),
    "tokenizer.ggml.merges": (_STRING,),
    "tokenizer.ggml.precompiled_charsmap": (0, 1),
    "tokenizer.ggml.suppress_tokens": (5,),
}
_WHOLE_NUMBERS = frozenset({0, 1, 2, 3, 4, 5, 7, 10, 11})
_U64 = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class ListType:
    """The GGUF type of a list's items, and how many there are."""

    kind: int
    count: int


@dataclass(frozen=True, slots=True)
class Contents:
    """One file's header as it is written; `part` counts from 0. `lists` tells type and length of each list."""

    properties: Mapping[str, Value]
    lists: Mapping[str, ListType]
    tensors: tuple[Tensor, ...]
    part: int
    parts: int

    @property
    def architecture(self) -> str:
        """The file's own word for it, which may be any; "" where it has none."""
        return str(self.properties.get("general.architecture") or "")

    def length(self, key: str) -> int:
        """How many items this list has; 0 where there is none."""
        return self.lists[key].count if key in self.lists else 0


class GgufReader:
    """A cursor over the header that refills itself by chunks and knows its budgets."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file = file
        self._size = size
        self._name = name
        self._buffer = b""
        self._at = 0
        self._taken = 0  # bytes of the file before the buffer
        self._lists: dict[str, ListType] = {}

    def contents(self) -> Contents:
        """The whole header; raises ModelFileError for what breaks the format or a budget."""
        if self._size < 24 or self._bytes(4) != b"GGUF":
            raise not_gguf(self._name)
        version = self._u32()
        if version not in (2, 3):
            raise self._unsupported(
                tr("has GGUF version {version}, and this app reads versions 2 and 3", version=version & 0xFFFF)
            )
        tensors = self._count(MAX_TENSORS, tr("tensors"))
        entries = self._entries(self._count(MAX_ENTRIES, tr("entries")))
        part, parts = number(entries, "split.no"), max(1, number(entries, "split.count"))
        if not 0 <= part < parts <= MAX_PARTS:
            raise self._damaged(tr("claims to be part {part} of {parts}", part=part + 1, parts=parts))
        placed = self._tensors(tensors, self._alignment(entries))
        return Contents(entries, self._lists, placed, part, parts)

    def _entries(self, count: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self._string()
            if key in found:
                raise self._damaged(tr("names one property twice"))
            kind = self._u32()
            if _TYPES.get(key, kind) != kind:
                raise self._damaged(tr("has a property of the wrong type ({name})", name=key))
            found[key] = self._value(key, kind)
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
        if kind not in _LIST_TYPES.get(key, (kind,)):
            raise self._damaged(tr("has a vocabulary of the wrong type"))
        self._lists[key] = ListType(kind, count)
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
            if at + 8 > len(buffer):
                self._at = at
                self._need(8)
                buffer, at = self._buffer, self._at
            (length,) = length_at(buffer, at)
            at += 8
            if length == _BYTE_TOKEN_BYTES:
                self._at = at
                self._need(length)
                buffer, at = self._buffer, self._at
                self._check_byte_token(buffer[at : at + length])
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
        if (
            token.startswith(b"<0x")
            and token.endswith(b">")
            and not all(digit in b"0123456789abcdefABCDEF" for digit in token[3:5])
        ):
            raise self._damaged(tr("has a byte token that is no byte"))

    def _tensors(self, count: int, alignment: int) -> tuple[Tensor, ...]:
        """The tensors, after checking every one's place."""
        tensors = []
        end = 0
        for _ in range(count):
            name, shape = self._string(), self._dimensions()
            number_format, block, block_bytes = self._tensor_type(self._u32())
            offset, values = self._u64(), math.prod(shape)
            # llama.cpp wants them one after the other, which also means that none lies over another.
            if offset != -(-end // alignment) * alignment or shape[0] % block:
                raise self._damaged(tr("has a tensor that is out of place"))
            size_bytes = values // block * block_bytes
            end = offset + size_bytes
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
            raise self._unsupported(tr("uses a number format this version does not know ({kind})", kind=kind & 0xFFFF))
        return TENSOR_TYPES[kind]

    def _check_end(self, end: int, alignment: int) -> None:
        header = self._taken + self._at
        data_start = -(-header // alignment) * alignment
        whole = data_start + end
        if whole > MAX_FILE_BYTES:
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
        self._buffer = rest + self._read(max(CHUNK_BYTES, count))
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
            step = min(count, CHUNK_BYTES)
            self._need(step)
            self._at += step
            count -= step

    def _unsupported(self, what: str) -> UnsupportedModel:
        return unsupported(self._name, what)

    def _damaged(self, what: str) -> ModelFileError:
        return damaged(self._name, what)


def number(properties: Mapping[str, Value], key: str, default: int = 0) -> int:
    """This whole number; `default` where there is none, or something else."""
    value = properties.get(key, default)
    return value if isinstance(value, int) else default
