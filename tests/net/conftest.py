"""A net with its own ledger, a hub with and without TLS, and a proxy that leads to it."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from tests.hub import LocalHub

CERTIFICATE = Path(__file__).with_name("server.pem")  # self-signed, for localhost and huggingface.co, until 2120
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests away from the proxies of the person who runs them."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def net(ledger: Ledger) -> Iterator[Net]:
    net = Net(ledger)
    yield net
    net.close()


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as hub:
        yield hub


@pytest.fixture
def tls_hub() -> Iterator[LocalHub]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with LocalHub(tls=context) as hub:
        yield hub


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the system trust the test's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


class Proxy(socketserver.ThreadingTCPServer):
    """Answers CONNECT with `answer`; after a 200 every tunnel leads to `target` on this computer."""

    allow_reuse_address = True

    def __init__(self, answer: bytes, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.answer = answer
        self.target = target
        self.asked: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Tunnel(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(4096)
        self.server.asked.append(head.decode().splitlines()[0])
        self.request.sendall(b"HTTP/1.1 " + self.server.answer + b"\r\nContent-Length: 0\r\n\r\n")
        if self.server.answer.startswith(b"200"):
            with socket.create_connection(("127.0.0.1", self.server.target)) as there, contextlib.suppress(OSError):
                _carry(self.request, there)


def _carry(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            (other if ready is one else one).sendall(data)
