"""What a person chose about loading one model, and how that is remembered between two starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from desktop_llm.engine.client import LoadSettings

USUAL_CONTEXT = 8192

# What a remembered value must be; anything else is passed over.
_KINDS: dict[str, type] = {
    "context_length": int,
    "threads": int,
    "gpu_layers": int,
    "batch": int,
    "kv_type": str,
    "flash_attention": bool,
}


@dataclass(frozen=True, slots=True)
class LoadChoice:
    """The load settings of one model; None in `settings` leaves a value to the app, "" is the file's own chat format.

    `settings.template` stays None here: the text of a format is looked up when the model is loaded.
    """

    settings: LoadSettings = field(default_factory=LoadSettings)
    chat_format: str = ""
    remember: bool = True

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> LoadChoice:
        """From what was remembered; what makes no sense (another version wrote it) is left to the app."""
        known = {name: values[name] for name, kind in _KINDS.items() if type(values.get(name)) is kind}
        chat_format = values.get("chat_format")
        return cls(LoadSettings(**known), chat_format if isinstance(chat_format, str) else "")

    def values(self) -> dict[str, Any] | None:
        """What is remembered of it; None where nothing is, or where it should not be."""
        chosen = {name: value for name, value in asdict(self.settings).items() if name in _KINDS and value is not None}
        if self.chat_format:
            chosen["chat_format"] = self.chat_format
        return chosen if chosen and self.remember else None

    def with_defaults(self, defaults: LoadSettings) -> LoadSettings:
        """The settings to load with: what was left to the app comes from `defaults`."""
        left = {name: value for name, value in asdict(defaults).items() if getattr(self.settings, name) is None}
        settings = replace(self.settings, **left)
        return replace(settings, template=_template(self.chat_format)) if self.chat_format else settings


def context_of(settings: LoadSettings, trained: int) -> int:
    """The context length that a model gets: what is set, else the usual one, never more than it was trained for."""
    wanted = settings.context_length or USUAL_CONTEXT
    return min(wanted, trained) if trained else wanted


def _template(chat_format: str) -> str | None:
    """The template of a format; None for a name that this version does not know."""
    from desktop_llm.models.templates import FORMATS  # read only when a format was chosen

    return FORMATS.get(chat_format)
