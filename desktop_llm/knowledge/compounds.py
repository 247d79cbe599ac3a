"""Compound words of a question, in the parts that the documents have: "Mietvertragskündigung" finds "Kündigung des
Mietvertrags".

No dictionary of a language is needed: a word that stands in no document is split only into words that do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

from desktop_llm.knowledge.keywords import QueryWord

# What German, Dutch and Swedish put between two parts; the longest is tried last.
_JOINTS = ("", "s", "n", "e", "es", "en", "er")
_SHORTEST_PART = 4
_LONGEST_WORD = 60
_MOST_PARTS = 4


def in_parts(words: Iterable[QueryWord], is_known: Callable[[str], bool]) -> list[QueryWord]:
    """The words, with the parts of each unknown compound in its place; a word that has no such parts stays."""
    known = functools.cache(is_known)
    found: dict[str, QueryWord] = {}
    for each in words:
        for part in [] if each.written else _parts(each.word, known):
            found.setdefault(part, QueryWord(part))
        if each.written or not _parts(each.word, known):
            found[each.word] = each
    return list(found.values())


def _parts(word: str, is_known: Callable[[str], bool]) -> list[str]:
    if not word.isalpha() or not 2 * _SHORTEST_PART <= len(word) <= _LONGEST_WORD or is_known(word):
        return []
    return _split(word, is_known, _MOST_PARTS)


def _split(word: str, is_known: Callable[[str], bool], most: int) -> list[str]:
    """Known parts of a word, the longest first part that leaves known ones; none if there are none."""
    if most < 2:
        return []
    for end in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
        for joint in _JOINTS:
            first, rest = word[: end - len(joint)], word[end:]
            if not word[:end].endswith(joint) or len(first) < _SHORTEST_PART or not is_known(first):
                continue
            if others := [rest] if is_known(rest) else _split(rest, is_known, most - 1):
                return [first, *others]
    return []
