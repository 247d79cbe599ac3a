"""Reads llama.cpp's log: its warnings, which give the reason for a failure, and how much it put on the GPU."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

_LEVEL_WARNING, _LEVEL_CONTINUED = 3, 5  # ggml_log_level
_KEPT_WARNINGS = 50
# llama-model.cpp, llama-context.cpp and the llama-kv-cache family, as of llama.cpp 0c1e570.
_OFFLOADED = re.compile(r"offloaded (\d+)/\d+ layers to GPU")
_STATE = re.compile(r": size =\s+(?P<mib>[\d.]+) MiB \(|layers = \d+, size =\s+(?P<other>[\d.]+) MiB")
_BUFFER = re.compile(r":\s+(?P<buffer>\S+)\s+(?P<use>\S.*?) buffer size =\s+(?P<mib>[\d.]+) MiB")


class EngineLog:
    """Reads llama.cpp's log from `attach` on; lives as long as the process uses the library."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.offloaded_layers = 0
        self.state_bytes = 0  # keys, values and other state, on all devices
        self._sizes: dict[tuple[str, str], float] = defaultdict(float)  # MiB by buffer and purpose
        self._shown = False
        self._callback: Any = None

    def attach(self, native: Any) -> None:
        """Make llama.cpp log here, and start counting; warnings and errors also go to stderr."""
        self.offloaded_layers = self.state_bytes = 0
        self._sizes.clear()
        self._callback = self.callback(native)
        native.llama_log_set(self._callback, None)

    def callback(self, native: Any) -> Any:
        """A callback for a library that logs as llama.cpp does; whoever sets it keeps it."""
        return native.llama_log_callback(self._on_log)

    def bytes_on(self, devices: Iterable[str]) -> int:
        """The bytes of weights, state and compute buffers on these devices (named as in llama.cpp)."""
        names = tuple(devices)
        return round(sum(size for (buffer, _), size in self._sizes.items() if buffer.startswith(names)) * 1024**2)

    def read(self, level: int, line: str) -> None:
        """Read one line."""
        self._shown = self._shown if level == _LEVEL_CONTINUED else level >= _LEVEL_WARNING
        if self._shown:
            sys.stderr.write(line)
            sys.stderr.flush()
            self.warnings.append(line.strip())
            del self.warnings[:-_KEPT_WARNINGS]
        elif found := _OFFLOADED.search(line):
            self.offloaded_layers = int(found[1])
        elif found := _STATE.search(line):
            self.state_bytes += round(float(found["mib"] or found["other"]) * 1024**2)
        elif found := _BUFFER.search(line):
            self._count(found["buffer"], found["use"], float(found["mib"]))

    def _count(self, buffer: str, use: str, mib: float) -> None:
        # llama.cpp logs the compute buffers again each time it arranges them; it logs weights and state part by part.
        self._sizes[buffer, use] = mib if use == "compute" else self._sizes[buffer, use] + mib

    def _on_log(self, level: int, text: bytes, _data: int | None) -> None:
        self.read(level, text.decode("utf-8", "replace"))
