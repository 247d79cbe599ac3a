"""Which backends a machine can be trusted with: found out once by self-tests in children, remembered in a file.

Runs in the app process and loads nothing native itself: a backend that crashes takes only its child along.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from desktop_llm.errors import UserError, WorkerDied
from desktop_llm.files import write_atomically
from desktop_llm.words import tr
from desktop_llm.workers.process import Worker
from desktop_llm.workers.protocol import path_to_wire

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


def choose(machine: Mapping[str, Any], start: Callable[[], Worker], model: Path) -> BackendChoice:
    """Self-test this machine's modules from the fastest on; the first CPU module that works, and every GPU one.

    `machine` is the engine worker's answer to `machine`, `start` starts such a worker, `model` is a small model.
    Raises UserError where nothing works.
    """
    names = list(machine["modules"])
    left_out: list[str] = []

    def works(choice: BackendChoice) -> bool:
        fine = _selftest(start, choice, model)
        if not fine and choice.modules:
            left_out.append(choice.modules[-1])
        return fine

    for name in [name for name in names if name.startswith("cpu")]:
        if works(chosen := BackendChoice((name,))):
            break
    else:
        # Backends that are linked in can't be left out one by one; without repacked weights they crash less.
        chosen = BackendChoice()
        if not works(chosen) and not works(chosen := replace(chosen, extra_buffers=False)):
            raise UserError(tr("The engine does not run on this processor. Your chats and documents are untouched."))
    for name in [name for name in names if not name.startswith("cpu")]:
        if works(more := replace(chosen, modules=(*chosen.modules, name))):
            chosen = more
    return replace(chosen, left_out=tuple(left_out))


def crashed(status: int | None) -> bool:
    """Whether a child ended by a fault of native code, rather than by a kill, a full memory or an orderly end."""
    if status is None or status == 0:
        return False
    if os.name == "nt":
        return status == _WINDOWS_ABORT or status & _WINDOWS_FAULT != 0
    return status < 0 and signal.Signals(-status).name in _CRASH_SIGNALS


def _selftest(start: Callable[[], Worker], choice: BackendChoice, model: Path) -> bool:
    worker = start()
    data = {
        "model": path_to_wire(model),
        "modules": list(choice.modules),
        "extra_buffers": choice.extra_buffers,
        "context_length": 256,
    }
    try:
        worker.call("selftest", data, stall_s=SELFTEST_STALL_S)
    except WorkerDied:
        if not crashed(worker.exit_status):
            raise
        return False
    except UserError:
        return False
    finally:
        worker.close()
    return True
