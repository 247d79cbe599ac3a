"""Turns a request to load a model into llama.cpp's parameters, and decides how many layers go on the GPU."""

from __future__ import annotations

import ctypes
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import CPU_DEVICE, bindings, ggml
from desktop_llm.engine.shapes import (
    KV_TYPES,
    ROPE_SCALINGS,
    UNQUANTIZED_KV_TYPES,
    USUAL_BATCH_TOKENS,
    Device,
    LoadSettings,
)
from desktop_llm.errors import BadRequest
from desktop_llm.hardware import physical_cores
from desktop_llm.words import tr
from desktop_llm.workers.protocol import path_from_wire

SMALLEST_BATCH_TOKENS = 32
_SMALLEST_CONTEXT = 256
_LARGEST_FACTOR = 64
# ggml_type and llama_rope_scaling_type
_KV_TYPES = {"f32": 0, "f16": 1, "bf16": 30, "q8_0": 8, "q5_1": 7, "q5_0": 6, "q4_1": 3, "q4_0": 2}
_ROPE_SCALINGS = {"none": 0, "linear": 1, "yarn": 2}
# The experts' matrices, as llama.cpp names them (common.h, LLM_FFN_EXPS_REGEX).
_EXPERTS = "blk\\.{layer}\\.ffn_(up|down|gate|gate_up)_(ch|)exps"
_SEQUENCES, _RECURRENT_SEQUENCES = 16, 3
_ALL_LAYERS = -1  # llama.cpp: every layer, whatever their number
# The share of free memory that a file may take; a larger file stays mapped, since the system can reclaim mapped pages.
_ROOM = 0.8
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_NO_DEVICES = (ctypes.c_void_p * 1)(None)  # the list of devices ends with a null pointer
# Left free, because a GPU also draws the screen; llama.cpp's own fitting leaves the same amount (common.h,
# fit_params_target).
_LEFT_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """A model file, the backend modules to load it with (the CPU's first), and a person's settings.

    `prompt_tps` is how fast prompts were processed after the last such load; 0 if that is unknown.
    """

    path: Path
    settings: LoadSettings
    modules: tuple[str, ...]
    extra_buffers: bool
    prompt_tps: float = 0.0

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> LoadRequest:
        """The request from the wire; raises BadRequest for settings that contradict each other."""
        settings = LoadSettings.known(data)
        _check(settings)
        prompt_tps = float(data.get("prompt_tps", 0.0))
        return cls(path_from_wire(data["model"]), settings, tuple(data["modules"]), data["extra_buffers"], prompt_tps)

    @property
    def file(self) -> bytes:
        """The path as llama.cpp expects it."""
        return os.fsencode(self.path)

    @property
    def threads(self) -> int:
        """The threads asked for, otherwise one per core: a second thread on a core slows both down."""
        return self.settings.threads or physical_cores()

    @property
    def batch_tokens(self) -> int:
        """The number of prompt tokens to process at once."""
        return max(SMALLEST_BATCH_TOKENS, self.settings.batch or USUAL_BATCH_TOKENS)


def _check(settings: LoadSettings) -> None:
    """Raises BadRequest for settings that are unknown or contradict each other."""
    for kind in settings.kv_types:
        if kind not in _KV_TYPES:
            raise BadRequest(
                tr("There is no KV cache type “{kind}”.", kind=kind),
                tr("Choose one of these: {kinds}.", kinds=", ".join(KV_TYPES)),
            )
    if settings.kv_types[1] not in UNQUANTIZED_KV_TYPES and settings.flash_attention is False:
        raise BadRequest(
            tr("A quantized KV cache needs flash attention for its values."),
            tr("Turn flash attention on, or choose the type f16 for the values."),
        )
    if settings.rope_scaling is not None and settings.rope_scaling not in _ROPE_SCALINGS:
        raise BadRequest(
            tr("There is no RoPE scaling “{kind}”.", kind=settings.rope_scaling),
            tr("Choose one of these: {kinds}.", kinds=", ".join(ROPE_SCALINGS)),
        )
    if settings.rope_factor is not None and settings.rope_scaling in (None, "none"):
        raise BadRequest(
            tr("A factor alone does not extend the context."), tr("Choose the RoPE scaling linear or yarn too.")
        )
    if settings.rope_factor is not None and not 1 <= settings.rope_factor <= _LARGEST_FACTOR:
        raise BadRequest(
            tr("A context can't be extended {factor:g} times.", factor=settings.rope_factor),
            tr("Choose a factor from 1 to {most}.", most=_LARGEST_FACTOR),
        )
    if settings.rope_base is not None and not 0 < settings.rope_base < math.inf:
        raise BadRequest(tr("The RoPE base must be a number above 0."), tr("Leave it out to use the model’s own."))


class _Override(ctypes.Structure):
    """`llama_model_tensor_buft_override`."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p))


def for_model(asked: LoadRequest, gpu_layers: int) -> Any:
    """`llama_model_params`; without GPU layers no GPU is touched at all, not even for big products."""
    native = bindings()
    parameters = native.llama_model_default_params()
    parameters.use_extra_bufts = asked.extra_buffers
    read = not gpu_layers and _has_room(asked.path)
    parameters.load_mode = native.LLAMA_LOAD_MODE_NONE if read else native.LLAMA_LOAD_MODE_MMAP
    parameters.n_gpu_layers = gpu_layers
    if not gpu_layers:
        parameters.devices = ctypes.cast(_NO_DEVICES, ctypes.c_void_p)
    elif asked.settings.cpu_moe_layers:
        parameters.experts = _experts_on_the_processor(asked.settings.cpu_moe_layers)  # keeps the array alive
        parameters.tensor_buft_overrides = ctypes.cast(parameters.experts, ctypes.c_void_p)
    return parameters


def _experts_on_the_processor(layers: int) -> Any:
    """The list of `llama_model_tensor_buft_override` that keeps the experts of the first layers in main memory."""
    library = ggml()
    main_memory = library.backend_dev_buffer_type(library.backend_dev_by_type(CPU_DEVICE))
    kept = [_Override(_EXPERTS.format(layer=layer).encode(), main_memory) for layer in range(layers)]
    return (_Override * (layers + 1))(*kept)  # the list ends with a null pointer


def _has_room(path: Path) -> bool:
    """Whether the file is read into memory rather than mapped.

    A mapped file would be in memory twice, since the processor's module copies weights; and the process ends if the
    file is cut while it is mapped. Of a split model only the first part's size is known here, so it stays mapped.
    """
    try:
        size_bytes = path.stat().st_size
    except OSError:  # llama.cpp says what is wrong
        return False
    return not _SHARD.search(path.name) and size_bytes < _ROOM * psutil.virtual_memory().available


def for_context(model: Any, asked: LoadRequest) -> Any:
    """`llama_context_params`, with a context no longer than the model was trained for."""
    native = bindings()
    settings = asked.settings
    parameters = native.llama_context_default_params()
    parameters.n_ctx = max(_SMALLEST_CONTEXT, settings.context_for(int(native.llama_model_n_ctx_train(model))))
    parameters.n_batch = parameters.n_ubatch = asked.batch_tokens
    parameters.type_k, parameters.type_v = (_KV_TYPES[kind] for kind in settings.kv_types)
    if settings.flash_attention is not None:
        parameters.flash_attn_type = int(settings.flash_attention)  # llama_flash_attn_type; -1 leaves it to llama.cpp
    parameters.n_threads = parameters.n_threads_batch = asked.threads
    # Conversations lie side by side and share the cells. A recurrent state takes memory for each of them.
    recurrent = native.llama_model_is_recurrent(model) or native.llama_model_is_hybrid(model)
    parameters.n_seq_max = _RECURRENT_SEQUENCES if recurrent else _SEQUENCES
    parameters.kv_unified = True
    parameters.no_perf = True
    _extend(parameters, model, settings)
    return parameters


def _extend(parameters: Any, model: Any, settings: LoadSettings) -> None:
    """Set how positions are stretched. Within the length that the model was trained for they stay as the file says,
    unless a factor is given, since stretching costs quality.
    """
    native = bindings()
    parameters.rope_freq_base = settings.rope_base or 0.0  # 0: the file's
    if settings.rope_scaling is None:
        return
    trained = int(native.llama_model_n_ctx_train(model))
    if settings.rope_scaling != "none" and not settings.rope_factor and parameters.n_ctx <= trained:
        return
    parameters.rope_scaling_type = _ROPE_SCALINGS[settings.rope_scaling]
    if settings.rope_scaling != "none":
        original = _original_context(model) or trained
        parameters.rope_freq_scale = 1 / (settings.rope_factor or parameters.n_ctx / original)
        parameters.yarn_orig_ctx = original


def _original_context(model: Any) -> int:
    """The context length before the scaling that is part of the file itself; 0 if it has none."""
    native = bindings()
    text = ctypes.create_string_buffer(64)
    native.llama_model_meta_val_str(model, b"general.architecture", text, len(text))
    name = text.value + b".rope.scaling.original_context_length"
    found = native.llama_model_meta_val_str(model, name, text, len(text)) > 0
    return int(text.value) if found and text.value.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Need:
    """The memory of a model with all its layers on the GPU; `layers` counts the output as one."""

    layers: int
    weights_bytes: int
    state_bytes: int
    compute_bytes: int

    def layers_within(self, free_bytes: int) -> int:
        """The number of layers that fit into this memory, each with its share of weights and state."""
        share = (self.weights_bytes + self.state_bytes) / self.layers
        return max(0, min(self.layers, int((free_bytes - self.compute_bytes) / share)))


def layers_that_fit(asked: LoadRequest, gpus: Sequence[Device]) -> int:
    """The number of layers that now fit into these GPUs' free memory, by a trial in which llama.cpp allocates nothing.

    All layers if the trial fails; the real load then says why. llama.cpp's own fitting (common/fit.cpp) works in the
    same way, but is not in its C API.
    """
    if asked.settings.cpu_moe_layers:  # the trial can't tell the experts from the rest, and they are most of a model
        return _ALL_LAYERS
    need = _trial(asked, gpus)
    if need is None:
        return _ALL_LAYERS
    room = sum(max(0, gpu.free_bytes - _LEFT_FREE_BYTES) for gpu in gpus)
    return need.layers_within(max(0, room - _projector_bytes(asked.settings.projector)))


def _projector_bytes(file: str | None) -> int:
    """The memory that a projector takes beside the layers: the size of its file, as it is loaded whole."""
    try:
        return Path(file).stat().st_size if file else 0
    except OSError:  # loading it will tell
        return 0


def _trial(asked: LoadRequest, gpus: Sequence[Device]) -> Need | None:
    native = bindings()
    log = EngineLog()
    log.attach(native)
    parameters = for_model(asked, _ALL_LAYERS)
    parameters.load_mode, parameters.no_alloc = native.LLAMA_LOAD_MODE_NONE, True
    model = native.llama_model_load_from_file(asked.file, parameters)
    if not model:
        return None
    context = native.llama_init_from_model(model, for_context(model, asked))
    need = Need(
        layers=int(native.llama_model_n_layer(model)) + 1,
        weights_bytes=int(native.llama_model_size(model)),
        state_bytes=log.state_bytes,
        compute_bytes=log.bytes_on(gpu.name for gpu in gpus),
    )
    if context:
        native.llama_free(context)
    native.llama_model_free(model)
    return need if context else None
