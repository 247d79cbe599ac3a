"""How fast this machine computes with each number format, as the engine measured it, and what follows for a model.

Generation reads every active weight once for each token, so it is bound by the bytes a second; a prompt's tokens share
that reading, so it is bound by the weights a second. Both differ by number format, since unpacking costs time.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.gguf.tables import BLOCKS

_KV_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_0": 18 / 32}
TYPICAL_TOKENS = 512  # what a conversation holds when its speed is felt


@dataclass(frozen=True, slots=True)
class FormatSpeed:
    """One number format here: bytes of weights read per second for one token, weights per second for a whole batch.

    `row_s` is what each row of a matrix costs besides its bytes. `rearranged`: the engine keeps a second copy of such
    matrices, laid out for this processor.
    """

    bytes_per_s: float
    weights_per_s: float
    rearranged: bool
    row_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Speeds:
    """What was measured: each number format by name, and the seconds that a layer costs besides its matrices.

    `layer_s` is for one token that is generated, `prompt_layer_s` for one of a prompt's batch.
    """

    formats: Mapping[str, FormatSpeed]
    layer_s: float = 0.0
    prompt_layer_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The speeds as JSON."""
        formats = {name: asdict(speed) for name, speed in self.formats.items()}
        return {"formats": formats, "layer_s": self.layer_s, "prompt_layer_s": self.prompt_layer_s}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Speeds | None:
        """The speeds that were kept as JSON, or the engine's `formats`; None where there are none, or others."""
        try:
            formats = {str(name): FormatSpeed(**speed) for name, speed in data["formats"].items()}
            layer_s, prompt_layer_s = float(data.get("layer_s", 0)), float(data.get("prompt_layer_s", 0))
            return cls(formats, layer_s, prompt_layer_s) if formats else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    @classmethod
    def of_bandwidth(cls, bytes_per_s: float) -> Speeds:
        """A guess from the memory's bandwidth alone, as if every format were read at full speed."""
        return cls({"Q4_K": FormatSpeed(bytes_per_s, bytes_per_s * 4, rearranged=False)})

    def with_model(self, shape: Shape, tokens_per_s: float, prompt_tps: float) -> Speeds:
        """The same with the cost of a layer: what a real model took more than its matrices alone."""
        bare = replace(self, layer_s=0.0, prompt_layer_s=0.0)
        layers = max(1, shape.layers)
        return replace(
            self,
            layer_s=max(0.0, 1 / tokens_per_s - bare.token_s(shape)) / layers,
            prompt_layer_s=max(0.0, 1 / prompt_tps - bare.prompt_token_s(shape)) / layers,
        )

    def of_format(self, name: str) -> FormatSpeed:
        """The format's speed; one that was not measured counts as the middle one."""
        if name in self.formats:
            return self.formats[name]
        known = self.formats.values()
        return FormatSpeed(
            statistics.median_low(speed.bytes_per_s for speed in known),
            statistics.median_low(speed.weights_per_s for speed in known),
            rearranged=False,
        )

    def token_s(self, shape: Shape) -> float:
        """Seconds to generate one token at the beginning of a conversation."""
        weights_s = sum(weight_bytes(name, count) / self.of_format(name).bytes_per_s for name, count in shape.active)
        rows_s = sum(count * self.of_format(name).row_s for name, count in shape.rows)
        cache_s = TYPICAL_TOKENS * sum(shape.kv_values) * kv_value_bytes("f16") / self.bytes_per_s
        return weights_s + rows_s + cache_s + shape.layers * self.layer_s

    def prompt_token_s(self, shape: Shape) -> float:
        """Seconds for each token of a prompt that is processed in full batches."""
        matrices_s = self._product_s(shape.active) - self._product_s(shape.output)
        return max(matrices_s, 0.0) + shape.layers * self.prompt_layer_s

    def _product_s(self, weights: Iterable[tuple[str, int]]) -> float:
        return sum(count / self.of_format(name).weights_per_s for name, count in weights)

    @property
    def bytes_per_s(self) -> float:
        """The memory's bandwidth as the engine reads it: that of the fastest format."""
        return max(speed.bytes_per_s for speed in self.formats.values())


def weight_bytes(number_format: str, weights: int) -> float:
    """The size of so many weights in this number format."""
    values, size_bytes = BLOCKS[number_format]
    return weights * size_bytes / values


def kv_value_bytes(kv_type: str) -> float:
    """The size of one number of the KV cache; an unknown type counts as f16."""
    return _KV_BYTES.get(kv_type, _KV_BYTES["f16"])
