"""The engine as the app sees it: load a model, answer conversations, stop, measure. Owns at most one worker process.

Long actions are generators; closing one cancels it. If a worker dies, the person reads a sentence and nothing is lost:
the next request starts another worker and loads the model again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from desktop_llm.engine.choice import SMALL_MODEL
from desktop_llm.engine.crashes import ENOUGH, held_back
from desktop_llm.engine.events import (
    Event,
    ExactPrompt,
    Finished,
    InLine,
    LeftOut,
    Loading,
    PromptProgress,
    Rethought,
    TextDelta,
    ThinkingDelta,
    Timings,
    ToolCalled,
    Unloaded,
    Usage,
    event_of,
    finished_of,
)
from desktop_llm.engine.installation import STALL_S, Installation
from desktop_llm.engine.shapes import (
    KV_TYPES,
    ROPE_SCALINGS,
    SAMPLER_ORDER,
    SAMPLING_LIMITS,
    UNQUANTIZED_KV_TYPES,
    USUAL_BATCH_TOKENS,
    USUAL_CONTEXT_LENGTH,
    USUAL_KV_TYPE,
    AdapterUse,
    Beginning,
    ChatMessage,
    Device,
    LoadedModel,
    LoadSettings,
    PromptSize,
    Sampling,
)
from desktop_llm.engine.under_way import Stopped, UnderWay, Written, check
from desktop_llm.errors import NotFound, UserError, WorkerDied
from desktop_llm.paths import Folders, package_file
from desktop_llm.steps import Run, result_of
from desktop_llm.words import from_json, tr
from desktop_llm.workers.confine import Enforced
from desktop_llm.workers.process import Worker
from desktop_llm.workers.protocol import Message, path_to_wire

__all__ = [
    "KV_TYPES",
    "ROPE_SCALINGS",
    "SAMPLER_ORDER",
    "SAMPLING_LIMITS",
    "UNQUANTIZED_KV_TYPES",
    "USUAL_BATCH_TOKENS",
    "USUAL_CONTEXT_LENGTH",
    "USUAL_KV_TYPE",
    "AdapterUse",
    "Beginning",
    "ChatMessage",
    "Engine",
    "Event",
    "ExactPrompt",
    "Finished",
    "InLine",
    "LeftOut",
    "LoadSettings",
    "LoadedModel",
    "Loading",
    "PromptProgress",
    "Rethought",
    "Sampling",
    "TextDelta",
    "ThinkingDelta",
    "Timings",
    "ToolCalled",
    "Unloaded",
    "Usage",
    "Written",
]

STOP_GRACE_S = 5.0
_ENDED_FROM_OUTSIDE = (-9, -15)  # SIGKILL, SIGTERM: no code sends them to itself
_WATCH_S = 0.05


class Engine:
    """One model at a time, in a process of its own; conversations are told apart by their slot.

    Any thread may call anything. Several answers may be under way, each in a thread of its own: the worker writes two
    at once. Loading another model ends the answers under way, so whoever asks for it waits for them first.
    `stop_grace_s`: a worker that goes on for so long after a stop counts as hung and is ended.
    """

    def __init__(
        self,
        home: Folders | Installation,
        *,
        command: Sequence[str] | None = None,
        stall_s: float = STALL_S,
        stop_grace_s: float = STOP_GRACE_S,
    ) -> None:
        """An installation is shared with other engines; for folders, a new one with `command` and `stall_s` is made."""
        if not isinstance(home, Installation):
            home = Installation(home, command=command, stall_s=stall_s)
        self.installation = home
        self._backends, self._crashes = self.installation.backends, self.installation.crashes
        self._paces, self._stall_s = self.installation.paces, self.installation.stall_s
        self._stop_grace_s = stop_grace_s
        self._loading = threading.Lock()
        self._worker: Worker | None = None
        self._wanted: tuple[Path, LoadSettings] | None = None
        self._loaded: LoadedModel | None = None
        self._proved: Worker | None = None  # the last worker that generated something
        self._under_way: list[UnderWay] = []

    @property
    def prompt_tps(self) -> float:
        """The tokens a second of the last long prompt with the loaded model and its settings; 0 if that is unknown."""
        return self._paces.prompt_tps(*self._wanted) if self._wanted else 0.0

    @property
    def loaded(self) -> LoadedModel | None:
        """The model in memory; None before the first load and after the worker died."""
        return self._loaded if self._worker is not None and self._worker.alive else None

    def is_for(self, model: Path, settings: LoadSettings) -> bool:
        """Whether the last model loaded is this one with these settings, even if its worker has died since."""
        return self._wanted == (model, settings)

    def load(
        self, model: Path, settings: LoadSettings, *, asked_for: bool = False
    ) -> Generator[Loading, None, LoadedModel]:
        """Load this model, unless it is already in memory. The previous worker is ended first, to free its memory.

        Raises ModelFileError or UserError with the reason; the next answer then loads the previous model again. A model
        that died twice before it wrote more than a few words is loaded only if the person asked for it.
        """
        if (loaded := self.loaded) is not None and self._wanted == (model, settings):
            return loaded
        if asked_for:
            self._crashes.allow(model)
        self._crashes.check(model, settings)
        yield from self._my_turn_to_load()
        try:
            if (loaded := self.loaded) is None or self._wanted != (model, settings):
                self._backends.try_gpu_again(model)
                loaded = yield from self._load(model, settings)
                self._wanted = (model, settings)
            return loaded
        finally:
            self._loading.release()

    def generate(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        *,
        slot: str = "",
        tools: Sequence[Mapping[str, Any]] = (),
        adapters: Sequence[AdapterUse] = (),
        beginning: Beginning | None = None,
    ) -> Generator[Event, None, None]:
        """Answer the conversation `slot` with these adapters; the last event is Finished. Loads the model again if the
        worker died. With a `beginning` the answer goes on from there; it is part of the text and of the tokens told.

        The model may call `tools`, which are described as in OpenAI's API: then the answer ends with the calls.
        Raises ContextOverflow if the last question alone is too long, WorkerDied if the worker ends meanwhile.
        """
        request = UnderWay(slot, messages, sampling, tuple(tools), tuple(adapters), beginning)
        self._under_way.append(request)
        try:
            try:
                yield from self._answer(request)
            except WorkerDied as death:
                if not self._worth_another_try(request):
                    raise self._told_of(death, request) from death
            else:
                return
            try:
                yield from self._answer(request)
            except WorkerDied as death:
                raise self._told_of(death, request) from death
        except Stopped:
            yield Finished("cancelled", Usage(), Timings(), None)
        finally:
            self._under_way.remove(request)

    def measure(self, messages: Sequence[ChatMessage]) -> PromptSize:
        """The size of this conversation in the context; raises NotFound if no model is loaded."""
        if self.loaded is None or self._worker is None:
            raise _no_model()
        data = {"messages": [message.to_json() for message in messages]}
        return PromptSize(**self._worker.call("measure", data, stall_s=self._stall_s).data)

    def alternatives(self, written: Written) -> Generator[PromptProgress, None, tuple[Mapping[str, Any], ...]]:
        """What else each token of a finished answer might have been, as in `Finished.alternatives`, from the model in
        memory; it reads the answer while nobody asks for another one. Closing it cancels it.

        Raises NotFound if no model is loaded, ContextOverflow, WorkerDied.
        """
        if self.loaded is None or self._worker is None:
            raise _no_model()
        run = Run(self._worker.request("alternatives", written.to_json(), stall_s=self._stall_s))
        for message in run:
            yield PromptProgress(message.data["done"], message.data["total"], message.data["seconds_left"])
        return tuple(run.result.data["alternatives"])

    def prepare(
        self,
        messages: Sequence[ChatMessage],
        slot: str,
        thinking: str | None = None,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        adapters: Sequence[AdapterUse] = (),
    ) -> Iterator[Message]:
        """Have this conversation processed, if the model is in memory, until somebody asks for an answer, which will
        have these tools and adapters. What is returned ends with it, and need not be read.
        """
        if (worker := self._worker) is None or self.loaded is None or self._under_way:
            return iter(())
        data = {
            "slot": slot,
            "messages": [message.to_json() for message in messages],
            "thinking": thinking,
            "tools": list(tools),
            "adapters": [each.to_json() for each in adapters],
        }
        return worker.start("prepare", data)[1]

    def forget(self, slots: Sequence[str]) -> None:
        """Forget what was kept of these conversations, in memory and on the disk."""
        self.installation.forget(slots)
        for slot in slots:
            if (worker := self._worker) is not None:
                worker.start("forget", {"slot": slot})

    def why_not(self, model: Path) -> UserError | None:
        """Why the window should not choose this model by itself, because it ended the app or its worker; else None."""
        return self._crashes.reason(model)

    def stop(self, slot: str | None = None) -> None:
        """End this conversation's answer, or all answers; the text so far stays. Harmless if there is none."""
        for request in list(self._under_way):
            if slot is None or request.slot == slot:
                request.stopped = True
                self._cancel(request)

    def answer_now(self, slot: str) -> None:
        """End the thinking in this conversation's answer and let the answer begin. Harmless if there is none."""
        for request in list(self._under_way):
            if request.slot == slot and request.begun and request.worker is not None:
                with contextlib.suppress(WorkerDied):  # whoever waits for the answer hears of it
                    request.worker.call("answer_now", {"slot": slot}, stall_s=self._stall_s)

    def bench(
        self, *, prompt_tokens: int, tokens: int, adapters: Sequence[AdapterUse] = ()
    ) -> Generator[float, None, dict[str, Any]]:
        """Measure the loaded model with these adapters: yields the fraction done, returns prompt_tps, generation_tps,
        ttft_s, load_s, peak_rss_bytes and backend.
        """
        worker = result_of(self._ready())
        used = [each.to_json() for each in adapters]
        data = {"prompt_tokens": prompt_tokens, "tokens": tokens, "adapters": used}
        run = Run(worker.request("bench", data, stall_s=self._stall_s))
        for message in run:
            yield float(message.data.get("fraction", 0.0))
        measured = run.result.data
        self._backends.prove()
        if self._wanted is not None:
            self._paces.note(*self._wanted, prompt_tokens, measured["prompt_tps"])
        return measured

    def beside(self) -> Engine:
        """Another engine on the same installation."""
        return Engine(self.installation, stop_grace_s=self._stop_grace_s)

    def enforced(self) -> Enforced | None:
        """What the kernel enforces on the worker, in its own words; None if no model is loaded."""
        if self.loaded is None or self._worker is None:
            return None
        return Enforced(**self._worker.call("enforced", stall_s=self._stall_s).data)

    def close(self) -> None:
        """End the worker and free the memory."""
        if self._worker is not None:
            self._worker.close()
        self._worker = self._loaded = None

    def _ready(self, request: UnderWay | None = None) -> Generator[Loading, None, Worker]:
        """The worker with the model in memory, loaded again if the worker died. Stopping the request stops loading."""
        if self.loaded is None:
            yield from self._my_turn_to_load(request)
            try:
                if self.loaded is None:
                    if self._wanted is None:
                        raise _no_model()
                    self._crashes.check(*self._wanted)
                    for step in self._load(*self._wanted):
                        yield step
                        check(request)
            finally:
                self._loading.release()
        if (worker := self._worker) is None:  # another thread unloaded it meanwhile
            raise _no_model()
        return worker

    def _my_turn_to_load(self, request: UnderWay | None = None) -> Generator[Loading, None, None]:
        """Wait while another thread loads; the caller releases the lock."""
        while not self._loading.acquire(timeout=_WATCH_S):
            yield Loading(None)
            check(request)

    def _load(self, model: Path, settings: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        self.close()
        yield Loading(None)
        worker = self._worker = self.installation.start()
        self._backends.decide(worker, package_file(*SMALL_MODEL) or model, self._stall_s)
        self._crashes.begin(model)
        try:
            while True:
                try:
                    self._loaded = yield from self._load_once(worker, model, settings)
                    return self._loaded
                except WorkerDied as death:
                    if not self._backends.do_with_less(model, settings, worker.exit_status):
                        raise self._dead(death, worker, model, settings) from death
                worker = self._worker = self.installation.start()
        finally:
            self._crashes.end(model)

    def _dead(self, death: WorkerDied, worker: Worker, model: Path, settings: LoadSettings) -> WorkerDied:
        """The death of a model that wrote nothing, with what helps if it was not the first."""
        if worker.closing or self._crashes.died(model, settings) < ENOUGH:
            return death
        return _held_back(death, model)

    def _load_once(self, worker: Worker, model: Path, settings: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        """Load the model on this worker; if that fails or is cancelled, the worker is ended."""
        begun = time.perf_counter()
        data = {
            "model": path_to_wire(model),
            **asdict(settings),
            **self._backends.asked(model, settings),
            "prompt_tps": self._paces.prompt_tps(model, settings),
        }
        try:
            run = Run(worker.request("load", data, stall_s=self._stall_s))
            for message in run:
                yield Loading(message.data["fraction"])
        except BaseException:
            worker.close()
            raise
        return self._told(model, settings, run.result.data, time.perf_counter() - begun)

    def _told(self, model: Path, settings: LoadSettings, data: dict[str, Any], load_s: float) -> LoadedModel:
        gpus = [Device(**gpu) for gpu in data.pop("gpus")]
        seen = {"device": from_json(data["device"]), "load_s": load_s}
        fallback = self._backends.fallback(model, gpus, settings, data["layers"], data["gpu_layers"])
        return LoadedModel(path=model, **{**data, **seen}, fallback=fallback)

    def _answer(self, request: UnderWay) -> Generator[Event, None, None]:
        request.worker, request.begun = None, False
        worker = yield from self._ready(request)
        model = self._wanted[0] if self._wanted else Path()
        if self._proved is not worker:
            self._crashes.begin(model)
        sent, ttft_s = time.perf_counter(), 0.0
        request.worker, request.begun, request.pieces, ended = worker, False, 0, False
        request.number, steps = worker.start("generate", request.to_json(), stall_s=self._stall_s)
        run = Run(steps)
        try:
            if request.stopped:
                self._cancel(request)
            for message in run:
                if message.data["event"] == "begun":
                    request.begun = True
                    continue
                event = event_of(message.data)
                if isinstance(event, TextDelta | ThinkingDelta | ToolCalled):
                    request.pieces += 1
                    if request.beginning is None:  # else it is not the model's: the worker knows better
                        ttft_s = ttft_s or time.perf_counter() - sent
                    if self._proved is not worker:
                        self._proved = worker
                        self._backends.prove()
                        self._crashes.clear(model)
                yield event
            ended = True
            self._crashes.finished(model)
            yield self._finished(worker, run.result, ttft_s)
        except UserError as error:
            ended = True
            if not (request.stopped and isinstance(error, WorkerDied)):
                raise
            raise Stopped from error  # the person wanted it stopped, and it stopped
        finally:
            if not ended:
                self._cancel(request)
            if self._proved is not worker:
                self._crashes.end(model)

    def _cancel(self, request: UnderWay) -> None:
        """End a request: at once if it waits; if it has begun, the text so far stays."""
        if request.worker is not None and request.begun:
            request.worker.cancel(request.number, grace_s=self._stop_grace_s)
        elif request.worker is not None:
            request.worker.drop(request.number)

    def _worth_another_try(self, request: UnderWay) -> bool:
        """Whether to try again: the worker died before it reached this answer, or it crashed at the model's first
        computation and there is something to leave out.
        """
        if request.worker is None or self._wanted is None:
            return False
        if not request.begun:
            return True
        if self._proved is request.worker:
            return False
        return self._backends.do_with_less(*self._wanted, request.worker.exit_status)

    def _told_of(self, death: WorkerDied, request: UnderWay) -> WorkerDied:
        """A death while an answer was written; it counts if the model had not written anything since it was loaded, or
        died at the very place where it died before.
        """
        worker = request.worker
        if worker is None or not request.begun or self._wanted is None:
            return death
        if self._proved is not worker:
            return self._dead(death, worker, *self._wanted)
        if worker.closing or worker.exit_status in _ENDED_FROM_OUTSIDE:
            return death
        deaths = self._crashes.died_writing(*self._wanted, request.messages, request.pieces)
        return death if deaths < ENOUGH else _held_back(death, self._wanted[0])

    def _finished(self, worker: Worker, message: Message, ttft_s: float) -> Finished:
        loaded = self._loaded if self._worker is worker else None
        finished = finished_of(message.data, load_s=loaded.load_s if loaded else 0.0, ttft_s=ttft_s)
        if loaded is not None and "memory_bytes" in message.data:
            self._loaded = replace(loaded, memory_bytes=message.data["memory_bytes"])
        usage = finished.usage
        if self._wanted is not None and usage.prompt_tokens:
            self._paces.note(*self._wanted, usage.prompt_tokens - usage.cached_tokens, finished.timings.prompt_tps)
        return finished


def _held_back(death: WorkerDied, model: Path) -> WorkerDied:
    held = held_back(model)
    return WorkerDied(death.title, held.message, action=death.action or held.action, details=death.details)


def _no_model() -> NotFound:
    return NotFound(tr("No model is loaded."), tr("Choose one and ask again."))
