"""Markdown: its source is the text, so that quotes are exact; headings by CommonMark's rules for them.

It reads only lines: a full parser takes seconds for a long file, and headings need no more than this.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from desktop_llm.knowledge.readers import Heading, Page, Parsing, Source, Summary, Table
from desktop_llm.knowledge.readers.encodings import decode

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
# An underline makes no heading of these: lists, quotes, tables, rules, indented code.
_NOT_A_TITLE = re.compile(r"\s*$|\s{4,}|\s*(?:[-*+>|]|\d+[.)] )")
_FRONT_MATTER = re.compile(r"---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(?:\"([^\"\n]+)\"|'([^'\n]+)'|([^\n]+))", re.MULTILINE)
_FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
# The line below a table's column names (GitHub's tables).
_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
# No readable heading is longer, so the end of a longer line is ignored.
_LONGEST_TITLE = 300
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_MARKS = re.compile(r"[`*]+|\s#+$|\{#[^}]*\}$")


def read(source: Source) -> Parsing:
    """The whole source as one page with its headings and tables, without comments."""
    text = _without_comments(decode(source.data))
    headings = tuple(headings_of(text))
    yield Page(None, text, headings, lines=True, tables=tuple(_tables(text)))
    return Summary(_front_title(text) or (headings[0][2] if headings else source.stem))


def headings_of(text: str) -> Iterator[Heading]:
    """The headings of a text, none of its front matter and its code."""
    start, before, before_start = 0, "", 0
    for line in _without_code(text).split("\n"):
        if found := _heading(line[:_LONGEST_TITLE], start, before, before_start):
            yield found
        before, before_start = line[:_LONGEST_TITLE], start
        start += len(line) + 1


def _tables(text: str) -> Iterator[Table]:
    """Tables with column names above a rule; their rows end with the first line that has no border."""
    start, names, table = 0, "", None
    for line in _without_code(text).split("\n"):
        end = start + len(line)
        if table is not None:
            if "|" in line and line.strip():
                table = replace(table, end=end)
            else:
                yield from _with_rows(table)
                table = None
        elif "|" in names and "-" in line and _RULE.match(line.strip()):
            table = Table(end + 1, end + 1, names.strip())
        names, start = line, end + 1
    if table is not None:
        yield from _with_rows(table)


def _with_rows(table: Table) -> Iterator[Table]:
    if table.end > table.start:
        yield table


def _heading(line: str, start: int, before: str, before_start: int) -> Heading | None:
    if (marked := _HEADING.match(line)) and (title := _plain(marked[2] or "")):
        return start, len(marked[1]), title
    underline = _UNDERLINE.match(line)
    if underline and not _NOT_A_TITLE.match(before) and not _HEADING.match(before) and (title := _plain(before)):
        return before_start, 1 if underline[1][0] == "=" else 2, title
    return None


def _without_comments(text: str) -> str:
    """The text without comments, which nobody sees; its lines keep their numbers, and code keeps all that is in it."""
    if "<!--" not in text:
        return text
    code = [match.span() for match in _FENCED.finditer(text)]
    kept: list[str] = []
    after, start, close = 0, text.find("<!--"), -1
    while start >= 0:
        close = text.find("-->", start) if close < start else close
        if close < 0:
            break
        if _is_code(text, start, code):
            start = text.find("<!--", start + 1)
        else:
            kept += [text[after:start], "\n" * text.count("\n", start, close)]
            after = close + len("-->")
            start = text.find("<!--", after)
    return "".join([*kept, text[after:]])


def _is_code(text: str, position: int, fenced: list[tuple[int, int]]) -> bool:
    block = bisect_right(fenced, (position, len(text))) - 1
    in_block = block >= 0 and position < fenced[block][1]
    return in_block or text.count("`", text.rfind("\n", 0, position) + 1, position) % 2 == 1


def _without_code(text: str) -> str:
    """The text with front matter and fenced code blanked out; all lines and offsets stay in place."""
    front = _FRONT_MATTER.match(text)
    blanked = _blank(front) + text[front.end() :] if front else text
    return _FENCED.sub(_blank, blanked)


def _front_title(text: str) -> str:
    front = _FRONT_MATTER.match(text)
    named = _FRONT_TITLE.search(front[0]) if front else None
    return next((each.strip() for each in named.groups() if each), "") if named else ""


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _plain(title: str) -> str:
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", title)).split())
