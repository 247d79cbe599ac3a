"""Tells whether one answer could match two choices of a JSON Schema's `oneOf`, as far as that can be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_NUMBERS = {"number", "integer"}


def never_both(one: Any, other: Any) -> bool:
    """Whether no answer that is written for one of the schemas also matches the other; False if that can't be seen.

    They differ in type, in the values that they allow, or, as objects, in such a field that both ask for. An answer has
    only the fields that its schema names, so one that lacks what the other asks for differs, too.
    """
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one is False or other is False
    kinds, others = _kinds(one), _kinds(other)
    if kinds and others and not kinds & others and not (kinds & _NUMBERS and others & _NUMBERS):
        return True
    values, other_values = _values(one), _values(other)
    if values is not None and other_values is not None:
        return not values & other_values
    for listed, kinds_allowed in ((values, others), (other_values, kinds)):
        if listed is not None and kinds_allowed and not any(_is_of(json.loads(each), kinds_allowed) for each in listed):
            return True
    return _is_object(one) and _is_object(other) and _differ_in_a_field(one, other)


def _differ_in_a_field(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    fields, asked = one.get("properties", {}), one.get("required", [])
    other_fields, other_asked = other.get("properties", {}), other.get("required", [])
    if any(
        never_both(fields[name], other_fields[name]) for name in {*asked} & {*other_asked} & {*fields} & {*other_fields}
    ):
        return True
    if any(word in schema for schema in (one, other) for word in ("$ref", "allOf", "anyOf", "oneOf")):
        return False  # these may name further fields
    lacks = any(name not in fields and name not in asked for name in other_asked)
    return lacks and any(name not in other_fields and name not in other_asked for name in asked)


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    """The types of a schema; none if it does not say."""
    named = schema.get("type")
    if isinstance(named, str):
        return {named}
    if isinstance(named, list) and all(isinstance(each, str) for each in named):
        return {*named}
    return set()


def _is_object(schema: Mapping[str, Any]) -> bool:
    """Whether what is written for this schema is an object."""
    return _kinds(schema) == {"object"} or ("type" not in schema and ("properties" in schema or "required" in schema))


def _values(schema: Mapping[str, Any]) -> set[str] | None:
    """The values that a schema allows, as JSON; None if it does not list them."""
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(listed, list) or any(isinstance(each, float) for each in listed):
        return None
    return {json.dumps(each, sort_keys=True) for each in listed}


def _is_of(value: Any, kinds: set[str]) -> bool:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    name = names.get(type(value), "null")
    return name in kinds or (name in _NUMBERS and bool(kinds & _NUMBERS))
