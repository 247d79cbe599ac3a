"""PowerPoint presentations (OOXML, transitional and strict): a slide is a page, and its place is its number and title.

Shapes are taken in the order in which people read them, by their places on the slide: the title, then columns from left
to right or rows from top to bottom. Tables, charts, diagrams, notes and comments are read; a slide's number is not.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.blocks import BULLET, Block, looks_like_header, row
from desktop_llm.knowledge.readers.drawings import chart_blocks, diagram_blocks, formula, text_of
from desktop_llm.knowledge.readers.numbering import numeral
from desktop_llm.knowledge.readers.package import Package, attribute, child, descendants, local, opened
from desktop_llm.knowledge.readers.slides import Box, Shape, in_reading_order, slide_page
from desktop_llm.words import tr

_MAIN_PART = "ppt/presentation.xml"
_TITLES = frozenset({"title", "ctrTitle"})
# Words that are not this slide's own.
_LEFT_OUT = frozenset({"sldNum", "sldImg", "hdr"})
_BODIES = frozenset({"", "body", "obj"})
_FORMS = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}
_INDENT = 2


def read(source: Source) -> Parsing:
    """Yield a page for each slide. Raises DocumentError for protected, damaged or exploding files."""
    with opened(source) as package:
        main = next((each.part for each in package.relations("").values() if each.kind == "officeDocument"), _MAIN_PART)
        if main not in package:
            raise DocumentError(tr("Damaged or not a presentation"), cause="damaged")
        title, any_text = package.title(), False
        slides = _slides(package, main)
        for number, name in enumerate(slides, 1):
            page, own_title = _Slide(package, name).page(number, len(slides))
            any_text = any_text or bool(page.text)
            title = title or own_title
            yield page
        if not any_text:
            raise DocumentError(tr("Empty"), cause="empty")
    return Summary(title or source.stem, len(slides))


def _slides(package: Package, main: str) -> list[str]:
    """The slides' parts in the order of the presentation."""
    relations = package.relations(main)
    named = (_relation_of(each) for each in descendants(package.parsed(main), "sldId"))
    found = [relations[identity].part for identity in named if identity in relations]
    return [name for name in found if name in package] or [
        each.part for each in relations.values() if each.kind == "slide" and each.part in package
    ]


def _relation_of(element: ET.Element) -> str:
    """The identity of a relation that an element names; its own `id` is another thing."""
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), "")


class _Slide:
    """Reads one slide."""

    def __init__(self, package: Package, name: str) -> None:
        self._package = package
        self._root = package.side_part(name)  # a broken slide counts as one without text
        self._relations = package.relations(name)
        self._tables = 0
        self._usual: dict[tuple[str, str], Box] | None = None

    def page(self, number: int, total: int) -> tuple[Page, str]:
        """The slide as a page, and its title."""
        shapes = list(self._shapes(child(self._root, "cSld", "spTree")))
        tail = [*self._notes(), *self._comments()]
        hidden = attribute(self._root, "show") in ("0", "false")
        return slide_page(shapes, tail, number, total, hidden=hidden)

    def _shapes(self, tree: ET.Element | None) -> Iterator[Shape]:
        for each in tree if tree is not None else ():
            name = local(each)
            if name in ("sp", "cxnSp"):
                shape = self._text_shape(each)
            elif name == "grpSp":
                inner = in_reading_order(list(self._shapes(each)))
                shape = Shape([block for one in inner for block in one.blocks], _box(child(each, "grpSpPr", "xfrm")))
            elif name == "graphicFrame":
                shape = Shape(list(self._frame(each)), _box(child(each, "xfrm")))
            elif name in ("AlternateContent", "Choice"):
                yield from self._shapes(each)
                continue
            else:
                continue
            if any(block.text.strip() for block in shape.blocks):
                yield shape

    def _text_shape(self, element: ET.Element) -> Shape:
        placeholder = child(element, "nvSpPr", "nvPr", "ph")
        kind = attribute(placeholder, "type")
        if kind in _LEFT_OUT:
            return Shape([])
        listed = placeholder is not None and kind in _BODIES
        blocks = list(_paragraphs(child(element, "txBody"), listed=listed))
        box = _box(child(element, "spPr", "xfrm"))
        if box is None and placeholder is not None:
            box = self._usual_box(kind, attribute(placeholder, "idx"))
        if kind in _TITLES:
            blocks = [Block(" ".join(block.text.strip() for block in blocks))] if blocks else []
        return Shape(blocks, box, title=kind in _TITLES)

    def _frame(self, frame: ET.Element) -> Iterator[Block]:
        """A table, a chart, a diagram or an embedded file."""
        for each in frame.iter():
            name = local(each)
            if name == "tbl":
                yield from self._table(each)
            elif name in ("chart", "relIds"):
                target = self._relations.get(attribute(each, "dm") if name == "relIds" else _relation_of(each))
                root = self._package.side_part(target.part) if target else None
                if root is not None:
                    self._tables += 1
                    make = diagram_blocks if name == "relIds" else chart_blocks
                    yield from make(root, self._tables)
            elif name == "oleObj" and (said := attribute(each, "name") or attribute(each, "progId")):
                yield Block(tr("Embedded document: {name}", name=said))
                return

    def _table(self, table: ET.Element) -> Iterator[Block]:
        self._tables += 1
        rows = [[text_of(cell) for cell in each if local(cell) == "tc"] for each in table if local(each) == "tr"]
        named = attribute(child(table, "tblPr"), "firstRow") in ("1", "true")
        for index, cells in enumerate(rows):
            header = index == 0 and len(rows) > 1 and len(cells) > 1
            header = header and (named or looks_like_header(cells, len(cells)))
            if made := row(cells, self._tables, header=header):
                yield made

    def _notes(self) -> Iterator[Block]:
        for root in self._related("notesSlide"):
            for shape in descendants(root, "sp"):
                kind = attribute(child(shape, "nvSpPr", "nvPr", "ph"), "type")
                text = text_of(child(shape, "txBody"))
                if kind == "body" and text:
                    yield Block(tr("Notes: {text}", text=text))

    def _comments(self) -> Iterator[Block]:
        for root in self._related("comments"):
            for comment in descendants(root, "cm", "reply"):
                # Older comments hold their text as it is, newer ones in paragraphs.
                plain = child(comment, "text")
                text = (plain.text or "") if plain is not None else text_of(child(comment, "txBody"))
                if text.strip():
                    yield Block(tr("Comment: {text}", text=text.strip()))

    def _related(self, kind: str) -> Iterator[ET.Element]:
        for each in self._relations.values():
            if each.kind == kind and (root := self._package.side_part(each.part)) is not None:
                yield root

    def _usual_box(self, kind: str, index: str) -> Box | None:
        """Where the slide's layout or master puts a placeholder."""
        if self._usual is None:
            self._usual = {}
            relations = self._relations
            for upper in ("slideLayout", "slideMaster"):
                name = next((each.part for each in relations.values() if each.kind == upper), "")
                root = self._package.side_part(name)
                if root is None:
                    break
                _note_places(root, self._usual)
                relations = self._package.relations(name)
        usual = self._usual
        return usual.get((kind, index)) or usual.get(("", index) if index else (kind, "")) or usual.get((kind, ""))


def _note_places(root: ET.Element, usual: dict[tuple[str, str], Box]) -> None:
    for shape in descendants(root, "sp"):
        placeholder, box = child(shape, "nvSpPr", "nvPr", "ph"), _box(child(shape, "spPr", "xfrm"))
        if placeholder is not None and box is not None:
            kind, index = attribute(placeholder, "type"), attribute(placeholder, "idx")
            for name in ((kind, index), ("", index), (kind, "")):
                usual.setdefault(name, box)


def _paragraphs(body: ET.Element | None, *, listed: bool) -> Iterator[Block]:
    """The paragraphs of a text, with bullets and automatic numbers. `listed`: those without any mark are a list too, as
    in the body of a slide.
    """
    counts: dict[int, int] = {}
    found = [each for each in body if local(each) == "p"] if body is not None else []
    listed = listed and sum(bool(_plain(each).strip()) for each in found) > 1
    for paragraph in found:
        text, properties = _plain(paragraph).strip(), child(paragraph, "pPr")
        level = attribute(properties, "lvl")
        depth = int(level) if level.isdecimal() and int(level) < 9 else 0
        counts = {each: count for each, count in counts.items() if each <= depth}
        numbered = child(properties, "buAutoNum")
        if not text:
            continue
        if numbered is not None:
            start = attribute(numbered, "startAt")
            counts[depth] = counts.get(depth, (int(start) if start.isdecimal() else 1) - 1) + 1
            mark = _number(counts[depth], attribute(numbered, "type")) + " "
        else:
            counts.pop(depth, None)
            bare = child(properties, "buNone") is not None
            mark = BULLET if child(properties, "buChar") is not None or (listed and not bare) else ""
        yield Block(" " * _INDENT * depth * bool(mark) + mark + text, group="list" if mark else "line")


def _number(value: int, form: str) -> str:
    name = next((made for begin, made in _FORMS.items() if form.startswith(begin)), "decimal")
    text = numeral(value, name)
    if form.endswith("ParenBoth"):
        return f"({text})"
    return f"{text})" if form.endswith("ParenR") else text if form.endswith("Plain") else f"{text}."


def _plain(paragraph: ET.Element) -> str:
    """A paragraph's text without that of a field that shows the slide's number."""
    parts = []
    for each in paragraph:
        name = local(each)
        if name == "br":
            parts.append("\n")
        elif name in ("r", "fld") and attribute(each, "type") != "slidenum":
            parts += [found.text or "" for found in each if local(found) == "t"]
        elif name in ("m", "oMath", "AlternateContent"):
            parts += [formula(found) for found in descendants(each, "oMath")]
    return "".join(parts).replace("\v", "\n")


def _box(place: ET.Element | None) -> Box | None:
    offset, size = child(place, "off"), child(place, "ext")
    values = [attribute(offset, "x"), attribute(offset, "y"), attribute(size, "cx"), attribute(size, "cy")]
    try:
        left, top, width, height = (int(value) for value in values)
    except ValueError:
        return None
    return left, top, left + width, top + height
