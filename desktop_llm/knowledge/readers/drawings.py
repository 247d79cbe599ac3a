"""What Office files draw (DrawingML): the numbers behind charts, the words of diagrams, and formulas as one line."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from desktop_llm.knowledge.readers.blocks import BULLET, Block, row
from desktop_llm.knowledge.readers.numbers import shown
from desktop_llm.knowledge.readers.package import attribute, child, descendants, local

_MAX_POINTS = 100_000
_MAX_DEPTH = 20


def text_of(element: ET.Element | None) -> str:
    """The words inside an element, its paragraphs one below the other."""
    paragraphs = list(descendants(element, "p"))
    lines = ("".join(each.text or "" for each in descendants(part, "t")) for part in paragraphs)
    return "\n".join(line for line in lines if line.strip())


def chart_blocks(root: ET.Element, table: int) -> list[Block]:
    """A chart: its titles, then a table with a row for each category and a column for each series."""
    series = list(descendants(root, "ser"))
    titles = dict.fromkeys(text_of(each).replace("\n", " ").strip() for each in descendants(root, "title"))
    blocks = [Block(title) for title in titles if title]
    names, columns = [], []
    categories: dict[int, str] = {}
    for index, each in enumerate(series):
        name = child(each, "tx")
        names.append(next(iter(_points(name).values()), "") or text_of(name) or f"{index + 1}")
        # Newer charts have "cat" and "val", scatter charts "xVal" and "yVal".
        categories = categories or _points(_first(each, "cat", "xVal"))
        columns.append(_points(_first(each, "val", "yVal")))
    made = [row(["", *names], table, header=True)] if series else []
    for index in sorted({*categories, *(place for column in columns for place in column)}):
        made.append(row([categories.get(index, str(index + 1)), *(column.get(index, "") for column in columns)], table))
    return [*blocks, *filter(None, made)]


def diagram_blocks(root: ET.Element, table: int = 0) -> list[Block]:
    """A diagram (SmartArt) as a list with levels, in the order in which its shapes hang together."""
    del table  # a diagram is none
    texts = {attribute(each, "modelId"): text_of(child(each, "t")) for each in descendants(root, "pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    inner: set[str] = set()
    for link in descendants(root, "cxn"):
        if attribute(link, "type") in ("", "parOf"):
            upper, lower, order = attribute(link, "srcId"), attribute(link, "destId"), attribute(link, "srcOrd")
            below.setdefault(upper, []).append((int(order) if order.isdecimal() else 0, lower))
            inner.add(lower)
    seen: set[str] = set()

    def hanging(identity: str, depth: int) -> Iterator[Block]:
        if identity in seen:
            return
        seen.add(identity)
        text = texts.get(identity, "").replace("\n", " ").strip()
        if text:
            yield Block("  " * depth + BULLET + text, group="list")
        for _, lower in sorted(below.get(identity, ())):
            yield from hanging(lower, min(depth + bool(text), _MAX_DEPTH))

    tops = [identity for identity in texts if identity not in inner]
    return [block for identity in [*tops, *texts] for block in hanging(identity, 0)]


def formula(element: ET.Element) -> str:
    """A formula of Office on one line: (a)/(b), x^(2), √(x)."""
    name = local(element)
    if name == "t":
        return element.text or ""
    if name == "f":
        return f"{_part(element, 'num')}/{_part(element, 'den')}"
    if name == "rad":
        return f"√{_part(element, 'e')}"
    if name in ("sSup", "sSub", "sSubSup"):
        lower, upper = child(element, "sub"), child(element, "sup")
        marks = (f"_{_part(element, 'sub')}" if lower is not None else "") + (
            f"^{_part(element, 'sup')}" if upper is not None else ""
        )
        return _inside(element, "e") + marks
    return "".join(formula(each) for each in element)


def _part(element: ET.Element, name: str) -> str:
    text = _inside(element, name)
    return text if len(text) < 2 or text.isdecimal() else f"({text})"


def _inside(element: ET.Element, name: str) -> str:
    return "".join(formula(each) for each in child(element, name) or ())


def _first(element: ET.Element, *names: str) -> ET.Element | None:
    return next((found for name in names if (found := child(element, name)) is not None), None)


def _points(element: ET.Element | None) -> dict[int, str]:
    """The cached values of a chart's reference, by their place; categories of several levels are joined."""
    found: dict[int, str] = {}
    for point in descendants(element, "pt"):
        place = attribute(point, "idx")
        value = child(point, "v")
        if place.isdecimal() and value is not None and len(found) < _MAX_POINTS:
            text = shown(value.text or "")
            found[int(place)] = f"{text} {found[int(place)]}" if int(place) in found else text
    if not found and (value := child(element, "v")) is not None and value.text:
        found[0] = value.text
    return found
