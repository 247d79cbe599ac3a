"""What becomes of tool calls in an answer while it streams, in the syntax of each family of models."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from desktop_llm.engine.streaming import ThinkingSplitter
from desktop_llm.engine.tool_call_syntax import Call
from desktop_llm.engine.tool_calls import MOST_CALLS, ToolCallReader

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "…",
            "parameters": {"type": "object", "properties": properties, "required": [*properties]},
        },
    }
    for name, properties in (
        ("find", {"query": {"type": "string"}, "most": {"type": "integer"}}),
        ("sum", {"numbers": {"type": "array"}}),
    )
]
FIND = '{"query": "rent", "most": 3}'
SUM = '{"numbers": [1, 2]}'
OBJECT = f'{{"name": "find", "arguments": {FIND}}}'
OTHER = f'{{"name": "sum", "arguments": {SUM}}}'
XML = "<function=find>\n<parameter=query>\nrent\n</parameter>\n<parameter=most>\n3\n</parameter>\n</function>"
DEEPSEEK = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>"
KIMI = "<|tool_calls_section_begin|><|tool_call_begin|>functions.find:0<|tool_call_argument_begin|>"

FAMILIES = {
    "Hermes and Qwen": f"<tool_call>\n{OBJECT}\n</tool_call>",
    "Qwen3-Coder": f"<tool_call>\n{XML}\n</tool_call>",
    "Qwen3-Coder without its outer tag": XML,
    "Qwen2.5-Coder": f"```json\n{OBJECT}\n```",
    "Qwen2.5-Coder with a tag": f"<tools>\n{OBJECT}\n</tools>",
    "Llama 3": f'{{"name": "find", "parameters": {FIND}}}',
    "Llama 3 with a mark": f'<|python_tag|>{{"type": "function", "name": "find", "parameters": {FIND}}}',
    "Mistral": f"[TOOL_CALLS] [{OBJECT}]",
    "newer Mistral": f"[TOOL_CALLS]find[ARGS]{FIND}",
    "Mistral with an id": f"[TOOL_CALLS]find[CALL_ID]a1b2c3d4e[ARGS]{FIND}",
    "Functionary": f"<function=find>{FIND}</function>",
    "DeepSeek V3": f"{DEEPSEEK}function<｜tool▁sep｜>find\n```json\n{FIND}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "DeepSeek V3.1": f"{DEEPSEEK}find<｜tool▁sep｜>{FIND}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "GLM": "<tool_call>find\n<arg_key>query</arg_key>\n<arg_value>rent</arg_value>\n"
    "<arg_key>most</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
    "Kimi": f"{KIMI}{FIND}<|tool_call_end|><|tool_calls_section_end|>",
    "Command": f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "find", "parameters": {FIND}}}]<|END_ACTION|>',
    "Granite": f"<|tool_call|>[{OBJECT}]",
    "LFM2": '<|tool_call_start|>[find(query="rent", most=3)]<|tool_call_end|>',
    "gpt-oss": f"<|channel|>commentary to=functions.find <|constrain|>json<|message|>{FIND}",
    "gpt-oss with the name first": f"<|start|>assistant to=functions.find<|channel|>commentary json<|message|>{FIND}",
}


def cut_anywhere(answer: str) -> Iterator[list[str]]:
    """The answer in random pieces, character by character, and whole."""
    draw = random.Random(5)
    for _ in range(12):
        cuts = sorted(draw.sample(range(len(answer) + 1), min(6, len(answer))))
        yield [answer[start:end] for start, end in itertools.pairwise([0, *cuts, len(answer)])]
    yield list(answer)
    yield [answer]


def read(pieces: list[str], *, cut: bool = False) -> tuple[str, list[tuple[str, Any]]]:
    """The text and the calls (name and arguments, as values) of an answer, and no more of it than the app reads."""
    splitter, reader = ThinkingSplitter("", tools=True), ToolCallReader(TOOLS)
    found: list[str | Call] = []

    def take(parts: Iterator[tuple[str, str]]) -> None:
        for kind, text in parts:
            if kind == "call":
                reader.feed_to_tool(text)
            elif kind == "text":
                found.extend(reader.feed(text))

    for piece in pieces:
        take(splitter.feed(piece))
        if reader.ended:
            break
    take(splitter.finish())
    found.extend(reader.finish(cut=cut))
    calls = [part for part in found if isinstance(part, Call)]
    return "".join(part for part in found if isinstance(part, str)), [(call.name, _value(call)) for call in calls]


def _value(call: Call) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:
        return call.arguments


@pytest.mark.parametrize("family", FAMILIES)
def test_a_call_in_the_syntax_of_every_family_is_read_however_it_is_cut(family: str) -> None:
    for pieces in cut_anywhere(FAMILIES[family]):
        assert read(pieces) == ("", [("find", json.loads(FIND))]), pieces


@pytest.mark.parametrize("call", [f"<tool_call>{OBJECT}</tool_call>", f"```json\n{OBJECT}\n```", XML])
def test_the_text_before_a_call_is_shown(call: str) -> None:
    for pieces in cut_anywhere(f"I look that up.\n{call}"):
        text, calls = read(pieces)
        assert (text.strip(), len(calls)) == ("I look that up.", 1), pieces


@pytest.mark.parametrize(
    "answer",
    [
        f"<tool_call>{OBJECT}</tool_call>\n<tool_call>{OTHER}</tool_call>",
        f"[TOOL_CALLS][{OBJECT}, {OTHER}]",
        f"[TOOL_CALLS]find[ARGS]{FIND}[TOOL_CALLS]sum[ARGS]{SUM}",
        f"{OBJECT}; {OTHER}",
        f"```json\n{OBJECT}\n{OTHER}\n```",
        f"```json\n{OBJECT}\n```\n```json\n{OTHER}\n```",
        f"<|channel|>commentary to=functions.find<|message|>{FIND}<|end|>"
        f"<|start|>assistant<|channel|>commentary to=functions.sum<|message|>{SUM}",
    ],
)
def test_several_calls_are_read_in_order(answer: str) -> None:
    for pieces in cut_anywhere(answer):
        assert read(pieces) == ("", [("find", json.loads(FIND)), ("sum", json.loads(SUM))]), pieces


def test_the_answer_ends_when_something_else_follows_a_call() -> None:
    invented = f"<tool_call>{OBJECT}</tool_call>\n<tool_response>the rent is 5</tool_response>"
    for pieces in cut_anywhere(invented):
        assert read(pieces) == ("", [("find", json.loads(FIND))]), pieces


def test_a_model_that_only_calls_is_stopped() -> None:
    _, calls = read([f"<tool_call>{OBJECT}</tool_call>"] * (MOST_CALLS + 5))
    assert len(calls) == MOST_CALLS


@pytest.mark.parametrize(
    "answer",
    [
        "The name is {name}.",
        '{"answer": 42}',
        '{"name": "Ann", "age": 3}',
        '[1] says so. {"name": "find"}',
        '```json\n{"name": "Ann", "arguments": {}}\n```\nThat is the object.',
        "```python\nprint('<tool_call>')\n```\nand more",
        "A call begins with `<tool_call>` and ends with `</tool_call>`.",
        "a < b, <tool box> and <function f>",
        "```\nno object\n```",
        "Ends with a backtick `",
        '{"name": "find", "argu',
        "```json\n[1, 2",
    ],
)
def test_what_is_no_call_stays_text(answer: str) -> None:
    for pieces in cut_anywhere(answer):
        assert read(pieces, cut=True) == (answer, []), pieces


def test_a_call_within_thinking_is_none() -> None:
    for pieces in cut_anywhere(f"<think>I could write <tool_call>{OBJECT}</tool_call>.</think>It is 5."):
        assert read(pieces) == ("It is 5.", [])


def test_a_mark_within_an_argument_does_not_end_the_call() -> None:
    text = '<tool_call>{"name": "find", "arguments": {"query": "what is </tool_call>?", "most": 1}}</tool_call>'
    for pieces in cut_anywhere(text):
        assert read(pieces) == ("", [("find", {"query": "what is </tool_call>?", "most": 1})])


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "find", "arguments": {"query": "rent", "most": 3}',
        '{"name": "find", "arguments": {"query": "rent", "most": 3,},}',
        "{'name': 'find', 'arguments': {'query': 'rent', 'most': 3}}",
        '{"name": "find", "arguments": "{\\"query\\": \\"rent\\", \\"most\\": 3}"}',
        '{"name": "find", "arguments": {"query": "rent", "most": 3}}}',
        '{"type": "function", "function": {"name": "find", "arguments": {"query": "rent", "most": 3}}}',
    ],
)
def test_json_that_can_mean_one_thing_only_is_mended(written: str) -> None:
    assert read([f"<tool_call>{written}</tool_call>"]) == ("", [("find", json.loads(FIND))])


def test_a_call_that_cannot_be_read_is_passed_on_as_it_is() -> None:
    broken = '{"name": "find", "arguments": {"query": rent}}'
    assert read([f"<tool_call>{broken}</tool_call>"]) == ("", [("find", broken)])
    assert read(["<tool_call>find the rent</tool_call>"]) == ("", [("", "find the rent")])


def test_calls_behind_a_mark_that_is_never_closed_are_read_as_they_come() -> None:
    answer = f"<tool_call>\n{OBJECT}\n{OTHER}\n" + '{"name": "find", "argum'
    for pieces in cut_anywhere(answer):
        text, calls = read(pieces, cut=True)
        assert (text, [name for name, _ in calls]) == ("", ["find", "sum"])
    endless = [f"<tool_call>\n{OBJECT}", *[f"\n{OBJECT}"] * 40]
    assert len(read(endless)[1]) == MOST_CALLS


def test_half_a_call_of_an_answer_that_was_cut_off_is_dropped() -> None:
    assert read(['Wait. <tool_call>{"name": "find", "argume'], cut=True) == ("Wait. ", [])
