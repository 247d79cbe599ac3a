"""JSON and JSON lines: the text as it stands, laid out where a machine left it on one line.

Nothing is parsed into numbers or objects, so every digit stays as it was written and no depth costs more than its
length. Escapes that only a program can read (\\u00e9, \\n) are replaced, because people search for the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from desktop_llm.knowledge.limits import MAX_PAGE_LENGTH
from desktop_llm.knowledge.readers import Heading, Page, Parsing, Source, Summary, suffix_of
from desktop_llm.knowledge.readers.encodings import decode

# People break lines before this; a program that writes for machines does not.
_LONGEST_LINE = 400
# An object or a list up to this long stands on one line, so that a record stays together.
_ONE_LINE = 160
_DEEPEST_INDENT = 20
# Laying out about doubles a text, and its tokens take memory.
_MAX_LAID_OUT = 3_000_000
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s"{}\[\],:]+|"', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB]..)\\u([dD][c-fC-F]..)|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


def read(source: Source) -> Parsing:
    """The whole text as one page. Lines are numbered as in the file, unless it had to be laid out."""
    text = decode(source.data)
    laid_out = None
    if suffix_of(source.name) not in ("jsonl", "ndjson") and max(map(len, text.split("\n"))) > _LONGEST_LINE:
        laid_out = _laid_out(text)
    if laid_out is None:
        yield Page(None, _readable(text), lines=True)
    else:
        shown = [_readable(line) for line in laid_out]
        yield Page(None, "\n".join(shown), tuple(_keys(shown)))
    return Summary(source.name)


def _readable(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    high, low, code, other = match.groups()
    try:
        if high:
            return chr(0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00)
        if code:
            letter = chr(int(code, 16))
            return letter if letter.isprintable() else " " if letter.isspace() else match[0]
    except ValueError:
        return match[0]
    return {"n": " ", "r": " ", "t": " ", "/": "/", '"': '"', "\\": "\\"}.get(other, match[0])


def _laid_out(text: str) -> list[str] | None:
    """The lines of the text laid out by its brackets; None for a text that has no brackets in pairs."""
    if len(text) > _MAX_LAID_OUT:
        return None
    tokens = _TOKEN.findall(text)
    widths = _widths(tokens)
    if widths is None:
        return None
    lines, line, depth, inside = [], [], 0, 0
    for index, token in enumerate(tokens):
        opens, closes = token in _CLOSING, token in ("}", "]")
        if inside:  # an object that stands on one line
            inside += opens - closes
            line.append(_spaced(token))
        elif opens and widths[index] <= _ONE_LINE:
            inside = 1
            line.append(token)
        elif closes:
            depth -= 1
            lines.append("".join(line))
            line = [_indent(depth), token]
        elif opens or token == ",":
            depth += opens
            lines.append("".join((*line, token)))
            line = [_indent(depth)]
        else:
            line.append(_spaced(token))
    lines.append("".join(line))
    lines = [each.rstrip() for each in lines if each.strip()]
    return lines if sum(map(len, lines)) + len(lines) <= MAX_PAGE_LENGTH else None


def _widths(tokens: list[str]) -> dict[int, int] | None:
    """By the index of each opening bracket, the length of what is in it; None if the brackets are no pairs."""
    widths: dict[int, int] = {}
    opened: list[tuple[int, str, int]] = []
    length = 0
    for index, token in enumerate(tokens):
        length += len(_spaced(token))
        if token in _CLOSING:
            opened.append((index, _CLOSING[token], length))
        elif token in ("}", "]"):
            if not opened or opened[-1][1] != token:
                return None
            start, _, before = opened.pop()
            widths[start] = length - before
    return widths if widths and not opened else None


def _spaced(token: str) -> str:
    return f"{token} " if token in (",", ":") else token


def _indent(depth: int) -> str:
    return "  " * min(depth, _DEEPEST_INDENT)


def _keys(lines: list[str]) -> Iterator[Heading]:
    """The outermost keys whose values take several lines, as headings."""
    start = 0
    for line in lines:
        key = re.match(r'  "(.+)": [\[{]$', line)
        if key:
            yield start, 1, key[1]
        start += len(line) + 1
