"""Source code: text whose encoding Python and Emacs files may declare in their first two lines (PEP 263)."""

from __future__ import annotations

import re

from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode

_COOKIE = re.compile(rb"^[ \t\f]*(?:#|//|/\*|;|--|%).*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)


def read(source: Source) -> Parsing:
    """The whole file as one page, with the file's name as its title."""
    yield Page(None, decode(source.data, _declared(source.data)), lines=True)
    return Summary(source.name)


def _declared(data: bytes) -> str | None:
    first_two = b"\n".join(data[:2000].splitlines()[:2])
    found = _COOKIE.search(first_two)
    return found[1].decode("ascii", "replace") if found else None
