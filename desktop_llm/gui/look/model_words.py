"""How a model and its forecast are written on screen: names, plain words for sizes, the fit pill and its tooltip.

The model menu, the Models page and the Welcome page all use it, so that they say the same about a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_llm.engine.client import LoadedModel
from desktop_llm.gui.look.formats import decimal, number, plain, size
from desktop_llm.gui.look.widgets.labels import Mark, PillKind
from desktop_llm.models.library import Model
from desktop_llm.models.names import plain_word
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Fit, Forecast


def size_word(quantization: str) -> str:
    """Small, Balanced, Large, Largest or Full for names such as "Q4_K_M"; an unknown name stays as it is."""
    return plain_word(quantization) or plain(quantization)


def model_name(model: Model) -> str:
    """The model's name on one line; it comes from a file and may contain anything."""
    return plain(model.display_name)


def kind_word(model: Model) -> str:
    """What the model is for."""
    if model.kind == "chat":
        return tr("Chat")
    kinds = {"embedding": tr("Document search"), "reranker": tr("Reranker"), "adapter": tr("Adapter")}
    return kinds.get(model.kind) or plain(model.kind)


def base_word(base: str) -> str:
    """The model that an adapter was made for; `base` is "" if that is unknown."""
    return tr("for {model}", model=plain(base)) if base else tr("for an unknown model")


def fit_mark(fit: Fit) -> Mark:
    """The pill of a forecast."""
    from desktop_llm.models.fit import fit_word  # imported late so that the window starts sooner

    looks: dict[Fit, tuple[PillKind, str]] = {
        "fits": ("success", "check"),
        "slow": ("warning", "clock"),
        "too_big": ("danger", "x"),
    }
    return Mark(fit_word(fit), *looks[fit])


def speed(tokens_per_s: float, *, measured: bool) -> str:
    """ "about 61 tokens/s" for a forecast, "61 tokens/s" for a measured speed."""
    exact = measured and tokens_per_s < 10
    rate = decimal(tokens_per_s) if exact else number(max(1, tokens_per_s))
    return tr("{rate} tokens/s", rate=rate) if measured else tr("about {rate} tokens/s", rate=rate)


def fit_line(size_bytes: int, forecast: Forecast | None) -> str:
    """ "2.5 GB, about 61 tokens/s, 20 of 36 on GPU"; if it is too big, the memory it needs instead."""
    parts = [size(size_bytes)] if size_bytes else []
    if forecast is None:
        return ", ".join(parts)
    if forecast.fit == "too_big":
        parts.append(tr("needs {size} of memory", size=size(forecast.memory_bytes)))
    elif forecast.tokens_per_s is not None:
        parts.append(speed(forecast.tokens_per_s, measured=forecast.measured))
        if 0 < forecast.gpu_layers < forecast.layers:
            parts.append(where(forecast, short=True))
    return ", ".join(parts)


def where(forecast: Forecast, *, short: bool = False) -> str:
    """How many layers run on the GPU: all, some or none."""
    if not forecast.gpu_layers:
        return tr("on the CPU") if short else tr("All layers on the CPU.")
    if forecast.gpu_layers >= forecast.layers:
        return tr("all layers on the GPU") if short else tr("All layers on the GPU.")
    count, all_layers = forecast.gpu_layers, forecast.layers
    if short:
        return tr("{count} of {all} on GPU", count=count, all=all_layers)
    return tr("{count} of {all} layers on the GPU.", count=count, all=all_layers)


def fit_tip(forecast: Forecast) -> str:
    """The tooltip of a forecast: what the memory is for, where the layers run, the speed, and whether it was
    measured."""
    memory = tr(
        "Needs {all} of memory: {weights} for the model, {kv} for the context, {compute} to compute.",
        all=size(forecast.memory_bytes),
        weights=size(forecast.weights_bytes),
        kv=size(forecast.kv_bytes),
        compute=size(forecast.compute_bytes),
    )
    source = tr("Measured on this computer.") if forecast.measured else tr("A forecast, before the first answer.")
    lines = [memory, where(forecast)]
    if forecast.tokens_per_s is not None:
        rate = speed(forecast.tokens_per_s, measured=forecast.measured)
        lines.append(tr("It writes {rate}.", rate=rate))
    return "\n".join([*lines, source])


def device_words(loaded: LoadedModel) -> str:
    """ "GPU, 20 of 36 layers", "GPU, all layers" or "CPU, 8 threads", as the engine reports it."""
    if not loaded.gpu_layers:
        return loaded.device
    return tr("GPU, {layers}", layers=gpu_layers_words(loaded))


def gpu_layers_words(loaded: LoadedModel) -> str:
    """ "20 of 36 layers" or "all layers"; the output counts as one more layer, which nobody needs to know."""
    if loaded.gpu_layers > loaded.layers:
        return tr("all layers")
    return tr("{count} of {all} layers", count=number(loaded.gpu_layers), all=number(loaded.layers))


def per_second(tokens: float | None) -> str:
    """Tokens per second for a table; a dash if nothing is known."""
    if tokens is None:
        return "–"
    return decimal(tokens) if tokens < 10 else number(tokens)
