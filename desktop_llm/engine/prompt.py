"""Fits a conversation into the context: the oldest turns are left out if it is too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.versions import Message
from desktop_llm.errors import ContextOverflow

RESERVED_TOKENS = 1_024
# Leaving out several turns at once keeps the beginning of the prompt the same for a while, so its state can be reused.
_TURNS_AT_ONCE = 4

Render = Callable[[Sequence[Message]], tuple[Rendered, list[int]]]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered conversation that leaves room for the answer, without its `left_out` oldest messages."""

    rendered: Rendered
    tokens: list[int]
    left_out: int
    reserved_tokens: int

    @property
    def text(self) -> str:
        """The prompt as text."""
        return self.rendered.text


def reserved(context_length: int, max_tokens: int | None) -> int:
    """The number of tokens kept free for the answer: its limit, but at most a quarter of the context."""
    return max(1, min(max_tokens or RESERVED_TOKENS, context_length // 4))


def fit(messages: Sequence[Message], render: Render, context_length: int, max_tokens: int | None) -> Prompt:
    """The prompt with as many turns as fit, always with the system message and the last question.

    Raises ContextOverflow with both numbers if these two alone are too long.
    """
    room = reserved(context_length, max_tokens)
    available = context_length - room
    system = list(messages[:1]) if messages and messages[0]["role"] == "system" else []
    starts = _turn_starts(messages, len(system))
    choices = sorted({0, *starts[_TURNS_AT_ONCE::_TURNS_AT_ONCE], starts[-1]})

    def attempt(start: int) -> Prompt:
        kept = [*system, *messages[start:]] if start else list(messages)
        rendered, tokens = render(kept)
        return Prompt(rendered, tokens, len(messages) - len(kept), room)

    low, high, best = 0, len(choices) - 1, None
    while low <= high:
        # Try the whole conversation first: it nearly always fits.
        middle = 0 if low == 0 and high == len(choices) - 1 else (low + high) // 2
        prompt = attempt(choices[middle])
        if len(prompt.tokens) <= available:
            best, high = prompt, middle - 1
        elif middle == len(choices) - 1:
            raise ContextOverflow(len(prompt.tokens), available)
        else:
            low = middle + 1
    assert best is not None
    return best


def _turn_starts(messages: Sequence[Message], first: int) -> list[int]:
    """The indexes of the questions: a turn begins with each."""
    starts = [index for index in range(first, len(messages)) if messages[index]["role"] == "user"]
    return starts or [first]
