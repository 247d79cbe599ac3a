"""Calculates the speed of a model from how fast this machine computes with each number format.

Generation reads every active weight once per token, so it is limited by bytes per second. The tokens of a prompt share
each read, so a prompt is limited by weights per second. Both depend on the number format, since unpacking takes time.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.gguf.tables import BLOCKS

_KV_BYTES = {
    **{"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32},
    **{"q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32},
}
_TYPICAL_TOKENS = 512  # the length of a conversation for which speed is forecast


@dataclass(frozen=True, slots=True)
class FormatSpeed:
    """The speed of one number format: bytes per second for single tokens, weights per second for a whole batch.

    `copied` is true if the engine keeps a second copy of such matrices, rearranged for this processor.
    """

    bytes_per_s: float
    weights_per_s: float
    copied: bool


@dataclass(frozen=True, slots=True)
class Speeds:
    """The measured speed of each number format, and the seconds that each layer takes in addition to its matrices.

    `layer_s` applies to each generated token, `prompt_layer_s` to each token in a batch of a prompt.
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
        """Restore speeds from `to_json` or the engine's measurement; None if empty or of another version."""
        try:
            formats = {str(name): FormatSpeed(**speed) for name, speed in data["formats"].items()}
            layer_s, prompt_layer_s = float(data.get("layer_s", 0)), float(data.get("prompt_layer_s", 0))
            return cls(formats, layer_s, prompt_layer_s) if formats else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    @classmethod
    def of_bandwidth(cls, bytes_per_s: float) -> Speeds:
        """Guess the speeds from the memory bandwidth alone, as if every format were read at full speed."""
        return cls({"Q4_K": FormatSpeed(bytes_per_s, bytes_per_s * 4, copied=False)})

    def with_model(self, shape: Shape, tokens_per_s: float, prompt_tps: float) -> Speeds:
        """Add the time per layer, which is how much longer a real model took than its matrices alone."""
        bare = replace(self, layer_s=0.0, prompt_layer_s=0.0)
        layers = max(1, shape.layers)
        return replace(
            self,
            layer_s=max(0.0, 1 / tokens_per_s - bare.token_s(shape)) / layers,
            prompt_layer_s=max(0.0, 1 / prompt_tps - bare.prompt_token_s(shape)) / layers,
        )

    def of_format(self, name: str) -> FormatSpeed:
        """The speed of this format, or the median of all formats if it was not measured."""
        if name in self.formats:
            return self.formats[name]
        known = self.formats.values()
        return FormatSpeed(
            statistics.median_low(speed.bytes_per_s for speed in known),
            statistics.median_low(speed.weights_per_s for speed in known),
            copied=False,
        )

    def token_s(self, shape: Shape) -> float:
        """Seconds to generate one token at the beginning of a conversation."""
        weights_s = sum(weight_bytes(name, count) / self.of_format(name).bytes_per_s for name, count in shape.active)
        cache_s = _TYPICAL_TOKENS * sum(shape.kv_values) * kv_value_bytes("f16") / self.bytes_per_s
        return weights_s + cache_s + shape.layers * self.layer_s

    def prompt_token_s(self, shape: Shape) -> float:
        """Seconds per token of a prompt that is processed in full batches."""
        matrices_s = self._product_s(shape.active) - self._product_s(shape.output)
        return max(matrices_s, 0.0) + shape.layers * self.prompt_layer_s

    def _product_s(self, weights: Iterable[tuple[str, int]]) -> float:
        return sum(count / self.of_format(name).weights_per_s for name, count in weights)

    @property
    def bytes_per_s(self) -> float:
        """The speed at which the engine reads memory, which is that of the fastest format."""
        return max(speed.bytes_per_s for speed in self.formats.values())


def weight_bytes(number_format: str, weights: int) -> float:
    """The size of a number of weights in this number format."""
    values, size_bytes = BLOCKS[number_format]
    return weights * size_bytes / values


def kv_value_bytes(kv_type: str) -> float:
    """The size of one number in the KV cache; an unknown type counts as f16."""
    return _KV_BYTES.get(kv_type, _KV_BYTES["f16"])
