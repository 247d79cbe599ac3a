"""Makes one process the owner of a data folder: by a lock that is freed even if its holder is killed, with a channel to
the holder.

The window, or a running command, is the owner. A second process asks the owner to raise its window, or to run a request
on its knowledge worker. The channel is a Unix socket (a named pipe on Windows); only this account can read its address
and key. The frames are those of the workers.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from desktop_llm import channel
from desktop_llm.channel import Door, Line, Patience
from desktop_llm.errors import Busy, UserError, from_wire, to_wire
from desktop_llm.files import LockFile, write_atomically
from desktop_llm.paths import Folders
from desktop_llm.steps import Run, result_of
from desktop_llm.words import tr
from desktop_llm.workers.protocol import ALIVE, Message, path_to_wire

log = logging.getLogger(__name__)

ALIVE_S = 1.0  # how often the owner says that it still works on a request
GUESTS = 256  # at once: each holds a file descriptor and a thread of the owner
_POLL_S = 0.1
_END_S = 2.0
Answers = Generator[Message, None, Message]
Handler = Callable[[str, dict[str, Any], bytes], Answers]


class _GuestGone(Exception):
    """Raised if the process that asked has ended, or does not listen any more."""


class OwnerGone(Busy):
    """The owner ended before it answered; the next attempt may make us the owner."""


class Owner:
    """Holds the data folder until `release`; after `listen` it answers the processes that come later."""

    def __init__(self, folders: Folders, lock: LockFile) -> None:
        self._lock = lock
        self._folders = folders
        self._address_file: Path | None = None
        self._door: Door | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @classmethod
    def acquire(cls, folders: Folders) -> Owner | None:
        """Become the owner; None if another process is. The system frees the lock of a process that was killed."""
        lock = _lock_of(folders)
        return cls(folders, lock) if lock.acquire() else None

    def listen(self, handler: Handler) -> None:
        """Answer requests, each connection in a thread of its own: `handler` yields progress and returns the answer.

        Without any place for the channel the owner works on and just can't be reached.
        """
        key = os.urandom(32)
        try:
            self._door = Door()
            address = {"address": self._door.address, "key": key.hex()}
            self._address_file = _write_address(self._folders, json.dumps(address).encode())
        except (OSError, UserError) as error:
            log.warning("other processes can't reach this one: %s", type(error).__name__)
        if self._door is None:
            return
        self._thread = threading.Thread(target=self._accept, args=(self._door, key, handler), daemon=True)
        self._thread.name = "owner's channel"
        self._thread.start()

    def stop_listening(self) -> None:
        """Take no more requests. To its guest, a request that fails from now on looks as if we were gone."""
        self._ended.set()
        if self._door is None or self._thread is None:
            return
        door, self._door = self._door, None
        if self._address_file is not None:
            with contextlib.suppress(OSError):
                self._address_file.unlink()
        # accept() does not notice that its socket was closed; a connection from ourselves wakes it. If there is no
        # place for one more, it is awake.
        with contextlib.ExitStack() as connected:
            with contextlib.suppress(OSError):
                connected.enter_context(channel.connect(door.address))
            self._thread.join(_END_S)
        if not self._thread.is_alive():
            door.close()

    def release(self) -> None:
        """Stop listening and let the next one own the folder."""
        self.stop_listening()
        self._lock.release()

    def _accept(self, door: Door, key: bytes, handler: Handler) -> None:
        places = threading.BoundedSemaphore(GUESTS)

        def serve(line: Line) -> None:
            try:
                _serve_one(line, key, handler, self._ended)
            finally:
                places.release()

        while not self._ended.is_set():
            if not places.acquire(timeout=_POLL_S):
                continue
            try:
                line = door.accept()
                threading.Thread(target=serve, args=(line,), name="owner's guest", daemon=True).start()
            except (OSError, EOFError, RuntimeError):  # no more descriptors or threads for the moment
                places.release()
                self._ended.wait(_POLL_S)


class OwnersWorker:
    """The owner's knowledge worker, used like our own: the owner passes the requests on.

    It has the methods of `workers.process.Worker` that a client needs: `request`, `call`, `alive`, `close`.
    """

    alive = True

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def request(
        self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"", *, stall_s: float | None = None
    ) -> Answers:
        """Send a request: yields progress, returns the answer; closing it cancels. Raises Busy if the owner does not
        answer, OwnerGone if it ended.
        """
        with _connect(self._folders) as line:
            try:
                line.send(Message(0, kind, data or {}, body))
                while (message := line.receive()).kind in ("progress", ALIVE):
                    if message.kind == "progress":
                        yield message
            except TimeoutError:
                raise no_answer() from None
            except (OSError, EOFError):
                raise _owner_gone() from None
        if message.kind == "error":
            raise from_wire(message.data)
        return message

    def call(
        self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"", *, stall_s: float | None = None
    ) -> Message:
        """Send a request and return the answer, ignoring progress."""
        return result_of(self.request(kind, data, body))

    def close(self) -> None:
        """Do nothing: the worker belongs to the owner."""


def raise_window(folders: Folders, files: Sequence[Path] = ()) -> bool:
    """Ask the owner to show its window and to open these files there; False if it has none or is gone."""
    asked = {"files": [path_to_wire(file) for file in files]}
    try:
        return bool(OwnersWorker(folders).call("raise_window", asked).data.get("raised"))
    except UserError:
        return False


def _connect(folders: Folders) -> Line:
    patience = Patience(channel.WAIT_S)
    while True:
        for file in _address_files(folders):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, EOFError):
                return _enter(_read_own(file), patience)
        _check_that_owned(folders)
        try:
            patience.pause(_POLL_S)
        except TimeoutError:
            raise no_answer() from None


def _enter(address_file: bytes, patience: Patience) -> Line:
    address = json.loads(address_file)
    key = bytes.fromhex(address["key"])
    line = channel.connect(address["address"])
    try:
        line.enter(key, patience)
    except BaseException:
        line.close()
        raise
    return line


def _address_files(folders: Folders) -> list[Path]:
    """Where the owner's address may be: in the data folder, or in the temporary one if the data folder's disk can't be
    written.
    """
    from hashlib import sha256  # it loads libcrypto, which would delay the window's start

    name = sha256(os.fsencode(folders.data.resolve())).hexdigest()[:16]
    with contextlib.suppress(OSError):  # there may be no temporary folder
        return [folders.data / "owner.json", Path(tempfile.gettempdir(), f"desktop-llm-owner-{name}.json")]
    return [folders.data / "owner.json"]


def _write_address(folders: Folders, address: bytes) -> Path:
    """Write the address to the first place that takes it, and return that; raises UserError if none does."""
    *places, last = _address_files(folders)
    for place in places:
        with contextlib.suppress(UserError):
            write_atomically(place, address)
            return place
    write_atomically(last, address)
    return last


def _read_own(file: Path) -> bytes:
    """The file's content; raises PermissionError if it is another account's, as it may be in the temporary folder."""
    with file.open("rb") as opened:
        if sys.platform != "win32" and os.fstat(opened.fileno()).st_uid != os.getuid():
            raise PermissionError
        return opened.read()


def _lock_of(folders: Folders) -> LockFile:
    return LockFile(folders.data / "owner.lock", stand_in=folders.data)


def _check_that_owned(folders: Folders) -> None:
    lock = _lock_of(folders)
    if lock.acquire():
        lock.release()
        raise _owner_gone()


def _serve_one(line: Line, key: bytes, handler: Handler, ended: threading.Event) -> None:
    """Answer a guest's one request. While the handler works, a second thread says every second that we are alive."""
    with line, contextlib.suppress(OSError, EOFError):
        line.welcome(key)
        asked = line.receive()
        sending, done, gone = threading.Lock(), threading.Event(), threading.Event()

        def send(message: Message) -> None:
            with sending:
                if gone.is_set():  # half a frame may be on its way
                    raise _GuestGone
                try:
                    line.send(message)
                except OSError:
                    gone.set()
                    raise _GuestGone from None

        def say_alive() -> None:
            with contextlib.suppress(_GuestGone):
                while not done.wait(ALIVE_S):
                    send(Message(0, ALIVE))

        alive = threading.Thread(target=say_alive, name="owner's sign of life", daemon=True)
        alive.start()
        try:
            _answer(asked, handler, ended, send)
        finally:
            done.set()
            alive.join()


def _answer(asked: Message, handler: Handler, ended: threading.Event, send: Callable[[Message], None]) -> None:
    with contextlib.suppress(_GuestGone):  # leaving the loop ends its request
        try:
            run = Run(handler(asked.kind, asked.data, asked.body))
            for step in run:
                send(step)
            send(run.result)
        except UserError as error:
            if not ended.is_set():
                send(Message(0, "error", to_wire(error)))
        except _GuestGone:
            raise
        except Exception as error:  # noqa: BLE001 - a request handler's edge; the request's text stays out of the log
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("a request from another process failed\n%s%s", place, type(error).__name__)
            unexpected = UserError(
                tr("Something unexpected happened in the app."), tr("Your data is untouched. Try again.")
            )
            send(Message(0, "error", to_wire(unexpected)))


def _owner_gone() -> OwnerGone:
    return OwnerGone(tr("The other Desktop LLM that held this data folder has closed. Nothing was lost. Try again."))


def no_answer() -> Busy:
    """The error for an owner that lives and does not answer."""
    return Busy(
        tr("Another Desktop LLM is using this data folder and does not answer."),
        tr("Nothing was changed. Close it, or wait until it has finished, and try again."),
    )
