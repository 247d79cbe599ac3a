"""The engine's child process: it holds one loaded model and serves the requests about it.

Requests: `machine` (lists the backends), `selftest`, `load`, `generate`, `answer_now`, `prepare`, `forget`,
`alternatives`, `measure`, `bench`, `speeds`.
"""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from desktop_llm.engine import backends, loading, prompt, speed
from desktop_llm.engine.adapters import Adapters, Mix
from desktop_llm.engine.evaluation import Evaluation
from desktop_llm.engine.inference import Inference
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.parameters import SMALLEST_BATCH_TOKENS, LoadRequest
from desktop_llm.engine.shapes import ChatMessage, Sampling
from desktop_llm.engine.state import common_prefix, state_key
from desktop_llm.engine.state_files import StateFiles
from desktop_llm.engine.streaming import as_written
from desktop_llm.engine.template_messages import for_template
from desktop_llm.engine.tool_prompt import Tools, knows_tools, with_tools_described
from desktop_llm.errors import BadRequest, NotFound, UserError
from desktop_llm.steps import Run
from desktop_llm.words import to_json, tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Request, Steps, serve, take_stdout

_Result = TypeVar("_Result")
_SELFTEST_TOKENS = 40
_STORE_ALL_S = 1.0
_TOKENS_TOLD = 16
_MARK_TOKENS = 32  # at most, for the marks around thinking
_MEASURED_PROMPT_TOKENS, _MEASURED_TOKENS, _MEASURED_ROUNDS = 256, 24, 4


def main(modules: Path | None = None, cache: Path | None = None) -> None:
    """Serve until the parent is gone. The process is confined before any native library is loaded.

    `modules` is another folder with backend modules; `cache` is the only one that this process may write to.
    """
    wire = take_stdout()
    # An assertion would start a debugger, which takes seconds and prints the text under way.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    confine.end_first()
    confine.no_power()
    confine.no_core_dumps()
    confine.no_network(connections=confine.gpu_is_shared())
    confine.write_only_in(*confine.own_caches(cache), *confine.gpu_devices())
    engine = _EngineWorker(backends.Modules(modules), cache / "states" if cache is not None else None)
    handlers = {
        "machine": engine.machine,
        "devices": engine.devices,
        "selftest": engine.selftest,
        "load": engine.load,
        "generate": engine.generate,
        "answer_now": engine.answer_now,
        "measure": engine.measure,
        "bench": engine.bench,
        "speeds": engine.speeds,
        "prepare": engine.prepare,
        "forget": engine.forget,
        "alternatives": engine.alternatives,
    }
    serve(
        handlers,
        wire,
        urgent=("measure", "answer_now"),
        arriving=engine.on_arrival,
        when_idle=engine.store_one,
        at_end=engine.store_all,
    )


class _EngineWorker:
    """Holds the loaded model and serves the requests about it."""

    def __init__(self, modules: backends.Modules, states: Path | None) -> None:
        """`states` is the folder where conversations' states are kept."""
        self._modules, self._states = modules, states
        self._log = EngineLog()
        self._running: loading.RunningModel | None = None
        self._inference: Inference | None = None
        self._adapters: Adapters | None = None
        self._evaluating = False
        self._waiting: list[int] = []  # the ids of requests that wait for their turn, in the order they came

    def machine(self, _request: Request) -> Steps:
        """A key for this machine, the backend modules that run here, the fastest first, and the GPU modules that can't
        be opened, with their reasons.
        """
        yield None
        modules = self._modules.found()
        return {
            "key": self._modules.machine_key(),
            "modules": [module.name for module in modules if module.score > 0],
            "broken": {
                module.name: module.problem
                for module in modules
                if module.problem and not module.name.startswith("cpu")
            },
        }

    def devices(self, request: Request) -> Steps:
        """The devices that the given modules can compute on."""
        yield None
        self._modules.load(request.data["modules"])
        return {"devices": [asdict(device) for device in backends.devices()]}

    def selftest(self, request: Request) -> Steps:
        """Compute a little on a small model with the given modules; a broken backend ends this process."""
        yield from self._load(request)
        running, inference = self._loaded()
        yield from inference.bench(_SELFTEST_TOKENS, 2, request.cancelled)
        logits = bindings().llama_get_logits_ith(running.context, -1)
        if not all(math.isfinite(logits[index]) for index in range(running.vocabulary.size)):
            raise UserError(tr("This backend computes wrong numbers on this machine."))
        return {}

    def load(self, request: Request) -> Steps:
        """Load the model; progress is the fraction done. Each process loads one model, once."""
        yield from self._load(request)
        running, _ = self._loaded()
        names = ("context_length", "layers", "gpu_layers", "gpu_bytes", "backend", "load_s")
        return {
            **{name: getattr(running, name) for name in names},
            "device": to_json(running.device),
            "memory_bytes": peak_rss_bytes(),
            "sees_pictures": running.vision is not None,
            "gpus": [asdict(gpu) for gpu in running.gpus],
            "thinking": running.thinking.kind,
            "own_thinking": running.thinking.own,
        }

    def generate(self, request: Request) -> Steps:
        """Answer the conversation `slot`; progress messages are events: place in line, begun, left-out turns, prompt
        progress, thinking, text, calls of the `tools` on offer.

        Two conversations are answered at once if both fit into the context; the others wait. The answer goes on from
        `beginning`: tokens, and a text behind them.
        """
        running, inference = self._loaded()
        settings, mix = Sampling.checked(request.data["sampling"]), self._mix_of(request)
        settings = replace(settings, thinking=running.thinking.level(settings.thinking))
        tools = request.data["tools"]
        with self._queued(request):
            told = 0
            while self._waiting[0] != request.id or not inference.has_place(mix):
                place = self._waiting.index(request.id) + 1
                yield {"event": "in_line", "place": place} if place != told else None
                told = place
            if alone := inference.is_idle:
                yield {"event": "begun"}
            self._use(mix)
            new = running.vocabulary.continued_tokens(text) if (text := request.data["beginning"]["text"]) else []
            beginning = [*request.data["beginning"]["tokens"], *new]
            fitted = self._fit(
                request.data["messages"], settings.max_tokens, tools, settings.thinking, begun=len(beginning)
            )
            while not inference.has_room(fitted):
                yield None
            answer = inference.begin(
                fitted,
                settings,
                request.cancelled,
                slot=request.data["slot"],
                mix=mix,
                tools=tools,
                beginning=beginning,
                new=len(new),
            )
        answer.events.extendleft(reversed(_first_events(fitted, alone=alone)))
        ended = yield from inference.follow(answer)
        return {**ended, "memory_bytes": peak_rss_bytes()}

    def alternatives(self, request: Request) -> Steps:
        """What else each token of a finished answer to these messages might have been; progress messages are events.

        Where `tokens` are not known, those of its `text` and `thinking` are taken. Answers go before: it waits
        whenever one is under way.
        """
        running, inference = self._loaded()
        yield None
        data, mix = request.data, self._mix_of(request)
        level = running.thinking.level(data["level"])
        tokens, tokens_of = data["tokens"], running.vocabulary.continued_tokens
        length = len(tokens) or len(tokens_of(data["thinking"] + data["text"])) + _MARK_TOKENS
        fitted = self._fit(data["messages"], 1, data["tools"], level, begun=length)
        tokens = tokens or tokens_of(as_written(data["thinking"], data["text"], fitted.text))

        def is_alone() -> bool:
            return inference.is_idle and not self._waiting

        with closing(Evaluation(running, inference.memory, fitted, tokens, data["count"])) as evaluation:
            while not evaluation.is_finished:
                while not is_alone():
                    yield None
                self._use(mix)
                self._evaluating = True
                try:
                    yield from evaluation.work(data["slot"], mix, request.cancelled, is_alone)
                finally:
                    self._evaluating = False
            return {"alternatives": evaluation.found}

    def answer_now(self, request: Request) -> Steps:
        """End the thinking in the answer of the conversation `slot`."""
        yield None
        if self._inference is not None:
            self._inference.answer_now(request.data["slot"])
        return {}

    def prepare(self, request: Request) -> Steps:
        """Process what is known of the conversation `slot` before its next question comes. A request for an answer ends
        that at once.
        """
        _, inference = self._loaded()
        yield None
        if inference.is_idle and not self._waiting:
            mix = self._mix_of(request)
            self._use(mix)
            known = self._before_question(request.data["messages"], request.data["thinking"], request.data["tools"])
            yield from inference.read_ahead(known, request.data["slot"], mix)
        return {}

    def on_arrival(self, kind: str) -> None:
        """Hear of a request as soon as it arrives, in the thread that reads them."""
        if self._inference is not None and kind in ("generate", "bench"):
            self._inference.hurry()
            if self._evaluating and self._running is not None:
                self._running.abort.set()

    def _before_question(self, messages: list[dict[str, Any]], thinking: str | None, tools: Tools) -> prompt.Prompt:
        """What the prompts of two different questions at the end of this conversation have in common."""
        level = self._loaded()[0].thinking.level(thinking)
        one, other = (
            self._fit([*messages, ChatMessage.of("user", question).to_json()], None, tools, level)
            for question in ("A", "7")
        )
        same = common_prefix(one.tokens, other.tokens)
        return prompt.Prompt(Rendered(""), one.tokens[:same], one.left_out, one.reserved_tokens)

    def forget(self, request: Request) -> Steps:
        """Forget the state of the conversation `slot`."""
        if self._inference is not None:
            self._inference.memory.forget(request.data["slot"])
        yield None
        return {}

    def store_one(self) -> bool:
        """Store the state of a conversation on the disk; False if nothing is left to store."""
        return self._inference is not None and self._inference.memory.store_one()

    def store_all(self) -> None:
        """Store what there is time for before the process ends."""
        if self._inference is not None:
            self._inference.memory.store_all(_STORE_ALL_S)

    def measure(self, request: Request) -> Steps:
        """The number of tokens of a conversation, and of messages that would be left out."""
        yield None
        fitted = self._fit(request.data["messages"], request.data.get("max_tokens"))
        return {
            "prompt_tokens": len(fitted.tokens),
            "context_length": self._loaded()[0].context_length,
            "left_out": fitted.left_out,
            "reserved_tokens": fitted.reserved_tokens,
        }

    def bench(self, request: Request) -> Steps:
        """Measure the speed of the loaded model; progress is the fraction done."""
        running, inference = self._loaded()
        wanted = request.data["prompt_tokens"] + request.data["tokens"]
        if wanted > running.context_length:
            raise BadRequest(
                tr(
                    "{wanted:,} tokens don't fit into a context of {context_length:,}.",
                    wanted=wanted,
                    context_length=running.context_length,
                ),
                tr("Ask for less."),
            )
        with self._queued(request):
            while self._waiting[0] != request.id or not inference.is_idle:
                yield None
            self._use(self._mix_of(request))
            yield from inference.bench(SMALLEST_BATCH_TOKENS, 1, request.cancelled)  # warms up, and learns the speed
            timings = yield from _as_fractions(
                inference.bench(request.data["prompt_tokens"], request.data["tokens"], request.cancelled), wanted
            )
        return {
            **timings,
            "load_s": running.load_s,
            "peak_rss_bytes": peak_rss_bytes(),
            "backend": f"{running.backend} ({running.device})",
        }

    def speeds(self, request: Request) -> Steps:
        """Measure the speed of this processor with each number format, and with a small model as a whole."""
        yield from self._load(request)
        _, inference = self._loaded()
        best = {"generation_tps": 0.0, "prompt_tps": 0.0}
        for _ in range(_MEASURED_ROUNDS):  # disturbances only make it slower
            timings = yield from inference.bench(_MEASURED_PROMPT_TOKENS, _MEASURED_TOKENS, request.cancelled)
            best = {name: max(value, timings[name]) for name, value in best.items()}
        asked = LoadRequest.from_wire(request.data)
        measuring = speed.measure(asked.threads, extra_buffers=asked.extra_buffers)
        measured = yield from _as_progress(measuring, "format")
        return {**measured, **best}

    @contextmanager
    def _queued(self, request: Request) -> Iterator[None]:
        """Stand in the queue: nobody begins before those who came earlier."""
        self._waiting.append(request.id)
        try:
            yield
        finally:
            self._waiting.remove(request.id)

    def _load(self, request: Request) -> Generator[dict[str, Any], None, None]:
        if self._running is not None:
            raise BadRequest(tr("This worker has loaded its model already."))
        asked = LoadRequest.from_wire(request.data)
        steps = loading.load(asked, self._modules, request.cancelled, self._log)
        self._running = yield from _as_progress(steps, "fraction")
        files = None
        if self._states is not None and request.kind == "load":
            with suppress(OSError):
                files = StateFiles(self._states, state_key(asked, self._running.model))
        self._inference = Inference(self._running, files)
        self._adapters = Adapters(self._running.model, self._running.context, self._log)

    def _loaded(self) -> tuple[loading.RunningModel, Inference]:
        if self._running is None or self._inference is None:
            raise NotFound(tr("No model is loaded."), tr("Choose one and ask again."))
        return self._running, self._inference

    @functools.cached_property
    def _knows_tools(self) -> bool:
        return knows_tools(self._loaded()[0].template.render)

    def _mix_of(self, request: Request) -> Mix:
        """The adapters that a request asks for."""
        assert self._adapters is not None
        return self._adapters.mix_of(request.data["adapters"])

    def _use(self, mix: Mix) -> None:
        """Give the model these adapters; all answers under way have them already."""
        assert self._adapters is not None
        self._adapters.use(mix)

    def _fit(
        self,
        messages: list[dict[str, Any]],
        max_tokens: int | None,
        tools: Tools = (),
        thinking: str | None = None,
        *,
        begun: int = 0,
    ) -> prompt.Prompt:
        """The prompt, with room for an answer of which `begun` tokens are there already."""
        running, inference = self._loaded()
        if not messages:
            raise BadRequest(tr("There is no message to answer."))
        marks = running.vocabulary.marks
        picture = running.vision.mark if running.vision is not None else None
        asked = for_template(map(ChatMessage.from_json, messages), marks.hide, picture)
        variables = dict(running.thinking.variables(thinking))
        if tools and self._knows_tools:
            variables["tools"] = list(tools)
        elif tools:
            asked = with_tools_described(asked, tools)

        def render(kept: Any) -> tuple[Rendered, list[int]]:
            rendered = marks.reveal(running.template.render(kept, variables))
            return rendered, inference.tokens_of(rendered)

        fitted = prompt.fit(asked, render, running.context_length - begun, max_tokens)
        return replace(fitted, reserved_tokens=fitted.reserved_tokens + begun)


def _first_events(fitted: prompt.Prompt, *, alone: bool) -> list[dict[str, Any]]:
    """What is told before an answer; one that is alone has said already that it has begun."""
    begun = [] if alone else [{"event": "begun"}]
    left_out = [{"event": "left_out", "messages": fitted.left_out}] if fitted.left_out else []
    return begun + left_out


def _as_progress(steps: Generator[object, None, _Result], name: str) -> Generator[dict[str, Any], None, _Result]:
    """Each step as a message with that one field."""
    run = Run(steps)
    for step in run:
        yield {name: step}
    return run.result


def _as_fractions(
    steps: Generator[dict[str, Any] | None, None, _Result], total: int
) -> Generator[dict[str, Any] | None, None, _Result]:
    """The progress of a benchmark over `total` tokens, not told so often that telling would slow it down."""
    run = Run(steps)
    done = 0
    for event in run:
        done = done + 1 if event is None else event["done"]
        tell = event is not None or done % _TOKENS_TOLD == 0
        yield {"fraction": done / total} if tell else None
    return run.result


def peak_rss_bytes() -> int:
    """The most main memory this process ever held."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":  # getrusage includes the parent's memory at the time when it started this process
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak << 10)
