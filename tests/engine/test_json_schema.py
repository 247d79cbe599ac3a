"""JSON Schemas become grammars, or are refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from desktop_llm.engine import json_schema
from desktop_llm.engine.forms import FormError
from desktop_llm.engine.number_ranges import integers


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
        ({"properties": {"a": {"pattern": "x"}}}, "properties/a: a grammar can't keep pattern."),
        ({"properties": {"a": {"not": {}}}}, "properties/a: a grammar can't keep not."),
        ({"properties": {"a": {"$ref": "https://x.example/y"}}}, "only references within this schema are followed"),
        ({"$ref": "#/$defs/no"}, "#/$defs/no leads nowhere"),
        ({"$ref": "#"}, "This schema is too large, or refers to itself without end."),
        ({"type": "number", "maximum": 3.5}, "a grammar keeps maximum of whole numbers only"),
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
