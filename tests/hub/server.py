"""The server of the local hub: it listens, records the requests, and lets behaviours answer first."""

from __future__ import annotations

import contextlib
import fnmatch
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.hub.content import Blob, Repo
from tests.hub.exchange import Behaviour, Exchange, Seen
from tests.hub.routes import route

GOOD_TOKEN = "hf_good"


class LocalHub:
    """The server; it runs in its own threads from `start` to `stop`."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.repos: dict[str, Repo] = {}
        self.tokens: dict[str, str] = {GOOD_TOKEN: "a-person"}
        self.seen: list[Seen] = []
        self.stopping = threading.Event()
        self._cdn_url = ""
        self._behaviours: list[tuple[str, Behaviour]] = []
        self._server = _Server(port, self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="hub", daemon=True)

    @property
    def url(self) -> str:
        """The address for HF_ENDPOINT."""
        return f"{self._server.scheme}://127.0.0.1:{self.port}"

    @property
    def cdn_url(self) -> str:
        """The address that requests for large files are redirected to: the same server under another host name."""
        return self._cdn_url or f"{self._server.scheme}://localhost:{self.port}"

    @cdn_url.setter
    def cdn_url(self, url: str) -> None:
        self._cdn_url = url

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 that it listens on."""
        port: int = self._server.server_address[1]
        return port

    def add(
        self,
        repo_id: str,
        files: Mapping[str, bytes | Path | Blob],
        *,
        downloads: int = 0,
        likes: int = 0,
        trending: int = 0,
        license: str = "apache-2.0",
        task: str = "text-generation",
        languages: tuple[str, ...] = ("en",),
        modified: str = "2026-11-01T12:00:00.000Z",
        gguf: Mapping[str, Any] | None = None,
        gated: bool = False,
        private: bool = False,
    ) -> Repo:
        """Publish a repository; search shows and sorts by the keywords."""
        tags = ["gguf", *languages, *([f"license:{license}"] if license else []), "region:us", "conversational"]
        shape = {"total": 494_032_768, "architecture": "qwen2", "context_length": 32_768, "chat_template": "{{ }}"}
        facts = {
            **{"author": repo_id.split("/")[0], "downloads": downloads, "likes": likes, "trendingScore": trending},
            **{"tags": tags, "pipeline_tag": task, "library_name": "gguf", "lastModified": modified},
            **{"createdAt": modified, "disabled": False, "gguf": dict(gguf or shape)},
            "cardData": {"license": license, "language": list(languages)},
        }
        repo = Repo(repo_id, facts, private, gated)
        repo.put(files)
        self.repos[repo_id] = repo
        return repo

    def add_folder(self, folder: Path) -> None:
        """Publish every `<owner>/<name>/` below a folder."""
        for place in sorted(folder.glob("*/*/")):
            names = sorted(path for path in place.rglob("*") if path.is_file())
            self.add("/".join(place.parts[-2:]), {path.relative_to(place).as_posix(): path for path in names})

    def behave(self, pattern: str, behaviour: Behaviour) -> None:
        """Let `behaviour` see requests first if their path matches the pattern; the last one added comes first."""
        self._behaviours.insert(0, (pattern, behaviour))

    def behave_well(self) -> None:
        """Forget all behaviours."""
        self._behaviours.clear()

    def asked(self, pattern: str = "*", method: str = "") -> list[Seen]:
        """The requests so far whose path matches."""
        return [seen for seen in self.seen if fnmatch.fnmatchcase(seen.path, pattern) and method in ("", seen.method)]

    def start(self) -> Self:
        """Start answering."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Cut every connection and end all threads."""
        self.stopping.set()
        self._server.shutdown()
        self._server.cut_all()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, exchange: Exchange) -> None:
        """Ask the behaviours first, then answer as the real hub would."""
        exchange.count = sum(seen.path == exchange.path for seen in self.seen)
        host = exchange.headers.get("host", "").rpartition(":")[0]
        self.seen.append(Seen(exchange.method, exchange.path, exchange.query, exchange.headers, host))
        for pattern, behaviour in list(self._behaviours):
            if fnmatch.fnmatchcase(exchange.path, pattern) and behaviour(exchange):
                return
        route(self, exchange)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, hub: LocalHub, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.hub = hub
        self.scheme = "https" if tls else "http"
        self._tls = tls
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls:  # the thread that answers does the handshake
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that has left is no error
            super().handle_error(request, client_address)

    def cut_all(self) -> None:
        """End open connections, so that no thread waits for a client that keeps one."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the hub."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self.server.hub.answer(Exchange(self.server.hub, self))

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: tests read `seen` instead."""

    def version_string(self) -> str:
        return "local-hub"

    def send_response(self, code: int, message: str | None = None) -> None:
        try:
            super().send_response(code, message or HTTPStatus(code).phrase)
        except ValueError:
            super().send_response(code, message or "Unknown")
