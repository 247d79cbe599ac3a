"""The engine as it is installed on this computer: starts its workers, and knows what works and how fast.

All engines of a process share one, so that nothing is tested or measured twice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from desktop_llm.engine.choice import BackendNotes, Backends, small_model
from desktop_llm.engine.crashes import Crashes
from desktop_llm.engine.paces import Paces
from desktop_llm.engine.shapes import Device, LoadSettings, state_name
from desktop_llm.errors import LESS_MEMORY, UserError
from desktop_llm.paths import Folders
from desktop_llm.words import tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker
from desktop_llm.workers.protocol import path_to_wire

STALL_S = 600.0  # of computing without a word: a slow machine reads a batch of a large model for minutes
_MEASURED_CONTEXT = 512


class Installation:
    """Starts workers for models and for tests of this computer, and ends them all. Any thread may call anything.

    `command` starts another program in place of the worker, for tests. `stall_s`: a worker that is silent for so long
    while it works counts as hung and is ended.
    """

    def __init__(self, folders: Folders, *, command: Sequence[str] | None = None, stall_s: float = STALL_S) -> None:
        modules, cache = folders.data / "backends", folders.cache / "engine"
        self._command = command
        self._arguments = ["engine", "--modules", str(modules), "--cache", str(cache)]
        self.stall_s = stall_s
        self._states = cache / "states"
        self.backends = Backends(BackendNotes(folders.cache / "backends.json"), self._start_test)
        self.crashes = Crashes(folders.data / "crashes.json")
        self.paces = Paces(folders.cache / "paces.json")
        self._devices: tuple[Device, ...] | None = None
        self._asking = threading.Lock()
        self._children: set[Worker] = set()
        self._ended = False

    def start(self) -> Worker:
        """Start a worker for a model."""
        return self._start_as(
            Part(
                tr("The model"),
                tr("Everything written so far is kept. The next message starts it again."),
                tr("A smaller model or a shorter context length helps."),
                LESS_MEMORY,
            )
        )

    def speeds(self, threads: int | None = None) -> dict[str, Any]:
        """The speed of this processor for `Forecaster.note_speeds`, measured for some seconds in a separate child.

        It uses all physical cores unless `threads` is given. Raises NotFound without the small model for measuring.
        """
        model = small_model()
        settings = LoadSettings(context_length=_MEASURED_CONTEXT, threads=threads, gpu_layers=0)
        with self._tester(model) as worker:
            data = {"model": path_to_wire(model), **asdict(settings), **self.backends.asked(model, settings)}
            return {**worker.call("speeds", data, stall_s=self.stall_s).data, "model": str(model)}

    def devices(self) -> tuple[Device, ...]:
        """Every device that llama.cpp can use here; a child is asked once, so `free_bytes` is as of then.
        Raises NotFound without the small model for testing backends.
        """
        with self._asking:  # the pages of a new window all ask at once, and one test keeps this computer busy enough
            if self._devices is None:
                self._devices = self._look_at_devices()
            return self._devices

    def devices_now(self) -> tuple[Device, ...]:
        """The devices with their free memory as of now. Without a GPU nothing is asked: `devices` has it all."""
        try:
            devices = self.devices()
            return self._look_at_devices() if any(device.kind == "gpu" for device in devices) else devices
        except UserError:  # the engine does not run here; loading a model will say so
            return ()

    def forget(self, slots: Sequence[str]) -> None:
        """Delete what is kept on the disk of these conversations."""
        for slot in slots:
            for path in self._states.glob(f"*/{state_name(slot)}.kv"):
                with contextlib.suppress(OSError):
                    path.unlink()

    def end(self) -> None:
        """End all workers, from any thread; none starts any more."""
        self._ended = True
        for worker in list(self._children):
            worker.kill()

    def _look_at_devices(self) -> tuple[Device, ...]:
        with self._tester(small_model()) as worker:
            told = worker.call("devices", {"modules": self.backends.modules}, stall_s=self.stall_s).data
        return tuple(Device(**device) for device in told["devices"])

    @contextlib.contextmanager
    def _tester(self, model: Path) -> Iterator[Worker]:
        """A separate worker for one question; its backends are known to work."""
        with contextlib.closing(self._start_test()) as worker:
            self.backends.decide(worker, model, self.stall_s)
            yield worker

    def _start_test(self) -> Worker:
        return self._start_as(
            Part(
                tr("The test of what this computer can do"),
                tr("Your chats and documents are untouched. Try again."),
                tr("Close other programs first."),
            )
        )

    def _start_as(self, part: Part) -> Worker:
        worker = Worker(self._arguments, part, command=self._command)
        self._children.difference_update([child for child in list(self._children) if not child.alive])
        self._children.add(worker)
        if self._ended:
            worker.kill()
        return worker
