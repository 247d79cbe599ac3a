"""The LoRA adapters of a running model: loads each once, mixes them as an answer asks, and frees those that are idle.

llama.cpp keeps one mix for a context, so all answers under way at a time have the same one. A mix is swapped between
two batches; the model's weights stay as they are. The app has checked each file against this very model
(`models/gguf/adapters.py`) before its path comes here.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import bindings
from desktop_llm.errors import ModelFileError
from desktop_llm.words import tr
from desktop_llm.workers.protocol import path_from_wire

Mix = tuple[tuple[str, float], ...]
"""The adapters of an answer, by the keys of their files, with their scales. Each mix computes another state of the same
tokens.
"""
KEPT = 4  # adapters that stay loaded while no answer uses them
_TOLD_WARNINGS = 3


class Adapters:
    """The adapters that are loaded for one model and its context; the last used ones stay loaded."""

    def __init__(self, model: Any, context: Any, log: EngineLog) -> None:
        self._model, self._context, self._log = model, context, log
        self._native = bindings()
        self._handles: dict[str, Any] = {}  # by the key of the file, the last used one at the end
        self._paths: dict[str, Path] = {}
        self.mix: Mix = ()

    def mix_of(self, asked: Sequence[Mapping[str, Any]]) -> Mix:
        """The mix of a request, by the keys of its files: it differs if a file was changed since it was used last.

        Scale 0 is left out, as llama.cpp does. Raises ModelFileError if a file is gone.
        """
        scales: dict[str, float] = {}
        for one in asked:
            path = path_from_wire(one["path"])
            try:
                status = path.stat()
            except OSError as error:
                raise _not_loaded(path, error.strerror or "") from error
            key = f"{path}|{status.st_size}|{status.st_mtime_ns}"
            self._paths[key] = path
            scales[key] = float(one["scale"])
        return tuple(sorted((key, scale) for key, scale in scales.items() if scale))

    def use(self, mix: Mix) -> None:
        """Give the context this mix; no answer may be under way with another. Raises ModelFileError with the reason if
        an adapter can't be loaded; the mix then stays as it was.
        """
        if mix == self.mix:
            return
        handles = [self._loaded(key) for key, _ in mix]
        count = len(mix)
        pointers = (self._native.llama_adapter_lora_p_ctypes * count)(*handles)
        scales = (ctypes.c_float * count)(*(scale for _, scale in mix))
        self._native.llama_set_adapters_lora(self._context, pointers, count, scales)
        self.mix = mix
        self._free_idle()

    def _loaded(self, key: str) -> Any:
        if (handle := self._handles.pop(key, None)) is None:
            path = self._paths[key]
            handle = self._native.llama_adapter_lora_init(self._model, os.fsencode(path))
            if not handle:
                raise _not_loaded(path, "\n".join(self._log.warnings[-_TOLD_WARNINGS:]))
        self._handles[key] = handle
        return handle

    def _free_idle(self) -> None:
        """Free the adapters that were not used for longest."""
        used = {key for key, _ in self.mix}
        idle = [key for key in self._handles if key not in used]
        for key in idle[: max(0, len(idle) - KEPT)]:
            self._native.llama_adapter_lora_free(self._handles.pop(key))


def _not_loaded(path: Path, details: str) -> ModelFileError:
    return ModelFileError(
        tr("The adapter {name} could not be loaded.", name=path.stem),
        tr("The model is unchanged. Leave the adapter out, or import it again."),
        details=details,
    )
