"""What a real load and a real answer teach the forecasts; called in the task that loaded or answered."""

from __future__ import annotations

import logging

from desktop_llm.engine.client import Finished, LoadedModel, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui.resources import Resources
from desktop_llm.models.library import Model

log = logging.getLogger(__name__)

# Fewer tokens say more about the clock than about the machine.
_LEAST_WRITTEN, _LEAST_READ = 16, 64


def learn_load(resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel) -> None:
    """The memory that a model took."""
    _learn(resources, model, settings, loaded, 0.0, 0.0)


def learn_answer(resources: Resources, model: Model, settings: LoadSettings, finished: Finished) -> None:
    """The memory and the speeds of an answer that was long enough to tell."""
    loaded = resources.engine.loaded
    if loaded is None or loaded.path != model.path:
        return
    usage, timings = finished.usage, finished.timings
    written = timings.generation_tps if usage.completion_tokens >= _LEAST_WRITTEN else 0.0
    read = timings.prompt_tps if usage.prompt_tokens - usage.cached_tokens >= _LEAST_READ else 0.0
    _learn(resources, model, settings, loaded, written, read)


def learn_speeds(resources: Resources) -> None:
    """Have this machine measured once, in a child of the engine; a few seconds."""
    if resources.forecaster.speeds is None:
        resources.forecaster.note_speeds(resources.engine.speeds())


def _learn(
    resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel, written: float, read: float
) -> None:
    try:
        resources.forecaster.learn(
            resources.library.header(model),
            model.size_bytes,
            memory_bytes=loaded.memory_bytes,
            tokens_per_s=written,
            prompt_tps=read,
            context_length=loaded.context_length,
            kv_type=settings.kv_type or "f16",
            gpu_layers=loaded.gpu_layers,
            batch=settings.batch or 512,
        )
    except (UserError, OSError) as error:  # an answer is worth more than what it teaches
        log.warning("nothing was learnt from an answer: %s", type(error).__name__)
