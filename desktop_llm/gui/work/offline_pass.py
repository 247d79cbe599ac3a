"""Allows one long action to use the network although the offline switch is on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from desktop_llm.net import Net

P = TypeVar("P")
T = TypeVar("T")


def let_out(net: Net, work: Callable[[], Generator[P, None, T]]) -> Generator[P, None, T]:
    """Run the action; only its requests may leave, until it ends or the switch is turned on again."""
    with net.lifted():
        return (yield from work())
