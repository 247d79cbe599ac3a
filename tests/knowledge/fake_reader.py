"""A reader that speaks the real wire: a file's text is one page, unless its first word tells it to misbehave."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout

PLAIN = {"headings": [], "lines": False, "tables": [], "place": "", "recognised": False}


def read(request: Request) -> Steps:
    text = request.body.decode()
    match text.split()[0]:
        case "die":
            os.abort()
        case "nonsense":
            raise ValueError(text)
        case "sleep":
            yield from pages(text, 3)
            time.sleep(600)
        case "burn":
            yield from pages(text, 3)
            while True:
                pass
        case "break":
            yield from pages(text, 3)
            os.abort()
        case "endless":
            yield from pages(text, 1_000_000)
        case "mailbox":
            yield from pages(text, 1_000_000, said=None)
        case "blank":
            yield from pages("", 1_000_000)
    yield Reply({"page": None, **PLAIN}, request.body)
    return {"format": "Text", "title": "", "pages": None, "left_out": ""}


def pages(text: str, count: int, said: int | None = 1_000_000) -> Iterator[Reply]:
    for number in range(1, count + 1):
        words = f"{text} {number}" if text else ""
        yield Reply({"page": number, "total": said, **PLAIN}, words.encode())


if __name__ == "__main__":
    serve({"read": read}, take_stdout())
