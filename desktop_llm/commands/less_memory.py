"""Says with which option a model that ran out of memory would run."""

from __future__ import annotations

from desktop_llm.commands.models import forecaster
from desktop_llm.engine.client import LoadSettings
from desktop_llm.errors import LESS_MEMORY, UserError
from desktop_llm.models.fit import Forecast, Remedy, Setup, remedy
from desktop_llm.models.library import Library, Model
from desktop_llm.paths import Folders
from desktop_llm.words import tr


def add_hint(error: UserError, home: Folders, library: Library, model: Model, settings: LoadSettings) -> None:
    """Add to an error for want of memory the one option that helps, if there is one."""
    if error.action != LESS_MEMORY:
        return
    forecasts = forecaster(home)

    def ask(asked: Model, load: LoadSettings) -> Forecast | None:
        try:
            header = library.header(asked)
        except (UserError, OSError):
            return None
        setup = Setup.of(load, load.context_for(asked.context_length))
        return forecasts.forecast(header, asked.size_bytes, setup, load.gpu_layers)

    found = remedy(ask, forecasts.machine(), model, settings, library.models())
    if found is not None:
        error.text = tr("{text} {hint}", text=error.text, hint=hint(found, settings))


def hint(found: Remedy, before: LoadSettings) -> str:
    """The option, and the memory with and without it."""
    settings = found.settings
    if settings.kv_types != before.kv_types:
        option = f"--kv-type {settings.kv_type_k}"
    elif settings.context_length != before.context_length:
        option = f"--context-length {settings.context_length}"
    elif settings.gpu_layers != before.gpu_layers:
        option = f"--gpu-layers {settings.gpu_layers}"
    else:
        option = f"-m {found.model.id}"
    needs, needed = (f"{size / 1e9:,.1f} GB" for size in (found.needs_bytes, found.needed_bytes))
    return tr(
        "Try it with {option}: it then needs {needs} instead of {needed}.", option=option, needs=needs, needed=needed
    )
