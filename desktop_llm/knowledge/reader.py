"""The reader: a child process without rights that turns one file's bytes into pages of text, and draws pages.

It never sees a path, has no network, bounded memory and the lowest priority; if a file kills it, the parent starts
the next one. It speaks two requests:

    read {name, password} + the bytes  ->  progress {page, total, headings, lines, tables, place} + the text, page
                                           by page; done {format, title, pages, said, left_out}
    draw {name, page, width_px, start, end, words, password} + the bytes  ->  done {width, height, boxes, pages} + RGBA
"""

from __future__ import annotations

import sys
from dataclasses import astuple

from desktop_llm.errors import BadRequest
from desktop_llm.knowledge import readers
from desktop_llm.knowledge.limits import READER_BYTES
from desktop_llm.knowledge.readers import Page, Source
from desktop_llm.knowledge.readers.parts import sentence
from desktop_llm.steps import Run
from desktop_llm.words import to_json, tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout


def main() -> None:
    """Give up every right that a parser of untrusted files should not have, then serve; does not return."""
    wire = take_stdout()
    confine.end_with_parent()
    confine.end_first()
    confine.lower_priority()
    confine.limit_memory(READER_BYTES)
    confine.no_power()
    confine.no_core_dumps()
    confine.no_network(connections=False)
    confine.write_only_in()
    # Deeply nested files get a clean error this way; the system's stack ends much later.
    sys.setrecursionlimit(3000)
    serve({"read": read, "draw": draw}, wire, urgent={"draw"})


def read(request: Request) -> Steps:
    """Send a document page by page, and at the end its format, title and number of pages."""
    run = Run(readers.read(_source(request)))
    for page in run:
        yield _page_to_wire(page)
    kind, summary = run.result
    return {
        "format": kind.format,
        "title": summary.title,
        "pages": summary.pages,
        "said": summary.said,
        "left_out": to_json(sentence(summary.left_out)),
    }


def draw(request: Request) -> Steps:
    """Draw a page of a PDF or a picture and find the rectangles of a passage."""
    kind = readers.kind_of(request.data["name"])
    named = kind.format if kind else ""
    is_pdf = named == "PDF" or request.body.startswith(b"%PDF-")  # a file whose name tells nothing is what it is
    if not is_pdf and named != "Picture":
        raise BadRequest(tr("Only pages of a PDF and pictures can be drawn."))
    from desktop_llm.knowledge.readers import image, pdf

    yield None
    data = request.data
    source, passage = _source(request), (data["page"], data["width_px"], data["start"], data["end"])
    words = data.get("words", "")
    picture = pdf.draw(source, *passage, words) if is_pdf else image.draw(source, *passage)
    answer = {"width": picture.width, "height": picture.height, "boxes": picture.boxes, "pages": picture.pages}
    return Reply(answer, picture.pixels)


def _source(request: Request) -> Source:
    return Source(request.data["name"], request.body, request.data.get("password"))


def _page_to_wire(page: Page) -> Reply:
    tables = [astuple(table) for table in page.tables]
    facts = {
        "page": page.number,
        "total": page.total,
        "headings": page.headings,
        "lines": page.lines,
        "tables": tables,
        "place": page.place,
        "recognised": page.recognised,
    }
    return Reply(facts, page.text.encode("utf-8", "surrogatepass"))
