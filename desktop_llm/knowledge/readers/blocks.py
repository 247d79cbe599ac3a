"""Paragraphs, list items, headings and table rows put together as one page, for all formats that have these."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Page, Table
from desktop_llm.words import tr

CELL_BORDER = " | "
# A longer cell of several paragraphs is not data: that table is there for the layout.
LONGEST_CELL = 300
BULLET = "• "
# Numbers, with their signs and units; the years and dates among them may be names of columns.
_VALUE = re.compile(r"(?!(?:19|20)\d\d$|\d{4}-\d\d-\d\d)[-+(]?[$€£¥]?\s?[-+]?\d[\d.,'’\s]*(?:\s?[%$€£¥])?\)?")
_TIME = re.compile(r"(?:19|20)\d\d|\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text that stands by itself. `level`: the level of a heading, otherwise 0; `title`: the heading, if it
    is not the whole text. `group`: "list" or "row", with no blank line between two of the same. `table`: which table a
    row belongs to (from 1; 0: none), `header`: it holds the names of its columns.
    """

    text: str
    level: int = 0
    group: str = ""
    title: str = ""
    table: int = 0
    header: bool = False


def row(cells: Iterable[str], table: int = 0, *, header: bool = False) -> Block | None:
    """A table's row as one line; None for an empty one."""
    texts = [" ".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return Block(CELL_BORDER.join(texts), group="row", table=table, header=header) if any(texts) else None


def looks_like_header(cells: Iterable[str], width: int) -> bool:
    """Whether a table's row holds names of columns: nearly all `width` cells are filled, none with a number, unless it
    is one of several years or dates.
    """
    texts = [cell.strip() for cell in cells]
    filled = [text for text in texts if text]
    # The corner of a table with names in both directions is often empty.
    if len(filled) < max(2, width - 1) or any(_VALUE.fullmatch(text) for text in filled):
        return False
    times = sum(bool(_TIME.fullmatch(text)) for text in filled)
    return times != 1 and (times < len(filled) or not texts[0])


def page_of(blocks: Iterable[Block], number: int | None = None) -> Page:
    """One page, headings and tables in their places. Raises DocumentError "Empty" if there is no text."""
    page = page_with(blocks, number)
    if not page.text:
        raise DocumentError(tr("Empty"), cause="empty")
    return page


def page_with(blocks: Iterable[Block], number: int | None = None) -> Page:
    """One page, which may be empty."""
    parts: list[str] = []
    headings: list[tuple[int, int, str]] = []
    tables: list[Table] = []
    length, before = 0, Block("")
    for block in blocks:
        if not block.text.strip():
            continue
        joined = block.group and block.group == before.group and block.table == before.table
        gap = "" if not parts else "\n" if joined else "\n\n"
        start = length + len(gap)
        if block.level:
            headings.append((start, block.level, " ".join((block.title or block.text).split())))
        parts.append(gap + block.text)
        length += len(parts[-1])
        if block.table:
            _add_row(tables, block, before, start, length)
        before = block
    return Page(number, "".join(parts), tuple(headings), tables=tuple(each for each in tables if each.end > each.start))


def _add_row(tables: list[Table], block: Block, before: Block, start: int, end: int) -> None:
    if block.header:
        # The rows below stand after it; a row that follows has to move the start.
        tables.append(Table(end, end, block.text))
    elif before.table != block.table:
        tables.append(Table(start, end))
    else:
        last = tables[-1]
        tables[-1] = replace(last, start=start if last.end == last.start else last.start, end=end)


def title_of(page: Page) -> str | None:
    """The first heading, if there is one."""
    return page.headings[0][2] if page.headings else None
