"""Turns a LoRA adapter as PEFT saves it, a folder of `adapter_config.json` and `adapter_model.safetensors`, into GGUF.

The numbers stay as they are. Only their names change, and the rows of Q and K for architectures whose rotary embedding
llama.cpp computes on neighbouring values (`LlamaModel.permute` of its converter). If parts of an adapter have an alpha
of their own, which GGUF can't say, the second halves of their changes are multiplied by what it lacks. Safetensors is
read here: a length, a JSON header and raw numbers; nothing in it is ever run.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.files import cannot_write
from desktop_llm.models.gguf.adapters import Dimensions
from desktop_llm.models.names import printable
from desktop_llm.words import tr

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PERMUTED = frozenset({"llama", "granite"})
CONVERTIBLE = frozenset({"qwen2", "qwen3", "gemma", "gemma2", "gemma3", "smollm3"}) | _PERMUTED
_MAX_CONFIG_BYTES, _MAX_HEADER_BYTES, _MAX_TENSORS = 1 << 20, 16 << 20, 65_536
_ALIGNMENT = 32
_FORMATS = {"F32": (0, 4), "F16": (1, 2), "BF16": (30, 2)}  # GGUF's number of the format, bytes of a number
_LORA = re.compile(
    r"base_model\.model\.(?:model\.|language_model\.model\.|model\.language_model\.)?"
    r"(?:layers\.(?P<layer>\d{1,3})\.(?:self_attn|mlp)\.(?P<module>\w+)|(?P<head>lm_head))"
    r"\.lora_(?P<half>[AB])(?:\.default)?\.weight"
)
_SIMPLE_PATTERN = re.compile(r"[\w.]{1,200}")  # of the regular expressions that PEFT allows, names are what it writes
_MODULES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One tensor in the safetensors file: `rows` of `columns` numbers from byte `start` of the file on."""

    half: str
    format: str
    rows: int
    columns: int
    start: int

    @property
    def row_bytes(self) -> int:
        """The size of one row."""
        return self.columns * _FORMATS[self.format][1]


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """What a PEFT folder holds: the name of its base, its alpha, and the two halves of each change by the weight of the
    base that they change, as llama.cpp names it. `factors` has what the halves B of some weights must be multiplied by.
    """

    folder: Path
    base: str
    alpha: float
    pieces: Mapping[str, Mapping[str, Piece]]
    factors: Mapping[str, float]

    def fits(self, weights: Mapping[str, Dimensions]) -> bool:
        """Whether a model with these weights has all that this adapter changes, in the same shapes."""
        return all(weights.get(name) == (halves["A"].columns, halves["B"].rows) for name, halves in self.pieces.items())


def is_peft(folder: Path) -> bool:
    """Whether this is a folder with an adapter as PEFT saves it."""
    return (folder / CONFIG).is_file()


def read_peft(folder: Path) -> PeftAdapter:
    """Read what the folder holds, without the numbers; raises ModelFileError with what can't be converted."""
    try:
        with (folder / CONFIG).open("rb") as file:
            config = _json(file.read(_MAX_CONFIG_BYTES), CONFIG)
        _check_config(config, folder)
        if not (folder / WEIGHTS).is_file():
            raise _refused(folder, tr("has no {file}; other formats are not opened", file=WEIGHTS))
        with (folder / WEIGHTS).open("rb") as file:
            pieces, modules = _pieces(file, (folder / WEIGHTS).stat().st_size, folder)
    except OSError as error:
        reason = error.strerror or tr("the system gave no reason")
        raise ModelFileError(
            tr("{name} can't be read: {reason}.", name=folder.name, reason=reason), tr("Check that it is still there.")
        ) from error
    base = printable(str(config.get("base_model_name_or_path") or "")).rstrip("/").rpartition("/")[2][:120]
    return PeftAdapter(folder, base, _alpha(config, folder), pieces, _factors(config, folder, pieces, modules))


def write_gguf(adapter: PeftAdapter, target: Path, architecture: str, heads: int, kv_heads: int) -> None:
    """Write the adapter for a base of this architecture and with these numbers of attention heads."""
    entries = [
        _text_entry("general.architecture", architecture),
        _text_entry("general.type", "adapter"),
        _text_entry("general.name", adapter.folder.name),
        _text_entry("general.base_model.0.name", adapter.base),
        _text_entry("adapter.type", "lora"),
        _text("adapter.lora.alpha") + struct.pack("<If", 6, adapter.alpha),
    ]
    places, offset = [], 0
    pieces = [(name, halves[half]) for name, halves in adapter.pieces.items() for half in "AB"]
    for name, piece in pieces:
        dimensions = struct.pack("<IQQ", 2, piece.columns, piece.rows)
        kind, number_bytes = _FORMATS["F32" if piece.half == "B" and name in adapter.factors else piece.format]
        places.append(_text(f"{name}.lora_{piece.half.lower()}") + dimensions + struct.pack("<IQ", kind, offset))
        offset += _aligned(piece.rows * piece.columns * number_bytes)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(places), len(entries)) + b"".join(entries + places)
    try:
        with (adapter.folder / WEIGHTS).open("rb") as source, target.open("xb") as file:
            file.write(header + bytes(_aligned(len(header)) - len(header)))
            for name, piece in pieces:
                source.seek(piece.start)
                data = source.read(piece.rows * piece.row_bytes)
                turned = {"attn_q.weight": heads, "attn_k.weight": kv_heads}.get(name.split(".", 2)[-1])
                if piece.half == "B" and turned and architecture in _PERMUTED:
                    data = b"".join(_permuted(data, piece, turned))
                if piece.half == "B" and name in adapter.factors:
                    data = _multiplied(data, piece.format, adapter.factors[name])
                file.write(data + bytes(_aligned(len(data)) - len(data)))
    except OSError as error:
        raise cannot_write(target, error) from error


def _permuted(data: bytes, piece: Piece, heads: int) -> Iterator[bytes]:
    """The rows in llama.cpp's order: within a head, those of the first half and of the second in turn."""
    size, per_head = piece.row_bytes, piece.rows // heads
    for head in range(heads):
        for row in range(per_head // 2):
            for half in (0, per_head // 2):
                at = (head * per_head + half + row) * size
                yield data[at : at + size]


def _multiplied(data: bytes, number_format: str, factor: float) -> bytes:
    """The numbers times a factor, as F32."""
    import numpy as np  # only a few adapters need it

    if number_format == "BF16":  # the upper half of an F32
        numbers = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    else:
        numbers = np.frombuffer(data, "<f2" if number_format == "F16" else "<f4").astype("<f4")
    return (numbers * np.float32(factor)).astype("<f4").tobytes()


def _check_config(config: Mapping[str, Any], folder: Path) -> None:
    """Refuse what llama.cpp's adapters can't express."""
    if config.get("peft_type") != "LORA":
        kind = printable(str(config.get("peft_type")))[:40]
        raise _refused(folder, tr("is an adapter of a kind this version does not know (“{kind}”)", kind=kind))
    for key, usual in (("use_dora", False), ("bias", "none"), ("lora_bias", False), ("fan_in_fan_out", False)):
        if config.get(key) not in (None, usual):
            raise _refused(folder, tr("uses {setting}, which can't be converted", setting=key))
    for key in ("modules_to_save", "layer_replication", "alora_invocation_tokens"):
        if config.get(key):
            raise _refused(folder, tr("uses {setting}, which can't be converted", setting=key))


def _alpha(config: Mapping[str, Any], folder: Path) -> float:
    """The alpha by which llama.cpp gets PEFT's factor: alpha / rank, or alpha / √rank with `use_rslora`."""
    alpha: Any = config.get("lora_alpha")
    rank: Any = config.get("r")
    known = isinstance(alpha, int | float) and isinstance(rank, int)
    if not known or not 0 < rank < 1 << 16 or not 0 < alpha < 1 << 16:
        raise _refused(folder, tr("names no rank and alpha in {file}", file=CONFIG))
    return float(alpha) * (math.sqrt(rank) if config.get("use_rslora") else 1.0)


def _factors(
    config: Mapping[str, Any],
    folder: Path,
    pieces: Mapping[str, Mapping[str, Piece]],
    modules: Mapping[str, str],
) -> dict[str, float]:
    """What PEFT's factor of a weight is to the one that llama.cpp makes of the adapter's alpha and the weight's rank,
    unless both are the same. `modules` are PEFT's names of the weights.
    """
    patterns = config.get("alpha_pattern") or {}
    simple = isinstance(patterns, dict) and all(
        _SIMPLE_PATTERN.fullmatch(name) and type(alpha) in (int, float) and 0 < alpha < 1 << 16
        for name, alpha in patterns.items()
    )
    if not simple:
        raise _refused(folder, tr("uses {setting}, which can't be converted", setting="alpha_pattern"))
    usual, found = _alpha(config, folder), {}
    for weight, halves in pieces.items():
        ends = (alpha for name, alpha in patterns.items() if f".{modules[weight]}".endswith(f".{name}"))
        alpha, rank = next(ends, config["lora_alpha"]), halves["A"].rows
        factor = alpha * (math.sqrt(rank) if config.get("use_rslora") else 1.0) / usual
        if not math.isclose(factor, 1.0):
            found[weight] = factor
    return found


def _pieces(file: BinaryIO, size: int, folder: Path) -> tuple[dict[str, dict[str, Piece]], dict[str, str]]:
    """The halves of each change by the weight that they change, checked against the file, and PEFT's names of the
    weights.
    """
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 0 < length <= min(_MAX_HEADER_BYTES, size - 8):
        raise _damaged(folder)
    header = _json(file.read(length), WEIGHTS)
    header.pop("__metadata__", None)
    if not 0 < len(header) <= _MAX_TENSORS:
        raise _damaged(folder)
    found: dict[str, dict[str, Piece]] = {}
    modules: dict[str, str] = {}
    for name, told in header.items():
        match = _LORA.fullmatch(name)
        module = _MODULES.get(match["module"] or "") if match else None
        if match is None or not (module or match["head"]):
            shown = printable(name)[:80]
            raise _refused(folder, tr("changes a part that can't be converted ({tensor})", tensor=shown))
        weight = f"blk.{int(match['layer'])}.{module}.weight" if module else "output.weight"
        modules[weight] = name.partition(".lora_")[0]
        piece = _piece(told, match["half"], 8 + length, size, folder)
        if found.setdefault(weight, {}).setdefault(piece.half, piece) is not piece:
            raise _damaged(folder)
    for halves in found.values():
        if set(halves) != {"A", "B"} or halves["A"].rows != halves["B"].columns:
            raise _damaged(folder)
    return found, modules


def _piece(told: Any, half: str, start: int, size: int, folder: Path) -> Piece:
    try:
        (rows, columns), (begin, end), number_format = told["shape"], told["data_offsets"], told["dtype"]
    except (TypeError, KeyError, ValueError) as error:
        raise _damaged(folder) from error
    if any(type(number) is not int or not 0 <= number < 1 << 40 for number in (rows, columns, begin, end)):
        raise _damaged(folder)
    if number_format not in _FORMATS:
        raise _refused(
            folder, tr("has a number format that can't be converted ({format})", format=printable(str(number_format)))
        )
    if not rows * columns or end - begin != rows * columns * _FORMATS[number_format][1] or start + end > size:
        raise _damaged(folder)
    return Piece(half, number_format, rows, columns, start + begin)


def _json(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ModelFileError(
            tr("{name} is damaged: it is no list of properties.", name=name),
            tr("Nothing was changed; download it again."),
        )
    return value


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    return struct.pack("<Q", len(data)) + data


def _text_entry(key: str, value: str) -> bytes:
    return _text(key) + struct.pack("<I", 8) + _text(value)


def _refused(folder: Path, what: str) -> UnsupportedModel:
    return UnsupportedModel(
        tr("{name} {what}.", name=folder.name, what=what), tr("Nothing was changed; choose another adapter.")
    )


def _damaged(folder: Path) -> ModelFileError:
    return ModelFileError(
        tr("{name} is damaged: {file} contradicts itself.", name=folder.name, file=WEIGHTS),
        tr("Nothing was changed; download it again."),
    )
