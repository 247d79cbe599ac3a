"""Forecasts how much memory a model needs, how fast it is and which size suits. Start with `Forecaster`."""

from desktop_llm.models.fit.forecast import Fit, Forecast, Forecaster, Gpu, Machine, best_size, fit_word, this_machine
from desktop_llm.models.fit.memory import Setup
from desktop_llm.models.fit.remedy import Remedy, remedy

__all__ = [
    "Fit",
    "Forecast",
    "Forecaster",
    "Gpu",
    "Machine",
    "Remedy",
    "Setup",
    "best_size",
    "fit_word",
    "remedy",
    "this_machine",
]
