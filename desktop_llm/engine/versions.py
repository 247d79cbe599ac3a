"""The versions of a conversation that a chat template may accept, the most faithful first; and what a version lost.

Templates differ in what they read. Some refuse a system message or leave it out without a word, some insist that user
and assistant take turns and begin with the user, some know nothing of tools, some read only content that comes in
parts. What a template left out can be seen in the prompt alone, so every version is checked after it was rendered.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]  # as chat templates read it: role, content, and the fields for tools and thinking
Change = Callable[[Sequence[Message]], list[Message] | None]


@dataclass(frozen=True, slots=True)
class Habits:
    """What a template reads: content in parts (else as a text), the arguments of a tool's call as a text (else as an
    object), and the thinking of earlier answers.
    """

    parts: bool = False
    text_arguments: bool = False
    thinking: bool = False


def versions(messages: Sequence[Message], habits: Habits) -> Iterator[list[Message]]:
    """Versions of a conversation to try, each of them in turns: with the messages as they are; without the thinking of
    earlier answers; with the ids of tools' calls as Mistral wants them; with calls and results as plain text; each of
    them with the system message in the first question, and opened by an empty question.
    """
    seen: list[list[Message]] = []
    tools: tuple[Change, ...] = (list, _without_thinking, _with_short_ids, _with_tools_as_text)
    systems: tuple[Change, ...] = (list, _with_system_in_question)
    openings: tuple[Change, ...] = (list, _opened)
    for told, folded, opened in itertools.product(tools, systems, openings):
        version: list[Message] | None = [*messages]
        changes: tuple[Change, ...] = (told, folded, in_turns, opened)
        for change in changes:
            version = change(version) if version is not None else None
        shaped = [_as_read(message, habits) for message in version or ()]
        if shaped and shaped not in seen:
            seen.append(shaped)
            yield shaped


def in_turns(messages: Sequence[Message]) -> list[Message]:
    """The messages without answers that were stopped before their first word; neighbours of one role become one
    message.
    """
    turns: list[Message] = []
    for message in messages:
        if message["role"] == "assistant" and not message["content"].strip() and "tool_calls" not in message:
            continue
        if turns and turns[-1]["role"] == message["role"] and message["role"] != "tool":
            message = _joined(turns.pop(), message)
        turns.append(message)
    return turns


def stand_ins(messages: Sequence[Message]) -> list[Message]:
    """The same messages with other words, each as long as the text that it stands for, and unlike all the others."""
    made = []
    for number, message in enumerate(messages):
        (begin, end), text = _ends(number), message["content"]
        content = f"{begin}{'z' * (len(text) - len(begin + end))}{end}" if text.strip() else ""
        made.append({**message, "content": content})
    return made


def is_whole(messages: Sequence[Message], prompt: str) -> bool:
    """Whether every message stands in the prompt, and the name of every tool that was called."""
    return _has_calls(messages, prompt) and all(message["content"].strip() in prompt for message in messages)


def has_stand_ins(messages: Sequence[Message], prompt: str) -> bool:
    """Whether both ends of every stand-in are in the prompt, in whatever case, and the names of tools."""
    low = prompt.lower()
    ends = (end for number, message in enumerate(messages) if message["content"] for end in _ends(number))
    return _has_calls(messages, prompt) and all(end in low for end in ends)


def _has_calls(messages: Sequence[Message], prompt: str) -> bool:
    calls = (call for message in messages for call in message.get("tool_calls", ()))
    return all(call["function"]["name"] in prompt for call in calls)


def with_content(message: Message, text: str, habits: Habits) -> Message:
    """The message with this content, in the shape that the template reads."""
    return {**message, "content": [{"type": "text", "text": text}] if habits.parts else text}


def plain_text(content: Any) -> str:
    """A content as text, if it is one or comes in parts."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _ends(number: int) -> tuple[str, str]:
    return f"b{number}qbq", f"qdq{number}d"


def _joined(before: Message, message: Message) -> Message:
    calls = [*before.get("tool_calls", ()), *message.get("tool_calls", ())]
    joined = {**before, "content": _paragraphs(before["content"], message["content"])}
    if thinking := _paragraphs(before.get("reasoning_content", ""), message.get("reasoning_content", "")):
        joined["reasoning_content"] = joined["thinking"] = thinking
    return {**joined, "tool_calls": calls} if calls else joined


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)


def _with_system_in_question(messages: Sequence[Message]) -> list[Message] | None:
    if not any(message["role"] == "system" for message in messages):
        return None
    return [{**message, "role": "user"} if message["role"] == "system" else message for message in messages]


def _opened(messages: Sequence[Message]) -> list[Message] | None:
    """With an empty question before an answer that has none; a system message may stand before both."""
    first = next((n for n, message in enumerate(messages) if message["role"] != "system"), len(messages))
    if first == len(messages) or messages[first]["role"] == "user":
        return None
    return [*messages[:first], {"role": "user", "content": ""}, *messages[first:]]


def _without_thinking(messages: Sequence[Message]) -> list[Message] | None:
    if not any("reasoning_content" in message for message in messages):
        return None
    thoughts = ("reasoning_content", "thinking")
    return [{name: value for name, value in message.items() if name not in thoughts} for message in messages]


def _with_short_ids(messages: Sequence[Message]) -> list[Message] | None:
    """With ids of nine digits, which is what Mistral's templates insist on."""
    ids: dict[str, str] = {}

    def short(long: str) -> str:
        return ids.setdefault(long, f"{len(ids) + 1:09}")

    changed = []
    for message in _without_thinking(messages) or messages:
        if calls := message.get("tool_calls"):
            message = {**message, "tool_calls": [{**call, "id": short(call["id"])} for call in calls]}
        elif "tool_call_id" in message:
            message = {**message, "tool_call_id": short(message["tool_call_id"])}
        changed.append(message)
    return changed if ids else None


def _with_tools_as_text(messages: Sequence[Message]) -> list[Message] | None:
    """With what the model asked of tools, and what they said, as text that any template can show: in the form in which
    `tool_prompt` asks for it.
    """
    if not any(message["role"] == "tool" or "tool_calls" in message for message in messages):
        return None
    told: list[Message] = []
    for message in messages:
        content = message["content"]
        if message["role"] == "tool":
            told.append({"role": "user", "content": f"<tool_response>\n{content}\n</tool_response>"})
            continue
        functions = [call["function"] for call in message.get("tool_calls", ())]
        calls = [f"<tool_call>\n{_as_text(function)}\n</tool_call>" for function in functions]
        told.append({"role": message["role"], "content": _paragraphs(content, *calls)})
    return told


def _as_read(message: Message, habits: Habits) -> Message:
    """The message in the shape that this template reads."""
    shaped = with_content(message, message["content"], habits)
    if not habits.thinking:
        shaped.pop("reasoning_content", None)
        shaped.pop("thinking", None)
    if habits.text_arguments and "tool_calls" in message:
        functions = [call["function"] for call in message["tool_calls"]]
        texts = [{**function, "arguments": _as_text(function["arguments"])} for function in functions]
        calls = zip(message["tool_calls"], texts, strict=True)
        shaped["tool_calls"] = [{**call, "function": function} for call, function in calls]
    return shaped


def _as_text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
