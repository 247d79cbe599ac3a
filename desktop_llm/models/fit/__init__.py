"""What a model will need here and how fast it will be, and which ones suit this machine. `Forecaster` is the way in."""

from desktop_llm.models.fit.advice import best_size
from desktop_llm.models.fit.forecast import (
    Fit,
    Forecast,
    Forecaster,
    Gpu,
    Machine,
    this_machine,
)

__all__ = [
    "Fit",
    "Forecast",
    "Forecaster",
    "Gpu",
    "Machine",
    "best_size",
    "this_machine",
]
