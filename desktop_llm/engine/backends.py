"""Finds, scores and loads llama.cpp's backend modules; the only place that knows how the library is laid out.

A build with GGML_BACKEND_DL brings one CPU module a processor family beside the library (`libggml-cpu-zen4.so`), and
GPU modules of the same kind; upstream's prebuilt wheels link one CPU backend in. Both work. Runs in the engine worker.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from desktop_llm.engine.shapes import Device
from desktop_llm.errors import UserError
from desktop_llm.hardware import graphics_cards
from desktop_llm.words import tr

_MODULE_NAME = re.compile(r"(?:lib)?ggml-(?P<name>[a-z0-9]+(?:-[a-z0-9_]+)?)\.(?:so|dll|dylib)$")
_CHOOSES_DEVICES = re.compile(r"GGML_|VK_|CUDA_|HIP_|ROCR_")
_KINDS = frozenset({"cpu", "cuda", "hip", "metal", "musa", "opencl", "sycl", "vulkan"})
# Beside the library, and here: inside the app, where its builder or a package puts GPU modules.
_more_folders = [Path(__file__).parents[1] / "backends"]
_DEVICE_GPU, _DEVICE_IGPU = 1, 2  # ggml_backend_dev_type


@dataclass(frozen=True, slots=True)
class Module:
    """A backend module on disk; `name` is "cpu-zen4" or "vulkan", a higher `score` runs faster here, 0 not at all.

    `problem`: the system's words for why it can't even be opened, "" if it can.
    """

    name: str
    path: Path
    score: int
    problem: str = ""


def bindings() -> Any:
    """llama.cpp's C API as ctypes functions.

    The package's own `__init__` imports its high-level classes with numpy, jinja and a disk cache (0.5 s); a bare
    package in its place leaves the binding's module as it is and costs 0.1 s.
    """
    if "llama_cpp" not in sys.modules:
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None:
            raise UserError(
                tr("The engine llama-cpp-python is not installed. Install the app again; nothing was changed.")
            )
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module("llama_cpp.llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:  # a library of the system is missing, or the build is broken
        raise UserError(
            tr("The engine can't be started: {reason}. Your data is untouched. Install the app again.", reason=error)
        ) from error


def look_in(folder: Path) -> None:
    """Look for modules in this folder too."""
    _more_folders.append(folder)


def modules() -> list[Module]:
    """The modules there are, the fastest here first; those with no score don't run here, or are linked in anyway."""
    found = [_examine(name, path) for name, path in _module_paths().items()]
    return sorted(found, key=lambda module: module.score, reverse=True)


def load(names: list[str]) -> None:
    """Register these modules with the library that llama.cpp itself uses; raises UserError where one can't be loaded.

    The functions are looked up through libllama, because a second copy of libggml would have a registry of its own.
    """
    native = bindings()
    register = native._lib.ggml_backend_load
    register.argtypes, register.restype = [ctypes.c_char_p], ctypes.c_void_p
    paths = _module_paths()
    for name in names:
        if name not in paths or not register(str(paths[name]).encode()):
            raise UserError(
                tr("The engine's part “{name}” can't be loaded. Install the app again; nothing was changed.", name=name)
            )
    if not _device_count(native):
        raise UserError(tr("The engine has no backend for this processor. Install the app again; nothing was changed."))


def devices() -> list[Device]:
    """What the loaded backends can compute on, as llama.cpp lists it."""
    native = bindings()
    functions = _device_functions(native)
    return [_device(functions, functions["get"](index)) for index in range(_device_count(native))]


def machine_key() -> str:
    """Names this processor, the build of the engine, the GPUs and their drivers: what was found out about backends
    holds for these.
    """
    native = bindings()
    choices = sorted(f"{name}={value}" for name, value in os.environ.items() if _CHOOSES_DEVICES.match(name))
    parts = [_cpu_model(), *graphics_cards(), *choices]
    files = {*_library_folder(native).iterdir(), *_module_files(native), *_driver_files()}
    for path in sorted(files):
        status = path.stat()
        parts.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _library_folder(native: ModuleType) -> Path:
    return Path(str(native.__file__)).parent / "lib"


def _module_files(native: ModuleType) -> Iterator[Path]:
    package = Path(str(native.__file__)).parent
    beside = (package / "lib", package / "bin", package.parent / "bin", package.parent / "lib")
    for folder in (*beside, *_more_folders):
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if _MODULE_NAME.match(path.name))


def _module_paths() -> dict[str, Path]:
    """CPU and GPU modules by name; of two with one name the one beside the library counts."""
    found: dict[str, Path] = {}
    for path in _module_files(bindings()):
        match = _MODULE_NAME.match(path.name)
        name = match["name"] if match else ""
        if name.split("-")[0] in _KINDS:
            found.setdefault(name, path)
    return found


def _driver_files() -> Iterator[Path]:
    """What changes with a graphics driver (Linux), so that a module which failed is tested again after an update."""
    for folder in ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"):
        yield from Path(folder).glob("*.json")


def _examine(name: str, path: Path) -> Module:
    """What the module says of itself on this processor; one without a word on it can be tried."""
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        return Module(name, path, 0, str(error))
    if not hasattr(library, "ggml_backend_score"):
        return Module(name, path, 1 if hasattr(library, "ggml_backend_init") else 0)
    return Module(name, path, int(library.ggml_backend_score()))


def _device_count(native: Any) -> int:
    count = native._lib.ggml_backend_dev_count
    count.argtypes, count.restype = [], ctypes.c_size_t
    return int(count())


def _device_functions(native: Any) -> dict[str, Any]:
    """The device functions of ggml-backend.h, which the bindings don't declare."""
    pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)
    signatures: dict[str, tuple[list[Any], Any]] = {
        "get": ([ctypes.c_size_t], pointer),
        "type": ([pointer], ctypes.c_int),
        "name": ([pointer], text),
        "description": ([pointer], text),
        "memory": ([pointer, size, size], None),
        "backend_reg": ([pointer], pointer),
    }
    functions = {}
    for name, (arguments, result) in signatures.items():
        functions[name] = getattr(native._lib, f"ggml_backend_dev_{name}")
        functions[name].argtypes, functions[name].restype = arguments, result
    functions["backend_name"] = native._lib.ggml_backend_reg_name
    functions["backend_name"].argtypes, functions["backend_name"].restype = [pointer], text
    return functions


def _device(functions: Mapping[str, Any], device: int) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    functions["memory"](device, ctypes.byref(free), ctypes.byref(total))
    return Device(
        name=functions["name"](device).decode("utf-8", "replace"),
        description=functions["description"](device).decode("utf-8", "replace").strip(),
        kind="gpu" if functions["type"](device) in (_DEVICE_GPU, _DEVICE_IGPU) else "cpu",
        backend=functions["backend_name"](functions["backend_reg"](device)).decode("utf-8", "replace"),
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
