"""What is sent when a conversation is longer than the context."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.prompt import Prompt, fit, reserved
from desktop_llm.engine.versions import Message
from desktop_llm.errors import ContextOverflow


def render(messages: Sequence[Message]) -> tuple[Rendered, list[int]]:
    text = " ".join(message["content"] for message in messages)
    return Rendered(text), list(range(len(text.split())))


def conversation(*lengths: int, system: int = 0) -> list[Message]:
    """Turns of questions and answers with so many words, ending with a question."""
    messages = [{"role": "system", "content": "s " * system}] if system else []
    for index, length in enumerate(lengths):
        role = "assistant" if index % 2 else "user"
        messages.append({"role": role, "content": f"{index} " * length})
    return messages


def sent(prompt: Prompt) -> list[str]:
    return list(dict.fromkeys(prompt.text.split()))


def test_what_fits_is_sent_whole() -> None:
    prompt = fit(conversation(10, 10, 10, system=5), render, 100, 20)
    assert (prompt.left_out, len(prompt.tokens)) == (0, 35)


def test_the_oldest_turns_are_left_out_and_never_the_system_message() -> None:
    prompt = fit(conversation(*[10] * 21, system=5), render, 120, 20)
    assert sent(prompt)[0] == "s"
    assert sent(prompt)[-1] == "20"
    assert prompt.left_out > 0
    assert len(prompt.tokens) + prompt.reserved_tokens <= 120


def test_what_is_left_out_stays_the_same_for_some_turns() -> None:
    lengths = [fit(conversation(*[10] * count), render, 200, 20).left_out for count in range(21, 41, 2)]
    assert len(set(lengths)) < len(lengths) / 2


def test_a_single_question_that_is_too_long_is_refused_with_both_numbers() -> None:
    with pytest.raises(ContextOverflow) as told:
        fit(conversation(10, 10, 95, system=5), render, 100, 20)
    assert (told.value.needed_tokens, told.value.available_tokens) == (100, 80)


def test_the_answer_s_room_is_at_most_a_quarter_of_the_context() -> None:
    assert [reserved(8_192, None), reserved(512, None), reserved(8_192, 50), reserved(400, 4_000)] == [
        1_024,
        128,
        50,
        100,
    ]


def test_any_conversation_is_fitted_or_refused() -> None:
    draw = random.Random(9)
    for _ in range(1_000):
        lengths = [draw.randint(1, 60) for _ in range(draw.randrange(1, 41, 2))]
        messages = conversation(*lengths, system=draw.choice([0, 3, 30]))
        context_length = draw.randint(40, 600)
        try:
            prompt = fit(messages, render, context_length, draw.choice([None, 10, 500]))
        except ContextOverflow as told:
            assert told.needed_tokens > told.available_tokens  # noqa: PT017 - one of two good ends
            continue
        assert len(prompt.tokens) + prompt.reserved_tokens <= context_length
        assert sent(prompt)[-1] == str(len(lengths) - 1)
        assert messages[0]["role"] != "system" or sent(prompt)[0] == "s"
