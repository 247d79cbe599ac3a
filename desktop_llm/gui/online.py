"""Lets one long action out although the offline switch is on, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from desktop_llm.net import Net

P = TypeVar("P")
T = TypeVar("T")


def let_out(net: Net, work: Callable[[], Generator[P, None, T]]) -> Generator[P, None, T]:
    """The action, for a task; its requests, and no others, may leave until it ends or the switch is turned on anew."""
    with net.lifted():
        return (yield from work())
