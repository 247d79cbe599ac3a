"""HTML as a browser would show it, without scripts, navigation and hidden parts; headings, tables and lists are kept.

The parser is lexbor (by selectolax), so broken HTML reads as in a browser. Nothing that a page names is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import compat32
from itertools import count

from selectolax.lexbor import LexborHTMLParser, LexborNode

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Parsing, Source, Summary
from desktop_llm.knowledge.readers.blocks import BULLET, LONGEST_CELL, Block, page_of, row, title_of
from desktop_llm.knowledge.readers.encodings import decode
from desktop_llm.knowledge.readers.html_parts import Grid, Numbering
from desktop_llm.words import tr

_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]{0,100}encoding=["']([\w.-]+)""", re.I
)
_NOT_CONTENT = (
    "script,style,noscript,template,svg,math annotation,iframe,object,nav,button,select,dialog:not([open]),"
    "[role=navigation],[hidden]"
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
# Only a page's main part is read if it holds at least this share of the text.
_MAIN_SHARE = 0.5
# A list of this many links and little else is a menu, unless the page has hardly anything else.
_MENU_LINKS = 10
_MENU_SHARE = 0.9
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCK_TAGS = """
    address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu ol optgroup option p plaintext pre search
    section summary table tbody td tfoot th thead tr ul xmp
"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_LINE_BREAK = "\v"
_SPACE = re.compile(r"[ \t\n\r\f]+")
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|svg|webp|bmp)", re.IGNORECASE)
# A saved page (MHTML) is a mail whose first HTML part is the page.
_SAVED_PAGE = re.compile(
    rb"\s*(?:From|MIME-Version|Content-Type|Subject|Date|Snapshot-Content-Location):", re.IGNORECASE
)


def read(source: Source) -> Parsing:
    """The page's text as one page. Raises DocumentError "Empty" for one that shows nothing by itself."""
    tree = LexborHTMLParser(_text(source.data))
    named = tree.css_first("title")
    title = " ".join(named.text().split())[:300] if named else ""
    tree.strip_tags(["script", "style"])  # they hold only text, which would count as the page's text
    if tree.body is None:
        raise DocumentError(tr("Empty"), cause="empty")
    main = _main(tree.body)
    page = page_of(_Walk(main, _skipped(tree, main)).blocks())
    yield page
    return Summary(title or title_of(page) or source.stem)


def _text(data: bytes) -> str:
    if _SAVED_PAGE.match(data):
        for part in BytesParser(policy=compat32).parsebytes(data.lstrip()).walk():
            content = part.get_payload(decode=True) if part.get_content_type() == "text/html" else None
            if isinstance(content, bytes):
                return decode(content, part.get_content_charset() or _declared(content))
    return decode(data, _declared(data))


def _declared(data: bytes) -> str | None:
    found = _CHARSET.search(data[:4096])
    return (found[1] or found[2]).decode("ascii") if found else None


def _skipped(tree: LexborHTMLParser, root: LexborNode) -> set[int]:
    """The elements without content, by identity. Removing them instead would free nested ones twice."""
    skipped = {node.mem_id for node in tree.css(_NOT_CONTENT)}
    for node in tree.css("[style]"):
        if _HIDDEN_STYLE.search(node.attributes.get("style") or ""):
            skipped.add(node.mem_id)
    menus = [node for node in root.css("ul,ol") if _is_menu(node)]
    if sum(len(menu.text()) for menu in menus) < _MAIN_SHARE * len(root.text()):
        skipped.update(menu.mem_id for menu in menus)
    return skipped


def _is_menu(node: LexborNode) -> bool:
    links = node.css("a[href]")
    return len(links) >= _MENU_LINKS and sum(len(link.text()) for link in links) >= _MENU_SHARE * len(
        "".join(node.text().split("\n"))
    )


def _main(body: LexborNode) -> LexborNode:
    whole = len(body.text())
    for main in body.css("main,[role=main],article"):
        if len(main.text()) >= _MAIN_SHARE * whole:
            return main
    return body


class _Walk:
    """Goes through the elements in the order of the text, without recursion, and puts inline text into blocks."""

    def __init__(self, root: LexborNode, skipped: set[int], tables: Iterator[int] | None = None) -> None:
        self._skipped = skipped
        self._stack: list[tuple[LexborNode, bool]] = [(root, False)]
        self._inline: list[str] = []
        self._level = 0
        self._preformatted = 0
        self._mark = ""
        self._lists: list[Numbering | None] = []
        self._tables = tables or count(1)

    def blocks(self) -> Iterator[Block]:
        """The blocks inside the root."""
        while self._stack:
            node, leaving = self._stack.pop()
            tag = node.tag or ""
            if tag == "-text":
                self._add(node.text_content or "")
            elif tag == "br":
                self._inline.append(_LINE_BREAK)
            elif tag == "img":
                self._inline.append(_alternative(node))
            elif tag in _BLOCKS:
                yield from self._flushed()
                if leaving:
                    self._left(tag)
                else:
                    yield from self._entered(node, tag)
            else:
                self._push_children(node)
        yield from self._flushed()

    def _add(self, text: str) -> None:
        text = text.replace("\xad", "")  # a soft hyphen is not shown
        self._inline.append(text.replace("\n", _LINE_BREAK) if self._preformatted else text)

    def _push_children(self, node: LexborNode) -> None:
        children = [child for child in node.iter(include_text=True) if child.mem_id not in self._skipped]
        self._stack += [(child, False) for child in reversed(children)]

    def _entered(self, node: LexborNode, tag: str) -> Iterator[Block]:
        if tag == "table" and (table := Grid.of(node, self._skipped)) is not None:
            yield from self._table(table)
            return
        if tag == "tr" and _is_data(node):
            cells = [self._cell(cell) for cell in node.iter() if cell.tag in {"td", "th"}]
            if found := row(cells):
                yield found
            return
        self._level = _HEADINGS.get(tag, self._level)
        self._preformatted += tag == "pre"
        if tag in _LISTS:
            self._lists.append(Numbering.of(node) if tag == "ol" else None)
        elif tag == "li":
            numbering = self._lists[-1] if self._lists else None
            self._mark = numbering.next(node) if numbering else BULLET
        self._stack.append((node, True))
        self._push_children(node)

    def _table(self, table: Grid) -> Iterator[Block]:
        number = next(self._tables)
        for caption in table.captions:
            yield Block(self._cell(caption))
        for cells, is_header in table.rows(self._cell):
            if found := row(cells, number, header=is_header):
                yield found

    def _cell(self, cell: LexborNode) -> str:
        return " ".join(block.text for block in _Walk(cell, self._skipped, self._tables).blocks())

    def _left(self, tag: str) -> None:
        self._level = 0 if tag in _HEADINGS else self._level
        self._preformatted -= tag == "pre"
        if tag in _LISTS and self._lists:
            self._lists.pop()
        if tag == "li":
            self._mark = ""

    def _flushed(self) -> Iterator[Block]:
        text, self._inline = "".join(self._inline), []
        if not self._preformatted:
            text = _SPACE.sub(" ", text)
            text = _LINE_BREAK.join(line.strip(" ") for line in text.split(_LINE_BREAK))
        text = text.replace(_LINE_BREAK, "\n").strip("\n" if self._preformatted else None)
        if text.strip():
            indent = "  " * (len(self._lists) - 1) if self._mark else ""
            yield Block(f"{indent}{self._mark}{text}", self._level, "list" if self._lists else "")
            self._mark = ""


def _alternative(picture: LexborNode) -> str:
    """What is said in place of a picture."""
    said = " ".join((picture.attributes.get("alt") or "").split())
    return "" if _FILE_NAME.fullmatch(said) else f" {said} " if said else ""


def _is_data(table_row: LexborNode) -> bool:
    """Whether a row of a table that lays out a text holds data; old pages and mails do both."""
    if table_row.css_first("table") is not None:
        return False
    return all(len(cell.text()) <= LONGEST_CELL for cell in table_row.iter() if cell.tag in {"td", "th"})
