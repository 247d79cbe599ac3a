"""The parent's side of a child's whole life: start, requests, cancel, the reason of its death in words, end.

The only module of the app process that starts processes. A child is started by a command line, never by an import, so
its libraries stay out of this process.
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
import time
from collections.abc import Generator, Sequence
from typing import IO, Any, cast

from desktop_llm.errors import UserError, WorkerDied, from_wire
from desktop_llm.steps import result_of
from desktop_llm.words import tr
from desktop_llm.workers import pulse
from desktop_llm.workers.deaths import LastWords, Part, kills_for_memory
from desktop_llm.workers.protocol import ALIVE, Message, ProtocolError, read_message, write_message

log = logging.getLogger(__name__)

GRACE_S = 3.0
_TICK_S, _IDLE_TICK_S = 0.5, 2.0
# Secrets, and settings that make a library report to a server: a child reads strangers' files and needs no network.
_NOT_FOR_CHILDREN = re.compile(r"(?:CHROMA_)?OTEL_|HF_TOKEN$|HUGGING_FACE_HUB_TOKEN$|\w+_PROXY$", re.IGNORECASE)


class WorkerBug(Exception):
    """Raised for a bug in the child; the text is its traceback."""


def child_command(arguments: Sequence[str]) -> list[str]:
    """The command line that starts this very program as a worker, also when frozen."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker", *arguments]
    return [sys.executable, "-m", "desktop_llm", "worker", *arguments]


class Worker:
    """One child process. Any thread may send requests; each gets its own answers.

    `part` names it to people when it dies. `command` starts another program in its place, for tests.
    """

    def __init__(self, arguments: Sequence[str], part: Part, *, command: Sequence[str] | None = None) -> None:
        self.part = part
        self._ids = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[Message | None]] = {}
        self._unanswered: set[int] = set()
        self._patience: dict[int, threading.Timer] = {}  # by cancelled request: the time when the child counts as hung
        self._hung = False
        self._lock = threading.Lock()
        self._closing = False
        self._last_words = LastWords()
        self._kills_before = kills_for_memory()
        self._process = _start([*(command or child_command(arguments))])
        self._watch = pulse.Watch(lambda: pulse.look_at(self.pid))
        self._to_write: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._stderr_thread = threading.Thread(target=self._read_stderr, name="worker stderr", daemon=True)
        self._reader = threading.Thread(target=self._read, name="worker stdout", daemon=True)
        writer = threading.Thread(target=self._write_all, name="worker stdin", daemon=True)
        watcher = threading.Thread(target=self._watch_over, name="worker watch", daemon=True)
        self._threads = [self._stderr_thread, self._reader, writer, watcher]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._hung and self._process.poll() is None

    @property
    def hung(self) -> bool:
        """Whether it was ended because it stopped answering."""
        return self._hung

    @property
    def closing(self) -> bool:
        """Whether its end was asked for on this side."""
        return self._closing

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

        Closing the generator cancels the request. A child that shows no sign of life (`pulse`) is ended; `stall_s`: so
        is one that lives, but says nothing for that long to this or any other request. Raises the UserError that the
        child answered, WorkerDied if it ended, WorkerBug for its bugs.
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
        """Like `request`, but sent at once; also returns the id, which `cancel` takes from any thread."""
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
        """Send a request and return its last message, ignoring progress."""
        return result_of(self.request(kind, data, body, stall_s=stall_s))

    def cancel(self, number: int, *, grace_s: float | None = None) -> None:
        """Ask the child to stop a request; its last message still comes.

        `grace_s`: a child that has not answered by then counts as hung and is ended.
        """
        self._to_write.put(Message(number, "cancel"))
        with self._lock:
            if grace_s is None or number not in self._unanswered or number in self._patience:
                return
            timer = self._patience[number] = threading.Timer(grace_s, self._give_up)
            timer.daemon = True
            timer.start()

    def drop(self, number: int) -> None:
        """Cancel a request and end it at once on this side, without waiting for the child."""
        with self._lock:
            answers = self._answers.pop(number, None)
            self._unanswered.discard(number)
        if answers is not None:
            answers.put(Message(number, "done", {"cancelled": True}))
            self.cancel(number)

    def close(self, grace_s: float = GRACE_S) -> None:
        """End the child: close its stdin, then terminate, then kill it. Safe to call twice."""
        self._closing = True
        self._to_write.put(None)
        for end in (None, self._process.terminate, self._process.kill):
            if end:
                end()
            try:
                self._process.wait(grace_s)
                break
            except subprocess.TimeoutExpired:
                log.warning("%s does not end", self.part.name)
        for thread in self._threads:
            thread.join(grace_s)

    def kill(self) -> None:
        """Kill a child that hangs; it is gone when this returns."""
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
            if self._ended.is_set():  # it died before this request was known to the reader
                answers.put(None)
        self._to_write.put(Message(number, kind, data or {}, body))
        return number, answers

    def _write_all(self) -> None:
        """Write what is queued. A child that reads nothing holds up this thread alone."""
        stream = cast(Any, self._process.stdin)
        with contextlib.suppress(OSError, ValueError):
            while (message := self._to_write.get()) is not None:
                write_message(stream, message)
        with contextlib.suppress(OSError, ValueError):
            stream.close()

    def _watch_over(self) -> None:
        """End a child that hangs."""
        while not self._ended.is_set():
            begun, pause_s = time.monotonic(), _TICK_S if self._unanswered else _IDLE_TICK_S
            self._ended.wait(pause_s)
            if self._watch.is_hung(min(time.monotonic() - begun, pause_s)) and not self._ended.is_set():
                log.warning("%s shows no sign of life", self.part.name)
                self._give_up()
                return

    def _next(self, answers: queue.SimpleQueue[Message | None], stall_s: float | None) -> Message:
        quiet_s, frames = 0.0, self._watch.frames
        tick_s = _TICK_S if stall_s is None else min(_TICK_S, stall_s)
        while True:
            begun = time.monotonic()
            try:
                message = answers.get(timeout=tick_s)
                break
            except queue.Empty:
                pulse.beat()  # this process waits, and its child is watched
                quiet_s = quiet_s + min(time.monotonic() - begun, tick_s) if frames == self._watch.frames else 0.0
                frames = self._watch.frames
                if stall_s is not None and quiet_s >= stall_s:
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
        with contextlib.suppress(OSError, ProtocolError, ValueError, TypeError, OverflowError):
            while (message := read_message(stream)) is not None:
                if message.kind == ALIVE:
                    self._watch.hear(message.data)
                    continue
                self._watch.hear()
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
            # The end of stdout counts as the end of the child, even if it only broke the wire.
            self._process.kill()
        self._process.wait()
        stream.close()
        self._to_write.put(None)
        with self._lock:
            self._ended.set()
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
            return self.part.hung(self._last_words)
        memory_full = kills_for_memory() > self._kills_before
        return self.part.died(self._process.returncode, self._last_words, memory_full=memory_full)


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
            # Ctrl+C in a terminal is meant for the command that runs there, which ends its children itself.
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise UserError(
            tr("A part of this app could not be started: {reason}.", reason=error.strerror),
            tr("Your data is untouched. Close other programs and try again, or reinstall the app."),
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
