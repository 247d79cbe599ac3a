"""An answer under way as the engine's client sees it: which worker writes it, and whether it was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from desktop_llm.engine.shapes import AdapterUse, Beginning, ChatMessage, Sampling
from desktop_llm.workers.process import Worker


@dataclass(slots=True, eq=False)
class UnderWay:
    """An answer under way, and what it was asked with: it has `begun` once the worker writes it, and until then it
    waits for another one. So many `pieces` of text came.
    """

    slot: str
    messages: Sequence[ChatMessage]
    sampling: Sampling
    tools: tuple[Mapping[str, Any], ...] = ()
    adapters: tuple[AdapterUse, ...] = ()
    beginning: Beginning | None = None
    worker: Worker | None = None
    number: int = 0
    begun: bool = False
    pieces: int = 0
    stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        """What is asked, on the wire."""
        return {
            "slot": self.slot,
            "messages": [message.to_json() for message in self.messages],
            "sampling": asdict(self.sampling),
            "tools": list(self.tools),
            "adapters": [each.to_json() for each in self.adapters],
            "beginning": asdict(self.beginning or Beginning()),
        }


@dataclass(frozen=True, slots=True)
class Written:
    """A finished answer, and what it was asked with: `level` is that of its thinking. Its `text` and `thinking` count
    if its `tokens` are not known. `count` of the likeliest tokens are looked for at each place.
    """

    slot: str
    messages: Sequence[ChatMessage]
    tokens: tuple[int, ...] = ()
    text: str = ""
    thinking: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    adapters: tuple[AdapterUse, ...] = ()
    level: str | None = None
    count: int = 5

    def to_json(self) -> dict[str, Any]:
        """The answer on the wire."""
        return {
            **{name: getattr(self, name) for name in ("slot", "tokens", "text", "thinking", "tools", "level", "count")},
            "messages": [message.to_json() for message in self.messages],
            "adapters": [each.to_json() for each in self.adapters],
        }


class Stopped(Exception):
    """Raised if the person stopped the answer before it began, or if the worker did not survive the stop."""


def check(request: UnderWay | None) -> None:
    """Raise Stopped if the person stopped it."""
    if request is not None and request.stopped:
        raise Stopped
