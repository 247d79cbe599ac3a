"""Subtitles (SRT, WebVTT): what is said as running text, in passages of about a minute whose places are their times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Heading, Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode
from desktop_llm.words import tr

_TIME = re.compile(r"\s*(?:(\d+):)?(\d{1,2}):(\d{2})[,.]\d+\s*-->")
_SPEAKER = re.compile(r"<v(?:\.[^ >]*)?\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
# A passage ends with the first sentence after so many seconds, or at the next cue after so many.
_SHORT_S, _LONG_S = 45, 90
_SENTENCE_END = re.compile(r"[.!?…。？！][\"'»”)\]]*$")


def read(source: Source) -> Parsing:
    """All that is said as one page. Raises DocumentError for a file without a time in it."""
    text = decode(source.data)
    parts: list[str] = []
    headings: list[Heading] = []
    length, began = 0, -1
    for seconds, said in _cues(text):
        if began < 0 or _is_over(seconds - began, parts):
            gap = "\n\n" if parts else ""
            headings.append((length + len(gap), 1, _clock(seconds)))
            began = seconds
        else:
            gap = "\n" if said.startswith("-") else " "
        parts.append(gap + said)
        length += len(parts[-1])
    if not parts:
        raise DocumentError(tr("Empty") if "-->" in text else tr("Damaged or not subtitles"), cause="damaged")
    yield Page(None, "".join(parts), tuple(headings))
    return Summary(source.stem)


def _is_over(seconds: int, parts: list[str]) -> bool:
    return seconds >= _LONG_S or seconds < 0 or (seconds >= _SHORT_S and bool(_SENTENCE_END.search(parts[-1])))


def _cues(text: str) -> Iterator[tuple[int, str]]:
    """The second at which each cue begins, and its words; a line that stays on the screen is said once."""
    last: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.split("\n")
        at, time = next(((at, found) for at, line in enumerate(lines[:3]) if (found := _TIME.match(line))), (0, None))
        if time is None:
            continue
        hours, minutes, seconds = (int(each or 0) for each in time.groups())
        words = [line for line in map(_words, lines[at + 1 :]) if line]
        fresh = words[1:] if words[:1] == last else words
        last = words[-1:]
        if fresh:
            yield 3600 * hours + 60 * minutes + seconds, " ".join(fresh)


def _words(line: str) -> str:
    return " ".join(unescape(_TAG.sub("", _SPEAKER.sub(r"\1: ", line))).split())


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
