"""What a real load and a real answer teach the forecasts, and the measurement that all speeds come from."""

from __future__ import annotations

import functools

from desktop_llm.engine.client import Finished, LoadedModel, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui.resources import Resources
from desktop_llm.models.library import Model

LANE = "forecasts"
# Fewer tokens say more about the clock than about the machine.
_LEAST_WRITTEN, _LEAST_READ = 16, 64


def learn_load(resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel) -> None:
    """Learn the memory that a model took; begins a task."""
    _learn(resources, model, settings, loaded, 0.0, 0.0)


def learn_answer(resources: Resources, model: Model, settings: LoadSettings, finished: Finished) -> None:
    """Learn memory and speeds from an answer that was long enough to tell; begins a task."""
    loaded = resources.engine.loaded
    if loaded is None or loaded.path != model.path:
        return
    usage, timings = finished.usage, finished.timings
    written = timings.generation_tps if usage.completion_tokens >= _LEAST_WRITTEN else 0.0
    read = timings.prompt_tps if usage.prompt_tokens - usage.cached_tokens >= _LEAST_READ else 0.0
    _learn(resources, model, settings, loaded, written, read)


def learn_speeds(resources: Resources) -> None:
    """In a task: have this machine measured once, in a child of the engine; a few seconds. Raises UserError."""
    if resources.forecaster.speeds is None:
        resources.forecaster.note_speeds(resources.engine.speeds())


def _learn(
    resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel, written: float, read: float
) -> None:
    work = functools.partial(_note, resources, model, settings, loaded, written, read)
    resources.tasks.call(work, failed=_no_lesson, lane=LANE)


def _note(
    resources: Resources, model: Model, settings: LoadSettings, loaded: LoadedModel, written: float, read: float
) -> None:
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


def _no_lesson(_: UserError) -> None:
    """The file went away meanwhile: the answer is there, and the next one teaches again."""
