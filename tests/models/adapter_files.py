"""Small LoRA adapters for the tests, as GGUF files and as PEFT saves them; every number can be made wrong."""

from __future__ import annotations

import itertools
import json
import random
import struct
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.models.gguf_files import ALIGNMENT, CHAT, Entry, gguf, tensor

ADAPTER: dict[str, Entry] = {
    "general.architecture": "llama",
    "general.type": "adapter",
    "general.name": "Cheerful",
    "general.base_model.0.name": "Tiny",
    "adapter.type": "lora",
    "adapter.lora.alpha": 4.0,
}
BASE = {"token_embd.weight": (16, 32), "blk.0.attn_q.weight": (16, 8), "blk.0.ffn_down.weight": (24, 16)}
"""The shapes of the weights of a base model, rows first."""
Piece = tuple[str, Sequence[int], int, bytes]
"""One tensor: name, shape, number format and data."""


def base_model(path: Path, weights: Mapping[str, Sequence[int]] = BASE, **entries: Entry) -> Path:
    """A model with these weights, whose header passes every check."""
    named = {key.replace("__", "."): entry for key, entry in entries.items()}
    pieces = [(name, shape, 0, bytes(4 * shape[0] * shape[1])) for name, shape in weights.items()]
    path.write_bytes(packed({**CHAT, **named}, pieces))
    return path


def packed(entries: Mapping[str, Entry], pieces: Sequence[Piece]) -> bytes:
    """A GGUF file of these entries and tensors, with their data."""
    places, data = [], b""
    for name, shape, kind, numbers in pieces:
        places.append(tensor(name, shape, kind, len(data)))
        data += numbers + bytes(-len(numbers) % ALIGNMENT)
    return gguf(entries, places) + data


def halves(
    weights: Mapping[str, Sequence[int]], rank: int = 2, size: float = 0.1, seed: int = 1
) -> list[tuple[str, list[int], int, bytes]]:
    """Both halves of a change of each of these weights: random numbers of this size."""
    chance, pieces = random.Random(seed), []
    numbers = [chance.gauss(0, size) for _ in range(9_973)]  # repeated, because drawing more takes seconds
    for name, shape in weights.items():
        for half, dimensions in (("a", [shape[0], rank]), ("b", [rank, shape[1]])):
            begin = chance.randrange(len(numbers))
            endless = itertools.cycle(numbers[begin:] + numbers[:begin])
            data = array("f", itertools.islice(endless, dimensions[0] * dimensions[1])).tobytes()
            pieces.append((f"{name}.lora_{half}", dimensions, 0, data))
    return pieces


def adapter(path: Path, weights: Mapping[str, Sequence[int]], **options: Any) -> Path:
    """An adapter that changes these weights; `options` are those of `halves`, and `entries`."""
    entries = {**ADAPTER, **options.pop("entries", {})}
    path.write_bytes(packed(entries, halves(weights, **options)))
    return path


def peft(
    folder: Path, tensors: Mapping[str, tuple[Sequence[int], bytes]], number_format: str = "F32", **config: Any
) -> Path:
    """An adapter as PEFT saves it: tensors of (rows, columns) by name, and the properties in its JSON file."""
    folder.mkdir()
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (shape, numbers) in tensors.items():
        place = [len(data), len(data) + len(numbers)]
        header[name] = {"dtype": number_format, "shape": list(shape), "data_offsets": place}
        data += numbers
    text = json.dumps(header).encode()
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    usual = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "base_model_name_or_path": "maker/Tiny", "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps({**usual, **config}))
    return folder
