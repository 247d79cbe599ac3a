"""Reads the beginning of a file on the hub, and no more of it, in an agreed time."""

from __future__ import annotations

import time

from desktop_llm.net import Incoming
from desktop_llm.net.rules import host_of


class Beginning:
    """The beginning of an answer's body as a file to read forward, all within so many seconds."""

    def __init__(self, incoming: Incoming, within_s: float) -> None:
        self._incoming = incoming
        self._end = time.monotonic() + within_s

    def read(self, size: int) -> bytes:
        """That many bytes, fewer only at the end. Raises TransferError, also where they come too slowly."""
        buffer = bytearray(size)
        view, filled = memoryview(buffer), 0
        while filled < size and (count := self._incoming.read_into(view[filled:], self._left_s())):
            filled += count
        return bytes(view[:filled])

    def _left_s(self) -> float:
        from desktop_llm.net.failures import too_slow  # and the HTTP library, which is there by now

        if (left := self._end - time.monotonic()) <= 0:
            raise too_slow(host_of(self._incoming.url))
        return left
