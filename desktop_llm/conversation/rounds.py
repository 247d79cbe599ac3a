"""The rounds of one answer: the model writes, asks for tools, and goes on with their results until it only writes."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, replace

from desktop_llm.conversation.continuing import Continuation
from desktop_llm.conversation.events import Cited, Prompted, Sources, ToolEnded, ToolStarted, TurnEvent
from desktop_llm.conversation.search_details import parts_of
from desktop_llm.conversation.tools import MOST_ROUNDS, Toolbox, definitions
from desktop_llm.engine.client import (
    Beginning,
    ChatMessage,
    Event,
    Finished,
    Rethought,
    TextDelta,
    ThinkingDelta,
    Timings,
    ToolCalled,
    Usage,
)
from desktop_llm.errors import UserError
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.message import Check, Citation, Part, Text, Thinking, ToolCall, ToolResult, appended, text_of
from desktop_llm.tokens import ids_of

log = logging.getLogger(__name__)

STOPPED_EARLY = Finished("cancelled", Usage(), Timings(), None)


def rounds(
    write: Callable[..., Generator[Event, None, None]],
    before: Sequence[ChatMessage],
    toolbox: Toolbox,
    stop: Callable[[], None],
    is_stopped: Callable[[], bool],
    continues: Continuation | None,
) -> Generator[TurnEvent, None, None]:
    """The model writes; if it asks for tools they run, and it goes on with their results until it only writes. The
    tools stay in the prompt when it may ask no more, so that nothing is read anew, and it is stopped if it asks then.

    An answer that would end without a word is written anew without any tools, and with what they returned in the
    question: small models, shown how to call tools, go on calling.
    """
    messages, offered = list(before), definitions(toolbox.names)
    beginning: Beginning | None = None
    if continues is not None:
        yield from map(_told_again, continues.parts)
        messages += continues.messages
        beginning = Beginning(ids_of(continues.beginning), continues.text)
    joint = "\n\n" if any(each.text for each in messages[len(before) :]) else ""
    total: Finished | None = None
    for number in itertools.count(1 + (len(messages) - len(before)) // 2):
        may_ask = toolbox.is_open
        events = write(messages, tools=offered, beginning=beginning)
        said, calls, finished = yield from _written(events, joint, None if may_ask else stop)
        joint = joint or ("\n\n" if text_of(said) else "")
        total = finished if total is None else _added(total, finished)
        if is_stopped():
            total = replace(total, finish_reason="cancelled") if calls else total
            break
        goes_on = len(messages) > len(before) and beginning is None
        beginning = None
        if offered and goes_on and not (calls and may_ask) and _is_wordless(said, calls):
            messages, offered = [*before[:-1], toolbox.closed(before[-1], messages[len(before) :])], []
            continue
        if not calls or not may_ask or finished.finish_reason == "cancelled":
            break
        made = sum(isinstance(part, ToolCall) for message in messages for part in message.parts)
        asked = [ToolCall(f"call{made + at:05}", *call) for at, call in enumerate(toolbox.new_calls(calls), 1)]
        for call in asked:
            yield ToolStarted(call)
        toolbox.is_open = toolbox.is_open and number < MOST_ROUNDS
        results = yield from _results(toolbox, asked, is_stopped)
        if is_stopped():
            yield replace(total, finish_reason="cancelled")
            return
        messages += [ChatMessage("assistant", (*said, *asked)), ChatMessage("tool", tuple(results))]
    assert total is not None
    yield Prompted(parts_of(total.prompt, messages, len(before) - 1, len(toolbox.passages)))
    if toolbox.knowledge is not None and toolbox.passages:
        yield _cite(toolbox.knowledge, text_of(said), toolbox.passages)
    yield replace(total, finish_reason="stop") if total.finish_reason == "tool_calls" else total


def _is_wordless(said: Sequence[Part], calls: Sequence[tuple[str, str]]) -> bool:
    """Whether the model wrote no answer, but called tools or nothing; one that only thought had no room for more."""
    thought = any(isinstance(part, Thinking) for part in said)
    return not text_of(said).strip() and (bool(calls) or not thought)


def _told_again(part: Part) -> TurnEvent:
    """The event that tells of this part of an answer."""
    match part:
        case Thinking(text):
            return ThinkingDelta(text)
        case ToolCall():
            return ToolStarted(part)
        case ToolResult():
            return ToolEnded(part)
        case _:
            return TextDelta(text_of([part]))


def _results(
    toolbox: Toolbox, calls: Sequence[ToolCall], is_stopped: Callable[[], bool]
) -> Generator[TurnEvent, None, list[Part]]:
    """Run the tools, one after the other."""
    results: list[Part] = []
    for call in calls:
        if is_stopped():
            break
        known = len(toolbox.passages)
        result = toolbox.run(call)
        yield ToolEnded(result)
        results.append(result)
        if len(toolbox.passages) > known:
            yield Sources(tuple(toolbox.passages))
    return results


def _written(
    events: Generator[Event, None, None], joint: str, stop_at_a_call: Callable[[], None] | None
) -> Generator[TurnEvent, None, tuple[tuple[Part, ...], list[tuple[str, str]], Finished]]:
    """Pass on what the model writes, its text behind `joint`; returns its text and thinking, the tools that it asks
    for, and how it ended. If it may ask for none, `stop_at_a_call` ends its answer when it does.
    """
    said: tuple[Part, ...] = ()
    calls: list[tuple[str, str]] = []
    finished = STOPPED_EARLY
    for event in events:
        match event:
            case Finished():
                finished = event
                continue
            case ToolCalled(name, arguments):
                calls.append((name, arguments))
                if stop_at_a_call is not None:
                    stop_at_a_call()
                continue
            case TextDelta(text):
                event, joint = TextDelta(joint + text), ""
                said = appended(said, Text(event.text))
            case ThinkingDelta(text):
                said = appended(said, Thinking(text))
            case Rethought():
                said = (Thinking(text_of(said)),)
        yield event
    return said, calls, replace(finished, finish_reason="tool_calls") if calls and stop_at_a_call else finished


def _added(one: Finished, other: Finished) -> Finished:
    """Both as one answer: their tokens, the mean of their speeds, and the end of the second. The prompt is that of the
    second, which holds the first; as many of its tokens count as cached as neither had to process.
    """
    usage = {name: value + getattr(other.usage, name) for name, value in asdict(one.usage).items()}
    processed = usage["prompt_tokens"] - usage["cached_tokens"]
    usage["prompt_tokens"] = max(one.usage.prompt_tokens, other.usage.prompt_tokens)
    usage["cached_tokens"] = max(0, usage["prompt_tokens"] - processed)

    def speed(name: str, tokens: Callable[[Usage], int]) -> float:
        parts = [(tokens(each.usage), getattr(each.timings, name)) for each in (one, other)]
        seconds = sum(count / tps for count, tps in parts if tps)
        return sum(count for count, tps in parts if tps) / seconds if seconds else 0.0

    timings = Timings(
        load_s=one.timings.load_s,
        ttft_s=one.timings.ttft_s,
        prompt_tps=speed("prompt_tps", lambda each: each.prompt_tokens - each.cached_tokens),
        generation_tps=speed("generation_tps", lambda each: each.completion_tokens),
        thinking_s=one.timings.thinking_s + other.timings.thinking_s,
    )
    usage["thinking_limit"] = other.usage.thinking_limit
    tokens, alternatives = one.tokens + other.tokens, one.alternatives + other.alternatives
    return replace(other, usage=Usage(**usage), timings=timings, tokens=tokens, alternatives=alternatives)


def _cite(knowledge: Knowledge, text: str, passages: Sequence[Citation]) -> Cited:
    try:
        cited = knowledge.cite(text, passages)
    except UserError as error:
        # The answer is whole and must not be lost because its quotes could not be checked.
        log.warning("citations could not be checked: %s", error)
        return Cited(text, (), (), (Check(0, len(text), "not_checked"),))
    # An answer of nothing but marks stays as it is: an empty one would say less.
    if not cited.text.strip():
        return Cited(text, (), ())
    return Cited(cited.text, cited.citations, cited.unsupported, cited.checks)
