"""Paragraphs, list items, headings and table rows put together as one page: what Word and HTML have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page

CELL_BORDER = " | "
# A longer cell of several paragraphs is not data: the table lays out a text.
LONGEST_CELL = 300
BULLET = "• "


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text that stands by itself. `level`: of a heading, else 0; `tight`: no blank line between this and
    the next one that is tight too (list items, table rows)."""

    text: str
    level: int = 0
    tight: bool = False


def row(cells: Iterable[str]) -> Block | None:
    """A table's row as one line; None for an empty one."""
    texts = [" ".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return Block(CELL_BORDER.join(texts), tight=True) if any(texts) else None


def page_of(blocks: Iterable[Block]) -> Page:
    """One page without a number, headings in their places. Raises DocumentError "Empty" where there is no text."""
    parts: list[str] = []
    headings: list[tuple[int, int, str]] = []
    length, tight = 0, False
    for block in blocks:
        if not block.text.strip():
            continue
        gap = "" if not parts else "\n" if tight and block.tight else "\n\n"
        if block.level:
            headings.append((length + len(gap), block.level, " ".join(block.text.split())))
        parts.append(gap + block.text)
        length += len(parts[-1])
        tight = block.tight
    if not parts:
        raise DocumentError("Empty")
    return Page(None, "".join(parts), tuple(headings))


def title_of(page: Page) -> str | None:
    """The first heading, where there is one."""
    return page.headings[0][2] if page.headings else None
