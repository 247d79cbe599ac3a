"""Sentences for people: written in English where they are made, shown in the person's language.

Every room writes `tr("{name} is damaged.", name=name)`, and `plural("%n file", "%n files", count)` if the words depend
on a number. The result is a text that remembers its template, so the window can still translate a sentence that came
from a child process or the database. `packaging/translations.py` collects these calls into the file for translators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from desktop_llm.characters import in_a_sentence

NO_NUMBER = -1

# Takes a template and the number its words depend on (NO_NUMBER for none); returns it unchanged if it has no
# translation.
Translator = Callable[[str, int], str]


class Sentence(str):
    """A finished text that remembers its template, the values filled in, and the number its words depend on."""

    __slots__ = ("number", "one", "template", "values")

    template: str
    values: dict[str, Any]
    one: str
    number: int

    @classmethod
    def made(cls, template: str, values: Mapping[str, Any], one: str = "", number: int = NO_NUMBER) -> Sentence:
        """The template in the language of this process, filled in; `values` may hold sentences themselves."""
        sentence = cls(_filled(template, values, one, number))
        sentence.template, sentence.values = template, dict(values)
        sentence.one, sentence.number = one, number
        return sentence

    def filled(self, **values: Any) -> Sentence:
        """The same sentence with these values, in the current language: for sentences kept in a table."""
        return Sentence.made(self.template, values, self.one, self.number)


def tr(template: str, /, **values: Any) -> Sentence:
    """The sentence in the person's language; `{name}` places are filled from `values` by the rules of `str.format`."""
    return Sentence.made(template, values)


def plural(one: str, many: str, number: int, /, **values: Any) -> Sentence:
    """The sentence for one thing or for many: `%n` stands for the number, `{name}` for values as in `tr`.

    Translations are looked up by `many`; a language may have more than two forms.
    """
    return Sentence.made(many, values, one, number)


def use_translator(translate: Translator) -> None:
    """Have every sentence of this process go through `translate`; the window calls this once."""
    global _translate
    _translate = translate


def to_json(text: str) -> str | dict[str, Any]:
    """The JSON of a text for the wire or the database: a sentence keeps its template and values."""
    if not isinstance(text, Sentence):
        return str(text)
    data = {"template": text.template, "values": {name: _value(value) for name, value in text.values.items()}}
    return data if text.number == NO_NUMBER else {**data, "one": text.one, "number": text.number}


def from_json(data: str | Mapping[str, Any]) -> str:
    """The text that `to_json` wrote, in the language of this process."""
    if isinstance(data, str):
        return data
    values = {name: from_json(value) if isinstance(value, dict) else value for name, value in data["values"].items()}
    return Sentence.made(data["template"], values, data.get("one", ""), data.get("number", NO_NUMBER))


def _filled(template: str, values: Mapping[str, Any], one: str, number: int) -> str:
    translated = _translate(template, number)
    if number != NO_NUMBER:
        english = one if number == 1 else template
        translated = english if translated == template else translated
        template, translated = (text.replace("%n", f"{number:,}") for text in (english, translated))
    if not values:
        return translated
    values = {name: _on_one_line(value) for name, value in values.items()}
    try:
        return translated.format_map(values)
    except (LookupError, ValueError, AttributeError):  # a mistake in a translation must not hide the sentence
        return template.format_map(values)


def _on_one_line(value: Any) -> Any:
    """A value as it stands in a sentence: a name must not look like a sentence of its own, nor reorder this one."""
    text = str(value) if isinstance(value, PurePath) else value
    return in_a_sentence(text) if type(text) is str else value


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return to_json(value)
    return value if isinstance(value, int | float | None) else str(value)


def _as_written(template: str, number: int) -> str:
    return template


_translate: Translator = _as_written
