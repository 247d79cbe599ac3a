"""The network for the rest of the app: one object that refuses requests while Offline is on and records all others."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import desktop_llm.net.causes as causes
import desktop_llm.net.rules as rules
from desktop_llm.net.ledger import Ledger, Transfer, Transfers, Unanswered
from desktop_llm.net.rules import Switch

if TYPE_CHECKING:
    import httpx2

    from desktop_llm.net.transport import Body, Transport

__all__ = ["Incoming", "Net", "Response", "Transfer", "Unanswered"]

ANSWER_BYTES = 16 << 20
ANSWER_S = 25.0
STALL_S = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    url: str
    body: bytes


class Incoming:
    """An answer whose body is read as it arrives."""

    def __init__(self, response: httpx2.Response) -> None:
        first = response.history[0] if response.history else response
        self.status = response.status_code
        self.url = str(response.url)
        self.headers: Mapping[str, str] = _plain(response.headers)
        # The headers of the first answer, before any redirect: the hub's own, with commit and checksum.
        self.origin_headers: Mapping[str, str] = _plain(first.headers)
        self._body: Body = response.extensions["body"]

    def read_into(self, buffer: memoryview, timeout_s: float = STALL_S) -> int:
        """Fill the front of `buffer` with the bytes that are there; returns how many, 0 at the end.

        Raises TransferError if the connection breaks, ends early or is silent for `timeout_s`.
        """
        return self._body.read_into(buffer, timeout_s)

    def wait(self, timeout_s: float) -> bool:
        """Whether there is something to read within the timeout, so that the caller can do other things in between."""
        return self._body.wait(timeout_s)


class Net:
    """The client of this process; any thread may use it. The first request imports the HTTP library."""

    def __init__(self, ledger: Ledger, *, offline: bool = False) -> None:
        self._transfers = Transfers(ledger)
        self._switch = Switch(on=offline)
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    @property
    def offline(self) -> bool:
        """Whether only requests that a person allowed may be sent; turning it on ends every transfer, even allowed
        ones.
        """
        return self._switch.on

    @offline.setter
    def offline(self, offline: bool) -> None:
        self._switch.turn(on=offline)
        if offline and self._transport is not None:
            self._transport.cut_all()

    @property
    def unanswered(self) -> Unanswered | None:
        """The last request to end, if nobody answered it."""
        return self._transfers.unanswered

    def client(self) -> httpx2.Client:
        """A client on the one transport, for us and for the hub's library, which may close its client at any time.

        Every failure in it raises a TransferError, so that the library doesn't try again by itself.
        """
        from desktop_llm.net.connections import Connections
        from desktop_llm.net.transport import Transport, new_client

        with self._lock:
            if self._transport is None:
                self._transport = Transport(Connections(self._switch.lets_out), self._transfers)
            return new_client(self._transport)

    @contextlib.contextmanager
    def lifted(self) -> Iterator[None]:
        """Let this thread's requests inside the block leave although Offline is on.

        The permission ends when the switch is turned on again. Its connections serve no other request and end with it.
        """
        with self._switch.lifted() as permission:
            try:
                yield
            finally:
                if self._transport is not None:
                    self._transport.end_those_of(permission)

    @contextlib.contextmanager
    def purpose(self, words: str, within_s: float | None = None) -> Iterator[None]:
        """Set the purpose of this thread's requests inside the block, for the ledger; all end within `within_s`."""
        from desktop_llm.net.connections import until
        from desktop_llm.net.transport import purpose

        token = purpose.set(words)
        try:
            with until(None if within_s is None else time.monotonic() + within_s):
                yield
        finally:
            purpose.reset(token)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        purpose: str,
        timeout_s: float = ANSWER_S,
        limit_bytes: int = ANSWER_BYTES,
    ) -> Response:
        """Get a whole answer, at most `limit_bytes` within `timeout_s`; raises TransferError unless it succeeds."""
        from desktop_llm.net.failures import refusal

        end = time.monotonic() + timeout_s
        with self._sent(url, headers, purpose, {"headers_end": end, "total_end": end}) as response:
            if response.status_code == 416:
                raise refusal(416, response.headers, url, token_sent=False)
            parts: list[bytes] = []
            for part in response.iter_raw():
                parts.append(part)
                if sum(map(len, parts)) > limit_bytes:
                    raise causes.TOO_LONG.error(host=rules.host_of(url))
            return Response(response.status_code, _plain(response.headers), str(response.url), b"".join(parts))

    @contextlib.contextmanager
    def open(
        self, url: str, *, headers: Mapping[str, str] | None = None, purpose: str, timeout_s: float = STALL_S
    ) -> Iterator[Incoming]:
        """Open an answer that begins within `timeout_s` and is read piece by piece, for as long as it takes.

        Raises TransferError for all statuses but success and 416, which tells a download how long the file is.
        """
        end = time.monotonic() + timeout_s
        with self._sent(url, headers, purpose, {"headers_end": end, "total_end": None}) as response:
            yield Incoming(response)

    def active(self) -> tuple[Transfer, ...]:
        """The requests under way."""
        return self._transfers.active()

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.end()

    @contextlib.contextmanager
    def _sent(
        self, url: str, headers: Mapping[str, str] | None, purpose: str, ends: Mapping[str, float | None]
    ) -> Iterator[httpx2.Response]:
        rules.check_address(url)  # first, since the library has errors of its own for bad addresses
        client = self.client()
        request = client.build_request("GET", url, headers=dict(headers or {}), extensions=dict(ends))
        with self.purpose(purpose):
            response = client.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()


def _plain(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
