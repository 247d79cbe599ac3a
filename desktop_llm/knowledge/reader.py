"""The reader: a child that turns one file's bytes into pages of text, and draws pages, with little to lose.

It never sees a path, has no network, bounded memory and the lowest priority; where a file makes it die, the parent
starts the next one. It speaks two requests:

    read {name, password} + the bytes  ->  progress {page, text, headings, lines} a page; done {format, title, pages}
    draw {name, page, width_px, start, end, password} + the bytes  ->  done {width, height, boxes, pages} + RGBA
"""

from __future__ import annotations

import sys
from typing import Any

from desktop_llm.errors import BadRequest
from desktop_llm.knowledge import readers
from desktop_llm.knowledge.readers import Page, Source
from desktop_llm.steps import Run
from desktop_llm.words import tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout

MEMORY_BYTES = 2 * 1024**3


def main() -> None:
    """Give up everything a parser of untrusted files should not have, then serve; does not return."""
    wire = take_stdout()
    confine.no_network()
    confine.no_core_dumps()
    confine.end_first()
    confine.limit_memory(MEMORY_BYTES)
    confine.lower_priority()
    # A graceful answer for what is nested deeply; the stack of the system ends much later.
    sys.setrecursionlimit(3000)
    serve({"read": read, "draw": draw}, wire, urgent={"draw"})


def read(request: Request) -> Steps:
    """Send a document page by page; ends with its format, title and number of pages."""
    run = Run(readers.read(_source(request)))
    for page in run:
        yield _page_to_wire(page)
    kind, summary = run.result
    return {"format": kind.format, "title": summary.title, "pages": summary.pages}


def draw(request: Request) -> Steps:
    """Draw one page of a PDF with the rectangles of a passage."""
    kind = readers.kind_of(request.data["name"])
    if kind is None or kind.format != "PDF":
        raise BadRequest(tr("Only pages of a PDF can be drawn."))
    from desktop_llm.knowledge.readers import pdf

    yield None
    data = request.data
    picture = pdf.draw(_source(request), data["page"], data["width_px"], data["start"], data["end"])
    answer = {"width": picture.width, "height": picture.height, "boxes": picture.boxes, "pages": picture.pages}
    return Reply(answer, picture.pixels)


def _source(request: Request) -> Source:
    return Source(request.data["name"], request.body, request.data.get("password"))


def _page_to_wire(page: Page) -> dict[str, Any]:
    return {"page": page.number, "text": page.text, "headings": page.headings, "lines": page.lines}
