"""Markdown read in slices: a long text, or one that still grows, a bounded piece at a time.

markdown-it takes up to 50 ms for a thousand lines or brackets, and more than linear time for some texts. So a `Slicer`
hands it a window of the text, keeps all blocks but the last, which the text after the window may still change, and goes
on at the start of that one. A block that is longer than a window comes in several slices: a list item by item, a table
row by row, a paragraph cut at a line's end or between words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from desktop_llm.gui.look import markdown
from desktop_llm.gui.look.markdown import Block, CodeBlock, Found, ListBlock, Paragraph, Quote, Run, Table

WINDOW_US = 5_000
"""The most that parsing a window takes, in microseconds by the estimate below."""
_LONGEST_WINDOW = 4000
"""Characters; a text without marks costs little to parse, but its layout takes about 1 µs a character."""
_LONGEST_ROW_US = 16_000
"""A table's first window holds its two first lines whole, up to this."""
_LONGEST_ROW = 40_000

_DEAR = str.maketrans("", "", "[]*_!`~|<>&")
_CHEAP = str.maketrans("", "", "\\:")
_FENCE = re.compile(r"(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)(?:\n|$)")
_DELIMITERS = re.compile(r" {0,3}(?=[-:| \t]*\|)[-:|][-:| \t]*$")
_NO_ROW = re.compile(r"\s*$| {4}|\t| {0,3}(?:>|#{1,6}(?:\s|$)|`{3}|~{3}|[-+*](?:\s|$)|\d{1,9}[.)](?:\s|$))")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:[^\n]*", re.MULTILINE)
_MOST_DEFINITIONS = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """A block, or a piece of one that is too long; `joint` is what stands between it and the piece before, None if it
    is the first piece of its block."""

    block: Block
    joint: str | None = None


def cost_us(text: str) -> int:
    """About how long the parser takes for a text, in microseconds; measured on one core of a usual desktop."""
    dear = len(text) - len(text.translate(_DEAR))
    cheap = len(text) - len(text.translate(_CHEAP))
    beyond_ascii = (
        0 if text.isascii() else (len(text.encode("utf-8", "surrogatepass")) - len(text)) // 2
    )  # for its layout
    return len(text) // 10 + beyond_ascii + 20 * dear + 4 * cheap + 38 * (text.count("\n") + 1)


class Slicer:
    """Reads one text, slice by slice; the text may grow at its end between two calls of `read`."""

    def __init__(self, citations: Collection[int] = ()) -> None:
        self.settled = 0
        """The offset up to which all slices are final."""
        self._citations = frozenset(citations)
        self._references: dict[str, Any] | None = None
        self._joint: str | None = None  # the block that goes on at `settled`, if one does: what to join it with,
        self._block: Block | None = None  # its last slice,
        self._number: int | None = None  # and the number of its next item
        self._within_line = False  # whether `settled` is inside a line
        self._end = 0  # the end of the last window

    def read(self, text: str) -> tuple[list[Slice], list[Slice]]:
        """Read one window from `settled` on. Returns the final slices, and those that may still change if the text
        grows; there are some of the second kind only in the last window."""
        if self._references is None:
            self._references = markdown.references(match[0] for match in _definitions(text))
        if self.settled >= len(text):
            return [], []
        if self._within_line:
            return self._line(text)
        if isinstance(self._block, Table):
            rows = self._rows(text)
            if rows is not None:
                return rows
        if (fence := _FENCE.match(text, self.settled)) and not ("`" in fence["marks"] and "`" in fence["info"]):
            return self._fence(text, fence)
        return self._blocks(text)

    def read_plain(self, text: str) -> tuple[list[Slice], list[Slice]]:
        """Read some lines from `settled` on as they stand, without looking for marks."""
        start, goes_on = self.settled, self._joint
        end = min(len(text), start + _LONGEST_WINDOW)
        self._end = end = end if end == len(text) else text.rfind("\n", start, end) + 1 or end
        at_line = text[end - 1] == "\n"
        piece = text[start : end - 1] if at_line else text[start:end]
        found = [Slice(Paragraph((Run(piece),)), goes_on)]
        if end == len(text):
            return [], found
        self._settle(end, "\n" if at_line else "", found[0].block)
        return found, []

    def at_end(self, text: str) -> bool:
        """Whether everything has been read, though the last block may grow."""
        return self.settled >= len(text) or self._end == len(text)

    def _blocks(self, text: str) -> tuple[list[Slice], list[Slice]]:
        start = self.settled
        self._end = end = _window_end(text, start)
        found = markdown.parse_with_offsets(text[start:end], self._citations, self._references)
        if end == len(text):
            slices = self._sliced([each.block for each in found], bool(found) and found[0].offset == 0)
            if len(found) > 1:
                self._settle(start + found[-1].offset)
            return slices[:-1], slices[-1:]
        if not found:
            self._settle(end)
            return [], []
        if len(found) > 1 or found[0].offset > 0:
            slices = self._sliced([each.block for each in found[:-1]], found[0].offset == 0)
            self._settle(start + found[-1].offset)
            return slices, []
        return self._long(text, found[0], end)

    def _settle(
        self, offset: int, joint: str | None = None, block: Block | None = None, *, within: bool = False
    ) -> None:
        self.settled, self._joint, self._block, self._within_line = offset, joint, block, within
        if block is None:
            self._number = None

    def _sliced(self, blocks: list[Block], goes_on: bool) -> list[Slice]:
        """The slices for blocks; the first one may continue the block before it."""
        slices = [Slice(block) for block in blocks]
        before = self._block
        if blocks and goes_on and before is not None and type(blocks[0]) is type(before):
            first = blocks[0]
            if isinstance(first, ListBlock) and isinstance(before, ListBlock):
                if (first.start is None) == (before.start is None):
                    slices[0] = Slice(ListBlock(self._number, first.items), "\n")
            else:
                slices[0] = Slice(first, self._joint)
        return slices

    def _long(self, text: str, found: Found, end: int) -> tuple[list[Slice], list[Slice]]:
        """A block that fills the window: what is final of it."""
        (piece,) = self._sliced([found.block], True)
        block, start = piece.block, self.settled
        if isinstance(block, ListBlock) and found.last_item:
            piece = replace(piece, block=(block := replace(block, items=block.items[:-1])))
            end = start + found.last_item
        within = text[end - 1] != "\n"
        joint = text[len(text[:end].rstrip(" ")) : end] if within else "\n"
        goes_on = isinstance(block, Paragraph | Quote | ListBlock | Table | CodeBlock)
        self._settle(end, joint, block if goes_on else None, within=within)
        if isinstance(block, ListBlock) and block.start is not None:
            self._number = block.start + len(block.items)
        return [piece], []

    def _line(self, text: str) -> tuple[list[Slice], list[Slice]]:
        """The rest of a line that is longer than a window; it holds no blocks, only text."""
        start = self.settled
        line_end = text.find("\n", start)
        line_end = len(text) if line_end < 0 else line_end
        self._end = end = _cut(text, start, line_end, WINDOW_US)
        piece = text[start:end]
        runs = markdown.inline(piece.rstrip(" "), self._citations)
        block: Block = Quote((Paragraph(runs),)) if isinstance(self._block, Quote) else Paragraph(runs)
        found = [Slice(block, self._joint)] if runs else []
        if end == len(text):
            return [], found
        if end == line_end:
            self._settle(end + 1, "\n", block if self._block is not None else None)
        else:
            self._settle(end, piece[len(piece.rstrip(" ")) :], block, within=True)
        return found, []

    def _rows(self, text: str) -> tuple[list[Slice], list[Slice]] | None:
        """More rows of a table; None if it has ended."""
        table = self._block
        assert isinstance(table, Table)
        start = self.settled
        rows, at, spent = [], start, 0
        while at < len(text) and spent < WINDOW_US:
            end = _line_end(text, at)
            line = text[at:end].rstrip("\n")
            if len(line) > _LONGEST_ROW or _NO_ROW.match(line) or _RULE.match(line):
                break
            rows.append(self._row(line, len(table.alignments)))
            spent += cost_us(line)
            at = end
        if not rows:
            self._settle(start)
            return None
        self._end = at
        growing = self._end == len(text)
        final = rows[:-1] if growing else rows
        found = [Slice(Table(table.alignments, tuple(final)), "\n")] if final else []
        last = [Slice(Table(table.alignments, (rows[-1],)), "\n")] if growing else []
        begun = text.rfind("\n", start, len(text) - 1) + 1 if growing else self._end
        self._settle(max(start, begun), "\n", replace(table, rows=()))
        return found, last

    def _row(self, line: str, columns: int) -> tuple[tuple[Run, ...], ...]:
        cells = [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())]
        if cells and not cells[0]:
            cells.pop(0)
        if cells and not cells[-1]:
            cells.pop()
        cells += [""] * (columns - len(cells))
        return tuple(markdown.inline(cell.strip(), self._citations) for cell in cells[:columns])

    def _fence(self, text: str, opening: re.Match[str]) -> tuple[list[Slice], list[Slice]]:
        """A block of code between fences, as a whole: finding its end is cheap."""
        marks, indent = opening["marks"], len(opening["indent"])
        closing = re.compile(rf"^ {{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*$", re.MULTILINE)
        closed = closing.search(text, opening.end())
        body = text[opening.end() : closed.start() if closed else len(text)]
        if indent:
            body = re.sub(rf"^ {{1,{indent}}}", "", body, flags=re.MULTILINE)
        language = markdown.unescaped(opening["info"]).split()[:1]
        block = CodeBlock(language[0] if language else "", body.removesuffix("\n").replace("\0", "\ufffd"))
        self._end = len(text)
        if closed is None or closed.end() >= len(text):
            return [], [Slice(block)]
        self._settle(closed.end() + 1)
        self._end = closed.end() + 1
        return [Slice(block)], []


def with_line_feeds(text: str) -> str:
    """The text with "\\n" at all its line ends, which `Slicer` needs."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def plain_whole(text: str, citations: Collection[int] = ()) -> Iterator[str]:
    """The text of a message for copying, in pieces to be joined; no step takes longer than a window."""
    text, slicer, begun = with_line_feeds(text), Slicer(citations), False
    while True:
        final, last = slicer.read(text)
        at_end = slicer.at_end(text)
        yield ""  # a window may hold nothing to copy
        for piece in [*final, *last] if at_end else final:
            words = markdown.plain([piece.block])
            joint = piece.joint if piece.joint is not None else "\n\n" if begun else ""
            if words:
                begun = True
                yield joint + words
        if at_end:
            return


def _definitions(text: str) -> Iterator[re.Match[str]]:
    for count, match in enumerate(_DEFINITION.finditer(text)):
        if count == _MOST_DEFINITIONS:
            return
        yield match


def _window_end(text: str, start: int) -> int:
    """The end of the window from `start` on: after a line's end if it can be, else within the line."""
    at = _line_end(text, start)
    below = text[at : min(_line_end(text, at), at + _LONGEST_ROW)].rstrip("\n")
    heads_table = _DELIMITERS.match(below) is not None or (text[start] == "|" and not below and at == len(text))
    first = text[start : min(at, start + _LONGEST_ROW)]
    most_us, longest = (_LONGEST_ROW_US, _LONGEST_ROW) if heads_table else (WINDOW_US, _LONGEST_WINDOW)
    spent = cost_us(first) - 38
    if spent > most_us or len(first) >= longest:
        return _cut(text, start, at, WINDOW_US)
    if heads_table:
        at = _line_end(text, at)
    while at < len(text):
        end = _line_end(text, at)
        spent += cost_us(text[at : min(end, at + _LONGEST_ROW)]) - 38
        if spent > WINDOW_US or end - start > _LONGEST_WINDOW:
            return at
        at = end
    return at


def _line_end(text: str, start: int) -> int:
    """The offset after the line that begins at `start`."""
    return text.find("\n", start) + 1 or len(text)


def _cut(text: str, start: int, end: int, most_us: int) -> int:
    """Where to cut a line from `start` to `end` that costs too much: after a blank if there is one near."""
    size = _LONGEST_WINDOW
    while size > 200 and cost_us(text[start : min(start + size, end)]) > most_us:
        size //= 2
    if start + size >= end:
        return end
    blank = text.rfind(" ", start + size // 2, start + size)
    return blank + 1 if blank >= 0 else start + size
