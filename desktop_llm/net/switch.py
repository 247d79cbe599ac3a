"""The offline switch, and what a person lets out while it is on: one action, and nothing beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

# The permission that the requests of this thread carry, if an action was let out; it also keeps connections apart.
permission: ContextVar[object | None] = ContextVar("permission", default=None)


class Switch:
    """Whether requests may leave; any thread may ask."""

    def __init__(self, *, on: bool) -> None:
        self._on = on
        self._given: set[object] = set()

    @property
    def on(self) -> bool:
        """Whether nothing may leave but what was let out."""
        return self._on

    def turn(self, *, on: bool) -> None:
        """Turn it; turned on, it takes back every permission."""
        self._on = on
        if on:
            self._given = set()

    def lets_out(self) -> bool:
        """Whether a request of this thread may leave now."""
        return not self._on or permission.get() in self._given

    @contextlib.contextmanager
    def lifted(self) -> Iterator[object]:
        """Let out the requests inside, of this thread, until the switch is turned on anew; yields the permission."""
        mine = object()
        self._given.add(mine)
        token = permission.set(mine)
        try:
            yield mine
        finally:
            permission.reset(token)
            self._given.discard(mine)
