"""What the app finds out about a computer at its first start, made once for all tests of a process.

A new home knows nothing, so its first model waits for the self-tests of the backends, which take longer than most
tests do.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from desktop_llm.engine.choice import small_model
from desktop_llm.engine.client import ChatMessage, Engine, LoadSettings, Sampling
from desktop_llm.models.facts import Facts
from desktop_llm.paths import Folders, folders

_NOTES = "backends.json"
_SPEEDS = {"formats": {"Q4_1": {"bytes_per_s": 8e9, "weights_per_s": 5e10, "copied": False}}}


def say_known(home: Folders) -> None:
    """Let this home know which backends work here, and how fast the machine is."""
    (home.cache / _NOTES).write_bytes(tested_backends())
    say_measured(home)


def say_measured(home: Folders) -> None:
    """Let this home know how fast the machine is: measuring takes seconds of all cores."""
    Facts(home.facts_db).note_measured("speeds", _SPEEDS)


@cache
def tested_backends() -> bytes:
    """The notes on this machine's backends, made by the real self-tests."""
    with tempfile.TemporaryDirectory() as folder:
        home = folders(Path(folder))
        engine = Engine(home)
        try:
            for _ in engine.load(small_model(), LoadSettings(context_length=256)):
                pass
            for _ in engine.generate([ChatMessage.of("user", "Hello")], Sampling(max_tokens=1)):
                pass
        finally:
            engine.close()
        return (home.cache / _NOTES).read_bytes()
