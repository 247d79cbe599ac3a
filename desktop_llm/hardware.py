"""What this machine has: processor, cores, memory. Asked of the system, nothing is measured here."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

_CARD_MAKERS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}  # PCI vendor numbers


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine in the words of a data sheet. GPUs are the engine's to tell: it alone can use them."""

    cpu: str
    cores: int
    ram_bytes: int


def hardware() -> Hardware:
    """This machine; `cores` are physical ones, which is what llama.cpp's threads should match."""
    return Hardware(_cpu_name(), physical_cores(), psutil.virtual_memory().total)


def physical_cores() -> int:
    """Physical cores, else the logical ones, at least one."""
    return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1


def graphics_cards() -> tuple[str, ...]:
    """The makers of the cards that the system could compute on, whether the engine can use them or not (Linux only)."""
    vendors = (path.read_text().strip() for path in Path("/sys/class/drm").glob("renderD*/device/vendor"))
    return tuple(sorted(_CARD_MAKERS[vendor] for vendor in vendors if vendor in _CARD_MAKERS))


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
