"""A connection between two processes of this account that carries the workers' frames, each within a time limit.

It is a Unix socket, or a named pipe on Windows. Nobody waits for ever: a side that is silent, stopped, slow or speaks
something else costs the other `WAIT_S` seconds and an OSError.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from desktop_llm.workers.protocol import Message, ProtocolError, read_message, write_message

if TYPE_CHECKING:  # 10 ms that would delay the window's first paint
    from multiprocessing.connection import Connection

    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        Pipe = Connection[Any, Any] | PipeConnection[Any, Any]
    else:
        Pipe = Connection[Any, Any]

WAIT_S = 8.0  # with the start of a command, less than the 10 s after which people give up
TICK_S = 1.0
MAX_FRAME_BYTES = 256 * 1024 * 1024  # a page drawn for a large screen has 50 MB
_BACKLOG = 128
_PART_BYTES = 1024 * 1024
_LENGTH = struct.Struct("!Q")


class Patience:
    """How many more seconds to wait for the other side.

    If this process itself did not run, because the computer slept or the person stopped it, that counts as one tick.
    """

    def __init__(self, seconds: float) -> None:
        self._left_s = seconds

    def pause(self, seconds: float) -> None:
        """Wait for a moment before another attempt. Raises TimeoutError when patience has ended."""
        if self._left_s <= 0:
            raise TimeoutError
        time.sleep(seconds)
        self._left_s -= seconds

    def wait(self, is_ready: Callable[[float], bool]) -> None:
        """Wait until `is_ready`, which gets the seconds to wait, says so. Raises TimeoutError when patience ends."""
        while self._left_s > 0:
            begun = time.monotonic()
            ready = is_ready(min(self._left_s, TICK_S))
            self._left_s -= min(time.monotonic() - begun, TICK_S)
            if ready:
                return
        raise TimeoutError


class Line:
    """One end of a connection. Its methods raise OSError or EOFError if the other side is gone, silent or broken."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._patience = Patience(WAIT_S)
        if sys.platform != "win32":
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._pipe.close()

    def welcome(self, key: bytes) -> None:
        """Let in a guest that knows the key."""
        from multiprocessing.connection import answer_challenge, deliver_challenge

        with _strangers_refused():
            deliver_challenge(cast("Pipe", self), key)
            answer_challenge(cast("Pipe", self), key)

    def enter(self, key: bytes, patience: Patience) -> None:
        """Show the key to the owner, and make sure that it knows it too."""
        from multiprocessing.connection import answer_challenge, deliver_challenge

        self._patience = patience
        with _strangers_refused():
            answer_challenge(cast("Pipe", self), key)
            deliver_challenge(cast("Pipe", self), key)

    def send(self, message: Message) -> None:
        """Send one frame."""
        frame = io.BytesIO()
        write_message(frame, message)
        self._patience = Patience(WAIT_S)
        self.send_bytes(frame.getbuffer())

    def receive(self) -> Message:
        """The next frame."""
        self._patience = Patience(WAIT_S)
        try:
            message = read_message(io.BytesIO(self.recv_bytes()))
        except ProtocolError as error:
            raise OSError(str(error)) from None
        if message is None:
            raise OSError("half a frame")
        return message

    # The two methods that multiprocessing's challenge needs.

    def send_bytes(self, data: bytes | memoryview) -> None:
        if sys.platform == "win32":  # the pipe keeps messages whole, but has no time limit
            timer = threading.Timer(WAIT_S, self._pipe.close)
            timer.start()
            try:
                self._pipe.send_bytes(data)
            finally:
                timer.cancel()
            return
        for part in (_LENGTH.pack(len(data)), data):
            left = memoryview(part)
            while left:
                self._patience.wait(lambda timeout_s: self._poll(select.POLLOUT, timeout_s))
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(self._pipe.fileno(), left[:_PART_BYTES]) :]

    def recv_bytes(self, most: int = MAX_FRAME_BYTES) -> bytes:
        if sys.platform == "win32":
            self._patience.wait(self._pipe.poll)
            return self._pipe.recv_bytes(most)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > most:
            raise OSError(f"a frame of {length} bytes")
        return self._read(length)

    def _read(self, count: int) -> bytes:
        if sys.platform == "win32":
            raise NotImplementedError
        data = bytearray()
        while len(data) < count:
            self._patience.wait(lambda timeout_s: self._poll(select.POLLIN, timeout_s))
            with contextlib.suppress(BlockingIOError):
                part = os.read(self._pipe.fileno(), min(count - len(data), _PART_BYTES))
                if not part:
                    raise EOFError
                data += part
        return bytes(data)

    def _poll(self, event: int, timeout_s: float) -> bool:
        if sys.platform == "win32":
            raise NotImplementedError
        poll = select.poll()
        poll.register(self._pipe.fileno(), event)
        return bool(poll.poll(timeout_s * 1000))


@contextlib.contextmanager
def _strangers_refused() -> Iterator[None]:
    from multiprocessing import AuthenticationError

    try:
        yield
    except (AuthenticationError, AssertionError, ValueError) as error:
        raise OSError("not one of us") from error


class Door:
    """A new address that only this account can reach; a guest comes in without a handshake."""

    def __init__(self) -> None:
        from multiprocessing.connection import Listener

        self._listener = Listener(family="AF_PIPE" if os.name == "nt" else "AF_UNIX", backlog=_BACKLOG)
        self.address = cast(str, self._listener.address)

    def accept(self) -> Line:
        """Wait for the next guest."""
        return Line(self._listener.accept())

    def close(self) -> None:
        """Let nobody in any more. It does not wake a thread that waits in `accept`."""
        self._listener.close()


def connect(address: str) -> Line:
    """A connection without a handshake; it fails at once if the other side has no place for one more."""
    from multiprocessing.connection import Client, Connection

    if sys.platform == "win32":
        return Line(Client(address))
    import socket

    with socket.socket(socket.AF_UNIX) as end:
        end.setblocking(False)
        end.connect(address)
        return Line(Connection(end.detach()))
