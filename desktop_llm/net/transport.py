"""The HTTP client and its only way to the network, which refuses, records and limits requests, and turns failures into
sentences.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore2
import httpx2
import truststore

import desktop_llm.net.causes as causes
import desktop_llm.net.failures as failures
import desktop_llm.net.rules as rules
from desktop_llm.errors import TransferError
from desktop_llm.net.connections import Connections, Stream, earliest, until
from desktop_llm.net.ledger import RunningRequest, Transfers
from desktop_llm.net.rules import permission

ANSWER_S = 25.0
ANSWER_BYTES = 64 << 20
READ_S = 15.0
_SENT_ON = range(300, 400)
_TIMES = {"connect": 10.0, "read": READ_S, "write": 15.0, "pool": 30.0}
# The purpose of this thread's requests, for the ledger.
purpose: ContextVar[str] = ContextVar("purpose", default="request")


def new_client(transport: Transport) -> httpx2.Client:
    """A client without cookies, netrc or compression that follows only allowed redirects."""
    return httpx2.Client(
        transport=transport,
        event_hooks={"request": [_prepare], "response": [_check]},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=True,
        max_redirects=rules.MAX_REDIRECTS + 1,  # `_check` stops earlier, with a sentence
        trust_env=False,  # the transport asks for proxies itself; no secrets come from a .netrc file
    )


class Transport(httpx2.BaseTransport):
    """Takes a request to its host, through the environment's proxy if there is one.

    A request's answer must begin by `extensions["headers_end"]` (time.monotonic), however often it is redirected, and
    end by `extensions["total_end"]`; None allows any time and any length, as a download needs. Every failure
    leaves as a TransferError, which the hub's library passes on without trying again.
    """

    def __init__(self, connections: Connections, transfers: Transfers) -> None:
        self._connections = connections
        self._transfers = transfers
        self._pools: dict[tuple[str, str, object], httpcore2.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Refuse the request, or record and send it. The answer's body is a `Body`, also at `extensions["body"]`."""
        host = request.url.host
        if not self._connections.allowed():
            raise causes.OFFLINE.error(host=host)
        proxy = _proxy_for(request.url)
        shown = rules.host_of(proxy) if proxy else ""
        pool = self._pool(request.url.scheme, proxy, host)
        place = f"{host}:{request.url.port}" if request.url.port else host  # the port only if it is not the usual one
        running = self._transfers.begin(f"{place} via {shown}" if shown else place, purpose.get(), _size(request))
        usual_end = time.monotonic() + ANSWER_S
        exchange = _Exchange(running, host, shown, self._connections, self._transfers)
        exchange.end, exchange.limit_bytes = earliest(request.extensions.get("headers_end", usual_end)), ANSWER_BYTES
        with exchange.watched(), until(exchange.end):
            answer = pool.handle_request(_for_core(request))
        if answer.status not in _SENT_ON:  # the body of a redirect is read and thrown away
            total_end = request.extensions.get("total_end", usual_end)
            exchange.end, exchange.limit_bytes = earliest(total_end), None if total_end is None else ANSWER_BYTES
        return _answer(answer, Body(answer, exchange))

    def cut_all(self) -> None:
        """End every connection at once, even those that other threads are reading from."""
        self._connections.cut_all()

    def end(self) -> None:
        """End every connection for good. (`close` does nothing, since several clients share one transport.)"""
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
            raise causes.PROXY_UNKNOWN.error(host=host, proxy=f"{parts.scheme}://{parts.hostname}")
        if parts.username:
            settings["proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
        place = f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        trust = _trust() if parts.scheme == "https" else None
        return httpcore2.HTTPProxy(place, proxy_ssl_context=trust, **settings)


class _Exchange:
    """One request and its whole answer: turns failures into sentences, and completes the ledger's row."""

    def __init__(
        self,
        running: RunningRequest,
        host: str,
        proxy: str,
        connections: Connections,
        transfers: Transfers,
    ) -> None:
        self.running = running
        self.host = host
        self.end: float | None = None  # the moment by which the current stage must be over
        self.limit_bytes: int | None = None
        self._proxy = proxy
        self._connections = connections
        self._transfers = transfers

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Record a failure inside the block, and raise it as a TransferError."""
        try:
            yield
        except failures.NETWORK_ERRORS as error:
            raise self.failed(self._words(error)) from error
        except BaseException:
            self.over()
            raise

    def failed(self, error: TransferError) -> TransferError:
        """Record the failure; returns the error, to be raised."""
        self.running.result = error.cause
        self.over()
        return error

    def over(self) -> None:
        """Complete the ledger's row."""
        self._transfers.end(self.running)

    def _words(self, error: Exception) -> TransferError:
        if not self._connections.allowed():
            return causes.TURNED_OFFLINE.error(host=self.host)
        if self.end is not None and time.monotonic() >= self.end:
            return causes.TOO_SLOW.error(host=self.host)
        return failures.failure(error, self.host, self._proxy)


class Body(httpx2.SyncByteStream):
    """The bytes of an answer as they arrive: by the library's iteration, or into the caller's buffer.

    The library hands out small pieces through its parser. Once its own buffer is empty, and if the length is known, the
    rest is read from the connection itself: about twice as fast, and as fast as curl. Such a connection is not used
    again.
    """

    def __init__(self, answer: httpcore2.Response, exchange: _Exchange) -> None:
        self._answer = answer
        self._exchange = exchange
        self._pieces: Iterator[bytes] | None = None
        self._piece = memoryview(b"")
        self._left = _length(answer)
        self._bypassed = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._next_piece():
            yield piece

    def read_into(self, buffer: memoryview, timeout_s: float) -> int:
        """Fill the front of `buffer`; returns the number of bytes, 0 at the end of the body."""
        if not self._piece and not self._is_direct():
            self._piece = memoryview(self._next_piece())
        if self._piece:
            count = min(len(self._piece), len(buffer))
            buffer[:count] = self._piece[:count]
            self._piece = self._piece[count:]
            return count
        return self._read_direct(buffer, timeout_s) if self._is_direct() else 0

    def wait(self, timeout_s: float) -> bool:
        """Whether `read_into` would return within the timeout; True if unknown."""
        if self._piece or not self._is_direct() or self._left == 0:
            return True
        with self._exchange.watched():
            ready: bool = self._stream.wait(timeout_s)
        return ready

    def close(self) -> None:
        """Give the connection back, or end it if the body was not read to its end."""
        if not self._closed:
            self._closed = True
            self._answer.close()
            self._exchange.over()

    def fail(self, error: TransferError) -> TransferError:
        """Record why the answer was refused; returns the error, to be raised."""
        self._exchange.failed(error)
        self.close()
        return error

    @property
    def _stream(self) -> Any:
        return self._answer.extensions.get("network_stream")

    def _is_direct(self) -> bool:
        """Whether the parser holds no bytes of the body and the number of bytes left is known."""
        stream = self._stream
        if self._left is None or not isinstance(stream, Stream):
            return False
        return self._pieces is not None or stream.ended_with_headers

    def _next_piece(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._answer.iter_stream()
        with self._exchange.watched(), until(self._exchange.end):
            piece = next(self._pieces, b"")
        self._count(len(piece))
        if self._exchange.limit_bytes is not None and self._exchange.running.bytes_in > self._exchange.limit_bytes:
            raise self.fail(causes.TOO_LONG.error(host=self._exchange.host))
        return piece

    def _read_direct(self, buffer: memoryview, timeout_s: float) -> int:
        if not self._left:
            return 0 if self._bypassed else len(self._next_piece())
        self._bypassed = True
        with self._exchange.watched():
            count: int = self._stream.read_into(buffer[: self._left], timeout_s)
            if not count:
                raise httpcore2.RemoteProtocolError("peer closed connection without sending complete message body")
        self._count(count)
        return count

    def _count(self, count: int) -> None:
        self._exchange.running.received(count)
        if self._left is not None:
            self._left -= count
        if not count or self._left == 0:
            self._exchange.running.result = "ok"


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
    """The size of the request in bytes: its line, headers and body."""
    line = len(request.method) + len(request.url.raw_path) + 12
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    return line + headers + 2 + int(request.headers.get("content-length", 0))


def _length(answer: httpcore2.Response) -> int | None:
    """The announced length of the body; None if the body comes in chunks."""
    headers = {name.lower(): value for name, value in answer.headers}
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in headers else None


def _proxy_for(url: httpx2.URL) -> str:
    """The environment's or the system's proxy for this address, or ""; this computer itself is reached without one."""
    if rules.is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _trust() -> ssl.SSLContext:
    """The certificates that this computer's system trusts, including a company's own."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _prepare(request: httpx2.Request) -> None:
    """Check that the address of a request, even a redirected one, is encrypted, and set headers that reveal nothing."""
    rules.check_address(str(request.url))
    request.headers["User-Agent"] = rules.USER_AGENT
    # A compressed body has no byte ranges and no known length.
    request.headers["Accept-Encoding"] = "identity"


def _check(response: httpx2.Response) -> None:
    """Check an answer once its headers are here; raises TransferError if the answer is of no use."""
    body: Body = response.extensions["body"]
    try:
        if response.has_redirect_location:
            _check_redirect(response)
        elif response.status_code in range(300, 400):
            raise causes.NOT_UNDERSTOOD.error(host=response.url.host)
        elif response.status_code >= 400 and response.status_code != 416:
            sent = "authorization" in response.request.headers
            raise failures.refusal(response.status_code, response.headers, str(response.url), token_sent=sent)
        elif response.headers.get("content-type", "").startswith("text/html"):
            raise causes.LOGIN_PAGE.error(host=response.url.host)
        elif _is_packed(response):
            raise causes.NOT_UNDERSTOOD.error(host=response.url.host)
    except TransferError as error:
        raise body.fail(error) from None


def _is_packed(response: httpx2.Response) -> bool:
    """Whether a short answer is compressed, unasked: unpacked, it might fill the memory. Downloads check themselves."""
    packed = response.headers.get("content-encoding", "identity") not in ("", "identity")
    return packed and response.request.extensions.get("total_end", 0.0) is not None


def _check_redirect(response: httpx2.Response) -> None:
    extensions = response.request.extensions
    extensions["redirects"] = extensions.get("redirects", 0) + 1  # the next request inherits them
    try:
        target = response.url.join(response.headers["location"])
    except httpx2.InvalidURL:
        raise causes.NOT_UNDERSTOOD.error(host=response.url.host) from None
    rules.check_redirect(str(response.url), str(target), extensions["redirects"])
