"""Turns a JSON Schema into a grammar, so that an answer can't break the schema.

Each answer that the grammar allows is valid; the grammar may allow fewer: fields come in the order of `properties`, and
only named fields come if there are any. A rule that a grammar can't keep is refused with a sentence, never left out:
https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from desktop_llm.engine import grammar
from desktop_llm.engine.forms import Form, FormError, refused_at
from desktop_llm.engine.number_ranges import MOST, Limit, decimals, integers
from desktop_llm.engine.schema_choices import never_both
from desktop_llm.engine.string_formats import shape_of
from desktop_llm.words import tr

MAX_DEPTH = 40
MAX_ITEMS = 500
# What a value may say without limiting it, beside unknown words, which the specification has us ignore.
_REFUSED = (
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependentRequired",
    "dependencies",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
    "$recursiveRef",
)
_JOINING = ("anyOf", "oneOf", "allOf", "enum", "const")
_NAMING = ("patternProperties", "propertyNames")
_NOT_JOINED = {*_REFUSED, *_JOINING, *_NAMING, "$ref", "minProperties", "maxProperties"}
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_MARKERS: dict[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties", *_NAMING),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
# Rules that a grammar may need, and the rules that these need.
_RULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ws": (r'| " " | "\n" [ ]{0,16}', ()),
    "char": (r'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})', ()),
    "string": (r'"\"" char* "\""', ("char",)),
    "integer": (r'"-"? ("0" | [1-9] [0-9]{0,14})', ()),
    "positive": (r'("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?', ()),
    "number": (r'"-"? positive', ("positive",)),
    "boolean": (r'"true" | "false"', ()),
    "null": (r'"null"', ()),
    "object": (
        r'"{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)*)? ws "}"',
        ("ws", "string", "value"),
    ),
    "array": (r'"[" ws (value (ws "," ws value)*)? ws "]"', ("ws", "value")),
    "value": (
        "object | array | string | number | boolean | null",
        ("object", "array", "string", "number", "boolean", "null"),
    ),
}


def check(text: str) -> Form:
    """The grammar for a JSON Schema, and how many fields it names at its top; raises FormError if it can't be kept."""
    try:
        schema = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormError(_syntax(error), error.lineno, error.colno) from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets without end
        raise FormError(tr("This JSON can't be read.")) from error
    if not isinstance(schema, dict | bool):
        raise FormError(tr("A JSON Schema is an object in curly brackets."), 1, 1)
    made = _Converter(schema).convert()
    fields = schema.get("properties") if isinstance(schema, dict) else None
    try:
        checked = grammar.check(made)
    except FormError as error:  # its line is one of the grammar, which nobody wrote
        raise FormError(tr("This schema is too large, or refers to itself without end.")) from error
    return Form(checked.grammar, len(fields) if isinstance(fields, dict) else 0)


def _syntax(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc.rstrip()):
        return tr("A bracket is missing: the text ends too early.")
    found = error.doc[error.pos]
    sentences = {
        "Expecting property name enclosed in double quotes": tr("A name in quotation marks is missing."),
        "Expecting ':' delimiter": tr("A colon is missing."),
        "Expecting ',' delimiter": tr("A comma or a closing bracket is missing."),
        "Expecting value": tr("A value is missing."),
        "Extra data": tr("There is text after the end of the schema."),
    }
    known = (sentence for begin, sentence in sentences.items() if error.msg.startswith(begin))
    return next(known, tr("{character} is not expected here.", character=found))


class _Converter:
    """Makes the rules of one schema; `path` names the place in it for sentences."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._depth = 0

    def convert(self) -> str:
        root = self._expression(self._schema, "")
        rules = {"root": root, **self._rules}
        return "\n".join(f"{name} ::= {rule}" for name, rule in rules.items())

    def _use(self, name: str) -> str:
        """The name of a rule that every grammar may have, with all that it needs."""
        if name not in self._rules:
            self._rules[name], needs = _RULES[name]
            for other in needs:
                self._use(other)
        return name

    def _add(self, rule: str) -> str:
        name = f"r{len(self._rules)}"
        self._rules[name] = rule
        return name

    def _expression(self, schema: Any, path: str) -> str:
        if schema is True or schema == {}:
            return self._use("value")
        if not isinstance(schema, dict):
            raise refused_at(path, tr("no answer can match this"))
        if self._depth >= MAX_DEPTH:
            raise refused_at(path, tr("this is nested too deeply"))
        self._depth += 1
        try:
            return self._of_keywords(schema, path)
        finally:
            self._depth -= 1

    def _of_keywords(self, schema: dict[str, Any], path: str) -> str:
        for word in _REFUSED:
            if word in schema:
                raise refused_at(path, tr("a grammar can't keep {word}", word=word))
        if "$ref" in schema:
            return self._reference(schema, path)
        kinds = self._kinds(schema, path)
        if "enum" in schema or "const" in schema:
            self._check_alone(schema, "enum" if "enum" in schema else "const", path)
            values = [schema["const"]] if "const" in schema else _listed(schema["enum"], f"{path}/enum")
            fitting = [value for value in values if "type" not in schema or _is_of(value, kinds)]
            if not fitting:
                raise refused_at(path, tr("no answer can match this"))
            return _alternatives(_literal(value) for value in fitting)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._any_of(schema, word, path)
        if "allOf" in schema:
            return self._expression(self._merged(schema, path), path)
        return _alternatives(self._of_type(kind, schema, path) for kind in kinds)

    def _kinds(self, schema: Mapping[str, Any], path: str) -> list[str]:
        named = schema.get("type")
        if named is None:
            marked = [kind for kind, words in _MARKERS.items() if any(word in schema for word in words)]
            return marked or ["value"]
        kinds = named if isinstance(named, list) else [named]
        if not kinds or any(kind not in _TYPES for kind in kinds):
            raise refused_at(path, tr("{name} is no type of JSON", name=json.dumps(named)[:40]))
        return kinds

    def _of_type(self, kind: str, schema: dict[str, Any], path: str) -> str:
        if kind == "object":
            return self._object(schema, path)
        if kind == "array":
            return self._array(schema, path)
        if kind == "string":
            return self._string(schema, path)
        if kind == "integer":
            return self._integer(schema, path)
        if kind == "number":
            return self._number(schema, path)
        return self._use(kind)

    def _any_of(self, schema: dict[str, Any], word: str, path: str) -> str:
        self._check_alone(schema, word, path)
        listed = _listed(schema[word], f"{path}/{word}")
        choices = [self._with_type(each, schema, f"{path}/{word}/{number}") for number, each in enumerate(listed)]
        if word == "oneOf":
            self._check_apart(choices, f"{path}/{word}")
        return _alternatives(
            self._expression(choice, f"{path}/{word}/{number}") for number, choice in enumerate(choices)
        )

    @staticmethod
    def _check_alone(schema: Mapping[str, Any], word: str, path: str) -> None:
        """Raises FormError if there are rules beside this one, but for the type."""
        if any(name in schema for words in (*_MARKERS.values(), _JOINING) for name in words if name != word):
            raise refused_at(path, tr("a grammar can't keep {word} beside other rules", word=word))

    def _check_apart(self, choices: Sequence[Any], path: str) -> None:
        """Raises FormError if one answer could match two of these."""
        followed = [self._target(each["$ref"], path) if _is_reference(each) else each for each in choices]
        for number, choice in enumerate(followed):
            for other in range(number):
                if not never_both(followed[other], choice):
                    both = tr(
                        "an answer could match {other} and {number}, where one of them must", other=other, number=number
                    )
                    raise refused_at(path, both)

    def _with_type(self, choice: Any, schema: Mapping[str, Any], path: str) -> Any:
        """The choice, limited to the types of the schema around it."""
        if "type" not in schema or not isinstance(choice, dict):
            return choice
        around, target = self._kinds(schema, path), self._target(choice["$ref"], path) if "$ref" in choice else choice
        own = target.get("type") if isinstance(target, dict) else None
        if own is None and target is choice:
            return {**choice, "type": schema["type"]}
        kinds = self._kinds(target, path) if isinstance(target, dict) else ["value"]
        fitting = [kind for kind in kinds if kind in around or (kind == "integer" and "number" in around)]
        if fitting != kinds and (target is not choice or not fitting):
            raise refused_at(path, tr("its type is none of those around it"))
        return choice if target is not choice else {**choice, "type": fitting}

    def _merged(self, schema: dict[str, Any], path: str) -> dict[str, Any]:
        """One object schema in place of `allOf`."""
        merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        rest = {name: value for name, value in schema.items() if name != "allOf"}
        closed: list[tuple[str, set[str]]] = []
        for number, part in enumerate([*_listed(schema["allOf"], f"{path}/allOf"), rest]):
            here = f"{path}/allOf/{number}"
            if isinstance(part, dict) and "$ref" in part:
                part = self._target(part["$ref"], here)
            if not isinstance(part, dict) or part.get("type", "object") != "object" or part.keys() & _NOT_JOINED:
                raise refused_at(here, tr("a grammar can only join objects"))
            fields, required = _fields(part, here)
            if part.get("additionalProperties", True) is not True:
                closed.append((here, {*fields}))
            for name, value in fields.items():
                if merged["properties"].setdefault(name, value) != value:
                    raise refused_at(f"{here}/properties/{name}", tr("this field has two different rules"))
            merged["required"] += [name for name in required if name not in merged["required"]]
        named = {*merged["properties"], *merged["required"]}
        for here, known in closed:
            if not named or named - known:
                raise refused_at(
                    here, tr("a grammar can't keep {word} beside other rules", word="additionalProperties")
                )
        return merged

    def _reference(self, schema: dict[str, Any], path: str) -> str:
        if any(name in schema for words in (*_MARKERS.values(), _JOINING, ("type",)) for name in words):
            raise refused_at(path, tr("a grammar can't keep {word} beside other rules", word="$ref"))
        address = schema["$ref"]
        target = self._target(address, path)
        if address not in self._names:
            name = self._names[address] = f"d{len(self._names)}"
            self._rules[name] = ""  # keeps its place in the order of the rules
            self._rules[name] = self._expression(target, str(address).removeprefix("#"))
        return self._names[address]

    def _target(self, address: Any, path: str) -> Any:
        if not isinstance(address, str) or not address.startswith("#"):
            raise refused_at(path, tr("only references within this schema are followed"))
        target = self._schema
        for step in address.removeprefix("#").removeprefix("/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if key == "":
                continue
            if not isinstance(target, dict) or key not in target:
                raise refused_at(path, tr("{address} leads nowhere", address=address[:60]))
            target = target[key]
        return target

    def _object(self, schema: dict[str, Any], path: str) -> str:
        named, required = _fields(schema, path)
        others = schema.get("additionalProperties", True)
        fields = {**named, **{name: others for name in required if name not in named}}
        low, high = _count(schema, "minProperties", path) or 0, _count(schema, "maxProperties", path)
        if low > len(required) or (high is not None and (not fields or high < len(fields))):
            raise refused_at(path, tr("a grammar can't keep {word}", word="minProperties, maxProperties"))
        self._use("ws")
        if fields and any(word in schema for word in _NAMING):
            raise refused_at(path, tr("a grammar can't keep {word} beside other rules", word=", ".join(_NAMING)))
        if fields:
            return f'"{{" ws {self._members(fields, set(required), path)} ws "}}"'
        if others is False and "patternProperties" not in schema:
            return '"{" ws "}"'
        pair = ' ws ":" ws '.join(self._any_field(schema, others, path))
        return f'"{{" ws ({pair} (ws "," ws {pair})*)? ws "}}"'

    def _any_field(self, schema: dict[str, Any], others: Any, path: str) -> tuple[str, str]:
        """The expressions for the name and the value of a field that the schema does not name."""
        patterns, names = schema.get("patternProperties"), schema.get("propertyNames", True)
        if patterns is not None:
            if not isinstance(patterns, dict) or len(patterns) != 1 or names is not True:
                raise refused_at(path, tr("a grammar can't keep {word} beside other rules", word="patternProperties"))
            ((text, others),) = patterns.items()
            names = {"pattern": text}
        path = f"{path}/{'additionalProperties' if patterns is None else 'patternProperties'}"
        if names is True:
            return self._use("string"), self._named(others, path)
        name = {**names, "type": "string"} if isinstance(names, dict) else names
        return self._named(name, path), self._named(others, path)

    def _members(self, fields: dict[str, Any], required: set[str], path: str) -> str:
        """The fields in their order; those that are not required may be missing."""
        pairs = [
            f'{_literal(name)} ws ":" ws {self._named(value, f"{path}/properties/{name}")}'
            for name, value in fields.items()
        ]
        must = [name in required for name in fields]
        after = ""  # the fields that follow, when one was written already
        first = ""  # the same, when none was
        for pair, needed in zip(reversed(pairs), reversed(must), strict=True):
            with_this = f"{pair} {after}".strip()
            without = f"{with_this} | {first}" if first else f"| {with_this}"
            first = with_this if needed else self._add(without)
            comma = f'ws "," ws {pair}'
            after = self._add(f"{comma if needed else f'({comma})?'} {after}".strip())
        return first

    def _array(self, schema: dict[str, Any], path: str) -> str:
        low, high = _count(schema, "minItems", path) or 0, _count(schema, "maxItems", path)
        if schema.get("uniqueItems") and (high is None or high > 1):
            raise refused_at(path, tr("a grammar can't keep {word}", word="uniqueItems"))
        if high is not None and high < low:
            raise refused_at(path, tr("the minimum is larger than the maximum"))
        self._use("ws")
        first = schema.get("prefixItems", [])
        others = schema.get("items", True)
        if isinstance(others, list):  # as it was before draft 2020-12
            first, others = others, schema.get("additionalItems", True)
        if not isinstance(first, list):
            raise refused_at(path, tr("prefixItems is a list"))
        fixed = [self._named(item, f"{path}/prefixItems/{number}") for number, item in enumerate(first)]
        if fixed:
            return self._tuple(fixed, others, low, high, path)
        if others is False or high == 0:
            return '"[" ws "]"'
        item = self._named(others, f"{path}/items")
        return f'"[" ws {_repeated(item, low, high)} ws "]"'

    def _tuple(self, fixed: Sequence[str], others: Any, low: int, high: int | None, path: str) -> str:
        """An array whose first items have rules of their own; all of these come."""
        if high is not None and high < len(fixed):
            raise refused_at(path, tr("there are more first items than maxItems allows"))
        begin = ' ws "," ws '.join(fixed)
        if others is False or low <= len(fixed):
            if low > len(fixed):
                raise refused_at(path, tr("there are fewer items than minItems asks for"))
            return f'"[" ws {begin} ws "]"'
        item = self._named(others, f"{path}/items")
        return f'"[" ws {begin} (ws "," ws {item}){{{low - len(fixed)}}} ws "]"'

    def _string(self, schema: dict[str, Any], path: str) -> str:
        low, high = _count(schema, "minLength", path) or 0, _count(schema, "maxLength", path)
        if high is not None and high < low:
            raise refused_at(path, tr("the minimum is larger than the maximum"))
        if (shaped := shape_of(schema, low, high, path)) is not None:
            return rf'"\"" {shaped.expression} "\""'
        if not low and high is None:
            return self._use("string")
        self._use("char")
        return rf'"\"" char{{{low},{"" if high is None else high}}} "\""'

    def _integer(self, schema: dict[str, Any], path: str) -> str:
        if schema.get("multipleOf", 1) != 1:
            raise refused_at(path, tr("a grammar can't keep {word}", word="multipleOf"))
        limits = {
            word: _whole(schema, word, path) for word in _MARKERS["number"] if word in schema and word != "multipleOf"
        }
        low = [limits[word] for word in ("minimum", "exclusiveMinimum") if word in limits]
        high = [limits[word] for word in ("maximum", "exclusiveMaximum") if word in limits]
        lowest, highest = max(low, default=None), min(high, default=None)
        if lowest is None and highest is None:
            return self._use("integer")
        if lowest is not None and highest is not None and lowest > highest:
            raise refused_at(path, tr("the minimum is larger than the maximum"))
        return integers(lowest, highest)

    def _number(self, schema: dict[str, Any], path: str) -> str:
        words = [word for word in _MARKERS["number"] if word in schema]
        if not words:
            return self._use("number")
        if words == ["minimum"] and schema["minimum"] == 0:
            return self._use("positive")
        low = [_decimal(schema, word, path) for word in ("minimum", "exclusiveMinimum") if word in schema]
        high = [_decimal(schema, word, path) for word in ("maximum", "exclusiveMaximum") if word in schema]
        lowest = max(low, key=lambda limit: (limit.value, not limit.included), default=None)
        highest = min(high, key=lambda limit: (limit.value, limit.included), default=None)
        if not (made := decimals(lowest, highest, **_places(schema, path))):
            raise refused_at(path, tr("no answer can match this"))
        return made

    def _named(self, schema: Any, path: str) -> str:
        """The expression as one symbol, so that it can stand in a sequence."""
        expression = self._expression(schema, path)
        return expression if expression.isalnum() else self._add(expression)


def _is_of(value: Any, kinds: Sequence[str]) -> bool:
    """Whether a value of `enum` has one of the types."""
    types: dict[str, tuple[type, ...]] = {
        "object": (dict,),
        "array": (list,),
        "string": (str,),
        "number": (int, float),
        "integer": (int,),
        "boolean": (bool,),
        "null": (type(None),),
    }
    return any(type(value) in types[kind] for kind in kinds)


def _fields(schema: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
    """The properties of an object, and the names of those that must come."""
    named, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(named, dict) or not isinstance(required, list):
        raise refused_at(path, tr("properties is an object, and required a list"))
    if not all(isinstance(name, str) for name in required):
        raise refused_at(path, tr("required is a list of names"))
    if len(named) + len(required) > MAX_ITEMS:
        raise refused_at(path, tr("there are more than {count} fields", count=MAX_ITEMS))
    return named, required


def _listed(values: Any, path: str) -> list[Any]:
    if not isinstance(values, list) or not values or len(values) > MAX_ITEMS:
        raise refused_at(path, tr("this must be a list of 1 to {count} values", count=MAX_ITEMS))
    return values


def _count(schema: Mapping[str, Any], word: str, path: str) -> int | None:
    value = schema.get(word)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= grammar.MAX_REPETITIONS or value != int(value):
        raise refused_at(path, tr("{word} must be from 0 to {count:,}", word=word, count=grammar.MAX_REPETITIONS))
    return int(value)


def _is_reference(schema: Any) -> bool:
    return isinstance(schema, dict) and "$ref" in schema


def _decimal(schema: Mapping[str, Any], word: str, path: str) -> Limit:
    value = schema[word]
    if type(value) not in (int, float) or not abs(value) <= MOST:
        raise refused_at(path, tr("{word} must be a number up to {most:,}", word=word, most=int(MOST)))
    return Limit(Decimal(repr(value)), included=not word.startswith("exclusive"))


def _places(schema: Mapping[str, Any], path: str) -> dict[str, int]:
    """How many digits may come behind the point, if `multipleOf` is 1, 0.1, 0.01 and so on."""
    step = schema.get("multipleOf")
    if step is None:
        return {}
    known = {1.0: 0, 0.1: 1, 0.01: 2, 0.001: 3, 0.0001: 4}
    if type(step) not in (int, float) or step not in known:
        raise refused_at(path, tr("a grammar can't keep {word}", word="multipleOf"))
    return {"places": known[step]}


def _whole(schema: Mapping[str, Any], word: str, path: str) -> int:
    """The first or last whole number that a limit allows."""
    value = schema[word]
    if type(value) not in (int, float) or not abs(value) < 10**15:
        raise refused_at(path, tr("{word} must be a number with at most 15 digits", word=word))
    low, excluded = word.endswith("inimum"), word.startswith("exclusive")
    nearest: int = math.ceil(value) if low else math.floor(value)
    return nearest + (1 if low else -1) * (excluded and nearest == value)


def _alternatives(expressions: Any) -> str:
    found = list(dict.fromkeys(expressions))
    return found[0] if len(found) == 1 else "(" + " | ".join(found) + ")"


def _repeated(item: str, low: int, high: int | None) -> str:
    """`low` to `high` items with commas between them."""
    more = f'(ws "," ws {item})'
    rest = f"{{{max(low - 1, 0)},{'' if high is None else high - 1}}}"
    once = f"{item} {more}{rest}"
    return once if low else f"({once})?"


def _literal(value: Any) -> str:
    """A JSON value as it must be written, as a text of the grammar."""
    text = json.dumps(value, ensure_ascii=False).replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(f"\\x{ord(each):02x}" if ord(each) < 0x20 or ord(each) == 0x7F else each for each in text) + '"'
    )
