"""The exact prompt, cut into its parts, and what is kept of it."""

from __future__ import annotations

from desktop_llm.conversation.prompt import with_passages
from desktop_llm.conversation.search_details import NO_DETAILS, PromptPart, SearchDetails, parts_of
from desktop_llm.engine.client import ChatMessage, ExactPrompt
from desktop_llm.knowledge.client import SearchTrace
from desktop_llm.message import Citation

LEASE = Citation(1, "/lease.pdf", 4, 0, 13, "Three months.", 0.9)
CHAT = [
    ChatMessage.of("system", "Be brief."),
    ChatMessage.of("user", "Hello"),
    ChatMessage.of("assistant", "Hello!"),
    ChatMessage.of("user", "How long is the notice?"),
]


def rendered(messages: list[ChatMessage]) -> ExactPrompt:
    """The prompt of a template, each byte a token."""
    text = "".join(f"<|{message.role}|>\n{message.text}<|end|>\n" for message in messages) + "<|assistant|>\n"
    return ExactPrompt(text, (1,) * len(text.encode()))


def kinds(parts: tuple[PromptPart, ...]) -> list[tuple[str, int]]:
    return [(part.kind, part.count) for part in parts]


def test_a_prompt_is_cut_into_its_parts_and_stays_the_same_byte_for_byte() -> None:
    messages = with_passages(CHAT, [LEASE])
    exact = rendered(messages)
    parts = parts_of(exact, messages, 3, 1)
    assert kinds(parts) == [("instructions", 0), ("earlier", 2), ("passages", 1), ("message", 0)]
    assert "".join(part.text for part in parts) == exact.text
    assert [part.tokens for part in parts] == [len(part.text.encode()) for part in parts]
    assert parts[2].text.endswith("Three months.")
    assert parts[3].text.endswith("Question: How long is the notice?<|end|>\n<|assistant|>\n")


def test_a_prompt_without_documents_has_no_part_for_passages() -> None:
    assert kinds(parts_of(rendered(CHAT), CHAT, 3)) == [("instructions", 0), ("earlier", 2), ("message", 0)]


def test_messages_that_were_left_out_do_not_count() -> None:
    kept = [CHAT[0], CHAT[3]]
    assert kinds(parts_of(rendered(kept), CHAT, 3)) == [("instructions", 0), ("message", 0)]


def test_what_tools_returned_is_a_part_of_its_own() -> None:
    messages = [*CHAT, ChatMessage.of("assistant", "I look it up."), ChatMessage.of("user", "Result: 3")]
    assert kinds(parts_of(rendered(messages), messages, 3))[-1] == ("results", 0)


def test_a_prompt_whose_question_is_not_found_is_one_part() -> None:
    exact = ExactPrompt("something else", (14,))
    assert parts_of(exact, CHAT, 3) == (PromptPart("message", "something else", 1),)


def test_tokens_that_cross_a_border_count_where_they_begin() -> None:
    messages = [ChatMessage.of("system", "Äh"), ChatMessage.of("user", "Ja")]
    parts = parts_of(ExactPrompt("Äh|Ja", (0, 2, 3, 1)), messages, 1)
    assert [(part.text, part.tokens) for part in parts] == [("Äh|", 3), ("Ja", 1)]


def test_details_are_kept_whole_and_damaged_ones_are_none() -> None:
    trace = SearchTrace("notice", (), 5, 0.1, 1000, 0.5, 0.3, 0.2, rewritten=True)
    details = SearchDetails(trace, (PromptPart("message", "Ja\udc80", 1),))
    assert SearchDetails.from_bytes(details.to_bytes()) == details
    assert SearchDetails.from_bytes(NO_DETAILS.to_bytes()) == NO_DETAILS
    assert SearchDetails.from_bytes(b"nonsense") is None
    assert SearchDetails.from_bytes(details.to_bytes()[:-9]) is None


def test_a_prompt_too_long_to_be_kept_leaves_the_search() -> None:
    text = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(400_000))
    trace = SearchTrace("notice", (), 5, 0.1, 1000, 0.5, 0.3, 0.2)
    kept = SearchDetails.from_bytes(SearchDetails(trace, (PromptPart("message", text, 9),)).to_bytes())
    assert kept == SearchDetails(trace)
