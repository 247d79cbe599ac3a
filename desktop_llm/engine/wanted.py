"""How the worker is asked to load a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.errors import BadRequest
from desktop_llm.words import tr
from desktop_llm.workers.protocol import path_from_wire

DEFAULT_CONTEXT_LENGTH = 8_192
DEFAULT_BATCH_TOKENS = 512
SMALLEST_BATCH_TOKENS = 32
KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}  # ggml_type


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to load a model; None leaves the choice to us. `modules` are backend names, the CPU's first."""

    path: Path
    modules: tuple[str, ...] = ()
    extra_buffers: bool = True
    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    kv_type: str | None = None
    flash_attention: bool | None = None
    batch: int | None = None
    template: str | None = None

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Wanted:
        """What a request asks for; raises BadRequest for settings that contradict each other."""
        settings = ("context_length", "threads", "gpu_layers", "kv_type", "flash_attention", "batch", "template")
        wanted = cls(
            path=path_from_wire(data["model"]),
            modules=tuple(data["modules"]),
            extra_buffers=data["extra_buffers"],
            **{name: data.get(name) for name in settings},
        )
        if wanted.kv_type is not None and wanted.kv_type not in KV_TYPES:
            raise BadRequest(tr("There is no KV cache type “{kind}”. Choose f16, q8_0 or q4_0.", kind=wanted.kv_type))
        if wanted.kv_type not in (None, "f16") and wanted.flash_attention is False:
            raise BadRequest(tr("A quantized KV cache needs flash attention. Turn it on, or choose the type f16."))
        return wanted

    @property
    def file(self) -> bytes:
        """The path as llama.cpp takes it."""
        return os.fsencode(self.path)

    @property
    def kv(self) -> int:
        """The ggml_type of keys and values."""
        return KV_TYPES[self.kv_type or "f16"]

    @property
    def batch_tokens(self) -> int:
        """How many tokens of a prompt at once."""
        return max(SMALLEST_BATCH_TOKENS, self.batch or DEFAULT_BATCH_TOKENS)
