"""Random JSON Schemas, with rules that a grammar can keep and with rules that it can't."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from desktop_llm.engine.string_formats import FORMATS

PATTERNS = (
    *(
        "^[A-Z]{2}-\\d{3,4}$",
        "^\\w+@\\w+$",
        "cat|dog$",
        "^(?:a|b(c|d)?)+$",
        "^$|^x",
        '[^a-z"]',
        "^\\S.*\\S$",
        "\\u00e9\\x41",
    ),
    *('^"\\\\\\n$', "^[\\d.,-]+?$", "^.{3}$", "(^a)b", "^(?=a)", "\\bx", "(a)\\1", "^[b-a]$", "(", "a**", "^\\p{L}$"),
)
_NAMES = ("a", "b", "kind", "größe", 'with "quotes"')
_VALUES: tuple[Any, ...] = ("a", "b\n", 1, 2, -3, True, False, None, "é", [1, "x"], {"a": 1})


class Schemas:
    """Draws schemas; `one` is nested at most so deep."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def one(self, depth: int = 3) -> dict[str, Any]:
        """A schema of any kind."""
        kinds: list[Callable[[int], dict[str, Any]]] = [self._string, self._number, self._values, self._plain]
        if depth:
            kinds += [self._object, self._object, self._array, self._choice, self._joined]
        made = self._draw.choice(kinds)(depth - 1)
        if self._draw.random() < 0.04:
            made |= self._draw.choice(
                [{"not": {"type": "null"}}, {"if": {}, "then": {}}, {"uniqueItems": True}, {"minLength": 2}]
            )
        return made

    def _string(self, _: int) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "string"}
        made |= self._some({"minLength": self._draw.randint(0, 3), "maxLength": self._draw.randint(2, 8)})
        made |= self._some(
            {"pattern": self._draw.choice(PATTERNS), "format": self._draw.choice([*FORMATS, "regex", "colour"])}, 0.3
        )
        return made

    def _number(self, _: int) -> dict[str, Any]:
        limits = [self._draw.choice([0, 1, -1, 5, 10, 100, 0.5, -2.25, 99.9]) for _ in range(4)]
        words = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        made = self._some(dict(zip(words, limits, strict=True)), 0.3)
        made |= self._some({"multipleOf": self._draw.choice([1, 0.1, 0.01, 3])}, 0.15)
        return {"type": self._draw.choice(["number", "integer"]), **made}

    def _values(self, _: int) -> dict[str, Any]:
        listed = self._draw.sample(_VALUES, self._draw.randint(1, 4))
        made: dict[str, Any] = {"enum": listed} if self._draw.random() < 0.7 else {"const": listed[0]}
        return made | self._some({"type": self._draw.choice(["string", "integer", ["string", "null"]])}, 0.3)

    def _plain(self, _: int) -> dict[str, Any]:
        kinds: list[Any] = ["boolean", "null", "object", ["string", "number"]]
        return self._some({"type": self._draw.choice(kinds)}, 0.8)

    def _object(self, depth: int) -> dict[str, Any]:
        names = self._draw.sample(_NAMES, self._draw.randint(0, 3))
        made: dict[str, Any] = {"type": "object", "properties": {name: self.one(depth) for name in names}}
        made |= self._some({"required": self._draw.sample(_NAMES, self._draw.randint(0, 2))})
        made |= self._some({"additionalProperties": self._draw.choice([False, True, {"type": "integer"}])})
        patterns = {pattern: self.one(depth) for pattern in self._draw.sample(PATTERNS, self._draw.choice([1, 1, 2]))}
        kinds: list[Any] = [self._string(0), {"enum": ["a", "b", 3]}, True]
        names = self._draw.choice(kinds)
        return made | self._some({"patternProperties": patterns, "propertyNames": names}, 0.15)

    def _array(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "array", **self._some({"items": self.one(depth)}, 0.8)}
        made |= self._some({"minItems": self._draw.randint(0, 2), "maxItems": self._draw.randint(1, 3)})
        return made | self._some({"prefixItems": [self.one(depth) for _ in range(2)]}, 0.2)

    def _choice(self, depth: int) -> dict[str, Any]:
        word = self._draw.choice(["anyOf", "oneOf"])
        made: dict[str, Any] = {word: [self.one(depth) for _ in range(self._draw.randint(1, 3))]}
        return made | self._some({"type": self._draw.choice(["string", "object", "number"])}, 0.2)

    def _joined(self, depth: int) -> dict[str, Any]:
        return {"allOf": [self._object(depth) for _ in range(2)], **self._some({"type": "object"})}

    def _some(self, words: dict[str, Any], chance: float = 0.5) -> dict[str, Any]:
        return {word: value for word, value in words.items() if self._draw.random() < chance}
