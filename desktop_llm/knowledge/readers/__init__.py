"""What turns a file's bytes into pages of text: one module a format, and the table that names them.

A format's module has `read(source) -> Generator[Page, None, Summary]`: it yields the pages in order and raises
DocumentError with the reason in a few plain words. A new format is a new module and its line in `KINDS`. The modules
are imported at their first file, so that a text file never waits for the libraries of another format.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol, cast

from desktop_llm.errors import DocumentError
from desktop_llm.steps import Run
from desktop_llm.words import tr

# To be raised when the same bytes give another text: what is stored is then read again.
READER_VERSION = 1

MAX_FILE_BYTES = 200_000_000
MAX_TEXT_LENGTH = 20_000_000
# One page travels as one frame of the wire.
MAX_PAGE_LENGTH = 10_000_000

_SOURCE_SUFFIXES = """
    ada adb ads asm awk bash bat c cc cfg clj cljs cmake cmd cpp cs css cxx d dart diff el elm erl ex exs f f90 fs fsx
    go gql gradle graphql groovy h hcl hh hpp hrl hs hxx ini java jl js json json5 jsonc jsonl jsx kt kts less lisp lua
    m mjs mk ml mli mm nim nix pas patch php pl pm pro properties proto ps1 psm1 pxd py pyi pyx r rb rkt rs sass scala
    scm scss sh sql st sv svelte swift tcl tex tf toml ts tsx v vb vhd vhdl vim vue wat xml xsd xsl yaml yml zig zsh
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: what it is called on screen, the module that reads it, and the ends of names that mean it."""

    format: str
    module: str
    suffixes: frozenset[str]


KINDS = (
    Kind("PDF", "pdf", frozenset({"pdf"})),
    Kind("Word", "docx", frozenset({"docx", "docm", "dotx", "dotm"})),
    Kind("HTML", "html", frozenset({"html", "htm", "xhtml"})),
    Kind("Markdown", "markdown", frozenset({"md", "markdown", "mdown", "mkd", "qmd", "rmd"})),
    # A name without a suffix (README, Makefile) is text where its content is.
    Kind("Text", "text", frozenset({"", "txt", "text", "log", "rst", "adoc", "asciidoc", "org", "srt", "vtt"})),
    Kind("CSV", "csv", frozenset({"csv", "tsv", "tab"})),
    Kind("Source code", "source", frozenset(_SOURCE_SUFFIXES.split())),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as a reader gets it: its name, its bytes, and the password a person gave. Never a path."""

    name: str
    data: bytes
    password: str | None = None

    @property
    def stem(self) -> str:
        """The name without its suffix: the title of what has none."""
        return PurePath(self.name).stem


@dataclass(frozen=True, slots=True)
class Page:
    """A page's text as it is stored, and what a place in it is named by.

    `headings` are (start, level, title) in the order of the text, starts in code points; level 0 holds the column names
    of a table whose rows are the lines. `lines`: people find a place in this text by its line number.
    """

    number: int | None
    text: str
    headings: tuple[tuple[int, int, str], ...] = ()
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a whole document was; `pages` is None where the format has none."""

    title: str
    pages: int | None = None


Reading = Generator[Page, None, Summary]


class Reader(Protocol):
    """What a format's module offers."""

    def read(self, source: Source) -> Reading:
        """Yield the pages in order, return the summary; raises DocumentError with the reason."""


def suffix_of(name: str) -> str:
    """The end of the name that tells its format, lower case; a leading dot (.bashrc) is none."""
    return PurePath(name).suffix[1:].lower()


def kind_of(name: str) -> Kind | None:
    """The format that a file's name means; None for what no reader takes."""
    suffix = suffix_of(name)
    return next((kind for kind in KINDS if suffix in kind.suffixes), None)


def read(source: Source) -> Generator[Page, None, tuple[Kind, Summary]]:
    """Read a document by the format its name means, page by page.

    Raises DocumentError with the reason in a few words, also for a file that is empty or larger than 200 MB, and for
    more than 20 million characters of text (10 million where it has no pages).
    """
    kind = kind_of(source.name)
    if kind is None:
        raise DocumentError(
            tr("Not a kind of document this app can read (.{suffix})", suffix=suffix_of(source.name)), "format"
        )
    if not source.data:
        raise DocumentError(tr("Empty"), "empty")
    if len(source.data) > MAX_FILE_BYTES:
        raise too_large(
            tr(
                "{size:,.0f} MB, and {limit:,.0f} MB is the limit",
                size=len(source.data) / 1e6,
                limit=MAX_FILE_BYTES / 1e6,
            )
        )
    try:
        return kind, (yield from _bounded(reader_of(kind).read(source)))
    except MemoryError:
        raise too_large(tr("it needs more memory than one document may take")) from None
    except RecursionError:
        raise DocumentError(tr("Damaged: its parts are nested without end"), "damaged") from None


def reader_of(kind: Kind) -> Reader:
    """The module of a format, imported now if it was not yet."""
    return cast(Reader, importlib.import_module(f"{__name__}.{kind.module}"))


def too_large(why: str) -> DocumentError:
    """The reason for a document beyond a limit."""
    return DocumentError(tr("Too large: {reason}", reason=why), "too_large")


def _bounded(pages: Reading) -> Reading:
    run, length = Run(pages), 0
    for page in run:
        length += len(page.text)
        for measured, limit in ((length, MAX_TEXT_LENGTH), (len(page.text), MAX_PAGE_LENGTH)):
            if measured > limit:
                raise too_large(tr("more than {limit} million characters of text", limit=limit // 1_000_000))
        yield page
    return run.result
