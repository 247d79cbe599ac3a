"""Tiny embedding models and rerankers as GGUF files of the bert architecture. A text's vector is about the mean of its
words' vectors, which are random; words that mean the same in two languages have the same one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.engine.vocabularies import CONTROL, NORMAL
from tests.models.gguf_files import ALIGNMENT, Entry, gguf, tensor

WIDTH, HIDDEN, HEADS = 32, 32, 2
MEAN, CLS, RANK = 1, 2, 4  # llama_pooling_type
SAME = {
    "miete": "rent",
    "kabeljau": "cod",
    "brot": "bread",
    "lebt": "lives",
    "die": "the",
    "der": "the",
    "ist": "is",
    "wie": "how",
    "hoch": "much",
}
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = [
    *("rent", "euros", "due", "month", "lease", "notice", "landlord", "cod", "lives", "cold", "water", "coasts"),
    *("norway", "bread", "rises", "slowly", "yeast", "flour", "the", "is", "how", "much", "where"),
]
_LETTERS = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]


def _small(draw: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    return (draw.standard_normal((rows, columns)) * 0.02).astype(np.float32)


def tiny_embedder(path: Path, *, name: str = "Tiny Embedder", pooling: int = MEAN, seed: int = 3) -> Path:
    """A model that embeds; with the pooling RANK, one whose score is how much of a pair is the word "rent"."""
    draw = np.random.default_rng(seed)
    words = [*_WORDS, *SAME]
    tokens = [*_SPECIAL, *(f"\u2581{word}" for word in (*words, *_LETTERS)), *_LETTERS]
    entries: dict[str, Entry] = {
        "general.architecture": "bert",
        "general.name": name,
        "general.type": "model",
        "bert.context_length": 128,
        "bert.embedding_length": WIDTH,
        "bert.feed_forward_length": HIDDEN,
        "bert.block_count": 1,
        "bert.attention.head_count": HEADS,
        "bert.attention.layer_norm_epsilon": 1e-6,
        "bert.attention.causal": False,
        "bert.pooling_type": pooling,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [CONTROL] * len(_SPECIAL) + [NORMAL] * (len(tokens) - len(_SPECIAL)),
        "tokenizer.ggml.token_type_count": 1,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.seperator_token_id": 3,
        "tokenizer.ggml.mask_token_id": 4,
    }
    embeddings = draw.standard_normal((len(tokens), WIDTH)).astype(np.float32)
    at = {token: place for place, token in enumerate(tokens)}
    for word, meaning in SAME.items():
        embeddings[at[f"\u2581{word}"]] = embeddings[at[f"\u2581{meaning}"]]
    embeddings[: len(_SPECIAL)] = embeddings[0]
    embeddings[len(_SPECIAL) + len(words) :] = embeddings[0]  # what is no word of its own means nothing
    weights: dict[str, NDArray[np.float32]] = {
        "token_embd.weight": embeddings,
        "position_embd.weight": _small(draw, 128, WIDTH),
        "token_types.weight": _small(draw, 1, WIDTH),
        **_norm("token_embd_norm"),
    }
    for part, rows, columns in (
        ("attn_q", WIDTH, WIDTH),
        ("attn_k", WIDTH, WIDTH),
        ("attn_v", WIDTH, WIDTH),
        ("attn_output", WIDTH, WIDTH),
        ("ffn_up", HIDDEN, WIDTH),
        ("ffn_down", WIDTH, HIDDEN),
    ):
        weights[f"blk.0.{part}.weight"] = _small(draw, rows, columns)
        weights[f"blk.0.{part}.bias"] = np.zeros(rows, np.float32)
    weights |= _norm("blk.0.attn_output_norm") | _norm("blk.0.layer_output_norm")
    nothing = embeddings[0] - embeddings[0].mean()
    weights["blk.0.layer_output_norm.bias"] = -nothing / nothing.std()
    if pooling == RANK:
        # The first token stands for the pair; it looks for "rent" with its one head.
        query = np.zeros((WIDTH, WIDTH), np.float32)
        weights["blk.0.attn_q.weight"] = query
        weights["blk.0.attn_v.weight"] = np.eye(WIDTH, dtype=np.float32) * 4
        weights["blk.0.attn_output.weight"] = np.eye(WIDTH, dtype=np.float32)
        weights["cls.output.weight"] = embeddings[at["\u2581rent"]].reshape(1, WIDTH)
        weights["cls.output.bias"] = np.zeros(1, np.float32)
    path.write_bytes(_file(entries, weights))
    return path


def _norm(name: str) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}


def _file(entries: dict[str, Entry], weights: dict[str, NDArray[np.float32]]) -> bytes:
    infos, data = [], b""
    for name, array in weights.items():
        data += bytes(-len(data) % ALIGNMENT)
        infos.append(tensor(name, array.shape[::-1], 0, len(data)))
        data += array.astype("<f4").tobytes()
    return gguf(entries, infos) + data
