"""Plain text: one page without a number, places by line."""

from __future__ import annotations

from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode


def read(source: Source) -> Parsing:
    """The whole text as one page."""
    yield Page(None, decode(source.data), lines=True)
    return Summary(source.stem)
