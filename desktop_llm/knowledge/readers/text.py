"""Plain text: one page without a number, places by line."""

from __future__ import annotations

from desktop_llm.knowledge.readers import Page, Reading, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode


def read(source: Source) -> Reading:
    """The whole text as one page."""
    yield Page(None, decode(source.data), lines=True)
    return Summary(source.stem)
