"""A mailbox in one file (mbox): each message is a page, numbered in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.mail import opened, pages_of
from desktop_llm.knowledge.readers.parts import Parts
from desktop_llm.words import tr

# A line that begins a message: a header follows.
_BEGINNING = re.compile(rb"^From [^\n]*\n(?=>?[!-9;-~]+:|>From )", re.MULTILINE)
_TIME = re.compile(rb"\d\d?:\d\d")
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_MAX_SUBJECT = 100


def read(source: Source) -> Parsing:
    """Yield the messages one by one, each with its attachments. Raises DocumentError if there is none."""
    parts = Parts(source)
    count = 0
    for count, data in enumerate(_messages(source.data.lstrip()), start=1):
        yield from _message(count, data, parts)
    if not parts.read_any and not count:
        raise DocumentError(tr("Damaged or not a mailbox"), cause="damaged")
    return Summary(source.stem, count, left_out=parts.left_out)


def _message(number: int, data: bytes, parts: Parts) -> Iterator[Page]:
    letter = opened(_QUOTED.sub(b"", data))
    place = f"{number}. {letter.subject[:_MAX_SUBJECT]}" if letter.subject else f"{number}."
    try:
        for page in pages_of(letter, parts, place):
            inside = f"{place}, {page.place}" if page.place else place
            # The place says the subject already.
            yield replace(page, number=number, place=inside, headings=page.headings if page.place else ())
    except DocumentError:
        yield Page(number, "", place=place)


def _messages(data: bytes) -> Iterator[bytes]:
    """The messages without the lines that separate them.

    A line of a text may look like one; but it has no time in it, or no blank line before it.
    """
    found = list(_BEGINNING.finditer(data))
    if found and _TIME.search(found[0][0]):
        found = [each for each in found if _TIME.search(each[0])]
    else:
        found = [
            each
            for each in found
            if data[max(0, each.start() - 3) : each.start()].replace(b"\r", b"")[-2:] in (b"", b"\n\n")
        ]
    ends = [each.start() for each in found[1:]] + [len(data)]
    for beginning, end in zip(found, ends, strict=bool(found)):
        yield data[beginning.end() : end]
