"""A small Hugging Face on 127.0.0.1: the parts of its API that the app uses, and a way to make any of them misbehave.

    with LocalHub() as hub:
        hub.add("maker/Tiny-GGUF", {"tiny-Q4_K_M.gguf": data, "README.md": b"# Tiny"}, downloads=12)
        ...  # HF_ENDPOINT=hub.url
        hub.behave("/api/models*", status(503))

`python -m tests.hub FOLDER` serves FOLDER/<owner>/<name>/<files> until Ctrl+C and prints its address. Files that the
real hub keeps in large file storage are answered by a redirect to `cdn_url`, which is another host.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import hashlib
import itertools
import json
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

LARGE_SUFFIXES = (".gguf", ".safetensors", ".bin")
PAGE_LIMIT = 1_000
GOOD_TOKEN = "hf_good"
_SORT_FIELDS = {"lastModified", "createdAt", "trendingScore", "downloads", "likes"}


@dataclass
class Blob:
    """One file's content; `head` bytes and zeros up to `size_bytes`, or a file on disk, stand for large ones."""

    head: bytes = b""
    path: Path | None = None
    size_bytes: int = -1
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.size_bytes < 0:
            self.size_bytes = self.path.stat().st_size if self.path else len(self.head)
        if not self.sha256:
            digest = hashlib.sha256()
            for part in self.parts(0, self.size_bytes):
                digest.update(part)
            self.sha256 = digest.hexdigest()

    def parts(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, a MiB at a time."""
        step = 1 << 20
        if self.path:
            with self.path.open("rb") as file:
                file.seek(start)
                while start < end and (part := file.read(min(step, end - start))):
                    start += len(part)
                    yield part
            return
        while start < end:
            part = self.head[start : min(end, start + step)] or bytes(min(step, end - start))
            start += len(part)
            yield part


@dataclass
class Repo:
    """One repository; `put` makes a new commit and older ones stay readable."""

    id: str
    facts: dict[str, Any]
    private: bool = False
    gated: bool = False
    granted: set[str] = field(default_factory=set)  # tokens that may read a gated or private one
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    revision: str = ""

    def put(self, files: Mapping[str, bytes | Path | Blob]) -> str:
        """Commit these files over the present ones; the new commit's id."""
        content = dict(self.commits.get(self.revision, {}))
        content.update({name: _blob(source) for name, source in files.items()})
        state = f"{self.id} {len(self.commits)} {[(name, blob.sha256) for name, blob in content.items()]}"
        self.revision = hashlib.sha1(state.encode()).hexdigest()
        self.commits[self.revision] = content
        return self.revision

    def at(self, revision: str) -> tuple[str, dict[str, Blob]] | None:
        """The commit and files at a branch name or commit id."""
        commit = self.revision if revision in ("", "main") else revision
        return (commit, self.commits[commit]) if commit in self.commits else None

    def info(self, expand: list[str], *, blobs: bool = False, revision: str = "") -> dict[str, Any]:
        """The API's description of the model."""
        commit, files = self.at(revision) or (self.revision, {})
        siblings: list[dict[str, Any]] = [{"rfilename": name} for name in files]
        if blobs:
            siblings = [{"rfilename": name, **_metadata(name, blob, "blobId")} for name, blob in files.items()]
        whole = {**self.facts, "private": self.private, "gated": "auto" if self.gated else False}
        whole |= {"sha": commit, "siblings": siblings}
        shown = {name: value for name, value in whole.items() if not expand or name in expand}
        return {"_id": hashlib.md5(self.id.encode()).hexdigest()[:24], "id": self.id, "modelId": self.id, **shown}


def _blob(source: bytes | Path | Blob) -> Blob:
    if isinstance(source, Blob):
        return source
    return Blob(path=source) if isinstance(source, Path) else Blob(head=source)


def _is_large(name: str, blob: Blob) -> bool:
    return name.endswith(LARGE_SUFFIXES) or blob.size_bytes > 10 << 20


def _metadata(name: str, blob: Blob, id_field: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"size": blob.size_bytes, id_field: blob.sha256[:40]}
    if _is_large(name, blob):
        shown["lfs"] = {"sha256": blob.sha256, "oid": blob.sha256, "size": blob.size_bytes, "pointerSize": 135}
    return shown


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case
    host: str  # what the client called us, without the port


class Exchange:
    """One request and the way to answer it; what a behaviour gets to decide with."""

    def __init__(self, hub: LocalHub, handler: _Handler) -> None:
        parts = urlsplit(handler.path)
        self.hub = hub
        self.method = handler.command
        self.target = handler.path
        self.path = unquote(parts.path)
        self.query = parse_qs(parts.query)
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length", 0)))
        self.count = 0  # how many requests for this path came before
        self.socket: socket.socket = handler.connection
        self._handler = handler

    @property
    def token(self) -> str:
        """The bearer token, or nothing."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def range(self, size_bytes: int) -> tuple[int, int] | None:
        """The asked-for (start, end) of `bytes=N-` or `bytes=N-M`, or None."""
        asked = self.headers.get("range", "")
        if not asked.startswith("bytes="):
            return None
        first, _, last = asked.removeprefix("bytes=").partition("-")
        return int(first), min(size_bytes, int(last) + 1) if last else size_bytes

    def start(self, code: int, headers: Mapping[str, str]) -> None:
        """Status line and headers alone; the caller sends the body."""
        self._handler.send_response(code)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def send(self, code: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        self.start(code, {"Content-Length": str(len(body)), **(headers or {})})
        if self.method != "HEAD":
            self.raw(body)

    def send_json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer in JSON."""
        self.send(
            200, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        )

    def refuse(self, code: int, error: str, message: str) -> None:
        """An error as the hub words it."""
        words = {"X-Error-Code": error, "X-Error-Message": message, "Content-Type": "application/json; charset=utf-8"}
        self.send(code, json.dumps({"error": message}).encode(), words)

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._handler.wfile.write(data)

    def send_blob(self, blob: Blob, start: int, end: int) -> None:
        """Part of a file's bytes, by the quickest way there is."""
        if blob.path:
            with blob.path.open("rb") as file:
                self.socket.sendfile(file, start, end - start)
            return
        for part in blob.parts(start, end):
            self.raw(part)

    def hang_up(self) -> None:
        """Cut the connection where it is."""
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until the hub stops."""
        self.hub.stopping.wait(seconds)


# True: it has answered. False: the hub goes on as usual.
Behaviour = Callable[[Exchange], bool]


def status(code: int, *, body: bytes = b"", headers: Mapping[str, str] | None = None, times: int = 0) -> Behaviour:
    """Answer with this, always or the first `times` times."""
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
    """Hang up without a word."""
    exchange.hang_up()
    return True


class LocalHub:
    """The server, in threads of its own from `start` to `stop`."""

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
        """What HF_ENDPOINT is to be."""
        return f"{self._server.scheme}://127.0.0.1:{self.port}"

    @property
    def cdn_url(self) -> str:
        """Where large files are redirected to: the same server under another host name."""
        return self._cdn_url or f"{self._server.scheme}://localhost:{self.port}"

    @cdn_url.setter
    def cdn_url(self, url: str) -> None:
        self._cdn_url = url

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
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
        """Publish a repository; the keywords are what search shows and sorts by."""
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
        """Have `behaviour` see requests whose path fits the shell pattern first; the last one added goes first."""
        self._behaviours.insert(0, (pattern, behaviour))

    def behave_well(self) -> None:
        """Forget all behaviours."""
        self._behaviours.clear()

    def asked(self, pattern: str = "*", method: str = "") -> list[Seen]:
        """The requests so far whose path fits."""
        return [seen for seen in self.seen if fnmatch.fnmatchcase(seen.path, pattern) and method in ("", seen.method)]

    def start(self) -> Self:
        """Begin to answer."""
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
        """Behaviours first, then as the real hub would."""
        exchange.count = sum(seen.path == exchange.path for seen in self.seen)
        host = exchange.headers.get("host", "").rpartition(":")[0]
        self.seen.append(Seen(exchange.method, exchange.path, exchange.query, exchange.headers, host))
        for pattern, behaviour in list(self._behaviours):
            if fnmatch.fnmatchcase(exchange.path, pattern) and behaviour(exchange):
                return
        self._route(exchange)

    def _route(self, exchange: Exchange) -> None:
        path = exchange.path
        if path == "/api/models":
            self._list(exchange)
        elif path == "/api/whoami-v2":
            self._whoami(exchange)
        elif path.startswith("/api/models/"):
            self._api(exchange, path.removeprefix("/api/models/").split("/"))
        elif path.startswith("/cdn/"):
            self._cdn(exchange)
        elif "/resolve/" in path:
            self._resolve(exchange)
        else:
            exchange.send(404, b"Not Found")

    def _list(self, exchange: Exchange) -> None:
        asked = {name: values[-1] for name, values in exchange.query.items()}
        found = [repo for repo in self.repos.values() if not repo.private and _fits(repo, exchange.query)]
        if (sort := asked.get("sort", "trendingScore")) in _SORT_FIELDS:
            found.sort(key=lambda repo: repo.facts[sort], reverse=True)
        first = int(base64.b64decode(asked["cursor"])) if "cursor" in asked else 0
        limit = min(int(asked.get("limit", PAGE_LIMIT)), PAGE_LIMIT)
        page = [repo.info(exchange.query.get("expand", [])) for repo in found[first : first + limit]]
        headers = {}
        if first + limit < len(found):
            cursor = quote(base64.b64encode(str(first + limit).encode()).decode())
            rest = "&".join(part for part in urlsplit(exchange.target).query.split("&") if "cursor=" not in part)
            headers["Link"] = f'<{self.url}/api/models?{rest}&cursor={cursor}>; rel="next"'
        exchange.send_json(page, headers)

    def _whoami(self, exchange: Exchange) -> None:
        if (name := self.tokens.get(exchange.token)) is None:
            exchange.refuse(401, "", "Invalid credentials in Authorization header")
            return
        access = {"accessToken": {"displayName": "desktop", "role": "read"}}
        exchange.send_json({"type": "user", "name": name, "auth": {"type": "access_token", **access}})

    def _api(self, exchange: Exchange, parts: list[str]) -> None:
        repo = self._readable(exchange, "/".join(parts[:2]))
        if repo is None:
            return
        what, rest = (parts[2], parts[3:]) if len(parts) > 2 else ("", [])
        revision = rest[0] if rest else ""
        if repo.at(revision) is None:
            exchange.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif what in ("", "revision"):
            expand, blobs = exchange.query.get("expand", []), "blobs" in exchange.query
            exchange.send_json(repo.info(expand, blobs=blobs, revision=revision))
        elif what in ("tree", "paths-info"):
            self._tree(exchange, repo, revision, what)
        else:
            exchange.send(404, b"Not Found")

    def _tree(self, exchange: Exchange, repo: Repo, revision: str, what: str) -> None:
        _, files = repo.at(revision) or ("", {})
        names = list(files)
        if what == "paths-info":
            names = [name for name in parse_qs(exchange.body.decode()).get("paths", []) if name in files]
        rows = [{"type": "file", "path": name, **_metadata(name, files[name], "oid")} for name in names]
        exchange.send_json(rows)

    def _resolve(self, exchange: Exchange) -> None:
        repo_id, _, rest = exchange.path.removeprefix("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        repo = self._readable(exchange, repo_id, content=True)
        if repo is None:
            return
        found = repo.at(revision)
        if found is None:
            exchange.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        commit, files = found
        if name not in files:
            exchange.refuse(404, "EntryNotFound", "Entry not found")
            return
        self._send_entry(exchange, commit, name, files[name])

    def _send_entry(self, exchange: Exchange, commit: str, name: str, blob: Blob) -> None:
        known = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not _is_large(name, blob):
            self._send_bytes(exchange, blob, {**known, "ETag": f'"{blob.sha256[:40]}"'})
            return
        linked = {"X-Linked-ETag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size_bytes)}
        place = f"{self.cdn_url}/cdn/{blob.sha256}?signature={len(self.seen)}"
        exchange.send(302, b"Found", {**known, **linked, "Location": place})

    def _cdn(self, exchange: Exchange) -> None:
        wanted = exchange.path.removeprefix("/cdn/")
        every = (files for repo in self.repos.values() for files in repo.commits.values())
        blob = next((blob for files in every for blob in files.values() if blob.sha256 == wanted), None)
        if blob is None:
            exchange.send(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
            return
        self._send_bytes(exchange, blob, {"ETag": f'"{blob.sha256}"', "Accept-Ranges": "bytes"})

    def _send_bytes(self, exchange: Exchange, blob: Blob, headers: dict[str, str]) -> None:
        size = blob.size_bytes
        asked = exchange.range(size)
        if (condition := exchange.headers.get("if-range")) and condition != headers["ETag"]:
            asked = None
        if asked and asked[0] >= size:
            exchange.send(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        start, end = asked or (0, size)
        headers |= {"Content-Type": "application/octet-stream", "Content-Length": str(end - start)}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        exchange.start(206 if asked else 200, headers)
        if exchange.method == "GET":
            exchange.send_blob(blob, start, end)

    def _readable(self, exchange: Exchange, repo_id: str, *, content: bool = False) -> Repo | None:
        """The repository, if this token may see it; else the refusal is sent."""
        repo, token = self.repos.get(repo_id), exchange.token
        if token and token not in self.tokens:
            exchange.refuse(401, "", "Invalid credentials in Authorization header")
        elif repo is None or (repo.private and token not in repo.granted):
            exchange.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        elif content and repo.gated and token not in repo.granted:
            words = f"Access to model {repo_id} is restricted."
            exchange.refuse(403 if token else 401, "GatedRepo", words)
        else:
            return repo
        return None


def _fits(repo: Repo, query: Mapping[str, list[str]]) -> bool:
    words = " ".join(query.get("search", [])).lower().split()
    named = all(word in repo.id.lower() for word in words)
    tagged = set(query.get("filter", [])) <= {*repo.facts["tags"], repo.facts["pipeline_tag"]}
    task, author = query.get("pipeline_tag", [""])[0], query.get("author", [""])[0]
    return named and tagged and task in ("", repo.facts["pipeline_tag"]) and author in ("", repo.facts["author"])


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, hub: LocalHub, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.hub = hub
        self.scheme = "https" if tls else "http"
        self._tls = tls
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls:  # the handshake is left to the thread that answers
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that left is no error
            super().handle_error(request, client_address)

    def cut_all(self) -> None:
        """End what is open, so that no thread waits for a client that keeps its connection."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self.server.hub.answer(Exchange(self.server.hub, self))

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests read `seen` instead."""

    def version_string(self) -> str:
        return "local-hub"

    def send_response(self, code: int, message: str | None = None) -> None:
        try:
            super().send_response(code, message or HTTPStatus(code).phrase)
        except ValueError:
            super().send_response(code, message or "Unknown")


def main() -> None:
    """Serve a folder of repositories until Ctrl+C."""
    hub = LocalHub(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    hub.add_folder(Path(sys.argv[1]))
    with hub, contextlib.suppress(KeyboardInterrupt):
        print(hub.url, flush=True)  # noqa: T201
        hub.stopping.wait()


if __name__ == "__main__":
    main()
