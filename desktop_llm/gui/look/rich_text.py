"""Markdown written into `QTextDocument`s, for answers and model cards; citations are objects inside the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import QRectF
from PySide6.QtGui import (
    QColor,
    QFont,
    QPyTextObject,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextLine,
    QTextListFormat,
    QTextOption,
)

from desktop_llm.gui.look import markdown
from desktop_llm.gui.look.markdown import CodeBlock, Heading, ListBlock, Paragraph, Quote, Rule, Run, Table
from desktop_llm.gui.look.theme import Theme

PILL_OBJECT = QTextFormat.ObjectTypes.UserObject.value + 1
NUMBER = QTextFormat.Property.UserProperty.value + 1
"""The property of a citation's format that holds its number."""

_OBJECT_CHARACTER = "\ufffc"
_WORD_JOINER = "\u2060"
_LINE_BREAK = "\u2028"
_PARAGRAPH_GAP = 10
_ROOMY_LINE = 32
_CITATION_MARK = re.compile(r"\[\d+(?:,\s*\d+)*\]")


_READ = frozenset(
    {"reading", "reading_h1", "reading_h2", "reading_h3", "table", "code", "code_inline", "tiny"}  # tiny: citations
)
_FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link or a citation in a document, at positions [start, end)."""

    start: int
    end: int
    href: str
    citation: int


class Typography:
    """Fonts, line heights and colours at one reading scale in one theme; a new one is made when either changes."""

    def __init__(self, theme: Theme, scale: float = 1.0, *, reading_line: int = 0) -> None:
        """`reading_line` is the pixels from one line of an answer to the next, at scale 1; 0: the theme's."""
        self._theme, self.scale, self._reading_line = theme, scale, reading_line
        self._formats: dict[tuple[str, str], QTextCharFormat] = {}

    def colour(self, name: str) -> QColor:
        return self._theme.colour(name)

    def font(self, type_name: str) -> QFont:
        """The font of a type. Text for reading grows with the reading scale; labels and figures don't."""
        return self._theme.font(type_name, self.scale if type_name in _READ else 1.0)

    def line(self, type_name: str) -> int:
        """The pixels from one line to the next."""
        if type_name == "reading" and self._reading_line:
            return self.px(self._reading_line)
        return self._theme.line_height(type_name, self.scale if type_name in _READ else 1.0)

    def with_room(self) -> Typography:
        """The same with more room between the lines of an answer, for the marks of its words."""
        return Typography(self._theme, self.scale, reading_line=_ROOMY_LINE)

    def px(self, length: float) -> int:
        """A length that grows with the reading scale."""
        return round(length * self.scale)

    def text_format(self, type_name: str, colour: str) -> QTextCharFormat:
        """The character format for a type and a colour."""
        key = (type_name, colour)
        if key not in self._formats:
            result = self._formats[key] = QTextCharFormat()
            result.setFont(self.font(type_name))
            result.setForeground(self.colour(colour))
        return QTextCharFormat(self._formats[key])

    def block_format(self, type_name: str, top: float = 0) -> QTextBlockFormat:
        """The paragraph format for a type, with `top` pixels above it."""
        result = QTextBlockFormat()
        result.setLineHeight(self.line(type_name), _FIXED)
        result.setTopMargin(top)
        return result


def new_document(type_: Typography, type_name: str, pills: QPyTextObject | None = None) -> QTextDocument:
    """An empty document in one of the types of the look; `pills` paints its citations."""
    document = QTextDocument()
    document.setUndoRedoEnabled(False)
    document.setDocumentMargin(0)
    document.setDefaultFont(type_.font(type_name))
    document.setIndentWidth(type_.px(24))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    document.setDefaultTextOption(option)
    if pills is not None:
        document.documentLayout().registerHandler(PILL_OBJECT, pills)
    return document


class DocumentWriter:
    """Writes blocks one after the other and remembers the positions of links and citations."""

    def __init__(
        self, cursor: QTextCursor, type_: Typography, body: str = "reading", colour: str = "text_primary"
    ) -> None:
        self._type, self._body, self._colour = type_, body, colour
        self._cursor = cursor
        self._begun = False
        self.plain_marks = False
        """Whether citations are written as text, [3]: hundreds of marks take 50 ms to lay out and paint."""
        self.anchors: list[Anchor] = []

    def write(self, blocks: Sequence[markdown.Block], depth: int = 0, margin: float = 0) -> None:
        """Append blocks, `depth` lists deep and `margin` pixels in."""
        self._cursor.beginEditBlock()  # otherwise every insertion lays the document out again
        for block in blocks:
            self._write_block(block, depth, margin)
        self._cursor.endEditBlock()

    def _write_block(self, block: markdown.Block, depth: int, margin: float) -> None:
        match block:
            case Paragraph(runs):
                self._begin(self._body, depth, margin)
                self.runs(runs, self._body)
            case Heading(level, runs):
                name = f"reading_h{min(level, 3)}"
                self._begin(name, depth, margin)
                self.runs(runs, name)
            case ListBlock(start, items):
                self._list(start, items, depth + 1, margin)
            case CodeBlock(_, text):
                self._begin("code", depth, margin, background="code_bg")
                self._cursor.insertText(text.replace("\n", _LINE_BREAK), self._type.text_format("code", "code_text"))
            case Quote(blocks):
                self.write(blocks, depth, margin + self._type.px(16))
            case Table(_, rows):
                self._begin(self._body, depth, margin)
                words = _LINE_BREAK.join("   ".join(markdown.runs_text(cell) for cell in row) for row in rows)
                self._cursor.insertText(words, self._type.text_format(self._body, self._colour))
            case Rule():
                pass

    def _begin(self, type_name: str, depth: int, margin: float, background: str = "", gap: int | None = None) -> None:
        wanted = _PARAGRAPH_GAP if gap is None else gap
        format_ = self._type.block_format(type_name, wanted if self._begun else 0)
        format_.setIndent(depth)
        format_.setLeftMargin(margin)
        if background:
            format_.setBackground(self._type.colour(background))
        self.begin(format_, self._type.text_format(type_name, self._colour))

    def begin(self, block: QTextBlockFormat, characters: QTextCharFormat) -> None:
        """Start the next paragraph; the first one uses the block that every document has."""
        if self._begun:
            self._cursor.insertBlock(block, characters)
        else:
            self._cursor.setBlockFormat(block)
            self._cursor.setBlockCharFormat(characters)
        self._begun = True

    def _list(self, start: int | None, items: Sequence[tuple[markdown.Block, ...]], depth: int, margin: float) -> None:
        style = QTextListFormat()
        style.setIndent(depth)
        bullets = (QTextListFormat.Style.ListDisc, QTextListFormat.Style.ListCircle, QTextListFormat.Style.ListSquare)
        style.setStyle(QTextListFormat.Style.ListDecimal if start is not None else bullets[(depth - 1) % 3])
        if start is not None:
            style.setStart(start)
        text_list = None
        for index, item in enumerate(items):
            self._begin(self._body, 0, margin, gap=4 if index or depth > 1 else None)
            if text_list is None:
                text_list = self._cursor.createList(style)
            else:
                text_list.add(self._cursor.block())
            first, rest = (item[0], item[1:]) if item and isinstance(item[0], Paragraph) else (None, item)
            if first is not None:
                self.runs(first.runs, self._body)
            self.write(rest, depth, margin)

    def runs(self, runs: Sequence[Run], type_name: str, colour: str = "", bold: bool = False) -> None:
        """Append text and pills to the last paragraph."""
        for run in runs:
            if run.citation:
                self._pill(run.citation)
            else:
                self._words(run, type_name, colour or self._colour, bold)

    def _words(self, run: Run, type_name: str, colour: str, bold: bool) -> None:
        format_ = self._type.text_format("code_inline" if run.code else type_name, colour)
        if run.bold or bold:
            format_.setFontWeight(QFont.Weight.DemiBold)
        if run.italic:
            format_.setFontItalic(True)
        if run.strike:
            format_.setFontStrikeOut(True)
        if run.code:
            format_.setBackground(self._type.colour("neutral_bg"))
        start = self._cursor.position()
        if run.href:
            format_.setForeground(self._type.colour("accent_text"))
            format_.setFontUnderline(True)
            format_.setAnchor(True)
            format_.setAnchorHref(run.href)
        self._cursor.insertText(run.text.replace("\n", _LINE_BREAK), format_)
        if run.href:
            self.anchors.append(Anchor(start, self._cursor.position(), run.href, 0))

    def _pill(self, number: int) -> None:
        if self.plain_marks:
            start = self._cursor.position()
            self._cursor.insertText(f"[{number}]", self._type.text_format(self._body, "accent_text"))
            self.anchors.append(Anchor(start, self._cursor.position(), "", number))
            return
        format_ = QTextCharFormat()
        format_.setObjectType(PILL_OBJECT)
        format_.setProperty(NUMBER, number)
        format_.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
        self._cursor.insertText(_WORD_JOINER)
        start = self._cursor.position()
        self._cursor.insertText(_OBJECT_CHARACTER, format_)
        self.anchors.append(Anchor(start, self._cursor.position(), "", number))


def range_rects(document: QTextDocument, start: int, end: int) -> list[QRectF]:
    """The rectangles of the characters [start, end), one for each line, in the document's coordinates."""
    found: list[QRectF] = []
    block = document.findBlock(start)
    while block.isValid() and block.position() < end:
        layout = block.layout()
        corner = document.documentLayout().blockBoundingRect(block).topLeft()  # a layout's own position ignores cells
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            first = max(start - block.position(), line.textStart())
            last = min(end - block.position(), line.textStart() + line.textLength())
            last = first + len(block.text()[first:last].rstrip())  # a line's trailing blank takes room but is invisible
            if first < last:
                left, right = _x_of(line, first), _x_of(line, last)
                box = QRectF(min(left, right), line.y(), abs(right - left), line.height())
                found.append(box.translated(corner))
        block = block.next()
    return found


def rects_of(document: QTextDocument, spans: Sequence[tuple[int, int]]) -> list[list[QRectF]]:
    """The same for many spans, which are in order and don't overlap, in one pass; none of them ends with a blank."""
    found: list[list[QRectF]] = [[] for _ in spans]
    at, block = 0, document.findBlock(spans[0][0]) if spans else document.end()
    while block.isValid() and at < len(spans):
        layout, start = block.layout(), block.position()
        corner = document.documentLayout().blockBoundingRect(block).topLeft()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            first = start + line.textStart()
            last, top, height = first + line.textLength(), line.y() + corner.y(), line.height()
            while at < len(spans) and spans[at][1] <= first:
                at += 1
            for place in range(at, len(spans)):
                if spans[place][0] >= last:
                    break
                left = _x_of(line, max(first, spans[place][0]) - start)
                right = _x_of(line, min(last, spans[place][1]) - start)
                found[place].append(QRectF(min(left, right) + corner.x(), top, abs(right - left), height))
        block = block.next()
    return found


def _x_of(line: QTextLine, position: int) -> float:
    """The x of a position; PySide also returns the corrected position."""
    x, _position = cast(tuple[float, int], line.cursorToX(position))
    return x


def selected_text(document: QTextDocument, start: int, end: int) -> str:
    """The text between two positions, citations as [n]."""
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    raw = cursor.selectedText()
    if _OBJECT_CHARACTER not in raw:
        return _without_joins(document, start, raw).translate(_PLAIN)
    pieces: list[str] = []
    at = start
    for character in raw:
        at += 2 if character > "\uffff" else 1
        if character == _OBJECT_CHARACTER:
            cursor.setPosition(at)
            gap = " " if pieces and not pieces[-1].isspace() else ""
            pieces.append(f"{gap}[{cursor.charFormat().intProperty(NUMBER)}]")
        elif character != _WORD_JOINER:
            pieces.append("\n" if character in (_LINE_BREAK, "\u2029") else character)
    return "".join(pieces)


_PLAIN = {ord(_WORD_JOINER): None, ord(_LINE_BREAK): "\n", 0x2029: "\n"}


CUT = 1
"""The state of a text block that continues the line of the block before it: the line was too long for one."""


def _without_joins(document: QTextDocument, start: int, raw: str) -> str:
    """The selected text without the breaks before blocks that continue a line."""
    block = document.findBlock(start).next()
    if not block.isValid() or "\u2029" not in raw:
        return raw
    first, *rest = raw.split("\u2029")
    pieces = [first]
    for line in rest:
        pieces.append(line if block.userState() == CUT else "\u2029" + line)
        block = block.next()
    return "".join(pieces)


def broken_lines(document: QTextDocument) -> list[str]:
    """The text in lines as they are broken on screen, without blanks around them."""
    found, block = [], document.begin()
    while block.isValid():
        for number in range(block.layout().lineCount()):
            line = block.layout().lineAt(number)
            start = block.position() + line.textStart()
            found.append(selected_text(document, start, start + line.textLength()).strip())
        block = block.next()
    return found


def sentence_letters(sentence: str) -> str:
    """The letters of a sentence of the Markdown source, without its marks, blanks and citations."""
    words = _CITATION_MARK.sub("", markdown.plain(markdown.parse(sentence)))
    return "".join(words.split())


def letters_of(document: QTextDocument) -> tuple[str, list[int]]:
    """The letters of a document, without blanks and citations, and the position of each."""
    letters, positions, at = [], [], 0
    for character in document.toRawText():
        if not (character.isspace() or character in (_OBJECT_CHARACTER, _WORD_JOINER)):
            letters.append(character)
            positions.append(at)
        at += 2 if character > "\uffff" else 1
    return "".join(letters), positions


def find_letters(document: QTextDocument, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """The positions of sentences (given by `sentence_letters`) in a document; missing ones are left out."""
    text, positions = letters_of(document)
    found = [(text.find(each), len(each)) for each in wanted if each]
    return [(positions[index], positions[index + length - 1] + 1) for index, length in found if index >= 0]
