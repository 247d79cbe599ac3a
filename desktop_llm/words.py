"""Sentences for people: written in English where they are made, shown in the person's language.

Rooms without Qt write `tr("{name} is damaged.", name=name)`, as the window writes `self.tr("…")`. The result is text
that remembers how it was made, so that a sentence from a child process, or one that was stored, can still be translated
by the window. Qt's `lupdate` finds these calls and files them under the empty context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Sentence(str):
    """A finished text that remembers its template and the values filled in."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, Any]

    @classmethod
    def made(cls, template: str, values: Mapping[str, Any]) -> Sentence:
        """The template in the language of this process, filled in; `values` may hold sentences themselves."""
        sentence = cls(_filled(template, values))
        sentence.template, sentence.values = template, dict(values)
        return sentence


def tr(template: str, /, **values: Any) -> Sentence:
    """The sentence for a person; `{name}` places are filled from `values` by the rules of `str.format`."""
    return Sentence.made(template, values)


def use_translator(translate: Callable[[str], str]) -> None:
    """Have every sentence of this process go through `translate`; the window calls this once."""
    global _translate
    _translate = translate


def to_json(text: str) -> str | dict[str, Any]:
    """What crosses the wire or is stored for a text: a sentence keeps its template and values."""
    if not isinstance(text, Sentence):
        return str(text)
    return {"template": text.template, "values": {name: _value(value) for name, value in text.values.items()}}


def from_json(data: str | Mapping[str, Any]) -> str:
    """The text that `to_json` wrote, in the language of this process."""
    if isinstance(data, str):
        return data
    values = {name: from_json(value) if isinstance(value, dict) else value for name, value in data["values"].items()}
    return Sentence.made(data["template"], values)


def _filled(template: str, values: Mapping[str, Any]) -> str:
    translated = _translate(template)
    if not values:
        return translated
    try:
        return translated.format_map(values)
    except (LookupError, ValueError, AttributeError):  # a slip in a translation must not hide what it tells
        return template.format_map(values)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return to_json(value)
    return value if isinstance(value, int | float | None) else str(value)


def _as_written(template: str) -> str:
    return template


_translate: Callable[[str], str] = _as_written
