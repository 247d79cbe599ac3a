"""Checks a grammar in GBNF before llama.cpp sees it.

llama.cpp gives no reason when it refuses a grammar, follows brackets and rules by recursion until its stack overflows,
and never ends with some rules that begin with themselves. So everything it would do is done here first, within limits:
https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from desktop_llm.engine.forms import Form, FormError, place
from desktop_llm.words import tr

MAX_CHARACTERS = 200_000
MAX_RULES = 2_000
MAX_NESTING = 60
MAX_REPETITIONS = 2_000  # llama.cpp's own limit, MAX_REPETITION_THRESHOLD
MAX_SIZE = 100_000  # elements after repetitions are written out
ROOT = "root"

_NAME = re.compile(r"[a-zA-Z0-9-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_ESCAPE = re.compile(r'\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[trn\\"\[\]-])')
_COUNTS = re.compile(r"\{[ \t]*(\d{1,9})[ \t]*(?:(,)[ \t]*(\d{1,9})?[ \t]*)?\}")
_TOKEN = re.compile(r"!?<(?:\[\d{1,9}\]|[^\[>\n][^>\n]*)>")


@dataclass
class _Item:
    """One element of a sequence: the name of a rule, a group, or something that stands for characters."""

    at: int
    name: str = ""
    group: list[list[_Item]] | None = None
    size: int = 1
    rules: int = 1  # that llama.cpp makes of it, itself included
    empty: bool = False
    optional: bool = False
    endless: bool = False


@dataclass
class _Grammar:
    rules: dict[str, list[list[_Item]]] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)


def check(text: str) -> Form:
    """The grammar if llama.cpp can use it; raises FormError with the line and column if not."""
    if len(text) > MAX_CHARACTERS:
        raise FormError(tr("This grammar is too long: at most {count:,} characters.", count=MAX_CHARACTERS))
    grammar = _Parser(text).parse()
    for name, at in grammar.references.items():
        if name not in grammar.rules:
            raise FormError(tr("There is no rule with the name {name}.", name=name), *place(text, at))
    if ROOT not in grammar.rules:
        raise FormError(tr("A grammar begins with the rule root, which is missing."))
    _check_recursion(text, grammar)
    return Form(text, len(grammar.rules))


class _Parser:
    """Reads a grammar the way llama.cpp does (llama-grammar.cpp)."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._grammar = _Grammar()
        self._size = 0

    def parse(self) -> _Grammar:
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self._text):
            self._rule()
        return self._grammar

    def _rule(self) -> None:
        name = self._take(_NAME)
        if name is None:
            raise self._error(tr("A rule begins with a name of letters, digits and hyphens."))
        self._skip(_SPACE)
        if not self._text.startswith("::=", self._at):
            raise self._error(tr("After the name of a rule comes ::=."))
        self._at += 3
        self._skip(_SPACE_AND_LINES)
        self._grammar.rules[name] = self._alternatives(0)
        if len(self._grammar.rules) > MAX_RULES:
            raise self._error(tr("There are too many rules: at most {count:,}.", count=MAX_RULES))
        if self._at < len(self._text) and self._text[self._at] not in "\r\n":
            raise self._error(self._unexpected())
        self._skip(_SPACE_AND_LINES)

    def _unexpected(self) -> str:
        if self._text[self._at] == ")":
            return tr("This bracket closes nothing.")
        return tr("{character} is not expected here.", character=self._text[self._at])

    def _alternatives(self, depth: int) -> list[list[_Item]]:
        found = [self._sequence(depth)]
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(_SPACE_AND_LINES)
            found.append(self._sequence(depth))
        return found

    def _sequence(self, depth: int) -> list[_Item]:
        items: list[_Item] = []
        space = _SPACE_AND_LINES if depth else _SPACE
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in "*+?{":
                self._repeat(items)
            elif (item := self._item(character, depth)) is not None:
                items.append(item)
            else:
                break
            self._skip(space)
        return items

    def _item(self, character: str, depth: int) -> _Item | None:
        at = self._at
        if character == '"':
            length = self._characters('"', tr("This text has no closing quotation mark."))
            return self._sized(_Item(at, size=length, empty=not length))
        if character == "[":
            return self._sized(_Item(at, size=self._choice()))
        if character == ".":
            self._at += 1
            return self._sized(_Item(at))
        if character in "<!":
            if self._take(_TOKEN) is None:
                raise self._error(tr("A token is written as <name> or <[number]>."))
            return self._sized(_Item(at))
        if character == "(":
            return self._group(depth)
        name = self._take(_NAME)
        if name is None:
            return None
        self._grammar.references.setdefault(name, at)
        return self._sized(_Item(at, name=name))

    def _group(self, depth: int) -> _Item:
        at = self._at
        if depth >= MAX_NESTING:
            raise self._error(tr("Brackets are nested too deeply: at most {count}.", count=MAX_NESTING))
        self._at += 1
        self._skip(_SPACE_AND_LINES)
        group = self._alternatives(depth + 1)
        if not self._text.startswith(")", self._at):
            if self._at < len(self._text):
                raise self._error(self._unexpected())
            raise self._error(tr("A bracket is missing: this one is never closed."), at)
        self._at += 1
        inner = sum(item.rules - 1 for sequence in group for item in sequence)
        return self._sized(_Item(at, group=group, rules=inner + 2))

    def _choice(self) -> int:
        """The length of a choice of characters such as [a-z]."""
        self._at += 1
        if self._text.startswith("^", self._at):
            self._at += 1
        self._at -= 1  # `_characters` passes the opening sign
        length = self._characters("]", tr("This choice of characters has no closing bracket."))
        if not length:
            raise self._error(tr("This choice has no characters."))
        return length

    def _characters(self, close: str, unclosed: str) -> int:
        at, count = self._at, 0
        self._at += 1
        while not self._text.startswith(close, self._at):
            if self._at >= len(self._text):
                raise self._error(unclosed, at)
            if self._text[self._at] == "\\":
                if self._take(_ESCAPE) is None:
                    raise self._error(tr('There is no such escape. Known ones are \\n \\r \\t \\\\ \\" \\[ \\] \\xFF.'))
            else:
                self._at += 1
            count += 1
        self._at += 1
        return count

    def _repeat(self, items: list[_Item]) -> None:
        at = self._at
        low, high = self._counts()
        if not items or (items[-1].empty and not items[-1].name):
            raise self._error(tr("There is nothing here to repeat."), at)
        item = items[-1]
        times = high or low or 1
        if low > MAX_REPETITIONS or item.rules * times > MAX_REPETITIONS:
            raise self._error(tr("This repeats too much: at most {count:,} times.", count=MAX_REPETITIONS), at)
        item.rules *= times
        item.size *= times
        item.endless |= high is None
        item.optional |= low == 0
        self._sized(item)

    def _counts(self) -> tuple[int, int | None]:
        sign = self._text[self._at]
        if sign in "*+?":
            self._at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        match = _COUNTS.match(self._text, self._at)
        if match is None:
            raise self._error(tr("A repetition is written as {2}, {2,} or {2,5}."))
        self._at = match.end()
        low = int(match[1])
        if match[2] is None:
            return low, low
        high = int(match[3]) if match[3] else None
        if high is not None and high < low:
            raise self._error(tr("The second number is smaller than the first."), match.start())
        return low, None if high is None or high > MAX_REPETITIONS else high

    def _sized(self, item: _Item) -> _Item:
        self._size += item.size
        if self._size > MAX_SIZE:
            raise self._error(tr("This grammar is too large once its repetitions are written out."))
        return item

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._take(pattern)

    def _error(self, sentence: str, at: int | None = None) -> FormError:
        return FormError(sentence, *place(self._text, self._at if at is None else at))


def _check_recursion(text: str, grammar: _Grammar) -> None:
    """Raises FormError if a rule can begin with itself, or repeats without end what may be nothing."""
    empty = _empty_rules(grammar)
    first: dict[str, dict[str, int]] = {}
    for name, alternatives in grammar.rules.items():
        first[name] = {}
        _collect_first(text, alternatives, empty, first[name])
    _check_order(text, first)


def _empty_rules(grammar: _Grammar) -> set[str]:
    """The rules that may stand for nothing."""
    empty: set[str] = set()
    grown = True
    while grown:
        more = {
            name
            for name, alternatives in grammar.rules.items()
            if name not in empty and _may_be_empty(alternatives, empty)
        }
        empty |= more
        grown = bool(more)
    return empty


def _may_be_empty(alternatives: list[list[_Item]], empty: set[str]) -> bool:
    return any(all(_item_may_be_empty(item, empty) for item in sequence) for sequence in alternatives)


def _item_may_be_empty(item: _Item, empty: set[str]) -> bool:
    return item.optional or _once_empty(item, empty)


def _once_empty(item: _Item, empty: set[str]) -> bool:
    if item.group is not None:
        return _may_be_empty(item.group, empty)
    return item.name in empty if item.name else item.empty


def _collect_first(text: str, alternatives: list[list[_Item]], empty: set[str], found: dict[str, int]) -> None:
    """The names of the rules that a sequence may begin with, and where they stand."""
    for sequence in alternatives:
        begins = True
        for item in sequence:
            if item.endless and _once_empty(item, empty):
                raise FormError(tr("This repeats without end what may be nothing."), *place(text, item.at))
            if item.group is not None:
                _collect_first(text, item.group, empty, found if begins else {})
            elif item.name and begins:
                found.setdefault(item.name, item.at)
            begins = begins and _item_may_be_empty(item, empty)


def _check_order(text: str, first: dict[str, dict[str, int]]) -> None:
    done: set[str] = set()
    for start in first:
        way, stack = {start}, [(start, iter(first[start].items()))]
        while stack:
            name, rest = stack[-1]
            following = next(((after, at) for after, at in rest if after not in done), None)
            if following is None:
                done.add(name)
                way.discard(name)
                stack.pop()
                continue
            after, at = following
            if after in way:
                raise FormError(
                    tr("The rule {name} begins with itself, so it would never end.", name=after), *place(text, at)
                )
            way.add(after)
            stack.append((after, iter(first[after].items())))
