"""A person's load settings for one model, and how they are remembered between starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from desktop_llm.engine.client import LoadSettings

LOWEST_CONTEXT = 512


@dataclass(frozen=True, slots=True)
class LoadChoice:
    """The load settings of one model; None in `settings` leaves a value to the app, "" means the file's own chat
    format.

    `settings.template` is None here: the text of a format is looked up when the model is loaded.
    """

    settings: LoadSettings = field(default_factory=LoadSettings)
    chat_format: str = ""
    remember: bool = True

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> LoadChoice:
        """The choice from remembered values; invalid ones (another version wrote them) are left to the app."""
        chat_format = values.get("chat_format")
        return cls(LoadSettings.known(values), chat_format if isinstance(chat_format, str) else "")

    def values(self) -> dict[str, Any] | None:
        """The values to remember; None if there are none, or if nothing should be remembered."""
        chosen = {name: value for name, value in asdict(self.settings).items() if value is not None}
        if self.chat_format:
            chosen["chat_format"] = self.chat_format
        return chosen if chosen and self.remember else None

    def with_defaults(self, defaults: LoadSettings) -> LoadSettings:
        """The settings to load with; values left to the app come from `defaults`."""
        settings = self.settings.or_else(defaults)
        return replace(settings, template=_template(self.chat_format)) if self.chat_format else settings


def usual_threads() -> int:
    """The number of threads that the engine uses by default."""
    from desktop_llm.hardware import physical_cores  # slow to import, and not needed at start

    return physical_cores()


def _template(chat_format: str) -> str | None:
    """The template of a format; None if this version doesn't know its name."""
    from desktop_llm.models.templates import FORMATS  # imported only if a format was chosen

    return FORMATS.get(chat_format)
