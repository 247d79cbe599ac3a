"""Renders the chat template of a file in a child process that is ended when it takes too much time or memory."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psutil

from desktop_llm.engine.template_messages import unusable
from desktop_llm.engine.versions import Message
from desktop_llm.errors import WorkerDied
from desktop_llm.words import tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker

EXTRA_BYTES = 256 << 20  # of memory, beyond what the process starts with
RENDER_LIMIT_S = 1.5  # of the processor: on a busy machine an honest template may wait longer than that for its turn
_SILENCE_LIMIT_S = 60.0
_LOOK_S = 0.05
_CHANCES = 2


class Renderer:
    """The process that renders. It is started when it is needed, and again after it had to be ended."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._is_ready = False

    @property
    def pid(self) -> int:
        """The process under way; 0 if there is none."""
        return self._worker.pid if self._worker is not None else 0

    def start(self) -> None:
        """Start the process, if it does not run; the first call waits until it is ready."""
        if self._worker is None or not self._worker.alive:
            self._worker = Worker(["renderer"], Part(tr("The chat template")))
            self._is_ready = False

    def call(self, data: dict[str, str], body: bytes) -> bytes:
        """Raises UserError if the template fails, TimeoutError or WorkerDied if the process had to be ended."""
        self.start()
        assert self._worker is not None
        try:
            if not self._is_ready:
                self._worker.call("ready", {"extra_bytes": EXTRA_BYTES}, stall_s=_SILENCE_LIMIT_S)
                self._is_ready = True
            with _limits(self._worker):
                return self._worker.call("render", data, body, stall_s=_SILENCE_LIMIT_S).body
        except (WorkerDied, TimeoutError):
            self.close()
            raise

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.kill()
        self._worker = None


class LimitedTemplate:
    """The template of a file. What took too much twice in a row is not tried again."""

    def __init__(self, source: str, renderer: Renderer, *, bos: str = "", eos: str = "") -> None:
        """Raises UserError if the template can't be compiled."""
        self._data = {"source": source, "bos": bos, "eos": eos}
        self._renderer = renderer
        self._chances = _CHANCES
        self._call(b"")

    def render(self, messages: Sequence[Message], variables: Mapping[str, Any] | None = None) -> str:
        """The prompt up to the point where the answer begins; raises UserError if the template fails, leaves a message
        out, or takes more than 1.5 s or 256 MB.
        """
        asked = {"messages": list(messages), "variables": dict(variables or {})}
        body = json.dumps(asked, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self._call(body).decode("utf-8", "surrogatepass")

    def _call(self, body: bytes) -> bytes:
        if not self._chances:
            raise unusable(TimeoutError())
        try:
            rendered = self._renderer.call(self._data, body)
            self._chances = _CHANCES
            return rendered
        except (WorkerDied, TimeoutError) as end:
            self._chances -= 1
            raise unusable(end if isinstance(end, TimeoutError) else MemoryError()) from end


@contextlib.contextmanager
def _limits(worker: Worker) -> Iterator[None]:
    """End the process if it takes too much processor time, or too much memory and the system can't limit that.

    Raises TimeoutError in place of WorkerDied if it took too much time.
    """
    over, late = threading.Event(), threading.Event()

    def watch() -> None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(worker.pid)
            begun_s, begun_bytes = _busy_s(process), process.memory_info().rss
            while not over.wait(_LOOK_S):
                if _busy_s(process) - begun_s > RENDER_LIMIT_S:
                    late.set()
                    worker.kill()
                elif sys.platform != "linux" and process.memory_info().rss > begun_bytes + EXTRA_BYTES:
                    worker.kill()

    thread = threading.Thread(target=watch, name="limits of the template", daemon=True)
    thread.start()
    try:
        yield
    except WorkerDied as death:
        if late.is_set():
            raise TimeoutError from death
        raise
    finally:
        over.set()
        thread.join()


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
