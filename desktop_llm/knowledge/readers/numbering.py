"""The automatic numbers of lists, headings and notes as they are shown: numerals in every common form, and the counters
of Word's lists (ECMA-376 part 1, 17.9).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from desktop_llm.knowledge.readers.blocks import BULLET
from desktop_llm.knowledge.readers.package import attribute, child, descendants, local

LEVELS = 9
_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_MAX_ROMAN = 5_000
_MAX_LETTERS = 20
_CIRCLED = 0x2460
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщэюя"
_CHINESE = "〇一二三四五六七八九"


def numeral(value: int, form: str) -> str:
    """A number as text: `form` is a name of Word's ("lowerRoman"), or ODF's and HTML's letter for it ("i")."""
    make = _FORMS.get(form)
    return make(value) if make else str(value)


def _letters(value: int, alphabet: str = "abcdefghijklmnopqrstuvwxyz") -> str:
    """a to z, then aa, bb, cc, as Word does."""
    if value < 1:
        return str(value)
    times, index = divmod(value - 1, len(alphabet))
    return alphabet[index] * min(times + 1, _MAX_LETTERS)


def _roman(value: int) -> str:
    if not 0 < value < _MAX_ROMAN:
        return str(value)
    parts = []
    for size, letters in _ROMAN:
        times, value = divmod(value, size)
        parts.append(letters * times)
    return "".join(parts)


def _ordinal(value: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{value}{'th' if value % 100 in (11, 12, 13) else ends.get(value % 10, 'th')}"


def _circled(value: int) -> str:
    return chr(_CIRCLED + value - 1) if 0 < value <= 20 else str(value)


def _chinese(value: int) -> str:
    if not 0 < value < 100:
        return str(value)
    tens, ones = divmod(value, 10)
    return ("" if tens < 2 else _CHINESE[tens]) + ("十" if tens else "") + (_CHINESE[ones] if ones else "")


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "a": _letters,
    "upperLetter": lambda value: _letters(value).upper(),
    "A": lambda value: _letters(value).upper(),
    "lowerRoman": lambda value: _roman(value).lower(),
    "i": lambda value: _roman(value).lower(),
    "upperRoman": _roman,
    "I": _roman,
    "decimalZero": lambda value: f"{value:02}",
    "ordinal": _ordinal,
    "russianLower": lambda value: _letters(value, _RUSSIAN),
    "russianUpper": lambda value: _letters(value, _RUSSIAN).upper(),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "numberInDash": lambda value: f"- {value} -",
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "taiwaneseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
    "ideographDigital": lambda value: "".join(_CHINESE[int(digit)] for digit in str(abs(value))),
    "none": lambda value: "",
}


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list counts and looks. `restart`: the level (from 1) after which it begins anew, 0 for never;
    None for the one above it.
    """

    start: int = 1
    form: str = "decimal"
    text: str = ""
    style: str = ""
    gap: str = " "
    restart: int | None = None
    legal: bool = False


@dataclass(slots=True)
class _List:
    """A list definition and its counters, which all lists made from it share."""

    levels: dict[int, Level]
    counts: list[int | None] = field(default_factory=lambda: [None] * LEVELS)


@dataclass(slots=True)
class _Use:
    """A list of the document: its definition, and the levels that it begins or counts in its own way."""

    definition: _List
    starts: dict[int, int] = field(default_factory=dict)
    levels: dict[int, Level] = field(default_factory=dict)

    def level(self, index: int) -> Level:
        return self.levels.get(index) or self.definition.levels.get(index) or Level()


class WordLists:
    """The lists of a Word document. Ask for the labels in the order of the text, because asking counts."""

    def __init__(self, numbering: ET.Element | None, style_lists: dict[str, str]) -> None:
        """`numbering` is the root of the part of that name; `style_lists` the list that each list style names."""
        definitions: dict[str, _List] = {}
        links: dict[str, str] = {}
        self._uses: dict[str, _Use] = {}
        roots = list(numbering) if numbering is not None else []
        for root in roots:
            if local(root) == "abstractNum":
                identity = attribute(root, "abstractNumId")
                definitions[identity] = _List(_levels(root))
                if link := attribute(child(root, "numStyleLink"), "val"):
                    links[identity] = link
        numbers = {attribute(root, "numId"): root for root in roots if local(root) == "num"}
        for identity, root in numbers.items():
            wanted = attribute(child(root, "abstractNumId"), "val")
            if wanted in links:  # the definition is that of a list style
                styled = numbers.get(style_lists.get(links[wanted], ""))
                wanted = attribute(child(styled, "abstractNumId"), "val") if styled is not None else wanted
            self._uses[identity] = _use(root, definitions.get(wanted) or _List({}))

    def level(self, list_id: str, named: Sequence[tuple[str, str]]) -> int:
        """The level (from 0) of a paragraph in a list: `named` are its styles, nearest first, with the level that each
        names, if any. A list can also say itself which level a style has, and that counts more.
        """
        use = self._uses.get(list_id)
        levels = {**use.definition.levels, **use.levels} if use else {}
        by_style = {level.style: index for index, level in levels.items() if level.style}
        for style, level in named:
            if style in by_style:
                return by_style[style]
            if level:
                return _whole(level, 0)
        return 0

    def label(self, list_id: str, index: int) -> str:
        """What Word writes before the next paragraph of a list at a level (from 0), with the gap after it."""
        use = self._uses.get(list_id)
        if use is None or not 0 <= index < LEVELS:
            return ""
        level, counts = use.level(index), use.definition.counts
        before = counts[index]
        if index in use.starts:  # this list begins anew, once
            counts[index] = use.starts.pop(index)
        else:
            counts[index] = level.start if before is None else before + 1
        for deeper in range(index + 1, LEVELS):
            restart = use.level(deeper).restart
            if restart is None or (restart > 0 and index < restart):
                counts[deeper] = None
        if level.form == "bullet":
            return BULLET
        shown = _PLACE.sub(lambda place: self._number(use, level, int(place[1]) - 1), level.text)
        return shown + level.gap if shown.strip() else ""

    def shows_all_levels(self, list_id: str, index: int) -> bool:
        """Whether a label tells its level by itself, as "2.1" does."""
        use = self._uses.get(list_id)
        return use is not None and len(_PLACE.findall(use.level(index).text)) > 1

    @staticmethod
    def _number(use: _Use, level: Level, index: int) -> str:
        upper, count = use.level(index), use.definition.counts[index]
        return numeral(upper.start if count is None else count, "decimal" if level.legal else upper.form)


def _levels(root: ET.Element) -> dict[int, Level]:
    return {_whole(attribute(each, "ilvl"), 0): _level(each) for each in root if local(each) == "lvl"}


def _level(root: ET.Element) -> Level:
    restart = attribute(child(root, "lvlRestart"), "val")
    form = next((attribute(each, "val") for each in descendants(root, "numFmt")), "decimal")
    legal = child(root, "isLgl")
    return Level(
        start=_whole(attribute(child(root, "start"), "val"), 0),
        form=form,
        text=attribute(child(root, "lvlText"), "val"),
        style=attribute(child(root, "pStyle"), "val"),
        gap="" if attribute(child(root, "suff"), "val") == "nothing" else " ",
        restart=_whole(restart, 0) if restart else None,
        legal=legal is not None and attribute(legal, "val") not in ("0", "false", "off"),
    )


def _use(root: ET.Element, definition: _List) -> _Use:
    use = _Use(definition)
    for override in root:
        if local(override) != "lvlOverride":
            continue
        index = _whole(attribute(override, "ilvl"), 0)
        if (changed := child(override, "lvl")) is not None:
            use.levels[index] = _level(changed)
        if (start := child(override, "startOverride")) is not None:
            use.starts[index] = _whole(attribute(start, "val"), 1)
    return use


def _whole(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else default
