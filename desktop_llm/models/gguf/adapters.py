"""LoRA adapters in GGUF files: what one changes, whether llama.cpp can take it, and which models it fits.

llama.cpp checks little of an adapter and computes with the rest: a third dimension that differs, a number format that
it can't multiply with or a value that is no number end its process or spoil every answer. The rules here are those of
`llama-adapter.cpp` and `build_lora_mm` of the commit named in `tables`, and what these leave out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from desktop_llm.models.gguf.reader import Contents, Value, damaged, unsupported
from desktop_llm.models.gguf.shape import Tensor
from desktop_llm.models.gguf.tables import KNOWN_ARCHITECTURES, PART_ARCHITECTURES
from desktop_llm.models.names import printable
from desktop_llm.words import tr

MAX_RANK = 1 << 13
MAX_ALPHA = 1 << 16
MAX_NAME_BYTES = 63  # GGML_MAX_NAME
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"
_CHANGED = re.compile(r"((?:token_embd|output|blk\.\d{1,3}\.[a-z0-9_]+)\.weight)\.lora_([ab])")
_IGNORED = re.compile(r"(?:blk\.\d{1,3}\.)?[a-z0-9_]+_norm\.weight")  # llama.cpp passes over them
_ALORA = "adapter.alora.invocation_tokens"
# number format: bytes of a block, and which of them holds sign and exponent of its numbers or of its scale
_EXPONENT_AT = {"F32": (4, 3), "F16": (2, 1), "BF16": (2, 1), "Q8_0": (34, 1)}
# The high byte of numbers that are infinite, no numbers, or (F32, BF16) beyond 2 to the power of 65.
_TOO_LARGE = {
    name: bytes(byte for byte in range(256) if byte & 0x7F >= (0x7C if name in ("F16", "Q8_0") else 0x60))
    for name in _EXPONENT_AT
}
_STEP_BYTES = 34 << 17  # a multiple of each block

Dimensions = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a LoRA adapter is: `base` is the name of the model that it was made for, "" if its file doesn't say;
    `rank` is the largest of its ranks, and `weights` gives the shape that each weight it changes must have.
    """

    base: str
    rank: int
    alpha: float
    weights: tuple[tuple[str, Dimensions], ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Adapter:
        """Restore an adapter from JSON, which has lists in place of tuples."""
        weights = tuple((str(name), tuple(map(int, shape))) for name, shape in data["weights"])
        return cls(data["base"], data["rank"], data["alpha"], weights)

    def fits(self, weights: Mapping[str, Dimensions]) -> bool:
        """Whether a model with these weights has all that this adapter changes, in the same shapes.

        A model that uses its embedding as the output too can't take a change of it: llama.cpp would multiply with it
        both ways.
        """
        changed = dict(self.weights)
        if _EMBEDDING in changed and _OUTPUT not in weights:
            return False
        return all(weights.get(name) == shape for name, shape in changed.items())


def adapter_of(contents: Contents, name: str) -> Adapter:
    """The adapter in a file whose header was read; raises ModelFileError if the engine should not see it."""
    architecture = contents.architecture
    if architecture not in KNOWN_ARCHITECTURES - PART_ARCHITECTURES:
        shown = f"“{printable(architecture)[:40]}”" if architecture else tr("no name")
        raise unsupported(name, tr("has an architecture this version does not know ({name})", name=shown))
    kind = contents.properties.get("adapter.type")
    if kind != "lora":
        raise unsupported(
            name, tr("is an adapter of a kind this version does not know (“{kind}”)", kind=printable(str(kind))[:40])
        )
    if _ALORA in contents.properties or _ALORA in contents.lists:
        raise unsupported(name, tr("is an adapter that waits for certain words, which this version can't do"))
    pairs = _pairs(contents, name)
    weights = tuple((base, _weight(base, halves, name)) for base, halves in pairs.items())
    ranks = [halves["b"].shape[0] for halves in pairs.values()]
    return Adapter(_base_name(contents), max(ranks), _alpha(contents, name), weights)


def check_numbers(file: BinaryIO, contents: Contents, name: str) -> None:
    """Read all weights of an adapter and raise ModelFileError if one is no number, or absurdly large.

    One such number would spoil every answer. Only the byte with the exponent is looked at, so this takes a fraction of
    a second for 100 MB.
    """
    offset = contents.data_start
    for tensor in contents.tensors:
        file.seek(offset)
        block, at = _EXPONENT_AT.get(tensor.format, (1, 0))
        left = tensor.size_bytes if tensor.format in _EXPONENT_AT else 0
        while left > 0:
            data = file.read(min(left, _STEP_BYTES))
            exponents = data[at::block]
            if not data or len(exponents.translate(None, _TOO_LARGE[tensor.format])) != len(exponents):
                raise damaged(
                    name, tr("has weights that are no numbers ({tensor})", tensor=printable(tensor.name)[:60])
                )
            left -= len(data)
        offset += -(-tensor.size_bytes // contents.alignment) * contents.alignment


def _pairs(contents: Contents, name: str) -> dict[str, dict[str, Tensor]]:
    """The two halves, "a" and "b", of each change by the weight that it changes."""
    pairs: dict[str, dict[str, Tensor]] = {}
    for tensor in contents.tensors:
        found = _CHANGED.fullmatch(tensor.name)
        if len(tensor.name.encode()) > MAX_NAME_BYTES or not (found or _IGNORED.fullmatch(tensor.name)):
            raise damaged(
                name, tr("changes a part that models do not have ({tensor})", tensor=printable(tensor.name)[:60])
            )
        if found:
            pairs.setdefault(found[1], {})[found[2]] = tensor
    if not pairs:
        raise damaged(name, tr("changes nothing"))
    if lone := next((base for base, halves in pairs.items() if len(halves) != 2), ""):
        raise damaged(name, tr("has only half of a change ({tensor})", tensor=lone))
    return pairs


def _weight(base: str, halves: Mapping[str, Tensor], name: str) -> Dimensions:
    """The shape of the weight that these halves fit."""
    for tensor in halves.values():
        if tensor.format not in _EXPONENT_AT:
            raise damaged(
                name,
                tr(
                    "has weights in a number format that can't be computed with ({tensor}: {format})",
                    tensor=tensor.name,
                    format=tensor.format,
                ),
            )
    a, b = _full(halves["a"].shape), _full(halves["b"].shape)
    rank = b[0]
    flipped = base == _EMBEDDING  # A has a row for each token, which is looked up
    matching = a[0 if flipped else 1] == rank and a[2:] == b[2:] and a[3] == 1 and (a[2] == 1 or not flipped)
    if not matching or rank > MAX_RANK or (a[2] > 1) != ("_exps." in base):
        raise damaged(name, tr("has halves that do not fit together ({tensor})", tensor=base))
    shape = (b[1], a[1]) if flipped else (a[0], b[1])
    return (*shape, a[2]) if "_exps." in base else shape


def _full(shape: Dimensions) -> Dimensions:
    return (*shape, *[1] * (4 - len(shape)))


def _alpha(contents: Contents, name: str) -> float:
    value: Value = contents.properties.get("adapter.lora.alpha", 0.0)
    if not isinstance(value, float) or not math.isfinite(value) or not 0 <= value <= MAX_ALPHA:
        raise damaged(name, tr("has a number that can't be ({key}: {value})", key="adapter.lora.alpha", value=value))
    return value


def _base_name(contents: Contents) -> str:
    value = contents.properties.get("general.base_model.0.name")
    return printable(value)[:120] if isinstance(value, str) else ""
