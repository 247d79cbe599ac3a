"""One request and its answer, and the simplest ways to answer badly."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.content import Blob

if TYPE_CHECKING:
    from tests.hub.server import Handler, LocalHub


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case
    host: str  # the host name the client used, without the port


class Exchange:
    """One request and the ways to answer it; a behaviour gets it to decide."""

    def __init__(self, hub: LocalHub, handler: Handler) -> None:
        parts = urlsplit(handler.path)
        self.hub = hub
        self.method = handler.command
        self.target = handler.path
        self.path = unquote(parts.path)
        self.query = parse_qs(parts.query)
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length", 0)))
        self.count = 0  # the number of earlier requests for this path
        self.socket: socket.socket = handler.connection
        self._handler = handler

    @property
    def token(self) -> str:
        """The bearer token, or "" if there is none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def range(self, size_bytes: int) -> tuple[int, int] | None:
        """The asked-for (start, end) of `bytes=N-` or `bytes=N-M`, or None."""
        asked = self.headers.get("range", "")
        if not asked.startswith("bytes="):
            return None
        first, _, last = asked.removeprefix("bytes=").partition("-")
        return int(first), min(size_bytes, int(last) + 1) if last else size_bytes

    def start(self, code: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers; the caller sends the body."""
        self._handler.send_response(code)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def send(self, code: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.start(code, {"Content-Length": str(len(body)), **(headers or {})})
        if self.method != "HEAD":
            self.raw(body)

    def send_json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer in JSON."""
        self.send(
            200, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        )

    def refuse(self, code: int, error: str, message: str) -> None:
        """Send an error in the hub's words."""
        words = {"X-Error-Code": error, "X-Error-Message": message, "Content-Type": "application/json; charset=utf-8"}
        self.send(code, json.dumps({"error": message}).encode(), words)

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(data)

    def send_blob(self, blob: Blob, start: int, end: int) -> None:
        """Send part of a file's bytes in the quickest way."""
        if blob.path:
            with blob.path.open("rb") as file:
                self.socket.sendfile(file, start, end - start)
            return
        for part in blob.parts(start, end):
            self.raw(part)

    def hang_up(self) -> None:
        """Cut the connection now."""
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Do nothing for this time, or until the hub stops."""
        self.hub.stopping.wait(seconds)


# True if it has answered; False lets the hub go on as usual.
Behaviour = Callable[[Exchange], bool]


def status(code: int, *, body: bytes = b"", headers: Mapping[str, str] | None = None, times: int = 0) -> Behaviour:
    """Make a behaviour that answers with this, always or the first `times` times."""
    left = itertools.count(1)

    def behave(exchange: Exchange) -> bool:
        if times and next(left) > times:
            return False
        exchange.send(code, body, headers)
        return True

    return behave


def silent(exchange: Exchange) -> bool:
    """Accept the request and never answer."""
    exchange.wait(600)
    exchange.hang_up()
    return True


def cut(exchange: Exchange) -> bool:
    """Hang up without an answer."""
    exchange.hang_up()
    return True
