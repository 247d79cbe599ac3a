"""How documents, amounts and times are written on screen, in one module so that all pages agree.

File names come from outside: they are shown without characters that could hide or reorder text, and isolated from the
direction of the sentence around them.
"""

from __future__ import annotations

import os
import time
import unicodedata
from datetime import datetime, timedelta
from pathlib import PurePath

from PySide6.QtCore import QLocale

from desktop_llm.paths import person_home
from desktop_llm.words import plural, tr

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
# Needed in words of many scripts and in emoji.
_JOINERS = "\u200c\u200d"


def default_collection() -> str:
    """The collection for files if none was chosen."""
    return tr("My documents")


def plain(text: str) -> str:
    """Text from outside as one line, without control, bidirectional and undecodable characters."""
    decoded = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(char if _is_shown(char) else " " for char in decoded).split())


def file_name(path: str) -> str:
    """The last part of a path for the screen; bytes that are not UTF-8 become question marks."""
    return plain(PurePath(path).name or path)


def folder_name(path: str) -> str:
    """The folder of a path, with the home folder written as `~`."""
    folder, home = PurePath(path).parent, person_home()
    inside = folder.is_relative_to(home)
    return plain(str(PurePath("~") / folder.relative_to(home)) if inside else str(folder))


def isolated(name: str) -> str:
    """A name to put into a sentence; isolated, a right-to-left name doesn't reorder the words around it."""
    return f"{_FIRST_STRONG_ISOLATE}{name}{_POP_ISOLATE}"


def number(value: float) -> str:
    """A whole number with the separators of the locale."""
    return locale().toString(round(value))


def decimal(value: float) -> str:
    """A number with one decimal, as the locale writes it."""
    return locale().toString(value, "f", 1)


def documents(count: int) -> str:
    """ "1 document", "1,260 documents"."""
    return plural("%n document", "%n documents", count)


def passages(count: int) -> str:
    """ "1 passage", "1,260 passages"."""
    return plural("%n passage", "%n passages", count)


def size(size_bytes: int) -> str:
    """A size on disk: "512 bytes", "31 MB", "5.0 GB" (decimal units)."""
    if size_bytes < 1000:
        return plural("%n byte", "%n bytes", size_bytes)
    units = ("kB", "MB", "GB", "TB")
    value, unit = size_bytes / 1000, 0
    while value >= 999.5 and unit < len(units) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if value < 10 and unit else 0
    return f"{locale().toString(value, 'f', digits)} {units[unit]}"


def amount_of(done_bytes: int, total_bytes: int) -> str:
    """ "3.9 of 6.7 GB", both in the unit of the total."""
    done, total = size(done_bytes), size(total_bytes)
    total_unit, done_unit = total.rpartition(" ")[2], done.rpartition(" ")[2]
    if done_bytes and done_unit != total_unit:
        scale = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}.get(total_unit, 1.0)
        done = f"{locale().toString(done_bytes / scale, 'f', 1)} {total_unit}"
    done = done.rpartition(" ")[0] if done_bytes else "0"
    return tr("{done} of {total}", done=done, total=total)


def transfer_speed(bytes_per_s: float) -> str:
    """ "18 MB/s"."""
    return tr("{size}/s", size=size(round(bytes_per_s)))


def time_left(seconds: float) -> str:
    """ "2 min left"."""
    return tr("{time} left", time=duration(seconds))


def duration(seconds: float) -> str:
    """A time left, rounded as a person would say it: "4 s", "40 s", "2 min", "1 h 20 min"."""
    if seconds < 9.5:
        return tr("{count} s", count=max(1, round(seconds)))
    if seconds < 55:
        return tr("{count} s", count=max(10, round(seconds / 10) * 10))
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return tr("{count} min", count=minutes)
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    if not rest:
        return tr("{count} h", count=hours)
    return tr("{hours} h {minutes} min", hours=hours, minutes=rest)


def ago(timestamp: float | None) -> str:
    """When something changed, as "2 min ago" within the last hour, else as `moment` says it."""
    if timestamp is None:
        return tr("never")
    seconds = time.time() - timestamp
    if not 0 <= seconds < 3600:
        return moment(timestamp)
    return tr("just now") if seconds < 60 else tr("{count} min ago", count=int(seconds // 60))


def home_path(path: str) -> str:
    """A path as it is shown, "~/Work/archive" below the person's own folder."""
    home = str(person_home())
    inside = path == home or path.startswith(home.rstrip(os.sep) + os.sep)
    return plain(f"~{path[len(home) :]}" if inside and home.strip(os.sep) else path)


def moment(timestamp: float | None) -> str:
    """When something changed: "today 09:12", "yesterday", "3 Nov", "3 Nov 2025"."""
    if timestamp is None:
        return tr("never")
    then, now = datetime.fromtimestamp(timestamp), datetime.now()
    if then.date() == now.date():
        return tr("today {time}", time=then.strftime("%H:%M"))
    if then.date() == now.date() - timedelta(days=1):
        return tr("yesterday")
    day = f"{then.day} {locale().monthName(then.month, QLocale.FormatType.ShortFormat)}"
    return day if then.year == now.year else f"{day} {then.year}"


def _is_shown(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def locale() -> QLocale:
    """The person's locale; "C" writes no thousands separators, so English stands in for it."""
    here = QLocale()
    return QLocale(QLocale.Language.English) if here.language() == QLocale.Language.C else here
