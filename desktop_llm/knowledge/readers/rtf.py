"""Rich Text Format, as Word and its successors write it (its specification, 1.9.1).

Read from tokens in one pass: every code page, tables, headings by their styles, the written numbers of lists; notes and
comments follow their paragraph, headers and footers the whole text. Hidden and deleted text, field codes and everything
that a reader does not need to know ("\\*") is left out.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Parsing, Source, Summary
from desktop_llm.knowledge.readers.blocks import BULLET, Block, looks_like_header, page_of, row, title_of
from desktop_llm.words import tr

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|[^\\{}\r\n]+|\\"
)
_HEADING_NAME = re.compile(r"heading (\d)|title()", re.IGNORECASE)
# Code pages by the number of a font's character set.
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437", 255: "cp850",
}  # fmt: skip
_SYMBOL_CHARSET = 2
_FIXED = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ", "nestcell": " ",
    "~": "\xa0", "_": "-", "{": "{", "}": "}", "\\": "\\",
}  # fmt: skip
_PARAGRAPH_ENDS = frozenset({"par", "sect", "page", "column", "nestrow", "\n", "\r"})
# Groups without text. Those of "\\*" are skipped unless they are named below.
_WITHOUT_TEXT = """
    colortbl pict objdata filetbl revtbl rsidtbl listtable listoverridetable nonshppict tc xe rxe txe fldinst sp private
    upr shpinst info bkmkstart bkmkend mmathPict themedata datastore objclass objname ftnsep ftnsepc aftnsep aftnsepc
    pntxta pntxtb template ffname ffdeftext
"""
_SKIPPED = frozenset(_WITHOUT_TEXT.split())
_TEXT = frozenset({"listtext", "pntext", "shptxt", "ud", "moMath", "moMathPara", "dptxbxtext"})
_NAMES = {"fonttbl": "fonts", "stylesheet": "styles", "title": "title", "atnauthor": "author"}
_ASIDE = frozenset({"footnote", "annotation"})
_HEADERS = "header headerl headerr headerf footer footerl footerr footerf"
_MARGINS = frozenset(_HEADERS.split())


@dataclass(slots=True)
class _Text:
    """A stretch of paragraphs: the body, a note, or the headers and footers."""

    blocks: list[Block] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    aside: list[Block] = field(default_factory=list)
    label: str = ""
    level: int = 0
    in_table: bool = False


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until the closing brace. `role`: what its characters are, "" if they are skipped; `aside`: the text
    itself is a note, to be placed when the group ends.
    """

    text: _Text
    role: str = "text"
    aside: str = ""
    font: int = -1
    hidden: bool = False
    deleted: bool = False
    not_html: bool = False
    fallback: int = 1


def read(source: Source) -> Parsing:
    """The document as one page. Raises DocumentError if it is none, or "Empty"."""
    if b"{\\rtf" not in source.data[:1024]:
        raise DocumentError(tr("Damaged, or not what its name says"), cause="damaged")
    reading = _Reading()
    page = page_of(reading.blocks(source.data.decode("latin-1")))
    yield page
    return Summary(reading.title or title_of(page) or source.stem)


class _Reading:
    """Follows the tokens of one document."""

    def __init__(self) -> None:
        self.title = ""
        self._margins = _Text()
        self._group = _Group(_Text())
        self._stack: list[_Group] = []
        self._starred = False
        self._bytes = bytearray()  # characters in a code page that are not decoded yet
        self._name: list[str] = []  # the letters of a style, the title or an author
        self._codec = "cp1252"
        self._default_font = -1
        self._fonts: dict[int, str] = {}
        self._symbols: set[int] = set()
        self._headings: dict[int, int] = {}
        self._number = -1  # of the font or style that is defined now
        self._author = ""
        self._skip = 0
        self._tables = self._notes = 0

    def blocks(self, text: str) -> list[Block]:
        """All paragraphs and tables, headers and footers last."""
        body, place = self._group.text, max(text.find("{\\rtf"), 0)
        while token := _TOKEN.match(text, place):
            place = token.end()
            word, number, code, symbol, brace = token.groups()
            if word == "bin":
                place += max(int(number or 0), 0)
            elif word:
                self._word(word, number or "")
            elif code:
                self._characters(bytes([int(code, 16)]))
            elif brace:
                self._brace(brace)
            elif symbol == "*":
                self._starred = True
            elif symbol:
                self._symbol(symbol)
            else:
                self._characters(token[0].strip("\r\n\\").encode("latin-1"))
        self._end_text(body)
        self._end_text(self._margins)
        return [*body.blocks, *self._margins.blocks]

    def _brace(self, brace: str) -> None:
        self._decode()
        self._skip = 0
        self._starred = False
        if brace == "{":
            self._stack.append(self._group)
        elif self._stack:
            ended, self._group = self._group, self._stack.pop()
            if ended.aside and not self._group.aside:
                self._place_aside(ended)
            elif ended.role != self._group.role:
                self._end_name(ended.role)

    def _word(self, word: str, number: str) -> None:
        starred, self._starred = self._starred, False
        self._decode()
        self._skip = 0
        group = self._group
        if word == "u":
            self._unicode(int(number or 0))
        elif word in _FIXED:
            self._add(_FIXED[word])
        elif word in _PARAGRAPH_ENDS:
            self._end_paragraph()
        elif word in ("cell", "row"):
            self._end_cell() if word == "cell" else self._end_row()
        elif word in _NAMES:
            self._group = replace(group, role=_NAMES[word])
            self._name = []
        elif word in _MARGINS:
            self._group = replace(group, text=self._margins)
        elif word in _ASIDE and not group.aside:
            self._group = replace(group, text=_Text(), aside=word, role="text")
        elif word in _TEXT:
            self._group = replace(group, role="label" if word in ("listtext", "pntext") else "text")
        elif word in _SKIPPED or starred:
            self._group = replace(group, role="")
        else:
            self._property(word, number)

    def _property(self, word: str, number: str) -> None:
        """Words that change how the following is read."""
        group, value, on = self._group, int(number or 0), number != "0"
        if word == "f":
            self._number = value
            self._group = replace(group, font=value)
        elif word == "v":
            self._group = replace(group, hidden=on)
        elif word == "deleted":
            self._group = replace(group, deleted=on)
        elif word == "htmlrtf":  # what an e-mail program adds to a text that was HTML
            self._group = replace(group, not_html=on)
        elif word == "plain":
            self._group = replace(group, font=self._default_font, hidden=False, deleted=False)
        elif word == "uc":
            self._group = replace(group, fallback=max(value, 0))
        elif word == "pard":
            group.text.level, group.text.in_table = 0, False
        elif word == "intbl":
            group.text.in_table = True
        elif word == "s":
            self._number = value
            group.text.level = self._headings.get(value, 0) if group.role != "styles" else group.text.level
        elif word == "outlinelevel":
            level = value + 1 if 0 <= value < 9 else 0
            if group.role == "styles":
                self._headings[self._number] = level
            else:
                group.text.level = level
        elif word == "fcharset" and group.role == "fonts":
            self._fonts[self._number] = _CHARSETS.get(value, "")
            self._symbols.update({self._number} if value == _SYMBOL_CHARSET else ())
        elif word in ("ansicpg", "mac", "pc", "pca"):
            self._codec = _known_codec({"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}.get(word, f"cp{value}"))
        elif word == "cpg" and group.role == "fonts":
            self._fonts[self._number] = _known_codec(f"cp{value}")
        elif word == "deff":
            self._default_font = value

    def _symbol(self, symbol: str) -> None:
        self._decode()
        if symbol in _PARAGRAPH_ENDS:
            self._end_paragraph()
        elif symbol in _FIXED:
            self._add(_FIXED[symbol])

    def _unicode(self, value: int) -> None:
        code = value % 0x10000 if value < 0 else value
        if 0xF000 <= code <= 0xF0FF:  # a character of a symbol font
            code = ord("•") if code in (0xF0B7, 0xF0A7, 0xF0D8) else code - 0xF000
        self._add(chr(code) if code <= 0x10FFFF else "")
        self._skip = self._group.fallback

    def _characters(self, data: bytes) -> None:
        """Bytes in the current code page, of which those that only stand for the last \\u are skipped."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._starred = False
        if self._group.role:
            self._bytes += data

    def _decode(self) -> None:
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            text = data.decode(self._fonts.get(self._group.font, "") or self._codec, "replace")
            self._add(text.replace("·", "•") if self._group.font in self._symbols else text)

    def _add(self, text: str) -> None:
        group = self._group
        if group.role == "text":
            if not (group.hidden or group.deleted or group.not_html):
                group.text.parts.append(text)
        elif group.role == "label":
            group.text.label += text if not group.hidden else ""
        elif group.role == "styles":
            self._name_style(text)
        elif group.role:
            self._name.append(text)

    def _name_style(self, text: str) -> None:
        self._name.append(text)
        if ";" in text:
            named = _HEADING_NAME.fullmatch("".join(self._name).partition(";")[0].strip())
            if named and self._number >= 0:
                self._headings[self._number] = int(named[1] or 1)
            self._name, self._number = [], -1

    def _end_name(self, role: str) -> None:
        if role == "title":
            self.title = " ".join("".join(self._name).split())[:300]
        elif role == "author":
            self._author = "".join(self._name).strip()

    def _place_aside(self, ended: _Group) -> None:
        self._end_text(ended.text)
        text = "\n".join(block.text for block in ended.text.blocks)
        if not text or self._group.role != "text":
            return
        if ended.aside == "footnote":
            self._notes += 1
            said = tr("Note {number}: {text}", number=self._notes, text=text)
        else:
            said = tr("Comment by {author}: {text}", author=self._author or "?", text=text)
        self._group.text.aside.append(Block(said))

    def _taken(self) -> str:
        """The text since the last end of a paragraph or cell; two halves of a surrogate pair become one character."""
        text = self._group.text
        taken, text.parts = "".join(text.parts), []
        return taken.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufeff", "")

    def _end_paragraph(self) -> None:
        text = self._group.text
        if self._group.role not in ("text", "label"):
            return
        if text.in_table:
            text.parts.append("\n")
            return
        self._end_table(text)
        said, label = self._taken().strip(), " ".join(text.label.split())
        if said:
            label = label if any(letter.isalnum() for letter in label) else BULLET.strip() if label else ""
            group = "list" if label and not text.level else ""
            text.blocks.append(Block(f"{label} {said}".strip(), text.level, group))
        text.label = ""
        text.blocks += text.aside
        text.aside = []

    def _end_cell(self) -> None:
        if self._group.role == "text":
            text = self._group.text
            text.cells.append(f"{text.label} {self._taken()}")
            text.label = ""

    def _end_row(self) -> None:
        if self._group.role == "text":
            text = self._group.text
            text.rows.append(text.cells)
            text.cells = []

    def _end_table(self, text: _Text) -> None:
        if text.cells:  # a row without its end
            text.rows.append(text.cells)
        if text.rows:
            self._tables += 1
            width = max(len(cells) for cells in text.rows)
            for index, cells in enumerate(text.rows):
                header = index == 0 and len(text.rows) > 1 and width > 1 and looks_like_header(cells, width)
                if made := row(cells, self._tables, header=header):
                    text.blocks.append(made)
        text.rows, text.cells = [], []

    def _end_text(self, text: _Text) -> None:
        """End the last paragraph and table of a text."""
        around, self._group = self._group, _Group(text)
        text.in_table = False
        self._end_paragraph()
        self._end_table(text)
        self._group = around


def _known_codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return {"cp0": "cp1252", "cp10000": "mac_roman", "cp65001": "utf-8"}.get(name, "cp1252")
