"""The hardware of this machine as the system reports it: processor, cores, memory, graphics cards. Nothing is measured
here.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

# PCI class codes of VGA, 3D and other display controllers, and vendor numbers (pcisig.com).
_CARD_CLASSES = ("0x0300", "0x0302", "0x0380")
_CARD_MAKERS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


@dataclass(frozen=True, slots=True)
class Hardware:
    """The machine as a data sheet describes it. GPUs are listed by the engine, because only the engine can use them."""

    cpu: str
    cores: int
    ram_bytes: int


def hardware() -> Hardware:
    """This machine; `cores` are physical ones: llama.cpp's threads should match them."""
    return Hardware(_cpu_name(), physical_cores(), psutil.virtual_memory().total)


@functools.cache
def physical_cores() -> int:
    """The number of physical cores that this process may use (logical ones if that is unknown), at least one."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return min(physical, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else physical


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def graphics_cards() -> tuple[str, ...]:
    """The names of this computer's graphics cards, the fastest kinds first, whether the engine can use them or not."""
    cards = [_card_name(device) for device in sorted(Path("/sys/bus/pci/devices").glob("*")) if _is_card(device)]
    cards += _cards_of_windows()
    return tuple(sorted(cards, key=lambda name: not name.startswith(("NVIDIA", "AMD"))))


def _is_card(device: Path) -> bool:
    """Whether this is a real card: those of other vendors are the screens of virtual machines."""
    return _read(device / "class").startswith(_CARD_CLASSES) and _read(device / "vendor") in _CARD_MAKERS


def _card_name(device: Path) -> str:
    """The name that NVIDIA's driver reports, otherwise the vendor's name."""
    for line in _read(Path("/proc/driver/nvidia/gpus") / device.name / "information").splitlines():
        if line.startswith("Model:"):
            return line.partition(":")[2].strip()
    return f"{_CARD_MAKERS[_read(device / 'vendor')]} graphics"


def _cards_of_windows() -> tuple[str, ...]:
    """The display adapters in the registry, under the class that Windows documents for them."""
    if sys.platform != "win32":
        return ()
    import winreg

    names = []
    place = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
    with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as adapters:
        for number in range(winreg.QueryInfoKey(adapters)[0]):
            with contextlib.suppress(OSError), winreg.OpenKey(adapters, f"{number:04}") as adapter:
                names.append(str(winreg.QueryValueEx(adapter, "DriverDesc")[0]))
    return tuple(name for name in dict.fromkeys(names) if not name.startswith("Microsoft"))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
