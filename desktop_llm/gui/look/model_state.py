"""What a model is doing, as widgets show it, and the words for a place in line."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_llm.engine.client import InLine, LoadedModel, Loading
from desktop_llm.errors import UserError
from desktop_llm.models.library import Model
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class ModelState:
    """It waits or is being loaded (`step`), is in memory (`loaded`), or has stopped (`error`); else it is idle."""

    model: Model
    step: InLine | Loading | None = None
    loaded: LoadedModel | None = None
    error: UserError | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to say of it."""
        return self.step is None and self.loaded is None and self.error is None


def place_words(place: int) -> str:
    """ "Next in line", "2nd in line"."""
    few = {1: tr("Next in line"), 2: tr("2nd in line"), 3: tr("3rd in line")}
    return few.get(place) or tr("{place}th in line", place=place)


def step_words(step: InLine | Loading) -> str:
    """ "Loading, 64 %", or what a model waits for before it is loaded."""
    if isinstance(step, InLine):
        return tr("Waiting for memory, {place}", place=place_words(step.place).lower())
    if step.fraction is None:
        return tr("Loading")
    return tr("Loading, {percent} %", percent=int(step.fraction * 100))
