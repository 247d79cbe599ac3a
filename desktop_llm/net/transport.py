"""The HTTP library's way to the network, and ours alone: it refuses, records, limits, and puts failures into words."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore2
import httpx2
import truststore

from desktop_llm.errors import TransferError
from desktop_llm.net import answers, failures, rules
from desktop_llm.net.connections import Connections, Stream, earliest, until
from desktop_llm.net.switch import permission
from desktop_llm.net.transfers import Running, Transfers

ANSWER_S = 25.0
ANSWER_BYTES = 64 << 20
READ_S = 15.0
_SENT_ON = range(300, 400)
_TIMES = {"connect": 10.0, "read": READ_S, "write": 15.0, "pool": 30.0}
# What the request under way in this thread is for; the ledger says it.
purpose: ContextVar[str] = ContextVar("purpose", default="request")


class Transport(httpx2.BaseTransport):
    """Takes a request to its host, by the environment's proxy where there is one.

    A request's answer must begin by `extensions["headers_end"]` (time.monotonic), however often it is sent on, and end
    by `extensions["total_end"]`; None lets it take any time, as a download does, and have any length. Every failure
    leaves as a TransferError, which the hub's library passes on without trying again.
    """

    def __init__(self, connections: Connections, transfers: Transfers) -> None:
        self._connections = connections
        self._transfers = transfers
        self._pools: dict[tuple[str, str, object], httpcore2.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Refuse, or record and send. The answer's body is a `Body`, also at `extensions["body"]`."""
        host = request.url.host
        if not self._connections.allowed():
            raise failures.offline(host)
        proxy = _proxy_for(request.url)
        shown = rules.host_of(proxy) if proxy else ""
        pool = self._pool(request.url.scheme, proxy, host)
        place = f"{host}:{request.url.port}" if request.url.port else host  # a port only where it is not the usual one
        running = self._transfers.begin(f"{place} via {shown}" if shown else place, purpose.get(), _size(request))
        usual_end = time.monotonic() + ANSWER_S
        run = _Run(running, host, shown, self._connections, self._transfers)
        run.end, run.limit_bytes = earliest(request.extensions.get("headers_end", usual_end)), ANSWER_BYTES
        with run.watched(), until(run.end):
            answer = pool.handle_request(_for_core(request))
        if answer.status not in _SENT_ON:  # whose body is read too, and thrown away
            total_end = request.extensions.get("total_end", usual_end)
            run.end, run.limit_bytes = earliest(total_end), None if total_end is None else ANSWER_BYTES
        return _answer(answer, Body(answer, run))

    def cut_all(self) -> None:
        """End every connection at once, also those that other threads are reading from."""
        self._connections.cut_all()

    def end(self) -> None:
        """End every connection for good. (`close` does nothing: several clients stand on one transport.)"""
        self.cut_all()
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def end_those_of(self, allowed: object) -> None:
        """End the connections that were made with this permission."""
        with self._lock:
            pools = [self._pools.pop(key) for key in list(self._pools) if key[2] is allowed]
        for pool in pools:
            pool.close()

    def _pool(self, scheme: str, proxy: str, host: str) -> httpcore2.ConnectionPool:
        key = (scheme, proxy, permission.get())
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._new_pool(scheme, proxy, host)
            return self._pools[key]

    def _new_pool(self, scheme: str, proxy: str, host: str) -> httpcore2.ConnectionPool:
        settings: dict[str, Any] = {"network_backend": self._connections, "keepalive_expiry": 5.0}
        settings["ssl_context"] = _trust() if scheme == "https" else None
        if not proxy:
            return httpcore2.ConnectionPool(**settings)
        parts = urlsplit(proxy)
        if parts.scheme not in ("http", "https"):
            raise failures.proxy_unknown(host, f"{parts.scheme}://{parts.hostname}")
        if parts.username:
            settings["proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
        place = f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        trust = _trust() if parts.scheme == "https" else None
        return httpcore2.HTTPProxy(place, proxy_ssl_context=trust, **settings)


class _Run:
    """One request from its start to the end of its body: whose failure it is, and when it is over."""

    def __init__(
        self,
        running: Running,
        host: str,
        proxy: str,
        connections: Connections,
        transfers: Transfers,
    ) -> None:
        self.running = running
        self.host = host
        self.end: float | None = None  # the moment by which the present stage must be over
        self.limit_bytes: int | None = None
        self._proxy = proxy
        self._connections = connections
        self._transfers = transfers

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Put what fails inside into words and into the ledger."""
        try:
            yield
        except failures.NETWORK_ERRORS as error:
            raise self.failed(self._words(error)) from error
        except BaseException:
            self.over()
            raise

    def failed(self, error: TransferError) -> TransferError:
        """Record the failure; the error again, for raising."""
        self.running.result = error.cause
        self.over()
        return error

    def over(self) -> None:
        """Complete the ledger's row."""
        self._transfers.end(self.running)

    def _words(self, error: Exception) -> TransferError:
        if not self._connections.allowed():
            return failures.aborted(self.host)
        if self.end is not None and time.monotonic() >= self.end:
            return failures.too_slow(self.host)
        return failures.failure(error, self.host, self._proxy)


class Body(httpx2.SyncByteStream):
    """The bytes of an answer as they come: by the library's iteration, or into a buffer of the caller.

    The library hands out small pieces through its parser. Once it has given what it had already read, and the length
    is known, the rest is read from the connection itself: about twice as fast, and as fast as curl. Such a connection
    is not used again.
    """

    def __init__(self, answer: httpcore2.Response, run: _Run) -> None:
        self._answer = answer
        self._run = run
        self._pieces: Iterator[bytes] | None = None
        self._piece = memoryview(b"")
        self._left = _length(answer)
        self._bypassed = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._next_piece():
            yield piece

    def read_into(self, buffer: memoryview, timeout_s: float) -> int:
        """Fill the front of `buffer`; the number of bytes, 0 at the end of the body."""
        if not self._piece and not self._is_direct():
            self._piece = memoryview(self._next_piece())
        if self._piece:
            count = min(len(self._piece), len(buffer))
            buffer[:count] = self._piece[:count]
            self._piece = self._piece[count:]
            return count
        return self._read_direct(buffer, timeout_s) if self._is_direct() else 0

    def wait(self, timeout_s: float) -> bool:
        """Whether `read_into` would return within so long; True also where it can't be known."""
        if self._piece or not self._is_direct() or self._left == 0:
            return True
        with self._run.watched():
            ready: bool = self._stream.wait(timeout_s)
        return ready

    def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""
        if not self._closed:
            self._closed = True
            self._answer.close()
            self._run.over()

    def fail(self, error: TransferError) -> TransferError:
        """Record why the answer was refused; the error again, for raising."""
        self._run.failed(error)
        self.close()
        return error

    @property
    def _stream(self) -> Any:
        return self._answer.extensions.get("network_stream")

    def _is_direct(self) -> bool:
        """Whether the parser holds nothing of the body, and the rest can be counted."""
        stream = self._stream
        if self._left is None or not isinstance(stream, Stream):
            return False
        return self._pieces is not None or stream.ended_with_headers

    def _next_piece(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._answer.iter_stream()
        with self._run.watched(), until(self._run.end):
            piece = next(self._pieces, b"")
        self._count(len(piece))
        if self._run.limit_bytes is not None and self._run.running.bytes_in > self._run.limit_bytes:
            raise self.fail(answers.too_long(f"//{self._run.host}"))
        return piece

    def _read_direct(self, buffer: memoryview, timeout_s: float) -> int:
        if not self._left:
            return 0 if self._bypassed else len(self._next_piece())
        self._bypassed = True
        with self._run.watched():
            count: int = self._stream.read_into(buffer[: self._left], timeout_s)
            if not count:
                raise httpcore2.RemoteProtocolError("peer closed connection without sending complete message body")
        self._count(count)
        return count

    def _count(self, count: int) -> None:
        self._run.running.received(count)
        if self._left is not None:
            self._left -= count
        if not count or self._left == 0:
            self._run.running.result = "ok"


def _answer(answer: httpcore2.Response, body: Body) -> httpx2.Response:
    extensions = {**answer.extensions, "body": body}
    return httpx2.Response(status_code=answer.status, headers=answer.headers, stream=body, extensions=extensions)


def _for_core(request: httpx2.Request) -> httpcore2.Request:
    asked = request.extensions.get("timeout", {})
    timeout = {name: asked.get(name) or default for name, default in _TIMES.items()}
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions={"timeout": timeout},
    )


def _size(request: httpx2.Request) -> int:
    """The bytes of the request: its line, its headers, its body."""
    line = len(request.method) + len(request.url.raw_path) + 12
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    return line + headers + 2 + int(request.headers.get("content-length", 0))


def _length(answer: httpcore2.Response) -> int | None:
    """The announced length of the body; None where it is told piece by piece."""
    headers = {name.lower(): value for name, value in answer.headers}
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in headers else None


def _proxy_for(url: httpx2.URL) -> str:
    """The environment's (or the system's) proxy for this address; this computer itself is reached without one."""
    if rules.is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _trust() -> ssl.SSLContext:
    """What this computer's system trusts, a company's own certificates too."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
