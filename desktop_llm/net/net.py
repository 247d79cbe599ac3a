"""What the rest of the app sees of the network: one object that refuses while Offline is on and records the rest."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from desktop_llm.models.ledger import Ledger
from desktop_llm.net import rules
from desktop_llm.net.switch import Switch
from desktop_llm.net.transfers import Transfer, Transfers, Unanswered

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
    """An answer whose body is read as it comes."""

    def __init__(self, response: httpx2.Response) -> None:
        first = response.history[0] if response.history else response
        self.status = response.status_code
        self.url = str(response.url)
        self.headers: Mapping[str, str] = _plain(response.headers)
        # Those of the address that was asked first, before it sent us on: the hub's own, with commit and checksum.
        self.origin_headers: Mapping[str, str] = _plain(first.headers)
        self._body: Body = response.extensions["body"]

    def read_into(self, buffer: memoryview, timeout_s: float = STALL_S) -> int:
        """Fill the front of `buffer` with what is there; the number of bytes, 0 at the end.

        Raises TransferError where the connection breaks, ends early or is silent for `timeout_s`.
        """
        return self._body.read_into(buffer, timeout_s)

    def wait(self, timeout_s: float) -> bool:
        """Whether there is something to read within so long; lets the caller look up from time to time."""
        return self._body.wait(timeout_s)


class Net:
    """The client of this process; any thread may use it. The HTTP library comes in with the first request."""

    def __init__(self, ledger: Ledger, *, offline: bool = False) -> None:
        self._transfers = Transfers(ledger)
        self._switch = Switch(on=offline)
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    @property
    def offline(self) -> bool:
        """Whether nothing may leave but what was let out; turning it on ends every transfer under way, that too."""
        return self._switch.on

    @offline.setter
    def offline(self, offline: bool) -> None:
        self._switch.turn(on=offline)
        if offline and self._transport is not None:
            self._transport.cut_all()

    @property
    def unanswered(self) -> Unanswered | None:
        """The request that ended last, if nobody answered it."""
        return self._transfers.unanswered

    def client(self) -> httpx2.Client:
        """A client on the one transport, for us and for the hub's library, which closes its own as it likes.

        What fails in it is a TransferError and nothing else, so that the library doesn't try again by itself.
        """
        from desktop_llm.net.client import new_client
        from desktop_llm.net.connections import Connections
        from desktop_llm.net.transport import Transport

        with self._lock:
            if self._transport is None:
                self._transport = Transport(Connections(self._switch.lets_out), self._transfers)
            return new_client(self._transport)

    @contextlib.contextmanager
    def lifted(self) -> Iterator[None]:
        """Let out the requests inside, of this thread alone, although Offline is on.

        It lasts until the switch is turned on anew. Their connections serve nothing else, and end with it.
        """
        with self._switch.lifted() as permission:
            try:
                yield
            finally:
                if self._transport is not None:
                    self._transport.end_those_of(permission)

    @contextlib.contextmanager
    def purpose(self, words: str, within_s: float | None = None) -> Iterator[None]:
        """What the requests inside, of this thread, are for; the ledger says it. All end within `within_s`."""
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
        """A whole answer, at most `limit_bytes` within `timeout_s`; raises TransferError for all but success."""
        from desktop_llm.net.answers import refusal, too_long

        end = time.monotonic() + timeout_s
        with self._sent(url, headers, purpose, {"headers_end": end, "total_end": end}) as response:
            if response.status_code == 416:
                raise refusal(416, response.headers, url, token_sent=False)
            parts: list[bytes] = []
            for part in response.iter_raw():
                parts.append(part)
                if sum(map(len, parts)) > limit_bytes:
                    raise too_long(url)
            return Response(response.status_code, _plain(response.headers), str(response.url), b"".join(parts))

    @contextlib.contextmanager
    def open(
        self, url: str, *, headers: Mapping[str, str] | None = None, purpose: str, timeout_s: float = STALL_S
    ) -> Iterator[Incoming]:
        """An answer that begins within `timeout_s` and is read piece by piece, for as long as it takes.

        Raises TransferError for all but success; status 416 is given out, since it tells a download where it stands.
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
        rules.check_address(url)  # before the library sees it: it has errors of its own for what is no address
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
