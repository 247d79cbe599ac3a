"""The option that the command line names when a model runs out of memory."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.commands.less_memory import add_hint, hint
from desktop_llm.engine.client import LoadSettings
from desktop_llm.errors import LESS_MEMORY, UserError, WorkerDied
from desktop_llm.models.fit import Remedy
from desktop_llm.models.library import Library
from desktop_llm.paths import folders
from tests.gui.samples import a_model


def test_an_error_for_want_of_memory_names_the_option_that_helps(home: Path) -> None:
    library = Library(folders(home))
    starved = WorkerDied("The model stopped because the memory ran out.", "It is kept.", action=LESS_MEMORY)
    add_hint(starved, folders(home), library, library.default(), LoadSettings())
    assert starved.message.startswith("The model stopped because the memory ran out. It is kept. Try it with --kv-type")
    other = UserError("The model stopped unexpectedly.")
    add_hint(other, folders(home), library, library.default(), LoadSettings())
    assert other.message == "The model stopped unexpectedly."


def test_each_change_has_its_option() -> None:
    def option(settings: LoadSettings, model: str = "large") -> str:
        found = Remedy(a_model(model), settings, 3_400_000_000, 2_100_000_000)
        return hint(found, LoadSettings(context_length=8_192))

    assert option(LoadSettings(context_length=4_096)) == (
        "Try it with --context-length 4096: it then needs 2.1 GB instead of 3.4 GB."
    )
    assert "with --gpu-layers 0:" in option(LoadSettings(context_length=8_192, gpu_layers=0))
    assert "with -m small:" in option(LoadSettings(context_length=8_192), "small")
