"""Loads a model file and makes its context: the running model that inference uses."""

from __future__ import annotations

import ctypes
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.engine import backends, parameters
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import bindings
from desktop_llm.engine.parameters import LoadRequest
from desktop_llm.engine.rendering import LimitedTemplate, Renderer
from desktop_llm.engine.shapes import Device
from desktop_llm.engine.spinning import Spinning
from desktop_llm.engine.streaming import stop_texts
from desktop_llm.engine.template_messages import CHATML
from desktop_llm.engine.thinking import ThinkingSwitch, thinking_switch
from desktop_llm.engine.vision import Vision
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.errors import LESS_MEMORY, Cancelled, ModelFileError, UnsupportedModel, UserError
from desktop_llm.words import plural, tr

# What llama.cpp's log says, as of llama.cpp 0c1e570. Its other complaints are about the file's content.
_UNKNOWN = re.compile(
    r"(?:unknown|unsupported) (?:model architecture|pre-tokenizer type|tokenizer): '([^']*)'"
    r"|unknown architecture|unsupported vocab type|only supports up to version"
    r"|(?:invalid|unknown) ggml type|unknown type"
)
_UNREADABLE = re.compile(r"failed to open|No such file|Permission denied|Input/output error|read error", re.IGNORECASE)
_GPU = re.compile(r"CUDA error|ROCm error|HIP error|vk::|ErrorDeviceLost|ggml_vulkan|ggml_metal", re.IGNORECASE)
_OUT_OF_MEMORY = ("failed to allocate", "out of memory", "unable to allocate", "bad_alloc")


@dataclass(frozen=True, slots=True)
class RunningModel:
    """A loaded model with its context: native handles, facts for the app, and the way to stop it.

    `prompt_tps` is the speed that a prompt may be expected to be processed at; 0 if it is unknown.
    """

    model: Any
    context: Any
    vocabulary: Vocabulary
    template: LimitedTemplate
    stop_texts: tuple[str, ...]
    thinking: ThinkingSwitch
    context_length: int
    layers: int
    gpu_layers: int
    gpu_bytes: int
    gpus: tuple[Device, ...]
    batch_tokens: int
    prompt_tps: float
    device: str
    backend: str
    load_s: float
    abort: AbortFlag
    spinning: Spinning
    vision: Vision | None


class AbortFlag:
    """A flag that native code checks between two operations.

    The callback is libc's strlen on a two-byte buffer, "" or "\\x01". It is called a thousand times a token, so a
    Python callback would cost a tenth of the speed.
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        self._library = ctypes.CDLL("msvcrt" if os.name == "nt" else None)

    def set(self) -> None:
        """Stop the current computation."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Allow the next computation."""
        self._buffer[0] = b"\x00"

    def install(self, context: Any) -> None:
        """Make this context check the flag."""
        native = bindings()
        callback = ctypes.cast(self._library.strlen, native.ggml_abort_callback)
        native.llama_set_abort_callback(context, callback, ctypes.cast(self._buffer, ctypes.c_void_p))


def load(
    asked: LoadRequest, modules: backends.Modules, cancelled: threading.Event, log: EngineLog
) -> Generator[float, None, RunningModel]:
    """Load the model; yields the fraction loaded. Raises ModelFileError or UserError with llama.cpp's reason."""
    begun = time.perf_counter()
    native = bindings()
    modules.load(asked.modules)
    native.llama_backend_init()
    spinning = Spinning(asked.threads)
    gpus = [device for device in backends.devices() if device.kind == "gpu"]
    layers = _planned_layers(asked, gpus)
    renderer = Renderer()
    renderer.start()  # while the weights are read
    try:
        model, context = yield from _load_with(asked, layers, cancelled, log)
    except BaseException:
        renderer.close()
        raise
    abort = AbortFlag()
    abort.install(context)
    vocabulary = Vocabulary(model)
    gpu_bytes = log.bytes_on(gpu.name for gpu in gpus)
    source = _template_source(model, asked.settings.template)
    template = LimitedTemplate(source or CHATML, renderer, bos=vocabulary.bos, eos=vocabulary.eos)
    vision = _vision(model, asked, on_gpu=gpu_bytes > 0)
    vocabulary.picture_tokens = vision.tokens_of if vision else None
    return RunningModel(
        model=model,
        context=context,
        vocabulary=vocabulary,
        template=template,
        stop_texts=stop_texts(template.render, vocabulary.marks.texts),
        thinking=thinking_switch(
            template.render,
            source,
            vocabulary.marks.texts,
            own_template=bool(source) and not asked.settings.template,
        ),
        context_length=int(native.llama_n_ctx(context)),
        layers=int(native.llama_model_n_layer(model)),
        gpu_layers=log.offloaded_layers if gpu_bytes else 0,
        gpu_bytes=gpu_bytes,
        gpus=tuple(gpus),
        batch_tokens=asked.batch_tokens,
        prompt_tps=asked.prompt_tps,
        device=", ".join(gpu.description for gpu in gpus) if gpu_bytes else _processor(asked.threads),
        backend=", ".join(asked.modules) or "built in",
        load_s=time.perf_counter() - begun,
        abort=abort,
        spinning=spinning,
        vision=vision,
    )


def _vision(model: Any, asked: LoadRequest, *, on_gpu: bool) -> Vision | None:
    if asked.settings.projector is None:
        return None
    projector = Path(asked.settings.projector)
    return Vision(model, projector, threads=asked.threads, on_gpu=on_gpu, batch_tokens=asked.batch_tokens)


def _planned_layers(asked: LoadRequest, gpus: list[Device]) -> int:
    layers = asked.settings.gpu_layers
    if not gpus or layers == 0:
        return 0
    return parameters.layers_that_fit(asked, gpus) if layers is None else layers


def _load_with(
    asked: LoadRequest, gpu_layers: int, cancelled: threading.Event, log: EngineLog
) -> Generator[float, None, tuple[Any, Any]]:
    """Load weights and context; if the GPU can't take its part after all, the processor takes everything."""
    log.attach(bindings())
    try:
        model = yield from _load_weights(asked, gpu_layers, cancelled, log)
        return model, _make_context(model, asked, log)
    except ModelFileError:
        raise
    except UserError:
        if not gpu_layers:
            raise
        return (yield from _load_with(asked, 0, cancelled, log))


def _processor(threads: int) -> str:
    return plural("CPU, %n thread", "CPU, %n threads", threads)


def _load_weights(
    asked: LoadRequest, gpu_layers: int, cancelled: threading.Event, log: EngineLog
) -> Generator[float, None, Any]:
    """Load the weights in a second thread, because the call returns only at its end and progress must be reported
    meanwhile.
    """
    progress: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(_call_loader(asked, gpu_layers, cancelled, progress.put))
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
        raise _load_error(asked.path, log.warnings)
    native = bindings()
    if not native.llama_model_has_decoder(outcome[0]) or native.llama_model_has_encoder(outcome[0]):
        raise ModelFileError(
            tr("{name} can't hold a conversation.", name=asked.path.name), tr("Nothing was lost; choose a chat model.")
        )
    return outcome[0]


def _call_loader(
    asked: LoadRequest, gpu_layers: int, cancelled: threading.Event, report: Callable[[float], None]
) -> Any:
    native = bindings()

    def on_progress(fraction: float, _data: int | None) -> bool:
        report(fraction)
        return not cancelled.is_set()

    settings = parameters.for_model(asked, gpu_layers)
    settings.progress_callback = callback = native.llama_progress_callback(on_progress)
    model = native.llama_model_load_from_file(asked.file, settings)
    del callback  # keep it alive until here
    return model


def _make_context(model: Any, asked: LoadRequest, log: EngineLog) -> Any:
    native = bindings()
    settings = parameters.for_context(model, asked)
    context = native.llama_init_from_model(model, settings)
    if not context:
        native.llama_model_free(model)
        raise _context_error(asked.path, settings.n_ctx, log.warnings)
    return context


def _template_source(model: Any, chosen: str | None) -> str:
    own = bindings().llama_model_chat_template(model, None)
    return chosen or (own.decode("utf-8", "replace") if own else "")


def _context_error(path: Path, tokens: int, warnings: list[str]) -> UserError:
    details = "\n".join(warnings)
    if _GPU.search(details):
        return _gpu_error(path, details)
    if warnings and not _tells_of_memory(details):
        return UserError(
            tr("{name} can't be used with these load settings.", name=path.name),
            tr("Nothing was lost. Set the KV cache type and flash attention back, then load it again."),
            details=details,
        )
    return UserError(
        tr("The memory is not enough for a context of {tokens:,} tokens with {name}.", tokens=tokens, name=path.name),
        tr("Nothing was lost. Choose a shorter context length or a smaller model."),
        action=LESS_MEMORY,
        details=details,
    )


def _load_error(path: Path, warnings: list[str]) -> UserError:
    """The error for a file that llama.cpp refused, by the cause that its log names."""
    details = "\n".join(warnings)
    if _tells_of_memory(details):
        return UserError(
            tr("The memory is not enough for {name}.", name=path.name),
            tr("Nothing was lost. Close other programs or choose a smaller model."),
            action=LESS_MEMORY,
            details=details,
        )
    if found := _UNKNOWN.search(details):
        kind = found[1] or ""
        return UnsupportedModel(
            tr("{name} is of a kind that this version can't open ({kind}).", name=path.name, kind=kind[:40])
            if kind.isprintable() and kind
            else tr("{name} is of a kind that this version can't open.", name=path.name),
            tr("Nothing was lost, and the file may be fine. Update the app, or choose another model."),
            details=details,
        )
    if _UNREADABLE.search(details):
        return ModelFileError(
            tr("{name} can't be read from the disk.", name=path.name),
            tr("Nothing was lost. Check that the file is there and that you may read it, or choose another model."),
            details=details,
        )
    if _GPU.search(details):
        return _gpu_error(path, details)
    return ModelFileError(
        tr("{name} is damaged or incomplete, so it can't be opened.", name=path.name),
        tr("Nothing was lost. Download it again, or choose another model."),
        details=details,
    )


def _gpu_error(path: Path, details: str) -> UserError:
    return UserError(
        tr("The graphics card could not take its part of {name}.", name=path.name),
        tr("Nothing was lost. Load it with 0 layers on the GPU, or update the driver of the graphics card."),
        details=details,
    )


def _tells_of_memory(text: str) -> bool:
    return any(phrase in text.lower() for phrase in _OUT_OF_MEMORY)
