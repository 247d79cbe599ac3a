"""The engine as the app sees it: load a model, answer a conversation, stop, measure. Owns at most one worker process.

Long actions are generators; closing one cancels it. A worker that dies costs nothing but a sentence: the next request
starts another and loads the model again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from desktop_llm.engine.choice import SMALL_MODEL, BackendNotes, Backends, small_model
from desktop_llm.engine.events import as_loading, event_of, messages_to_wire
from desktop_llm.engine.shapes import (
    ChatMessage,
    Device,
    Event,
    Finished,
    LeftOut,
    LoadedModel,
    Loading,
    LoadSettings,
    PromptProgress,
    PromptSize,
    Sampling,
    TextDelta,
    ThinkingDelta,
    Timings,
    Usage,
)
from desktop_llm.errors import NotFound, UserError, WorkerDied
from desktop_llm.paths import Folders, package_file
from desktop_llm.steps import Run
from desktop_llm.words import from_json, tr
from desktop_llm.workers.process import Worker
from desktop_llm.workers.protocol import Message, path_to_wire

__all__ = [
    "ChatMessage",
    "Device",
    "Engine",
    "Event",
    "Finished",
    "LeftOut",
    "LoadSettings",
    "LoadedModel",
    "Loading",
    "PromptProgress",
    "PromptSize",
    "Sampling",
    "TextDelta",
    "ThinkingDelta",
    "Timings",
    "Usage",
]

STALL_S = 120.0
STOP_GRACE_S = 5.0
_MEASURED_CONTEXT = 512


class Engine:
    """One model at a time, in a process of its own.

    `load`, `generate` and `bench` are for one thread at a time; `stop`, `measure` and `loaded` for any. `stall_s`: a
    worker that says nothing for so long while it works counts as hung and is ended; `stop_grace_s`: so does one that
    goes on for so long after a stop.
    """

    def __init__(
        self,
        folders: Folders,
        *,
        command: Sequence[str] | None = None,
        stall_s: float = STALL_S,
        stop_grace_s: float = STOP_GRACE_S,
    ) -> None:
        self._command = command
        self._modules = folders.data / "backends"
        self._backends = Backends(BackendNotes(folders.cache / "backends.json"), self._start)
        self._devices: tuple[Device, ...] | None = None
        self._asking = threading.Lock()
        self._stall_s = stall_s
        self._stop_grace_s = stop_grace_s
        self._worker: Worker | None = None
        self._wanted: tuple[Path, LoadSettings] | None = None
        self._loaded: LoadedModel | None = None
        self._proved = False  # this worker has generated something
        self._stopping = False
        self._under_way: tuple[Worker, int] | None = None
        self._children: set[Worker] = set()  # also those that test and measure, in other threads
        self._ended = False

    @property
    def loaded(self) -> LoadedModel | None:
        """The model in memory; None before the first and after a death."""
        return self._loaded if self._worker is not None and self._worker.alive else None

    def load(self, model: Path, settings: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        """Have this model in memory; at once where it is there already. Ends the one before, to free its memory.

        Raises ModelFileError or UserError with the reason; the model before is then loaded again by the next answer.
        """
        if self.loaded is not None and self._wanted == (model, settings):
            return self.loaded
        self._backends.try_gpu_again()
        loaded = yield from self._load(model, settings)
        self._wanted = (model, settings)
        return loaded

    def generate(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Generator[Event, None, None]:
        """Answer a conversation; the last event is Finished. Loads the model again if the worker died.

        Raises ContextOverflow where the last question alone is too long, WorkerDied where the worker ends meanwhile.
        """
        self._stopping = False
        self._under_way = None
        try:
            yield from self._ready()
            try:
                yield from self._answer(messages, sampling)
            except WorkerDied:
                if not self._first_decode_crashed():
                    raise
                yield from self._ready()
                yield from self._answer(messages, sampling)
        except _Stopped:
            yield Finished("cancelled", Usage(), Timings(), None)

    def measure(self, messages: Sequence[ChatMessage]) -> PromptSize:
        """How much of the context this conversation takes; raises NotFound where no model is loaded."""
        if self.loaded is None or self._worker is None:
            raise NotFound(tr("No model is loaded. Choose one and ask again."))
        data = {"messages": messages_to_wire(messages)}
        return PromptSize(**self._worker.call("measure", data, stall_s=self._stall_s).data)

    def stop(self) -> None:
        """End the answer under way with what it has; from any thread, and harmless when there is none."""
        self._stopping = True
        if (under_way := self._under_way) is not None:
            worker, number = under_way
            worker.cancel(number, grace_s=self._stop_grace_s)

    def bench(self, *, prompt_tokens: int, tokens: int) -> dict[str, Any]:
        """Measure the loaded model: prompt_tps, generation_tps, ttft_s, load_s, peak_rss_bytes, backend."""
        for _ in self._ready():
            pass
        assert self._worker is not None
        data = {"prompt_tokens": prompt_tokens, "tokens": tokens}
        return self._worker.call("bench", data, stall_s=self._stall_s).data

    def speeds(self, threads: int | None = None) -> dict[str, Any]:
        """How fast this processor is, measured in a child of its own in some seconds, for `Forecaster.note_speeds`.

        With all physical cores unless `threads` says otherwise. Raises NotFound where the small model is missing that
        it is measured with.
        """
        model = small_model()
        settings = LoadSettings(context_length=_MEASURED_CONTEXT, threads=threads, gpu_layers=0)
        with self._tester(model) as worker:
            data = {"model": path_to_wire(model), **asdict(settings), **self._backends.asked(settings)}
            return {**worker.call("speeds", data, stall_s=self._stall_s).data, "model": str(model)}

    def devices(self) -> tuple[Device, ...]:
        """What llama.cpp can compute on here, asked of a child once; `free_bytes` are as of then.

        Raises NotFound where the small model is missing that backends are tested with.
        """
        with self._asking:  # the pages of a new window ask all at once, and one test keeps this computer busy enough
            if self._devices is None:
                with self._tester(small_model()) as worker:
                    told = worker.call("devices", {"modules": self._backends.modules}, stall_s=self._stall_s).data
                self._devices = tuple(Device(**device) for device in told["devices"])
            return self._devices

    def close(self) -> None:
        """End the worker and free the memory."""
        if self._worker is not None:
            self._worker.close()
        self._worker = self._loaded = None

    def end(self) -> None:
        """Close for good, from any thread: children that test or measure are ended too, and none starts any more."""
        self._ended = True
        self.close()
        for worker in list(self._children):
            worker.kill()

    def _ready(self) -> Generator[Loading, None, None]:
        if self.loaded is not None:
            return
        if self._wanted is None:
            raise NotFound(tr("No model is loaded. Choose one and ask again."))
        for step in self._load(*self._wanted):
            yield step
            if self._stopping:
                raise _Stopped

    def _load(self, model: Path, settings: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        self.close()
        yield Loading(None)
        self._worker = self._start()
        self._backends.decide(self._worker, package_file(*SMALL_MODEL) or model, self._stall_s)
        while True:
            try:
                return (yield from self._load_once(model, settings))
            except WorkerDied:
                if not self._backends.do_with_less(settings, self._worker.exit_status):
                    raise
            self._worker = self._start()

    def _load_once(self, model: Path, settings: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        """Load on the worker at hand; a load that fails or is given up ends it."""
        assert self._worker is not None
        begun = time.perf_counter()
        data = {"model": path_to_wire(model), **asdict(settings), **self._backends.asked(settings)}
        try:
            steps = self._worker.request("load", data, stall_s=self._stall_s)
            done = yield from as_loading(steps)
        except BaseException:
            self._worker.close()
            raise
        self._loaded = self._told(model, settings, done.data, time.perf_counter() - begun)
        self._proved = False
        return self._loaded

    def _told(self, model: Path, settings: LoadSettings, data: dict[str, Any], load_s: float) -> LoadedModel:
        gpus = [Device(**gpu) for gpu in data.pop("gpus")]
        seen = {"device": from_json(data["device"]), "load_s": load_s}
        fallback = "" if data["gpu_layers"] else self._backends.fallback(gpus, settings)
        return LoadedModel(path=model, **{**data, **seen}, fallback=fallback)

    def _answer(self, messages: Sequence[ChatMessage], sampling: Sampling) -> Generator[Event, None, None]:
        assert self._worker is not None
        worker, begun, first = self._worker, time.perf_counter(), 0.0
        number, steps = worker.start(
            "generate", {"messages": messages_to_wire(messages), "sampling": asdict(sampling)}, stall_s=self._stall_s
        )
        self._under_way = (worker, number)
        if self._stopping:
            worker.cancel(number, grace_s=self._stop_grace_s)
        run, ended = Run(steps), False
        try:
            for message in run:
                event = event_of(message.data)
                if isinstance(event, TextDelta | ThinkingDelta):
                    first = first or time.perf_counter()
                    if not self._proved:
                        self._proved = True
                        self._backends.prove()
                yield event
            ended = True
            yield self._finished(run.result, first - begun if first else 0.0)
        except UserError as error:
            ended = True
            if not (self._stopping and isinstance(error, WorkerDied)):
                raise
            yield Finished("cancelled", Usage(), Timings(), None)  # the person wanted an end, and got one
        finally:
            self._under_way = None
            if not ended:
                worker.cancel(number, grace_s=self._stop_grace_s)

    def _finished(self, message: Message, ttft_s: float) -> Finished:
        data = message.data
        if "usage" not in data:  # it was cancelled before it began
            return Finished("cancelled", Usage(), Timings(), None)
        load_s = self._loaded.load_s if self._loaded else 0.0
        if self._loaded:
            self._loaded = replace(self._loaded, memory_bytes=data["memory_bytes"])
        timings = Timings(**{**data["timings"], "load_s": load_s, "ttft_s": ttft_s})
        return Finished(data["finish_reason"], Usage(**data["usage"]), timings, data["seed"])

    def _first_decode_crashed(self) -> bool:
        """Whether it was the model's first computation that crashed, and there is something to try without."""
        if self._proved or self._worker is None or self._wanted is None:
            return False
        return self._backends.do_with_less(self._wanted[1], self._worker.exit_status)

    @contextlib.contextmanager
    def _tester(self, model: Path) -> Iterator[Worker]:
        """A worker for one question beside the one that holds a model; its backends are known to work."""
        with contextlib.closing(self._start()) as worker:
            self._backends.decide(worker, model, self._stall_s)
            yield worker

    def _start(self) -> Worker:
        worker = Worker(["engine", "--modules", str(self._modules)], name=tr("The model"), command=self._command)
        self._children.difference_update([child for child in list(self._children) if not child.alive])
        self._children.add(worker)
        if self._ended:
            worker.kill()
        return worker


class _Stopped(Exception):
    """The person stopped the answer before the model was loaded."""
