"""JSON Schemas become grammars, or are refused with a sentence."""

from __future__ import annotations

import decimal
import importlib
import json
import random
from typing import Any

import pytest

from desktop_llm.engine import json_schema
from desktop_llm.engine.forms import FormError
from desktop_llm.engine.number_ranges import integers
from desktop_llm.engine.string_formats import FORMATS
from tests.engine.grammar_texts import Texts
from tests.engine.random_schemas import Schemas


def told(schema: Any) -> str:
    with pytest.raises(FormError) as caught:
        json_schema.check(schema if isinstance(schema, str) else json.dumps(schema))
    return caught.value.told


def test_a_good_schema_says_how_many_fields_it_has() -> None:
    assert json_schema.check('{"properties": {"months": {"type": "integer"}, "cost": {"type": "number"}}}').count == 2
    assert json_schema.check("true").count == 0


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ('{"a": {"b": 1}', "Line 1, column 15: A bracket is missing: the text ends too early."),
        ('{"a": 1,\n "b" 3}', "Line 2, column 6: A colon is missing."),
        ('{"a": 1 "b": 2}', "Line 1, column 9: A comma or a closing bracket is missing."),
        ("[1]", "Line 1, column 1: A JSON Schema is an object in curly brackets."),
        ("[" * 100_000, "This JSON can't be read."),
        (False, "This schema can't be used: no answer can match this."),
        ({"type": "objct"}, 'This schema can\'t be used: "objct" is no type of JSON.'),
        (
            {"properties": {"a": {"pattern": "(?=x)"}}},
            "a/pattern: this pattern can't be kept: it looks ahead or behind.",
        ),
        ({"pattern": "x", "maxLength": 9}, "a grammar can't keep minLength, maxLength beside other rules"),
        ({"items": {"format": "iri"}}, "items: a grammar can't keep format iri."),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "oneOf: an answer could match 0 and 1"),
        ({"type": "object", "anyOf": [{"type": "null"}]}, "anyOf/0: its type is none of those around it."),
        ({"required": ["a"], "additionalProperties": False}, "properties/a: no answer can match this."),
        ({"patternProperties": {"a": {}, "b": {}}}, "a grammar can't keep patternProperties beside other rules"),
        ({"patternProperties": {"(?!a)": {}}}, "patternProperties/pattern: this pattern can't be kept"),
        ({"properties": {"a": {}}, "propertyNames": {"maxLength": 3}}, "propertyNames beside other rules"),
        ({"const": 1, "minimum": 3}, "a grammar can't keep const beside other rules"),
        ({"properties": {"a": {"not": {}}}}, "properties/a: a grammar can't keep not."),
        ({"properties": {"a": {"$ref": "https://x.example/y"}}}, "only references within this schema are followed"),
        ({"$ref": "#/$defs/no"}, "#/$defs/no leads nowhere"),
        ({"$ref": "#"}, "This schema is too large, or refers to itself without end."),
        ({"type": "number", "maximum": 3.5, "minimum": 3.6}, "no answer can match this"),
        ({"type": "number", "maximum": 1e30}, "maximum must be a number up to 1,000,000,000"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "the minimum is larger than the maximum"),
        ({"type": "integer", "multipleOf": 3}, "a grammar can't keep multipleOf"),
        ({"type": "array", "uniqueItems": True}, "a grammar can't keep uniqueItems"),
        ({"enum": []}, "enum: this must be a list of 1 to 500 values."),
        ({"type": "string", "enum": [1]}, "no answer can match this"),
        ({"anyOf": [{"type": "string"}], "minLength": 3}, "a grammar can't keep anyOf beside other rules"),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"a": {"type": "null"}}}]}, "two different rules"),
        ({"required": [1]}, "required is a list of names"),
    ],
)
def test_what_a_grammar_can_not_keep_is_told_with_its_place(schema: Any, problem: str) -> None:
    assert problem in told(schema)


def unlike(schema: Any, texts: int, draw: random.Random) -> str:
    """The first text that the schema's grammar allows and the schema does not, "" if there is none among so many."""
    jsonschema = importlib.import_module("jsonschema")
    written = Texts(json_schema.check(json.dumps(schema)).grammar, draw)
    validator = jsonschema.Draft202012Validator(
        json.loads(json.dumps(schema), parse_float=decimal.Decimal),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    for _ in range(texts):
        text = written.one()
        if not validator.is_valid(json.loads(text, parse_float=decimal.Decimal)):
            return text
    return ""


def test_what_a_schema_s_grammar_allows_is_valid() -> None:
    refused = 0
    for seed in range(150):
        draw = random.Random(seed)
        schema = Schemas(draw).one()
        try:
            text = unlike(schema, 4, draw)
        except FormError as error:
            refused += 1
            assert ": " in error.told  # noqa: PT017 - one of two good ends
            continue
        assert not text, (schema, text)
    assert refused < 100


@pytest.mark.parametrize(
    "schema",
    [
        *({"type": "string", "format": name} for name in FORMATS),
        {"patternProperties": {"^x-": {"type": "integer", "minimum": 3}}, "additionalProperties": False},
        {"type": "object", "propertyNames": {"pattern": "^[A-Z]+$"}} | {"additionalProperties": {"type": "null"}},
        {"type": "number", "minimum": -0.5, "exclusiveMaximum": 1.25, "multipleOf": 0.01},
        {"type": "string", "pattern": '^(?:[A-F]\\d|"\\t\\\\)+$', "minLength": 1},
        {"oneOf": [{"type": "integer", "minimum": 2.5}, {"type": "string", "pattern": "x$"}]},
        {
            "oneOf": [
                {"properties": {"kind": {"const": kind}, kind: {"type": "string"}}, "required": ["kind"]}
                for kind in "ab"
            ]
        },
    ],
)
def test_formats_patterns_limits_and_choices_are_kept(schema: Any) -> None:
    assert not unlike(schema, 40, random.Random(3))


def test_a_schema_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(60):
        schema = {"items": schema, "type": "array"}
    assert "nested too deeply" in told(schema)


@pytest.mark.parametrize(
    ("low", "high", "expression"),
    [
        (0, 9, "([0-9]{1})"),
        (7, 7, '("7")'),
        (3, 12, '([3-9] | "1" [0-2])'),
        (-1, 1, '("-" "1" | [0-1])'),
        (95, 105, '("9" [5-9] | "1" "0" [0-5])'),
    ],
)
def test_whole_numbers_within_limits_are_written_out(low: int, high: int, expression: str) -> None:
    assert integers(low, high) == expression
