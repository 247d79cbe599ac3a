"""Colours of code: Pygments tokens to the `syn_*` colours of the theme.

Pygments is imported at the first code block, never before the window is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LONGEST_TEXT = 40_000
"""Characters; a longer block stays in one colour, so that no code keeps the window waiting."""

_COLOURS = (  # the first that matches the start of a token's name
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
    """(start, length, colour name) of all coloured pieces; none where the language is not known."""
    lexer = _lexer(language.lower())
    if lexer is None or len(text) > _LONGEST_TEXT:
        return ()
    return tuple(_coloured(lexer, text))


def language_name(language: str) -> str:
    """How a fence's language is written above the code, without importing a lexer for it."""
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
    for start, token, value in lexer.get_tokens_unprocessed(text):
        if colour := _colour_of(str(token)):
            yield start, len(value), colour


@functools.cache
def _colour_of(token: str) -> str:
    return next((colour for prefix, colour in _COLOURS if token.startswith(prefix)), "")
