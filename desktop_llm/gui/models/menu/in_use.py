"""The models in use, one below the other: those in memory, being loaded, or stopped."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.gui.look.model_in_use import ModelInUse
from desktop_llm.gui.look.model_state import ModelState


class ModelsInUse(QWidget):
    """Signals, each with a model's id: `unload_requested`, `cancel_requested`, `retry_requested`, `looked_at`."""

    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    retry_requested = Signal(str)
    looked_at = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.states: tuple[ModelState, ...] = ()
        self._rows: list[ModelInUse] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._rows.append(self._make_row())

    @property
    def ids(self) -> list[str]:
        """The ids of the models, first to last."""
        return [state.model.id for state in self.states]

    def show_states(self, states: Sequence[ModelState]) -> None:
        """Show these models."""
        self.states = tuple(states)
        while len(self._rows) < len(states):
            self._rows.append(self._make_row())
        for row, state in zip(self._rows, states, strict=False):
            row.show_state(state)
        for number, row in enumerate(self._rows):
            row.setVisible(number < len(states))
        self.setVisible(bool(states))

    def look_at(self, model_id: str) -> None:
        """Mark the model whose load settings are beside."""
        for row, state in zip(self._rows, self.states, strict=False):
            row.set_looked_at(state.model.id == model_id)

    def failed(self, model_id: str) -> bool:
        """Whether this model has stopped."""
        return any(state.model.id == model_id and state.error is not None for state in self.states)

    def _make_row(self) -> ModelInUse:
        row = ModelInUse(len(self._rows) + 1)
        row.unload_requested.connect(self.unload_requested)
        row.cancel_requested.connect(self.cancel_requested)
        row.retry_requested.connect(self.retry_requested)
        row.looked_at.connect(self.looked_at)
        self._column.addWidget(row)
        return row
