"""Sends mutated model files through the validator, and those that pass into the real engine: the app survives.

    python -m tests.benchmarks.mutants [COUNT] [--engine N] [--llama N] [--seed S]

Every file must be read or refused in a sentence within 20 seconds. Of those that are read, the first N are loaded by
the real engine worker, which may refuse them: this process must get a sentence each time and go on. Then come the named
mutants, each with one lie: the validator or the worker refuses them, or they answer; none may end the worker. The first
N for `--llama` are loaded and asked by llama.cpp alone in copies of this process, which is faster (not on Windows).
"""

from __future__ import annotations

import argparse
import ctypes
import io
import json
import os
import random
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop_llm.engine import backends
from desktop_llm.engine.client import ChatMessage, Engine, Finished, LoadSettings, Sampling
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.sampling import Sampler
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.errors import ModelFileError, UserError, WorkerDied
from desktop_llm.models.gguf import read_header_from
from desktop_llm.paths import folders
from tests.models.mutants import mutants, named_mutants, seed_model

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
    """Load a file in the engine; returns "answered", "refused" or "died". This process is never harmed."""
    try:
        for _ in engine.load(path, LoadSettings(context_length=64)):
            pass
        answer = engine.generate([ChatMessage.of("user", "hi")], Sampling(temperature=0, max_tokens=2, seed=1))
        return "answered" if isinstance(list(answer)[-1], Finished) else "no end"
    except WorkerDied as error:
        return "died" if error.message else "died without a word"
    except UserError as error:
        return "refused" if error.message else "refused without a word"


def through_llama(files: Sequence[bytes]) -> Counter[str]:
    """Count what llama.cpp makes of these files, each in a copy of this process that has the library in memory."""
    native = bindings()
    modules = backends.Modules()
    modules.load([modules.found()[0].name])
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.gguf"
        for data in files:
            path.write_bytes(data)
            child = os.fork()
            if child == 0:
                signal.alarm(int(HANG_S))
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                os._exit(0 if _answers(native, path) else 1)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            outcomes["answered" if status == 0 else "refused" if status == 1 else f"died ({status})"] += 1
    return outcomes


def _answers(native: Any, path: Path) -> bool:
    """Whether llama.cpp loads the file, reads a text and writes two tokens; it may end this process."""
    parameters = native.llama_model_default_params()
    parameters.n_gpu_layers = 0
    model = native.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        return False
    settings = native.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = 256
    settings.n_threads = settings.n_threads_batch = 1
    context = native.llama_init_from_model(model, settings)
    if not context:
        return False
    vocabulary = Vocabulary(model)
    tokens = vocabulary.prompt_tokens(Rendered("Hi aa! \n\x01 é <x> [y] 漢")) or [0]
    with Sampler(Sampling(seed=1), vocabulary, 256) as sampler:
        for _ in range(2):
            batch = native.llama_batch_get_one((ctypes.c_int32 * len(tokens))(*tokens), len(tokens))
            if native.llama_decode(context, batch) != 0:
                return False
            tokens = [sampler.sample(context)]
            vocabulary.piece(tokens[0])
    return True


def _without_numbers(refusal: str) -> str:
    reason = refusal.removeprefix("model.gguf ").removeprefix("is damaged: ").split(". ")[:1]
    return re.sub(r"\d[\d,.]*", "N", " ".join(reason))[:60]


def main() -> None:
    """Run and print; exits with 1 if a mutant was not handled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--engine", type=int, default=200)
    parser.add_argument("--llama", type=int, default=0)
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
    named = named_mutants()
    passed = [data for data in named.values() if not validate(data)[0]]
    lies, longest_lie = through_engine(passed if options.engine else [])
    alone = through_llama(accepted[: options.llama])
    for reason, number in reasons.most_common(25):
        print(f"{number:7} {reason}")
    print(f"slowest {slowest * 1000:.1f} ms; in the engine {dict(outcomes)}, the longest {longest:.1f} s")
    figures = {
        "mutants": options.count,
        "read": len(accepted),
        "slowest_s": slowest,
        "engine": dict(outcomes),
        "longest_s": max(longest, longest_lie),
        "named": len(named),
        "named_read": len(passed),
        "named_engine": dict(lies),
        "llama": dict(alone),
    }
    print(json.dumps(figures))
    if slowest > HANG_S or set(outcomes | lies | alone) - {"answered", "refused"}:
        raise SystemExit(1)


def through_engine(files: list[bytes]) -> tuple[Counter[str], float]:
    """Count the outcomes of these files in the real engine, and the longest time; the good model must answer last."""
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
