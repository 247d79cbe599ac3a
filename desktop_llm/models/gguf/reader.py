"""Reads the header of a GGUF file within fixed budgets and checks the rules of the format.

Of the long lists only the vocabulary's are kept, for `checks`. Format: ggml's `docs/gguf.md`, versions 2 and 3.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.models.gguf.shape import Tensor
from desktop_llm.models.gguf.tables import TENSOR_TYPES
from desktop_llm.models.names import size_of_whole
from desktop_llm.words import tr

Value = str | int | float | bool | tuple[int, ...] | None

MAX_STRING_BYTES = 1 << 20
MAX_ARRAY_ITEMS = 4_000_000
MAX_TOKENS = 1 << 20
MAX_ENTRIES = 4_096
MAX_TENSORS = 65_536
MAX_ALIGNMENT = 1 << 20
MAX_LAYERS = 512
MAX_PARTS = 1_000
MAX_HEADER_BYTES = 256 << 20
MAX_FILE_BYTES = 1 << 46  # 70 TB
CHUNK_BYTES = 1 << 20

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
# llama.cpp either reads these without checking their type or ends its process if the type is wrong.
_TYPES = {
    "general.architecture": _STRING,
    "general.alignment": 4,
    "general.type": _STRING,
    "adapter.type": _STRING,
    "adapter.lora.alpha": 6,
    "tokenizer.ggml.model": _STRING,
    "tokenizer.chat_template": _STRING,
    "tokenizer.ggml.tokens": _ARRAY,
    "tokenizer.ggml.scores": _ARRAY,
    "tokenizer.ggml.token_type": _ARRAY,
    "tokenizer.ggml.merges": _ARRAY,
    "tokenizer.ggml.precompiled_charsmap": _ARRAY,
    "tokenizer.ggml.suppress_tokens": _ARRAY,
}
# The same of projectors: by the last part of their names, whole numbers are u32 and the rest is of these types.
_PROJECTOR = "clip."
_PROJECTOR_TYPES = {
    "projector_type": _STRING,
    "model_variant": _STRING,
    "mm_patch_merge_type": _STRING,
    "has_vision_encoder": 7,
    "has_audio_encoder": 7,
    "has_gen_audio_encoder": 7,
    "use_gelu": 7,
    "use_silu": 7,
    "minicpmv_version": 5,
    "layer_norm_epsilon": 6,
    "swiglu_clamp": 6,
    "embedding_length": 4,
    "feed_forward_length": 4,
    "block_count": 4,
    "projection_dim": 4,
    "head_count": 4,
    "head_count_kv": 4,
    "head_dim": 4,
    "image_size": 4,
    "patch_size": 4,
    "image_min_pixels": 4,
    "image_max_pixels": 4,
    "preproc_min_tiles": 4,
    "preproc_max_tiles": 4,
    "preproc_image_size": 4,
    "scale_factor": 4,
    "spatial_merge_size": 4,
    "query_side": 4,
    "window_side": 4,
    "n_wa_pattern": 4,
    "window_size": 4,
    "minicpmv_query_num": 4,
    "expert_used_count": 4,
    "num_mel_bins": 4,
    "stack_factor": 4,
    "chunk_size": 4,
    "conv_kernel_size": 4,
    "max_pos_emb": 4,
    "downsample_rate": 4,
    "num_quantizers": 4,
    "local_block_count": 4,
    "local_group_size": 4,
    "subsampling_factor": 4,
}
_LIST_TYPES = {
    "tokenizer.ggml.tokens": (_STRING,),
    "tokenizer.ggml.scores": (5, 6),
    "tokenizer.ggml.token_type": (5,),
    "tokenizer.ggml.merges": (_STRING,),
    "tokenizer.ggml.precompiled_charsmap": (0, 1),
    "tokenizer.ggml.suppress_tokens": (5,),
}
_TOKENS = "tokenizer.ggml.tokens"
_KEPT_NUMBERS = ("tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.precompiled_charsmap")
_WHOLE_NUMBERS = frozenset({0, 1, 2, 3, 4, 5, 7, 10, 11})
_U64 = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class ListType:
    """The GGUF type of a list's items, and how many there are."""

    kind: int
    count: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The header of one file, as written; `part` counts from 0, `lists` gives each list's type and length.

    `numbers` are the lists of numbers that belong to the vocabulary, as bytes. The tensors' data begin at byte
    `data_start`, one after another, each at a multiple of `alignment` bytes.
    """

    properties: Mapping[str, Value]
    lists: Mapping[str, ListType]
    tokens: Sequence[bytes]
    numbers: Mapping[str, bytes]
    tensors: tuple[Tensor, ...]
    part: int
    parts: int
    data_start: int
    alignment: int

    @property
    def architecture(self) -> str:
        """The architecture that the file names, which may be any text; "" if it names none."""
        return str(self.properties.get("general.architecture") or "")

    def length(self, key: str) -> int:
        """The number of items in this list; 0 if there is no such list."""
        return self.lists[key].count if key in self.lists else 0


class GgufReader:
    """A cursor over the header that reads the file in chunks and stays within its budgets."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file = file
        self._size = size
        self._name = name
        self._buffer = b""
        self._at = 0
        self._taken = 0  # bytes of the file before the buffer
        self._lists: dict[str, ListType] = {}
        self._tokens_read: list[bytes] = []
        self._numbers: dict[str, bytes] = {}

    def contents(self) -> Contents:
        """Read the whole header; raises ModelFileError if it breaks the format or a budget."""
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
        alignment = self._alignment(entries)
        placed = self._tensors(tensors, alignment)
        start = -(-(self._taken + self._at) // alignment) * alignment
        return Contents(entries, self._lists, self._tokens_read, self._numbers, placed, part, parts, start, alignment)

    def _entries(self, count: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self._string()
            if key in found:
                raise self._damaged(tr("names one property twice"))
            kind = self._u32()
            if _type_of(key, kind) != kind:
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
        """Read the numbers of a short list, such as one per layer; skip a long list and return None."""
        kind = self._u32()
        count = self._count(MAX_ARRAY_ITEMS, tr("items in one list"))
        if kind not in _LIST_TYPES.get(key, (kind,)):
            raise self._damaged(tr("has a vocabulary of the wrong type"))
        self._lists[key] = ListType(kind, count)
        if key == _TOKENS and count > MAX_TOKENS:
            raise self._damaged(tr("claims an absurd number of {what}", what=tr("tokens")))
        if kind == _STRING:
            strings = self._strings(count, keep=key == _TOKENS)
            self._tokens_read = strings or self._tokens_read
        elif key in _KEPT_NUMBERS:
            self._numbers[key] = self._bytes(count * struct.calcsize(_SCALARS[kind]))
        elif kind in _WHOLE_NUMBERS and count <= MAX_LAYERS:
            return tuple(int(self._scalar(_SCALARS[kind])) for _ in range(count))
        elif kind in _SCALARS:
            self._skip(count * struct.calcsize(_SCALARS[kind]))
        else:
            raise self._damaged(tr("has a list of unknown type"))
        return None

    def _strings(self, count: int, *, keep: bool) -> list[bytes]:
        """Read or skip `count` strings; local names keep this to tens of ms for a vocabulary of 150,000."""
        length_at, buffer, at = _U64.unpack_from, self._buffer, self._at
        found = []
        for _ in range(count):
            if at + 8 > len(buffer):
                self._at = at
                self._need(8)
                buffer, at = self._buffer, self._at
            (length,) = length_at(buffer, at)
            at += 8
            if length > MAX_STRING_BYTES:
                raise self._damaged(tr("has a text of absurd length"))
            if at + length > len(buffer):
                self._at = at
                self._need(length)
                buffer, at = self._buffer, self._at
            if keep:
                found.append(buffer[at : at + length])
            at += length
        self._at = at
        return found

    def _tensors(self, count: int, alignment: int) -> tuple[Tensor, ...]:
        """Read the tensors and check the position of each."""
        tensors = []
        end = 0
        for _ in range(count):
            name, shape = self._string(), self._dimensions()
            number_format, block, block_bytes = self._tensor_type(self._u32())
            offset, values = self._u64(), math.prod(shape)
            # llama.cpp requires them one after another, which also means that no two overlap.
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
                tr("{name} ends too early: {here} are here.", name=self._name, here=size_of_whole(self._size, whole)),
                tr("Download it again; nothing else was changed."),
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
        """Make sure that the buffer holds `count` bytes after the cursor."""
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
                tr("{name} ends too early: it stops within its header.", name=self._name),
                tr("Download it again; nothing else was changed."),
            )

    def _read(self, count: int) -> bytes:
        """Read `count` bytes, or fewer at the end of the file; a stream may deliver them in pieces."""
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


def _type_of(key: str, kind: int) -> int:
    """The type that llama.cpp expects under this key; `kind` if any will do."""
    if key.startswith(_PROJECTOR):
        return _PROJECTOR_TYPES.get(key.rpartition(".")[2], kind)
    return _TYPES.get(key, kind)


def number(properties: Mapping[str, Value], key: str, default: int = 0) -> int:
    """The whole number under this key; `default` if it is missing or not a whole number."""
    value = properties.get(key, default)
    return value if isinstance(value, int) else default


def unsupported(name: str, what: str) -> UnsupportedModel:
    """The error for a file that this version can't open."""
    return UnsupportedModel(tr("{name} {what}.", name=name, what=what), tr("Nothing was changed; choose another file."))


def not_gguf(name: str) -> ModelFileError:
    """The error for a file of another format."""
    return ModelFileError(
        tr("{name} is not a GGUF model file.", name=name), tr("Nothing was changed; choose another file.")
    )


def damaged(name: str, what: str) -> ModelFileError:
    """The error for a file that contradicts itself."""
    return ModelFileError(
        tr("{name} is damaged: it {what}.", name=name, what=what), tr("Nothing was changed; download it again.")
    )
