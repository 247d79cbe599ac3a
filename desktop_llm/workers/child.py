"""A child's end of the wire: one loop that serves requests until the parent is gone.

A handler is a generator: it yields progress, returns the answer or raises a UserError, and each is sent to the parent.
Handlers are stepped in one thread, one step at a time, so short work runs between two steps of long work. A second
thread always reads stdin: a cancel gets through while native code runs, and the end of stdin ends the process, with a
moment for what must be put in order before.
A third tells the parent that this process lives, and whether its step gets on (`pulse`).
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

from desktop_llm.errors import BadRequest, Cancelled, UserError, to_wire
from desktop_llm.words import tr
from desktop_llm.workers import confine, pulse
from desktop_llm.workers.protocol import ALIVE, Message, ProtocolError, read_message, write_message


@dataclass(frozen=True, slots=True)
class Request:
    """A request from the parent; `cancelled` is set the moment its cancel arrives, even while a step runs."""

    id: int
    kind: str
    data: dict[str, Any]
    body: bytes
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a binary body; without a body, a plain dict is enough."""

    data: dict[str, Any]
    body: bytes = b""


Answer = Reply | dict[str, Any]
Steps = Generator[Answer | None, None, Answer]
Handler = Callable[[Request], Steps]


def take_stdout() -> BinaryIO:
    """A private copy of stdout for the wire; descriptor 1 becomes stderr, so no library can print into a frame.

    Call it before anything native is imported.
    """
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


END_S = 2.0
IDLE_S = 30.0


def _nothing() -> None:
    """Put nothing in order."""


def _not_heard(_kind: str) -> None:
    """Do nothing about a request before its turn."""


def _no_work() -> bool:
    """Do nothing while there is no request."""
    return False


def serve(
    handlers: Mapping[str, Handler],
    wire: BinaryIO,
    *,
    urgent: Collection[str] = (),
    arriving: Callable[[str], None] = _not_heard,
    at_end: Callable[[], None] = _nothing,
    when_idle: Callable[[], bool] = _no_work,
) -> None:
    """Serve requests until the parent closes stdin or is gone; does not return. Every child answers
    `enforced`, too. `arriving` hears the kind of each request at once, in the thread that reads them.

    Then `at_end` runs in the handlers' thread after the current step; the process ends END_S later at the latest.
    `when_idle` runs there after IDLE_S without a request, and again until it returns that nothing is left to do.

    Requests of a kind in `urgent` run to their end before any other handler's next step; the others take turns. A
    handler may yield None to let others run without sending anything.
    """
    _Loop(handlers, wire, urgent, arriving, at_end, when_idle).run()


class _Loop:
    """The state of `serve`: the requests that have arrived, and the handlers under way."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        wire: BinaryIO,
        urgent: Collection[str],
        arriving: Callable[[str], None],
        at_end: Callable[[], None],
        when_idle: Callable[[], bool],
    ) -> None:
        self._handlers = {"enforced": _enforced, **handlers}
        self._arriving, self._at_end, self._when_idle = arriving, at_end, when_idle
        self._idle_s: float | None = IDLE_S  # None: nothing is left to do
        self._leaving = threading.Event()
        self._wire = wire
        self._writing = threading.Lock()
        self._urgent = urgent
        self._arrived: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._asked = threading.Event()  # wakes the thread that beats
        self._open: dict[int, Request] = {}
        self._running: deque[tuple[Request, Steps]] = deque()
        self._told: set[int] = set()  # ids of requests whose handlers know that they are cancelled

    def run(self) -> None:
        threading.Thread(target=self._read, name="stdin", daemon=True).start()
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()
        while not self._leaving.is_set():
            self._take_new(wait=not self._running)
            if self._running:
                self._step()
        self._leave()

    def _beat(self) -> None:
        while True:
            busy = bool(self._open)
            self._write(Message(0, ALIVE, pulse.signs(busy=busy)))
            if busy:
                time.sleep(pulse.BEAT_S)
            else:
                self._asked.wait(pulse.IDLE_BEAT_S)
            self._asked.clear()

    def _read(self) -> None:
        with contextlib.suppress(ProtocolError):
            self._read_messages(os.fdopen(os.dup(0), "rb"))
        self._leave()

    def _leave(self) -> None:
        """End the process: the parent is gone or wants us to end. Native threads must not keep it alive."""
        if threading.current_thread() is threading.main_thread():
            try:
                self._at_end()
            finally:
                os._exit(0)
        self._leaving.set()
        self._arrived.put(None)
        time.sleep(END_S)
        os._exit(0)

    def _read_messages(self, stream: BinaryIO) -> None:
        while (message := read_message(stream)) is not None:
            if message.kind == "cancel":
                if (request := self._open.get(message.id)) is not None:
                    request.cancelled.set()
            else:
                request = Request(message.id, message.kind, message.data, message.body)
                self._open[message.id] = request
                self._arriving(request.kind)
                self._arrived.put(request)
                self._asked.set()

    def _take_new(self, *, wait: bool) -> None:
        while wait or not self._arrived.empty():
            try:
                request = self._arrived.get(timeout=self._idle_s)
            except queue.Empty:
                self._idle_s = 0.0 if self._when_idle() else None
                continue
            if request is None:
                return
            wait, self._idle_s = False, IDLE_S
            handler = self._handlers.get(request.kind)
            if handler is None:
                unknown = BadRequest(tr("Unknown request {kind}.", kind=request.kind))
                self._end(request, "error", to_wire(unknown))
                continue
            entry = (request, handler(request))
            if request.kind in self._urgent:
                self._running.appendleft(entry)
            else:
                self._running.append(entry)

    def _step(self) -> None:
        request, steps = self._running.popleft()
        pulse.beat()
        try:
            answer = self._next(request, steps)
        except StopIteration as end:
            self._end(request, "done", end.value)
        except Cancelled:
            self._end(request, "done", {"cancelled": True})
        except UserError as error:
            self._end(request, "error", to_wire(error))
        except Exception:  # noqa: BLE001 - the worker's edge: a bug is reported, the worker lives on
            self._end(request, "error", {"bug": traceback.format_exc()})
        else:
            if answer is not None:
                self._send(request, "progress", answer)
            if request.kind in self._urgent:
                self._running.appendleft((request, steps))
            else:
                self._running.append((request, steps))

    def _next(self, request: Request, steps: Steps) -> Answer | None:
        """Run one step. A handler is told of its cancel once, and can still answer with a partial result."""
        if request.cancelled.is_set() and request.id not in self._told:
            self._told.add(request.id)
            return steps.throw(Cancelled())
        return next(steps)

    def _end(self, request: Request, kind: str, answer: Answer) -> None:
        self._open.pop(request.id, None)
        self._told.discard(request.id)
        self._send(request, kind, answer)

    def _send(self, request: Request, kind: str, answer: Answer) -> None:
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        self._write(Message(request.id, kind, reply.data, reply.body))

    def _write(self, message: Message) -> None:
        try:
            with self._writing:
                write_message(self._wire, message)
        except OSError:  # nobody is listening any more
            self._leave()


def _enforced(_request: Request) -> Steps:
    """What the kernel enforces on this process, as far as it was asked to."""
    yield from ()
    return asdict(confine.achieved())
