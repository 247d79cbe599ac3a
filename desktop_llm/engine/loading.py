"""Loads a model file and makes its context; what comes out is the running model that inference works on."""

from __future__ import annotations

import ctypes
import os
import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from desktop_llm.engine import backends, parameters
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.shapes import Device
from desktop_llm.engine.split import layers_that_fit
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.engine.wanted import Wanted
from desktop_llm.errors import Cancelled, ModelFileError, UserError
from desktop_llm.words import tr

_OUT_OF_MEMORY = ("failed to allocate", "out of memory", "unable to allocate", "bad_alloc")


@dataclass(frozen=True, slots=True)
class RunningModel:
    """A loaded model with its context: native handles, what the app is told of it, and the way to stop it."""

    model: Any
    context: Any
    vocabulary: Vocabulary
    template: ChatTemplate
    context_length: int
    trained_context_length: int
    layers: int
    gpu_layers: int
    gpu_bytes: int
    gpus: tuple[Device, ...]
    batch_tokens: int
    device: str
    backend: str
    load_s: float
    abort: AbortFlag


class AbortFlag:
    """A flag that native code looks at between two operations.

    The callback is libc's strlen on a two-byte buffer, "" or "\\x01": a Python callback there would cost a tenth of
    the speed, since it is called a thousand times a token.
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        self._library = ctypes.CDLL("msvcrt" if os.name == "nt" else None)

    def set(self) -> None:
        """Make the computation under way end."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Allow the next computation."""
        self._buffer[0] = b"\x00"

    def install(self, context: Any) -> None:
        """Have this context look at the flag."""
        native = backends.bindings()
        callback = ctypes.cast(self._library.strlen, native.ggml_abort_callback)
        native.llama_set_abort_callback(context, callback, ctypes.cast(self._buffer, ctypes.c_void_p))


def load(wanted: Wanted, cancelled: threading.Event, log: EngineLog) -> Generator[float, None, RunningModel]:
    """Load the model; yields the fraction that is done. Raises ModelFileError or UserError with llama.cpp's reason."""
    begun = time.perf_counter()
    native = backends.bindings()
    backends.load(list(wanted.modules))
    native.llama_backend_init()
    threads = wanted.threads or physical_cores()
    gpus = [device for device in backends.devices() if device.kind == "gpu"]
    layers = _planned_layers(wanted, threads, gpus)
    model, context = yield from _load_with(wanted, layers, threads, cancelled, log)
    abort = AbortFlag()
    abort.install(context)
    vocabulary = Vocabulary(model)
    gpu_bytes = log.bytes_on(gpu.name for gpu in gpus)
    return RunningModel(
        model=model,
        context=context,
        vocabulary=vocabulary,
        template=_template(model, vocabulary, wanted.template),
        context_length=int(native.llama_n_ctx(context)),
        trained_context_length=int(native.llama_model_n_ctx_train(model)),
        layers=int(native.llama_model_n_layer(model)),
        gpu_layers=log.offloaded_layers if gpu_bytes else 0,
        gpu_bytes=gpu_bytes,
        gpus=tuple(gpus),
        batch_tokens=wanted.batch_tokens,
        device=", ".join(gpu.description for gpu in gpus) if gpu_bytes else _processor(threads),
        backend=", ".join(wanted.modules) or "built in",
        load_s=time.perf_counter() - begun,
        abort=abort,
    )


def _planned_layers(wanted: Wanted, threads: int, gpus: list[Device]) -> int:
    if not gpus or wanted.gpu_layers == 0:
        return 0
    return layers_that_fit(wanted, threads, gpus) if wanted.gpu_layers is None else wanted.gpu_layers


def _load_with(
    wanted: Wanted, gpu_layers: int, threads: int, cancelled: threading.Event, log: EngineLog
) -> Generator[float, None, tuple[Any, Any]]:
    """Weights and context; where the GPU does not take what was planned for it, the processor takes all."""
    log.attach(backends.bindings())
    try:
        model = yield from _load_weights(wanted, gpu_layers, cancelled, log)
        return model, _make_context(model, wanted, threads, log)
    except ModelFileError:
        raise
    except UserError:
        if not gpu_layers:
            raise
        return (yield from _load_with(wanted, 0, threads, cancelled, log))


def _processor(threads: int) -> str:
    return tr("CPU, 1 thread") if threads == 1 else tr("CPU, {threads} threads", threads=threads)


def physical_cores() -> int:
    """The cores this process may use; a second thread on a core slows both down."""
    physical = psutil.cpu_count(logical=False) or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def _load_weights(
    wanted: Wanted, gpu_layers: int, cancelled: threading.Event, log: EngineLog
) -> Generator[float, None, Any]:
    """Load in a second thread, since the call only returns at the end and its progress shall get out meanwhile."""
    progress: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(_call_loader(wanted, gpu_layers, cancelled, progress.put))
        finally:
            progress.put(None)

    thread = threading.Thread(target=run, name="load", daemon=True)
    thread.start()
    shown = -1
    while (fraction := progress.get()) is not None:
        if int(fraction * 100) > shown:
            shown = int(fraction * 100)
            yield fraction
    thread.join()
    if cancelled.is_set():
        raise Cancelled
    if not outcome or not outcome[0]:
        raise _load_error(wanted.path, log.warnings)
    native = backends.bindings()
    if not native.llama_model_has_decoder(outcome[0]) or native.llama_model_has_encoder(outcome[0]):
        raise ModelFileError(
            tr("{name} can't hold a conversation. Nothing was lost; choose a chat model.", name=wanted.path.name)
        )
    return outcome[0]


def _call_loader(wanted: Wanted, gpu_layers: int, cancelled: threading.Event, report: Callable[[float], None]) -> Any:
    native = backends.bindings()

    def on_progress(fraction: float, _data: int | None) -> bool:
        report(fraction)
        return not cancelled.is_set()

    asked = parameters.for_model(wanted, gpu_layers)
    asked.progress_callback = callback = native.llama_progress_callback(on_progress)
    model = native.llama_model_load_from_file(wanted.file, asked)
    del callback  # alive until here
    return model


def _make_context(model: Any, wanted: Wanted, threads: int, log: EngineLog) -> Any:
    native = backends.bindings()
    asked = parameters.for_context(model, wanted, threads)
    context = native.llama_init_from_model(model, asked)
    if not context:
        native.llama_model_free(model)
        raise _context_error(wanted.path, asked.n_ctx, log.warnings)
    return context


def _template(model: Any, vocabulary: Vocabulary, chosen: str | None) -> ChatTemplate:
    source = backends.bindings().llama_model_chat_template(model, None)
    own = source.decode("utf-8", "replace") if source else None
    return ChatTemplate(chosen or own, bos=vocabulary.bos, eos=vocabulary.eos)


def _context_error(path: Path, tokens: int, warnings: list[str]) -> UserError:
    details = "\n".join(warnings)
    if warnings and not _tells_of_memory(details):
        return UserError(
            tr(
                "{name} can't be used with these load settings: {reason}. Nothing was lost. "
                "Set the KV cache type and flash attention back, then load it again.",
                name=path.name,
                reason=_last_reason(warnings),
            ),
            details,
        )
    return UserError(
        tr(
            "The memory is not enough for a context of {tokens:,} tokens with {name}. "
            "Nothing was lost. Choose a shorter context length or a smaller model.",
            tokens=tokens,
            name=path.name,
        ),
        details,
    )


def _load_error(path: Path, warnings: list[str]) -> UserError:
    details = "\n".join(warnings)
    if _tells_of_memory(details):
        return UserError(
            tr(
                "The memory is not enough for {name}. Nothing was lost. "
                "Close other programs or choose a smaller model.",
                name=path.name,
            ),
            details,
        )
    return ModelFileError(
        tr(
            "{name} can't be opened: {reason}. Nothing was lost; download it again or choose another model.",
            name=path.name,
            reason=_last_reason(warnings),
        ),
        details,
    )


def _tells_of_memory(text: str) -> bool:
    return any(phrase in text.lower() for phrase in _OUT_OF_MEMORY)


def _last_reason(warnings: list[str]) -> str:
    return warnings[-1].split(": ", 1)[-1].strip().rstrip(".") if warnings else tr("the engine gave no reason")
