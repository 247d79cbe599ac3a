"""How documents, amounts and times are written on screen: one place, so that every part says the same.

File names come from outside: they are shown without characters that could hide or reorder text, and isolated from the
direction of the sentence around them.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from pathlib import Path, PurePath

from PySide6.QtCore import QLocale

from desktop_llm.words import tr

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
# Needed inside words of many scripts and inside emoji.
_JOINERS = "\u200c\u200d"


def default_collection() -> str:
    """Where files go when no collection was chosen."""
    return tr("My documents")


def plain(text: str) -> str:
    """Foreign text as one line without control, bidirectional and undecodable characters."""
    decoded = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(char if _is_shown(char) else " " for char in decoded).split())


def file_name(path: str) -> str:
    """The last part of a path as it is shown; bytes that are not UTF-8 appear as question marks."""
    return plain(PurePath(path).name or path)


def folder_name(path: str) -> str:
    """The folder of a path, with the home folder written as `~`."""
    folder, home = PurePath(path).parent, Path.home()
    inside = folder.is_relative_to(home)
    return plain(str(PurePath("~") / folder.relative_to(home)) if inside else str(folder))


def isolated(name: str) -> str:
    """A name inside a sentence, so that a right-to-left name doesn't turn the words around it."""
    return f"{_FIRST_STRONG_ISOLATE}{name}{_POP_ISOLATE}"


def number(value: float) -> str:
    """A whole number with the separators of the locale."""
    return _locale().toString(round(value))


def decimal(value: float) -> str:
    """A number with one decimal, as the locale writes it."""
    return _locale().toString(value, "f", 1)


def documents(count: int) -> str:
    """ "1 document", "1,260 documents"."""
    return tr("1 document") if count == 1 else tr("{count} documents").format(count=number(count))


def size(size_bytes: int) -> str:
    """A size on disk: "512 bytes", "31 MB", "5.0 GB" (decimal units)."""
    if size_bytes < 1000:
        return tr("1 byte") if size_bytes == 1 else tr("{count} bytes").format(count=size_bytes)
    units = ("kB", "MB", "GB", "TB")
    value, unit = size_bytes / 1000, 0
    while value >= 999.5 and unit < len(units) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if value < 10 and unit else 0
    return f"{_locale().toString(value, 'f', digits)} {units[unit]}"


def duration(seconds: float) -> str:
    """A time left, rounded as a person would say it: "4 s", "40 s", "2 min", "1 h 20 min"."""
    if seconds < 9.5:
        return tr("{count} s").format(count=max(1, round(seconds)))
    if seconds < 55:
        return tr("{count} s").format(count=max(10, round(seconds / 10) * 10))
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return tr("{count} min").format(count=minutes)
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    if not rest:
        return tr("{count} h").format(count=hours)
    return tr("{hours} h {minutes} min").format(hours=hours, minutes=rest)


def moment(timestamp: float | None) -> str:
    """When something changed: "today 09:12", "yesterday", "3 Nov", "3 Nov 2025"."""
    if timestamp is None:
        return tr("never")
    then, now = datetime.fromtimestamp(timestamp), datetime.now()
    if then.date() == now.date():
        return tr("today {time}").format(time=then.strftime("%H:%M"))
    if then.date() == now.date() - timedelta(days=1):
        return tr("yesterday")
    day = f"{then.day} {_locale().monthName(then.month, QLocale.FormatType.ShortFormat)}"
    return day if then.year == now.year else f"{day} {then.year}"


def _is_shown(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _locale() -> QLocale:
    """The person's locale; "C" writes no thousands separators, so English stands in for it."""
    locale = QLocale()
    return QLocale(QLocale.Language.English) if locale.language() == QLocale.Language.C else locale
