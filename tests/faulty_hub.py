"""A hub on 127.0.0.1 that misbehaves in named ways, as networks, proxies, storages and strangers do.

    with FaultyHub() as hub:
        hub.add("maker/Tiny-GGUF", {"tiny-Q4_K_M.gguf": data})
        hub.misbehave("drop", seed=7, times=2)
        ...  # HF_ENDPOINT=hub.url

`python -m tests.faulty_hub MODE FOLDER [SEED [TIMES]]` serves FOLDER/<owner>/<name>/<files> like that until Ctrl+C;
`python -m tests.faulty_hub` lists the modes. A fault shows the first `times` times, or always (0).
"""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.hub import Blob, Exchange, LocalHub

STORAGE = "/cdn/*"
HUB = "*/resolve/*"
API = "/api/models/*"
SLOW_S = 0.05
HTML = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in to this network.</body></html>"


@dataclass(frozen=True)
class Request:
    """A request to be answered badly: the exchange, the file, and the bytes asked for."""

    exchange: Exchange
    blob: Blob
    chance: Random
    start: int
    end: int
    ranged: bool

    def headers(self, **more: str) -> dict[str, str]:
        """The headers of a good answer, and `more`; names may use `_` for `-`."""
        told = {"ETag": f'"{self.blob.sha256}"', "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        told["Content-Length"] = str(self.end - self.start)
        if self.ranged:
            told["Content-Range"] = f"bytes {self.start}-{self.end - 1}/{self.blob.size_bytes}"
        return told | {name.replace("_", "-"): value for name, value in more.items()}

    def begin(self, **more: str) -> None:
        """Send the status and headers of a good answer, changed by `more`."""
        self.exchange.start(206 if self.ranged else 200, self.headers(**more))

    def data(self) -> bytes:
        """The bytes that were asked for."""
        return b"".join(self.blob.parts(self.start, self.end))

    def somewhere(self) -> int:
        """A random number of bytes, fewer than were asked for."""
        return self.chance.randrange(self.end - self.start)

    def send(self, data: bytes) -> None:
        """Send bytes as they are, as long as somebody listens."""
        self.exchange.raw(data)


Misbehave = Callable[[Request], None]


@dataclass(frozen=True)
class Fault:
    """One way to misbehave; `causes` are those that a download may fail with."""

    name: str
    text: str
    place: str
    causes: frozenset[str]
    misbehave: Misbehave
    passes: bool  # whether a download survives it once or twice


FAULTS: dict[str, Fault] = {}


def fault(*causes: str, place: str = STORAGE, passes: bool = True) -> Callable[[Misbehave], Misbehave]:
    """Register a misbehaviour under its function's name."""

    def note(misbehave: Misbehave) -> Misbehave:
        text = (misbehave.__doc__ or "").strip()
        FAULTS[misbehave.__name__] = Fault(misbehave.__name__, text, place, frozenset(causes), misbehave, passes)
        return misbehave

    return note


class FaultyHub(LocalHub):
    """A local hub that can spoil its next answers for files."""

    def misbehave(self, name: str, seed: int = 0, times: int = 0) -> None:
        """Show the fault the first `times` times (0: always), at places chosen by `seed`."""
        chance, shown = Random(f"{name} {seed}"), 0
        known = FAULTS[name]

        def behave(exchange: Exchange) -> bool:
            nonlocal shown
            if exchange.method != "GET" or (times and shown >= times):
                return False
            shown += 1
            with contextlib.suppress(ConnectionError):
                known.misbehave(self._request(exchange, chance))
            return True

        self.behave(known.place, behave)

    def _request(self, exchange: Exchange, chance: Random) -> Request:
        blob = self._blob(exchange.path)
        asked = exchange.range(blob.size_bytes)
        start, end = asked or (0, blob.size_bytes)
        return Request(exchange, blob, chance, start, end, asked is not None)

    def _blob(self, path: str) -> Blob:
        """The file at a path of the storage or of the hub; the first large one if there is none."""
        for repo in self.repos.values():
            for files in repo.commits.values():
                for name, blob in files.items():
                    if path.endswith((f"/{blob.sha256}", f"/{name}")):
                        return blob
        return next(blob for repo in self.repos.values() for blob in repo.commits[repo.revision].values())


@fault("no_connection")
def drop(request: Request) -> None:
    """The connection is cut at a random byte."""
    request.begin()
    request.send(request.data()[: request.somewhere()])
    request.exchange.hang_up()


@fault("no_connection", "timeout")
def stall(request: Request) -> None:
    """Some bytes come, then nothing more, and the connection stays open."""
    request.begin()
    request.send(request.data()[: request.somewhere()])
    request.exchange.wait(600)
    request.exchange.hang_up()


@fault("wrong_hash", "not_gguf", "no_connection")
def bit_flip(request: Request) -> None:
    """One bit is wrong."""
    data = bytearray(request.data())
    data[request.somewhere()] ^= 1 << request.chance.randrange(8)
    request.begin()
    request.send(bytes(data))


@fault("wrong_hash", "not_gguf")
def wrong_bytes(request: Request) -> None:
    """The size is right, but the bytes are wrong."""
    request.begin()
    request.send(b"GGUF"[request.start : request.start + 4] + request.chance.randbytes(request.end - request.start))


@fault("no_connection", "wrong_size", "range_ignored")
def short(request: Request) -> None:
    """The announced length is too small, and the body fits it."""
    count = request.somewhere()
    request.begin(Content_Length=str(count))
    request.send(request.data()[:count])


@fault("no_connection", "wrong_size", "range_ignored")
def long(request: Request) -> None:
    """The announced length is too large, and other bytes follow the file."""
    more = request.chance.randbytes(1 + request.chance.randrange(100_000))
    request.begin(Content_Length=str(request.end - request.start + len(more)))
    request.send(request.data() + more)


@fault("no_connection")
def cut_off(request: Request) -> None:
    """The body ends before its announced length, as if it were complete."""
    request.begin(Connection="close")
    request.send(request.data()[: request.somewhere()])
    request.exchange.hang_up()


@fault("no_connection", "wrong_hash", "not_gguf")
def injected(request: Request) -> None:
    """A proxy adds a web page to the bytes it has, and hangs up."""
    request.begin()
    request.send(request.data()[: request.somewhere() // 2] + HTML)
    request.exchange.hang_up()


@fault("range_ignored", "no_connection")
def range_ignored(request: Request) -> None:
    """The whole file comes although the rest was asked for, after the connection was cut once."""
    request.exchange.start(200, request.headers(Content_Length=str(request.blob.size_bytes)) | {"Content-Range": ""})
    whole = b"".join(request.blob.parts(0, request.blob.size_bytes))
    if request.ranged:
        request.send(whole)
        return
    request.send(whole[: len(whole) // 2])
    request.exchange.hang_up()


@fault("range_ignored", "no_connection", "wrong_size")
def range_refused(request: Request) -> None:
    """Status 416 for a range that is there."""
    if request.ranged:
        request.exchange.send(416, b"", {"Content-Range": f"bytes */{request.blob.size_bytes}"})
    else:
        drop(request)


@fault("range_ignored", "no_connection")
def wrong_range(request: Request) -> None:
    """The piece is not the one asked for, and the answer says so."""
    if not request.ranged:
        drop(request)
        return
    other = request.chance.randrange(request.blob.size_bytes - 1)
    told = f"bytes {other}-{request.blob.size_bytes - 1}/{request.blob.size_bytes}"
    length = request.blob.size_bytes - other
    request.begin(Content_Range=told, Content_Length=str(length))
    request.send(b"".join(request.blob.parts(other, request.blob.size_bytes)))


@fault("wrong_size", "no_connection", "range_ignored")
def wrong_total(request: Request) -> None:
    """Content-Range, or the length, gives another size for the file than the hub's list."""
    size = request.blob.size_bytes + 1 + request.chance.randrange(1000)
    if request.ranged:
        request.begin(Content_Range=f"bytes {request.start}-{request.end - 1}/{size}")
    else:
        request.begin(Content_Length=str(size))
    request.send(request.data())


@fault("no_connection", "wrong_hash")
def etag_changed(request: Request) -> None:
    """Each answer has another ETag, and the connection is cut in between."""
    request.begin(ETag=f'"{request.chance.randrange(1 << 60):x}"')
    data = request.data()
    request.send(data[: 1 + len(data) // 2])
    request.exchange.hang_up()


@fault("changed", "wrong_hash", "wrong_size", place=HUB, passes=False)
def file_changed(request: Request) -> None:
    """Another file lies at the same address now."""
    other = b"GGUF" + request.chance.randbytes(request.blob.size_bytes - 4)
    size, data = len(other), other[request.start : request.end]
    told = {"Content-Range": f"bytes {request.start}-{request.end - 1}/{size}"} if request.ranged else {}
    told |= {"ETag": f'"{Blob(other).sha256}"', "Content-Length": str(len(data))}
    request.exchange.start(206 if request.ranged else 200, told)
    request.send(data)


@fault("too_many_redirects", place=HUB, passes=False)
def redirect_loop(request: Request) -> None:
    """The address redirects to itself."""
    request.exchange.send(302, b"", {"Location": request.exchange.target})


@fault("login_page", place=HUB)
def redirect_abroad(request: Request) -> None:
    """The address redirects to a host that does not belong to the hub."""
    request.exchange.send(302, b"", {"Location": "https://files.example.org/model.gguf"})


@fault("tls", place=HUB, passes=False)
def redirect_unencrypted(request: Request) -> None:
    """The address redirects to one without encryption."""
    request.exchange.send(302, b"", {"Location": "http://huggingface.co/model.gguf"})


@fault("login_page", place=HUB)
def login_page(request: Request) -> None:
    """The network's login page, with status 200."""
    request.exchange.send(200, HTML, {"Content-Type": "text/html; charset=utf-8"})


@fault("login_page", "not_gguf")
def disguised_page(request: Request) -> None:
    """A login page claims to be a file of the right size."""
    request.begin()
    request.send((HTML * (1 + (request.end - request.start) // len(HTML)))[: request.end - request.start])


@fault("unauthorized", place=HUB, passes=False)
def unauthorized(request: Request) -> None:
    """Status 401."""
    request.exchange.send(401, b"", {"WWW-Authenticate": "Bearer"})


@fault("gated", place=HUB, passes=False)
def gated(request: Request) -> None:
    """Status 403 for those who have not accepted the licence."""
    request.exchange.refuse(403, "GatedRepo", "Access to this model is restricted.")


@fault("server")
def link_expired(request: Request) -> None:
    """The storage no longer accepts the signed link."""
    request.exchange.send(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})


@fault("not_found", place=HUB, passes=False)
def not_found(request: Request) -> None:
    """Status 404."""
    request.exchange.refuse(404, "EntryNotFound", "Entry not found")


@fault("not_found", place=HUB, passes=False)
def gone(request: Request) -> None:
    """Status 410."""
    request.exchange.send(410)


@fault("rate_limited", place=HUB, passes=False)
def too_many_requests(request: Request) -> None:
    """Status 429 with seconds to wait."""
    request.exchange.send(429, b"", {"Retry-After": request.chance.choice(("0", "1", "3600"))})


@fault("rate_limited", place=HUB, passes=False)
def too_many_until(request: Request) -> None:
    """Status 429 with a date to wait for."""
    until = time.time() + request.chance.choice((1, 3600))
    request.exchange.send(429, b"", {"Retry-After": email.utils.formatdate(until, usegmt=True)})


@fault("server")
def server_error(request: Request) -> None:
    """Status 500."""
    request.exchange.send(500, b"oops")


@fault("server", place=HUB)
def unavailable(request: Request) -> None:
    """Status 503."""
    request.exchange.send(503)


@fault("proxy_auth", place=HUB, passes=False)
def proxy_login(request: Request) -> None:
    """Status 407, from a proxy in between."""
    request.exchange.send(407, b"", {"Proxy-Authenticate": "Basic"})


@fault("server")
def compressed(request: Request) -> None:
    """The body is compressed, although that was refused."""
    packed = gzip.compress(request.data(), 1)
    request.begin(Content_Encoding="gzip", Content_Length=str(len(packed)))
    request.send(packed)


@fault("timeout", "server", "no_connection")
def slow_headers(request: Request) -> None:
    """A header comes byte by byte and never ends."""
    request.send(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    _drip(request, b"x" * (1 << 20))


@fault("timeout", "no_connection")
def slow_body(request: Request) -> None:
    """The body comes byte by byte."""
    request.begin()
    _drip(request, request.data())


@fault("timeout", "server", "no_connection")
def silence(request: Request) -> None:
    """The request is taken and never answered."""
    request.exchange.wait(600)
    request.exchange.hang_up()


@fault("no_connection", "server")
def reset(request: Request) -> None:
    """The connection is reset before anything is answered."""
    request.exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.exchange.hang_up()


@fault("server", "no_connection")
def garbage_headers(request: Request) -> None:
    """The answer is not HTTP."""
    request.send(b"\x00\xff\x16\x03 nonsense " + request.chance.randbytes(300) + b"\r\n\r\n")
    request.exchange.hang_up()


@fault("not_gguf", "wrong_hash")
def endless(request: Request) -> None:
    """The body has no length and never ends."""
    request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"GGUF" + request.chance.randbytes(65_532)
    while not request.exchange.hub.stopping.is_set():
        request.send(b"10000\r\n" + piece + b"\r\n")


@fault("bad_request", place=API, passes=False)
def no_checksum(request: Request) -> None:
    """The hub's list names no sha256."""
    repo = request.exchange.hub.repos["/".join(request.exchange.path.split("/")[3:5])]
    info = repo.info(request.exchange.query.get("expand", []), blobs=True)
    info["siblings"] = [{"rfilename": file["rfilename"], "size": file["size"]} for file in info["siblings"]]
    request.exchange.send_json(info)


def _drip(request: Request, data: bytes) -> None:
    for place in range(len(data)):
        if request.exchange.hub.stopping.is_set():
            return
        request.send(data[place : place + 1])
        request.exchange.wait(SLOW_S)


def main() -> None:
    """Serve a folder badly until Ctrl+C."""
    if len(sys.argv) < 3:
        for known in FAULTS.values():
            print(f"{known.name:22} {known.text}")  # noqa: T201
        return
    numbers = [int(text) for text in sys.argv[3:5]]
    hub = FaultyHub()
    hub.add_folder(Path(sys.argv[2]))
    hub.misbehave(sys.argv[1], *numbers)
    with hub, contextlib.suppress(KeyboardInterrupt):
        print(hub.url, flush=True)  # noqa: T201
        hub.stopping.wait()


if __name__ == "__main__":
    main()
