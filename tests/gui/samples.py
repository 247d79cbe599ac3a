"""Chats and models as the stores hand them out, for tests of what shows them."""

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
from desktop_llm.models.library import Model

DAY_S = 86_400
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
)


def a_chat(id: str, title: str = "", days_ago: float = 0, **fields: Any) -> Conversation:
    """A chat changed so many days ago."""
    changed = time.time() - days_ago * DAY_S
    return Conversation(id=id, title=title or f"Chat {id}", created_at=changed, updated_at=changed, **fields)


def a_model(id: str = "smollm2", **fields: Any) -> Model:
    """The starter; another id makes another, imported model."""
    if id != "smollm2":
        fields = {"name": id, "path": Path(f"/models/{id}.gguf"), "starter": False, **fields}
    return replace(_MODEL, id=id, **fields)


def loaded(model: Model, context_length: int = 4096) -> LoadedModel:
    """What the engine says once a model is there."""
    return LoadedModel(model.path, context_length, model.context_length, "CPU, 2 threads", "cpu", 30, 0, True, 0.5)


def heard(signal: Any) -> list[Any]:
    """Everything the signal says from now on: one value each, or a tuple."""
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
        and not isinstance(widget.parent().parent(), QComboBox)  # the list that Qt opens below a choice
    ]
