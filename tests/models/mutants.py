"""Endless mutants of a small model that llama.cpp really loads: bytes, lengths, counts and types changed at random."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.models.gguf_files import Entry, gguf, tensor

_WIDTH, _FEED_FORWARD = 32, 64
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_WORDS = [chr(97 + index % 26) * (1 + index // 26) for index in range(61)]
_VOCABULARY = 3 + len(_BYTES) + len(_WORDS)
_EXTREMES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 32,
    1 << 62,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


def seed_model() -> tuple[bytes, int]:
    """A whole llama of one layer with zeros for weights, and where its header ends."""
    entries: dict[str, Entry] = {
        "general.architecture": "llama",
        "general.name": "Seed",
        "general.file_type": 0,
        "llama.context_length": 128,
        "llama.embedding_length": _WIDTH,
        "llama.block_count": 1,
        "llama.feed_forward_length": _FEED_FORWARD,
        "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 2,
        "llama.rope.dimension_count": _WIDTH // 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", *_BYTES, *_WORDS],
        "tokenizer.ggml.scores": [-float(index) for index in range(_VOCABULARY)],
        "tokenizer.ggml.token_type": [2, 3, 3, *[6] * len(_BYTES), *[1] * len(_WORDS)],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}",
    }
    shapes = {
        "token_embd.weight": (_WIDTH, _VOCABULARY),
        "output_norm.weight": (_WIDTH,),
        "output.weight": (_WIDTH, _VOCABULARY),
        "blk.0.attn_norm.weight": (_WIDTH,),
        "blk.0.attn_q.weight": (_WIDTH, _WIDTH),
        "blk.0.attn_k.weight": (_WIDTH, _WIDTH),
        "blk.0.attn_v.weight": (_WIDTH, _WIDTH),
        "blk.0.attn_output.weight": (_WIDTH, _WIDTH),
        "blk.0.ffn_norm.weight": (_WIDTH,),
        "blk.0.ffn_gate.weight": (_WIDTH, _FEED_FORWARD),
        "blk.0.ffn_down.weight": (_FEED_FORWARD, _WIDTH),
        "blk.0.ffn_up.weight": (_WIDTH, _FEED_FORWARD),
    }
    described, offset = [], 0
    for name, shape in shapes.items():
        described.append(tensor(name, shape, 0, offset))
        size = 4
        for length in shape:
            size *= length
        offset += size
    data = gguf(entries, described, data_bytes=offset)
    return data, len(data) - offset


def mutants(draw: random.Random, count: int) -> Iterator[bytes]:
    """So many of them; the same `draw` gives the same ones."""
    good, header = seed_model()
    for _ in range(count):
        mutant = bytearray(good)
        for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
            draw.choice(_WAYS)(draw, mutant, header)
        yield bytes(mutant)


def _flip_bit(draw: random.Random, data: bytearray, header: int) -> None:
    data[draw.randrange(min(header, len(data)))] ^= 1 << draw.randrange(8)


def _set_byte(draw: random.Random, data: bytearray, header: int) -> None:
    data[draw.randrange(min(header, len(data)))] = draw.randrange(256)


def _set_number(draw: random.Random, data: bytearray, header: int) -> None:
    """An extreme value over four or eight bytes, as a length, a count, a type or an offset would be."""
    layout, size = draw.choice((("<I", 4), ("<Q", 8)))
    at = draw.randrange(max(1, min(header, len(data)) - size))
    struct.pack_into(layout, data, at, draw.choice(_EXTREMES) & ((1 << 8 * size) - 1))


def _change_property(draw: random.Random, data: bytearray, header: int) -> None:
    """Another number behind one of the architecture's properties: what a header claims without breaking the format."""
    at = data.find(b"llama.", draw.randrange(header))
    end = data.find(struct.pack("<I", 4), max(at, 0), header)
    if at >= 0 and end >= 0:
        struct.pack_into("<I", data, end + 4, draw.choice((*_EXTREMES[:9], draw.randrange(1 << 12))) & 0xFFFFFFFF)


def _change_token(draw: random.Random, data: bytearray, header: int) -> None:
    at = data.find(b"<0x0A>")
    if at >= 0:
        data[at + 3 : at + 5] = bytes(draw.randrange(256) for _ in range(2))


def _cut(draw: random.Random, data: bytearray, header: int) -> None:
    del data[draw.randrange(len(data)) :]
    if not data:
        data += b"GGUF"


def _remove_piece(draw: random.Random, data: bytearray, header: int) -> None:
    at = draw.randrange(min(header, len(data)))
    del data[at : at + draw.randrange(1, 24)]
    if not data:
        data += b"GGUF"


_WAYS = (
    _flip_bit,
    _set_byte,
    _set_byte,
    _set_number,
    _set_number,
    _change_property,
    _change_property,
    _change_token,
    _cut,
    _remove_piece,
)
