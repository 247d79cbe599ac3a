"""Markdown: its source is the text, so that quotes are exact; headings by CommonMark's rules for them.

It reads only lines: a full parser takes seconds for a long file, and headings need no more than this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
# An underline makes no heading of these: lists, quotes, tables, rules, indented code.
_NOT_A_TITLE = re.compile(r"\s*$|\s{4,}|\s*(?:[-*+>|]|\d+[.)] )")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# No readable heading is longer, so the end of a longer line is ignored.
_LONGEST_TITLE = 300
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_MARKS = re.compile(r"[`*]+|\s#+$|\{#[^}]*\}$")

Heading = tuple[int, int, str]


def read(source: Source) -> Parsing:
    """The whole source as one page with its headings."""
    text = decode(source.data)
    headings = tuple(_headings(text))
    yield Page(None, text, headings, lines=True)
    return Summary(headings[0][2] if headings else source.stem)


def _headings(text: str) -> Iterator[Heading]:
    start, fence, before, before_start = 0, "", "", 0
    for line in _without_comments(text).split("\n"):
        opened = _FENCE.match(line)
        if fence:
            fence = "" if opened and opened[1].startswith(fence) else fence
        elif opened:
            fence = opened[1]
        elif found := _heading(line[:_LONGEST_TITLE], start, before, before_start):
            yield found
        before, before_start = ("" if fence else line[:_LONGEST_TITLE]), start
        start += len(line) + 1


def _heading(line: str, start: int, before: str, before_start: int) -> Heading | None:
    if (marked := _HEADING.match(line)) and (title := _plain(marked[2] or "")):
        return start, len(marked[1]), title
    underline = _UNDERLINE.match(line)
    if underline and not _NOT_A_TITLE.match(before) and not _HEADING.match(before) and (title := _plain(before)):
        return before_start, 1 if underline[1][0] == "=" else 2, title
    return None


def _without_comments(text: str) -> str:
    """The text with comments and front matter blanked out; all lines and offsets stay in place."""
    blanked = _COMMENT.sub(_blank, text) if "<!--" in text else text
    front = _FRONT_MATTER.match(blanked)
    return _blank(front) + blanked[front.end() :] if front else blanked


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _plain(title: str) -> str:
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", title)).split())
