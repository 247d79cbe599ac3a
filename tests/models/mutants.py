"""Makes mutants of a small model that llama.cpp really loads.

Endless ones have bytes, lengths, counts or types changed; named ones tell one lie each.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator, Mapping

from desktop_llm.models.gguf.tables import TENSOR_TYPES
from tests.models.gguf_files import ALIGNMENT, Entry, Raw, gguf, tensor

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


TENSORS = tuple(
    f"{name}.weight"
    for name in (
        "token_embd",
        "output_norm",
        "output",
        *(f"blk.0.{part}" for part in ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output")),
        *(f"blk.0.{part}" for part in ("ffn_norm", "ffn_gate", "ffn_down", "ffn_up")),
    )
)


def seed_model(
    changed: Mapping[str, Entry | None] | None = None,
    shapes: Mapping[str, tuple[int, ...] | None] | None = None,
    kinds: Mapping[str, int] | None = None,
) -> tuple[bytes, int]:
    """A whole llama of one layer with zeros for weights, and the offset of the end of its header.

    `changed` properties, `shapes` and number formats (`kinds`) of tensors take the place of the right ones; None leaves
    them out.
    """
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
    whole: dict[str, tuple[int, ...]] = {
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
    entries = {key: entry for key, entry in {**entries, **(changed or {})}.items() if entry is not None}
    described, offset = [], 0
    for name, shape in {**whole, **(shapes or {})}.items():
        if shape is None:
            continue
        kind = (kinds or {}).get(name, 0)
        _, block, block_bytes = TENSOR_TYPES[kind]
        described.append(tensor(name, shape, kind, offset))
        offset += -(-math.prod(shape) // block * block_bytes // ALIGNMENT) * ALIGNMENT
    data = gguf(entries, described, data_bytes=offset)
    return data, len(data) - offset


_EPSILON, _BASE = "llama.attention.layer_norm_rms_epsilon", "llama.rope.freq_base"
_HEADS, _KV_HEADS = "llama.attention.head_count", "llama.attention.head_count_kv"
_ROPE = "llama.rope.dimension_count"
_TOKENS, _TYPES, _SCORES = (f"tokenizer.ggml.{name}" for name in ("tokens", "token_type", "scores"))
_ALL = ["<unk>", "<s>", "</s>", *_BYTES, *_WORDS]
_ALL_TYPES = [2, 3, 3, *[6] * len(_BYTES), *[1] * len(_WORDS)]
_NAN, _INFINITE = float("nan"), float("inf")


def _tokens(*changes: tuple[int, str]) -> dict[str, Entry | None]:
    tokens = list(_ALL)
    for index, text in changes:
        tokens[index] = text
    return {_TOKENS: tokens}


def _types(*changes: tuple[int, int]) -> dict[str, Entry | None]:
    types = list(_ALL_TYPES)
    for index, kind in changes:
        types[index] = kind
    return {_TYPES: types}


def _words(count: int) -> dict[str, Entry | None]:
    tokens = [*_ALL, *(f"more {index}" for index in range(count))][: len(_ALL) + count]
    return {_TOKENS: tokens, _TYPES: [*_ALL_TYPES, *[1] * count][: len(tokens)], _SCORES: [0.0] * len(tokens)}


Lie = tuple[dict[str, "Entry | None"], dict[str, "tuple[int, ...] | None"], dict[str, int]]


Properties = dict[str, dict[str, "Entry | None"]]


def _about_attention() -> Properties:
    """Lies about normalisation, heads, rope, keys and values."""
    return {
        **{f"epsilon {value}": {_EPSILON: value} for value in (_NAN, _INFINITE, -_INFINITE, 0.0, -1e-5, 1e30)},
        "no epsilon": {_EPSILON: None},
        "epsilon is a text": {_EPSILON: "small"},
        **{f"{value} heads": {_HEADS: value} for value in (0, 3, 5, 33, 64, 65_535)},
        **{f"{value} heads for keys": {_KV_HEADS: value} for value in (0, 3, 4, 5, 65_535)},
        "heads for two layers": {_HEADS: [2, 2]},
        "no heads in a list": {_HEADS: [0]},
        "a head below zero": {_HEADS: [-2]},
        "no heads told": {_HEADS: None},
        **{f"rope over {value}": {_ROPE: value} for value in (0, 1, 7, 15, 17, 32, 64, 65_535)},
        "rope and keys of 15": {_ROPE: 15, "llama.attention.key_length": 15, "llama.attention.value_length": 15},
        **{f"base {value}": {_BASE: value} for value in (_NAN, _INFINITE, 0.0, -1e4)},
        **{f"rope scaled by {value}": {"llama.rope.scaling.factor": value} for value in (_NAN, _INFINITE, -1.0, 0.0)},
        "rope scaled by magic": {"llama.rope.scaling.type": "magic"},
        "yarn without a context": {
            "llama.rope.scaling.type": "yarn",
            "llama.rope.scaling.factor": 4.0,
            "llama.rope.scaling.original_context_length": 0,
        },
        **{f"keys of {value}": {"llama.attention.key_length": value} for value in (0, 1, 8, 17, 65_536)},
        **{f"values of {value}": {"llama.attention.value_length": value} for value in (0, 1, 8, 17, 65_536)},
    }


def _about_layers() -> Properties:
    """Lies about layers, widths, the context and experts."""
    return {
        **{f"{value} layers": {"llama.block_count": value} for value in (0, 2, 512, 513, 0x7FFFFFFF, 0xFFFFFFFF)},
        **{f"context of {value}": {"llama.context_length": value} for value in (0, 1, 0xFFFFFFFF)},
        "no context told": {"llama.context_length": None},
        **{f"width {value}": {"llama.embedding_length": value} for value in (0, 1, 31, 64)},
        **{f"feed forward {value}": {"llama.feed_forward_length": value} for value in (0, 63, 1 << 24)},
        "experts without use": {"llama.expert_count": 4},
        "one expert": {"llama.expert_count": 1, "llama.expert_used_count": 1},
        "experts that are not there": {"llama.expert_count": 4, "llama.expert_used_count": 2},
        "experts in groups": {
            "llama.expert_count": 4,
            "llama.expert_used_count": 2,
            "llama.expert_group_count": 3,
            "llama.expert_group_used_count": 1,
        },
        "use of no experts": {"llama.expert_used_count": 2},
        "more predicted layers than layers": {"llama.nextn_predict_layers": 2},
        "all layers predict": {"llama.nextn_predict_layers": 1},
        "an attention scale of nothing": {"llama.attention.scale": _NAN},
        "pooling": {"llama.pooling_type": 99},
        "no causal attention": {"llama.attention.causal": False},
    }


def _about_tokens() -> Properties:
    """Lies about the vocabulary, token by token."""
    return {
        "a vocabulary size of its own": {"llama.vocab_size": 7},
        "a duplicate token": _tokens((300, "aa"), (301, "aa")),
        "a token that is the same up to its end": _tokens((300, "aa\0b"), (301, "aa")),
        "two empty tokens": _tokens((300, ""), (301, "")),
        "an empty token and its stand-in": _tokens((300, ""), (301, "[EMPTY_300]")),
        "no token for the line end": _tokens((13, "zzz")),
        "no tokens for bytes": _tokens(*((3 + byte, f"b{byte}") for byte in range(256))),
        "a byte token below zero": _tokens((13, "<0x-1>")),
        "a byte token of letters": _tokens((13, "<0xzz>")),
        "a byte token of small letters": _tokens((13, "<0x0a>")),
        "a short byte token": {**_tokens((300, "ab")), **_types((300, 6))},
        "a byte token without a byte": {**_tokens((300, "abcdef")), **_types((300, 6))},
        "types of no kind": _types((300, 99), (301, -1)),
        "everything is control": {_TYPES: [3] * len(_ALL)},
        "everything is unknown": {_TYPES: [2] * len(_ALL)},
        "fewer types": {_TYPES: _ALL_TYPES[:-1]},
        "more types": {_TYPES: [*_ALL_TYPES, 1]},
        "fewer scores": {_SCORES: [0.0] * (len(_ALL) - 1)},
        "more scores": {_SCORES: [0.0] * (len(_ALL) + 1)},
        "scores of nothing": {_SCORES: [_NAN] * len(_ALL)},
        "no types": {_TYPES: None},
        "no scores": {_SCORES: None},
        "no tokens": {_TOKENS: None},
        "one token more": _words(1),
        "one token less": _words(-1),
        **{
            f"{name} out of range": {f"tokenizer.ggml.{name}_token_id": 1 << 30}
            for name in ("bos", "eos", "eot", "padding")
        },
        "ids below zero": {"tokenizer.ggml.bos_token_id": [-1]},
        "no end": {"tokenizer.ggml.eos_token_id": 0xFFFFFFFF, "tokenizer.ggml.bos_token_id": 0xFFFFFFFF},
    }


def _about_tokenizers() -> Properties:
    """Lies about the kind of the vocabulary and its tables."""
    return {
        **{
            f"a vocabulary of kind {kind or 'none'}": {"tokenizer.ggml.model": kind}
            for kind in (
                None,
                "",
                "gpt2",
                "bert",
                "t5",
                "rwkv",
                "plamo2",
                "none",
                "no_vocab",
                "test",
                "gemma4",
                "hybriddna",
            )
        },
        "merges of nothing": {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.merges": ["", " ", "a", "a b c"]},
        "a way of cutting words that nobody knows": {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.merges": ["a b"],
            "tokenizer.ggml.pre": "unheard-of",
        },
        **{
            f"a table of characters, {name}": {
                "tokenizer.ggml.model": "t5",
                "tokenizer.ggml.precompiled_charsmap": Raw(9, struct.pack("<IQ", 0, len(data)) + data),
            }
            for name, data in {
                "too short": b"abc",
                "empty": b"",
                "of absurd size": struct.pack("<I", 0xFFFFFFFF) + bytes(64),
                "that points outside": struct.pack("<I", 60) + b"\xff" * 80,
                "of odd size": struct.pack("<I", 7) + bytes(64),
            }.items()
        },
    }


def _about_facts() -> Properties:
    """Properties of another type, and architectures that the tensors are not of."""
    return {
        "suppressed tokens out of range": {"tokenizer.ggml.suppress_tokens": [1 << 30, -5]},
        "a name that is a number": {"general.name": 7},
        "a file type that is a text": {"general.file_type": "small"},
        "an architecture with other properties": {"general.architecture": "qwen2"},
        "an architecture of pictures": {"general.architecture": "clip"},
        "an encoder": {"general.architecture": "bert"},
        "a recurrent architecture": {"general.architecture": "mamba"},
    }


def _about_shapes() -> dict[str, Lie]:
    """Tensors that are not there, too many, or of another shape."""
    lies: dict[str, Lie] = {}
    for name in ("token_embd", "output_norm", "blk.0.attn_norm", "blk.0.attn_q", "blk.0.ffn_down", "output"):
        lies[f"no {name}"] = ({}, {f"{name}.weight": None}, {})
    lies["no tensors"] = ({}, dict.fromkeys(TENSORS), {})
    for name, shape in {
        "token_embd": (_WIDTH, 1),
        "output": (_WIDTH, _VOCABULARY - 1),
        "output_norm": (_WIDTH + 1,),
        "blk.0.attn_norm": (_WIDTH, _WIDTH),
        "blk.0.attn_q": (_WIDTH, 7),
        "blk.0.attn_k": (_WIDTH, 1),
        "blk.0.attn_v": (7, _WIDTH),
        "blk.0.ffn_down": (_WIDTH, _FEED_FORWARD),
        "blk.0.ffn_up": (_WIDTH, _FEED_FORWARD, 2),
    }.items():
        lies[f"{name} of shape {shape}"] = ({}, {f"{name}.weight": shape}, {})
    lies["a bias of another length"] = ({}, {"blk.0.attn_q.bias": (7,)}, {})
    lies["rope factors of another length"] = ({}, {"rope_freqs.weight": (3,)}, {})
    lies["a tensor that nobody asked for"] = ({}, {"blk.7.attn_q.weight": (_WIDTH, _WIDTH)}, {})
    lies["a tensor of a long name"] = ({}, {"blk.0." + "x" * 80: (_WIDTH,)}, {})
    return lies


def _about_formats() -> dict[str, Lie]:
    """Tensors in formats in which they can't be."""
    lies: dict[str, Lie] = {}
    for name, number in {"token_embd": 26, "blk.0.attn_q": 24, "blk.0.attn_norm": 1, "output_norm": 27}.items():
        lies[f"{name} of format {number}"] = ({}, {}, {f"{name}.weight": number})
    for number in (1, 9, 15, 25, 26, 27, 28, 30, 40):
        width = 256 if number in (9, 15, 40) else _WIDTH
        if width == _WIDTH:
            lies[f"queries in format {number}"] = ({}, {}, {"blk.0.attn_q.weight": number})
            lies[f"embedding in format {number}"] = ({}, {}, {"token_embd.weight": number})
            lies[f"norm in format {number}"] = ({}, {}, {"output_norm.weight": number})
    return lies


def _lies() -> dict[str, Lie]:
    about = (_about_attention, _about_layers, _about_tokens, _about_tokenizers, _about_facts)
    properties = {name: changed for lies in about for name, changed in lies().items()}
    return {name: (changed, {}, {}) for name, changed in properties.items()} | _about_shapes() | _about_formats()


def named_mutants() -> dict[str, bytes]:
    """Models that are right but for one thing, which the name tells."""
    return {name: seed_model(*lie)[0] for name, lie in _lies().items()}


def mutants(draw: random.Random, count: int) -> Iterator[bytes]:
    """Yield `count` mutants; the same `draw` gives the same ones."""
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
    """Write an extreme value over four or eight bytes, the size of a length, a count, a type or an offset."""
    layout, size = draw.choice((("<I", 4), ("<Q", 8)))
    at = draw.randrange(max(1, min(header, len(data)) - size))
    struct.pack_into(layout, data, at, draw.choice(_EXTREMES) & ((1 << 8 * size) - 1))


def _change_property(draw: random.Random, data: bytearray, header: int) -> None:
    """Change the number of one of the architecture's properties: a false claim that does not break the format."""
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
