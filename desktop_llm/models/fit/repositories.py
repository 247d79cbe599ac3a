"""Forecasts for the files of a repository from their sizes alone, without asking the hub for headers."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_llm.engine.client import USUAL_CONTEXT_LENGTH
from desktop_llm.models.fit.forecast import Forecast, Forecaster, best_size
from desktop_llm.models.hub import HubFile, HubModel, HubRepo

# Q4_K_M, the quantization that most people use, has 4.85 bits per weight (llama.cpp, tools/quantize).
_BALANCED_BYTES = 4.85 / 8


@dataclass(frozen=True, slots=True)
class RoughForecasts:
    """Rough forecasts; `context_length` is the person's choice for all models, or None for the default."""

    forecaster: Forecaster
    context_length: int | None

    def context_of(self, model: HubModel) -> int:
        """The context length in tokens that a model would get."""
        wanted = self.context_length or USUAL_CONTEXT_LENGTH
        return min(wanted, model.context_length) if model.context_length else wanted

    def of_model(self, model: HubModel) -> Forecast | None:
        """The forecast for a model in a balanced size; None if the hub doesn't give its number of weights."""
        if not model.parameters:
            return None
        size_bytes = round(model.parameters * _BALANCED_BYTES)
        return self.forecaster.rough(size_bytes, model.parameters, self.context_of(model))

    def of_file(self, model: HubModel, file: HubFile) -> Forecast:
        """The forecast for one file."""
        parameters = model.parameters or round(file.size_bytes / _BALANCED_BYTES)
        return self.forecaster.rough(file.size_bytes, parameters, self.context_of(model))

    def best(self, repo: HubRepo) -> HubFile | None:
        """The file to recommend; None if even the smallest is too big or no sizes are known."""
        sized = [file for file in repo.files if file.size_bytes]
        name = best_size([(file.quantization, self.of_file(repo.model, file)) for file in sized])
        return next((file for file in repo.files if file.quantization == name), None)
