"""Why a model does not run on the GPU, and the one thing that would change it, in a sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from desktop_llm.engine.shapes import Device, LoadSettings
from desktop_llm.words import tr


def reason(
    machine: Mapping[str, Any],
    left_out: Sequence[str],
    gpus: Sequence[Device],
    settings: LoadSettings,
    *,
    crashed: bool,
    card: str,
) -> str:
    """The sentence for a model without layers on the GPU; "" where nobody expects any there.

    `machine` is the worker's answer to `machine`, `left_out` failed in its self-test, `crashed`: the engine died with
    this model on the GPU, `card` is a graphics card that the system tells of, "" if none.
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
