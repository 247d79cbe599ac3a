"""Word documents (OOXML, transitional and strict), read from their XML by local names.

Paragraphs, headings, lists, tables, text boxes, content controls, inserted text, notes, headers and footers are kept in
order; deleted text is left out. The XML is taken part by part under a limit, and a part that declares a document type
is refused because Word never writes one. So no zip bomb unpacks and no entity expands.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_PART_BYTES, MAX_UNPACKED_BYTES
from desktop_llm.knowledge.readers import Parsing, Source, Summary, too_large
from desktop_llm.knowledge.readers.blocks import BULLET, LONGEST_CELL, Block, page_of, row, title_of
from desktop_llm.words import tr

_MAIN_PART = "word/document.xml"
_NOTES = re.compile(r"(?:footnotes|endnotes)\.xml")
_MARGINS = re.compile(r"(?:header|footer)\d*\.xml")
_HEADING_NAME = re.compile(r"heading (\d)|title()", re.IGNORECASE)
_NOT_SHOWN = frozenset({"del", "moveFrom", "Fallback", "pPr", "rPr", "instrText", "delText", "sectPr"})
_FIXED_TEXT = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_OUTLINE_LEVELS = list("012345678")
# The level that marks a list style, which is not a heading.
_LISTED = -1
_WIDE_DOCTYPES = ("<!DOC".encode("utf-16-le"), "<!DOC".encode("utf-16-be"))
_OLE_FILE = b"\xd0\xcf\x11\xe0"


def read(source: Source) -> Parsing:
    """The document as one page, notes, headers and footers after its text.

    Raises DocumentError for encrypted, damaged or exploding files.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as file:
            package = _Package(file)
            page = page_of(_blocks_of(package))
            title = _core_title(package)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        if isinstance(error, RecursionError):
            raise
        raise _damage(source.data) from None
    except ET.ParseError:
        raise DocumentError(tr("Damaged: a part of it is not readable"), cause="damaged") from None
    yield page
    return Summary(title or title_of(page) or source.stem)


def _damage(data: bytes) -> DocumentError:
    if data.startswith(_OLE_FILE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            return DocumentError(tr("Protected by a password"), cause="protected")  # a password would not help
        return DocumentError(tr("An old Word format (.doc) under another name"), cause="format")
    if not data.startswith(b"PK"):
        return _not_word()
    whole = b"PK\x05\x06" in data[-66_000:]
    return DocumentError(tr("Damaged") if whole else tr("Damaged: it ends too early"), cause="damaged")


def _not_word() -> DocumentError:
    return DocumentError(tr("Damaged or not a Word document"), cause="damaged")


class _Package:
    """The parts of the document, unpacked and parsed one at a time within the limits for each and for all of them."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._left_bytes = MAX_UNPACKED_BYTES
        self.names = frozenset(file.namelist())

    def parsed(self, name: str) -> ET.Element:
        """The root of a part's XML. Raises DocumentError for a part that explodes or declares entities."""
        size = self._file.getinfo(name).file_size
        limit = min(MAX_PART_BYTES, self._left_bytes)
        if size > limit:
            raise too_large(
                tr(
                    "it unpacks to {size:,.0f} MB, and {limit:,.0f} MB is the limit",
                    size=(MAX_UNPACKED_BYTES - self._left_bytes + size) / 1e6,
                    limit=(MAX_UNPACKED_BYTES if limit < MAX_PART_BYTES else MAX_PART_BYTES) / 1e6,
                )
            )
        self._left_bytes -= size
        # The unpacker stops at the size that was declared, so a lie ends as damage and not as memory.
        data = self._file.read(name)
        wide = b"\x00" in data[:100]
        if (b"<\x00!\x00D\x00O\x00C\x00" if wide else b"<!DOCTYPE") in data or (
            wide and b"\x00<\x00!\x00D\x00O" in data
        ):
            raise DocumentError(tr("Damaged: it declares entities, which no Word document does"), cause="damaged")
        return ET.fromstring(data)


def _blocks_of(package: _Package) -> Iterator[Block]:
    main = _main_part(package)
    if main not in package.names:
        raise _not_word()
    folder = main.rpartition("/")[0] + "/" if "/" in main else ""
    levels = _heading_levels(package, folder + "styles.xml")
    yield from _Walk(levels).blocks(package.parsed(main))
    for wanted in (_NOTES, _MARGINS):
        for name in sorted(package.names):
            if name.startswith(folder) and wanted.fullmatch(name[len(folder) :]):
                yield from _Walk({}).blocks(package.parsed(name))


def _main_part(package: _Package) -> str:
    if "_rels/.rels" in package.names:
        for relation in package.parsed("_rels/.rels"):
            if relation.get("Type", "").endswith("/officeDocument"):
                return relation.get("Target", _MAIN_PART).lstrip("/")
    return _MAIN_PART


def _core_title(package: _Package) -> str:
    if "docProps/core.xml" not in package.names:
        return ""
    found = (element.text or "" for element in package.parsed("docProps/core.xml") if _local(element) == "title")
    return " ".join(next(found, "").split())[:300]


def _heading_levels(package: _Package, part: str) -> dict[str, int]:
    """The level of each paragraph style that is a heading or a list, by its id; styles inherit it."""
    if part not in package.names:
        return {}
    levels: dict[str, int] = {}
    based_on: dict[str, str] = {}
    for style in package.parsed(part):
        identity = _attribute(style, "styleId")
        based_on[identity] = _value(style, "basedOn")
        if level := _own_level(style):
            levels[identity] = level
    for identity in based_on:
        ancestor, seen = identity, {""}
        while ancestor not in seen and ancestor not in levels:
            seen.add(ancestor)
            ancestor = based_on.get(ancestor, "")
        if ancestor in levels:
            levels[identity] = levels[ancestor]
    return levels


def _own_level(style: ET.Element) -> int:
    if named := _HEADING_NAME.fullmatch(_value(style, "name")):
        return int(named[1] or 1)
    outline = _value(style, "outlineLvl")
    if outline in _OUTLINE_LEVELS:
        return _OUTLINE_LEVELS.index(outline) + 1
    return _LISTED if _descendant(style, "numPr") is not None else 0


class _Walk:
    """Turns a part's elements into blocks, in the order of the text."""

    def __init__(self, levels: dict[str, int]) -> None:
        self._levels = levels

    def blocks(self, container: ET.Element) -> Iterator[Block]:
        """The blocks inside an element that holds paragraphs and tables, at any depth."""
        for element in container:
            name = _local(element)
            if name == "p":
                yield from self._paragraph(element)
            elif name == "tr":
                yield from self._row(element)
            elif name not in _NOT_SHOWN:
                yield from self.blocks(element)

    def _row(self, table_row: ET.Element) -> Iterator[Block]:
        cells = [list(self.blocks(cell)) for cell in _cells(table_row)]
        if any(len(cell) > 1 and sum(len(block.text) for block in cell) > LONGEST_CELL for cell in cells):
            yield from (block for cell in cells for block in cell)  # the table only lays out a text
        elif found := row(" ".join(block.text for block in cell) for cell in cells):
            yield found

    def _paragraph(self, paragraph: ET.Element) -> Iterator[Block]:
        parts: list[str] = []
        boxes: list[ET.Element] = []
        self._inline(paragraph, parts, boxes)
        style = _child(paragraph, "pPr")
        level = self._level(style)
        text = "".join(parts).strip()
        if level == _LISTED and text:
            yield Block(BULLET + text, group="list")
        else:
            yield Block(text, max(level, 0))
        for box in boxes:
            yield from self.blocks(box)

    def _level(self, style: ET.Element | None) -> int:
        if style is None:
            return 0
        own = _LISTED if _child(style, "numPr") is not None else 0
        return self._levels.get(_value(style, "pStyle"), own) or own

    def _inline(self, element: ET.Element, parts: list[str], boxes: list[ET.Element]) -> None:
        for child in element:
            name = _local(child)
            if name == "t":
                parts.append(child.text or "")
            elif name in _FIXED_TEXT:
                parts.append(_FIXED_TEXT[name])
            elif name == "txbxContent":
                boxes.append(child)
            elif name not in _NOT_SHOWN:
                self._inline(child, parts, boxes)


def _cells(table_row: ET.Element) -> Iterator[ET.Element]:
    for child in table_row:
        if _local(child) == "tc":
            yield child
        elif _local(child) not in _NOT_SHOWN:
            yield from _cells(child)  # a content control around a cell


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((child for child in element if _local(child) == name), None)


def _attribute(element: ET.Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _descendant(element: ET.Element, name: str) -> ET.Element | None:
    return next((child for child in element.iter() if _local(child) == name), None)


def _value(element: ET.Element, name: str) -> str:
    """The `val` of the first descendant called `name`."""
    found = _descendant(element, name)
    return "" if found is None else _attribute(found, "val")
