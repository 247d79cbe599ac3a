"""Texts that are hard to parse, colour or lay out, made by code: each kind in any size."""

from __future__ import annotations

from collections.abc import Callable

_WORDS = "The harbour was **visited** again and `described` in the [note](https://example.org/a) [1]. "


def table(columns: int, rows: int, cell: str = "cell") -> str:
    """A table with a header."""
    header = "".join(f"| Column {column} " for column in range(columns))
    body = ("".join(f"| {cell} {column * row} " for column in range(columns)) + "|\n" for row in range(rows))
    return f"{header}|\n{'|---' * columns}|\n{''.join(body)}"


def _times(piece: str) -> Callable[[int], str]:
    return lambda size: piece * max(1, size // len(piece))


def _fence(language: str, piece: str) -> Callable[[int], str]:
    return lambda size: f"```{language}\n{piece * max(1, size // len(piece))}\n```\n\nEnd."


KINDS: dict[str, Callable[[int], str]] = {
    "prose in paragraphs": lambda size: (_WORDS * 5 + "\n\n") * max(1, size // (5 * len(_WORDS))),
    "one long paragraph": _times(_WORDS),
    "plain words in one line": _times("word and more "),
    "lines of one paragraph": _times("a few words in a line\n"),
    "one-letter lines": _times("a\n"),
    "a run without a blank": _times("x"),
    "three runs": lambda size: " ".join(["x" * (size // 3)] * 3),
    "emoji": _times("😀"),
    "joined emoji": _times("👨‍👩‍👧"),
    "Chinese": _times("漢字"),
    "Arabic": _times("مرحبا "),
    "two directions": _times("abc مرحبا "),
    "combining marks": lambda size: "a" + "\u0301" * size,
    "control characters": _times("\x01\x02"),
    "soft hyphens": _times("a\u00ad"),
    "opening brackets": _times("["),
    "brackets and parentheses": _times("[]("),
    "links": _times("[a](https://b.c) "),
    "pictures": _times("![a]("),
    "exclamation brackets": _times("!["),
    "link definitions": lambda size: "".join(f"[a{number}]: b\n" for number in range(size // 10)),
    "automatic links": _times("<http://a> "),
    "emphasis": _times("_a_ "),
    "open emphasis": _times("**a *b "),
    "stars": _times("*"),
    "struck through": _times("~~a "),
    "growing backticks": lambda size: "".join("`" * count + " " for count in range(1, int((2 * size) ** 0.5))),
    "backslashes": _times("\\*"),
    "entities": _times("&amp;"),
    "angle brackets": _times("<a "),
    "citations": _times("[1] "),
    "list of letters": _times("- a\n"),
    "numbered list": lambda size: "".join(f"{number}. **item** text\n" for number in range(1, size // 20)),
    "list 60 deep": lambda size: "".join(f"{'  ' * (row % 60)}- a\n" for row in range(size // 60)),
    "list marks in a line": _times("- "),
    "quote 60 deep": lambda size: "".join(f"{'>' * (row % 60)} a\n" for row in range(size // 32)),
    "quote marks in a line": _times(">"),
    "a long quote": _times("> a few words\n"),
    "headings": _times("# a\n"),
    "small paragraphs": _times("a\n\n"),
    "rules": _times("---\n\n"),
    "blank lines": _times("\n"),
    "blanks": _times(" "),
    "carriage returns": _times("a **b**\r\n\r\n"),
    "a wide table": lambda size: table(max(3, size // 34), 3),
    "a tall table": lambda size: table(4, size // 40),
    "a large table": lambda size: table(30, size // 300),
    "long cells": lambda size: table(3, 3, "x" * (size // 9)),
    "code": _fence("python", "def f(x): return x + 1  # one more\n"),
    "a line of code": _fence("js", "var a=1;"),
    "quotation marks in code": _fence("js", '\\"'),
    "words in Java": _fence("java", "a " * 40 + "\n"),
    "code without an end": lambda size: "~~~c\n" + "int a;\n" * (size // 7),
    "many blocks of code": _times("```\na\n```\n"),
    "indented code": _times("    code\n"),
}
"""Every kind by name, as a function of the number of characters."""
