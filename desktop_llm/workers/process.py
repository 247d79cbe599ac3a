"""A child's whole life as its parent sees it: start, requests, cancel, death in words, end.

The only module of the app process that starts processes. A child is started by command line, never by import, so its
libraries stay out of this process.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from typing import IO, Any, cast

from desktop_llm.errors import UserError, WorkerDied, from_wire
from desktop_llm.steps import result_of
from desktop_llm.words import tr
from desktop_llm.workers.deaths import LastWords, death, hung
from desktop_llm.workers.protocol import Message, ProtocolError, read_message, write_message

log = logging.getLogger(__name__)

GRACE_S = 3.0
# What would report elsewhere, and secrets: a child reads strangers' files, and has no use for the network.
_NOT_FOR_CHILDREN = re.compile(r"(?:CHROMA_)?OTEL_|HF_TOKEN$|HUGGING_FACE_HUB_TOKEN$|\w+_PROXY$", re.IGNORECASE)


class WorkerBug(Exception):
    """The child met a bug of ours; its traceback is the text."""


def child_command(arguments: Sequence[str]) -> list[str]:
    """The command line that starts this very program as a worker, also when frozen."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker", *arguments]
    return [sys.executable, "-m", "desktop_llm", "worker", *arguments]


class Worker:
    """One child process. Any thread may send requests; each gets its own answers.

    `name` is what a person calls it ("The model"), used in the sentence that tells of its death.
    """

    def __init__(self, arguments: Sequence[str], *, name: str, command: Sequence[str] | None = None) -> None:
        self.name = name
        self._ids = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[Message | None]] = {}
        self._unanswered: set[int] = set()
        self._patience: dict[int, threading.Timer] = {}  # by cancelled request: until the child counts as hung
        self._hung = False
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closing = False
        self._last_words = LastWords()
        self._process = _start([*(command or child_command(arguments))])
        self._stderr_thread = threading.Thread(target=self._read_stderr, name="worker stderr", daemon=True)
        self._stderr_thread.start()
        self._reader = threading.Thread(target=self._read, name="worker stdout", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._hung and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How the child ended (negative: the signal); None while it lives."""
        return self._process.poll()

    def request(
        self,
        kind: str,
        data: dict[str, Any] | None = None,
        body: bytes = b"",
        *,
        stall_s: float | None = None,
    ) -> Generator[Message, None, Message]:
        """Send a request; yields its progress messages and returns the last one.

        Closing the generator cancels the request. `stall_s`: with no message for that long the child counts as hung
        and is ended. Raises the UserError that the child answered, WorkerDied if it ended, WorkerBug for its bugs.
        """
        number, steps = self.start(kind, data, body, stall_s=stall_s)
        try:
            return (yield from steps)
        except GeneratorExit:
            self.cancel(number)
            raise

    def start(
        self,
        kind: str,
        data: dict[str, Any] | None = None,
        body: bytes = b"",
        *,
        stall_s: float | None = None,
    ) -> tuple[int, Generator[Message, None, Message]]:
        """Like `request`, but sent at once, and with the id that `cancel` takes from any thread."""
        number, answers = self._send(kind, data, body)
        return number, self._follow(number, answers, stall_s)

    def _follow(
        self, number: int, answers: queue.SimpleQueue[Message | None], stall_s: float | None
    ) -> Generator[Message, None, Message]:
        try:
            while (message := self._next(answers, stall_s)).kind == "progress":
                yield message
        finally:
            self._forget(number)
        if message.kind == "error":
            raise _error_of(message)
        return message

    def call(
        self,
        kind: str,
        data: dict[str, Any] | None = None,
        body: bytes = b"",
        *,
        stall_s: float | None = None,
    ) -> Message:
        """Send a request and return its last message; progress is passed over."""
        return result_of(self.request(kind, data, body, stall_s=stall_s))

    def cancel(self, number: int, *, grace_s: float | None = None) -> None:
        """Ask the child to stop a request; its last message still comes.

        `grace_s`: a child that has not answered by then counts as hung and is ended.
        """
        with contextlib.suppress(OSError, ValueError, WorkerDied):
            self._write(Message(number, "cancel"))
        with self._lock:
            if grace_s is None or number not in self._unanswered or number in self._patience:
                return
            timer = self._patience[number] = threading.Timer(grace_s, self._give_up)
            timer.daemon = True
            timer.start()

    def close(self, grace_s: float = GRACE_S) -> None:
        """End the child: by the end of its stdin, then terminate, then kill. Safe to call twice."""
        self._closing = True
        with contextlib.suppress(OSError, ValueError):
            cast(IO[bytes], self._process.stdin).close()
        for end in (None, self._process.terminate, self._process.kill):
            if end:
                end()
            try:
                self._process.wait(grace_s)
                break
            except subprocess.TimeoutExpired:
                log.warning("%s does not end", self.name)
        self._reader.join(grace_s)
        self._stderr_thread.join(grace_s)

    def kill(self) -> None:
        """End a child that hangs, at once; it is gone when this returns."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)

    def _give_up(self) -> None:
        self._hung = True
        self.kill()

    def _send(
        self, kind: str, data: dict[str, Any] | None, body: bytes
    ) -> tuple[int, queue.SimpleQueue[Message | None]]:
        number, answers = next(self._ids), queue.SimpleQueue[Message | None]()
        with self._lock:
            self._answers[number] = answers
            self._unanswered.add(number)
        try:
            self._write(Message(number, kind, data or {}, body))
        except (OSError, ValueError):
            self._forget(number)
            raise self._death() from None
        if not self._reader.is_alive():
            answers.put(None)  # it died before this request was known to the reader
        return number, answers

    def _write(self, message: Message) -> None:
        with self._write_lock:
            write_message(cast(Any, self._process.stdin), message)

    def _next(self, answers: queue.SimpleQueue[Message | None], stall_s: float | None) -> Message:
        try:
            message = answers.get(timeout=stall_s)
        except queue.Empty:
            self._give_up()
            raise self._death() from None
        if message is None:
            raise self._death()
        return message

    def _forget(self, number: int) -> None:
        with self._lock:
            self._answers.pop(number, None)

    def _read(self) -> None:
        stream = cast(Any, self._process.stdout)
        with contextlib.suppress(OSError, ProtocolError, ValueError):
            while (message := read_message(stream)) is not None:
                with self._lock:
                    answers = self._answers.get(message.id)
                    if message.kind != "progress":
                        self._answers.pop(message.id, None)
                        self._unanswered.discard(message.id)
                        if (timer := self._patience.pop(message.id, None)) is not None:
                            timer.cancel()
                if answers is not None:
                    answers.put(message)
        if not self._closing:
            # The end of stdout is the end of the child, also of one that only broke the wire.
            self._process.kill()
        self._process.wait()
        stream.close()
        with self._write_lock, contextlib.suppress(OSError, ValueError):
            cast(IO[bytes], self._process.stdin).close()
        with self._lock:
            waiting, self._answers = list(self._answers.values()), {}
            self._unanswered.clear()
            for timer in self._patience.values():
                timer.cancel()
        for answers in waiting:
            answers.put(None)

    def _read_stderr(self) -> None:
        stream = cast(IO[bytes], self._process.stderr)
        with stream:
            for line in stream:
                self._last_words.hear(line.decode("utf-8", "replace").rstrip())

    def _death(self) -> WorkerDied:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._stderr_thread.join(GRACE_S)
        if self._hung:
            return hung(self.name, self._last_words)
        return death(self.name, self._process.returncode, self._last_words)


def _error_of(message: Message) -> Exception:
    if "bug" in message.data:
        return WorkerBug(str(message.data["bug"]))
    return from_wire(message.data)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            creationflags=flags,
            # Ctrl+C in a terminal is for the command that runs there; it ends its children itself.
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise UserError(
            tr(
                "A part of this app could not be started: {reason}. Your data is untouched. "
                "Close other programs and try again, or install the app anew.",
                reason=error.strerror,
            ),
            details=repr(command),
        ) from error


def _environment() -> dict[str, str]:
    # A worker must find the package from any working folder, and libraries must not phone home.
    environment = {
        **os.environ,
        "PYTHONSAFEPATH": "1",
        "ANONYMIZED_TELEMETRY": "False",
        "HF_HUB_OFFLINE": "1",
    }
    environment.pop("QT_QPA_PLATFORM", None)
    return {key: value for key, value in environment.items() if not _NOT_FOR_CHILDREN.match(key)}
