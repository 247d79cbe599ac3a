"""PDF, read by pdfium: its text page by page, and a page as a picture with a passage's rectangles."""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium

from desktop_llm.errors import BadRequest, DocumentError
from desktop_llm.knowledge.limits import MAX_MISSING_PAGES, MAX_PICTURE_HEIGHT, MAX_PICTURE_WIDTH
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.pdf_forms import additions
from desktop_llm.knowledge.readers.pdf_text import Box, RawPage, StoredText, line_boxes, stored_text
from desktop_llm.words import tr

_MAX_OUTLINE = 5_000
# pdfium gives places in whole pixels, so it is asked at this many pixels for each pixel of the picture.
_FINER = 16

Headings = dict[int, list[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn page: RGBA with a stride of 4 * width; boxes are (x, y, width, height) in pixels, one a line."""

    width: int
    height: int
    pixels: bytes
    boxes: tuple[Box, ...]
    pages: int


def read(source: Source) -> Parsing:
    """Yield every page, even one without text; a broken page counts as one without text.

    Raises DocumentError if no page has any text; the error says what the file holds instead.
    """
    with _opened(source) as document:
        count = len(document)
        headings = _outline(document)
        any_text, last = False, 0
        for index in range(count):
            text = _text_of(document, index)
            if text is not None:
                last = index + 1
            elif index - last >= MAX_MISSING_PAGES:
                break
            if count == 1 and text and _only_adobe_shows(document, text):
                raise _for_adobe()
            any_text = any_text or bool(text and text.strip())
            yield Page(index + 1, text or "", _placed(headings.get(index, ()), text or ""), total=count)
        else:
            last = count
        if not any_text:
            raise _without_text(document, source.data)
        return Summary(_title(document) or source.stem, last, count if last < count else None)


def draw(source: Source, page: int, width_px: int, start: int, end: int) -> Picture:
    """Draw page `page` (from 1) `width_px` wide, with the rectangles of `start:end` of its stored text.

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
                return _drawn(loaded, max(16, min(width_px, MAX_PICTURE_WIDTH)), start, end, len(document))
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


def _text_of(document: pypdfium.PdfDocument, index: int) -> str | None:
    """A page's text, "" if it can't be read; None if there is no such page in the file."""
    try:
        loaded = document[index]
    except pypdfium.PdfiumError:
        return None
    try:
        with contextlib.closing(loaded) as page, contextlib.closing(page.get_textpage()) as text_page:
            return _stored(page, RawPage(text_page.raw)).text
    except pypdfium.PdfiumError:
        return ""


def _stored(page: pypdfium.PdfPage, raw: RawPage) -> StoredText:
    return stored_text(raw.text, additions(page, raw))


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
            if next(page.get_objects(max_depth=3), None) is not None:
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
            if index is not None and title:
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


def _drawn(page: pypdfium.PdfPage, width: int, start: int, end: int, pages: int) -> Picture:
    height = round(width * page.get_height() / max(page.get_width(), 1.0))
    height = max(1, min(height, MAX_PICTURE_HEIGHT))
    with contextlib.closing(page.get_textpage()) as text_page:
        raw = RawPage(text_page.raw)
        lines = line_boxes(raw, _stored(page, raw), start, end, lambda box: _in_picture(page, box, width, height))
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
