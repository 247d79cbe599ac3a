"""The styles of a Word document, as far as its text depends on them: headings, lists and hidden text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field

from desktop_llm.knowledge.readers.package import attribute, child, local

_HEADING_NAME = re.compile(r"heading ?(\d)|title()", re.IGNORECASE)
_OUTLINE_LEVELS = list("012345678")
_BODY_TEXT = "9"
_OFF = frozenset({"0", "false", "off", "none"})
# No real style is based on so many others; a loop ends here.
_LONGEST_CHAIN = 50


@dataclass(frozen=True, slots=True)
class Look:
    """How a paragraph is shown. `heading`: its level, 0 for none; `list_id`: "" for none. `list_levels` are the places
    that may tell the level in the list, the first one first: a style's identity and the level that it names, if any.
    """

    heading: int = 0
    list_id: str = ""
    list_levels: tuple[tuple[str, str], ...] = ()
    hidden: bool = False


@dataclass(slots=True)
class _Style:
    """What one style says itself; None or "" where it says nothing."""

    based_on: str = ""
    heading: int | None = None
    list_id: str = ""
    list_level: str = ""
    hidden: bool | None = None


@dataclass(slots=True)
class Styles:
    """All styles by identity. `list_styles` are the lists that the list styles name."""

    by_id: dict[str, _Style] = field(default_factory=dict)
    list_styles: dict[str, str] = field(default_factory=dict)
    default: str = ""

    @classmethod
    def of(cls, root: ET.Element | None) -> Styles:
        """The styles of a document, from the root of their part."""
        styles = cls()
        for element in root if root is not None else ():
            if local(element) != "style":
                continue
            identity, kind = attribute(element, "styleId"), attribute(element, "type")
            styles.by_id[identity] = style = _style(element)
            if kind == "numbering":
                styles.list_styles[identity] = style.list_id
            elif kind in ("paragraph", "") and attribute(element, "default") in ("1", "true", "on"):
                styles.default = identity
        return styles

    def paragraph(self, properties: ET.Element | None) -> Look:
        """The look of a paragraph with these properties: its own win over those of its style."""
        identity = attribute(child(properties, "pStyle"), "val") or self.default
        chain = list(self._chain(identity))
        own = attribute(child(properties, "outlineLvl"), "val")
        heading = _outline(own) if own else next((each.heading for _, each in chain if each.heading is not None), 0)
        list_id = attribute(child(properties, "numPr", "numId"), "val")
        list_level = attribute(child(properties, "numPr", "ilvl"), "val")
        own_level = [("", list_level or "0")] if list_id or list_level else []
        return Look(
            heading or 0,
            list_id or next((each.list_id for _, each in chain if each.list_id), ""),
            tuple(own_level or ((name, each.list_level) for name, each in chain)),
            next((each.hidden for _, each in chain if each.hidden is not None), False),
        )

    def hides(self, properties: ET.Element | None, by_default: bool) -> bool:
        """Whether a run with these properties is hidden; `by_default` is what its paragraph says."""
        own = child(properties, "vanish")
        if own is not None:
            return is_on(own)
        named = attribute(child(properties, "rStyle"), "val") if properties is not None else ""
        if not named:
            return by_default
        return next((each.hidden for _, each in self._chain(named) if each.hidden is not None), by_default)

    def _chain(self, identity: str) -> Iterator[tuple[str, _Style]]:
        """A style and those that it is based on."""
        for _ in range(_LONGEST_CHAIN):
            style = self.by_id.get(identity)
            if style is None:
                if named := _HEADING_NAME.fullmatch(identity):  # a built-in style that the file does not describe
                    yield identity, _Style(heading=int(named[1] or 1))
                return
            yield identity, style
            identity = style.based_on


def is_on(switch: ET.Element | None) -> bool:
    """Whether a property that is on or off is there and on."""
    return switch is not None and attribute(switch, "val").lower() not in _OFF


def _style(element: ET.Element) -> _Style:
    properties = child(element, "pPr")
    vanish = child(element, "rPr", "vanish")
    outline = attribute(child(properties, "outlineLvl"), "val")
    named = _HEADING_NAME.fullmatch(attribute(child(element, "name"), "val"))
    return _Style(
        based_on=attribute(child(element, "basedOn"), "val"),
        heading=int(named[1] or 1) if named else _outline(outline),
        list_id=attribute(child(properties, "numPr", "numId"), "val"),
        list_level=attribute(child(properties, "numPr", "ilvl"), "val"),
        hidden=None if vanish is None else is_on(vanish),
    )


def _outline(level: str) -> int | None:
    """The level of a heading from Word's outline level; 0 for body text, None if it is not said."""
    if level == _BODY_TEXT:
        return 0
    return _OUTLINE_LEVELS.index(level) + 1 if level in _OUTLINE_LEVELS else None
