"""Tiny language models with random weights, and projectors that give them eyes: nonsense answers, real computation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.engine.vocabularies import CONTROL, NORMAL, byte_alphabet
from tests.models.gguf_files import ALIGNMENT, Entry, gguf, tensor

WIDTH, HEADS, LAYERS, FEED = 32, 2, 2, 48
EYE_WIDTH, PATCH, IMAGE = 16, 8, 32
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
Weights = Mapping[str, NDArray[np.float32]]


def seeing_model(folder: Path, *, turning: bool = False, seed: int = 1, width: int = WIDTH) -> tuple[Path, Path]:
    """A chat model and its projector in this folder. `turning`: of a family whose positions are those of the picture's
    rows and columns (M-RoPE); `width`: of the projector, which fits no model if it is another than the usual.
    """
    random = np.random.default_rng(seed)
    model, projector = folder / "Seeing-F32.gguf", folder / "mmproj-Seeing-F32.gguf"
    _write(model, _language_entries(turning), _language_weights(random, turning))
    _write(projector, _eye_entries(turning), _eye_weights(random, turning, width))
    return model, projector


def _language_entries(turning: bool) -> dict[str, Entry]:
    tokens = {character: NORMAL for character in byte_alphabet().values()}
    marks = ["<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>", "<|vision_start|>", "<|vision_end|>"]
    tokens |= dict.fromkeys(marks, CONTROL)
    kind = "qwen2vl" if turning else "llama"
    entries: dict[str, Entry] = {
        "general.architecture": kind,
        "general.name": "Seeing",
        f"{kind}.context_length": 2_048,
        f"{kind}.embedding_length": WIDTH,
        f"{kind}.block_count": LAYERS,
        f"{kind}.feed_forward_length": FEED,
        f"{kind}.attention.head_count": HEADS,
        f"{kind}.attention.head_count_kv": HEADS,
        f"{kind}.attention.layer_norm_rms_epsilon": 1e-6,
        f"{kind}.rope.freq_base": 10_000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": list(tokens),
        "tokenizer.ggml.token_type": list(tokens.values()),
        "tokenizer.ggml.merges": ["Ġ t"],
        "tokenizer.ggml.bos_token_id": 256,
        "tokenizer.ggml.eos_token_id": 257,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }
    if turning:
        entries["qwen2vl.rope.dimension_sections"] = [2, 3, 3, 0]
    else:
        entries["llama.rope.dimension_count"] = WIDTH // HEADS
    return entries


def _language_weights(random: np.random.Generator, turning: bool) -> Weights:
    vocabulary = 256 + 7
    weights = {"token_embd.weight": (vocabulary, WIDTH), "output.weight": (vocabulary, WIDTH)}
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        weights |= {f"{block}.attn_{name}.weight": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
        weights |= {f"{block}.ffn_{name}.weight": (FEED, WIDTH) for name in ("gate", "up")}
        weights[f"{block}.ffn_down.weight"] = (WIDTH, FEED)
    made = {name: random.normal(0, 0.7, shape).astype(np.float32) for name, shape in weights.items()}
    norms = ["output_norm", *(f"blk.{layer}.{name}_norm" for layer in range(LAYERS) for name in ("attn", "ffn"))]
    made |= {f"{name}.weight": np.ones(WIDTH, np.float32) for name in norms}
    if turning:
        biases = [f"blk.{layer}.attn_{name}.bias" for layer in range(LAYERS) for name in "qkv"]
        made |= {name: np.zeros(WIDTH, np.float32) for name in biases}
    made["output.weight"][257] = 0  # the end is never the likeliest, so that an answer has the length that was asked
    return made


def _eye_entries(turning: bool) -> dict[str, Entry]:
    return {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "clip.has_vision_encoder": True,
        "clip.projector_type": "qwen2vl_merger" if turning else "mlp",
        "clip.use_gelu": True,
        "clip.vision.image_size": IMAGE,
        "clip.vision.patch_size": PATCH,
        "clip.vision.embedding_length": EYE_WIDTH,
        "clip.vision.feed_forward_length": EYE_WIDTH * 2,
        "clip.vision.block_count": 2,
        "clip.vision.attention.head_count": 1,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.projection_dim": WIDTH,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
    }


def _eye_weights(random: np.random.Generator, turning: bool, width: int) -> Weights:
    joined = EYE_WIDTH * 4 if turning else EYE_WIDTH
    shapes: dict[str, tuple[int, ...]] = {"v.patch_embd.weight": (EYE_WIDTH, 3, PATCH, PATCH)}
    if turning:
        shapes["v.patch_embd.weight.1"] = (EYE_WIDTH, 3, PATCH, PATCH)
    else:
        shapes["v.position_embd.weight"] = ((IMAGE // PATCH) ** 2, EYE_WIDTH)
    for layer in range(2):
        block = f"v.blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            shapes |= {f"{block}.{name}.weight": (EYE_WIDTH, EYE_WIDTH), f"{block}.{name}.bias": (EYE_WIDTH,)}
        shapes |= {f"{block}.ln{number}.weight": (EYE_WIDTH,) for number in (1, 2)}
        shapes |= {f"{block}.ffn_up.weight": (EYE_WIDTH * 2, EYE_WIDTH)}
        shapes |= {f"{block}.ffn_down.weight": (EYE_WIDTH, EYE_WIDTH * 2)}
    shapes |= {"mm.0.weight": (width, joined), "mm.0.bias": (width,)}
    shapes |= {"mm.2.weight": (width, width), "mm.2.bias": (width,)}
    return {name: random.normal(0, 1.0, shape).astype(np.float32) for name, shape in shapes.items()}


def _write(path: Path, entries: Mapping[str, Entry], weights: Weights) -> None:
    headers: list[bytes] = []
    data = b""
    for name, values in weights.items():
        headers.append(tensor(name, tuple(reversed(values.shape)), offset=len(data)))
        data += values.tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    path.write_bytes(gguf(entries, headers) + data)
