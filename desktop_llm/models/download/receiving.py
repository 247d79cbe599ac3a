"""Gets pieces of one file from the hub, however often the connection is cut, stalls, or answers nonsense.

Each attempt asks for a fresh location (signed links expire) and for exactly the bytes that are missing. What arrived
is never asked for again, except by a server that can't send pieces.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from desktop_llm.errors import TransferError
from desktop_llm.models.download import ranges
from desktop_llm.models.download.parts import PartState
from desktop_llm.net import Incoming, Net
from desktop_llm.words import tr

log = logging.getLogger(__name__)

Locate = Callable[[], tuple[str, Mapping[str, str]]]
Sink = Callable[[int, memoryview], None]

BUFFER_BYTES = 1 << 20
PROGRESS_BYTES = 64 << 10  # what an attempt must bring to count as one that works
_LOOK_S = 0.1  # how long a pause may have to wait
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
_DOUBTFUL = {"login_page", "range_ignored", "wrong_size", "not_gguf"}  # may be a passing fault, seldom is
_DOUBTFUL_TRIES = 3
_IGNORED_TRIES = 2  # after which the whole file is asked for instead of a piece


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a hub that brings nothing is tried; times in seconds.

    The connection is made anew where less than `stall_bytes_per_s` came for `stall_s`. Given up is after `tries`
    attempts, or `give_up_s`, without progress. Waits between attempts double, with jitter.
    """

    tries: int = 8
    give_up_s: float = 50.0
    answer_s: float = 20.0
    stall_s: float = 20.0
    stall_bytes_per_s: float = 1024.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 15.0


class Receiver:
    """The network side of one part; `transferred` counts every byte of bodies that came, also what was of no use."""

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
        TransferError when it gives up, and what `sink` raises.
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
                    raise _ended_early(self._host)
            except TransferError as error:
                self.note_seam(at)
                if error.cause == "range_ignored":
                    self._state.etag = ""
                    self._ignored += 1
                yield from self._wait(error)

    def _attempt(self, start: int, end: int) -> Generator[memoryview, None, None]:
        """The bytes that one connection brings, in pieces; empty ones while nothing comes."""
        url, headers = self._locate()
        pieces = self._ignored < _IGNORED_TRIES
        asked = {**headers, **(ranges.range_headers(self._state, start, end) if pieces else {})}
        timeout_s = min(self._patience.answer_s, self._trouble.left_s())
        self._host = urlsplit(url).hostname or ""
        with self._net.open(url, headers=asked, purpose="download", timeout_s=timeout_s) as incoming:
            self._host = urlsplit(incoming.url).hostname or ""
            body = ranges.body(incoming, self._state, start)
            if body.start < start and pieces:
                raise ranges.range_ignored(self._host)
            yield from self._pieces(incoming, body, start, min(end, body.end))

    def _pieces(self, incoming: Incoming, body: ranges.Body, start: int, end: int) -> Iterator[memoryview]:
        at, pace = body.start, _Pace(self._patience, self._trouble.left_s())
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
        self.reason = f"{error.message.partition('. ')[0].rstrip('.')}."  # what to do about it, we do already
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
            yield True
        self.reason = ""

    def note_seam(self, at: int) -> None:
        """Remember a place where bytes of two connections meet."""
        seams = self._state.seams
        if at > 0 and (not seams or seams[-1] != at):
            seams.append(at)
            del seams[:-_MAX_SEAMS]


class _Trouble:
    """Counts attempts that brought nothing since the last progress, and decides when enough is enough."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._doubtful = 0
        self._since = time.monotonic()
        self._moved = 0

    def moved(self, count: int) -> None:
        """Bytes came that were missing."""
        self._moved += count
        if self._moved >= PROGRESS_BYTES:
            self._failures, self._doubtful, self._moved, self._since = 0, 0, 0, time.monotonic()

    def left_s(self) -> float:
        """How long an attempt may take before it is time to give up."""
        return max(1.0, self._since + self._patience.give_up_s - time.monotonic())

    def wait_s(self, error: TransferError) -> float:
        """How long to wait before the next attempt; raises `error` where there is to be none."""
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
    """Watches that a connection brings something."""

    def __init__(self, patience: Patience, left_s: float) -> None:
        self._within_s = min(patience.stall_s, left_s)
        self._least_bytes = patience.stall_bytes_per_s * self._within_s
        self._since = time.monotonic()
        self._bytes = 0

    def check(self, count: int, host: str) -> None:
        """`count` bytes came; raises TransferError where it was too little for too long."""
        self._bytes += count
        now = time.monotonic()
        if self._bytes >= self._least_bytes:
            self._since, self._bytes = now, 0
        elif now - self._since >= self._within_s:
            raise TransferError(
                tr(
                    "{host} stopped sending. What was downloaded so far is kept. "
                    "Check the internet connection, then start the download again: it goes on from here.",
                    host=host,
                ),
                "timeout",
            )


def _check_magic(at: int, piece: memoryview, host: str) -> None:
    """Look at the file's first four bytes, in however small pieces they come."""
    expected = ranges.MAGIC[at : at + len(piece)]
    if bytes(piece[: len(expected)]) == expected:
        return
    raise ranges.login_page(host) if bytes(piece[:1024]).lstrip()[:1] == b"<" else ranges.not_gguf(host)


def _ended_early(host: str) -> TransferError:
    return TransferError(
        tr(
            "The connection to {host} ended too early. What was downloaded so far is kept. "
            "Start the download again: it goes on from here.",
            host=host,
        ),
        "no_connection",
    )
