"""How far off the forecasts of memory and speed are for real model files, on a machine that never loaded them.

    python -m tests.benchmarks.fit MODEL[=QUANTIZATION,…] … [--threads N] [--context N] [--rounds N]

`=Q8_0,Q4_0` makes those quantizations of the file first, in a temporary folder. The machine is measured once, as the
app does it; then each file is loaded by the real engine, its context filled, and some tokens generated. Memory is the
worker's peak; speeds are the median of the rounds. With one thread, speed is counted in the worker's processor time,
which other programs disturb less than the clock; with more threads, by the clock, which needs a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from desktop_llm.engine.client import Engine, LoadSettings
from desktop_llm.engine.native import bindings
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecast, Forecaster, Setup, this_machine
from desktop_llm.models.gguf import read_header
from desktop_llm.models.gguf.tables import FILE_TYPES
from desktop_llm.paths import folders
from desktop_llm.steps import result_of

PROMPT_TOKENS, TOKENS, FEW_TOKENS = 64, 32, 4
TARGETS = {"memory": 0.10, "speed": 0.25}


@dataclass(frozen=True, slots=True)
class Measured:
    """The memory and speed of a loaded model."""

    memory_bytes: int
    tokens_per_s: float
    prompt_tps: float


@dataclass(frozen=True, slots=True)
class Row:
    """One file: the forecast, the measurement, and the relative errors."""

    name: str
    forecast: Forecast
    measured: Measured

    @property
    def memory_error(self) -> float:
        return self.forecast.memory_bytes / self.measured.memory_bytes - 1

    @property
    def speed_error(self) -> float:
        return (self.forecast.tokens_per_s or 0) / self.measured.tokens_per_s - 1

    @property
    def prompt_error(self) -> float:
        return (self.forecast.prompt_tps or 0) / self.measured.prompt_tps - 1

    def shown(self) -> str:
        memory = f"{self.forecast.memory_bytes / 1e6:7.0f} {self.measured.memory_bytes / 1e6:7.0f}"
        speed = f"{self.forecast.tokens_per_s or 0:7.1f} {self.measured.tokens_per_s:7.1f}"
        prompt = f"{self.forecast.prompt_tps or 0:7.0f} {self.measured.prompt_tps:7.0f}"
        return (
            f"{self.name:44} {memory} {self.memory_error:+6.1%}  {speed} {self.speed_error:+6.1%}  "
            f"{prompt} {self.prompt_error:+6.1%}"
        )


class Work:
    """An engine on one model, measured by the clock or, with one thread, by processor time."""

    def __init__(self, engine: Engine, model: Path, context: int, threads: int | None) -> None:
        self._engine = engine
        self._by_processor = threads == 1
        for _ in engine.load(model, LoadSettings(context_length=context, threads=threads, gpu_layers=0)):
            pass
        self._worker = next(child for child in psutil.Process().children() if child.is_running())

    def measure(self, context: int, rounds: int) -> Measured:
        """The memory with a full context, and the median speed of `rounds` short answers."""
        _, full = self._bench(context - FEW_TOKENS, FEW_TOKENS)
        tokens_per_s: list[float] = []
        prompt_tps: list[float] = []
        shortest: list[float] = []
        longest: list[float] = []
        for _ in range(rounds):
            short_s, short = self._bench(PROMPT_TOKENS, FEW_TOKENS)
            long_s, long = self._bench(PROMPT_TOKENS, TOKENS)
            if self._by_processor:
                shortest, longest = [*shortest, short_s], [*longest, long_s]
            else:
                tokens_per_s.append(long["generation_tps"])
                prompt_tps.append(max(short["prompt_tps"], long["prompt_tps"]))
        if self._by_processor:
            token_s = max(min(longest) - min(shortest), 1e-3) / (TOKENS - FEW_TOKENS)
            prompt_s = max(min(shortest) - FEW_TOKENS * token_s, 1e-3)
            return Measured(full["peak_rss_bytes"], 1 / token_s, PROMPT_TOKENS / prompt_s)
        return Measured(full["peak_rss_bytes"], statistics.median(tokens_per_s), statistics.median(prompt_tps))

    def _bench(self, prompt_tokens: int, tokens: int) -> tuple[float, dict[str, Any]]:
        before = self._worker.cpu_times()
        measured = result_of(self._engine.bench(prompt_tokens=prompt_tokens, tokens=tokens))
        after = self._worker.cpu_times()
        return after.user + after.system - before.user - before.system, measured


def files(wanted: list[str], folder: Path) -> Iterator[Path]:
    """Yield the named files and their requested quantizations, one at a time."""
    for item in wanted:
        name, _, quantizations = item.partition("=")
        yield Path(name)
        for quantization in filter(None, quantizations.split(",")):
            path = folder / f"{Path(name).stem[:24]}-as-{quantization}.gguf"
            command = [sys.executable, "-m", "tests.benchmarks.fit", "--quantize", name, str(path), quantization]
            subprocess.run(command, check=True, capture_output=True)
            yield path
            path.unlink()


def quantize(source: str, target: str, quantization: str) -> None:
    """Write `source` in another quantization, with llama.cpp's own function."""
    native: Any = bindings()
    parameters = native.llama_model_quantize_default_params()
    parameters.ftype = next(number for number, name in FILE_TYPES.items() if name == quantization)
    parameters.allow_requantize = True
    if native.llama_model_quantize(os.fsencode(source), os.fsencode(target), parameters):
        raise SystemExit(f"{source} can't be written as {quantization}")


def run(wanted: list[str], context: int, threads: int | None, rounds: int) -> list[Row]:
    """For each file, the forecast of a new machine, then the measurement."""
    rows = []
    with tempfile.TemporaryDirectory() as home:
        here = folders(Path(home))
        forecaster = Forecaster(Facts(here.data / "facts.db"), this_machine)
        forecaster.note_speeds(_machine(here.home, context, threads, rounds))
        for path in files(wanted, Path(home)):
            forecast = forecaster.forecast(read_header(path), path.stat().st_size, Setup(context))
            rows.append(Row(path.stem, forecast, _measured(here.home, path, context, threads, rounds)))
            print(rows[-1].shown(), flush=True)
    return rows


def _machine(home: Path, context: int, threads: int | None, rounds: int) -> dict[str, Any]:
    engine = Engine(folders(home))
    try:
        speeds = engine.installation.speeds(threads)
    finally:
        engine.close()
    if threads == 1:  # use the same clock as everything else here
        starter = _measured(home, Path(speeds["model"]), context, threads, rounds)
        speeds |= {"generation_tps": starter.tokens_per_s, "prompt_tps": starter.prompt_tps}
    for name, speed in speeds["formats"].items():
        twice = ", kept twice" if speed["copied"] else ""
        print(f"{name:8} {speed['bytes_per_s'] / 1e9:5.1f} GB/s {speed['weights_per_s'] / 1e9:6.1f} G weights/s{twice}")
    return speeds


def _measured(home: Path, path: Path, context: int, threads: int | None, rounds: int) -> Measured:
    engine = Engine(folders(home))
    try:
        return Work(engine, path, context, threads).measure(context, rounds)
    finally:
        engine.close()


def main() -> None:
    """Measure and print; the last line is the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--context", type=int, default=2_048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quantize", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quantize:
        quantize(*options.quantize)
        return
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    rows = run(options.models, options.context, options.threads, options.rounds)
    print(f"{'':44} MB forecast, measured      tokens/s                prompt tokens/s")
    worst = {
        "memory": max(abs(row.memory_error) for row in rows),
        "speed": max(abs(row.speed_error) for row in rows),
    }
    print(f"worst error of memory {worst['memory']:.1%}, of speed {worst['speed']:.1%}")
    print(
        f"targets: memory {TARGETS['memory']:.0%}, speed {TARGETS['speed']:.0%}; load after: {os.getloadavg()[0]:.1f}"
    )
    print(json.dumps({"files": len(rows), **worst}))


if __name__ == "__main__":
    main()
