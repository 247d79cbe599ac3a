"""Mutated model files through the validator, and those that it lets through into the real engine: the app survives.

    python -m tests.benchmarks.mutants [COUNT] [--engine N] [--seed S]

Every file must be read or refused in a sentence within 20 seconds. Of those that are read, the first N are loaded by
the real engine worker, which may refuse them or die: this process must get a sentence each time and go on.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

from desktop_llm.engine.client import ChatMessage, Engine, Finished, LoadSettings, Sampling
from desktop_llm.errors import ModelFileError, UserError, WorkerDied
from desktop_llm.models.gguf import read_header_from
from desktop_llm.paths import folders
from tests.models.mutants import mutants, seed_model

HANG_S = 20.0
STALL_S = 30.0


def validate(data: bytes) -> tuple[str, float]:
    """The refusal ("" for a file that is read) and the seconds it took."""
    begun = time.perf_counter()
    try:
        read_header_from(io.BytesIO(data), len(data), "model.gguf")
        refusal = ""
    except ModelFileError as error:
        refusal = error.message
    return refusal, time.perf_counter() - begun


def load(engine: Engine, path: Path) -> str:
    """What became of a file in the engine: "answered", "refused" or "died", always without harm to this process."""
    try:
        for _ in engine.load(path, LoadSettings(context_length=64)):
            pass
        answer = engine.generate([ChatMessage("user", "hi")], Sampling(temperature=0, max_tokens=2, seed=1))
        return "answered" if isinstance(list(answer)[-1], Finished) else "no end"
    except WorkerDied as error:
        return "died" if error.message else "died without a word"
    except UserError as error:
        return "refused" if error.message else "refused without a word"


def _without_numbers(refusal: str) -> str:
    reason = refusal.removeprefix("model.gguf ").removeprefix("is damaged: ").split(". ")[:1]
    return re.sub(r"\d[\d,.]*", "N", " ".join(reason))[:60]


def main() -> None:
    """Run and print; exits with 1 where a mutant was not handled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--engine", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    accepted, reasons, slowest = [], Counter[str](), 0.0
    for data in mutants(random.Random(options.seed), options.count):
        refusal, seconds = validate(data)
        slowest = max(slowest, seconds)
        reasons[_without_numbers(refusal) or "read"] += 1
        if not refusal:
            accepted.append(data)
    outcomes, longest = through_engine(accepted[: options.engine])
    for reason, number in reasons.most_common(25):
        print(f"{number:7} {reason}")
    print(f"slowest {slowest * 1000:.1f} ms; in the engine {dict(outcomes)}, the longest {longest:.1f} s")
    figures = {
        "mutants": options.count,
        "read": len(accepted),
        "slowest_s": slowest,
        "engine": dict(outcomes),
        "longest_s": longest,
    }
    print(json.dumps(figures))
    if slowest > HANG_S or set(outcomes) - {"answered", "refused", "died"}:
        raise SystemExit(1)


def through_engine(files: list[bytes]) -> tuple[Counter[str], float]:
    """What became of these files in the real engine, and the longest that one took; the good model must answer last."""
    outcomes: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(folders(Path(home)), stall_s=STALL_S)
        try:
            for number, data in enumerate([*files, seed_model()[0]]):
                path = Path(home) / f"{number}.gguf"
                path.write_bytes(data)
                begun = time.perf_counter()
                last = load(engine, path)
                longest = max(longest, time.perf_counter() - begun)
                outcomes[last] += 1
                path.unlink()
        finally:
            engine.close()
    if last != "answered":
        raise SystemExit("the model that nobody changed did not answer")
    return outcomes, longest


if __name__ == "__main__":
    main()
