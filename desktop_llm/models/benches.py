"""Measures how fast a model is on this computer, and keeps the results for its page and the command line."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from desktop_llm.engine.client import AdapterUse, Engine, Loading, LoadSettings
from desktop_llm.models.facts import Facts
from desktop_llm.models.library import Model
from desktop_llm.steps import Run

PROMPT_TOKENS, TOKENS = 512, 128
FIGURES = ("prompt_tps", "generation_tps", "ttft_s", "load_s", "peak_rss_bytes", "backend")
_KEPT = 12  # results of a model, each with other settings


@dataclass(frozen=True, slots=True)
class Bench:
    """One result, the median of `repeats` runs: tokens per second, seconds, and the most main memory ever held.

    `at` is when it was measured, in seconds since 1970. Writing was measured behind a prompt of `prompt_tokens`.
    `adapters` names those that the model had, with their scales.
    """

    at: float
    kv_type_k: str
    kv_type_v: str
    threads: int | None
    gpu_layers: int
    prompt_tokens: int
    tokens: int
    repeats: int
    prompt_tps: float
    generation_tps: float
    ttft_s: float
    load_s: float
    peak_rss_bytes: int
    backend: str
    adapters: str = ""

    @property
    def settings(self) -> tuple[Any, ...]:
        """What was compared: of two results with the same settings, the later one counts."""
        amounts = (self.prompt_tokens, self.tokens)
        return self.kv_type_k, self.kv_type_v, self.threads, self.gpu_layers, self.adapters, *amounts

    def figures(self) -> dict[str, Any]:
        """The figures alone, as `bench --json` prints them."""
        return {name: getattr(self, name) for name in FIGURES}


def measure(
    engine: Callable[[], Engine],
    model: Model,
    settings: LoadSettings,
    *,
    prompt_tokens: int = PROMPT_TOKENS,
    tokens: int = TOKENS,
    repeats: int = 1,
    adapters: Sequence[tuple[str, AdapterUse]] = (),
) -> Generator[Loading | float, None, Bench]:
    """Measure on a new engine for each run, so that loading counts; yields the progress of loading, then the fraction
    of all runs that is done. `adapters` are pairs of a name and an adapter for this model.

    Raises the errors of loading, and BadRequest if the context is too short for so many tokens.
    """
    runs: list[dict[str, Any]] = []
    gpu_layers = 0
    for number in range(repeats):
        with contextlib.closing(engine()) as measured:
            loaded = yield from measured.load(model.path, settings, asked_for=True)
            gpu_layers = loaded.gpu_layers
            used = [use for _, use in adapters]
            run = Run(measured.bench(prompt_tokens=prompt_tokens, tokens=tokens, adapters=used))
            for fraction in run:
                yield (number + fraction) / repeats
            runs.append(run.result)
    keys, values = settings.kv_types
    middle = {name: _middle([figures[name] for figures in runs]) for name in FIGURES}
    made = (time.time(), keys, values, settings.threads, gpu_layers, prompt_tokens, tokens, repeats)
    return Bench(*made, **middle, adapters=", ".join(f"{name}={use.scale:g}" for name, use in adapters))


def keep(facts: Facts, model_id: str, bench: Bench) -> None:
    """Keep a result beside those with other settings."""
    others = [each for each in kept(facts, model_id) if each.settings != bench.settings]
    facts.note_measured(_name(model_id), {"benches": [asdict(each) for each in [*others, bench][-_KEPT:]]})


def kept(facts: Facts, model_id: str) -> list[Bench]:
    """The results for a model, the latest last; those that another version wrote are left out."""
    found: Sequence[Mapping[str, Any]] = facts.measured(_name(model_id)).get("benches", [])
    benches = []
    for values in found:
        with contextlib.suppress(TypeError):
            benches.append(Bench(**values))
    return benches


def _name(model_id: str) -> str:
    return f"bench {model_id}"


def _middle(values: list[Any]) -> Any:
    """The median of numbers, in their own type; the first value of anything else."""
    kind = type(values[0])
    return kind(statistics.median(values)) if kind in (int, float) else values[0]
