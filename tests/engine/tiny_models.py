"""Tiny models with random weights, made to be decisive: what they write depends on every token before, and so clearly
that rounding changes nothing. Their answers mean nothing; a wrong token in the KV cache changes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.engine.vocabularies import CONTROL, NORMAL, byte_alphabet
from tests.models.gguf_files import ALIGNMENT, Entry, gguf, tensor

Weights = dict[str, NDArray[np.float32]]

WIDTH, HIDDEN, HEADS, HEAD, LAYERS = 64, 128, 4, 16, 2
STATE, INNER, RANK, CONV = 8, 128, 4, 4
WINDOW = 32
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_model(
    path: Path,
    architecture: str = "llama",
    *,
    context_length: int = 4_096,
    seed: int = 5,
    added: Weights | None = None,
) -> Path:
    """A model of the architecture llama, gemma3 (with a window of 32 tokens in every other layer) or mamba (recurrent);
    it writes letters and never ends by itself. `added` is added to some of its weights.
    """
    draw = np.random.default_rng(seed)
    tokens = [*byte_alphabet().values(), "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    marks = len(tokens) - 4
    entries: dict[str, Entry] = {
        "general.architecture": architecture,
        "general.name": "Tiny",
        f"{architecture}.context_length": context_length,
        f"{architecture}.embedding_length": WIDTH,
        f"{architecture}.block_count": LAYERS,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-6,
        f"{architecture}.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [NORMAL] * marks + [CONTROL] * 4,
        "tokenizer.ggml.merges": [f"{byte_alphabet()[32]} t"],
        "tokenizer.ggml.bos_token_id": marks,
        "tokenizer.ggml.eos_token_id": marks + 1,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }
    make: Callable[[np.random.Generator], tuple[dict[str, Entry], Weights]]
    make = {"llama": _llama, "gemma3": _gemma3, "mamba": _mamba}[architecture]
    more, weights = make(draw)
    weights["token_embd.weight"] = _random(draw, len(tokens), WIDTH) * math.sqrt(WIDTH)
    output = _random(draw, len(tokens), WIDTH) * 8
    spoken = [index for index, token in enumerate(tokens) if len(token) == 1 and token.isascii() and token.isalpha()]
    silent = [index for index in range(len(tokens)) if index not in spoken]
    weights["output_norm.weight"] = np.ones(WIDTH, np.float32)
    output[silent] = 0.0
    weights["output.weight"] = output
    for name, change in (added or {}).items():
        weights[name] = (weights[name] + change).astype(np.float32)
    path.write_bytes(_file(entries | more, weights))
    return path


def _file(entries: dict[str, Entry], weights: Weights) -> bytes:
    infos, data = [], b""
    for name, array in weights.items():
        data += bytes(-len(data) % ALIGNMENT)
        infos.append(tensor(name, array.shape[::-1], 0, len(data)))
        data += array.astype("<f4").tobytes()
    return gguf(entries, infos) + data


def _random(draw: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    return (draw.standard_normal((rows, columns)) / math.sqrt(columns)).astype(np.float32)


def _attention(draw: np.random.Generator, block: str) -> Weights:
    return {
        f"{block}.attn_norm.weight": np.ones(WIDTH, np.float32),
        f"{block}.attn_q.weight": _random(draw, HEADS * HEAD, WIDTH),
        f"{block}.attn_k.weight": _random(draw, HEADS * HEAD, WIDTH),
        f"{block}.attn_v.weight": _random(draw, HEADS * HEAD, WIDTH),
        f"{block}.attn_output.weight": _random(draw, WIDTH, HEADS * HEAD) * 2,
        f"{block}.ffn_norm.weight": np.ones(WIDTH, np.float32),
        f"{block}.ffn_gate.weight": _random(draw, HIDDEN, WIDTH),
        f"{block}.ffn_up.weight": _random(draw, HIDDEN, WIDTH),
        f"{block}.ffn_down.weight": _random(draw, WIDTH, HIDDEN),
    }


def _heads(architecture: str) -> dict[str, Entry]:
    return {
        f"{architecture}.feed_forward_length": HIDDEN,
        f"{architecture}.attention.head_count": HEADS,
        f"{architecture}.attention.head_count_kv": HEADS,
        f"{architecture}.attention.key_length": HEAD,
        f"{architecture}.attention.value_length": HEAD,
    }


def _llama(draw: np.random.Generator) -> tuple[dict[str, Entry], Weights]:
    weights: Weights = {}
    for layer in range(LAYERS):
        weights |= _attention(draw, f"blk.{layer}")
    return _heads("llama") | {"llama.rope.dimension_count": HEAD}, weights


def _gemma3(draw: np.random.Generator) -> tuple[dict[str, Entry], Weights]:
    weights: Weights = {}
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        weights |= _attention(draw, block)
        for name, size in (("post_attention_norm", WIDTH), ("post_ffw_norm", WIDTH)):
            weights[f"{block}.{name}.weight"] = np.ones(size, np.float32)
        for name in ("attn_q_norm", "attn_k_norm"):
            weights[f"{block}.{name}.weight"] = np.ones(HEAD, np.float32)
    return _heads("gemma3") | {"gemma3.attention.sliding_window": WINDOW}, weights


def _mamba(draw: np.random.Generator) -> tuple[dict[str, Entry], Weights]:
    weights: Weights = {}
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        weights |= {
            f"{block}.attn_norm.weight": np.ones(WIDTH, np.float32),
            f"{block}.ssm_in.weight": _random(draw, 2 * INNER, WIDTH),
            f"{block}.ssm_conv1d.weight": _random(draw, INNER, CONV),
            f"{block}.ssm_conv1d.bias": np.zeros(INNER, np.float32),
            f"{block}.ssm_x.weight": _random(draw, RANK + 2 * STATE, INNER),
            f"{block}.ssm_dt.weight": _random(draw, INNER, RANK),
            f"{block}.ssm_dt.bias": np.full(INNER, -1.0, np.float32),
            f"{block}.ssm_a": -np.tile(np.arange(1, STATE + 1, dtype=np.float32), (INNER, 1)),
            f"{block}.ssm_d": np.ones(INNER, np.float32),
            f"{block}.ssm_out.weight": _random(draw, WIDTH, INNER) * 2,
        }
    sizes: dict[str, Entry] = {
        "mamba.feed_forward_length": 0,
        "mamba.attention.head_count": 0,
        "mamba.ssm.conv_kernel": CONV,
        "mamba.ssm.inner_size": INNER,
        "mamba.ssm.state_size": STATE,
        "mamba.ssm.time_step_rank": RANK,
    }
    return sizes, weights
