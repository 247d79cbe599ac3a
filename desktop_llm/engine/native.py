"""llama.cpp's C API: the bindings of llama-cpp-python, and the functions of ggml that these do not declare."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

from desktop_llm.errors import UserError
from desktop_llm.words import tr

Pointer = ctypes.c_void_p
CPU_DEVICE = 0  # ggml_backend_dev_type
_TEXT, _SIZE, _INT, _INT64, _BOOL = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int64, ctypes.c_bool
_TO_SIZE = ctypes.POINTER(_SIZE)


class InitParams(ctypes.Structure):
    """`ggml_init_params`."""

    _fields_ = (("mem_size", _SIZE), ("mem_buffer", Pointer), ("no_alloc", _BOOL))


# From ggml.h and ggml-backend.h, names without the leading "ggml_": the type of the result, then the types of the
# arguments.
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "init": (Pointer, InitParams),
    "free": (None, Pointer),
    "row_size": (_SIZE, _INT, _INT64),
    "new_tensor_2d": (Pointer, Pointer, _INT, _INT64, _INT64),
    "mul_mat": (Pointer, Pointer, Pointer, Pointer),
    "new_graph_custom": (Pointer, Pointer, _SIZE, _BOOL),
    "build_forward_expand": (None, Pointer, Pointer),
    "backend_load": (Pointer, _TEXT),
    "backend_free": (None, Pointer),
    "backend_graph_compute": (_INT, Pointer, Pointer),
    "backend_alloc_ctx_tensors_from_buft": (Pointer, Pointer, Pointer),
    "backend_buft_alloc_buffer": (Pointer, Pointer, _SIZE),
    "backend_buffer_free": (None, Pointer),
    "backend_tensor_set": (None, Pointer, _TEXT, _SIZE, _SIZE),
    "backend_dev_count": (_SIZE,),
    "backend_dev_get": (Pointer, _SIZE),
    "backend_dev_by_type": (Pointer, _INT),
    "backend_dev_type": (_INT, Pointer),
    "backend_dev_name": (_TEXT, Pointer),
    "backend_dev_description": (_TEXT, Pointer),
    "backend_dev_memory": (None, Pointer, _TO_SIZE, _TO_SIZE),
    "backend_dev_init": (Pointer, Pointer, _TEXT),
    "backend_dev_buffer_type": (Pointer, Pointer),
    "backend_dev_supports_op": (_BOOL, Pointer, Pointer),
    "backend_dev_backend_reg": (Pointer, Pointer),
    "backend_reg_name": (_TEXT, Pointer),
    "backend_reg_get_proc_address": (Pointer, Pointer, _TEXT),
}


def bindings() -> Any:
    """llama.cpp's C API as ctypes functions.

    The package's own `__init__` imports its high-level classes with numpy, jinja and a disk cache (0.5 s); an empty
    package in its place leaves the bindings as they are and costs 0.1 s.
    """
    if "llama_cpp" not in sys.modules:
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None:
            raise UserError(
                tr("The engine llama-cpp-python is not installed."), tr("Install the app again; nothing was changed.")
            )
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module("llama_cpp.llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:  # a system library is missing, or the build is broken
        raise UserError(
            tr("The engine can't be started: a library that it needs is missing or broken."),
            tr("Your data is untouched. Install the app again."),
            details=str(error),
        ) from error


def multimodal() -> Any:
    """The C API of mtmd, llama.cpp's library for pictures and sounds; it logs where llama.cpp does."""
    bindings()
    try:
        return importlib.import_module("llama_cpp.mtmd_cpp")
    except (ImportError, OSError, RuntimeError) as error:
        raise UserError(
            tr("Pictures can't be used: a part of the engine is missing or broken."),
            tr("Everything else works. Install the app again to use pictures."),
            details=str(error),
        ) from error


def ggml() -> Any:
    """The functions of ggml, from the library that llama.cpp itself uses: a second copy would have its own registry."""
    library = bindings()._lib
    declared = {}
    for name, (result, *arguments) in _SIGNATURES.items():
        function = declared[name] = getattr(library, f"ggml_{name}")
        function.restype, function.argtypes = result, arguments
    return SimpleNamespace(**declared)
