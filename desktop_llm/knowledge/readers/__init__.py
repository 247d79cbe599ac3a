"""Turns a file's bytes into pages of text: one module per format, and the table of them.

A format's module has `read(source) -> Generator[Page, None, Summary]`: it yields the pages in order and raises
DocumentError with the reason in a few plain words. To add a format, write a module and add its line to the table. A
module is imported with its first file, so that a text file never waits for another format's libraries.

What a format knows of its structure it hands over with the page: headings with their levels, and tables with their
column names. The passages cut from it then say where they stand, and no passage is cut inside a row.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Protocol, cast

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import (
    MAX_FILE_BYTES,
    MAX_HEADER_LENGTH,
    MAX_HEADINGS,
    MAX_PAGE_LENGTH,
    MAX_TABLES,
    MAX_TEXT_LENGTH,
    MAX_TITLE_LENGTH,
)
from desktop_llm.knowledge.readers.allowance import Allowance
from desktop_llm.steps import Run
from desktop_llm.words import tr

_SOURCE_SUFFIXES = """
    ada adb ads asm awk bash bat c cc cfg clj cljs cmake cmd cpp cs css cxx d dart diff el elm erl ex exs f f90 fs fsx
    go gql gradle graphql groovy h hcl hh hpp hrl hs hxx ini java jl js json json5 jsonc jsonl jsx kt kts less lisp lua
    m mjs mk ml mli mm nim nix pas patch php pl pm pro properties proto ps1 psm1 pxd py pyi pyx r rb rkt rs sass scala
    scm scss sh sql st sv svelte swift tcl tex tf toml ts tsx v vb vhd vhdl vim vue wat xml xsd xsl yaml yml zig zsh
"""
_OPENDOCUMENT_SUFFIXES = "odt ott fodt odp otp fodp ods ots fods odg otg fodg"


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: its name on screen, the module that reads it, and the file name suffixes that mean it.

    Raise `version` when the same bytes give another text: stored files of this format are then read again.
    """

    format: str
    module: str
    suffixes: frozenset[str]
    version: int = 1


# The first line that knows a suffix has it, so that Source code and Text take what no other format does.
KINDS = (
    Kind("Archive", "archive", frozenset({"tar", "tgz", "tbz2", "txz", "gz", "bz2", "xz"})),
    Kind("AsciiDoc", "markup", frozenset({"adoc", "asciidoc"})),
    Kind("CSV", "csv", frozenset({"csv", "tsv", "tab"})),
    Kind("Email", "mail", frozenset({"eml", "emlx"})),
    Kind("Email", "mbox", frozenset({"mbox"})),
    Kind("Email", "msg", frozenset({"msg"})),
    Kind("EPUB", "epub", frozenset({"epub"})),
    Kind("Excel", "spreadsheet", frozenset({"xlsx", "xlsm", "xls", "xlsb", "xltx", "xltm", "xlt"})),
    Kind("HTML", "html", frozenset({"html", "htm", "xhtml", "mhtml", "mht"}), version=2),
    Kind("JSON", "json", frozenset({"json", "jsonl", "ndjson", "geojson"})),
    Kind("LaTeX", "markup", frozenset({"tex", "latex", "ltx"})),
    Kind("Markdown", "markdown", frozenset({"md", "markdown", "mdown", "mkd", "qmd", "rmd"}), version=2),
    Kind("Notebook", "notebook", frozenset({"ipynb"})),
    Kind("OpenDocument", "opendocument", frozenset(_OPENDOCUMENT_SUFFIXES.split())),
    Kind("Org", "markup", frozenset({"org"})),
    Kind("PDF", "pdf", frozenset({"pdf"}), version=2),
    Kind("Picture", "image", frozenset({"png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif"})),
    Kind("PowerPoint", "pptx", frozenset({"pptx", "pptm", "ppsx", "ppsm", "potx", "potm"})),
    Kind("reStructuredText", "markup", frozenset({"rst"})),
    Kind("RTF", "rtf", frozenset({"rtf"})),
    Kind("Subtitles", "subtitles", frozenset({"srt", "vtt"})),
    Kind("Word", "docx", frozenset({"docx", "docm", "dotx", "dotm"}), version=2),
    Kind("Word", "ole", frozenset({"doc", "dot"})),
    Kind("PowerPoint", "ole", frozenset({"ppt", "pps", "pot"})),
    Kind("ZIP", "archive", frozenset({"zip"})),
    # A file without a suffix (README, Makefile) is text if its content is text.
    Kind("Text", "text", frozenset({"", "txt", "text", "log"})),
    Kind("Source code", "source", frozenset(_SOURCE_SUFFIXES.split())),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as a reader gets it: its name, its bytes, and the password a person gave. Never a path.

    `allowance` is what the files inside it may cost, all together.
    """

    name: str
    data: bytes
    password: str | None = None
    allowance: Allowance = field(default_factory=Allowance)

    @property
    def stem(self) -> str:
        """The name without its suffix: the title if the document itself has none."""
        return PurePath(self.name).stem


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a table in a page's text: `text[start:end]` (code points) holds one row in each line, and nothing else.

    `header` are the column names as one line, as the rows are written ("Name | Born | Salary"). If the text has a row
    of them, `start` comes after it. `first_row`: the number that people know the first row by, if rows have numbers:
    1 is the first row of a sheet or file. `columns` are the letters of the first and last column of a sheet ("A:F").
    A table without known column names is worth handing over too: no passage is cut inside its rows.
    """

    start: int
    end: int
    header: str = ""
    first_row: int = 0
    columns: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page's text as it is stored, and the headings, tables and lines by which its places are named.

    `headings` are (start, level, title) in the order of the text, starts in code points, levels from 1. `tables` are
    in the order of the text and do not overlap. `lines`: people find a place in this text by its line number. `total`
    is the number of pages that the document says it has. `place` names the part of the document that this text is, if
    it has parts: a file in an archive, an attachment. Parts in a row with the same number, or without one, are stored
    as one page.
    """

    number: int | None
    text: str
    headings: tuple[tuple[int, int, str], ...] = ()
    lines: bool = False
    total: int | None = None
    tables: tuple[Table, ...] = ()
    place: str = ""
    recognised: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The facts of a whole document; `pages` is None if the format has none, `said` the number of pages that the
    document says it has if the rest of them is not in the file, `left_out` names the parts of the document that
    were not read, each with the reason.
    """

    title: str
    pages: int | None = None
    said: int | None = None
    left_out: tuple[tuple[str, str], ...] = ()


Heading = tuple[int, int, str]
Parsing = Generator[Page, None, Summary]


class FormatModule(Protocol):
    """The function that a format's module offers."""

    def read(self, source: Source) -> Parsing:
        """Yield the pages in order, return the summary; raises DocumentError with the reason."""


def suffix_of(name: str) -> str:
    """The suffix that tells a file's format, in lower case; a leading dot (.bashrc) does not count."""
    return PurePath(name).suffix[1:].lower()


def kind_of(name: str) -> Kind | None:
    """The format that a file's name means; None if no reader takes it."""
    suffix = suffix_of(name)
    return next((kind for kind in KINDS if suffix in kind.suffixes), None)


def kind_for(name: str) -> Kind:
    """The format that a file's name means. Raises DocumentError if no reader takes it."""
    kind = kind_of(name)
    if kind is None:
        raise DocumentError(
            tr("Not a kind of document this app can read (.{suffix})", suffix=suffix_of(name)), cause="format"
        )
    return kind


def read(source: Source) -> Generator[Page, None, tuple[Kind, Summary]]:
    """Read a document page by page, in the format that its name means, or its content if that is an office document.

    Raises DocumentError with the reason in a few words, also for a file that is empty or larger than 200 MB, and for
    more than 20 million characters of text (10 million without pages).
    """
    kind = kind_for(source.name)
    if not source.data:
        raise DocumentError(tr("Empty"), cause="empty")
    if len(source.data) > MAX_FILE_BYTES:
        raise too_large(
            tr(
                "{size:,.0f} MB, and {limit:,.0f} MB is the limit",
                size=len(source.data) / 1e6,
                limit=MAX_FILE_BYTES / 1e6,
            )
        )
    kind = _kind_by_content(kind, source.data)
    try:
        return kind, (yield from _bounded(reader_of(kind).read(source)))
    except MemoryError:
        raise too_large(tr("it needs more memory than one document may use")) from None
    except RecursionError:
        raise DocumentError(tr("Damaged: its parts are nested too deeply"), cause="damaged") from None


def _kind_by_content(kind: Kind, data: bytes) -> Kind:
    """The format that a file has, if that is another one than its name means."""
    from desktop_llm.knowledge.readers.signatures import module_of

    module = module_of(data, kind.module)
    return kind if module == kind.module else next((each for each in KINDS if each.module == module), kind)


def reader_of(kind: Kind) -> FormatModule:
    """The module of a format, imported now if needed."""
    return cast(FormatModule, importlib.import_module(f"{__name__}.{kind.module}"))


def too_large(why: str) -> DocumentError:
    """The error for a document beyond a limit."""
    return DocumentError(tr("Too large: {reason}", reason=why), cause="too_large")


def _bounded(pages: Parsing) -> Parsing:
    run, length = Run(pages), 0
    for page in run:
        length += len(page.text)
        for measured, limit in ((length, MAX_TEXT_LENGTH), (len(page.text), MAX_PAGE_LENGTH)):
            if measured > limit:
                raise too_large(tr("more than {limit} million characters of text", limit=limit // 1_000_000))
        headings = tuple(_shortened(page.headings[:MAX_HEADINGS]))
        tables = tuple(replace(each, header=each.header[:MAX_HEADER_LENGTH]) for each in page.tables[:MAX_TABLES])
        yield replace(page, headings=headings, tables=tables)
    return run.result


def _shortened(headings: Iterable[Heading]) -> Iterator[Heading]:
    return ((start, level, title[:MAX_TITLE_LENGTH]) for start, level, title in headings)
