"""Forecasts whether a model fits this machine and how fast it will be, before anything is downloaded.

Memory follows from the model's shape (`memory.py`), and speed from how fast this machine reads and computes
(`speeds.py`). The first real load and answer correct both for that model. On a GPU, whose speed is only a guess until
then, they also partly correct the forecasts for all other models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import psutil

import desktop_llm.models.fit.memory as memory
from desktop_llm.hardware import physical_cores
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit.memory import Setup
from desktop_llm.models.fit.speeds import Speeds
from desktop_llm.models.gguf import Header, read_header
from desktop_llm.models.gguf.shape import Shape
from desktop_llm.words import tr

Fit = Literal["fits", "slow", "too_big"]

READING_TPS = 5.0  # adults read about 240 words a minute (Brysbaert 2019), or about 5 tokens a second
COMFORTABLE_TPS = 12.0  # text appears faster than people read
# Memory left to other programs: a desktop with a browser uses about 5 of 16 GB, a small machine less.
_SHARE_FOR_OTHERS, _LEAST_FOR_OTHERS, _MOST_FOR_OTHERS = 0.3, 3 << 29, 6 << 30
_LEAST_FOR_SYSTEM = 1 << 29  # if everything else is closed
_GPU_SHARE = 0.92  # the screen and the driver use the rest of the GPU's memory
# Used until it is measured: the bandwidth of the slowest discrete cards of recent years (GTX 1650, RX 6400: 128).
_GPU_BYTES_PER_S = 128e9
_GPU_EFFICIENCY = 0.6
# The weight of a new measurement against earlier ones, and of a repeated one when it corrects other models.
_WEIGHT_OF_NEW, _WEIGHT_OF_REPEATED = 0.5, 0.05
_MUCH_FASTER = 1.5  # a model this much faster than forecast shows that the measurement was disturbed
_LEAST_SHARE = 0.7  # share of the cores' time that a measurement must get; another program on two cores left it 0.5
_ON_GPU = "all gpu"  # the key of the corrections for all models on the GPU

# A model of 8 billion weights caches about 128 KiB per token; smaller models less, but not in proportion.
_TYPICAL_PARAMETERS, _TYPICAL_KV_BYTES, _KV_EXPONENT = 8e9, 131_072, 0.6

_POOR = ("IQ1", "IQ2", "Q1", "Q2", "TQ1", "TQ2", "IQ3_XXS", "Q3_K_S")
_UNQUANTIZED = ("F16", "BF16", "F32")
_FOUR_BITS = ("Q4", "IQ4", "MXFP4")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that the engine can use."""

    name: str
    total_bytes: int
    free_bytes: int
    backend: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The memory, cores and GPUs of a machine."""

    ram_bytes: int
    ram_free_bytes: int
    threads: int
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """The memory that a model needs, in main memory and on the GPU together, and its speed.

    `weights_bytes` includes the second copy that the engine keeps of some matrices. `compute_bytes` includes the
    buffers, the vocabulary and the worker itself. `memory_bytes` is the total, and `gpu_bytes` is the part of it on the
    GPU. Speeds are None until this machine is measured. `measured` is true if this model has answered here before.
    `keys` and `values` are the numbers that the KV cache holds, 0 if unknown.
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
    keys: int = 0
    values: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """Corrections from real loads: the additional bytes, and the factors by which times differ from the forecast.

    If `answered` is true, the model has answered, so the factors are measured too.
    """

    memory_bytes: float = 0.0
    token: float = 1.0
    prompt: float = 1.0
    answered: bool = False

    @classmethod
    def from_json(cls, data: Any) -> Learned | None:
        """Restore corrections from `dataclasses.asdict`; None if there are none or another version wrote them."""
        try:
            factors = float(data["memory_bytes"]), float(data["token"]), float(data["prompt"])
            return cls(*factors, answered=data["answered"] is True)
        except (KeyError, TypeError, ValueError):
            return None

    def averaged(self, new: Learned, weight: float) -> Learned:
        """The average of both; factors are averaged geometrically, so that twice and half cancel out."""
        return Learned(
            self.memory_bytes + weight * (new.memory_bytes - self.memory_bytes),
            math.exp(math.log(self.token) * (1 - weight) + math.log(new.token) * weight),
            math.exp(math.log(self.prompt) * (1 - weight) + math.log(new.prompt) * weight),
            self.answered or new.answered,
        )

    def updated(self, memory_bytes: float | None, token: float | None, prompt: float | None) -> Learned:
        """Update the corrections after a load; None changes nothing. Until an answer, memory may still grow."""
        more = self.memory_bytes if memory_bytes is None else memory_bytes
        return Learned(
            max(more, self.memory_bytes) if token is None else more,
            self.token if token is None else token,
            self.prompt if prompt is None else prompt,
            answered=self.answered or token is not None,
        )


def this_machine(gpus: Sequence[Gpu] = ()) -> Machine:
    """This machine as it is now, with the GPUs that the engine can use."""
    ram = psutil.virtual_memory()
    return Machine(ram.total, ram.available, physical_cores(), tuple(gpus))


class Forecaster:
    """Makes forecasts for `machine`, corrected by the measurements in `facts`; any thread may ask."""

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
        """The measured speeds of this machine; None until it is measured."""
        return self._speeds

    def note_speeds(self, measured: Mapping[str, Any]) -> None:
        """Setup the measurement from `Engine.speeds`, which covers each number format and one whole model.

        If other programs were busy meanwhile, it is used until the app closes but not stored.
        """
        speeds = Speeds.from_json(measured)
        if speeds is None:
            return
        shape = read_header(Path(measured["model"])).shape
        self._speeds = speeds.with_model(shape, measured["generation_tps"], measured["prompt_tps"])
        if measured.get("share", 1.0) >= _LEAST_SHARE:
            self._facts.note_measured("speeds", self._speeds.to_json())

    def forecast(self, header: Header, size_bytes: int, setup: Setup, gpu_layers: int | None = None) -> Forecast:
        """The forecast for a model whose header is known; `size_bytes` counts all of its files."""
        machine, shape = self._machine(), header.shape
        if header.parts > 1:
            shape = shape.whole(size_bytes, header.quantization)
        layers = self._gpu_layers(machine, shape, setup) if gpu_layers is None else gpu_layers
        layers = min(layers, shape.layers + 1) if machine.gpus else 0
        need = memory.need(shape, size_bytes, self._speeds, setup, layers)
        own = Learned.from_json(self._learned.get(_key(header, size_bytes, layers)))
        learned = own or (self._learned_of(_ON_GPU) if layers else Learned())
        token_s = self._token_s(shape, layers)
        prompt_s = None if layers or self._speeds is None else self._speeds.prompt_token_s(shape)
        answered = own is not None and own.answered
        made = _forecast(machine, need, learned, token_s, prompt_s, layers, shape.layers, measured=answered)
        keys, values = memory.kept_numbers(shape, setup.context_length)
        return replace(made, keys=keys, values=values)

    def rough(self, size_bytes: int, parameters: int, context_length: int) -> Forecast:
        """A forecast from the size alone, with the cache and speed that are usual for models of this size."""
        machine = self._machine()
        typical = _TYPICAL_KV_BYTES * (max(parameters, 1) / _TYPICAL_PARAMETERS) ** _KV_EXPONENT
        need = memory.Need(size_bytes, 0, int(context_length * typical), memory.PROGRAM_BYTES * 3, 0)
        if any(need.held_bytes < gpu.free_bytes * _GPU_SHARE for gpu in machine.gpus):
            need = replace(need, gpu_bytes=need.held_bytes)
            token_s = size_bytes / (_GPU_BYTES_PER_S * _GPU_EFFICIENCY)
            return _forecast(machine, need, self._learned_of(_ON_GPU), token_s, None, 1, 1, measured=False)
        slow_s = size_bytes / self._speeds.bytes_per_s if self._speeds else None
        return _forecast(machine, need, Learned(), slow_s, None, 0, 0, measured=False)

    def learn(
        self,
        header: Header,
        size_bytes: int,
        *,
        memory_bytes: int,
        tokens_per_s: float,
        prompt_tps: float,
        setup: Setup,
        gpu_layers: int = 0,
    ) -> None:
        """Correct later forecasts by a real load and answer; speeds of 0, and the memory with a GPU, are ignored.

        After a load without an answer the memory may still grow, so it counts only if it already exceeds the forecast.
        """
        key, kept = _key(header, size_bytes, gpu_layers), self._learned.copy()
        self._learned = {name: value for name, value in kept.items() if name not in (key, _ON_GPU)}
        plain = self.forecast(header, size_bytes, setup, gpu_layers)
        before, common = (Learned.from_json(kept.get(name)) for name in (key, _ON_GPU))
        new = (before or Learned()).updated(
            memory_bytes - plain.memory_bytes if memory_bytes and not gpu_layers else None,
            plain.tokens_per_s / tokens_per_s if plain.tokens_per_s and tokens_per_s else None,
            plain.prompt_tps / prompt_tps if plain.prompt_tps and prompt_tps else None,
        )
        again = before is not None and before.answered
        kept[key] = asdict(before.averaged(new, _WEIGHT_OF_NEW) if before and again else new)
        if gpu_layers and new.answered:
            weight = _WEIGHT_OF_REPEATED if again else _WEIGHT_OF_NEW
            kept[_ON_GPU] = asdict(common.averaged(new, weight) if common else new)
        self._learned = kept
        self._facts.note_measured("corrections", kept)
        if not gpu_layers and new.token < 1 / _MUCH_FASTER:
            self._doubt_speeds()

    def _doubt_speeds(self) -> None:
        """Have the machine measured again, once per run; it must have been busy if a model is so much faster now."""
        if self._doubted or self._speeds is None:
            return
        self._doubted, self._speeds, self._learned = True, None, {}
        self._facts.note_measured("speeds", {})
        self._facts.note_measured("corrections", {})

    def _token_s(self, shape: Shape, gpu_layers: int) -> float | None:
        """Seconds per token; layers on the GPU and on the processor run one after the other."""
        on_gpu = min(1.0, gpu_layers / (shape.layers + 1)) if shape.layers else 0.0
        if self._speeds is None and on_gpu < 1:
            return None
        gpu_speeds = Speeds.of_bandwidth(_GPU_BYTES_PER_S * _GPU_EFFICIENCY)
        processor_s = self._speeds.token_s(shape) * (1 - on_gpu) if self._speeds else 0.0
        return processor_s + gpu_speeds.token_s(shape) * on_gpu

    def _gpu_layers(self, machine: Machine, shape: Shape, setup: Setup) -> int:
        """The number of layers that the first GPU has room for beside the projector, which is the engine's default."""
        room = machine.gpus[0].free_bytes * _GPU_SHARE if machine.gpus else 0
        for layers in range(shape.layers + 1, 0, -1):
            if memory.gpu_bytes(shape, setup, layers) + setup.projector_bytes <= room:
                return layers
        return 0

    def _learned_of(self, key: str) -> Learned:
        return Learned.from_json(self._learned.get(key)) or Learned()


def fit_word(fit: Fit) -> str:
    """The word for a fit: Fits, Slow or Too big."""
    return {"fits": tr("Fits"), "slow": tr("Slow"), "too_big": tr("Too big")}[fit]


def best_size(sizes: Sequence[tuple[str, Forecast]]) -> str | None:
    """The quantization to mark for this machine; None if not even the smallest has room.

    This is the largest that fits and writes faster than people read, since a larger file means better answers. If none
    does, it is the fastest, which may not be the smallest. Unquantized files are left out: they are twice as large but
    no better. Until speeds are known, it is the largest with four bits, the usual compromise.
    """
    possible = [(name, forecast) for name, forecast in sizes if forecast.fit != "too_big"]
    by_size = sorted(possible, key=lambda item: item[1].weights_bytes)
    quantized = [item for item in by_size if item[0].upper() not in _UNQUANTIZED] or by_size
    good = [item for item in quantized if not item[0].upper().startswith(_POOR)] or quantized
    fitting = [item for item in good if item[1].fit == "fits"]
    if all(forecast.tokens_per_s is None for _, forecast in fitting or good):
        usual = [item for item in fitting if item[0].upper().startswith(_FOUR_BITS)]
        return next((name for name, _ in usual[::-1] or fitting or good), None)
    quick = [item for item in fitting if (item[1].tokens_per_s or COMFORTABLE_TPS) >= COMFORTABLE_TPS]
    if quick:
        return quick[-1][0]
    return max(fitting or good, key=lambda item: item[1].tokens_per_s or 0.0, default=(None, None))[0]


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
