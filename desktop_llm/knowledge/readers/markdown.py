"""Markdown: its source is the text, so that quotes are exact; headings come from the parser's tokens."""

from __future__ import annotations

from itertools import accumulate, pairwise

from markdown_it import MarkdownIt

from desktop_llm.knowledge.readers import Page, Reading, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode

# Block structure is all that is needed; inline parsing is most of the time.
_BLOCKS = MarkdownIt("commonmark").disable(["inline", "text_join"], ignoreInvalid=True)


def read(source: Source) -> Reading:
    """The whole source as one page with its headings."""
    text = decode(source.data)
    headings = _headings(text)
    yield Page(None, text, headings, lines=True)
    return Summary(headings[0][2] if headings else source.stem)


def _headings(text: str) -> tuple[tuple[int, int, str], ...]:
    # The parser's line numbers count \n alone, as this does.
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    tokens = _BLOCKS.parse(text)
    found = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map and (title := _plain(inline.content)):
            found.append((starts[token.map[0]], int(token.tag[1]), title))
    return tuple(found)


def _plain(title: str) -> str:
    return " ".join(title.replace("`", "").replace("**", "").split())
