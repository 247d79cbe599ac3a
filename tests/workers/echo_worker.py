"""A child that speaks the real wire and misbehaves as told, for the tests of a worker's life."""

from __future__ import annotations

import os
import signal
import sys
import time

from desktop_llm.errors import Cancelled, ContextOverflow, UserError
from desktop_llm.words import tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout


def echo(request: Request) -> Steps:
    yield {"half": request.data["text"][:2]}
    return Reply({"text": request.data["text"]}, request.body[::-1])


def count(request: Request) -> Steps:
    try:
        for number in range(request.data["to"]):
            yield {"number": number}
    except Cancelled:
        return {"stopped": True}
    return {"stopped": False}


def last_words(request: Request) -> Steps:
    try:
        yield {"word": "first"}
        while True:
            yield None
    except Cancelled:
        yield {"word": "one"}
        yield {"word": "two"}
    return {"stopped": True}


def forever(request: Request) -> Steps:
    while True:
        yield None


def refuse(request: Request) -> Steps:
    yield from ()
    if request.data.get("overflow"):
        raise ContextOverflow(9000, 4096)
    raise UserError(
        tr(
            "The {thing} is broken: {why}.",
            thing=request.data.get("thing", "lamp"),
            why=tr("it has {count} cracks", count=2),
        ),
        tr("Nothing else is. Change the bulb."),
    )


def bug(request: Request) -> Steps:
    yield from ()
    raise ZeroDivisionError


def die(request: Request) -> Steps:
    yield {"alive": True}
    sys.stderr.write(request.data.get("last_words", "") + "\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.Signals[request.data["signal"]])
    time.sleep(60)
    return {}


def hang(request: Request) -> Steps:
    yield {"alive": True}
    time.sleep(600)
    return {}


def hold(request: Request) -> Steps:
    """Compute for some seconds without giving up Python's lock, as native code may."""
    yield {"alive": True}
    begun = time.monotonic()
    while time.monotonic() < begun + 3:
        sum(range(10**8))
    return {}


def compute(request: Request) -> Steps:
    yield {"alive": True}
    begun = time.monotonic()
    while time.monotonic() < begun + 3:
        pass
    return {}


def junk(request: Request) -> Steps:
    yield from ()
    os.write(1, b"a library prints to descriptor 1\n")
    return {"fine": True}


def connect(request: Request) -> Steps:
    import socket

    yield from ()
    enforced = confine.no_network()
    try:
        socket.socket(socket.AF_INET).close()
    except PermissionError:
        return {"enforced": enforced, "refused": True}
    return {"enforced": enforced, "refused": False}


if __name__ == "__main__":
    wire = take_stdout()
    handlers = [echo, count, last_words, forever, refuse, bug, die, hang, hold, compute, junk, connect]
    serve({handler.__name__: handler for handler in handlers}, wire, urgent=["echo"])
