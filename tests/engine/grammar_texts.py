"""Random texts that a grammar in GBNF allows: what a model may write under it."""

from __future__ import annotations

import random
import re
from typing import Any

Item = tuple[str, Any, int, int | None]  # its kind, what it is, and how often it comes

_TOKEN = re.compile(
    r'"((?:\\.|[^"\\])*)"|\[((?:\\.|[^\]\\])*)\]|\{(\d+)(,)?(\d+)?\}|([a-zA-Z0-9-]+)|([()|*+?.])|\s+', re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
_MOST_REPEATED = 3


class Texts:
    """Draws texts from the rules of a grammar; the deeper it is, the shorter are its repetitions."""

    def __init__(self, grammar: str, draw: random.Random) -> None:
        self._draw = draw
        self._rules = {}
        for line in grammar.splitlines():
            name, _, rule = line.partition(" ::= ")
            tokens = [match for match in _TOKEN.finditer(rule) if match[0].strip()]
            self._rules[name], rest = _alternatives(tokens, 0)
            assert rest == len(tokens), rule

    def one(self) -> str:
        """A text of the rule root."""
        return self._of("root", 0)

    def _of(self, name: str, depth: int) -> str:
        choices = self._rules[name]
        if depth > 12:  # the shortest ones end what refers to itself
            choices = [min(choices, key=lambda each: sum(2 if item[0] in ("name", "group") else 1 for item in each))]
        return self._sequence(self._draw.choice(choices), depth)

    def _sequence(self, items: list[Item], depth: int) -> str:
        return "".join(self._item(kind, value, low, high, depth) for kind, value, low, high in items)

    def _item(self, kind: str, value: Any, low: int, high: int | None, depth: int) -> str:
        most = low if depth > 8 else min(low + _MOST_REPEATED, high if high is not None else low + _MOST_REPEATED)
        return "".join(self._once(kind, value, depth) for _ in range(self._draw.randint(low, max(low, most))))

    def _once(self, kind: str, value: Any, depth: int) -> str:
        if kind == "text":
            return str(value)
        if kind == "class":
            return self._character(value)
        if kind == "name":
            return self._of(str(value), depth + 1)
        return self._sequence(self._draw.choice(value), depth)

    def _character(self, value: tuple[bool, list[tuple[int, int]]]) -> str:
        negated, spans = value
        while True:
            first, last = self._draw.choice(spans) if not negated else (0x20, 0x17F)
            code = self._draw.randint(first, min(last, first + 300))
            if not negated or not any(begin <= code <= end for begin, end in spans):
                return chr(code)


def _alternatives(tokens: list[re.Match[str]], at: int) -> tuple[list[list[Item]], int]:
    found = []
    while True:
        items, at = _sequence(tokens, at)
        found.append(items)
        if at >= len(tokens) or tokens[at][0] != "|":
            return found, at
        at += 1


def _sequence(tokens: list[re.Match[str]], at: int) -> tuple[list[Item], int]:
    items: list[Item] = []
    while at < len(tokens) and tokens[at][0] not in ("|", ")"):
        token, at = tokens[at], at + 1
        text = token[0]
        if text.startswith('"'):
            items.append(("text", "".join(_characters(token[1])), 1, 1))
        elif text.startswith("["):
            items.append(("class", _class(token[2]), 1, 1))
        elif text == "(":
            group, at = _alternatives(tokens, at)
            items.append(("group", group, 1, 1))
            at += 1
        elif text in "*+?" or text.startswith("{"):
            kind, value, *_ = items.pop()
            items.append((kind, value, *_counts(token)))
        else:
            items.append(("name", text, 1, 1))
    return items, at


def _counts(token: re.Match[str]) -> tuple[int, int | None]:
    signs = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if token[0] in signs:
        return signs[token[0]]
    low = int(token[3])
    return low, int(token[5]) if token[5] else None if token[4] else low


def _characters(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        escape = _ESCAPE.match(text, at)
        if escape is None:
            found.append(text[at])
            at += 1
            continue
        code = escape[1] or escape[2] or escape[3]
        found.append(chr(int(code, 16)) if code else _LETTERS.get(escape[4], escape[4]))
        at = escape.end()
    return found


def _class(text: str) -> tuple[bool, list[tuple[int, int]]]:
    negated = text.startswith("^")
    spans: list[tuple[int, int]] = []
    at = int(negated)
    while at < len(text):
        first, at = _one(text, at)
        last = first
        if text[at : at + 1] == "-" and at + 1 < len(text):
            last, at = _one(text, at + 1)
        spans.append((ord(first), ord(last)))
    return negated, spans


def _one(text: str, at: int) -> tuple[str, int]:
    escape = _ESCAPE.match(text, at)
    if escape is None:
        return text[at], at + 1
    return _characters(escape[0])[0], escape.end()
