"""Patterns that say which files of a folder are read: `*.pdf`, `old/**`, `**/*.{eml,msg}`, `Private`.

A pattern without a slash fits a name at any depth, one with a slash fits the path below the folder. `*` and `?` stay
within a name, `**` crosses folders, `[…]` is one of some characters, `{a,b}` one of some words. What fits a folder fits
everything in it. Capitals make no difference, as in `SCAN.PDF`. The order does not matter: leaving out wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from desktop_llm.errors import BadRequest
from desktop_llm.words import tr

_MOST_VARIANTS = 200  # {a,b}{a,b}{a,b}… doubles with each pair of braces


class Patterns:
    """Decides about files by their path below the folder, with `/` between names. Raises BadRequest for a pattern that
    can't be understood.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._include, self._exclude = _one_of(include), _one_of(exclude)

    def take(self, path: str) -> bool:
        """Whether a file is read."""
        return (self._include is None or self._include.fullmatch(path) is not None) and not self.leave_out(path)

    def leave_out(self, path: str) -> bool:
        """Whether a file, or a folder with everything in it, is left out by a pattern that says so."""
        return self._exclude is not None and self._exclude.fullmatch(path) is not None


def checked(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns without blanks around them, empty ones and repetitions. Raises BadRequest."""
    kept = tuple(dict.fromkeys(filter(None, (pattern.strip() for pattern in patterns))))
    _one_of(kept)
    return kept


def literal(path: str) -> str:
    """The pattern that fits this path below the folder; `?` stands for what a line of text can't hold."""
    text = re.sub(r"[\n\r\ud800-\udfff]", "?", path)
    return "/" + re.sub(r"([*\[\]{}]| $)", r"[\1]", text)


def _one_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    found: list[str] = []
    for pattern in patterns:
        expressions = [_expression(each) for each in _variants(pattern)]
        try:
            re.compile("|".join(expressions))
        except re.error as error:
            raise _not_understood(pattern, tr("has a range that ends before it begins")) from error
        found += expressions
    # What fits a folder fits everything in it.
    return re.compile(f"(?:{'|'.join(found)})(?:/.*)?", re.IGNORECASE | re.DOTALL) if found else None


def _variants(pattern: str) -> list[str]:
    """The pattern once for each choice of its braces."""
    found, done = [pattern], False
    while not done:
        done, before, found = True, found, []
        for each in before:
            opened = _brace(each, 0)
            if opened < 0:
                found.append(each)
                continue
            closed = _brace(each, opened + 1, "}")
            if closed < 0:
                raise _not_understood(pattern, tr("has an open brace"))
            head, tail = each[:opened], each[closed + 1 :]
            found += [head + choice + tail for choice in each[opened + 1 : closed].split(",")]
            done = False
        if len(found) > _MOST_VARIANTS:
            raise _not_understood(pattern, tr("has too many braces"))
    return found


def _brace(pattern: str, start: int, brace: str = "{") -> int:
    """Where the next brace outside of brackets is; -1 if there is none."""
    at = start
    while at < len(pattern):
        if pattern[at] == "[" and (end := _bracket_end(pattern, at)) > 0:
            at = end
        elif pattern[at] == brace:
            return at
        at += 1
    return -1


def _bracket_end(pattern: str, start: int) -> int:
    """Where the bracket that opens at `start` closes; a `]` right behind it belongs to its characters."""
    first = start + 2 if pattern[start + 1 : start + 2] in ("!", "^") else start + 1
    return pattern.find("]", first + 1)


def _expression(pattern: str) -> str:
    """The regular expression for a pattern without braces."""
    anywhere = "/" not in pattern.rstrip("/")
    # `**/**` says no more than `**`, and takes far longer.
    names = [name for name in re.sub(r"(\*\*/+)+", "**/", pattern).split("/") if name]
    if not names:
        raise _not_understood(pattern, tr("names nothing"))
    parts = [] if not anywhere else ["(?:.*/)?"]
    for place, name in enumerate(names):
        last = place == len(names) - 1
        if name == "**":
            parts.append(".+" if last else "(?:.*/)?")
        else:
            parts.append("".join(_characters(pattern, name)) + ("" if last else "/"))
    return "".join(parts)


def _characters(pattern: str, name: str) -> Iterator[str]:
    at = 0
    while at < len(name):
        character = name[at]
        at += 1
        if character == "*":
            yield "[^/]*"
        elif character == "?":
            yield "[^/]"
        elif character == "[":
            end = _bracket_end(name, at - 1)
            if end < 0:
                raise _not_understood(pattern, tr("has an open bracket"))
            kind, at = name[at:end], end + 1
            turned = kind[0] in "!^"
            inside = re.sub(r"([\\\[\]&~|^])", r"\\\1", kind[1:] if turned else kind)
            yield f"(?!/)[{'^' if turned else ''}{inside}]"
        else:
            yield re.escape(character)


def _not_understood(pattern: str, why: str) -> BadRequest:
    return BadRequest(tr("The pattern {pattern} {why}.", pattern=pattern, why=why), tr("Nothing was changed."))
