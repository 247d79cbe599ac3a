"""Numbers, dates and times of cells and charts as people read them: no float noise, whole numbers whole, ISO dates."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")
# Office programs keep and show 15 digits; what binary numbers have beyond these is noise.
_DIGITS = 15
_LARGEST_WHOLE = 1e21


def shown(value: object) -> str:
    """A cell's value as text."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime.datetime):
        date = value.date().isoformat()
        return date if value.time() == datetime.time() else f"{date} {_time(value.time())}"
    if isinstance(value, datetime.time):
        return _time(value)
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value) and ("." in value or "e" in value.lower()):
        return _number(float(value))
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    if not abs(value) < float("inf"):
        return str(value)
    text = f"{value:.{_DIGITS}g}"
    return f"{Decimal(text):f}" if 1e-10 < abs(value) < _LARGEST_WHOLE else text


def _time(value: datetime.time) -> str:
    return value.isoformat("seconds" if value.second or value.microsecond else "minutes")


def _duration(value: datetime.timedelta) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
