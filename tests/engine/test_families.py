"""Every kind of conversation reaches the model whole through the chat templates of forty families."""

from __future__ import annotations

import functools

import pytest

from desktop_llm.engine.shapes import ChatMessage
from desktop_llm.engine.template_messages import for_template
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.message import Part, Text, Thinking, ToolCall, ToolResult
from tests.engine.families import FAMILIES

Said = tuple[str, str | tuple[Part, ...]]

HISTORIES: dict[str, tuple[Said, ...]] = {
    "instructions and a question": (("system", "Rhyme, as “Müller” did."), ("user", "Why is\nthe sky blue?")),
    "no instructions": (("user", "Why?"), ("assistant", "Because of the air."), ("user", "And at night?")),
    "two questions in a row": (("system", "Rhyme."), ("user", "Why?"), ("user", "And how?")),
    "stopped before the first word": (("user", "Why?"), ("assistant", ()), ("user", "Please tell me.")),
    "begun by the model": (("system", "Rhyme."), ("assistant", "Welcome!"), ("user", "Why?")),
    "a tool": (
        ("system", "Rhyme."),
        ("user", "How warm is it in Rome?"),
        ("assistant", (Thinking("A tool knows."), ToolCall("call-1", "weather", '{"city": "Rome"}'))),
        ("tool", (ToolResult("call-1", "31 degrees"),)),
    ),
    "an empty answer": (("system", "Rhyme."), ("user", "Why?"), ("assistant", "  "), ("user", "Well?")),
    "thinking in an earlier answer": (
        ("user", "Why?"),
        ("assistant", (Thinking("The person wonders."), Text("Because of the air."))),
        ("user", "And at night?"),
    ),
}


def history(name: str) -> list[ChatMessage]:
    """A conversation of the table as messages."""
    return [
        ChatMessage.of(role, parts) if isinstance(parts, str) else ChatMessage(role, parts)
        for role, parts in HISTORIES[name]
    ]


@functools.cache
def template_of(family: str) -> ChatTemplate:
    """The template of this family, compiled once."""
    return ChatTemplate(FAMILIES[family], bos="<s>", eos="</s>")


def prompt(family: str, name: str, **variables: object) -> str:
    """What the template of this family writes of this conversation."""
    return template_of(family).render(for_template(history(name), str), variables)


def test_there_are_forty() -> None:
    assert (len(FAMILIES), len(HISTORIES)) == (40, 8)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_of_a_conversation_is_lost(family: str) -> None:
    for name in HISTORIES:
        written = prompt(family, name)
        at = 0
        for message in history(name):
            for part in message.parts:
                if isinstance(part, Text) and part.text.strip():
                    assert part.text in written[at:], (name, part.text)
                    at = written.index(part.text, at)
                elif isinstance(part, ToolCall):
                    assert part.name in written or part.id in written, name
                    assert "Rome" in written.partition(history(name)[1].text)[2], name
                elif isinstance(part, ToolResult):
                    assert part.text in written, name


KEPT_WITHIN_A_TURN = {"Qwen3", "gpt-oss", "GLM-4.5", "Kimi Thinking", "Seed-OSS", "Command A Reasoning"}


@pytest.mark.parametrize("family", FAMILIES)
def test_earlier_thinking_is_seen_again_as_the_family_s_authors_want_it(family: str) -> None:
    assert ("A tool knows." in prompt(family, "a tool")) == (family in KEPT_WITHIN_A_TURN)
    kept_for_good = {"Kimi Thinking", "Seed-OSS"}
    thinking = "The person wonders." in prompt(family, "thinking in an earlier answer")
    assert thinking == (family in kept_for_good)


def test_a_template_that_reads_only_parts_gets_parts_and_any_other_gets_text() -> None:
    assert "User: Why?" in prompt("SmolVLM", "no instructions")
    assert "[{" not in "".join(prompt(family, "no instructions") for family in FAMILIES)


def test_arguments_are_an_object_or_a_text_as_the_template_reads_them() -> None:
    assert '{"city": "Rome"}' in prompt("Qwen2.5", "a tool")
    assert '{"city": "Rome"}' in prompt("DeepSeek R1", "a tool")
    assert "<parameter=city>\nRome\n</parameter>" in prompt("Qwen3 Coder", "a tool")
    assert '{"arguments":{"city":"Rome"},"name":"weather"}' in prompt("EXAONE 4", "a tool")


def test_a_tool_s_id_is_nine_characters_long_if_the_template_insists() -> None:
    assert '"id": "000000001"' in prompt("Mistral Nemo", "a tool")


def test_a_template_without_tools_gets_them_as_text() -> None:
    written = prompt("Gemma 2", "a tool")
    call = '{"name": "weather", "arguments": {"city": "Rome"}}'
    assert f"<tool_call>\n{call}\n</tool_call><end_of_turn>" in written
    assert "<start_of_turn>user\n<tool_response>\n31 degrees\n</tool_response><end_of_turn>" in written


def test_tools_and_documents_reach_the_template() -> None:
    assert '{"name": "find"}' in prompt("Qwen2.5", "no instructions", tools=[{"name": "find"}])
    assert "The lease" in prompt("Granite 3.3", "no instructions", documents=[{"text": "The lease"}])
