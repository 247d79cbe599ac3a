"""How a forecast is written on screen: the pill, the line under a model's name, and the whole of it as a tooltip.

One place for the model menu, the Models page and the first run, so that a model fits everywhere or nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_llm.gui.documents.words import decimal, number, size
from desktop_llm.gui.widgets.labels import PillKind
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Fit, Forecast


def fit_pill(fit: Fit) -> tuple[str, PillKind, str]:
    """Word, kind and icon of the pill: never by colour alone."""
    return {
        "fits": (tr("Fits"), "success", "check"),
        "slow": (tr("Slow"), "warning", "clock"),
        "too_big": (tr("Too big"), "danger", "x"),
    }[fit]  # type: ignore[return-value]


def speed(tokens_per_s: float, *, measured: bool) -> str:
    """ "about 61 tokens/s" for a forecast, "61 tokens/s" for what was measured."""
    exact = measured and tokens_per_s < 10
    rate = decimal(tokens_per_s) if exact else number(max(1, tokens_per_s))
    words = tr("{rate} tokens/s") if measured else tr("about {rate} tokens/s")
    return words.format(rate=rate)


def fit_line(size_bytes: int, forecast: Forecast | None) -> str:
    """ "2.5 GB, about 61 tokens/s, 20 of 36 on GPU"; what is too big says what it needs instead."""
    parts = [size(size_bytes)] if size_bytes else []
    if forecast is None:
        return ", ".join(parts)
    if forecast.fit == "too_big":
        parts.append(tr("needs {size} of memory").format(size=size(forecast.memory_bytes)))
    elif forecast.tokens_per_s is not None:
        parts.append(speed(forecast.tokens_per_s, measured=forecast.measured))
        if 0 < forecast.gpu_layers < forecast.layers:
            parts.append(where(forecast, short=True))
    return ", ".join(parts)


def where(forecast: Forecast, *, short: bool = False) -> str:
    """Where the layers go: all on the GPU, some of them, or none."""
    if not forecast.gpu_layers:
        return tr("on the CPU") if short else tr("All layers on the CPU.")
    if forecast.gpu_layers >= forecast.layers:
        return tr("all layers on the GPU") if short else tr("All layers on the GPU.")
    words = tr("{count} of {all} on GPU") if short else tr("{count} of {all} layers on the GPU.")
    return words.format(count=forecast.gpu_layers, all=forecast.layers)


def fit_tip(forecast: Forecast) -> str:
    """What the memory is for, where the layers go, how fast it is, and whether that is a forecast or was measured."""
    memory = tr("Needs {all} of memory: {weights} for the model, {kv} for the context, {compute} to compute.").format(
        all=size(forecast.memory_bytes),
        weights=size(forecast.weights_bytes),
        kv=size(forecast.kv_bytes),
        compute=size(forecast.compute_bytes),
    )
    source = tr("Measured on this computer.") if forecast.measured else tr("A forecast, before the first answer.")
    lines = [memory, where(forecast)]
    if forecast.tokens_per_s is not None:
        rate = speed(forecast.tokens_per_s, measured=forecast.measured)
        lines.append(tr("It writes {rate}.").format(rate=rate))
    return "\n".join([*lines, source])
