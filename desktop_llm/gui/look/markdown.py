"""Markdown of an answer as blocks of data: the kinds listed here are shown, everything else is plain text.

It reads CommonMark with tables and strikethrough by markdown-it-py. Nothing is fetched, and HTML stays text: a picture
becomes its description, a link becomes text whose target only the person can open. `[3]` becomes a citation if this
message has a citation 3.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_SAFE_LINK = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_MARK = re.compile(r"[\\`*_\[\]<&!~\n]")
_DEEPEST = 19
"""markdown-it reads blocks up to 20 levels deep and drops what lies deeper; such a block is shown as its source."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style; `citation` is the number of a citation mark, 0 for text."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    href: str = ""
    citation: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; a line break is "\\n" inside a run."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A list; `start` is the first number of an ordered one, None for bullets."""

    start: int | None
    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the header first; each column's alignment is "left", "right", "center" or ""."""

    alignments: tuple[str, ...]
    rows: tuple[tuple[tuple[Run, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Code, with the language named by its fence or ""."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Quoted blocks."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal rule."""


Block = Paragraph | Heading | ListBlock | Table | CodeBlock | Quote | Rule


def parse(text: str, citations: Collection[int] = ()) -> list[Block]:
    """All blocks of a finished text. The window's thread reads a message with `slices`, which takes no text at once."""
    return [found.block for found in parse_with_offsets(text, citations)]


@dataclass(frozen=True, slots=True)
class Found:
    """A top-level block, the offset in the text at which its lines start, and that of its last item if it is a list."""

    block: Block
    offset: int
    last_item: int = 0


def parse_with_offsets(
    text: str, citations: Collection[int] = (), references: dict[str, Any] | None = None
) -> list[Found]:
    """All top-level blocks of a text with "\n" at its line ends; `references` are link targets from elsewhere.

    While a text grows, everything before the last block is final: only the rest needs parsing again.
    """
    starts = _line_starts(text)
    tokens = _parser().parse(text, {"references": references if references is not None else {}})
    reader = _Reader(tokens, frozenset(citations))
    found: list[Found] = []
    while reader.more():
        first, begin = reader.peek(), reader.at
        lines = first.map or [0, 0]
        blocks = reader.block()
        inside = tokens[begin : reader.at]
        source = text[starts[lines[0]] : starts[lines[1]] if lines[1] < len(starts) else len(text)]
        if any(token.level >= _DEEPEST for token in inside):
            blocks = [Paragraph((Run(source.rstrip("\n")),))]
        items = [token.map[0] for token in inside if token.type == "list_item_open" and token.level == 1 and token.map]
        last_item = starts[items[-1]] if items else 0
        found.extend(Found(block, starts[lines[0]], last_item) for block in blocks)
    return found


def references(definitions: Iterable[str]) -> dict[str, Any]:
    """The link targets that these lines define, such as `[1]: https://example.org`."""
    environment: dict[str, Any] = {}
    _parser().parse("\n\n".join(definitions), environment)
    found: dict[str, Any] = environment.get("references", {})
    return found


def inline(text: str, citations: Collection[int] = ()) -> tuple[Run, ...]:
    """A line of text with its marks, taken as it stands: it starts no list, heading or other block."""
    if not _MARK.search(text):
        return (Run(text),) if text else ()
    (line,) = _parser().parseInline(text)
    return tuple(_runs(line.children or [], frozenset(citations)))


def unescaped(text: str) -> str:
    """Text with its backslashes and entities resolved, as in the line that opens a block of code."""
    from markdown_it.common.utils import unescapeAll

    return unescapeAll(text)


def plain(blocks: Sequence[Block]) -> str:
    """The text of blocks for copying or reading aloud: citations as [n], cells separated by tabs."""
    return "\n\n".join(part for block in blocks if (part := _plain_block(block)))


def count_citations(blocks: Iterable[Block]) -> int:
    """How many citation marks there are in blocks, tables left out."""
    count = 0
    for block in blocks:
        match block:
            case Paragraph(runs) | Heading(_, runs):
                count += sum(1 for run in runs if run.citation)
            case ListBlock(_, items):
                count += sum(count_citations(item) for item in items)
            case Quote(inside):
                count += count_citations(inside)
    return count


def runs_text(runs: Sequence[Run]) -> str:
    """The text of one line."""
    words = ""
    for run in runs:
        gap = " " if run.citation and words and not words[-1].isspace() else ""
        words += gap + (f"[{run.citation}]" if run.citation else run.text)
    return words


def _plain_block(block: Block) -> str:
    match block:
        case Paragraph(runs) | Heading(_, runs):
            return runs_text(runs)
        case ListBlock(start, items):
            marks = (f"{start + i}. " if start is not None else "• " for i in range(len(items)))
            return "\n".join(mark + plain(item).replace("\n\n", "\n") for mark, item in zip(marks, items, strict=True))
        case Table(_, rows):
            return "\n".join("\t".join(runs_text(cell) for cell in row) for row in rows)
        case CodeBlock(_, text):
            return text.rstrip("\n")
        case Quote(blocks):
            return plain(blocks)
        case _:
            return ""


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = _take_any_link  # type: ignore[method-assign]
    return parser


def _take_any_link(url: str) -> bool:
    """Accept every link, so that only `_safe_target` judges its target."""
    return bool(url)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    starts.extend(match.end() for match in re.finditer("\n", text))
    return starts


class _Reader:
    """Walks the flat token list of markdown-it and builds nested blocks."""

    def __init__(self, tokens: Sequence[Token], citations: frozenset[int]) -> None:
        self._tokens, self.at, self._citations = tokens, 0, citations

    def more(self) -> bool:
        return self.at < len(self._tokens)

    def peek(self) -> Token:
        return self._tokens[self.at]

    def _take(self) -> Token:
        self.at += 1
        return self._tokens[self.at - 1]

    def block(self) -> list[Block]:
        """The next block; None for a kind that is not listed here."""
        token = self._take()
        match token.type:
            case "paragraph_open":
                return [Paragraph(self._line())]
            case "heading_open":
                return [Heading(int(token.tag[1]), self._line())]
            case "bullet_list_open":
                return [ListBlock(None, self._items())]
            case "ordered_list_open":
                return [ListBlock(int(token.attrs.get("start", 1)), self._items())]
            case "blockquote_open":
                return [Quote(self._until("blockquote_close"))]
            case "table_open":
                return [self._table()]
            case "fence" | "code_block":
                language = token.info.split()[0] if token.info.split() else ""
                return [CodeBlock(language, token.content.removesuffix("\n"))]
            case "hr":
                return [Rule()]
            case _:
                return []

    def _line(self) -> tuple[Run, ...]:
        inline = self._take()
        self._take()
        return tuple(_runs(inline.children or [], self._citations))

    def _until(self, closing: str) -> tuple[Block, ...]:
        blocks: list[Block] = []
        while self.more() and self.peek().type != closing:
            blocks.extend(self.block())
        self._take()
        return tuple(blocks)

    def _items(self) -> tuple[tuple[Block, ...], ...]:
        items = []
        while self._take().type == "list_item_open":
            items.append(self._until("list_item_close"))
        return tuple(items)

    def _table(self) -> Table:
        rows: list[tuple[tuple[Run, ...], ...]] = []
        cells: list[tuple[Run, ...]] = []
        alignments: list[str] = []
        while (token := self._take()).type != "table_close":
            if token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    alignments.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
                cells.append(self._line())
            elif token.type == "tr_close":
                rows.append(tuple(cells))
                cells = []
        return Table(tuple(alignments), tuple(rows))


def _runs(tokens: Sequence[Token], citations: frozenset[int]) -> Iterator[Run]:
    look = Run("")
    pending: Run | None = None
    for token in tokens:
        changed = _look_after(look, token)
        if changed is not None:
            look = changed
            continue
        run = replace(look, text=_words(token), code=token.type == "code_inline")
        if pending is not None and replace(pending, text="") == replace(run, text=""):
            pending = replace(pending, text=pending.text + run.text)
        else:
            if pending is not None:
                yield from _with_citations(pending, citations)
            pending = run
    if pending is not None:
        yield from _with_citations(pending, citations)


def _look_after(look: Run, token: Token) -> Run | None:
    """The style after an opening or closing mark; None if the token is text."""
    match token.type:
        case "strong_open" | "strong_close":
            return replace(look, bold=token.nesting == 1)
        case "em_open" | "em_close":
            return replace(look, italic=token.nesting == 1)
        case "s_open" | "s_close":
            return replace(look, strike=token.nesting == 1)
        case "link_open":
            return replace(look, href=_safe_target(str(token.attrs.get("href", ""))))
        case "link_close":
            return replace(look, href="")
        case _:
            return None


def _safe_target(href: str) -> str:
    """The target of a web or mail address; "" for all others, so that links to files and scripts stay text."""
    return href if _SAFE_LINK.match(href) else ""


def _words(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return token.content


def _with_citations(run: Run, citations: frozenset[int]) -> Iterator[Run]:
    if run.code or run.href or not citations:
        yield run
        return
    at = 0
    for match in _CITATION.finditer(run.text):
        numbers = [int(number) for number in match[1].split(",")]
        if not citations.issuperset(numbers):
            continue
        if before := run.text[at : match.start()].rstrip(" "):
            yield replace(run, text=before)
        yield from (replace(run, text="", citation=number) for number in numbers)
        at = match.end()
    if rest := run.text[at:]:
        yield replace(run, text=rest)
