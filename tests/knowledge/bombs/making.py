"""What makes a bomb: a function that writes it to a path, or returns its bytes to be written there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MB = 1_000_000

Make = Callable[[], bytes]
Bombs = dict[str, Callable[[Path], bytes | None]]


def text(make: Callable[[], str]) -> Callable[[Path], bytes]:
    """A bomb of this text in UTF-8."""
    return lambda _: make().encode("utf-8", "surrogatepass")


def made(make: Make) -> Callable[[Path], bytes]:
    """A bomb of these bytes."""
    return lambda _: make()
