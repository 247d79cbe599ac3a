"""One owner per data folder: a lock that a killed process leaves free, and a channel to the one who holds it.

The window, or a running command, is the owner. Whoever comes second asks it: to raise the window, or to run a request
on its knowledge worker. The channel is a Unix socket (a named pipe on Windows) whose address and key only this account
can read; frames are those of the workers.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, cast

from desktop_llm.errors import Busy, UserError, from_wire, to_wire
from desktop_llm.files import LockFile, write_atomically
from desktop_llm.paths import Folders
from desktop_llm.steps import Run, result_of
from desktop_llm.words import tr
from desktop_llm.workers.protocol import Message, read_message, write_message

if TYPE_CHECKING:  # 10 ms that the window's first paint need not wait for
    from multiprocessing.connection import Connection, Listener

    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        Channel = Connection[Any, Any] | PipeConnection[Any, Any]
    else:
        Channel = Connection[Any, Any]

log = logging.getLogger(__name__)

WAIT_S = 10.0
Answers = Generator[Message, None, Message]
Handler = Callable[[str, dict[str, Any], bytes], Answers]


class OwnerGone(Busy):
    """The owner ended before it answered; whoever asks again may become the owner."""


class Owner:
    """Holds the data folder until `release`; answers those who come later once `listen` was called."""

    def __init__(self, folders: Folders, lock: LockFile) -> None:
        self._lock = lock
        self._address_file = folders.data / "owner.json"
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @classmethod
    def acquire(cls, folders: Folders) -> Owner | None:
        """Become the owner; None if somebody else is. The system frees the lock of a process that was killed."""
        lock = LockFile(folders.data / "owner.lock")
        return cls(folders, lock) if lock.acquire() else None

    def listen(self, handler: Handler) -> None:
        """Answer requests, each connection in a thread of its own: `handler` yields progress and returns the answer."""
        from multiprocessing.connection import Listener

        key = os.urandom(32)
        self._listener = Listener(family="AF_PIPE" if os.name == "nt" else "AF_UNIX", authkey=key)
        address = {"address": cast(str, self._listener.address), "key": key.hex()}
        write_atomically(self._address_file, json.dumps(address).encode())
        self._thread = threading.Thread(target=self._accept, args=(self._listener, handler), daemon=True)
        self._thread.name = "owner's channel"
        self._thread.start()

    def stop_listening(self) -> None:
        """Take no more requests. Those under way that fail from now on look to their guests as if we were gone."""
        self._ended.set()
        if self._listener is not None and self._thread is not None:
            self._address_file.unlink(missing_ok=True)
            listener, self._listener = self._listener, None
            # accept() does not notice that its socket was closed; a connection from ourselves wakes it.
            from multiprocessing import AuthenticationError
            from multiprocessing.connection import Client

            with contextlib.suppress(OSError, EOFError, AuthenticationError):
                Client(listener.address, authkey=b"goodbye").close()
            self._thread.join()
            listener.close()

    def release(self) -> None:
        """Stop listening and let the next one own the folder."""
        self.stop_listening()
        self._lock.release()

    def _accept(self, listener: Listener, handler: Handler) -> None:
        from multiprocessing import AuthenticationError

        while self._listener is not None:
            try:
                connection = listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue
            guest = threading.Thread(target=_serve_one, args=(connection, handler, self._ended), daemon=True)
            guest.name = "owner's guest"
            guest.start()


class OwnersWorker:
    """The owner's knowledge worker as if it were our own: the requests travel through the owner.

    It has the part of `workers.process.Worker` that a client needs: `request`, `call`, `alive`, `close`.
    """

    alive = True

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def request(
        self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"", *, stall_s: float | None = None
    ) -> Answers:
        """Yields progress, returns the answer; closing it cancels. Raises Busy if the owner is silent, OwnerGone."""
        with _connect(self._folders) as connection:
            _send(connection, Message(0, kind, data or {}, body))
            while (message := _receive(connection)).kind == "progress":
                yield message
        if message.kind == "error":
            raise from_wire(message.data)
        return message

    def call(
        self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"", *, stall_s: float | None = None
    ) -> Message:
        """The answer; progress is passed over."""
        return result_of(self.request(kind, data, body))

    def close(self) -> None:
        """Nothing is ours to end."""


def raise_window(folders: Folders) -> bool:
    """Ask the owner to show its window; False if it has none or is gone."""
    try:
        return bool(OwnersWorker(folders).call("raise_window").data.get("raised"))
    except UserError:
        return False


def _connect(folders: Folders) -> Channel:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            address = json.loads((folders.data / "owner.json").read_bytes())
            return Client(address["address"], authkey=bytes.fromhex(address["key"]))
        except (OSError, ValueError, KeyError, EOFError, AuthenticationError):
            _check_that_owned(folders)
            if time.monotonic() > deadline:
                raise Busy(
                    tr(
                        "Another Desktop LLM is using this data folder and does not answer. Nothing was changed. "
                        "Close it, or wait until it has finished, and try again."
                    )
                ) from None
            time.sleep(0.1)


def _check_that_owned(folders: Folders) -> None:
    lock = LockFile(folders.data / "owner.lock")
    if lock.acquire():
        lock.release()
        raise _owner_gone()


def _serve_one(connection: Channel, handler: Handler, ended: threading.Event) -> None:
    with connection, contextlib.suppress(OSError, EOFError):
        asked = _receive(connection)
        run = Run(handler(asked.kind, asked.data, asked.body))
        try:
            for step in run:
                _send(connection, step)
            _send(connection, run.result)
        except UserError as error:
            if not ended.is_set():
                _send(connection, Message(0, "error", to_wire(error)))
        except OSError:
            pass  # the one who asked is gone, and leaving the loop ended what was asked
        except Exception as error:  # noqa: BLE001 - a request handler's edge; the text of it stays out of the log
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("a request from another process failed\n%s%s", place, type(error).__name__)
            unexpected = UserError(tr("Something unexpected happened in the app. Your data is untouched. Try again."))
            _send(connection, Message(0, "error", to_wire(unexpected)))


def _send(connection: Channel, message: Message) -> None:
    frame = io.BytesIO()
    write_message(frame, message)
    connection.send_bytes(frame.getbuffer())


def _receive(connection: Channel) -> Message:
    try:
        message = read_message(io.BytesIO(connection.recv_bytes()))
    except (EOFError, OSError):
        message = None
    if message is None:
        raise _owner_gone()
    return message


def _owner_gone() -> OwnerGone:
    return OwnerGone(tr("The other Desktop LLM that held this data folder has closed. Nothing was lost. Try again."))
