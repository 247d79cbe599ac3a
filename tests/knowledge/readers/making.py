"""Small documents made for the tests: real PDFs by reportlab, Word files by python-docx, and crafted broken ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import docx
import pypdfium2
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from desktop_llm.knowledge import readers
from desktop_llm.knowledge.readers import Kind, Page, Source, Summary

WORD_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*pages: Sequence[str], password: str | None = None, bookmarks: Sequence[tuple[int, str]] = ()) -> bytes:
    """A PDF with these lines on its pages; bookmarks are (page index, title)."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 600), encrypt=password, invariant=1)
    for index, lines in enumerate(pages):
        for number, line in enumerate(lines):
            canvas.drawString(40, 550 - 20 * number, line)
        for page_index, title in bookmarks:
            if page_index == index:
                canvas.bookmarkPage(title)
                canvas.addOutlineEntry(title, title)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def picture_pdf() -> bytes:
    """A PDF whose only page is a picture, as a scanner makes it."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    canvas.drawImage(ImageReader(Image.new("RGB", (20, 20), "grey")), 0, 0, 400, 600)
    canvas.save()
    return out.getvalue()


def scan(*lines: str, dpi: int = 150) -> Image.Image:
    """A picture of the upper part of a page with these lines, as a scanner makes it."""
    document = pypdfium2.PdfDocument(pdf(lines))
    picture: Image.Image = document[0].render(scale=dpi / 72).to_pil()
    document.close()
    return picture.crop((0, 0, picture.width, (70 + 20 * len(lines)) * dpi // 72))


def scanned_pdf(*pages: Image.Image) -> bytes:
    """A PDF of pictures alone."""
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return out.getvalue()


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of this kind ("PNG")."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def word() -> bytes:
    """A Word file with a title, headings, a list and a table."""
    document = docx.Document()
    document.add_heading("Lease", 0)
    document.add_heading("Rent", 1)
    document.add_paragraph("The rent is 900 euros.")
    document.add_paragraph("heating", style="List Bullet")
    document.add_paragraph("water", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("Month", "Paid", "May", "900"), strict=True
    ):
        cell.text = text
    document.add_heading("End of the tenancy", 1)
    document.add_paragraph("Three months’ notice.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def word_of(body: str, *, before: str = "", namespace: str = WORD_NAMESPACE, **parts: str) -> bytes:
    """A Word file of this XML alone; `parts` are further parts by their stem (footnotes="<w:footnote>…")."""
    head = f'<?xml version="1.0"?>{before}'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(
            "word/document.xml", f'{head}<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>'
        )
        for stem, xml in parts.items():
            package.writestr(f"word/{stem}.xml", f'{head}<w:part xmlns:w="{namespace}">{xml}</w:part>')
    return out.getvalue()


def read(name: str, data: bytes, password: str | None = None) -> tuple[list[Page], Kind, Summary]:
    """All pages of a document, its format and its summary."""
    pages, steps = [], readers.read(Source(name, data, password))
    while True:
        try:
            pages.append(next(steps))
        except StopIteration as end:
            return (pages, *end.value)


def read_page(name: str, data: bytes) -> Page:
    """The only page of a document."""
    (page,), _, _ = read(name, data)
    return page


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP file of these parts, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return out.getvalue()
