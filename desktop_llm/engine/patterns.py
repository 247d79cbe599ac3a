"""Turns a regular expression, as JSON Schema's `pattern` has it, into a grammar for the inside of a JSON string.

The syntax is that of ECMA-262 in Unicode mode, of which a grammar can keep: characters, classes, groups, alternatives,
repetitions, and ^ and $ at the ends. Looking ahead or behind, word boundaries and references to groups are refused:
https://json-schema.org/draft/2020-12/json-schema-core#name-regular-expressions
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from desktop_llm.words import tr

Ranges = tuple[tuple[int, int], ...]  # of code points, both ends included, in order

# What an answer may have within a string: all but control characters, of which line ends and tabs are common in texts.
ANY: Ranges = ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x7E), (0x80, 0xD7FF), (0xE000, 0x10FFFF))
_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
_LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D, "0": 0x00}
_SHORT = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: "\\"}  # as JSON escapes them
_HEX = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}")
_COUNTS = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_DEEPEST = 30


class PatternError(Exception):
    """A pattern that a grammar can't keep; the text is the end of a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression of a grammar, and how many characters a text that matches it has; `longest` None is no limit."""

    expression: str
    shortest: int
    longest: int | None


def pattern(text: str) -> Pattern:
    """All texts in which the regular expression is found; raises PatternError if a grammar can't keep it."""
    return _Parser(text).whole()


def written(ranges: Ranges) -> str:
    """One of these characters as JSON writes it within a string."""
    escaped = [f'"\\\\{_escape(code)}"' for code in (*range(0x20), 0x22, 0x5C) if _holds(ranges, code)]
    plain = _without(ranges, ((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0xD800, 0xDFFF)))
    choices = [f"[{''.join(_span(first, last) for first, last in plain)}]"] if plain else []
    both = choices + escaped
    if not both:
        raise PatternError(tr("a class of characters is empty"))
    return both[0] if len(both) == 1 else f"({' | '.join(both)})"


def _escape(code: int) -> str:
    """What follows the backslash of a character, as a text of a grammar."""
    short = _SHORT.get(code, f"u{code:04x}")
    return f"\\{short}" if short in '"\\' else short


def _span(first: int, last: int) -> str:
    return _named(first) if first == last else f"{_named(first)}-{_named(last)}"


def _named(code: int) -> str:
    character = chr(code)
    if character.isascii() and character.isalnum():
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _holds(ranges: Ranges, code: int) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _joined(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _without(ranges: Ranges, others: Ranges) -> Ranges:
    left = list(ranges)
    for begin, end in others:
        pieces = [
            piece for first, last in left for piece in ((first, min(last, begin - 1)), (max(first, end + 1), last))
        ]
        left = [(first, last) for first, last in pieces if first <= last]
    return tuple(sorted(set(left)))


class _Parser:
    """Reads a regular expression, and makes the expression of a grammar of each part."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def whole(self) -> Pattern:
        parts = [self._found_anywhere()]
        while self._take("|"):
            parts.append(self._found_anywhere())
        if self._text[self._at : self._at + 1] == ")":
            raise PatternError(tr("a bracket in it closes nothing"))
        if self._at < len(self._text):
            raise PatternError(tr("{sign} in it does not stand at an end", sign="$"))
        return _either(parts)

    def _found_anywhere(self) -> Pattern:
        """One alternative, with whatever may stand before and behind it."""
        around = Pattern(f"{written(ANY)}*", 0, None)
        begins = self._take("^")
        inside = self._sequence()
        ends = self._take("$")
        return _sequence([*([] if begins else [around]), inside, *([] if ends else [around])])

    def _alternatives(self) -> Pattern:
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return _either(parts)

    def _sequence(self) -> Pattern:
        parts: list[Pattern] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if self._text[self._at] == "$" and not self._depth:
                break
            parts.append(self._repeated(self._atom()))
        return _sequence(parts)

    def _atom(self) -> Pattern:
        character = self._text[self._at]
        self._at += 1
        if character == "(":
            return self._group()
        if character == "[":
            return Pattern(written(self._class()), 1, 1)
        if character == ".":
            return Pattern(written(_without(ANY, _LINE_ENDS)), 1, 1)
        if character == "\\":
            return Pattern(written(self._escaped()), 1, 1)
        if character in "^$":
            raise PatternError(tr("{sign} in it does not stand at an end", sign=character))
        if character in "*+?{":
            raise PatternError(tr("{sign} in it repeats nothing", sign=character))
        return Pattern(written(((ord(character), ord(character)),)), 1, 1)

    def _group(self) -> Pattern:
        if self._take("?"):
            name = re.compile(r":|<[A-Za-z_$][\w$]*>").match(self._text, self._at)
            if name is None:
                raise PatternError(tr("it looks ahead or behind"))
            self._at = name.end()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternError(tr("its groups are nested too deeply"))
        inside = self._alternatives()
        self._depth -= 1
        if not self._take(")"):
            raise PatternError(tr("a bracket in it is never closed"))
        return inside

    def _repeated(self, item: Pattern) -> Pattern:
        sign = self._text[self._at : self._at + 1]
        counts = _COUNTS.match(self._text, self._at)
        if sign in _SIGNS and sign:
            self._at += 1
            low, high = _SIGNS[sign]
        elif counts is not None:
            self._at = counts.end()
            low = int(counts[1])
            high = low if counts[2] is None else int(counts[3]) if counts[3] else None
            if high is not None and high < low:
                raise PatternError(tr("the second number of a repetition is smaller than the first"))
        else:
            return item
        self._take("?")  # a repetition as short as possible finds the same texts
        if high is None and not item.shortest:
            raise PatternError(tr("it repeats without end what may be nothing"))
        if high == 0:
            return Pattern("", 0, 0)
        longest = None if high is None or item.longest is None else item.longest * high
        most = "" if high is None else str(high)
        return Pattern(f"({item.expression}){{{low},{most}}}", item.shortest * low, longest)

    def _class(self) -> Ranges:
        """A choice of characters, from behind its opening bracket on."""
        negated = self._take("^")
        found: list[tuple[int, int]] = []
        while not self._take("]"):
            first = self._one_of_class()
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                self._at += 1
                last = self._one_of_class()
                if len(first) > 1 or len(last) > 1 or first[0][0] > last[0][0]:
                    raise PatternError(tr("a range of characters in it runs backwards"))
                first = ((first[0][0], last[0][1]),)
            found += first
        ranges = _joined(found)
        return _without(ANY, ranges) if negated else ranges

    def _one_of_class(self) -> Ranges:
        if self._at >= len(self._text):
            raise PatternError(tr("a bracket in it is never closed"))
        character = self._text[self._at]
        self._at += 1
        if character != "\\":
            return ((ord(character), ord(character)),)
        if self._take("b"):
            return ((0x08, 0x08),)
        return self._escaped()

    def _escaped(self) -> Ranges:
        """What a backslash and the characters behind it stand for."""
        sign = self._text[self._at : self._at + 1]
        code: int | None = None
        if (hexadecimal := _HEX.match(self._text, self._at)) is not None:
            self._at = hexadecimal.end()
            code = int(next(filter(None, hexadecimal.groups())), 16)
        else:
            self._at += 1
            if sign.lower() in _CLASSES:
                ranges = _CLASSES[sign.lower()]
                return ranges if sign.islower() else _without(ANY, ranges)
            code = _CONTROLS.get(sign) if sign else None
        if code is None:
            if not sign or sign.isalnum():
                raise PatternError(tr("a grammar can't keep {sign} in it", sign=f"\\{sign}"))
            code = ord(sign)
        if code > 0x10FFFF:
            raise PatternError(tr("it names a character that does not exist"))
        return ((code, code),)

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) * found
        return found


def _sequence(parts: list[Pattern]) -> Pattern:
    longest: int | None = 0
    for part in parts:
        longest = None if longest is None or part.longest is None else longest + part.longest
    expression = " ".join(part.expression for part in parts if part.expression)
    return Pattern(expression, sum(part.shortest for part in parts), longest)


def _either(parts: list[Pattern]) -> Pattern:
    if len(parts) == 1:
        return parts[0]
    longest = [part.longest for part in parts]
    most = None if None in longest else max(each for each in longest if each is not None)
    expressions = [part.expression or '""' for part in parts]
    return Pattern(f"({' | '.join(expressions)})", min(part.shortest for part in parts), most)
