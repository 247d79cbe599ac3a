"""How many layers of a model the GPU takes: llama.cpp plans it in a trial that allocates nothing, we divide.

llama.cpp's own fitting (common/fit.cpp) works alike, but it is no part of the C API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desktop_llm.engine import parameters
from desktop_llm.engine.backends import bindings
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.shapes import Device
from desktop_llm.engine.wanted import Wanted

# A GPU also draws the screen; llama.cpp's own fitting leaves as much (common.h, fit_params_target).
_LEFT_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Need:
    """What a model takes with all its layers on the GPU; `layers` counts the output as one."""

    layers: int
    weights_bytes: int
    state_bytes: int
    compute_bytes: int

    def layers_within(self, free_bytes: int) -> int:
        """As many layers as so much memory takes, each with its share of weights and state."""
        share = (self.weights_bytes + self.state_bytes) / self.layers
        return max(0, min(self.layers, int((free_bytes - self.compute_bytes) / share)))


def layers_that_fit(wanted: Wanted, threads: int, gpus: Sequence[Device]) -> int:
    """As many layers as the free memory of these GPUs takes now; all of them where the trial fails.

    The real load then says why.
    """
    need = _trial(wanted, threads, gpus)
    if need is None:
        return parameters.ALL_LAYERS
    return need.layers_within(sum(max(0, gpu.free_bytes - _LEFT_FREE_BYTES) for gpu in gpus))


def _trial(wanted: Wanted, threads: int, gpus: Sequence[Device]) -> Need | None:
    native = bindings()
    log = EngineLog()
    log.attach(native)
    asked = parameters.for_model(wanted, parameters.ALL_LAYERS)
    asked.load_mode, asked.no_alloc = native.LLAMA_LOAD_MODE_NONE, True
    model = native.llama_model_load_from_file(wanted.file, asked)
    if not model:
        return None
    context = native.llama_init_from_model(model, parameters.for_context(model, wanted, threads))
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
