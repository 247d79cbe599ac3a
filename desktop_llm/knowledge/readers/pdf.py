"""PDF, read by pdfium: its text page by page, and a page as a picture with a passage's rectangles.

A page without text, or with nothing but glyphs whose letters are unknown, is drawn and its text recognised (`ocr`). The
files attached to the document follow its pages.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium

from desktop_llm.errors import BadRequest, DocumentError
from desktop_llm.knowledge.limits import (
    MAX_INNER_FILES,
    MAX_MISSING_PAGES,
    MAX_PICTURE_HEIGHT,
    MAX_PICTURE_WIDTH,
)
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary, kind_of
from desktop_llm.knowledge.readers.ocr import DPI, MAX_PIXELS, recognise
from desktop_llm.knowledge.readers.parts import Parts
from desktop_llm.knowledge.readers.pdf_forms import additions
from desktop_llm.knowledge.readers.pdf_text import Box, RawPage, line_boxes, stored_text
from desktop_llm.knowledge.readers.pictures import Picture, no_readable_text
from desktop_llm.words import tr

_MAX_OUTLINE = 5_000
# pdfium gives places in whole pixels, so it is asked at this many pixels for each pixel of the picture.
_FINER = 16

# Programs that join PDFs make a bookmark of each file's name, which says nothing about what is written there.
_FILE_NAME = re.compile(
    r"^microsoft \w+ - |\\|^file:|\.(pdf|docx?|rtf|od[tsp]|xlsx?|pptx?|indd|tex|dvi|e?ps|tiff?|jpe?g|png|html?|txt|wpd|"
    r"qxd|fm|p65|pub|dwg|vsdx?|msg|eml)$",
    re.IGNORECASE,
)

Headings = dict[int, list[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class _Text:
    """A page's text; `recognised`: looked for in the page's picture, `unreadable`: in vain, although it is there."""

    text: str
    recognised: bool = False
    unreadable: bool = False


def read(source: Source) -> Parsing:
    """Yield every page, even one without text; a broken page counts as one without text.

    Raises DocumentError if no page has any text; the error says what the file holds instead.
    """
    with _opened(source) as document:
        count = len(document)
        headings = _outline(document)
        any_text, last, unreadable = False, 0, []
        for index in range(count):
            page = _page_of(document, index)
            if page is not None:
                last = index + 1
            elif index - last >= MAX_MISSING_PAGES:
                break
            page = page or _Text("")
            if count == 1 and _only_adobe_shows(document, page.text):
                raise _for_adobe()
            if page.unreadable:
                unreadable.append(index + 1)
            any_text = any_text or bool(page.text.strip())
            placed = _placed(headings.get(index, ()), page.text)
            yield Page(index + 1, page.text, placed, total=count, recognised=page.recognised)
        else:
            last = count
        attached = Parts(source)
        yield from _attached(document, attached)
        if not (any_text or attached.read_any):
            raise _without_text(document, source.data)
        left_out = (*no_readable_text(unreadable), *attached.left_out)
        return Summary(_title(document) or source.stem, last, count if last < count else None, left_out)


def draw(source: Source, page: int, width_px: int, start: int, end: int, words: str = "") -> Picture:
    """Draw page `page` (from 1) `width_px` wide, with the rectangles of `start:end` of its stored text, the `words`.

    Where words stand that were recognised in a picture is not kept: all of their page is lit.

    Raises DocumentError for a page that can't be drawn, BadRequest for one that is not there.
    """
    with _opened(source) as document:
        if not 1 <= page <= len(document):
            raise BadRequest(
                tr(
                    "This document has {pages} pages, and page {page} is not one of them.",
                    pages=len(document),
                    page=page,
                )
            )
        try:
            with contextlib.closing(document[page - 1]) as loaded:
                return _drawn(loaded, max(16, min(width_px, MAX_PICTURE_WIDTH)), (start, end, words), len(document))
        except pypdfium.PdfiumError:
            raise DocumentError(tr("This page is damaged and can't be drawn"), cause="damaged") from None


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[pypdfium.PdfDocument]:
    try:
        document = pypdfium.PdfDocument(source.data, password=source.password)
    except pypdfium.PdfiumError as error:
        raise _why_not(error.err_code, source) from None
    try:
        with contextlib.suppress(pypdfium.PdfiumError):
            document.init_forms()  # else pdfium knows no fields; it has to be done before anything else
        if not len(document):
            raise _damage(source.data)
        yield document
    finally:
        document.close()


def _why_not(code: int | None, source: Source) -> DocumentError:
    if code == pdfium.FPDF_ERR_PASSWORD:
        return DocumentError(
            tr("Wrong password") if source.password else tr("Protected by a password"), cause="password"
        )
    if code == pdfium.FPDF_ERR_SECURITY:
        return DocumentError(tr("Protected in a way this app can't open"), cause="protected")
    return _damage(source.data)


def _damage(data: bytes) -> DocumentError:
    if b"%PDF-" not in data[:1024]:
        return DocumentError(tr("Damaged or not a PDF"), cause="damaged")
    whole = b"%%EOF" in data[-2048:]
    return DocumentError(tr("Damaged") if whole else tr("Damaged: it ends too early"), cause="damaged")


def _page_of(document: pypdfium.PdfDocument, index: int) -> _Text | None:
    """A page's text, "" if it can't be read; None if there is no such page in the file."""
    try:
        loaded = document[index]
    except pypdfium.PdfiumError:
        return None
    try:
        with contextlib.closing(loaded) as page, contextlib.closing(page.get_textpage()) as text_page:
            raw = RawPage(text_page.raw)
            if raw.is_legible():
                return _Text(stored_text(raw.text, additions(page, raw)).text)
            return _recognised(page, raw)
    except pypdfium.PdfiumError:
        return _Text("")


def _recognised(page: pypdfium.PdfPage, raw: RawPage) -> _Text:
    """The text in the picture of a page that has none, or none that can be read; what people wrote into it follows."""
    written = [replace(addition, at=0) for addition in additions(page, raw)]
    if not _has_ink(page):
        return _Text(stored_text("", written).text)
    scale = min(DPI / 72, (MAX_PIXELS / max(1.0, page.get_width() * page.get_height())) ** 0.5)
    drawn = page.render(scale=scale, may_draw_forms=False, draw_annots=False)
    with contextlib.closing(drawn) as bitmap:
        found = recognise(bitmap.to_numpy()[:, :, :3].copy())
    text = stored_text(found.text, [replace(addition, at=len(found.text)) for addition in written]).text
    return _Text(text, True, not found.text and (found.unreadable or bool(raw.text.strip())))


def _has_ink(page: pypdfium.PdfPage) -> bool:
    return next(page.get_objects(max_depth=3), None) is not None


def _attached(document: pypdfium.PdfDocument, parts: Parts) -> Iterator[Page]:
    """The pages of the attached files; a picture without text among them is nothing that anybody would miss."""
    for index in range(min(document.count_attachments(), MAX_INNER_FILES)):
        with contextlib.suppress(pypdfium.PdfiumError, UnicodeDecodeError):
            attachment = document.get_attachment(index)
            name = " ".join(attachment.get_name().split())
            kind = kind_of(name)
            quiet = kind is not None and kind.format == "Picture"
            yield from parts.pages(name, bytes(attachment.get_data()), f"attachment {name}", quiet=quiet)


def _only_adobe_shows(document: pypdfium.PdfDocument, text: str) -> bool:
    """Whether the only page asks for Adobe's program, which would make the form's own pages."""
    return document.get_formtype() == pdfium.FORMTYPE_XFA_FULL and ("Adobe" in text or "Please wait" in text)


def _for_adobe() -> DocumentError:
    return DocumentError(tr("A form that only Adobe's own programs can show"), cause="format")


def _without_text(document: pypdfium.PdfDocument, data: bytes) -> DocumentError:
    xfa = document.get_formtype() in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND)
    if xfa or b"/NeedsRendering true" in data:
        return _for_adobe()
    for index in range(min(len(document), 20)):
        with contextlib.suppress(pypdfium.PdfiumError), contextlib.closing(document[index]) as page:
            if _has_ink(page):
                return DocumentError(tr("Pictures of pages, no text"), cause="no_text")
    return DocumentError(tr("Empty"), cause="empty")


def _title(document: pypdfium.PdfDocument) -> str:
    """The title in the file's metadata, unless a program wrote it there by itself."""
    try:
        written = document.get_metadata_value("Title")
    except UnicodeDecodeError:
        return ""
    title = " ".join(written.replace("\x00", "").split())
    return "" if title.lower() == "untitled" else title.removeprefix("Microsoft Word - ")[:300]


def _outline(document: pypdfium.PdfDocument) -> Headings:
    """The bookmarks by page index: (level, title), in their order."""
    found: Headings = {}
    for _, bookmark in zip(range(_MAX_OUTLINE), document.get_toc(max_depth=6), strict=False):
        with contextlib.suppress(pypdfium.PdfiumError, UnicodeDecodeError):
            target, title = bookmark.get_dest(), " ".join(bookmark.get_title().split())
            index = target.get_index() if target else None
            if index is not None and title and not _FILE_NAME.search(title):
                found.setdefault(index, []).append((bookmark.level + 1, title[:300]))
    return found


def _placed(headings: list[tuple[int, str]] | tuple[()], text: str) -> tuple[tuple[int, int, str], ...]:
    """A page's bookmarks, placed at their words, or at the page's start if their words are not on it."""
    placed, after = [], 0
    for level, title in headings:
        words = re.findall(r"\w+", title)
        match = re.compile(r"\W+".join(map(re.escape, words)), re.IGNORECASE).search(text, after) if words else None
        after = match.start() if match else after
        placed.append((after, level, title))
    return tuple(placed)


def _drawn(page: pypdfium.PdfPage, width: int, passage: tuple[int, int, str], pages: int) -> Picture:
    height = round(width * page.get_height() / max(page.get_width(), 1.0))
    height = max(1, min(height, MAX_PICTURE_HEIGHT))
    start, end, words = passage
    with contextlib.closing(page.get_textpage()) as text_page:
        raw = RawPage(text_page.raw)
        written = additions(page, raw)
        if raw.is_legible() or not _has_ink(page):
            stored = stored_text(raw.text, written)
            lines = line_boxes(raw, stored, start, end, lambda box: _in_picture(page, box, width, height))
        elif cited := [each for each in written if words and (each.words.strip() in words or words in each.words)]:
            lines = [_in_picture(page, each.box, width, height) for each in cited]
        else:
            lines = [(0.0, 0.0, float(width), float(height))] if end > start else []
    boxes = tuple((left, top, right - left, bottom - top) for left, top, right, bottom in lines)
    return Picture(width, height, _pixels(page, width, height), boxes, pages)


def _pixels(page: pypdfium.PdfPage, width: int, height: int) -> bytes:
    bitmap = pypdfium.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGRA, rev_byteorder=True)
    with contextlib.closing(bitmap):
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
        if page.formenv:
            pdfium.FPDF_SetFormFieldHighlightAlpha(page.formenv, 0)  # fields look as they do on paper
            pdfium.FPDF_FFLDraw(page.formenv, bitmap, page, 0, 0, width, height, 0, flags)
        return bytes(bitmap.buffer)


def _in_picture(page: pypdfium.PdfPage, box: Box, width: int, height: int) -> Box:
    """A rectangle of the page (left, bottom, right, top) in pixels of its picture, for any rotation of the page."""
    corners = [_point(page, x, y, width, height) for x, y in ((box[0], box[1]), (box[2], box[3]))]
    (x0, y0), (x1, y1) = corners
    return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _point(page: pypdfium.PdfPage, x: float, y: float, width: int, height: int) -> tuple[float, float]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, width * _FINER, height * _FINER, 0, x, y, across, down)
    return across.value / _FINER, down.value / _FINER
