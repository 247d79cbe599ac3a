"""The engine's child process: one loaded model, and the requests about it.

Requests: `machine` (which backends there are), `selftest`, `load`, `generate`, `measure`, `bench`, `speeds`.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from desktop_llm.engine import backends, loading, prompt, speed
from desktop_llm.engine.inference import Inference
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.shapes import Sampling
from desktop_llm.engine.templates import Message
from desktop_llm.engine.wanted import Wanted
from desktop_llm.errors import BadRequest, NotFound, UserError
from desktop_llm.steps import Run
from desktop_llm.words import to_json, tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Request, Steps, serve, take_stdout

_Result = TypeVar("_Result")
_SELFTEST_TOKENS = 40
_MEASURED_PROMPT_TOKENS, _MEASURED_TOKENS, _MEASURED_ROUNDS = 256, 24, 4


def main(modules: Path | None = None) -> None:
    """Serve until the parent is gone. Confined before any native library is loaded.

    `modules` is one more folder to look for backend modules in.
    """
    wire = take_stdout()
    # On a busy machine OpenMP threads that spin for long while they wait starve the one that has the work.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    # An assertion would start a debugger, which takes seconds and prints the text under way.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    confine.no_network()
    confine.no_core_dumps()
    confine.end_first()
    if modules is not None:
        backends.look_in(modules)
    engine = _EngineWorker()
    handlers = {
        "machine": engine.machine,
        "devices": engine.devices,
        "selftest": engine.selftest,
        "load": engine.load,
        "generate": engine.generate,
        "measure": engine.measure,
        "bench": engine.bench,
        "speeds": engine.speeds,
    }
    serve(handlers, wire, urgent=("measure",))


class _EngineWorker:
    """The loaded model and what is under way on it; one answer at a time."""

    def __init__(self) -> None:
        self._log = EngineLog()
        self._running: loading.RunningModel | None = None
        self._inference: Inference | None = None
        self._busy = False

    def machine(self, _request: Request) -> Steps:
        """What this machine offers: a key for it, the backend modules that run here, the fastest first, and the GPU
        modules that can't be opened, with the reason.
        """
        yield None
        modules = backends.modules()
        return {
            "key": backends.machine_key(),
            "modules": [module.name for module in modules if module.score > 0],
            "broken": {
                module.name: module.problem
                for module in modules
                if module.problem and not module.name.startswith("cpu")
            },
        }

    def devices(self, request: Request) -> Steps:
        """What the given modules can compute on."""
        yield None
        backends.load(request.data["modules"])
        return {"devices": [asdict(device) for device in backends.devices()]}

    def selftest(self, request: Request) -> Steps:
        """Compute a little on a small model with the given modules; a backend that is broken ends this process."""
        yield from self._load(request)
        running, inference = self._loaded()
        timings = yield from inference.bench(_SELFTEST_TOKENS, 2, request.cancelled)
        logits = backends.bindings().llama_get_logits_ith(running.context, -1)
        if not all(math.isfinite(logits[index]) for index in range(running.vocabulary.size)):
            raise UserError(tr("This backend computes wrong numbers on this machine."))
        return {**timings, "gpus": len(running.gpus)}

    def load(self, request: Request) -> Steps:
        """Load the model; progress is the fraction done. One process loads one model once."""
        yield from self._load(request)
        running, _ = self._loaded()
        names = ("context_length", "trained_context_length", "layers", "gpu_layers", "gpu_bytes", "backend", "load_s")
        return {
            **{name: getattr(running, name) for name in names},
            "device": to_json(running.device),
            "has_template": running.template.own,
            "memory_bytes": peak_rss_bytes(),
            "gpus": [asdict(gpu) for gpu in running.gpus],
        }

    def generate(self, request: Request) -> Steps:
        """Answer a conversation; progress are events of left out turns, prompt progress, thinking and text."""
        while self._busy:
            yield None
        _, inference = self._loaded()
        self._busy = True
        try:
            settings = Sampling(**request.data["sampling"])
            fitted = self._fit(request.data["messages"], settings.max_tokens)
            if fitted.left_out:
                yield {"event": "left_out", "messages": fitted.left_out}
            ended = yield from inference.generate(fitted, settings, request.cancelled)
            return {**ended, "memory_bytes": peak_rss_bytes()}
        finally:
            self._busy = False

    def measure(self, request: Request) -> Steps:
        """How many tokens a conversation has, and how much of it would be sent."""
        yield None
        fitted = self._fit(request.data["messages"], request.data.get("max_tokens"))
        return {
            "prompt_tokens": len(fitted.tokens),
            "context_length": self._loaded()[0].context_length,
            "left_out": fitted.left_out,
            "reserved_tokens": fitted.reserved_tokens,
        }

    def bench(self, request: Request) -> Steps:
        """Measure the speed of the loaded model."""
        while self._busy:
            yield None
        running, inference = self._loaded()
        wanted = request.data["prompt_tokens"] + request.data["tokens"]
        if wanted > running.context_length:
            raise BadRequest(
                tr(
                    "{wanted:,} tokens don't fit into a context of {context_length:,}. Ask for less.",
                    wanted=wanted,
                    context_length=running.context_length,
                )
            )
        self._busy = True
        try:
            timings = yield from inference.bench(
                request.data["prompt_tokens"], request.data["tokens"], request.cancelled
            )
        finally:
            self._busy = False
        return {
            **timings,
            "load_s": running.load_s,
            "peak_rss_bytes": peak_rss_bytes(),
            "backend": f"{running.backend} ({running.device})",
        }

    def speeds(self, request: Request) -> Steps:
        """How fast this processor is with each number format, and with a small model as a whole."""
        yield from self._load(request)
        _, inference = self._loaded()
        best = {"generation_tps": 0.0, "prompt_tps": 0.0}
        for _ in range(_MEASURED_ROUNDS):  # what disturbs a measurement only makes it slower
            timings = yield from inference.bench(_MEASURED_PROMPT_TOKENS, _MEASURED_TOKENS, request.cancelled)
            best = {name: max(value, timings[name]) for name, value in best.items()}
        threads = request.data["threads"] or loading.physical_cores()
        measuring = speed.measure(threads, extra_buffers=request.data["extra_buffers"])
        measured = yield from _as_progress(measuring, "format")
        return {**measured, **best}

    def _load(self, request: Request) -> Generator[dict[str, Any], None, None]:
        if self._running is not None:
            raise BadRequest(tr("This worker has loaded its model already."))
        steps = loading.load(Wanted.from_wire(request.data), request.cancelled, self._log)
        self._running = yield from _as_progress(steps, "fraction")
        self._inference = Inference(self._running)

    def _loaded(self) -> tuple[loading.RunningModel, Inference]:
        if self._running is None or self._inference is None:
            raise NotFound(tr("No model is loaded. Choose one and ask again."))
        return self._running, self._inference

    def _fit(self, messages: list[Message], max_tokens: int | None) -> prompt.Prompt:
        running, inference = self._loaded()
        if not messages:
            raise BadRequest(tr("There is no message to answer."))
        defused = [{**message, "content": running.vocabulary.defuse(message["content"])} for message in messages]

        def render(kept: Any) -> tuple[str, list[int]]:
            text = running.template.render(kept)
            return text, inference.tokens_of(text)

        return prompt.fit(defused, render, running.context_length, max_tokens)


def _as_progress(steps: Generator[object, None, _Result], name: str) -> Generator[dict[str, Any], None, _Result]:
    """Each step as a message that says it under this name."""
    run = Run(steps)
    for step in run:
        yield {name: step}
    return run.result


def peak_rss_bytes() -> int:
    """The most main memory this process ever held."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":  # where getrusage also counts what the parent held when it started this process
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak << 10)
