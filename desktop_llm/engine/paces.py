"""Remembers, across restarts, how fast prompts were processed, so that the next load begins with large batches at once.

Runs in the app process. Without a place to write, nothing is remembered.
"""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

from desktop_llm.engine.shapes import LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically

_MOST = 64  # models and settings
_ENOUGH_TOKENS = 64  # the speed of a short prompt says little
_CHANGED = 0.2  # smaller changes are not worth writing


class Paces:
    """The speeds in one JSON file, for any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def prompt_tps(self, model: Path, settings: LoadSettings) -> float:
        """The tokens per second of the last long prompt with this model and these settings; 0 if there was none."""
        pace = self._read().get(_key(model, settings))
        return float(pace) if isinstance(pace, int | float) and pace > 0 else 0.0

    def note(self, model: Path, settings: LoadSettings, tokens: int, pace: float) -> None:
        """Remember how many tokens a second were processed of a prompt with so many new tokens."""
        if tokens < _ENOUGH_TOKENS or pace <= 0:
            return
        with self._lock:
            paces, key = self._read(), _key(model, settings)
            known = paces.pop(key, 0.0)
            if isinstance(known, int | float) and abs(pace - known) < _CHANGED * pace:
                return
            kept = dict([*paces.items(), (key, pace)][-_MOST:])
            with contextlib.suppress(UserError):  # the disk is full: it is found out again
                write_atomically(self._file, json.dumps(kept).encode())

    def _read(self) -> dict[str, Any]:
        try:
            paces = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return paces if isinstance(paces, dict) else {}


def _key(model: Path, settings: LoadSettings) -> str:
    """What a speed depends on: the file, and the settings that place the work."""
    return f"{model} {settings.threads} {settings.gpu_layers} {settings.cpu_moe_layers} {settings.batch}"
