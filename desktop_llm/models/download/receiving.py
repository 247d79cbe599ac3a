"""Gets pieces of one file from the hub, however often the connection breaks, stalls, or brings nonsense.

Each attempt asks for a fresh location (signed links expire) and for exactly the bytes that are missing. What arrived
is never asked for again, except from a server that can't send pieces.

Sources: RFC 9110, 14 (ranges) and 13.1.5 (If-Range).
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from desktop_llm.errors import TransferError
from desktop_llm.models.download.part_file import PartState
from desktop_llm.net import Incoming, Net, causes

log = logging.getLogger(__name__)

Locate = Callable[[], tuple[str, Mapping[str, str]]]
Sink = Callable[[int, memoryview], None]

MAGIC = b"GGUF"
BUFFER_BYTES = 1 << 20
PROGRESS_BYTES = 64 << 10  # an attempt that brings so many bytes counts as working
_LOOK_S = 0.1  # the longest time until a pause takes effect
_MAX_SEAMS = 64
_HOPELESS = {
    "offline_switch",
    "unauthorized",
    "gated",
    "not_found",
    "proxy_auth",
    "tls",
    "too_many_redirects",
    "disk_full",
    "changed",
}
_DOUBTFUL = {"login_page", "range_ignored", "wrong_size", "not_gguf"}  # may be a temporary fault, but seldom is
_DOUBTFUL_TRIES = 3
_IGNORED_TRIES = 2  # after so many, ask for the whole file instead of a piece
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)$")
_NO_SUCH_RANGE = re.compile(r"bytes \*/(\d{1,19})$")
_SHA256 = re.compile(r'"([0-9a-f]{64})"$')


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try a hub that sends nothing; times are in seconds.

    A connection that brought less than `stall_bytes_per_s` for `stall_s` is replaced. A download gives up after
    `tries` attempts, or `give_up_s`, without progress. Waits between attempts double, with jitter.
    """

    tries: int = 8
    give_up_s: float = 50.0
    answer_s: float = 20.0
    stall_s: float = 20.0
    stall_bytes_per_s: float = 1024.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 15.0


class Receiver:
    """The network side of one part; `transferred` counts every byte of the bodies received, even useless ones."""

    def __init__(self, net: Net, locate: Locate, state: PartState, patience: Patience) -> None:
        self.transferred = 0
        self.reason = ""
        self._net = net
        self._locate = locate
        self._state = state
        self._patience = patience
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._trouble = _Trouble(patience)
        self._ignored = 0
        self._host = ""

    def receive(self, start: int, end: int, sink: Sink) -> Iterator[bool]:
        """Give bytes `start` to before `end` of the file to `sink(offset, bytes)`, in order and without gaps.

        Yields several times a second: True while it waits for the next attempt, with `reason` set. Raises
        TransferError when it gives up, and whatever `sink` raises.
        """
        at = start
        self._trouble = _Trouble(self._patience)
        while at < end:
            reached = at
            try:
                with closing(self._attempt(at, end)) as pieces:
                    for piece in pieces:
                        sink(at, piece)
                        at += len(piece)
                        self._trouble.moved(len(piece))
                        yield False
                if at < end and at - reached < PROGRESS_BYTES:
                    raise causes.CUT_SHORT.error(host=self._host)
            except TransferError as error:
                self.note_seam(at)
                if error.cause == "range_ignored":
                    self._state.etag = ""
                    self._ignored += 1
                yield from self._wait(error)

    def note_seam(self, at: int) -> None:
        """Remember a place at which the bytes of two connections meet."""
        seams = self._state.seams
        if at > 0 and (not seams or seams[-1] != at):
            seams.append(at)
            del seams[:-_MAX_SEAMS]

    def _attempt(self, start: int, end: int) -> Generator[memoryview, None, None]:
        """Yield the bytes that one connection brings, in pieces; the pieces are empty while nothing comes."""
        url, headers = self._locate()
        pieces = self._ignored < _IGNORED_TRIES
        asked = {**headers, **(_range_headers(self._state, start, end) if pieces else {})}
        timeout_s = min(self._patience.answer_s, self._trouble.left_s())
        self._host = urlsplit(url).hostname or ""
        with self._net.open(url, headers=asked, purpose="download", timeout_s=timeout_s) as incoming:
            self._host = urlsplit(incoming.url).hostname or ""
            sent = _sent_range(incoming, self._host, self._state, start)
            if sent.start < start and pieces:
                raise causes.WRONG_RANGE.error(host=self._host)
            yield from self._pieces(incoming, sent.start, start, min(end, sent.stop))

    def _pieces(self, incoming: Incoming, at: int, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes from `at` on; those before `start` are read and thrown away."""
        pace = _Pace(self._patience, self._trouble.left_s())
        while at < end:
            if not incoming.wait(_LOOK_S):
                pace.check(0, self._host)
                yield self._buffer[:0]
                continue
            count = incoming.read_into(self._buffer[: end - at])
            if count == 0:
                return
            self.transferred += count
            pace.check(count, self._host)
            _check_magic(at, self._buffer[:count], self._host)
            yield self._buffer[min(count, max(0, start - at)) : count]
            at += count

    def _wait(self, error: TransferError) -> Iterator[bool]:
        seconds = self._trouble.wait_s(error)
        log.info("a download goes on in %.1f s: %s", seconds, error.cause)
        self.reason = error.title  # its text tells the person to try again, which we do already
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
            yield True
        self.reason = ""


class _Trouble:
    """Counts the failures since the last progress, and decides when to give up."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._doubtful = 0
        self._since = time.monotonic()
        self._moved = 0

    def moved(self, count: int) -> None:
        """Note that missing bytes arrived."""
        self._moved += count
        if self._moved >= PROGRESS_BYTES:
            self._failures, self._doubtful, self._moved, self._since = 0, 0, 0, time.monotonic()

    def left_s(self) -> float:
        """The seconds that an attempt may take before it is time to give up."""
        return max(1.0, self._since + self._patience.give_up_s - time.monotonic())

    def wait_s(self, error: TransferError) -> float:
        """The seconds to wait before the next attempt; raises `error` if there should be none."""
        self._failures += 1
        self._doubtful += error.cause in _DOUBTFUL
        patience = self._patience
        if error.cause in _HOPELESS or self._doubtful >= _DOUBTFUL_TRIES or self._failures >= patience.tries:
            raise error
        longest = min(patience.longest_wait_s, patience.first_wait_s * 2.0 ** (self._failures - 1))
        wait_s = longest * random.uniform(0.5, 1.0)
        if error.retry_after_s is not None:
            wait_s = max(wait_s, error.retry_after_s)
        if wait_s >= self._since + patience.give_up_s - time.monotonic():
            raise error
        return wait_s


class _Pace:
    """Checks that a connection is fast enough."""

    def __init__(self, patience: Patience, left_s: float) -> None:
        self._within_s = min(patience.stall_s, left_s)
        self._least_bytes = patience.stall_bytes_per_s * self._within_s
        self._since = time.monotonic()
        self._bytes = 0

    def check(self, count: int, host: str) -> None:
        """Note that `count` bytes came; raises TransferError if too few came for too long."""
        self._bytes += count
        now = time.monotonic()
        if self._bytes >= self._least_bytes:
            self._since, self._bytes = now, 0
        elif now - self._since >= self._within_s:
            raise causes.STALLED.error(host=host)


def _range_headers(state: PartState, start: int, end: int) -> dict[str, str]:
    """The headers to ask for these bytes of the same version of the file that the earlier bytes came from."""
    if start == 0 and end == state.size_bytes:
        return {}
    last = "" if end == state.size_bytes else str(end - 1)
    condition = {"If-Range": state.etag} if state.etag else {}
    return {"Range": f"bytes={start}-{last}", **condition}


def _sent_range(incoming: Incoming, host: str, state: PartState, start: int) -> range:
    """The range of the file in an answer with status 200, 206 or 416 to a request for the bytes from `start` on.

    Notes the file's ETag in `state`. Raises TransferError for an answer that can't be used: cause "changed",
    "wrong_size", "range_ignored" or "server".
    """
    headers = incoming.headers
    # Only the hub's own ETag is a file's sha256; its storage makes ETags in another way.
    tag = _SHA256.match(incoming.origin_headers.get("x-linked-etag") or incoming.origin_headers.get("etag", ""))
    if tag and tag[1] != state.sha256:
        raise causes.REPLACED.error(host=host)
    length, told = headers.get("content-length", ""), headers.get("content-range", "").strip()
    found = (_NO_SUCH_RANGE if incoming.status == 416 else _CONTENT_RANGE).match(told)
    if incoming.status == 416:
        total, sent = (found[1] if found else "*"), range(0)
    elif headers.get("content-encoding", "identity") not in ("", "identity"):
        raise causes.COMPRESSED.error(host=host)
    elif incoming.status == 206:
        if found is None or int(found[1]) != start or int(found[2]) < start:
            raise causes.WRONG_RANGE.error(host=host)
        total, sent = found[3], range(start, min(int(found[2]) + 1, state.size_bytes))
    else:
        total, sent = (length if length.isdecimal() else "*"), range(state.size_bytes)
    if total != "*" and int(total) != state.size_bytes:
        raise causes.WRONG_SIZE.error(host=host, found=int(total), promised=state.size_bytes)
    if incoming.status == 416 or (length.isdecimal() and int(length) != len(sent)):
        raise causes.WRONG_RANGE.error(host=host)
    _note_etag(headers, state)
    return sent


def _note_etag(headers: Mapping[str, str], state: PartState) -> None:
    tag = headers.get("etag", "")
    if not tag.startswith('"'):  # there is none, or it is weak, and weak ones must not be used with If-Range
        # A promised checksum is compared at the end; without one, only the date tells versions of the file apart.
        tag = "" if state.promised else headers.get("last-modified", "")
    if tag:
        state.etag_changed = state.etag_changed or (bool(state.etag) and tag != state.etag)
        state.etag = tag


def _check_magic(at: int, piece: memoryview, host: str) -> None:
    """Check the file's first four bytes, however small the pieces are."""
    expected = MAGIC[at : at + len(piece)]
    if bytes(piece[: len(expected)]) != expected:
        page = bytes(piece[:1024]).lstrip()[:1] == b"<"
        raise (causes.LOGIN_PAGE if page else causes.NOT_GGUF).error(host=host)
