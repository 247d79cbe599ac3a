"""The automatic numbers of OpenDocument texts as they are shown (ODF 1.3 part 3, 16.30 to 16.34)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from desktop_llm.knowledge.readers.blocks import BULLET
from desktop_llm.knowledge.readers.numbering import numeral
from desktop_llm.knowledge.readers.package import attribute, local

LEVELS = 10
_PLACE = re.compile(r"%(\d{1,2})%")
_INDENT = 2


@dataclass(frozen=True, slots=True)
class ListLevel:
    """How one level of a list counts and looks; a level without a number has a bullet, or nothing if `form` is ""."""

    bullet: bool = False
    form: str = ""
    prefix: str = ""
    suffix: str = ""
    pattern: str = ""
    start: int = 1
    shown_levels: int = 1


ListStyle = dict[int, ListLevel]


@dataclass(slots=True)
class Counts:
    """The counters of one list; None where a level has not begun."""

    style: ListStyle
    values: list[int | None] = field(default_factory=lambda: [None] * LEVELS)

    def label(self, depth: int, start: int | None = None) -> str:
        """What is written before the next item at a depth (from 0), with the gap after it. Asking counts."""
        depth = min(depth, LEVELS - 1)
        level, before = self.style.get(depth, ListLevel(bullet=True)), self.values[depth]
        self.values[depth] = start if start is not None else level.start if before is None else before + 1
        self.values[depth + 1 :] = [None] * (LEVELS - depth - 1)
        indent = " " * _INDENT * depth
        if level.bullet:
            return indent + BULLET
        if not level.form:
            return ""
        first = max(0, depth + 1 - level.shown_levels)
        if level.pattern:
            shown = _PLACE.sub(lambda place: self._number(int(place[1]) - 1), level.pattern)
        else:
            numbers = (self._number(each) for each in range(first, depth + 1))
            shown = level.prefix + ".".join(filter(None, numbers)) + level.suffix
        return (indent if first == depth else "") + shown.strip() + " " if shown.strip() else ""

    def _number(self, depth: int) -> str:
        if not 0 <= depth < LEVELS:
            return ""
        level, value = self.style.get(depth, ListLevel()), self.values[depth]
        return numeral(level.start if value is None else value, level.form) if level.form else ""


def list_style(root: ET.Element) -> ListStyle:
    """A list style, or the outline style that numbers headings, by depth from 0."""
    levels: ListStyle = {}
    for each in root:
        depth = attribute(each, "level")
        if not depth.isdecimal() or not 0 < int(depth) <= LEVELS:
            continue
        numbered = local(each) in ("list-level-style-number", "outline-level-style")
        start, shown = attribute(each, "start-value"), attribute(each, "display-levels")
        levels[int(depth) - 1] = ListLevel(
            bullet=not numbered,
            form=attribute(each, "num-format"),
            prefix=attribute(each, "num-prefix"),
            suffix=attribute(each, "num-suffix"),
            pattern=attribute(each, "num-list-format"),
            start=int(start) if start.isdecimal() else 1,
            shown_levels=int(shown) if shown.isdecimal() else 1,
        )
    return levels
