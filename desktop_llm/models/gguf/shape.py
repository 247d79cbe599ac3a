"""Finds out how a model is built, for a forecast of memory and speed, from its tensors and properties.

The tensors come first, because they can't be wrong about their own size and are read the same way for every
architecture: a layer's cache keeps one number per row of its `attn_k` for each token, whatever the properties say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from desktop_llm.models.gguf.tables import BLOCKS

_LAYER = re.compile(r"blk\.(\d{1,3})\.(.+)")
_EMBEDDING = ("token_embd.", "per_layer_token_embd.", "position_embd.")
_OUTPUT = "output.weight"
_OUTPUTS = (_OUTPUT, "token_embd.weight")
_NEARLY_ALL = 1.1  # a file may be this much larger than the tensors that are counted here
_STATE_VALUE_BYTES = 4  # recurrent states are kept as F32
_INTERLEAVED_ROWS = 8  # llama.cpp only rearranges a matrix if its number of rows is a multiple of this
_GEMMA3N_LAYERS_WITH_CACHE = 20  # fixed in llama.cpp's src/models/gemma3n.cpp


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the file; `shape` starts with the length of a row, `format` names the number format."""

    name: str
    format: str
    shape: tuple[int, ...]
    values: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions and sizes of a model; 0 or empty if the file doesn't say.

    - `kv_values`: how many numbers each layer's cache keeps for one token, keys and values together; 0 without a cache
    - `key_values`: how many of these are keys
    - `state_bytes`: the state that recurrent layers keep, whatever the context length
    - `layer_bytes`: the weights of each layer
    - `expert_bytes`: the experts among these weights; a token uses `experts_used` out of `experts`
    - `output_bytes`: the output matrix; 0 if the model uses its embedding as the output too

    The last three are pairs of a number format's name and a number:

    - `active`: the weights that one token is multiplied with
    - `output`: the weights that are used only for the last token of a prompt
    - `matrix_bytes`: the size of the matrices that llama.cpp may rearrange for the processor
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
    key_values: tuple[int, ...] = ()
    state_bytes: int = 0
    layer_bytes: tuple[int, ...] = ()
    expert_bytes: int = 0
    embedding_bytes: int = 0
    output_bytes: int = 0
    active: tuple[tuple[str, int], ...] = ()
    output: tuple[tuple[str, int], ...] = ()
    matrix_bytes: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Shape:
        """Restore a shape from JSON, which has lists in place of tuples."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        for name in ("active", "output", "matrix_bytes"):
            fields[name] = tuple((str(number_format), int(count)) for number_format, count in data[name])
        return cls(**fields)

    def whole(self, size_bytes: int, quantization: str) -> Shape:
        """Estimate the shape of a whole split model from its first part, as if the other parts were alike.

        `quantization` gives the number format if the first part has no weights, which is usual for large models.
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
            matrix_bytes=tuple((name, int(size * factor)) for name, size in self.matrix_bytes)
            if seen
            else ((number_format, size_bytes),),
        )

    def quantized(self, seen_bytes: int, size_bytes: int, quantization: str) -> Shape:
        """Estimate the shape of the same model in another quantization, in a file of `size_bytes`.

        Bytes are scaled by the sizes of the files (this one has `seen_bytes`), and all weights count as being in the
        main number format.
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
            output=weights(self.output),
            matrix_bytes=((name, int(sum(size for _, size in self.matrix_bytes) * factor)),)
            if self.matrix_bytes
            else (),
        )


def _main_format(quantization: str) -> str:
    """The number format of most weights in a quantization: Q4_K for Q4_K_M."""
    names = (quantization, quantization.rpartition("_")[0], "Q4_K")
    return next(name for name in names if name in BLOCKS)


def shape_of(properties: Mapping[str, Any], architecture: str, vocabulary: int, tensors: Sequence[Tensor]) -> Shape:
    """Work out the shape from the properties and tensors; `vocabulary` is the number of tokens in the file's list."""
    known = _Properties(properties, architecture)
    layers = known.number("block_count")
    by_layer, others = _by_layer(tensors, layers)
    embedding = [tensor for tensor in others if tensor.name.startswith(_EMBEDDING)]
    output = [tensor for tensor in others if tensor.name == _OUTPUT]
    kept = _kept_values(known, by_layer, layers)
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
        kv_values=tuple(keys + values for keys, values in kept),
        key_values=tuple(keys for keys, _ in kept),
        state_bytes=_state_bytes(known, by_layer),
        layer_bytes=tuple(sum(tensor.size_bytes for tensor in layer) for layer in by_layer),
        expert_bytes=sum(tensor.size_bytes for layer in by_layer for tensor in layer if _is_expert(tensor)),
        embedding_bytes=sum(tensor.size_bytes for tensor in embedding),
        output_bytes=sum(tensor.size_bytes for tensor in output),
        active=_active(known, by_layer, others),
        output=tuple((tensor.format, tensor.values) for tensor in output or embedding if tensor.name in _OUTPUTS),
        matrix_bytes=_matrix_bytes(by_layer, others),
    )


class _Properties:
    """The properties of one architecture that are numbers; `number` takes the largest of a list."""

    def __init__(self, properties: Mapping[str, Any], architecture: str) -> None:
        self._properties = properties
        self.architecture = architecture

    def number(self, name: str) -> int:
        values = self.numbers(name)
        return max(values, default=0)

    def numbers(self, name: str) -> tuple[int, ...]:
        """One number per layer, a single number, or none; values that are not counts are left out."""
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


def _kept_values(known: _Properties, by_layer: Sequence[Sequence[Tensor]], layers: int) -> list[tuple[int, int]]:
    """The numbers of keys and of values that each layer's cache keeps for one token."""
    keeping = layers - known.number("attention.shared_kv_layers")
    if known.architecture == "gemma3n":
        keeping = min(layers, _GEMMA3N_LAYERS_WITH_CACHE)
    kept = [_layer_kept_values(known, layer, index) for index, layer in enumerate(by_layer[:keeping])]
    return kept + [(0, 0)] * (layers - len(kept))


def _layer_kept_values(known: _Properties, layer: Sequence[Tensor], index: int) -> tuple[int, int]:
    rows = {tensor.name.split(".", 2)[2]: tensor.shape[1] for tensor in layer if len(tensor.shape) > 1}
    if keys := rows.get("attn_k.weight"):
        return keys, rows.get("attn_v.weight", keys)
    if latent := rows.get("attn_kv_a_mqa.weight"):  # the cache keeps one latent vector instead of keys and values
        return (latent, 0) if known.number("attention.key_length_mla") else _told_kept_values(known, index)
    recurrent = any(".ssm_" in tensor.name or ".shortconv" in tensor.name for tensor in layer)
    if layer and (recurrent or not any(".attn_qkv" in tensor.name for tensor in layer)):
        return 0, 0
    return _told_kept_values(known, index)


def _told_kept_values(known: _Properties, index: int) -> tuple[int, int]:
    """The numbers that the cache keeps according to the properties, if the tensors don't show it."""
    heads = known.numbers("attention.head_count_kv") or known.numbers("attention.head_count") or (0,)
    own = heads[index] if index < len(heads) else heads[-1]
    all_heads = known.number("attention.head_count")
    head_length = known.number("embedding_length") // all_heads if all_heads else 0
    key_length = known.number("attention.key_length") or head_length
    if known.number("attention.key_length_mla"):
        return own * key_length, 0
    return own * key_length, own * (known.number("attention.value_length") or head_length)


def _state_bytes(known: _Properties, by_layer: Sequence[Sequence[Tensor]]) -> int:
    """The state of all recurrent layers, as in llama.cpp's `llama_hparams::n_embd_r` and `n_embd_s`."""
    recurrent = sum(any(".ssm_" in tensor.name for tensor in layer) for layer in by_layer)
    inner, state = known.number("ssm.inner_size"), known.number("ssm.state_size")
    convolution = max(0, known.number("ssm.conv_kernel") - 1) * (inner + 2 * known.number("ssm.group_count") * state)
    return recurrent * _STATE_VALUE_BYTES * (convolution + inner * state)


def _is_expert(tensor: Tensor) -> bool:
    return "_exps." in tensor.name


def _active(
    known: _Properties, by_layer: Sequence[Sequence[Tensor]], others: Sequence[Tensor]
) -> tuple[tuple[str, int], ...]:
    """The weights that one token is multiplied with, including only the experts that it uses."""
    experts, used = known.number("expert_count"), known.number("expert_used_count")
    active: Counter[str] = Counter()
    for tensor in _multiplied(by_layer, others):
        share = min(used, experts) if _is_expert(tensor) and experts else 0
        active[tensor.format] += tensor.values * share // experts if share else tensor.values
    return tuple(sorted(active.items()))


def _matrix_bytes(by_layer: Sequence[Sequence[Tensor]], others: Sequence[Tensor]) -> tuple[tuple[str, int], ...]:
    sizes: Counter[str] = Counter()
    for tensor in _multiplied(by_layer, others):
        if len(tensor.shape) > 1 and tensor.shape[1] % _INTERLEAVED_ROWS == 0:
            sizes[tensor.format] += tensor.size_bytes
    return tuple(sorted(sizes.items()))


def _multiplied(by_layer: Sequence[Sequence[Tensor]], others: Sequence[Tensor]) -> list[Tensor]:
    """All tensors except the embedding, which is only looked up, unless it also serves as the output."""
    tied = not any(tensor.name == _OUTPUT for tensor in others)
    kept = [
        tensor
        for tensor in others
        if not tensor.name.startswith(_EMBEDDING) or (tied and tensor.name == "token_embd.weight")
    ]
    return [tensor for layer in by_layer for tensor in layer] + kept
