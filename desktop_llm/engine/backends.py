"""Finds, scores and loads llama.cpp's backend modules; the only module that knows the layout of the library.

A build with GGML_BACKEND_DL has one CPU module per processor family beside the library (`libggml-cpu-zen4.so`), and
similar GPU modules; upstream's prebuilt wheels have one CPU backend linked in. Both work. Runs in the engine worker.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.engine.native import bindings, ggml
from desktop_llm.engine.shapes import Device
from desktop_llm.errors import UserError
from desktop_llm.hardware import graphics_cards
from desktop_llm.words import tr
from desktop_llm.workers import pulse

_MODULE_NAME = re.compile(r"(?:lib)?ggml-(?P<name>[a-z0-9]+(?:-[a-z0-9_]+)?)\.(?:so|dll|dylib)$")
_CHOOSES_DEVICES = re.compile(r"GGML_|VK_|CUDA_(?!CACHE_PATH)|HIP_|ROCR_")  # environment variables
_KINDS = frozenset({"cpu", "cuda", "hip", "metal", "musa", "opencl", "sycl", "vulkan"})
_IN_APP = Path(__file__).parents[1] / "backends"  # builders and packages put GPU modules there
GPU_STILL_S = 60.0  # this process may sleep so long while a slow GPU works on one batch
_DEVICE_GPU, _DEVICE_IGPU = 1, 2  # ggml_backend_dev_type


@dataclass(frozen=True, slots=True)
class Module:
    """A backend module on disk; `name` is "cpu-zen4" or "vulkan", a higher `score` runs faster here, 0 not at all.

    `problem` is the system's message if it can't even be opened, otherwise "".
    """

    name: str
    path: Path
    score: int
    problem: str = ""


class Modules:
    """The backend modules of this installation: beside the library, inside the app, and in one `more` folder."""

    def __init__(self, more: Path | None = None) -> None:
        self._more = (_IN_APP,) if more is None else (_IN_APP, more)

    def found(self) -> list[Module]:
        """All modules, the fastest first; a score of 0 means that one doesn't run here, or is linked in anyway."""
        found = [_examine(name, path) for name, path in self._paths().items()]
        return sorted(found, key=lambda module: module.score, reverse=True)

    def load(self, names: Sequence[str]) -> None:
        """Register these modules with llama.cpp; raises UserError if one can't be loaded."""
        library = ggml()
        paths = self._paths()
        if any(not name.startswith("cpu") for name in names):
            pulse.be_patient(GPU_STILL_S)
        for name in names:
            if name not in paths or not library.backend_load(str(paths[name]).encode()):
                raise UserError(
                    tr("The engine's part “{name}” can't be loaded.", name=name),
                    tr("Install the app again; nothing was changed."),
                )
        if not library.backend_dev_count():
            raise UserError(
                tr("The engine has no backend for this processor."), tr("Install the app again; nothing was changed.")
            )
        if any(device.kind == "gpu" for device in devices()):  # linked in
            pulse.be_patient(GPU_STILL_S)

    def machine_key(self) -> str:
        """A name for this processor, this build of the engine, the GPUs and their drivers: test results are valid for
        these.
        """
        choices = sorted(f"{name}={value}" for name, value in os.environ.items() if _CHOOSES_DEVICES.match(name))
        parts = [_cpu_model(), *graphics_cards(), *choices]
        files = {*(_package() / "lib").iterdir(), *self._files(), *_driver_files()}
        for path in sorted(files):
            status = path.stat()
            parts.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def _files(self) -> Iterator[Path]:
        package = _package()
        beside = (package / "lib", package / "bin", package.parent / "bin", package.parent / "lib")
        for folder in (*beside, *self._more):
            if folder.is_dir():
                yield from (path for path in sorted(folder.iterdir()) if _MODULE_NAME.match(path.name))

    def _paths(self) -> dict[str, Path]:
        """CPU and GPU modules by name; if two share a name, the one beside the library wins."""
        found: dict[str, Path] = {}
        for path in self._files():
            match = _MODULE_NAME.match(path.name)
            name = match["name"] if match else ""
            if name.split("-")[0] in _KINDS:
                found.setdefault(name, path)
        return found


def devices() -> list[Device]:
    """Everything the loaded backends can compute on, as llama.cpp lists it."""
    library = ggml()
    return [_device(library, library.backend_dev_get(index)) for index in range(library.backend_dev_count())]


def _package() -> Path:
    return Path(str(bindings().__file__)).parent


def _driver_files() -> Iterator[Path]:
    """Files that change with a graphics driver (Linux), so that a failed module is tested again after an update."""
    for folder in ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"):
        yield from Path(folder).glob("*.json")


def _examine(name: str, path: Path) -> Module:
    """Ask the module how well it suits this processor; one that does not say may be tried."""
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        return Module(name, path, 0, str(error))
    if not hasattr(library, "ggml_backend_score"):
        return Module(name, path, 1 if hasattr(library, "ggml_backend_init") else 0)
    return Module(name, path, int(library.ggml_backend_score()))


def _device(library: Any, device: int) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    library.backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
    backend = library.backend_reg_name(library.backend_dev_backend_reg(device))
    return Device(
        name=library.backend_dev_name(device).decode("utf-8", "replace"),
        description=library.backend_dev_description(device).decode("utf-8", "replace").strip(),
        kind="gpu" if library.backend_dev_type(device) in (_DEVICE_GPU, _DEVICE_IGPU) else "cpu",
        backend=backend.decode("utf-8", "replace"),
        total_bytes=total.value,
        free_bytes=free.value,
    )


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        wanted = ("model name", "flags", "Features", "CPU part")
        lines = cpuinfo.read_text(errors="replace").splitlines()
        return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))
    return f"{platform.machine()} {platform.processor()}"
