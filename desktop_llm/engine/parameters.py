"""What was asked for in llama.cpp's own parameter structures."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import psutil

from desktop_llm.engine.backends import bindings
from desktop_llm.engine.wanted import DEFAULT_CONTEXT_LENGTH, Wanted

ALL_LAYERS = -1  # llama.cpp: every layer, whatever their number
_SMALLEST_CONTEXT = 256
# Of the memory that is free now; a larger file stays mapped, since the system can take mapped pages back.
_ROOM = 0.8
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_NO_DEVICES = (ctypes.c_void_p * 1)(None)  # the list of devices ends with a null pointer


def for_model(wanted: Wanted, gpu_layers: int) -> Any:
    """`llama_model_params`; without GPU layers no GPU is touched at all, not even for big products."""
    native = bindings()
    parameters = native.llama_model_default_params()
    parameters.use_extra_bufts = wanted.extra_buffers
    read = not gpu_layers and _has_room(wanted.path)
    parameters.load_mode = native.LLAMA_LOAD_MODE_NONE if read else native.LLAMA_LOAD_MODE_MMAP
    parameters.n_gpu_layers = gpu_layers
    if not gpu_layers:
        parameters.devices = ctypes.cast(_NO_DEVICES, ctypes.c_void_p)
    return parameters


def _has_room(path: Path) -> bool:
    """Whether the file is read into memory rather than mapped.

    Beside the weights that the processor's module rearranges, a mapped file would be in memory a second time; and one
    that is cut while it is mapped ends the process. Of a model in parts only the first is known here.
    """
    try:
        size_bytes = path.stat().st_size
    except OSError:  # llama.cpp says what is wrong
        return False
    return not _SHARD.search(path.name) and size_bytes < _ROOM * psutil.virtual_memory().available


def for_context(model: Any, wanted: Wanted, threads: int) -> Any:
    """`llama_context_params`, its context no longer than the model was trained for."""
    native = bindings()
    trained = int(native.llama_model_n_ctx_train(model)) or DEFAULT_CONTEXT_LENGTH
    parameters = native.llama_context_default_params()
    parameters.n_ctx = max(_SMALLEST_CONTEXT, min(trained, wanted.context_length or DEFAULT_CONTEXT_LENGTH))
    parameters.n_batch = parameters.n_ubatch = wanted.batch_tokens
    parameters.type_k = parameters.type_v = wanted.kv
    if wanted.flash_attention is not None:
        parameters.flash_attn_type = int(wanted.flash_attention)  # llama_flash_attn_type; -1 leaves it to llama.cpp
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.no_perf = True
    return parameters
