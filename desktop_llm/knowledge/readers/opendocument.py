"""OpenDocument texts, slides, drawings and sheets, packed (ODT, ODP, ODG, ODS) or as one XML file (FODT and so on).

What is shown is kept in order: headings and lists with their automatic numbers, tables, text boxes, notes and comments
after their paragraph, headers and footers after the text. Deletions that were tracked and hidden text are left out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_CELLS, MAX_PART_BYTES
from desktop_llm.knowledge.readers import Parsing, Source, Summary, too_large
from desktop_llm.knowledge.readers.blocks import LONGEST_CELL, Block, looks_like_header, page_of, row, title_of
from desktop_llm.knowledge.readers.numbers import shown
from desktop_llm.knowledge.readers.opendocument_lists import Counts, ListStyle, list_style
from desktop_llm.knowledge.readers.package import Package, attribute, child, descendants, local, opened, parse
from desktop_llm.knowledge.readers.sheets import Row, Sheet, page_of_sheets
from desktop_llm.knowledge.readers.slides import Box, Shape, in_reading_order, slide_page
from desktop_llm.words import tr

_BODIES = ("text", "presentation", "drawing", "spreadsheet")
# Deletions that were tracked, hidden text, furigana, declarations, descriptions of pictures.
_NOT_SHOWN = frozenset(
    {"tracked-changes", "hidden-text", "hidden-paragraph", "ruby-text", "note-citation", "sequence-decls", "forms"}
    | {"variable-decls", "user-field-decls", "event-listeners", "desc", "title", "creator", "creator-initials", "date"}
    | {"date-string", "glue-point", "settings", "page-thumbnail", "notes"}
)
# What stands in a paragraph and has paragraphs of its own.
_BOXES = frozenset({"frame", "custom-shape", "rect", "ellipse", "circle", "line", "g", "polygon", "path", "caption"})
_NOT_OF_THE_SLIDE = frozenset({"notes", "page", "page-number", "handout"})
_LENGTH = re.compile(r"(-?\d*\.?\d+)(cm|mm|in|pt|pc|px)?")
_UNITS = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "px": 9_525}
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.\d*)?)?)?")
_MAX_SPACES = 100
_LONGEST_CHAIN = 50
# A sheet's own limit of columns, and what the tables of a text have at most; more of them are a mistake or a bomb.
_MAX_COLUMNS = 16_384
_MAX_TABLE_COLUMNS = 1_000


def read(source: Source) -> Parsing:
    """A text or a workbook as one page, slides and drawings page by page."""
    if source.data.startswith(b"PK"):
        with opened(source) as package:
            return (yield from _read(_packed(package), source))
    if len(source.data) > MAX_PART_BYTES:
        raise too_large(tr("more than {limit} million bytes of XML", limit=MAX_PART_BYTES // 1_000_000))
    try:
        root = parse(source.data)
    except ET.ParseError:
        raise DocumentError(tr("Damaged, or not what its name says"), cause="damaged") from None
    title = next((each.text or "" for each in descendants(child(root, "meta"), "title")), "")
    return (yield from _read(_Document(root, [root], title.strip()), source))


@dataclass(slots=True)
class _Document:
    """The parsed file: its content, and the parts that hold styles."""

    content: ET.Element
    styles: list[ET.Element]
    title: str = ""
    package: Package | None = None


def _packed(package: Package) -> _Document:
    if "META-INF/manifest.xml" in package:
        manifest = package.parsed("META-INF/manifest.xml")
        if next(descendants(manifest, "encryption-data"), None) is not None:
            raise DocumentError(tr("Protected by a password"), cause="protected")
    if "content.xml" not in package:
        raise DocumentError(tr("Damaged, or not what its name says"), cause="damaged")
    content = package.parsed("content.xml")
    styles = package.side_part("styles.xml")
    return _Document(content, [content] if styles is None else [styles, content], package.title(), package)


def _read(document: _Document, source: Source) -> Parsing:
    body = next(descendants(document.content, "body"), None)
    kind = next((each for each in body if local(each) in _BODIES), None) if body is not None else None
    if kind is None:
        raise DocumentError(tr("Damaged, or not what its name says"), cause="damaged")
    styles = _Styles(document.styles)
    walk = _Walk(document.package, styles)
    if local(kind) == "spreadsheet":
        page = page_of_sheets(_sheets(kind, styles))
        yield page
        return Summary(document.title or source.stem)
    if local(kind) == "text":
        page = page_of([*walk.blocks(kind), *_margins(document, walk)])
        yield page
        return Summary(document.title or title_of(page) or source.stem)
    slides, title, any_text = [each for each in kind if local(each) == "page"], document.title, False
    for number, slide in enumerate(slides, 1):
        shapes, tail = list(walk.shapes(slide)), list(walk.notes(slide))
        page, own = slide_page(shapes, tail, number, len(slides), hidden=styles.hides(attribute(slide, "style-name")))
        any_text, title = any_text or bool(page.text), title or own
        yield page
    if not any_text:
        raise DocumentError(tr("Empty"), cause="empty")
    return Summary(title or source.stem, len(slides))


def _margins(document: _Document, walk: _Walk) -> Iterator[Block]:
    """Headers and footers, each text once."""
    seen: set[str] = set()
    for root in document.styles:
        for master in descendants(root, "master-page"):
            for margin in master:
                if local(margin).startswith(("header", "footer")):
                    for block in walk.blocks(margin):
                        if block.text not in seen and not block.text.strip().isdigit():
                            seen.add(block.text)
                            yield block


class _Styles:
    """What styles say about lists, headings and hidden text."""

    def __init__(self, roots: list[ET.Element]) -> None:
        self.lists: dict[str, ListStyle] = {}
        self.outline: ListStyle = {}
        self._parents: dict[str, str] = {}
        self._list_of: dict[str, str] = {}
        self._levels: dict[str, int] = {}
        self._hidden: set[str] = set()
        for root in roots:
            for style in descendants(root, "style"):
                self._note(style)
            for style in descendants(root, "list-style"):
                self.lists[attribute(style, "name")] = list_style(style)
            for style in descendants(root, "outline-style"):
                self.outline = list_style(style)

    def _note(self, style: ET.Element) -> None:
        name = attribute(style, "name")
        self._parents[name] = attribute(style, "parent-style-name")
        self._list_of[name] = attribute(style, "list-style-name")
        if (level := attribute(style, "default-outline-level")).isdecimal():
            self._levels[name] = int(level)
        for properties in style:
            kind = local(properties)
            if (
                (kind == "text-properties" and attribute(properties, "display") == "none")
                or (kind == "drawing-page-properties" and attribute(properties, "visibility") == "hidden")
                or (kind == "table-properties" and attribute(properties, "display") == "false")
            ):
                self._hidden.add(name)

    def hides(self, name: str) -> bool:
        """Whether text, a slide or a sheet of this style is hidden."""
        return any(each in self._hidden for each in self._chain(name))

    def level(self, name: str) -> int:
        """The level of the heading that a paragraph of this style is; 0 for none."""
        return next((self._levels[each] for each in self._chain(name) if each in self._levels), 0)

    def list_of(self, name: str) -> ListStyle | None:
        """The list style that a paragraph style names."""
        named = (self._list_of.get(each) for each in self._chain(name))
        return self.lists.get(next(filter(None, named), ""))

    def _chain(self, name: str) -> Iterator[str]:
        for _ in range(_LONGEST_CHAIN):
            if not name:
                return
            yield name
            name = self._parents.get(name, "")


@dataclass(slots=True)
class _Item:
    """The list item that is read now: its label is for its first paragraph."""

    counts: Counts
    depth: int
    start: int | None
    counted: bool
    label: str | None = None


class _Walk:
    """Turns elements into blocks, in the order of the text."""

    def __init__(self, package: Package | None, styles: _Styles) -> None:
        self._package = package
        self._styles = styles
        self._outline = Counts(styles.outline)
        self._lists: dict[str, Counts] = {}  # by identity and by name of style
        self._item: _Item | None = None
        self._aside: list[Block] = []
        self._boxes: list[ET.Element] = []
        self._tables = 0
        self._notes = 0

    def blocks(self, container: Iterable[ET.Element]) -> Iterator[Block]:
        """The blocks inside an element that holds paragraphs, lists and tables, at any depth."""
        for element in container:
            name = local(element)
            if name in ("p", "h"):
                yield from self._paragraph(element, heading=name == "h")
            elif name == "list":
                yield from self._list(element)
            elif name == "table":
                yield from self._table(element)
            elif name == "annotation":
                self._comment(element)
            elif name == "object":
                yield from self._object(element)
            elif name not in _NOT_SHOWN and attribute(element, "display") != "none":
                yield from self.blocks(element)

    def _paragraph(self, paragraph: ET.Element, *, heading: bool) -> Iterator[Block]:
        style = attribute(paragraph, "style-name")
        if self._styles.hides(style):
            return
        parts: list[str] = []
        self._inline(paragraph, parts)
        text = "".join(parts).strip()
        level = 0
        if heading:
            said = attribute(paragraph, "outline-level")
            level = min(int(said), 9) if said.isdecimal() and int(said) else 1
        elif self._item is None and text:
            level = self._styles.level(style)
        label = self._label(paragraph, level if heading else 0, text)
        if text:
            yield Block(label + text, level, "list" if label and not level else "")
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            yield from self.blocks(box)
        aside, self._aside = self._aside, []
        yield from aside

    def _label(self, paragraph: ET.Element, level: int, text: str) -> str:
        """The number or bullet before a paragraph. Asking counts."""
        if self._item is not None:
            if self._item.label is not None or not self._item.counted:
                return ""
            self._item.label = self._item.counts.label(self._item.depth, self._item.start)
            return self._item.label.strip() + " " if level and self._item.label else self._item.label
        if level and text and attribute(paragraph, "is-list-header") != "true":
            start = attribute(paragraph, "start-value")
            again = attribute(paragraph, "restart-numbering") == "true"
            return self._outline.label(level - 1, int(start) if again and start.isdecimal() else None).lstrip()
        return ""

    def _list(self, element: ET.Element) -> Iterator[Block]:
        before = self._item
        name = attribute(element, "style-name")
        if before is not None:
            counts, depth = before.counts, before.depth + 1
            if name and name in self._styles.lists:
                counts.style = self._styles.lists[name]
        else:
            counts, depth = self._counts(element, name), 0
        for item in element:
            if local(item) not in ("list-item", "list-header"):
                continue
            start = attribute(item, "start-value")
            counted = local(item) == "list-item"
            self._item = _Item(counts, depth, int(start) if start.isdecimal() else None, counted)
            yield from self.blocks(item)
        self._item = before

    def _counts(self, element: ET.Element, name: str) -> Counts:
        """The counters of a list that begins here, or of the one that it continues."""
        continued = self._lists.get(attribute(element, "continue-list"))
        if continued is None and attribute(element, "continue-numbering") == "true":
            continued = self._lists.get(f"style {name}")
        style = self._styles.lists.get(name)
        if style is None:  # a list may take its style from its first paragraph
            first = next(descendants(element, "p", "h"), None)
            style = self._styles.list_of(attribute(first, "style-name")) or {}
        counts = continued or Counts(style)
        self._lists[f"style {name}"] = counts
        if identity := attribute(element, "id"):
            self._lists[identity] = counts
        return counts

    def _inline(self, element: ET.Element, parts: list[str]) -> None:
        parts.append(element.text or "")
        for each in element:
            name = local(each)
            if name == "s":
                count = attribute(each, "c")
                parts.append(" " * (min(int(count), _MAX_SPACES) if count.isdecimal() else 1))
            elif name in ("tab", "line-break"):
                parts.append("\t" if name == "tab" else "\n")
            elif name == "note":
                self._note(each)
            elif name == "annotation":
                self._comment(each)
            elif name in _BOXES:
                self._boxes.append(each)
            elif name in ("hidden-paragraph", "hidden-text") or name in _NOT_SHOWN:
                pass
            elif name != "span" or not self._styles.hides(attribute(each, "style-name")):
                self._inline(each, parts)
            parts.append(each.tail or "")

    def _note(self, note: ET.Element) -> None:
        self._notes += 1
        text = self._apart(child(note, "note-body"))
        if text:
            self._aside.append(Block(tr("Note {number}: {text}", number=self._notes, text=text)))

    def _comment(self, comment: ET.Element) -> None:
        author, text = child(comment, "creator"), self._apart(comment)
        if text:
            name = (author.text or "").strip() if author is not None else ""
            self._aside.append(Block(tr("Comment by {author}: {text}", author=name or "?", text=text)))

    def _apart(self, element: ET.Element | None) -> str:
        """The text of something that is no part of the paragraph or list around it."""
        if element is None:
            return ""
        inside = _Walk(self._package, self._styles)
        return "\n".join(block.text for block in inside.blocks(element))

    def _object(self, element: ET.Element) -> Iterator[Block]:
        """An embedded chart as the table of its numbers, or an embedded document by its name."""
        name = attribute(element, "href").removeprefix("./").strip("/")
        content = f"{name}/content.xml"
        if self._package is None or not name or content not in self._package:
            return
        root = self._package.parsed(content)
        chart = next(descendants(root, "chart"), None)
        if local(root) == "math" or chart is None:
            yield from (Block(each.text or "") for each in descendants(root, "annotation"))
            return
        for title in descendants(chart, "title", "subtitle"):
            yield Block(" ".join("".join(title.itertext()).split()))
        for table in descendants(chart, "table"):
            yield from self._table(table)

    def _table(self, table: ET.Element) -> Iterator[Block]:
        self._tables += 1
        number, before, self._item = self._tables, self._item, None
        found = [(marked, self._cells_of(each)) for marked, each in _rows_of(table)]
        lays_out = any(map(_lays_out, (cells for _, cells in found)))
        width = max((len(cells) for _, cells in found), default=0)
        for index, (marked, cells) in enumerate(found):
            texts = [" ".join(block.text for block in cell) for cell in cells]
            header = index == 0 and len(found) > 1 and width > 1 and (marked or looks_like_header(texts, width))
            if _lays_out(cells):
                yield from (block for cell in cells for block in cell)
            elif made := row(texts, 0 if lays_out else number, header=header and not lays_out):
                yield made
        self._item = before
        aside, self._aside = self._aside, []
        yield from aside

    def _cells_of(self, table_row: ET.Element) -> list[list[Block]]:
        cells: list[list[Block]] = []
        for cell in table_row:
            if local(cell) not in ("table-cell", "covered-table-cell"):
                continue
            inside = _Walk(self._package, self._styles)
            blocks = [replace(block, table=0, header=False) for block in inside.blocks(cell)]
            cells += [blocks] * _repeated(cell, "number-columns-repeated", _MAX_TABLE_COLUMNS)
        return cells[:_MAX_TABLE_COLUMNS]

    def shapes(self, container: ET.Element) -> Iterator[Shape]:
        """The shapes of a slide that hold text."""
        for each in container:
            kind = attribute(each, "class")
            if local(each) in ("notes", "forms", "layer-set", "animations") or kind in _NOT_OF_THE_SLIDE:
                continue
            if local(each) == "g":
                inner = in_reading_order(list(self.shapes(each)))
                boxes = [shape.box for shape in inner if shape.box]
                shape = Shape([block for one in inner for block in one.blocks], _around(boxes))
            else:
                blocks = list(self.blocks([each]))
                title = kind == "title"
                if title and blocks:
                    blocks = [Block(" ".join(block.text.strip() for block in blocks))]
                shape = Shape(blocks, _box(each), title=title)
            if any(block.text.strip() for block in shape.blocks):
                yield shape

    def notes(self, slide: ET.Element) -> Iterator[Block]:
        """The notes of a slide."""
        for notes in slide:
            if local(notes) == "notes":
                text = "\n".join(self._apart(each) for each in notes if attribute(each, "class") == "notes").strip()
                if text:
                    yield Block(tr("Notes: {text}", text=text))


def _lays_out(cells: list[list[Block]]) -> bool:
    """Whether a row only lays out a text."""
    return any(len(cell) > 1 and sum(len(block.text) for block in cell) > LONGEST_CELL for cell in cells)


def _rows_of(table: ET.Element, marked: bool = False) -> Iterator[tuple[bool, ET.Element]]:
    """The rows of a table, and whether each is marked as a header."""
    for each in table:
        name = local(each)
        if name == "table-row":
            yield marked, each
        elif name in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows_of(each, marked or name == "table-header-rows")


def _sheets(body: ET.Element, styles: _Styles) -> Iterator[Sheet]:
    for table in body:
        if local(table) == "table":
            hidden = styles.hides(attribute(table, "style-name"))
            yield Sheet(attribute(table, "name"), _sheet_rows(table), hidden=hidden)


def _sheet_rows(table: ET.Element) -> Iterator[tuple[int, Row]]:
    """The rows that hold anything, each with its place."""
    place = cells = 0
    for _, each in _rows_of(table):
        values: Row = []
        for cell in each:
            if local(cell) in ("table-cell", "covered-table-cell"):
                value = _value(cell)
                values += [value] * _repeated(cell, "number-columns-repeated", _MAX_COLUMNS)
                if len(values) > _MAX_COLUMNS:
                    break
        while values and not values[-1]:
            values.pop()
        repeated = _repeated(each, "number-rows-repeated", 1 << 21)
        if values:
            cells += len(values) * repeated
            if cells > MAX_CELLS:
                raise too_large(tr("it has more than {limit} million cells", limit=MAX_CELLS // 1_000_000))
            yield from ((place + index, values) for index in range(repeated))
        place += repeated


def _value(cell: ET.Element) -> str:
    """A cell's value as people read it: dates in their international form, numbers without noise, else as it stands."""
    kind = attribute(cell, "value-type")
    if kind == "float" and (value := attribute(cell, "value")):
        try:
            return shown(float(value))
        except ValueError:
            return value
    if kind == "date" and (found := _DATE.match(attribute(cell, "date-value"))):
        seconds = f":{found[3]}" if found[3] and found[3] != "00" else ""
        time = "" if not found[2] or (found[2] == "00:00" and not seconds) else f" {found[2]}{seconds}"
        return found[1] + time
    if kind == "boolean":
        return attribute(cell, "boolean-value").upper()
    lines = ("".join(_cell_text(each)) for each in cell if local(each) in ("p", "list"))
    return " ".join(line for line in lines if line.strip())


def _cell_text(element: ET.Element) -> Iterator[str]:
    yield element.text or ""
    for each in element:
        yield " " if local(each) in ("s", "tab", "line-break") else ""
        if local(each) not in ("annotation", "note"):
            yield from _cell_text(each)
        yield each.tail or ""


def _repeated(element: ET.Element, name: str, limit: int) -> int:
    count = attribute(element, name)
    return max(1, min(int(count), limit)) if count.isdecimal() and len(count) < 10 else 1


def _box(shape: ET.Element) -> Box | None:
    left, top = _length(attribute(shape, "x")), _length(attribute(shape, "y"))
    width, height = _length(attribute(shape, "width")), _length(attribute(shape, "height"))
    if left is None or top is None:
        return None
    return left, top, left + (width or 0), top + (height or 0)


def _around(boxes: list[Box]) -> Box | None:
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _length(text: str) -> int | None:
    """A length in the file's units as whole numbers that can be compared."""
    found = _LENGTH.fullmatch(text)
    return round(float(found[1]) * _UNITS[found[2] or "px"]) if found and len(text) < 30 else None
