"""Opens every connection, and ends all of them at once when Offline is turned on."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore2

CONNECT_S = 10.0
_LEAST_ATTEMPT_S = 2.5
_LOOK_S = 0.1
# The moment (time.monotonic) by which this thread's request must be answered in full.
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextlib.contextmanager
def until(moment: float | None) -> Iterator[None]:
    """Let no read inside the block last beyond this moment, or beyond an earlier one set by a block around it."""
    token = deadline.set(earliest(moment))
    try:
        yield
    finally:
        deadline.reset(token)


def earliest(moment: float | None) -> float | None:
    """This moment, or the one already set if that is earlier."""
    return min((end for end in (moment, deadline.get()) if end is not None), default=None)


class Stream(httpcore2.NetworkStream):
    """One connection; beside what the library needs, it reads into the caller's buffer, which is twice as fast."""

    def __init__(self, connection: socket.socket, owner: Connections) -> None:
        self._socket = connection
        self._owner = owner
        self._last = b""
        owner.opened(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _mapped(httpcore2.ReadTimeout, httpcore2.ReadError):
            self._socket.settimeout(_time_left(timeout))
            data = self._socket.recv(max_bytes)
        self._last = data[-4:]
        return data

    @property
    def ended_with_headers(self) -> bool:
        """Whether the last `read` ended exactly with the headers, so that the parser holds no bytes of a body."""
        return self._last == b"\r\n\r\n"

    def read_into(self, buffer: memoryview, timeout: float) -> int:
        """Fill the front of `buffer` with the bytes that are there; returns how many, 0 at the end."""
        with _mapped(httpcore2.ReadTimeout, httpcore2.ReadError):
            if self._socket.gettimeout() != timeout:
                self._socket.settimeout(timeout)
            return self._socket.recv_into(buffer)

    def wait(self, timeout: float) -> bool:
        """Whether there is something to read within the timeout."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return _readable(self._socket, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _mapped(httpcore2.WriteTimeout, httpcore2.WriteError):
            self._socket.settimeout(_time_left(timeout))
            self._socket.sendall(buffer)

    def close(self) -> None:
        self._owner.closed(self)
        self._socket.close()

    def cut(self) -> None:
        """End the connection from another thread; a read that waits on it wakes up."""
        with contextlib.suppress(OSError):
            # The plain socket below TLS is the only part that any thread may end.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        self._owner.closed(self)
        with _mapped(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            self._socket.settimeout(_time_left(timeout))
            try:
                return Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._owner)
            except BaseException:
                self._socket.close()
                raise

    def get_extra_info(self, info: str) -> Any:
        """Give the connection pool the TLS object, or tell it whether an idle connection has ended."""
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "is_readable":
            return self._socket.fileno() < 0 or _readable(self._socket, 0)
        return None


class Connections(httpcore2.NetworkBackend):
    """All open connections; the only class that opens one."""

    def __init__(self, allowed: Callable[[], bool]) -> None:
        self.allowed = allowed
        self._open: set[Stream] = set()
        self._opening: set[socket.socket] = set()
        self._cuts = 0
        self._lock = threading.Lock()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Stream:
        """Try each address of the host in turn, all within `timeout`."""
        with _mapped(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            return self._connect(host, port, time.monotonic() + (timeout or CONNECT_S))

    def opened(self, stream: Stream) -> None:
        """Register a new connection; if it comes too late, end it at once."""
        with self._lock:
            self._open.add(stream)
        if not self.allowed():
            stream.cut()

    def closed(self, stream: Stream) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(stream)

    def cut_all(self) -> None:
        """End every connection, including idle ones and those being opened."""
        with self._lock:
            self._cuts += 1
            streams, opening = list(self._open), list(self._opening)
        for stream in streams:
            stream.cut()
        for connection in opening:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _connect(self, host: str, port: int, end: float) -> Stream:
        cuts = self._cuts
        addresses = _resolve(host, port, end, lambda: self._cuts == cuts)
        problem: OSError = TimeoutError("timed out")
        for place, address in enumerate(addresses):
            left = end - time.monotonic()
            if self._cuts != cuts or not self.allowed():
                raise ConnectionAbortedError("cut")
            if left <= 0:
                break
            try:
                return self._try(address, min(left, max(_LEAST_ATTEMPT_S, left / (len(addresses) - place))))
            except OSError as error:
                problem = error
        raise problem

    def _try(self, address: Any, timeout: float) -> Stream:
        family, kind, protocol, _, place = address
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            with self._lock:
                self._opening.add(connection)
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Stream(connection, self)
        except BaseException:
            connection.close()
            raise
        finally:
            with self._lock:
                self._opening.discard(connection)


def _resolve(host: str, port: int, end: float, wanted: Callable[[], bool]) -> list[Any]:
    """Look up the host's addresses, in a thread because a dead name server blocks the call for a minute or more.

    Waits until `end` (time.monotonic) at most, and only while they are `wanted`.
    """
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    while True:
        try:
            answer = answers.get(timeout=max(0.0, min(_LOOK_S, end - time.monotonic())))
            break
        except queue.Empty:
            if not wanted():
                raise ConnectionAbortedError("cut") from None
            if time.monotonic() >= end:
                raise socket.gaierror(socket.EAI_AGAIN, "no name server answered in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _readable(connection: socket.socket, timeout: float) -> bool:
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(connection, selectors.EVENT_READ)
        except ValueError:  # closed by another thread; the next read reports it
            return True
        return bool(selector.select(timeout))


def _time_left(timeout: float | None) -> float | None:
    """The timeout for one step: no longer than the time left for the whole request."""
    end = deadline.get()
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left if timeout is None else min(timeout, left)


@contextlib.contextmanager
def _mapped(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
