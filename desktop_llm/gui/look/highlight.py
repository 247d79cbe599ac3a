"""Colours of code: maps Pygments tokens to the `syn_*` colours of the theme.

Pygments is imported at the first code block, never before the window is shown.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST_TEXT = 8000
"""Characters; a longer text stays in one colour."""
_LONGEST_LINE, _MOST_SPANS, _MOST_S = 1000, 2000, 0.02
"""No text may block the window: with some of Pygments' regular expressions the time grows with the square of the
length, and 6,000 quotation marks take a second. So nothing is coloured after 20 ms of processor time, and nothing at
all if a line is longer than 1,000 characters, as in minified code: within a line, one match may take long."""

_COLOURS = (  # the first match with the start of a token's name counts
    ("Token.Comment", "syn_comment"),
    ("Token.Literal.String", "syn_string"),
    ("Token.Literal.Number", "syn_number"),
    ("Token.Keyword.Type", "syn_type"),
    ("Token.Keyword", "syn_keyword"),
    ("Token.Operator.Word", "syn_keyword"),
    ("Token.Operator", "syn_operator"),
    ("Token.Name.Function", "syn_function"),
    ("Token.Name.Class", "syn_type"),
    ("Token.Name.Builtin", "syn_type"),
    ("Token.Name.Exception", "syn_type"),
    ("Token.Name.Decorator", "syn_decorator"),
    ("Token.Name.Attribute", "syn_function"),
    ("Token.Name.Tag", "syn_keyword"),
    ("Token.Generic.Inserted", "syn_string"),
    ("Token.Generic.Deleted", "syn_keyword"),
)

_NAMES = {"": "Text", "py": "Python", "js": "JavaScript", "ts": "TypeScript", "sh": "Shell", "bash": "Shell"}


@functools.lru_cache(maxsize=64)
def spans(text: str, language: str) -> tuple[tuple[int, int, str], ...]:
    """(start, length, colour name) of all coloured pieces; none if the language is unknown."""
    lexer = _lexer(language.lower())
    if lexer is None or len(text) > LONGEST_TEXT or max(map(len, text.split("\n"))) > _LONGEST_LINE:
        return ()
    return tuple(_coloured(lexer, text))


def language_name(language: str) -> str:
    """The name of a fence's language to show above the code, found without importing its lexer."""
    known = _NAMES.get(language.lower())
    return known if known is not None else language[:1].upper() + language[1:]


@functools.lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _coloured(lexer: Lexer, text: str) -> Iterator[tuple[int, int, str]]:
    end, count = time.thread_time() + _MOST_S, 0
    for start, token, value in lexer.get_tokens_unprocessed(text):
        if colour := _colour_of(str(token)):
            count += 1
            yield start, len(value), colour
        if count == _MOST_SPANS or time.thread_time() > end:
            return


@functools.cache
def _colour_of(token: str) -> str:
    return next((colour for prefix, colour in _COLOURS if token.startswith(prefix)), "")
