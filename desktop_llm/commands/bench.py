"""Benchmarks: one model, or a comparison of models, formats of the KV cache, numbers of threads, and adapters."""

from __future__ import annotations

import functools
import itertools
from argparse import Namespace
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from desktop_llm.commands.adapters import chosen as chosen_adapters
from desktop_llm.commands.library import chat_model
from desktop_llm.commands.library import library as open_library
from desktop_llm.commands.load_flags import load_settings
from desktop_llm.commands.terminal import drain, tell
from desktop_llm.engine.client import AdapterUse, Engine, Loading, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.models import benches
from desktop_llm.models.benches import Bench
from desktop_llm.models.facts import Facts
from desktop_llm.models.library import Library, Model
from desktop_llm.models.library.adapters import ready
from desktop_llm.paths import Folders
from desktop_llm.words import plural, tr

_TEXTS = 4  # the columns of the table that are no numbers


@dataclass(frozen=True, slots=True)
class Run:
    """One thing to measure."""

    model: Model
    settings: LoadSettings
    adapters: tuple[tuple[str, AdapterUse], ...] = ()

    @property
    def label(self) -> str:
        count = self.settings.threads
        threads = plural(", %n thread", ", %n threads", count) if count else ""
        adapters = tr(", with adapters") if self.adapters else ""
        return f"{self.model.id}, {_kv_words(*self.settings.kv_types)}{threads}{adapters}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run."""

    run: Run
    bench: Bench

    def to_json(self) -> dict[str, Any]:
        """What was asked for, and the figures."""
        run, bench = self.run, self.bench
        asked = {"model": run.model.id, "quantization": run.model.quantization, "threads": bench.threads}
        kept = {"kv_type_k": bench.kv_type_k, "kv_type_v": bench.kv_type_v, "gpu_layers": bench.gpu_layers}
        return {**asked, **kept, "adapters": bench.adapters, **bench.figures()}


def run_bench(options: Namespace, home: Folders) -> list[Result]:
    """Measure everything that the options combine, and keep the results.

    A combination that can't be measured is reported and left out; if none can, its error is raised.
    """
    runs = list(_runs(options, open_library(home)))
    facts, done, errors = Facts(home.facts_db), [], []
    for number, run in enumerate(runs, 1):
        if len(runs) > 1:
            tell(tr("Measuring {number} of {count}: {what}", number=number, count=len(runs), what=run.label))
        try:
            bench = drain(_measured(options, home, run), _progress)
        except UserError as error:
            errors.append(error)
            if len(runs) > 1:
                tell(error.message)
            continue
        benches.keep(facts, run.model.id, bench)
        done.append(Result(run, bench))
    if not done:
        raise errors[0]
    return done


def _measured(options: Namespace, home: Folders, run: Run) -> Generator[Loading | float, None, Bench]:
    return benches.measure(
        functools.partial(Engine, home),
        run.model,
        run.settings,
        prompt_tokens=options.prompt_tokens,
        tokens=options.tokens,
        repeats=options.repeat,
        adapters=run.adapters,
    )


def _runs(options: Namespace, library: Library) -> Iterator[Run]:
    models = [chat_model(library, id) for id in options.models or [None]]
    for model, kinds, threads in itertools.product(models, options.kv_type or [None], options.threads or [None]):
        settings = load_settings(options, threads=threads, kv_types=kinds)
        yield Run(model, settings)
        if options.adapters:
            yield Run(model, settings, _adapters(options, library, model))


def _adapters(options: Namespace, library: Library, model: Model) -> tuple[tuple[str, AdapterUse], ...]:
    """The adapters that the options name, with the files for the engine. Raises UserError if one doesn't fit."""
    asked = chosen_adapters(options.adapters, library, model)
    found = [ready(library, adapter.id, adapter.scale, model) for adapter in asked]
    return tuple((adapter.name, AdapterUse(use.path, use.scale)) for adapter, use in zip(asked, found, strict=True))


def _progress(step: Loading | float) -> str:
    if isinstance(step, Loading):
        return tr("Loading {percent:.0f} %", percent=100 * (step.fraction or 0))
    return tr("Measuring {percent:.0f} %", percent=100 * step)


def table(done: Sequence[Result]) -> Iterator[str]:
    """The results in aligned columns, those of text at the left and numbers at the right."""
    heads = (
        *(tr("Model"), tr("Size"), tr("KV cache"), tr("Adapters"), tr("Threads")),
        *(tr("Reading tokens/s"), tr("Writing tokens/s"), tr("First word s"), tr("Loading s"), tr("Memory MB")),
    )
    rows = [heads, *map(_row, done)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        cells = [
            cell.ljust(width) if at < _TEXTS else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    yield ""
    for backend in dict.fromkeys(result.bench.backend for result in done):
        yield tr("Measured on {backend}.", backend=backend)


def _row(result: Result) -> tuple[str, ...]:
    run, bench = result.run, result.bench
    return (
        run.model.id,
        run.model.quantization,
        _kv_words(bench.kv_type_k, bench.kv_type_v),
        bench.adapters or "–",
        str(bench.threads or tr("auto")),
        f"{bench.prompt_tps:,.1f}",
        f"{bench.generation_tps:,.1f}",
        f"{bench.ttft_s:,.2f}",
        f"{bench.load_s:,.2f}",
        f"{bench.peak_rss_bytes / 1e6:,.0f}",
    )


def _kv_words(keys: str, values: str) -> str:
    return keys if keys == values else f"{keys}/{values}"
