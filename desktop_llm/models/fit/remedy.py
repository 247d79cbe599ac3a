"""Finds the one change of load settings that lets a model run after its memory ran out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from desktop_llm.engine.client import UNQUANTIZED_KV_TYPES, LoadSettings
from desktop_llm.models.fit.forecast import Forecast, Machine
from desktop_llm.models.library import Model

_COMPRESSED = "q8_0"
_SHORTEST_CONTEXT = 1_024
_ENOUGH = 0.9  # a change that leaves more of the need than this is no help

Ask = Callable[[Model, LoadSettings], Forecast | None]


@dataclass(frozen=True, slots=True)
class Remedy:
    """The model and settings to load instead, and the memory that was needed and will be."""

    model: Model
    settings: LoadSettings
    needed_bytes: int
    needs_bytes: int


def remedy(
    ask: Ask, machine: Machine, model: Model, settings: LoadSettings, here: Sequence[Model] = ()
) -> Remedy | None:
    """The smallest change that helps, None if none does; `here` are the models on this computer.

    In this order: a compressed KV cache, a shorter context, a smaller quantization of the same model, and the processor
    in place of the GPU. `ask` forecasts a model with settings, None if its file can't be read.
    """
    before = ask(model, settings)
    if before is None:
        return None
    possible = []
    for other, changed in _changes(model, settings, before, here):
        after = ask(other, changed)
        if after is not None and after.fit != "too_big" and _helps(before, after):
            possible.append((after, Remedy(other, changed, _need(before, before), _need(before, after))))
    sure = [found for after, found in possible if after.memory_bytes - after.gpu_bytes <= machine.ram_free_bytes]
    return next(iter(sure), possible[0][1] if possible else None)


def _changes(
    model: Model, settings: LoadSettings, before: Forecast, here: Sequence[Model]
) -> Iterator[tuple[Model, LoadSettings]]:
    if all(kind in UNQUANTIZED_KV_TYPES for kind in settings.kv_types) and settings.flash_attention is not False:
        yield model, replace(settings, kv_type_k=_COMPRESSED, kv_type_v=_COMPRESSED)
    context_length = settings.context_for(model.context_length) // 2
    while context_length >= _SHORTEST_CONTEXT:
        yield model, replace(settings, context_length=context_length)
        context_length //= 2
    for smaller in _smaller(model, here):
        yield smaller, settings
    if before.gpu_layers:
        yield model, replace(settings, gpu_layers=0)


def _smaller(model: Model, here: Sequence[Model]) -> list[Model]:
    """Smaller files of the same model, the largest first."""
    same = [
        each
        for each in here
        if (each.display_name, each.architecture, each.layers) == (model.display_name, model.architecture, model.layers)
        and each.kind == "chat"
        and each.state == "ok"
        and each.size_bytes < model.size_bytes
    ]
    return sorted(same, key=lambda each: each.size_bytes, reverse=True)


def _helps(before: Forecast, after: Forecast) -> bool:
    return _need(before, after) <= _ENOUGH * _need(before, before)


def _need(before: Forecast, forecast: Forecast) -> int:
    """The bytes that ran out: the GPU's if any layer was there, otherwise the main memory's."""
    return forecast.gpu_bytes if before.gpu_layers else forecast.memory_bytes
