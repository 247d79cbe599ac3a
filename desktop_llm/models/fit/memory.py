"""What a loaded model takes of memory, from its shape: the weights, the KV cache, and what computing needs besides."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_llm.models.fit.speeds import Speeds, kv_value_bytes
from desktop_llm.models.gguf.shape import Shape

# The engine's worker with its libraries and no model, as it is on Linux and Python 3.11; learned where it differs.
PROGRAM_BYTES = 48 << 20
TOKEN_BYTES = 190  # one entry of the vocabulary in llama.cpp's tables: text, score, two maps, its merge
_CACHE_PAD = 256  # llama.cpp rounds the context length up to this
_F32_BYTES = 4
_MASK_BYTES = 6  # the attention mask, as F32 and as the F16 that flash attention reads
# Rows of activations alive at once: a layer's input, its norm, queries, keys and the result; the two halves of the
# feed-forward part and their product.
_EMBEDDING_ROWS, _FEED_FORWARD_ROWS = 5, 2


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of main memory and of the GPU's; `copied_bytes` of the weights are in main memory twice.

    That is so where a GPU takes part, since only then the file is mapped: the second copy is the mapped file itself,
    counts as held, and is taken back by the system when memory is short.
    """

    weights_bytes: int
    copied_bytes: int
    kv_bytes: int
    compute_bytes: int
    gpu_bytes: int

    @property
    def held_bytes(self) -> int:
        """The most that is held at once, in main memory and on the GPU together."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes

    @property
    def wanted_bytes(self) -> int:
        """The main memory without which it does not work."""
        return self.held_bytes - self.copied_bytes - self.gpu_bytes


def kv_bytes(shape: Shape, context_length: int, kv_type: str) -> int:
    """The KV cache for a whole context, as llama.cpp takes it at once.

    Sliding-window layers keep the whole context too: the engine reuses the beginning of a conversation from the cache,
    and a window that has moved on could not be reused.
    """
    cells = -(-context_length // _CACHE_PAD) * _CACHE_PAD
    return int(cells * sum(shape.kv_values) * kv_value_bytes(kv_type)) + shape.state_bytes


def need(
    shape: Shape,
    size_bytes: int,
    speeds: Speeds | None,
    *,
    context_length: int,
    kv_type: str,
    gpu_layers: int,
    batch: int,
) -> Need:
    """The memory of a model of `size_bytes` with `gpu_layers` of its layers on the GPU (layers + 1: the output too)."""
    cache = kv_bytes(shape, context_length, kv_type)
    on_gpu = gpu_bytes(shape, context_length, kv_type, gpu_layers, batch) if gpu_layers else 0
    copied = int(_copied_bytes(shape, speeds) * (1 - _gpu_share(shape, gpu_layers))) if gpu_layers else 0
    compute = PROGRAM_BYTES + TOKEN_BYTES * shape.vocabulary + _activation_bytes(shape, context_length, batch)
    if gpu_layers:
        compute += _gpu_compute_bytes(shape, context_length, batch)
    return Need(size_bytes + copied, copied, cache, compute, min(on_gpu, size_bytes + cache + compute))


def gpu_bytes(shape: Shape, context_length: int, kv_type: str, gpu_layers: int, batch: int) -> int:
    """What the last `gpu_layers` layers take on the GPU: weights, their part of the cache, and the buffers."""
    layers = min(gpu_layers, shape.layers)
    weights = sum(shape.layer_bytes[shape.layers - layers :]) if layers else 0
    if gpu_layers > shape.layers:
        weights += shape.output_bytes or shape.embedding_bytes
    cells = sum(shape.kv_values)
    share = sum(shape.kv_values[shape.layers - layers :]) / cells if cells and layers else 0.0
    cache = int(kv_bytes(shape, context_length, kv_type) * share)
    return weights + cache + _gpu_compute_bytes(shape, context_length, batch)


def _gpu_share(shape: Shape, gpu_layers: int) -> float:
    return min(1.0, gpu_layers / (shape.layers + 1))


def _copied_bytes(shape: Shape, speeds: Speeds | None) -> int:
    """The matrices of which the engine keeps a rearranged copy beside the mapped file."""
    if speeds is None:
        return 0
    return sum(size for name, size in shape.matrix_bytes if speeds.of_format(name).rearranged)


def _activation_bytes(shape: Shape, context_length: int, batch: int) -> int:
    """Buffers of one batch on the processor; only the last token's logits are computed."""
    row = _EMBEDDING_ROWS * shape.embedding_length + _FEED_FORWARD_ROWS * shape.feed_forward_length
    return batch * (row * _F32_BYTES + context_length * _MASK_BYTES) + 2 * _F32_BYTES * shape.vocabulary


def _gpu_compute_bytes(shape: Shape, context_length: int, batch: int) -> int:
    """A GPU's buffers are taken as a whole, with room for the logits of every token of a batch."""
    return _activation_bytes(shape, context_length, batch) + batch * _F32_BYTES * shape.vocabulary
