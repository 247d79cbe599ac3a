"""What PDF pages and picture files have in common: the drawn page, and what is said of pages without readable text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desktop_llm.words import plural, tr

_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn page: RGBA with a stride of 4 * width; boxes are (x, y, width, height) in pixels, one a line."""

    width: int
    height: int
    pixels: bytes
    boxes: tuple[tuple[float, float, float, float], ...]
    pages: int


def no_readable_text(pages: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """What a summary says is left out: the pages that look like text and could not be read, if there are any."""
    if not pages:
        return ()
    named = ", ".join(map(str, pages[:_MOST_NAMED])) + (", …" if len(pages) > _MOST_NAMED else "")
    return ((plural("page {pages}", "pages {pages}", len(pages), pages=named), tr("no readable text")),)
