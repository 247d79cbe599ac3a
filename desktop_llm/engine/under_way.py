"""An answer under way as the engine's client sees it: which worker writes it, and whether it was stopped."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_llm.engine.shapes import AdapterUse
from desktop_llm.workers.process import Worker


@dataclass(slots=True, eq=False)
class UnderWay:
    """An answer under way: it has `begun` once the worker writes it, and until then it waits for another one."""

    slot: str
    adapters: tuple[AdapterUse, ...] = ()
    worker: Worker | None = None
    number: int = 0
    begun: bool = False
    stopped: bool = False


class Stopped(Exception):
    """Raised if the person stopped the answer before it began, or if the worker did not survive the stop."""


def check(request: UnderWay | None) -> None:
    """Raise Stopped if the person stopped it."""
    if request is not None and request.stopped:
        raise Stopped
