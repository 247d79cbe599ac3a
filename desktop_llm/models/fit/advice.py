"""Which of several sizes of one model to take on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from desktop_llm.models.fit.forecast import Forecast

COMFORTABLE_TPS = 12.0  # text that comes faster than it is read
_POOR = ("IQ1", "IQ2", "Q1", "Q2", "TQ1", "TQ2", "IQ3_XXS", "Q3_K_S")
_UNQUANTIZED = ("F16", "BF16", "F32")
_USUAL = ("Q4", "IQ4", "MXFP4")


def best_size(sizes: Sequence[tuple[str, Forecast]]) -> str | None:
    """Which quantization to mark for this machine; None where not even the smallest has room.

    The largest that fits and still writes faster than one reads, since size is quality, or the fastest where none
    does, which need not be the smallest; unquantized files are twice as large and not better. While no speed is
    known: the largest of four bits, the usual compromise.
    """
    possible = [(name, forecast) for name, forecast in sizes if forecast.fit != "too_big"]
    by_size = sorted(possible, key=lambda item: item[1].weights_bytes)
    quantized = [item for item in by_size if item[0].upper() not in _UNQUANTIZED] or by_size
    good = [item for item in quantized if not item[0].upper().startswith(_POOR)] or quantized
    fitting = [item for item in good if item[1].fit == "fits"]
    if all(forecast.tokens_per_s is None for _, forecast in fitting or good):
        usual = [item for item in fitting if item[0].upper().startswith(_USUAL)]
        return next((name for name, _ in usual[::-1] or fitting or good), None)
    quick = [item for item in fitting if (item[1].tokens_per_s or COMFORTABLE_TPS) >= COMFORTABLE_TPS]
    if quick:
        return quick[-1][0]
    return max(fitting or good, key=lambda item: item[1].tokens_per_s or 0.0, default=(None, None))[0]
