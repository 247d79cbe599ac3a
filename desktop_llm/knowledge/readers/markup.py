"""Texts with marks for headings: reStructuredText, AsciiDoc, LaTeX and Org.

The source is the text, so that quotes are exact and lines have their numbers; only the headings are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from desktop_llm.knowledge.limits import MAX_HEADINGS
from desktop_llm.knowledge.readers import Heading, Page, Parsing, Source, Summary, suffix_of
from desktop_llm.knowledge.readers.encodings import decode

_LONGEST_TITLE = 300
Line = tuple[int, str]


def read(source: Source) -> Parsing:
    """The whole source as one page with its headings."""
    text = decode(source.data)
    suffix = suffix_of(source.name)
    if suffix == "rst":
        headings = list(_underlined(_lines(text)))
    elif suffix in ("adoc", "asciidoc"):
        headings = list(_asciidoc(_lines(text)))
    elif suffix == "org":
        headings = list(_org(_lines(text)))
    else:
        headings = list(_latex(text))
    yield Page(None, text, tuple(heading for heading in headings if heading[1]), lines=True)
    return Summary(headings[0][2] if headings else source.stem)


def _lines(text: str) -> list[Line]:
    start, lines = 0, []
    for line in text.split("\n"):
        lines.append((start, line))
        start += len(line) + 1
    return lines


_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_ROLE = re.compile(r":[\w:.+-]+:`([^`<]*?)(?:\s*<[^`]*>)?`")
_RST_MARKS = re.compile(r"[`*]+|_+(?=\s|$)")


def _underlined(lines: list[Line]) -> Iterator[Heading]:
    """reStructuredText: a line under a title, or over and under it; levels in the order in which the marks appear."""
    levels: list[str] = []
    for index in range(len(lines) - 1):
        start, title = lines[index]
        mark = _ADORNMENT.match(lines[index + 1][1])
        if not mark or not title.strip() or _ADORNMENT.match(title) or len(title) > _LONGEST_TITLE:
            continue
        before = lines[index - 1][1] if index else ""
        over = bool(_ADORNMENT.match(before)) and before[:1] == mark[1]
        indented = title[:1].isspace()
        if (not over and (indented or before.strip())) or len(mark[0].rstrip()) < len(title.strip()):
            continue
        style = mark[1] * (1 + over)
        if style not in levels:
            levels.append(style)
        shown = _RST_MARKS.sub("", _ROLE.sub(r"\1", title))
        yield lines[index - over][0] if over else start, levels.index(style) + 1, " ".join(shown.split())


_ADOC_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_ADOC_BLOCK = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|={4,}|\*{4,}|_{4,}|```)[ \t]*$")
_ADOC_LITERAL = ("-", ".", "+", "/", "`")
_ADOC_UNDERLINE = {"=": 1, "-": 2, "~": 3, "^": 4, "+": 5}


def _asciidoc(lines: list[Line]) -> Iterator[Heading]:
    """AsciiDoc: as many = as the level, or the older form with a line below; none inside of literal blocks."""
    literal, before = "", (0, "")
    for start, line in lines:
        block = _ADOC_BLOCK.match(line)
        title = before[1].strip()
        if literal:
            literal = "" if line.rstrip() == literal else literal
        elif block and block[1][0] in _ADOC_UNDERLINE and title[:1].isalnum() and abs(len(title) - len(block[1])) <= 1:
            yield before[0], _ADOC_UNDERLINE[block[1][0]], title
        elif block and block[1][0] in _ADOC_LITERAL:
            literal = line.rstrip()
        elif marked := _ADOC_TITLE.match(line[:_LONGEST_TITLE]):
            yield start, len(marked[1]), marked[2]
        before = (start, line)


_ORG_HEADING = re.compile(
    r"(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING)[ \t]+)?(?:\[#\w\][ \t]+)?(.*?)(?:[ \t]+:[\w@#%:]+:)?[ \t]*$"
)
_ORG_TITLE = re.compile(r"#\+title:[ \t]*(.+)", re.IGNORECASE)
_ORG_BLOCK = re.compile(r"[ \t]*#\+(begin|end)_", re.IGNORECASE)


def _org(lines: list[Line]) -> Iterator[Heading]:
    """Org: as many stars as the level; the title of the document has level 0 here."""
    block = False
    for start, line in lines:
        if found := _ORG_BLOCK.match(line):
            block = found[1].lower() == "begin"
        elif named := _ORG_TITLE.match(line):
            yield start, 0, named[1].strip()
        elif not block and (heading := _ORG_HEADING.match(line[:_LONGEST_TITLE])) and heading[2]:
            yield start, len(heading[1]), heading[2]


_LATEX_LEVELS = {"title": 0, "part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6}
_LATEX_TITLE = re.compile(
    r"\\(title|part|chapter|section|subsection|subsubsection|paragraph)\*?[ \t]*(?:\[[^\]\n]{0,300}\])?[ \t\n]{0,9}\{"
)
_LATEX_IGNORED = re.compile(
    r"(?<!\\)%[^\n]*|\\begin\{(verbatim\*?|lstlisting|minted|comment)\}.*?(?:\\end\{\1\}|\Z)", re.DOTALL
)
_LATEX_LABEL = re.compile(r"\\(?:label|index|footnote|thanks)\{[^{}]*\}")
_LATEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?[ \t]*|\\(?=[&%$#_{}])|\\\\|[{}$]")


def _latex(text: str) -> Iterator[Heading]:
    """LaTeX: \\section and its like, outside of comments and verbatim text; the title has level 0 here."""
    plain = _LATEX_IGNORED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for found in islice(_LATEX_TITLE.finditer(plain), MAX_HEADINGS):
        title = _LATEX_COMMAND.sub("", _LATEX_LABEL.sub("", _braced(plain, found.end())).replace("~", " "))
        if title := " ".join(title.split()):
            yield found.start(), _LATEX_LEVELS[found[1]], title


def _braced(text: str, start: int) -> str:
    """What stands from here to the brace that closes it."""
    depth = 1
    for index in range(start, min(start + _LONGEST_TITLE, len(text))):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if not depth:
            return text[start:index]
    return ""
