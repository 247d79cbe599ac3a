"""What the model menu lists, and in which order: recent models first, then all others by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop_llm.gui.documents.words import plain
from desktop_llm.gui.fit_words import fit_line, fit_pill
from desktop_llm.gui.model_words import model_name, size_word
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast

RowAction = Literal["", "get_again", "show_file", "look"]

MOST_RECENT = 3


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model in the menu; `forecast` is None until it is known."""

    model: Model
    forecast: Forecast | None = None
    chosen: bool = False

    @property
    def usable(self) -> bool:
        """Whether it can be loaded: its file is there, was not found damaged, and is known to this version."""
        return self.model.state in ("ok", "changed")

    @property
    def action(self) -> RowAction:
        """The one thing to do about a model that can't be loaded."""
        if self.usable:
            return ""
        if self.model.repo and self.model.state != "unsupported":
            return "get_again"
        return "look" if self.model.state == "missing" else "show_file"

    def line(self) -> str:
        """The second line: what is wrong in a few words, else size, speed and place."""
        if self.model.state != "ok":
            return _state_words(self.model.state) or plain(self.model.reason)
        return fit_line(self.model.size_bytes, self.forecast)

    def explained(self) -> str:
        """The second line with all there is to say of what is wrong, for where there is room."""
        return plain(self.model.reason) or self.line() if self.model.state != "ok" else self.line()

    def spoken(self) -> str:
        """The row as a screen reader says it."""
        parts = [f"{model_name(self.model)} {size_word(self.model.quantization)}".strip(), self.model.app]
        parts.append(self.explained())
        if self.usable and self.forecast is not None:
            parts.append(fit_pill(self.forecast.fit)[0])
        if self.chosen:
            parts.append(tr("chosen"))
        if self.action:
            parts.append(action_word(self.action))
        return ", ".join(part for part in parts if part)


Entry = ModelRow | str
"""A row, or the heading of those below it."""


def grouped(
    models: Sequence[Model], query: str, *, chosen: str, forecasts: Mapping[str, Forecast]
) -> tuple[Entry, ...]:
    """The models that match every word of the query: those used last, then the others."""
    words = query.casefold().split()
    found = [model for model in models if all(word in _text_of(model) for word in words)]
    used = sorted((model for model in found if model.used_at is not None), key=_last_used, reverse=True)
    recent = [] if words else used[:MOST_RECENT]
    rest = [model for model in found if model not in recent]
    rest.sort(key=lambda model: (model.starter, model_name(model).casefold(), model.size_bytes))
    entries: list[Entry] = []
    for heading, group in ((tr("Recent"), recent), (tr("All models"), rest)):
        if group:
            entries.append(heading)
            entries += [ModelRow(model, forecasts.get(model.id), model.id == chosen) for model in group]
    return tuple(entries)


def action_word(action: RowAction) -> str:
    """What the button of a row says."""
    return {
        "": "",
        "get_again": tr("Get it again"),
        "show_file": tr("Show file"),
        "look": tr("Show"),
    }[action]


def _state_words(state: str) -> str:
    return {
        "missing": tr("The file is not there any more."),
        "damaged": tr("The file is damaged."),
        "unsupported": tr("This version can't open it."),
        "changed": tr("The file was changed since it was checked."),
    }.get(state, "")


def _text_of(model: Model) -> str:
    words = f"{model.display_name} {model.id} {model.quantization} {size_word(model.quantization)} {model.architecture}"
    return f"{words} {model.app}".casefold()


def _last_used(model: Model) -> float:
    return model.used_at or 0.0
