"""Word documents (OOXML, transitional and strict), read from their XML by local names.

What Word shows is kept in order: paragraphs with their automatic numbers, headings, tables, text boxes, content
controls, inserted text, formulas, charts and diagrams; notes and comments follow the paragraph that they belong to,
headers and footers the whole text. Deleted and hidden text is left out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Parsing, Source, Summary
from desktop_llm.knowledge.readers.blocks import LONGEST_CELL, Block, looks_like_header, page_of, row, title_of
from desktop_llm.knowledge.readers.docx_styles import Look, Styles, is_on
from desktop_llm.knowledge.readers.drawings import chart_blocks, diagram_blocks, formula
from desktop_llm.knowledge.readers.numbering import WordLists
from desktop_llm.knowledge.readers.package import (
    Package,
    Relation,
    attribute,
    child,
    descendants,
    local,
    opened,
)
from desktop_llm.words import tr

_MAIN_PART = "word/document.xml"
_NOTES = {"footnotes": "footnote", "endnotes": "endnote", "comments": "comment"}
_MARGINS = ("header", "footer")
# Deleted or moved away, code of fields, properties, a second form of the same content, furigana.
_NOT_SHOWN = frozenset(
    {"del", "moveFrom", "Fallback", "pPr", "rPr", "tblPr", "trPr", "tcPr", "tblGrid", "sdtPr", "instrText"}
    | {"delText", "delInstrText", "sectPr", "rt", "fldData"}
)
_FIXED_TEXT = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_SEPARATORS = frozenset({"separator", "continuationSeparator", "continuationNotice"})
# Check boxes, ticks and arrows that Word takes from the fonts Symbol and Wingdings.
_SYMBOLS = {
    "F0FE": "☒", "F0FD": "☒", "F078": "☒", "F0A8": "☐", "F06F": "☐", "F0FC": "✓", "F0FB": "✗", "F0B7": "•", "F0A7": "▪",
    "F0E0": "→", "F0E8": "→", "F0DF": "←", "F0B0": "°", "F0B1": "±", "F0B3": "≥", "F0A3": "≤", "F0B4": "×", "F06D": "µ",
}  # fmt: skip
_MAX_SPAN = 63  # Word's own limit of columns
_INDENT = 2  # spaces for each level of a list


def read(source: Source) -> Parsing:
    """The document as one page. Raises DocumentError for protected, damaged or exploding files."""
    with opened(source) as package:
        page = page_of(_blocks_of(package))
        title = package.title()
    yield page
    return Summary(title or title_of(page) or source.stem)


def blocks_of(source: Source) -> list[Block]:
    """The blocks of a document inside another one."""
    with opened(source) as package:
        return list(_blocks_of(package))


def _blocks_of(package: Package) -> Iterator[Block]:
    main = next((each.part for each in package.relations("").values() if each.kind == "officeDocument"), _MAIN_PART)
    if main not in package:
        raise DocumentError(tr("Damaged or not a Word document"), cause="damaged")
    relations = package.relations(main)

    def part_of(kind: str) -> ET.Element | None:
        # Files without relations are read by the usual names.
        usual = f"{main.rpartition('/')[0]}/{kind}.xml".lstrip("/")
        name = next((each.part for each in relations.values() if each.kind == kind), usual)
        return package.side_part(name)

    styles = Styles.of(part_of("styles"))
    lists = WordLists(part_of("numbering"), styles.list_styles)
    notes = {kind: _notes(part_of(kind), kind) for kind in _NOTES}
    reading = _Reading(package, styles, lists, notes)
    yield from _Walk(reading, relations).blocks(package.parsed(main))
    for kind, found in notes.items():
        for note in found.values():  # notes that nothing refers to
            yield from _Walk(reading, package.relations(f"{main.rpartition('/')[0]}/{kind}.xml")).blocks(note)
    yield from _margins(reading, main, relations)


def _notes(root: ET.Element | None, kind: str) -> dict[str, ET.Element]:
    """The notes of one kind by their identity, without the lines that separate them from the text."""
    notes = root if root is not None else ()
    return {
        attribute(note, "id") or str(number): note
        for number, note in enumerate(notes)
        if local(note) == _NOTES[kind] and attribute(note, "type") not in _SEPARATORS
    }


def _margins(reading: _Reading, main: str, relations: dict[str, Relation]) -> Iterator[Block]:
    """Headers and footers, each text once."""
    folder = main.rpartition("/")[0]
    usual = re.compile(rf"{re.escape(folder)}/?(?:header|footer)\d*\.xml")
    names = [each.part for each in relations.values() if each.kind in _MARGINS]
    seen: set[str] = set()
    for name in dict.fromkeys([*sorted(names), *sorted(filter(usual.fullmatch, reading.package.names()))]):
        root = reading.package.side_part(name)
        walk = _Walk(reading, reading.package.relations(name))
        for block in walk.blocks(root) if root is not None else ():
            if block.text not in seen and not block.text.strip().isdigit():
                seen.add(block.text)
                yield block


@dataclass(slots=True)
class _Reading:
    """What all parts of one document share: styles, lists and their counters, and the notes not yet placed."""

    package: Package
    styles: Styles
    lists: WordLists
    notes: dict[str, dict[str, ET.Element]]
    tables: int = 0
    shown_notes: int = 0


class _Walk:
    """Turns a part's elements into blocks, in the order of the text."""

    def __init__(self, reading: _Reading, relations: dict[str, Relation], *, in_cell: bool = False) -> None:
        self._reading = reading
        self._in_cell = in_cell
        self._relations = relations
        self._aside: list[Block] = []  # notes, comments and objects, to come after the paragraph
        self._boxes: list[ET.Element] = []
        self._carried = ""
        self._run_in: Block | None = None
        self._code = 0  # how many fields are open of which the code, and not yet the result, is read
        self._fields: list[bool] = []

    def blocks(self, container: ET.Element) -> Iterator[Block]:
        """The blocks inside an element that holds paragraphs and tables, at any depth."""
        yield from self._blocks(container)
        if self._carried.strip() or self._run_in:
            yield from self._finished(self._carried.strip(), Look())
        yield from self._set_aside()

    def _blocks(self, container: ET.Element) -> Iterator[Block]:
        for element in container:
            name = local(element)
            if name == "p":
                yield from self._paragraph(element)
            elif name == "tbl":
                self._reading.tables += 1
                yield from self._rows(_rows_in(element), self._reading.tables)
            elif name == "tr":
                yield from self._rows([element], 0)
            elif name == "altChunk":
                yield from self._chunk(self._relations.get(attribute(element, "id")))
            elif name not in _NOT_SHOWN:
                yield from self._blocks(element)

    def _paragraph(self, paragraph: ET.Element) -> Iterator[Block]:
        properties = child(paragraph, "pPr")
        look = self._reading.styles.paragraph(properties)
        parts: list[str] = []
        self._inline(paragraph, parts, look.hidden)
        self._close_codes()
        text, end = "".join(parts), child(properties, "rPr")
        if child(end, "del") is not None or child(end, "moveFrom") is not None:
            self._carried += text  # the end of the paragraph is deleted, so the next one continues it
        elif is_on(child(end, "vanish")):
            if text.strip():  # a heading on the same line as the text that follows
                self._run_in = Block(self._label(look) + text.strip(), look.heading)
        else:
            text, self._carried = (self._carried + text).strip(), ""
            yield from self._finished(text, look)

    def _finished(self, text: str, look: Look) -> Iterator[Block]:
        before, self._run_in = self._run_in, None
        if before is not None:
            yield replace(before, text=f"{before.text} {text}", title=before.text)
        else:
            label = self._label(look)
            if text:
                yield Block(label + text, look.heading, "list" if label and not look.heading else "")
        yield from self._set_aside()

    def _set_aside(self) -> Iterator[Block]:
        """Text boxes, notes, comments and objects of the paragraph that just ended."""
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            yield from self._blocks(box)
        if not self._in_cell:  # a table's notes come after the table
            aside, self._aside = self._aside, []
            yield from aside

    def _label(self, look: Look) -> str:
        """What Word writes before the next paragraph that looks so. Asking counts."""
        if not look.list_id or look.list_id == "0":
            return ""
        lists = self._reading.lists
        level = lists.level(look.list_id, look.list_levels)
        label = lists.label(look.list_id, level)
        alone = look.heading or lists.shows_all_levels(look.list_id, level)
        return label if alone or not label else " " * _INDENT * level + label

    def _inline(self, element: ET.Element, parts: list[str], hidden: bool) -> None:
        for each in element:
            name = local(each)
            if name == "fldChar":
                data = child(each, "ffData")
                parts.append("" if data is None or hidden or self._code else _form_field(data))
                self._field(attribute(each, "fldCharType"))
            elif name == "r":
                self._inline(each, parts, self._reading.styles.hides(child(each, "rPr"), hidden))
            elif name == "txbxContent":
                self._boxes.append(each)
            elif name in _NOT_SHOWN or hidden or self._code:
                continue
            elif name == "t":
                parts.append(each.text or "")
            elif name in _FIXED_TEXT:
                parts.append(_FIXED_TEXT[name])
            elif name == "sym":
                parts.append(_symbol(attribute(each, "char")))
            elif name == "oMath":
                parts.append(formula(each))
            elif name in ("footnoteReference", "endnoteReference", "commentReference"):
                self._note(name.removesuffix("Reference") + "s", attribute(each, "id"))
            elif name in ("chart", "relIds", "OLEObject"):
                self._object(name, each)
            else:
                self._inline(each, parts, hidden)

    def _field(self, kind: str) -> None:
        """Follow a field: its code is not shown, its result is."""
        if kind == "begin":
            self._fields.append(True)
        elif kind == "separate" and self._fields:
            self._fields[-1] = False
        elif kind == "end" and self._fields:
            self._fields.pop()
        self._code = sum(self._fields)

    def _close_codes(self) -> None:
        # No code is longer than a paragraph, so one without an end must not hide the rest of the document.
        self._fields = [False] * len(self._fields)
        self._code = 0

    def _note(self, kind: str, identity: str) -> None:
        note = self._reading.notes[kind].pop(identity, None)
        if note is None:
            return
        text = "\n".join(block.text for block in _Walk(self._reading, {}).blocks(note))
        if kind == "comments":
            said = tr("Comment by {author}: {text}", author=attribute(note, "author") or "?", text=text)
            self._aside.append(Block(said))
        elif text:
            self._reading.shown_notes += 1
            self._aside.append(Block(tr("Note {number}: {text}", number=self._reading.shown_notes, text=text)))

    def _object(self, name: str, element: ET.Element) -> None:
        """A chart, a diagram or an embedded file."""
        package = self._reading.package
        target = self._relations.get(attribute(element, "dm" if name == "relIds" else "id"))
        if name == "OLEObject":
            file = target.part.rpartition("/")[2] if target else ""
            said = " ".join(filter(None, (attribute(element, "ProgID"), f"({file})" if file else "")))
            self._aside.append(Block(tr("Embedded document: {name}", name=said)))
        elif target and (root := package.side_part(target.part)) is not None:
            self._reading.tables += 1
            make = diagram_blocks if name == "relIds" else chart_blocks
            self._aside += make(root, self._reading.tables)

    def _chunk(self, target: Relation | None) -> Iterator[Block]:
        """A document of another format that Word shows as part of this one."""
        if target is None or target.part not in self._reading.package:
            return
        from desktop_llm.knowledge.readers import html, kind_of, rtf, text

        kind, data = kind_of(target.part), self._reading.package.data(target.part)
        module = kind.module if kind else "text"
        source = Source(target.part, data)
        if module == "docx":
            yield from blocks_of(source)
        else:
            readers = {"html": html, "rtf": rtf}
            for page in readers.get(module, text).read(source):
                yield from (Block(part) for part in page.text.split("\n\n"))

    def _rows(self, rows: Iterable[ET.Element], number: int) -> Iterator[Block]:
        found = [(each, self._cells_of(each)) for each in rows]
        if any(_lays_out(cells) for _, cells in found):
            number = 0
        width = max((len(cells) for _, cells in found), default=0)
        for index, (element, cells) in enumerate(found):
            texts = [" ".join(block.text for block in cell) for cell in cells]
            named = any(is_on(mark) for mark in descendants(child(element, "trPr"), "tblHeader"))
            header = index == 0 and len(found) > 1 and width > 1 and (named or looks_like_header(texts, width))
            if _lays_out(cells):
                yield from (block for cell in cells for block in cell)
            elif made := row(texts, number, header=header and number > 0):
                yield made
        yield from self._set_aside()

    def _cells_of(self, table_row: ET.Element) -> list[list[Block]]:
        cells: list[list[Block]] = [[]] * _span(table_row, "trPr", "gridBefore")
        for cell in _cells(table_row):
            inside = _Walk(self._reading, self._relations, in_cell=True)
            cells.append(list(inside.blocks(cell)))
            self._aside += inside._aside
            cells += [[]] * (_span(cell, "tcPr", "gridSpan") - 1)
        return cells


def _lays_out(cells: list[list[Block]]) -> bool:
    """Whether a row only lays out a text."""
    return any(len(cell) > 1 and sum(len(block.text) for block in cell) > LONGEST_CELL for cell in cells)


def _rows_in(container: ET.Element) -> Iterator[ET.Element]:
    for each in container:
        name = local(each)
        if name == "tr":
            properties = child(each, "trPr")
            if child(properties, "del") is None and not is_on(child(properties, "hidden")):
                yield each
        elif name not in _NOT_SHOWN:
            yield from _rows_in(each)  # a content control around a row


def _cells(table_row: ET.Element) -> Iterator[ET.Element]:
    for each in table_row:
        if local(each) == "tc":
            if child(each, "tcPr", "cellDel") is None:
                yield each
        elif local(each) not in _NOT_SHOWN:
            yield from _cells(each)  # a content control around a cell


def _span(element: ET.Element, properties: str, name: str) -> int:
    value = attribute(child(element, properties, name), "val")
    return min(int(value), _MAX_SPAN) if value.isdecimal() else 0


def _symbol(code: str) -> str:
    if known := _SYMBOLS.get(code.upper()):
        return known
    letter = chr(int(code, 16)) if re.fullmatch("[0-9A-Fa-f]{1,4}", code) else ""
    return "" if "\ud800" <= letter <= "\uf8ff" else letter


def _form_field(data: ET.Element) -> str:
    """The state of an old form's check box or list; what was typed into its fields stands in the text anyway."""
    if (box := child(data, "checkBox")) is not None:
        mark = child(box, "checked")
        return "☒" if is_on(mark if mark is not None else child(box, "default")) else "☐"
    if (choice := child(data, "ddList")) is not None:
        entries = [attribute(each, "val") for each in choice if local(each) == "listEntry"]
        index = attribute(child(choice, "result"), "val") or "0"
        return entries[int(index)] if index.isdecimal() and int(index) < len(entries) else ""
    return ""
