"""How a model is built, as far as a forecast of memory and speed needs it: read off the tensors, then the properties.

The tensors are asked first because they can't lie about their own size and need no knowledge of an architecture: the
rows of a layer's `attn_k` are what its cache keeps for a token, whatever the properties say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from desktop_llm.models.gguf.tables import BLOCKS

_LAYER = re.compile(r"blk\.(\d{1,3})\.(.+)")
_EMBEDDING = ("token_embd.", "per_layer_token_embd.", "position_embd.")
_OUTPUT = "output.weight"
_OUTPUTS = (_OUTPUT, "token_embd.weight")
_NEARLY_ALL = 1.1  # tensors of which a file has a few more kinds than are counted
_STATE_VALUE_BYTES = 4  # recurrent states are kept as F32
_INTERLEAVED_ROWS = 8  # llama.cpp rearranges a matrix only if its rows can be taken eight at a time
_GEMMA3N_LAYERS_WITH_CACHE = 20  # fixed in llama.cpp's src/models/gemma3n.cpp


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the file: `shape` has the length of a row first, `format` is the number format's name."""

    name: str
    format: str
    shape: tuple[int, ...]
    values: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The build of a model; 0 or empty where the file doesn't say.

    `kv_values`: numbers that each layer's cache keeps for one token, keys and values together, 0 for a layer without.
    `state_bytes`: what recurrent layers keep, whatever the context. `layer_bytes` holds the weights of each layer,
    `expert_bytes` is the part of them of which a token uses `experts_used` of `experts`. A model without
    `output_bytes` uses its embedding twice. By number format, as pairs of name and number: `active` are the weights one
    token takes part in, `rows` those of their matrices, `output` the weights that a prompt's tokens skip but for the
    last, `matrix_bytes` the size of the matrices that llama.cpp may rearrange for the processor.
    """

    layers: int = 0
    embedding_length: int = 0
    feed_forward_length: int = 0
    heads: int = 0
    kv_heads: int = 0
    key_length: int = 0
    value_length: int = 0
    sliding_window: int = 0
    vocabulary: int = 0
    experts: int = 0
    experts_used: int = 0
    kv_values: tuple[int, ...] = ()
    state_bytes: int = 0
    layer_bytes: tuple[int, ...] = ()
    expert_bytes: int = 0
    embedding_bytes: int = 0
    output_bytes: int = 0
    active: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[str, int], ...] = ()
    output: tuple[tuple[str, int], ...] = ()
    matrix_bytes: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Shape:
        """The shape that was stored as JSON, where tuples became lists."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        for name in ("active", "rows", "output", "matrix_bytes"):
            fields[name] = tuple((str(number_format), int(count)) for number_format, count in data[name])
        return cls(**fields)

    def whole(self, size_bytes: int, quantization: str) -> Shape:
        """The shape of all parts together, where only the first of a split model was seen: the rest is alike.

        `quantization` tells the number format if the first part holds no weights, as is usual for large models.
        """
        seen = sum(self.layer_bytes) + self.embedding_bytes + self.output_bytes
        if seen * _NEARLY_ALL > size_bytes or not self.layers:
            return self
        factor = size_bytes / seen if seen else 0.0
        number_format = _main_format(quantization)
        values, block_bytes = BLOCKS[number_format]
        used = self.experts_used / self.experts if self.experts else 1.0
        alone = ((number_format, int(size_bytes * used) * values // block_bytes),)
        return replace(
            self,
            layer_bytes=(size_bytes // self.layers,) * self.layers,
            active=tuple((name, int(count * factor)) for name, count in self.active) if seen else alone,
            rows=tuple((name, int(count * factor)) for name, count in self.rows),
            matrix_bytes=tuple((name, int(size * factor)) for name, size in self.matrix_bytes)
            if seen
            else ((number_format, size_bytes),),
        )

    def quantized(self, seen_bytes: int, size_bytes: int, quantization: str) -> Shape:
        """The shape of the same model in another quantization, whose file has `size_bytes` where this has `seen_bytes`.

        Rows stay as many; bytes go by the sizes of the files, and all of them count as the main number format.
        """
        name, factor = _main_format(quantization), size_bytes / max(seen_bytes, 1)
        values, block_bytes = BLOCKS[name]

        def weights(pairs: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
            seen = sum(count * BLOCKS[each][1] / BLOCKS[each][0] for each, count in pairs if each in BLOCKS)
            return ((name, int(seen * factor * values / block_bytes)),) if pairs else ()

        return replace(
            self,
            layer_bytes=tuple(int(size * factor) for size in self.layer_bytes),
            expert_bytes=int(self.expert_bytes * factor),
            embedding_bytes=int(self.embedding_bytes * factor),
            output_bytes=int(self.output_bytes * factor),
            active=weights(self.active),
            rows=((name, sum(count for _, count in self.rows)),) if self.rows else (),
            output=weights(self.output),
            matrix_bytes=((name, int(sum(size for _, size in self.matrix_bytes) * factor)),)
            if self.matrix_bytes
            else (),
        )


def _main_format(quantization: str) -> str:
    """The number format of most weights of a quantization: Q4_K of Q4_K_M."""
    names = (quantization, quantization.rpartition("_")[0], "Q4_K")
    return next(name for name in names if name in BLOCKS)


def shape_of(properties: Mapping[str, Any], architecture: str, vocabulary: int, tensors: Sequence[Tensor]) -> Shape:
    """The shape from the file's properties and its tensors; `vocabulary` is the length of its list of tokens."""
    known = _Properties(properties, architecture)
    layers = known.number("block_count")
    by_layer, others = _by_layer(tensors, layers)
    embedding = [tensor for tensor in others if tensor.name.startswith(_EMBEDDING)]
    output = [tensor for tensor in others if tensor.name == _OUTPUT]
    heads, embedding_length = known.number("attention.head_count"), known.number("embedding_length")
    head_length = embedding_length // heads if heads else 0
    return Shape(
        layers=layers,
        embedding_length=embedding_length,
        feed_forward_length=known.number("feed_forward_length"),
        heads=heads,
        kv_heads=known.number("attention.head_count_kv") or heads,
        key_length=known.number("attention.key_length") or head_length,
        value_length=known.number("attention.value_length") or head_length,
        sliding_window=known.number("attention.sliding_window"),
        vocabulary=vocabulary or known.number("vocab_size"),
        experts=known.number("expert_count"),
        experts_used=known.number("expert_used_count"),
        kv_values=_kv_values(known, by_layer, layers),
        state_bytes=_state_bytes(known, by_layer),
        layer_bytes=tuple(sum(tensor.size_bytes for tensor in layer) for layer in by_layer),
        expert_bytes=sum(tensor.size_bytes for layer in by_layer for tensor in layer if _is_expert(tensor)),
        embedding_bytes=sum(tensor.size_bytes for tensor in embedding),
        output_bytes=sum(tensor.size_bytes for tensor in output),
        active=_active(known, by_layer, others, lambda tensor: tensor.values),
        rows=_active(known, by_layer, others, lambda tensor: math.prod(tensor.shape[1:])),
        output=tuple((tensor.format, tensor.values) for tensor in output or embedding if tensor.name in _OUTPUTS),
        matrix_bytes=_matrix_bytes(by_layer, others),
    )


class _Properties:
    """The numbers of one architecture; a list of one number per layer counts as its largest."""

    def __init__(self, properties: Mapping[str, Any], architecture: str) -> None:
        self._properties = properties
        self.architecture = architecture

    def number(self, name: str) -> int:
        values = self.numbers(name)
        return max(values, default=0)

    def numbers(self, name: str) -> tuple[int, ...]:
        """One number per layer, a single one, or none; what is no count is left out."""
        value = self._properties.get(f"{self.architecture}.{name}")
        values = value if isinstance(value, tuple) else (value,)
        return tuple(item for item in values if isinstance(item, int) and 0 <= item < 1 << 32)


def _by_layer(tensors: Iterable[Tensor], layers: int) -> tuple[list[list[Tensor]], list[Tensor]]:
    found: list[list[Tensor]] = [[] for _ in range(layers)]
    others = []
    for tensor in tensors:
        match = _LAYER.match(tensor.name)
        if match and int(match[1]) < layers:
            found[int(match[1])].append(tensor)
        else:
            others.append(tensor)
    return found, others


def _kv_values(known: _Properties, by_layer: Sequence[Sequence[Tensor]], layers: int) -> tuple[int, ...]:
    keeping = layers - known.number("attention.shared_kv_layers")
    if known.architecture == "gemma3n":
        keeping = min(layers, _GEMMA3N_LAYERS_WITH_CACHE)
    kept = [_layer_kv_values(known, layer, index) for index, layer in enumerate(by_layer[:keeping])]
    return (*kept, *[0] * (layers - len(kept)))


def _layer_kv_values(known: _Properties, layer: Sequence[Tensor], index: int) -> int:
    rows = {tensor.name.split(".", 2)[2]: tensor.shape[1] for tensor in layer if len(tensor.shape) > 1}
    if keys := rows.get("attn_k.weight"):
        return keys + rows.get("attn_v.weight", keys)
    if latent := rows.get("attn_kv_a_mqa.weight"):  # its cache keeps the latent vector in place of both
        return latent if known.number("attention.key_length_mla") else _told_kv_values(known, index)
    recurrent = any(".ssm_" in tensor.name or ".shortconv" in tensor.name for tensor in layer)
    if layer and (recurrent or not any(".attn_qkv" in tensor.name for tensor in layer)):
        return 0
    return _told_kv_values(known, index)


def _told_kv_values(known: _Properties, index: int) -> int:
    """From the properties alone, for a layer whose tensors lie in another part of the model."""
    heads = known.numbers("attention.head_count_kv") or known.numbers("attention.head_count") or (0,)
    own = heads[index] if index < len(heads) else heads[-1]
    all_heads = known.number("attention.head_count")
    head_length = known.number("embedding_length") // all_heads if all_heads else 0
    key_length = known.number("attention.key_length") or head_length
    if known.number("attention.key_length_mla"):
        return own * key_length
    return own * (key_length + (known.number("attention.value_length") or head_length))


def _state_bytes(known: _Properties, by_layer: Sequence[Sequence[Tensor]]) -> int:
    """llama.cpp's `llama_hparams::n_embd_r` and `n_embd_s`, for the layers that have a recurrent part."""
    recurrent = sum(any(".ssm_" in tensor.name for tensor in layer) for layer in by_layer)
    inner, state = known.number("ssm.inner_size"), known.number("ssm.state_size")
    convolution = max(0, known.number("ssm.conv_kernel") - 1) * (inner + 2 * known.number("ssm.group_count") * state)
    return recurrent * _STATE_VALUE_BYTES * (convolution + inner * state)


def _is_expert(tensor: Tensor) -> bool:
    return "_exps." in tensor.name


def _active(
    known: _Properties,
    by_layer: Sequence[Sequence[Tensor]],
    others: Sequence[Tensor],
    count: Callable[[Tensor], int],
) -> tuple[tuple[str, int], ...]:
    """What one token is multiplied with: not the embedding's other rows, and of experts only those used."""
    experts, used = known.number("expert_count"), known.number("expert_used_count")
    active: Counter[str] = Counter()
    for tensor in _multiplied(by_layer, others):
        share = min(used, experts) if _is_expert(tensor) and experts else 0
        active[tensor.format] += count(tensor) * share // experts if share else count(tensor)
    return tuple(sorted(active.items()))


def _matrix_bytes(by_layer: Sequence[Sequence[Tensor]], others: Sequence[Tensor]) -> tuple[tuple[str, int], ...]:
    sizes: Counter[str] = Counter()
    for tensor in _multiplied(by_layer, others):
        if len(tensor.shape) > 1 and tensor.shape[1] % _INTERLEAVED_ROWS == 0:
            sizes[tensor.format] += tensor.size_bytes
    return tuple(sorted(sizes.items()))


def _multiplied(by_layer: Sequence[Sequence[Tensor]], others: Sequence[Tensor]) -> list[Tensor]:
    """All tensors but the embedding, whose rows are only looked up, unless it serves as the output too."""
    tied = not any(tensor.name == _OUTPUT for tensor in others)
    kept = [
        tensor
        for tensor in others
        if not tensor.name.startswith(_EMBEDDING) or (tied and tensor.name == "token_embd.weight")
    ]
    return [tensor for layer in by_layer for tensor in layer] + kept
