"""Whether another model fits into memory beside those that are loaded, and which of them must go for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from desktop_llm.engine.shapes import Device, LoadedModel

# What stays free of main memory for other programs, which grow too, and of a GPU's for its screen and driver.
_SPARE_SHARE, _LEAST_SPARE, _MOST_SPARE = 0.1, 1 << 30, 2 << 30
_SPARE_GPU_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in main memory and on the GPU."""

    ram_bytes: int = 0
    gpu_bytes: int = 0

    @classmethod
    def of(cls, loaded: LoadedModel) -> Memory:
        """What a loaded model takes, as its worker reports it."""
        return cls(loaded.memory_bytes, loaded.gpu_bytes)

    def holds(self, needed: Memory) -> bool:
        """Whether so much is in here."""
        return needed.ram_bytes <= self.ram_bytes and needed.gpu_bytes <= self.gpu_bytes

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.ram_bytes + other.ram_bytes, self.gpu_bytes + other.gpu_bytes)


def free_memory(devices: Sequence[Device]) -> Memory:
    """What a model may take now, if these are the devices as of now; llama.cpp uses the first GPU."""
    ram = psutil.virtual_memory()
    spare = min(max(_LEAST_SPARE, int(ram.total * _SPARE_SHARE)), _MOST_SPARE)
    gpus = [device for device in devices if device.kind == "gpu"]
    on_gpu = gpus[0].free_bytes - int(gpus[0].total_bytes * _SPARE_GPU_SHARE) if gpus else 0
    return Memory(max(0, ram.available - spare), max(0, on_gpu))


def count_to_unload(needed: Memory, free: Memory, idle: Sequence[Memory]) -> int | None:
    """How many of the idle models must go, in this order, before so much fits; None if not even all of them suffice.

    A GPU that stays too full is no reason to wait, because a model runs on the processor too.
    """
    for count in range(len(idle) + 1):
        if free.holds(needed):
            return count
        if count < len(idle):
            free += idle[count]
    return len(idle) if needed.ram_bytes <= free.ram_bytes else None
