"""Will it fit, and how fast will it be: a forecast for a model file on this machine, before anything is downloaded.

Memory comes from the file's shape (`memory.py`), speed from what this machine was measured to read and compute
(`speeds.py`). After a real load and answer both are corrected by what was measured: for that model exactly and, on a
GPU, whose speed is a guess before, for all others in part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from desktop_llm.hardware import physical_cores
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import memory
from desktop_llm.models.fit.learned import Learned
from desktop_llm.models.fit.speeds import Speeds
from desktop_llm.models.gguf import Header, read_header
from desktop_llm.models.gguf.shape import Shape

Fit = Literal["fits", "slow", "too_big"]

READING_TPS = 5.0  # adults read some 240 words a minute (Brysbaert 2019), which are about 5 tokens a second
# What the system and other programs keep: a desktop with a browser uses some 5 of 16 GB, and less where there is less.
_SHARE_FOR_OTHERS, _LEAST_FOR_OTHERS, _MOST_FOR_OTHERS = 0.3, 3 << 29, 6 << 30
_LEAST_FOR_SYSTEM = 1 << 29  # with everything else closed
_GPU_SHARE = 0.92  # the screen and the driver keep some of the GPU's memory
# Until it was measured: the memory bandwidth of the slowest discrete cards of the last years (GTX 1650, RX 6400: 128).
_GPU_BYTES_PER_S = 128e9
_GPU_EFFICIENCY = 0.6
# Of a new measurement against what was known; of one more answer of the same model, for all others.
_WEIGHT_OF_NEW, _WEIGHT_OF_REPEATED = 0.5, 0.05
_MUCH_FASTER = 1.5  # than forecast: then not the model is special, but the measuring was disturbed
_LEAST_SHARE = 0.7  # of the cores' time that the measuring got; with another program at work on two cores it was 0.5
_ON_GPU = "all gpu"  # what was learned of all models there

# A model of 8 billion weights keeps some 128 KiB for each token; smaller ones less, but not in proportion.
_TYPICAL_PARAMETERS, _TYPICAL_KV_BYTES, _KV_EXPONENT = 8e9, 131_072, 0.6


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that the engine can use."""

    name: str
    total_bytes: int
    free_bytes: int
    backend: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to compute with; `bandwidth_bytes_s` is the main memory's as the engine reads it, once measured."""

    ram_bytes: int
    ram_free_bytes: int
    threads: int
    gpus: tuple[Gpu, ...] = ()
    bandwidth_bytes_s: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes in main memory and on the GPU together, and speeds; `measured` where this very model was measured here.

    `weights_bytes` counts the matrices twice of which the engine keeps a rearranged copy; `compute_bytes` holds the
    buffers, the vocabulary and the worker itself; `memory_bytes` is the sum of the three, `gpu_bytes` the part of it on
    the GPU. Speeds are None where nothing is known of this machine yet.
    """

    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    memory_bytes: int
    gpu_bytes: int
    gpu_layers: int
    layers: int
    tokens_per_s: float | None
    prompt_tps: float | None
    fit: Fit
    measured: bool


def this_machine(gpus: Sequence[Gpu] = ()) -> Machine:
    """The machine as it is now, with the GPUs that the engine told of."""
    ram = psutil.virtual_memory()
    return Machine(ram.total, ram.available, physical_cores(), tuple(gpus))


class Forecaster:
    """Forecasts for `machine`, corrected by what `facts` hold; any thread may ask."""

    def __init__(self, facts: Facts, machine: Callable[[], Machine]) -> None:
        self._facts = facts
        self._machine = machine
        self._speeds = Speeds.from_json(facts.measured("speeds"))
        self._learned = facts.measured("corrections")
        self._doubted = False

    def machine(self) -> Machine:
        """The machine as it is now."""
        return self._machine()

    @property
    def speeds(self) -> Speeds | None:
        """What this machine was measured to do; None before."""
        return self._speeds

    def note_speeds(self, measured: Mapping[str, Any]) -> None:
        """Take over what `Engine.speeds` measured: number formats, and one model as a whole.

        What was measured beside other programs' work serves until the app ends, and is measured anew then.
        """
        speeds = Speeds.from_json(measured)
        if speeds is None:
            return
        shape = read_header(Path(measured["model"])).shape
        self._speeds = speeds.with_model(shape, measured["generation_tps"], measured["prompt_tps"])
        if measured.get("share", 1.0) >= _LEAST_SHARE:
            self._facts.note_measured("speeds", self._speeds.to_json())

    def forecast(
        self,
        header: Header,
        size_bytes: int,
        *,
        context_length: int,
        kv_type: str = "f16",
        gpu_layers: int | None = None,
        batch: int = 512,
    ) -> Forecast:
        """The forecast for a file of `size_bytes` (of all parts) whose header is known."""
        machine, shape = self._machine(), header.shape
        if header.parts > 1:
            shape = shape.whole(size_bytes, header.quantization)
        layers = self._gpu_layers(machine, shape, context_length, kv_type, batch) if gpu_layers is None else gpu_layers
        layers = min(layers, shape.layers + 1) if machine.gpus else 0
        need = memory.need(
            shape,
            size_bytes,
            self._speeds,
            context_length=context_length,
            kv_type=kv_type,
            gpu_layers=layers,
            batch=batch,
        )
        own = Learned.from_json(self._learned.get(_key(header, size_bytes, layers)))
        learned = own or (self._learned_on_gpu() if layers else Learned())
        token_s = self._token_s(machine, shape, layers)
        prompt_s = None if layers or self._speeds is None else self._speeds.prompt_token_s(shape)
        return _forecast(
            machine, need, learned, token_s, prompt_s, layers, shape.layers, measured=own is not None and own.answered
        )

    def rough(self, size_bytes: int, parameters: int, context_length: int) -> Forecast:
        """A forecast where only the size is known: a cache and a speed as models of this size usually have."""
        machine = self._machine()
        typical = _TYPICAL_KV_BYTES * (max(parameters, 1) / _TYPICAL_PARAMETERS) ** _KV_EXPONENT
        need = memory.Need(size_bytes, 0, int(context_length * typical), memory.PROGRAM_BYTES * 3, 0)
        speeds = self._known_speeds(machine)
        in_gpu = any(need.held_bytes < gpu.free_bytes * _GPU_SHARE for gpu in machine.gpus)
        bandwidth = _GPU_BYTES_PER_S * _GPU_EFFICIENCY if in_gpu else speeds.bytes_per_s if speeds else None
        learned = self._learned_on_gpu() if in_gpu else Learned()
        token_s = size_bytes / bandwidth if bandwidth else None
        if in_gpu:
            need = memory.Need(need.weights_bytes, 0, need.kv_bytes, need.compute_bytes, need.held_bytes)
        return _forecast(machine, need, learned, token_s, None, int(in_gpu), int(in_gpu), measured=False)

    def learn(
        self,
        header: Header,
        size_bytes: int,
        *,
        memory_bytes: int,
        tokens_per_s: float,
        prompt_tps: float,
        context_length: int,
        kv_type: str = "f16",
        gpu_layers: int = 0,
        batch: int = 512,
    ) -> None:
        """Correct later forecasts by a real load and answer; a speed of 0 says nothing, nor does memory with a GPU.

        After a load alone, without an answer, the memory may still grow: it counts only where it is more already.
        """
        key, kept = _key(header, size_bytes, gpu_layers), self._learned.copy()
        self._learned = {name: value for name, value in kept.items() if name not in (key, _ON_GPU)}
        plain = self.forecast(
            header, size_bytes, context_length=context_length, kv_type=kv_type, gpu_layers=gpu_layers, batch=batch
        )
        before, common = (Learned.from_json(kept.get(name)) for name in (key, _ON_GPU))
        new = (before or Learned()).updated(
            memory_bytes - plain.memory_bytes if memory_bytes and not gpu_layers else None,
            plain.tokens_per_s / tokens_per_s if plain.tokens_per_s and tokens_per_s else None,
            plain.prompt_tps / prompt_tps if plain.prompt_tps and prompt_tps else None,
        )
        again = before is not None and before.answered
        kept[key] = asdict(before.with_new(new, _WEIGHT_OF_NEW) if before and again else new)
        if gpu_layers and new.answered:
            weight = _WEIGHT_OF_REPEATED if again else _WEIGHT_OF_NEW
            kept[_ON_GPU] = asdict(common.with_new(new, weight) if common else new)
        self._learned = kept
        self._facts.note_measured("corrections", kept)
        if not gpu_layers and new.token < 1 / _MUCH_FASTER:
            self._doubt_speeds()

    def _doubt_speeds(self) -> None:
        """Have the machine measured again, once in a run: it was busy when it was, if it is so much faster now."""
        if self._doubted or self._speeds is None:
            return
        self._doubted, self._speeds, self._learned = True, None, {}
        self._facts.note_measured("speeds", {})
        self._facts.note_measured("corrections", {})

    def _known_speeds(self, machine: Machine) -> Speeds | None:
        if self._speeds is None and machine.bandwidth_bytes_s:
            return Speeds.of_bandwidth(machine.bandwidth_bytes_s)
        return self._speeds

    def _token_s(self, machine: Machine, shape: Shape, gpu_layers: int) -> float | None:
        """Seconds a token, the layers on the GPU and those on the processor one after the other."""
        speeds = self._known_speeds(machine)
        share = min(1.0, gpu_layers / (shape.layers + 1)) if shape.layers else 0.0
        if speeds is None and share < 1:
            return None
        gpu_speeds = Speeds.of_bandwidth(_GPU_BYTES_PER_S * _GPU_EFFICIENCY)
        processor_s = speeds.token_s(shape) * (1 - share) if speeds else 0.0
        return processor_s + gpu_speeds.token_s(shape) * share

    def _gpu_layers(self, machine: Machine, shape: Shape, context_length: int, kv_type: str, batch: int) -> int:
        """The most layers that the first GPU has room for, as the engine chooses where nobody does."""
        if not machine.gpus:
            return 0
        room = machine.gpus[0].free_bytes * _GPU_SHARE
        for layers in range(shape.layers + 1, 0, -1):
            if memory.gpu_bytes(shape, context_length, kv_type, layers, batch) <= room:
                return layers
        return 0

    def _learned_on_gpu(self) -> Learned:
        return Learned.from_json(self._learned.get(_ON_GPU)) or Learned()


def _forecast(
    machine: Machine,
    need: memory.Need,
    learned: Learned,
    token_s: float | None,
    prompt_s: float | None,
    gpu_layers: int,
    layers: int,
    *,
    measured: bool,
) -> Forecast:
    more = max(int(learned.memory_bytes), -need.compute_bytes)
    tokens_per_s = 1 / (token_s * learned.token) if token_s else None
    return Forecast(
        weights_bytes=need.weights_bytes,
        kv_bytes=need.kv_bytes,
        compute_bytes=need.compute_bytes + more,
        memory_bytes=need.held_bytes + more,
        gpu_bytes=need.gpu_bytes,
        gpu_layers=gpu_layers,
        layers=layers,
        tokens_per_s=tokens_per_s,
        prompt_tps=1 / (prompt_s * learned.prompt) if prompt_s else None,
        fit=_fit(machine, need.wanted_bytes + more, need.gpu_bytes, tokens_per_s),
        measured=measured,
    )


def _fit(machine: Machine, wanted_bytes: int, gpu_bytes: int, tokens_per_s: float | None) -> Fit:
    for_others = min(max(_LEAST_FOR_OTHERS, int(machine.ram_bytes * _SHARE_FOR_OTHERS)), _MOST_FOR_OTHERS)
    on_gpu = sum(gpu.total_bytes for gpu in machine.gpus[:1])
    if wanted_bytes > machine.ram_bytes - _LEAST_FOR_SYSTEM or gpu_bytes > on_gpu:
        return "too_big"
    comfortable = wanted_bytes <= machine.ram_bytes - for_others and gpu_bytes <= on_gpu * _GPU_SHARE
    fast = tokens_per_s is None or tokens_per_s >= READING_TPS
    return "fits" if comfortable and fast else "slow"


def _key(header: Header, size_bytes: int, gpu_layers: int) -> str:
    place = f"gpu {gpu_layers}" if gpu_layers else "cpu"
    return f"{header.architecture} {header.parameters} {header.quantization} {size_bytes} {place}"
