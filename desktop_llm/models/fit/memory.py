"""Calculates the memory of a loaded model from its shape: weights, KV cache and compute buffers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desktop_llm.engine.client import USUAL_BATCH_TOKENS, LoadSettings
from desktop_llm.models.fit.speeds import Speeds, kv_value_bytes
from desktop_llm.models.gguf.shape import Shape

# The engine's worker with its libraries but no model, measured on Linux with Python 3.11; real loads correct it.
PROGRAM_BYTES = 48 << 20
TOKEN_BYTES = 190  # one token in llama.cpp's vocabulary tables: text, score, entries in two maps, merge
_CACHE_PAD = 256  # llama.cpp rounds the context length up to a multiple of this
_F32_BYTES = 4
_MASK_BYTES = 6  # the attention mask, as F32 and as the F16 that flash attention reads
# Rows of activations in use at once: a layer's input, norm, queries, keys and result; the two halves of its
# feed-forward part and their product.
_EMBEDDING_ROWS, _FEED_FORWARD_ROWS = 5, 2


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is loaded, as far as memory depends on it.

    `kv_types`: the formats of keys and values. `cpu_moe_layers`: the layers whose experts stay in main memory.
    `projector_bytes`: the size of the file that lets the model see pictures, which is loaded whole.
    """

    context_length: int
    kv_types: tuple[str, str] = ("f16", "f16")
    batch: int = USUAL_BATCH_TOKENS
    flash_attention: bool = True
    cpu_moe_layers: int = 0
    projector_bytes: int = 0

    @classmethod
    def of(cls, settings: LoadSettings, context_length: int) -> Setup:
        """How these settings load a model that gets this context length."""
        return cls(
            context_length,
            settings.kv_types,
            settings.batch or USUAL_BATCH_TOKENS,
            flash_attention=settings.flash_attention is not False,
            cpu_moe_layers=settings.cpu_moe_layers or 0,
            projector_bytes=_size_of(settings.projector),
        )


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes in main memory and on the GPU; `copied_bytes` of the weights are in main memory twice.

    This only happens if a GPU is used, because the file is mapped only then. The second copy is the mapped file itself:
    it counts as held, but the system can take it back when memory is short.
    """

    weights_bytes: int
    copied_bytes: int
    kv_bytes: int
    compute_bytes: int
    gpu_bytes: int

    @property
    def held_bytes(self) -> int:
        """The largest amount held at once, in main memory and on the GPU together."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes

    @property
    def wanted_bytes(self) -> int:
        """The smallest amount of main memory that is enough."""
        return self.held_bytes - self.copied_bytes - self.gpu_bytes


def kept_numbers(shape: Shape, context_length: int) -> tuple[int, int]:
    """How many numbers the KV cache has room for, as keys and as values.

    Sliding-window layers keep the whole context too, because the engine reuses the beginning of a conversation from the
    cache and could not do so if the window had moved past it.
    """
    cells = -(-context_length // _CACHE_PAD) * _CACHE_PAD
    both = sum(shape.kv_values)
    keys = sum(shape.key_values) or both // 2  # headers that an earlier version read don't tell them apart
    return cells * keys, cells * (both - keys)


def kv_bytes(shape: Shape, setup: Setup) -> int:
    """The size of the KV cache for the whole context, which llama.cpp allocates at once, and of recurrent states."""
    kept = zip(kept_numbers(shape, setup.context_length), setup.kv_types, strict=True)
    return int(sum(count * kv_value_bytes(kind) for count, kind in kept)) + shape.state_bytes


def need(shape: Shape, size_bytes: int, speeds: Speeds | None, setup: Setup, gpu_layers: int) -> Need:
    """The memory of a model with `gpu_layers` layers on the GPU; one more than it has means the output too. Its
    projector is where its layers are.
    """
    size_bytes += setup.projector_bytes
    cache = kv_bytes(shape, setup)
    on_gpu = gpu_bytes(shape, setup, gpu_layers) + setup.projector_bytes if gpu_layers else 0
    copied = int(_copied_bytes(shape, speeds) * (1 - _gpu_share(shape, gpu_layers))) if gpu_layers else 0
    compute = PROGRAM_BYTES + TOKEN_BYTES * shape.vocabulary + _activation_bytes(shape, setup)
    if gpu_layers:
        compute += _gpu_compute_bytes(shape, setup)
    return Need(size_bytes + copied, copied, cache, compute, min(on_gpu, size_bytes + cache + compute))


def gpu_bytes(shape: Shape, setup: Setup, gpu_layers: int) -> int:
    """The GPU memory for the last `gpu_layers` layers: their weights, their part of the cache, the buffers."""
    layers = min(gpu_layers, shape.layers)
    first = shape.layers - layers
    weights = sum(shape.layer_bytes[first:]) if layers else 0
    if kept_back := max(0, min(setup.cpu_moe_layers, shape.layers) - first):
        weights = max(0, weights - shape.expert_bytes * kept_back // shape.layers)
    if gpu_layers > shape.layers:
        weights += shape.output_bytes or shape.embedding_bytes
    cells = sum(shape.kv_values)
    share = sum(shape.kv_values[first:]) / cells if cells and layers else 0.0
    return weights + int(kv_bytes(shape, setup) * share) + _gpu_compute_bytes(shape, setup)


def _size_of(file: str | None) -> int:
    """The size of a file; 0 if there is none."""
    try:
        return Path(file).stat().st_size if file else 0
    except OSError:
        return 0


def _gpu_share(shape: Shape, gpu_layers: int) -> float:
    return min(1.0, gpu_layers / (shape.layers + 1))


def _copied_bytes(shape: Shape, speeds: Speeds | None) -> int:
    """The size of the matrices that the engine copies while the file is mapped."""
    if speeds is None:
        return 0
    return sum(size for name, size in shape.matrix_bytes if speeds.of_format(name).copied)


def _activation_bytes(shape: Shape, setup: Setup) -> int:
    """The buffers for one batch on the processor, where only the last token's logits are computed.

    Without flash attention, each head's scores for the whole context are kept too.
    """
    row = _EMBEDDING_ROWS * shape.embedding_length + _FEED_FORWARD_ROWS * shape.feed_forward_length
    scores = 0 if setup.flash_attention else shape.heads * setup.context_length * _F32_BYTES
    row_bytes = row * _F32_BYTES + setup.context_length * _MASK_BYTES + scores
    return setup.batch * row_bytes + 2 * _F32_BYTES * shape.vocabulary


def _gpu_compute_bytes(shape: Shape, setup: Setup) -> int:
    """The buffers on a GPU, which are allocated at once, with room for the logits of every token in a batch."""
    return _activation_bytes(shape, setup) + setup.batch * _F32_BYTES * shape.vocabulary
