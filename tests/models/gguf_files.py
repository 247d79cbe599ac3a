"""Small GGUF files for the tests, written by hand so that every byte can be made wrong."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Raw:
    """A value of any type, as its bytes."""

    kind: int
    data: bytes


Entry = Raw | str | bool | int | float | list[str] | list[float] | list[int]


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value(entry: Entry) -> bytes:
    """A typed value: strings, booleans, u32, f32, and lists of strings, f32 or i32."""
    if isinstance(entry, Raw):
        return struct.pack("<I", entry.kind) + entry.data
    if isinstance(entry, bool):
        return struct.pack("<I?", 7, entry)
    if isinstance(entry, str):
        return struct.pack("<I", 8) + text(entry)
    if isinstance(entry, int):
        return struct.pack("<II", 4, entry)
    if isinstance(entry, float):
        return struct.pack("<If", 6, entry)
    if entry and isinstance(entry[0], str):
        items = b"".join(text(str(item)) for item in entry)
        return struct.pack("<IIQ", 9, 8, len(entry)) + items
    kind, layout = (6, "<f") if entry and isinstance(entry[0], float) else (5, "<i")
    return struct.pack("<IIQ", 9, kind, len(entry)) + b"".join(struct.pack(layout, item) for item in entry)


def tensor(name: str, shape: Sequence[int], kind: int = 0, offset: int = 0) -> bytes:
    dimensions = b"".join(struct.pack("<Q", size) for size in shape)
    return text(name) + struct.pack("<I", len(shape)) + dimensions + struct.pack("<IQ", kind, offset)


def gguf(entries: Mapping[str, Entry], tensors: Sequence[bytes] = (), data_bytes: int = 0, version: int = 3) -> bytes:
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries))
    header += b"".join(text(key) + value(entry) for key, entry in entries.items()) + b"".join(tensors)
    return header + bytes(-len(header) % ALIGNMENT + data_bytes)


CHAT: dict[str, Entry] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "general.file_type": 15,
    "llama.context_length": 2_048,
    "llama.block_count": 2,
    "tokenizer.chat_template": "{{ messages }}",
    "tokenizer.ggml.tokens": ["<0x0A>", "a", "b" * 300],
    "tokenizer.ggml.scores": [0.0, 1.0, 2.0],
    "tokenizer.ggml.token_type": [6, 1, 1],
}


def model(path: Path, entries: Mapping[str, Entry] = CHAT) -> Path:
    """A file that passes every check: one F32 tensor of 256 values."""
    path.write_bytes(gguf(entries, [tensor("token_embd.weight", [16, 16])], data_bytes=1_024))
    return path


PROJECTOR: dict[str, Entry] = {
    "general.architecture": "clip",
    "general.type": "mmproj",
    "clip.has_vision_encoder": True,
    "clip.projector_type": "mlp",
    "clip.vision.image_size": 28,
    "clip.vision.patch_size": 14,
    "clip.vision.embedding_length": 16,
    "clip.vision.feed_forward_length": 16,
    "clip.vision.block_count": 1,
    "clip.vision.attention.head_count": 2,
    "clip.vision.attention.layer_norm_epsilon": 1e-5,
    "clip.vision.projection_dim": 16,
}


def projector(path: Path, entries: Mapping[str, Entry] = PROJECTOR) -> Path:
    """A file that passes every check of a projector, though it lacks nearly all weights."""
    path.write_bytes(gguf(entries, [tensor("v.blk.0.attn_q.weight", [16, 16])], data_bytes=1_024))
    return path


def split_model(folder: Path, parts: int = 3) -> list[Path]:
    """A model in parts: a layer in each, the properties in the first, as llama.cpp's own tool splits it."""
    paths = []
    for number in range(parts):
        entries: dict[str, Entry] = {"split.no": number, "split.count": parts}
        entries = entries | CHAT | {"llama.block_count": parts} if number == 0 else entries
        path = folder / f"big-{number + 1:05}-of-{parts:05}.gguf"
        path.write_bytes(gguf(entries, [tensor(f"blk.{number}.attn_k.weight", [16, 16])], data_bytes=1_024))
        paths.append(path)
    return paths
