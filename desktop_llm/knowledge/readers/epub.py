"""EPUB books: the chapters in the order of reading (the spine), under the titles of the table of contents."""

from __future__ import annotations

import posixpath
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary, html
from desktop_llm.knowledge.readers.package import Package, attribute, child, descendants, local, opened, parse
from desktop_llm.words import tr

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")
# XHTML may close an element at once where HTML, by which it is read, takes all that follows for its content.
_CLOSED_AT_ONCE = re.compile(rb"<(title|script|style|iframe|textarea|a|span|div|p|i|b|em|td|th|li)\b([^<>]*)/>", re.I)
_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)[A-Za-z]\w*;")
_LONGEST_TITLE = 300
# A chapter's title stands among its first characters.
_NEAR_START = 300

Headings = list[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the table of contents: its level from 1, its title, and whether it points into the middle of a file."""

    level: int
    title: str
    inside: bool


@dataclass(slots=True)
class _Book:
    """The files of the chapters in their order, and what the table of contents says about each."""

    title: str = ""
    chapters: list[str] = field(default_factory=list)
    contents: dict[str, list[_Entry]] = field(default_factory=dict)


def read(source: Source) -> Parsing:
    """The whole book as one page. Raises DocumentError for protected, damaged or exploding files."""
    with opened(source) as package:
        book = _book(package)
        page = _joined(list(_chapters(package, book)))
    yield page
    return Summary(book.title or source.stem)


def _book(package: Package) -> _Book:
    name = _package_document(package)
    root, folder = _parsed(package, name), posixpath.dirname(name)
    items = {attribute(each, "id"): each for each in descendants(child(root, "manifest"), "item")}

    def path_of(item: ET.Element | None) -> str:
        return _path(folder, attribute(item, "href"))[0]

    spine = child(root, "spine")
    ordered = [items[each] for each in (attribute(ref, "idref") for ref in spine or ()) if each in items]
    contents = [each for each in items.values() if "nav" in attribute(each, "properties").split()]
    book = _Book(title=" ".join(next((e.text or "" for e in descendants(root, "title")), "").split())[:_LONGEST_TITLE])
    # The table of contents as a chapter would only repeat the titles.
    book.chapters = [path_of(each) for each in ordered or items.values() if each not in contents and _is_chapter(each)]
    named = items.get(attribute(spine, "toc")) or next(
        (each for each in items.values() if attribute(each, "media-type") == "application/x-dtbncx+xml"), None
    )
    for entries in (path_of(each) for each in [*contents, *([named] if named is not None else [])]):
        if entries in package and not book.contents:
            _note_contents(_parsed(package, entries), posixpath.dirname(entries), book.contents)
    _refuse_protected(package, book.chapters)
    return book


def _package_document(package: Package) -> str:
    if _CONTAINER in package:
        for each in descendants(_parsed(package, _CONTAINER), "rootfile"):
            if attribute(each, "full-path") in package:
                return attribute(each, "full-path")
    found = next((name for name in package.names() if name.lower().endswith(".opf")), None)
    if found is None:
        raise DocumentError(tr("Damaged or not an EPUB book"), cause="damaged")
    return found


def _parsed(package: Package, name: str) -> ET.Element:
    """A part's XML, which may name a document type, and with it HTML's names of characters."""
    return parse(_ENTITY.sub(b" ", package.data(name)), doctype=True)


def _is_chapter(item: ET.Element) -> bool:
    kind = attribute(item, "media-type")
    return kind in _CHAPTERS or attribute(item, "href").lower().endswith((".xhtml", ".html", ".htm"))


def _note_contents(root: ET.Element, folder: str, contents: dict[str, list[_Entry]]) -> None:
    """Note the entries of a table of contents: EPUB 2 has navPoints, EPUB 3 nested lists of links."""
    if local(root) != "ncx":
        tables = [each for each in descendants(root, "nav") if attribute(each, "type") in ("toc", "")]
        root = tables[0] if tables else root

    def note(element: ET.Element, level: int) -> None:
        for each in element:
            name = local(each)
            if name == "navPoint":
                text, link = child(each, "navLabel", "text"), attribute(child(each, "content"), "src")
                add("".join(text.itertext()) if text is not None else "", link, level)
                note(each, level + 1)
            elif name == "a":
                add("".join(each.itertext()), attribute(each, "href"), level)
            else:
                note(each, level + (name == "ol"))

    def add(title: str, link: str, level: int) -> None:
        path, inside = _path(folder, link)
        words = " ".join(title.split())[:_LONGEST_TITLE]
        if words:
            contents.setdefault(path, []).append(_Entry(max(level, 1), words, inside))

    note(root, 0 if local(root) != "ncx" else 1)


def _path(folder: str, link: str) -> tuple[str, bool]:
    """A link's file inside the package, and whether it points into the middle of it."""
    file, _, fragment = link.partition("#")
    return posixpath.normpath(posixpath.join("/", folder, unquote(file))).lstrip("/"), bool(fragment)


def _refuse_protected(package: Package, chapters: list[str]) -> None:
    """Refuse a book whose chapters are encrypted by a shop; fonts often are, which does not matter."""
    if _ENCRYPTION in package:
        references = descendants(_parsed(package, _ENCRYPTION), "CipherReference")
        if {unquote(attribute(each, "URI")) for each in references} & set(chapters):
            raise DocumentError(tr("Protected by the shop it comes from"), cause="protected")


def _chapters(package: Package, book: _Book) -> Iterator[Page]:
    for name in book.chapters:
        if name not in package:
            continue
        data = _CLOSED_AT_ONCE.sub(rb"<\1\2></\1>", package.data(name))
        try:
            page = next(html.read(Source(posixpath.basename(name), data)))
        except DocumentError as error:
            if error.cause != "empty":
                raise
            continue  # a cover or a picture
        yield replace(page, headings=_titled(page, book.contents.get(name, [])))


def _titled(page: Page, entries: list[_Entry]) -> tuple[tuple[int, int, str], ...]:
    """A chapter's headings, with those that only the table of contents knows. What that says about the level counts."""
    headings = {start: (start, level, title) for start, level, title in page.headings}
    after = 0
    for entry in entries:
        words = r"\W+".join(map(re.escape, re.findall(r"\w+", entry.title)))
        found = re.compile(rf"^\W*{words}", re.IGNORECASE | re.MULTILINE).search(page.text, after) if words else None
        if found is not None and (entry.inside or found.start() < _NEAR_START):
            after = found.start() + len(found[0]) - len(found[0].lstrip())
            headings[after] = (after, entry.level, entry.title)
        elif not entry.inside:
            headings.setdefault(0, (0, entry.level, entry.title))
    return tuple(headings[start] for start in sorted(headings))


def _joined(chapters: list[Page]) -> Page:
    if not chapters:
        raise DocumentError(tr("Empty"), cause="empty")
    text: list[str] = []
    headings: Headings = []
    tables, length = [], 0
    for page in chapters:
        shift = length + (2 if text else 0)
        headings += [(start + shift, level, title) for start, level, title in page.headings]
        tables += [replace(each, start=each.start + shift, end=each.end + shift) for each in page.tables]
        text.append(page.text)
        length = shift + len(page.text)
    return Page(None, "\n\n".join(text), tuple(headings), tables=tuple(tables))
