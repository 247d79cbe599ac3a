"""Reads the tool calls in a piece of text, in the syntax of any family of models.

The syntaxes are those that the makers' chat templates ask for; JSON of small models is mended when it can only mean one
thing.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_XML_CALL = re.compile(r"<function=([^>\s]+)\s*>(.*?)(?:</function>|\Z)", re.DOTALL)
_XML_PARAMETER = re.compile(r"<parameter=([^>\s]+)\s*>(.*?)(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_GLM_ARGUMENT = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|\Z)", re.DOTALL)
_MISTRAL_CALL = re.compile(r"\s*([\w.-]+)(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?\s*(\{.*)", re.DOTALL)
_TO_TOOL = re.compile(
    r"to=(?:functions\.)?([\w.-]+)[^{]*?<\|message\|>(.*?)(?=<\|start\|>|<\|channel\|>|\Z)", re.DOTALL
)
_DEEPSEEK_FENCE = re.compile(r"([\w.-]+)\s*```(?:json)?\s*(.*?)\s*(?:```|\Z)", re.DOTALL)
_NAME = re.compile(r"""["']?(?:name|tool_name|function)["']?\s*[:=]\s*["']?([\w.-]+)""")
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)
_NAMES = ("name", "tool_name", "tool", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input")
_PAIRS = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's name and its arguments as JSON; if they could not be read, as the model wrote them."""

    name: str
    arguments: str


def calls_in(body: str, tools: Sequence[Mapping[str, Any]]) -> list[Call] | None:
    """The calls in the text between two marks; None if it can't be read. `tools` tell the types of arguments that are
    written without quotes.
    """
    readers: tuple[Callable[[], list[Call] | None], ...] = (
        lambda: _addressed(body),
        lambda: _xml(body, tools),
        lambda: _glm(body, tools),
        lambda: _deepseek(body),
        lambda: _kimi(body),
        lambda: _mistral(body),
        lambda: _objects(body),
        lambda: _python(body),
    )
    for reader in readers:
        if found := reader():
            return found
    return None


def named_in(body: str) -> str:
    """The tool's name in a call that can't be read, "" if it has none."""
    found = _NAME.search(body) or _XML_CALL.search(body) or _MISTRAL_CALL.match(body) or _TO_TOOL.search(body)
    return found[1] if found is not None else ""


def is_whole(text: str) -> bool:
    """Whether every bracket outside strings is closed, and there is one."""
    opened = _open_brackets(text)
    return opened == "" and any(bracket in text for bracket in _PAIRS)


def _addressed(body: str) -> list[Call]:
    """gpt-oss: a message whose header names the tool."""
    return [_call(name, arguments) for name, arguments in _TO_TOOL.findall(body)]


def _xml(body: str, tools: Sequence[Mapping[str, Any]]) -> list[Call]:
    """Qwen3-Coder: `<function=name><parameter=key>value</parameter></function>`, or JSON within the function."""
    calls = []
    for name, inside in _XML_CALL.findall(body):
        if inside.lstrip().startswith("{"):
            calls.append(_call(name, inside))
        else:
            values = {key: value.strip("\n") for key, value in _XML_PARAMETER.findall(inside)}
            calls.append(_typed(name, values, tools))
    return calls


def _glm(body: str, tools: Sequence[Mapping[str, Any]]) -> list[Call]:
    """GLM: the name, then `<arg_key>key</arg_key><arg_value>value</arg_value>`."""
    name, key, _ = body.partition("<arg_key>")
    if not key or not name.strip():
        return []
    return [_typed(name.strip(), {key.strip(): value for key, value in _GLM_ARGUMENT.findall(body)}, tools)]


def _deepseek(body: str) -> list[Call]:
    calls = []
    for each in re.split("<｜tool▁call▁begin｜>|<｜tool▁call▁end｜>", body):
        name, separator, rest = each.partition("<｜tool▁sep｜>")
        if separator and (fenced := _DEEPSEEK_FENCE.match(rest)) is not None:
            calls.append(_call(fenced[1], fenced[2]))
        elif separator:
            calls.append(_call(name.strip(), rest))
    return calls


def _kimi(body: str) -> list[Call]:
    """Kimi K2: `functions.name:0`, then the arguments."""
    calls = []
    for each in re.split(r"<\|tool_call_begin\|>|<\|tool_call_end\|>", body):
        name, separator, arguments = each.partition("<|tool_call_argument_begin|>")
        if separator:
            calls.append(_call(name.strip().removeprefix("functions.").partition(":")[0], arguments))
    return calls


def _mistral(body: str) -> list[Call]:
    """The newer form of Mistral: `name[ARGS]{…}`, each behind a mark."""
    found = [_MISTRAL_CALL.match(each) for each in body.split("[TOOL_CALLS]")]
    return [_call(match[1], match[2]) for match in found if match is not None]


def _objects(body: str) -> list[Call] | None:
    """JSON objects that name a tool, one or several, in an array or not."""
    calls: list[Call] = []
    for value in _values(body):
        for each in value if isinstance(value, list) else [value]:
            call = _of_object(each)
            if call is None:
                return None
            calls += call
    return calls


def _of_object(value: object) -> list[Call] | None:
    if not isinstance(value, dict):
        return None
    if isinstance(within := value.get("tool_calls"), list):
        found = [_of_object(each) for each in within]
        return None if None in found else [call for each in found if each is not None for call in each]
    if isinstance(within := value.get("function"), dict):
        return _of_object(within)
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), "")
    if not name:
        return None
    arguments: Any = next((value[key] for key in _ARGUMENTS if key in value), {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return [_call(name.removeprefix("functions."), text)]


def _python(body: str) -> list[Call]:
    """LFM2 and Llama 4: `[name(key="value")]`; only names and plain values are read, nothing is run."""
    try:
        tree = ast.parse(body.strip(), mode="eval").body
        calls = []
        for node in tree.elts if isinstance(tree, ast.List) else [tree]:
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
                return []
            values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg}
            calls.append(Call(node.func.id, json.dumps(values, ensure_ascii=False)))
        return calls
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return []


def _call(name: str, arguments: str) -> Call:
    """A call whose arguments are an object; what can't be read stays as it is."""
    value = next(_values(arguments), None) if arguments.strip() else {}
    return Call(name, json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else arguments.strip())


def _typed(name: str, values: Mapping[str, str], tools: Sequence[Mapping[str, Any]]) -> Call:
    """A call whose values are written without quotes: what is to be a string stays one, all else is read as JSON."""
    known: Mapping[str, Any] = next((tool["function"] for tool in tools if tool["function"]["name"] == name), {})
    types = known.get("parameters", {}).get("properties", {})
    read: dict[str, Any] = {}
    for key, value in values.items():
        read[key] = value
        if types.get(key, {}).get("type") != "string":
            try:
                read[key] = json.loads(value)
            except (ValueError, RecursionError):
                continue
    return Call(name, json.dumps(read, ensure_ascii=False))


def _values(text: str) -> Iterator[Any]:
    """The JSON values at the beginning of the text, mended if they can only mean one thing."""
    decoder = json.JSONDecoder(strict=False)
    rest = text.strip()
    while rest[:1] in ("{", "["):
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            yield from _mended(rest)
            return
        yield value
        rest = rest[end:].lstrip(" \t\r\n;,")


def _mended(text: str) -> Iterator[Any]:
    """A value that is not JSON: brackets that are missing at its end, a comma too many, or Python's way of writing."""
    opened = _open_brackets(text)
    if opened is None:  # a string has no end, so nobody knows what belongs to it
        return
    closed = text.rstrip().rstrip(",") + "".join(_PAIRS[bracket] for bracket in reversed(opened))
    without_commas = _TRAILING_COMMA.sub(lambda found: found[1] or "", closed)
    readers: tuple[Callable[[], Any], ...] = (
        lambda: json.loads(without_commas, strict=False),
        lambda: ast.literal_eval(closed),
    )
    for read in readers:
        try:
            value = read()
            json.dumps(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        yield value
        return


def _open_brackets(text: str) -> str | None:
    """The brackets that are open at the end of a text; None within a string, or if they don't match."""
    opened, in_string, escaped = "", False, False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in _PAIRS:
            opened += character
        elif character in _PAIRS.values():
            if not opened or _PAIRS[opened[-1]] != character:
                return None
            opened = opened[:-1]
    return None if in_string else opened
