"""A child's end of the wire: one loop that serves requests until the parent is gone.

A handler is a generator: what it yields goes out as progress, what it returns as done, a UserError it raises as error.
Handlers are stepped in one thread, one step at a time, so long work lets short work in between two steps. A second
thread always reads stdin: a cancel gets through while native code runs, and the end of stdin ends the process at once.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from desktop_llm.errors import BadRequest, Cancelled, UserError, to_wire
from desktop_llm.words import tr
from desktop_llm.workers.protocol import Message, ProtocolError, read_message, write_message


@dataclass(frozen=True, slots=True)
class Request:
    """What the parent asks; `cancelled` is set the moment its cancel arrives, also while a step runs."""

    id: int
    kind: str
    data: dict[str, Any]
    body: bytes
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a binary body; without one a plain dict does."""

    data: dict[str, Any]
    body: bytes = b""


Answer = Reply | dict[str, Any]
Steps = Generator[Answer | None, None, Answer]
Handler = Callable[[Request], Steps]


def take_stdout() -> BinaryIO:
    """A private copy of stdout for the wire; descriptor 1 becomes stderr, so no library can print into a frame.

    To be called before anything native is imported.
    """
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def serve(handlers: Mapping[str, Handler], wire: BinaryIO, *, urgent: Collection[str] = ()) -> None:
    """Serve requests until the parent closes stdin; does not return.

    Kinds in `urgent` run to their end before any other handler's next step; the others take turns. A handler may yield
    None to let others in without saying anything.
    """
    _Loop(handlers, wire, urgent).run()


class _Loop:
    """The state of `serve`: what has arrived, and the handlers under way."""

    def __init__(self, handlers: Mapping[str, Handler], wire: BinaryIO, urgent: Collection[str]) -> None:
        self._handlers = handlers
        self._wire = wire
        self._urgent = urgent
        self._arrived: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._open: dict[int, Request] = {}
        self._running: deque[tuple[Request, Steps]] = deque()
        self._told: set[int] = set()  # ids whose handlers know that they are cancelled

    def run(self) -> None:
        threading.Thread(target=self._read, name="stdin", daemon=True).start()
        while True:
            self._take_new(wait=not self._running)
            if self._running:
                self._step()

    def _read(self) -> None:
        with contextlib.suppress(ProtocolError):
            self._read_messages(os.fdopen(os.dup(0), "rb"))
        # The parent is gone or wants us gone: native threads must not keep the process.
        os._exit(0)

    def _read_messages(self, stream: BinaryIO) -> None:
        while (message := read_message(stream)) is not None:
            if message.kind == "cancel":
                if (request := self._open.get(message.id)) is not None:
                    request.cancelled.set()
            else:
                request = Request(message.id, message.kind, message.data, message.body)
                self._open[message.id] = request
                self._arrived.put(request)

    def _take_new(self, *, wait: bool) -> None:
        while wait or not self._arrived.empty():
            request = self._arrived.get()
            wait = False
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
        """One step; a cancel is told once, so that a handler can still say what it has."""
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
        try:
            write_message(self._wire, Message(request.id, kind, reply.data, reply.body))
        except OSError:
            os._exit(0)  # nobody listens any more
