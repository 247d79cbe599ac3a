"""What each model is doing, kept for the whole window."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop_llm.engine.client import InLine, LoadedModel, Loading
from desktop_llm.errors import UserError
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.models.library import Model


class ModelStates(QObject):
    """Keeps the states as it is told of them. Signal: `changed` with the new state of a model."""

    changed = Signal(ModelState)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._states: dict[str, ModelState] = {}

    @property
    def all(self) -> tuple[ModelState, ...]:
        """The models that are not idle, in the order in which they were first used."""
        return tuple(self._states.values())

    @property
    def waiting(self) -> tuple[ModelState, ...]:
        """The models that wait or are being loaded."""
        return tuple(state for state in self.all if state.step is not None)

    @property
    def stopped(self) -> tuple[ModelState, ...]:
        """The models that stopped or could not be loaded."""
        return tuple(state for state in self.all if state.error is not None)

    def of(self, model: Model) -> ModelState:
        """The state of this model."""
        return self._states.get(model.id, ModelState(model))

    def show_loading(self, model: Model, step: InLine | Loading) -> None:
        """Note that a model waits for memory or is being loaded."""
        self._set(ModelState(model, step=step))

    def show_loaded(self, model: Model, loaded: LoadedModel | None) -> None:
        """Note that a model is in memory, or, with None, that it is not any more; why it stopped stays then."""
        error = self.of(model).error if loaded is None else None
        self._set(ModelState(model, loaded=loaded, error=error))

    def show_stopped(self, model: Model, error: UserError) -> None:
        """Note that a model stopped or could not be loaded."""
        self._set(ModelState(model, error=error))

    def forget(self, model: Model) -> None:
        """Note that a model is gone from this computer."""
        self._set(ModelState(model))

    def _set(self, state: ModelState) -> None:
        if state == self.of(state.model):
            return
        if state.is_idle:
            self._states.pop(state.model.id, None)
        else:
            self._states[state.model.id] = state
        self.changed.emit(state)
