"""Paragraphs, list items, headings and table rows put together as one page, for Word and HTML alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page
from desktop_llm.words import tr

CELL_BORDER = " | "
# A longer cell of several paragraphs is not data: that table is there for the layout.
LONGEST_CELL = 300
BULLET = "• "


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text that stands by itself. `level`: the level of a heading, otherwise 0; `group`: "list" or "row",
    with no blank line between two of the same.
    """

    text: str
    level: int = 0
    group: str = ""


def row(cells: Iterable[str]) -> Block | None:
    """A table's row as one line; None for an empty one."""
    texts = [" ".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return Block(CELL_BORDER.join(texts), group="row") if any(texts) else None


def page_of(blocks: Iterable[Block]) -> Page:
    """One page without a number, headings in their places. Raises DocumentError "Empty" if there is no text."""
    parts: list[str] = []
    headings: list[tuple[int, int, str]] = []
    length, group = 0, ""
    for block in blocks:
        if not block.text.strip():
            continue
        gap = "" if not parts else "\n" if group and group == block.group else "\n\n"
        if block.level:
            headings.append((length + len(gap), block.level, " ".join(block.text.split())))
        parts.append(gap + block.text)
        length += len(parts[-1])
        group = block.group
    if not parts:
        raise DocumentError(tr("Empty"), cause="empty")
    return Page(None, "".join(parts), tuple(headings))


def title_of(page: Page) -> str | None:
    """The first heading, if there is one."""
    return page.headings[0][2] if page.headings else None
