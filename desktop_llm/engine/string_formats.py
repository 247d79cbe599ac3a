"""The formats and patterns of texts that a JSON Schema can ask for, as expressions of a grammar.

Each allows only what the format's own rules do, but not all of it: a mail address without quotes, a web link.
https://json-schema.org/draft/2020-12/json-schema-validation#name-defined-formats
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desktop_llm.engine.forms import refused_at
from desktop_llm.engine.patterns import Pattern, PatternError, pattern
from desktop_llm.words import tr

_MONTH_DAYS = r"(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])"
_LEAP_YEAR = r"([1-9]\d(0[48]|[2468][048]|[13579][26])|(1[26]|[2468][048]|[3579][26])00)"
_DATE = rf"([1-9]\d{{3}}-({_MONTH_DAYS})|{_LEAP_YEAR}-02-29)"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
_DAYS, _HOURS = (
    r"(\d{1,4}Y(\d{1,4}M(\d{1,4}D)?)?|\d{1,4}M(\d{1,4}D)?|\d{1,4}D)",
    r"(\d{1,4}H(\d{1,4}M(\d{1,4}S)?)?|\d{1,4}M(\d{1,4}S)?|\d{1,4}S)",
)
_LABEL = r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL}){{0,4}}"
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PART = r"([A-Za-z0-9._~-]|%[0-9A-F]{2})"

FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "duration": rf"P({_DAYS}(T{_HOURS})?|T{_HOURS}|\d{{1,4}}W)",
    "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "email": rf"[A-Za-z0-9_+-]{{1,30}}(\.[A-Za-z0-9_+-]{{1,30}})?@{_LABEL}(\.{_LABEL}){{1,4}}",
    "hostname": _HOST,
    "ipv4": rf"{_BYTE}(\.{_BYTE}){{3}}",
    "ipv6": "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}",
    "uri": rf"https?://{_HOST}(:[1-9]\d{{1,3}})?(/{_PART}*)*(\?({_PART}|[=&])*)?(#{_PART}*)?",
}
NOT_KEPT = frozenset(
    {
        *("idn-email", "idn-hostname", "iri", "iri-reference", "uri-reference", "uri-template"),
        *("json-pointer", "relative-json-pointer", "regex"),
    }
)
"""The other formats of the specification. Any further name tells people something, and asks for nothing."""


def shape_of(schema: Mapping[str, Any], low: int, high: int | None, path: str) -> Pattern | None:
    """The expression for the pattern or the format that a text must have; None if it may have any."""
    named = schema.get("format")
    asks = isinstance(named, str) and (named in FORMATS or named in NOT_KEPT)
    words = [word for word, is_asked in (("pattern", "pattern" in schema), ("format", asks)) if is_asked]
    if not words:
        return None
    if len(words) > 1:
        raise refused_at(path, tr("a grammar can't keep {word} beside other rules", word="pattern"))
    (word,) = words
    text = schema[word] if word == "pattern" else FORMATS.get(schema[word], "")
    if not isinstance(text, str):
        raise refused_at(f"{path}/{word}", tr("a pattern is a text"))
    if word == "format" and not text:
        raise refused_at(path, tr("a grammar can't keep {word}", word=f"format {schema[word]}"))
    try:
        shape = pattern(text if word == "pattern" else f"^({text})$")
    except PatternError as error:
        raise refused_at(f"{path}/{word}", tr("this pattern can't be kept: {reason}", reason=error)) from error
    if shape.shortest < low or (high is not None and (shape.longest is None or shape.longest > high)):
        limits = "minLength, maxLength"
        raise refused_at(path, tr("a grammar can't keep {word} beside other rules", word=limits))
    return shape
