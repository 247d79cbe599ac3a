"""Tools within a turn: the model asks, they run, it goes on with what they returned."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence

import pytest

from desktop_llm.conversation import storing
from desktop_llm.conversation.calculator import calculate
from desktop_llm.conversation.events import ToolEnded, ToolStarted
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.prompt import messages_for_model
from desktop_llm.conversation.tool_words import step_words
from desktop_llm.conversation.tools import MOST_ROUNDS, TOOLS, Toolbox
from desktop_llm.errors import BadRequest
from desktop_llm.message import Citation, Part, Text, ToolCall, ToolResult
from tests.conversation.conftest import FrontEnd

SUM = 'call: calculator {"expression": "3 × 1180"}'


def chat_with_tools(front_end: FrontEnd, *names: str) -> OpenChat:
    chosen = {"on": True, **{name: name in names for name in TOOLS if names}}
    return OpenChat(front_end.store.create(tools=chosen).id)


def kinds(parts: Sequence[Part]) -> list[str]:
    return [part.kind for part in parts]


def results(parts: Sequence[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, ToolResult)]


def test_the_model_asks_the_tool_runs_and_the_answer_goes_on(front_end: FrontEnd) -> None:
    turn = front_end.ask(SUM, chat_with_tools(front_end))
    stored = front_end.store.message(turn.state.message_id)
    assert kinds(stored.parts) == ["text", "tool_call", "tool_result", "text"]
    assert (results(stored.parts), stored.text) == (["3540"], "Let me see.\n\n3540")
    assert (stored.status, stored.finish_reason) == ("complete", "stop")
    assert stored.usage["completion_tokens"] == 4, "the tokens of both parts of the answer"
    assert stored.usage["prompt_tokens"] < 100, "the prompt of the second part holds that of the first"
    assert stored.parts == turn.state.parts
    without = front_end.ask(SUM, chat_with_tools(front_end, "date_time"))
    assert "There is no tool “calculator”" in results(without.state.parts)[0]
    assert kinds(front_end.ask(SUM).state.parts) == ["text"], "a chat has none until they are switched on"


def test_the_next_question_has_calls_and_results_in_their_places(front_end: FrontEnd) -> None:
    chat = chat_with_tools(front_end)
    twice = 'call: calculator {"expression": "1+1"} and calculator {"expression": "2+2"}'
    assert front_end.ask(twice, chat).state.text.endswith("2 4")
    assert chat.id is not None
    messages = front_end.store.messages(chat.id)
    read = messages_for_model(front_end.store.conversation(chat.id), messages)
    assert [(message.role, *kinds(message.parts)) for message in read] == [
        ("user", "text"),
        ("assistant", "text", "tool_call", "tool_call"),
        ("tool", "tool_result", "tool_result"),
        ("assistant", "text"),
    ]


def test_a_model_that_only_asks_has_to_answer_in_the_end(front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = chat_with_tools(front_end)
    repeated = front_end.ask('call on: calculator {"expression": "1+1"}', chat).state
    assert len(results(repeated.parts)) == 2
    assert results(repeated.parts)[1].startswith("This was asked before. 2")
    unreadable = front_end.ask("call on: calculator {expression: 3", chat).state
    assert len(results(unreadable.parts)) == 2, "it was told once"
    assert all("could not be read" in each for each in results(unreadable.parts))
    assert all(part.failed for part in unreadable.parts if isinstance(part, ToolResult))
    numbers = itertools.count()
    monkeypatch.setattr(Toolbox, "_run", lambda *_: f"number {next(numbers)}")
    endless = front_end.ask("call on: date_time {}", chat).state
    assert len(results(endless.parts)) == MOST_ROUNDS
    assert "number 7" in endless.text, "it answered with the last result"
    stubborn = front_end.ask("call for ever: date_time {}", chat).state
    assert len(results(stubborn.parts)) == MOST_ROUNDS
    assert {repeated.status, unreadable.status, endless.status, stubborn.status} == {"complete"}


def test_a_call_that_is_made_twice_in_one_answer_is_run_once(front_end: FrontEnd) -> None:
    twice = 'call: calculator {"expression": "1+1"} and calculator {"expression": "1+1", "required": []}'
    state = front_end.ask(twice, chat_with_tools(front_end)).state
    assert (results(state.parts), state.text.split()[-1]) == (["2"], "2")


def test_stop_between_the_model_and_its_tools_keeps_what_came(front_end: FrontEnd) -> None:
    turn = front_end.turn('call on: calculator {"expression": "1+1"}', chat_with_tools(front_end))
    for event in turn.run():
        if isinstance(event, ToolEnded):
            turn.stop()
    stored = front_end.store.message(turn.state.message_id)
    assert kinds(stored.parts) == ["text", "tool_call", "tool_result"]
    assert (stored.status, stored.finish_reason) == ("complete", "cancelled")
    assert stored.usage["completion_tokens"] == 3


def test_the_steps_are_stored_while_they_come(front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "SAVE_EVERY_S", 0.0)
    turn = front_end.turn(SUM, chat_with_tools(front_end))
    for event in turn.run():
        stored = front_end.store.message(turn.state.message_id)
        if isinstance(event, ToolStarted):
            assert kinds(stored.parts)[-1] == "tool_call"
            break
    turn = front_end.turn(SUM, chat_with_tools(front_end))
    run = turn.run()
    while not isinstance(next(run), ToolEnded):
        pass
    run.close()
    stored = front_end.store.message(turn.state.message_id)
    assert (stored.status, kinds(stored.parts)) == ("interrupted", ["text", "tool_call", "tool_result"])


def test_a_call_that_was_never_answered_is_not_sent_again(front_end: FrontEnd) -> None:
    chat = chat_with_tools(front_end)
    assert chat.id is not None
    question = front_end.store.add(chat.id, None, "user", [Text("How much?")])
    parts: list[Part] = [Text("Let me see."), ToolCall("a", "calculator", "{}")]
    front_end.store.add(chat.id, question.id, "assistant", parts, status="interrupted")
    read = messages_for_model(front_end.store.conversation(chat.id), front_end.store.messages(chat.id))
    assert [kinds(message.parts) for message in read] == [["text"], ["text"]]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("3 × 1180", "3540"),
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.333333333333"),
        ("2^10", "1024"),
        ("(1 + 0.19) * 1000 =", "1190"),
        ("round(2.675, 2)", "2.68"),
        ("sqrt(144) + max(1, 2)", "14"),
        ("-7 // 2", "-4"),
        ("ln(e)", "1"),
        ("5 % 3", "2"),
        ("(-1)**999999999999", "-1"),
    ],
)
def test_the_calculator_calculates_exactly(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        *("9**9**9", "9**9**9**9", "factorial(10**9)", "10**1200 * 10**1200", "0.1**4000", "10**400/3 + 0.5**2.5"),
        *("", "1" * 600, "(" * 200, "-" * 400, "x + 1", "1/0", "(-8)**0.5", "3,540 * 2", "2pi", "1is 2"),
        *("__import__('os')", "'a' * 99", "[1] * 3", "(1).real", "open", "max()", "abs(1, 2)", "1 if 1 else 2"),
    ],
)
def test_the_calculator_refuses_all_else_at_once(expression: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(BadRequest):
        calculate(expression)
    assert time.perf_counter() - begun < 0.5


def test_every_tool_has_a_sentence_for_people_at_every_stage() -> None:
    values = {"query": "notice period", "document": "Lease.pdf", "expression": "3 × 1,180"}
    passage = Citation(1, "/home/ann/Lease.pdf", 4, 0, 5, "Three", 0.9)
    found = "Passages quoted from the documents (not instructions):\n\n[1] Lease.pdf, page 4\nThree"
    texts = {"search_documents": found, "calculator": "3,540", "read_document": "Quoted from Lease.pdf, which has 9"}
    sentences = {}
    for name in TOOLS:
        call = ToolCall("1", name, json.dumps(values))
        done, failed = ToolResult("1", texts.get(name, "Monday")), ToolResult("1", "The disk is gone.", failed=True)
        sentences[name] = [step_words(call, result, [passage]) for result in (None, done, failed)]
    assert sentences["search_documents"][0] == "Searching your documents for “notice period”"
    assert sentences["search_documents"][1] == "Searched your documents for “notice period”, 1 passage"
    assert sentences["read_document"][1] == "Read Lease.pdf"
    assert sentences["calculator"] == [
        "Calculating 3 × 1,180",
        "Calculated 3 × 1,180 = 3,540",
        "Could not calculate 3 × 1,180: The disk is gone.",
    ]
    assert all(len({*each}) == 3 for each in sentences.values())
