"""A reader that speaks the real wire: a file's text is one page; "die" ends the process, "nonsense" is a bug."""

from __future__ import annotations

import os

from desktop_llm.workers.child import Request, Steps, serve, take_stdout


def read(request: Request) -> Steps:
    text = request.body.decode()
    if text == "die":
        os.abort()
    if text == "nonsense":
        raise ValueError(text)
    yield {"page": None, "text": text, "headings": [], "lines": False}
    return {"format": "Text", "title": "", "pages": None}


if __name__ == "__main__":
    serve({"read": read}, take_stdout())
