"""How fast two models write at once, with all cores for each against half of them for each.

    python -m tests.benchmarks.two_models [--rounds N] [--tokens N]

Both ways take turns, so that other programs disturb them alike; each line is one round, the last one the medians. What
counts is the tokens per second of both models together, and those of the slower one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from desktop_llm.engine.choice import small_model
from desktop_llm.engine.client import ChatMessage, Engine, Finished, LoadSettings, Sampling
from desktop_llm.engine.installation import Installation
from desktop_llm.hardware import physical_cores
from desktop_llm.paths import folders
from desktop_llm.steps import result_of

_QUESTION = [ChatMessage.of("user", "Write a long story about a lighthouse and the sea.")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=96)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        installation = Installation(folders(Path(home)))
        try:
            _measure(installation, options.rounds, options.tokens)
        finally:
            installation.end()


def _measure(installation: Installation, rounds: int, tokens: int) -> None:
    ways = {"all": physical_cores(), "half": max(1, physical_cores() // 2)}
    pairs = {name: [_loaded(installation, threads) for _ in range(2)] for name, threads in ways.items()}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in (*ways,)[:: 1 if number % 2 else -1]:
            found[name].append(_both(pairs[name], tokens))
        print(
            ", ".join(
                f"{name}: {both[-1][0]:.1f} together, {both[-1][1]:.1f} the slower" for name, both in found.items()
            )
        )
    together, slower = (
        statistics.median(half[at] / whole[at] for half, whole in zip(found["half"], found["all"], strict=True))
        for at in (0, 1)
    )
    print(f"half of the cores against all of them: {together:.2f} together, {slower:.2f} the slower one")


def _loaded(installation: Installation, threads: int) -> Engine:
    engine = Engine(installation)
    result_of(engine.load(small_model(), LoadSettings(context_length=1024, threads=threads, gpu_layers=0)))
    _write(engine, 8)
    return engine


def _both(engines: list[Engine], tokens: int) -> tuple[float, float]:
    """Tokens per second of both together, and of the slower one."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        speeds = list(pool.map(lambda engine: _write(engine, tokens), engines))
    return 2 * tokens / (time.perf_counter() - begun), min(speeds)


def _write(engine: Engine, tokens: int) -> float:
    *_, end = engine.generate(_QUESTION, Sampling(temperature=0, max_tokens=tokens, seed=1))
    assert isinstance(end, Finished)
    return end.timings.generation_tps


if __name__ == "__main__":
    main()
