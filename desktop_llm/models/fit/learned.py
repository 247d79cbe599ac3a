"""What real loads and answers taught about forecasts: how much more memory, how many times the time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Learned:
    """What real loads taught: bytes more than forecast, and factors of the time; 0 and 1 where nothing.

    `answered`: a speed was among it, and not only the memory of a load.
    """

    memory_bytes: float = 0.0
    token: float = 1.0
    prompt: float = 1.0
    answered: bool = False

    @classmethod
    def from_json(cls, data: Any) -> Learned | None:
        """What `dataclasses.asdict` made of it; None where there is nothing, or that of another version."""
        try:
            return cls(
                float(data["memory_bytes"]), float(data["token"]), float(data["prompt"]), data["answered"] is True
            )
        except (KeyError, TypeError, ValueError):
            return None

    def with_new(self, new: Learned, weight: float) -> Learned:
        """Both averaged; factors as factors are, so that twice and half cancel out."""
        return Learned(
            self.memory_bytes + weight * (new.memory_bytes - self.memory_bytes),
            math.exp(math.log(self.token) * (1 - weight) + math.log(new.token) * weight),
            math.exp(math.log(self.prompt) * (1 - weight) + math.log(new.prompt) * weight),
            self.answered or new.answered,
        )

    def updated(self, memory_bytes: float | None, token: float | None, prompt: float | None) -> Learned:
        """What one load says, by itself; None says nothing. Without an answer memory may still grow."""
        more = self.memory_bytes if memory_bytes is None else memory_bytes
        return Learned(
            max(more, self.memory_bytes) if token is None else more,
            self.token if token is None else token,
            self.prompt if prompt is None else prompt,
            answered=self.answered or token is not None,
        )
