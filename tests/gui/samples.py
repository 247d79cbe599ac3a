"""Chats and models as the stores hand them out, for tests of the widgets that show them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QWidget,
)

from desktop_llm.chats.records import Conversation
from desktop_llm.engine.client import LoadedModel
from desktop_llm.jobs.download import Download
from desktop_llm.jobs.job import Progress, State
from desktop_llm.models.fit import Fit, Forecast, Gpu, Machine
from desktop_llm.models.library import Model

DAY_S, GB = 86_400, 1_000_000_000
_MIDDLE = Progress(39 * GB // 10, 67 * GB // 10, speed=18e6, seconds_left=120)
_MODEL = Model(
    id="smollm2",
    name="SmolLM2 135M",
    path=Path("/models/smollm2.gguf"),
    size_bytes=98_362_432,
    architecture="llama",
    quantization="Q4_1",
    context_length=8192,
    kind="chat",
    starter=True,
    origin="starter",
    layers=30,
    template="known",
)


def a_chat(id: str, title: str = "", days_ago: float = 0, **fields: Any) -> Conversation:
    """A chat that was changed so many days ago."""
    changed = time.time() - days_ago * DAY_S
    return Conversation(id=id, title=title or f"Chat {id}", created_at=changed, updated_at=changed, **fields)


def a_model(id: str = "smollm2", **fields: Any) -> Model:
    """The starter; any other id makes an imported model."""
    if id != "smollm2":
        fields = {"name": id, "path": Path(f"/models/{id}.gguf"), "starter": False, "origin": "imported", **fields}
    return replace(_MODEL, id=id, **fields)


def a_download(
    subject: str = "a",
    title: str = "Qwen3 8B",
    quantization: str = "Q6_K",
    state: State = "running",
    progress: Progress = _MIDDLE,
    **fields: Any,
) -> Download:
    """A download under way, unless `fields` say otherwise."""
    return Download(subject, title, state, progress, quantization=quantization, **fields)


def loaded(model: Model, context_length: int = 4096, **fields: Any) -> LoadedModel:
    """The engine's report of a loaded model: on the processor, unless `fields` say otherwise."""
    usual = LoadedModel(
        path=model.path,
        context_length=context_length,
        device="CPU, 2 threads",
        backend="cpu",
        layers=30,
        gpu_layers=0,
        gpu_bytes=0,
        memory_bytes=0,
        load_s=0.5,
    )
    return replace(usual, **fields)


def a_forecast(fit: Fit = "fits", **fields: Any) -> Forecast:
    """The forecast for a model of 30 layers: 500 MB on the processor."""
    usual = Forecast(
        weights_bytes=300_000_000,
        kv_bytes=100_000_000,
        compute_bytes=100_000_000,
        memory_bytes=500_000_000,
        gpu_bytes=0,
        gpu_layers=0,
        layers=30,
        tokens_per_s=61.0,
        prompt_tps=300.0,
        fit=fit,
        measured=False,
        keys=25_000_000,
        values=25_000_000,
    )
    return replace(usual, **fields)


def a_machine(*, gpu: bool = False) -> Machine:
    """A machine with 16 GB of memory; `gpu` adds a GPU with 8 GB."""
    gpus = (Gpu("NVIDIA GeForce RTX 4060", 8 * GB, 7 * GB, "Vulkan"),) if gpu else ()
    return Machine(16 * GB, 9 * GB, 4, gpus)


def heard(signal: Any) -> list[Any]:
    """A list of everything the signal sends from now on: one value each, or a tuple."""
    said: list[Any] = []
    signal.connect(_keeper(said))
    return said


def _keeper(said: list[Any]) -> Callable[..., None]:
    def keep(*values: Any) -> None:
        said.append(values[0] if len(values) == 1 else values)

    return keep


def find(parent: QObject, name: str, kind: type[Any] = QWidget) -> Any:
    """The one child with this object name."""
    found = [child for child in parent.findChildren(kind, name)]
    assert len(found) == 1, f"{len(found)} widgets are called {name}"
    return found[0]


def nameless(root: QWidget) -> list[str]:
    """The widgets a person can act on that have no object name or no accessible name."""
    kinds = (QAbstractButton, QLineEdit, QAbstractSpinBox, QAbstractSlider, QAbstractItemView)
    own = [widget for kind in kinds for widget in root.findChildren(kind)]
    reachable = [widget for widget in own if widget.focusPolicy() != Qt.FocusPolicy.NoFocus]
    inner = ("qt_spinbox_lineedit", "qt_scrollarea")
    return [
        f"{type(widget).__name__} {widget.objectName()!r} {widget.accessibleName()!r}"
        for widget in reachable
        if not (widget.objectName() and (widget.accessibleName() or widget.objectName().startswith(inner)))
        and not (
            isinstance(above := widget.parent(), QObject) and isinstance(above.parent(), QComboBox)
        )  # the list that Qt opens below a combo box
    ]
