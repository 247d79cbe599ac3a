"""Another way on from a place in a stored answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.tools import as_messages
from desktop_llm.engine.client import ChatMessage
from desktop_llm.message import Citation, Part, ToolResult
from desktop_llm.tokens import Choice, Rounds, Token


@dataclass(frozen=True, slots=True)
class Continuation:
    """Another way on from a place in an earlier answer.

    `parts` and `rounds` are what stays of the answer before its round is written anew; that begins with the tokens
    `beginning` and the `text` behind them. `word` is what comes `instead` of the word that was there. `sources` are the
    passages that the earlier answer had, and `given` those that stood before its question.
    """

    beginning: tuple[Token, ...]
    text: str
    word: str
    instead: str
    parts: tuple[Part, ...] = ()
    rounds: Rounds = ()
    sources: tuple[Citation, ...] = ()
    given: tuple[Citation, ...] = ()

    @property
    def messages(self) -> list[ChatMessage]:
        """What stays of the answer, as the model reads it."""
        return as_messages("assistant", self.parts)


def continuation(answer: StoredMessage, rounds: Rounds, place: int, word: Choice | str) -> Continuation:
    """Go on from the token at `place`, counted over all rounds, with another token in its stead, or with own words."""
    number, at = next(
        (number, place - sum(map(len, rounds[:number])))
        for number in range(len(rounds))
        if place < sum(map(len, rounds[: number + 1]))
    )
    old = rounds[number][at]
    before = rounds[number][:at]
    if isinstance(word, Choice):
        before, text, told = (*before, Token(word.id, word.text, word.probability, old.likeliest)), "", word.text
    else:
        lead = old.text[: len(old.text) - len(old.text.lstrip())]
        text, told = lead + word.strip(), word
    kept = rounds_in(answer.parts)[:number]
    return Continuation(
        before,
        text,
        told.strip(),
        old.text.strip(),
        tuple(part for each in kept for part in each),
        rounds[:number],
        answer.sources,
        passages_before(answer),
    )


def passages_before(answer: StoredMessage) -> tuple[Citation, ...]:
    """The passages that stood before the question; what tools found stands in their results."""
    return () if any(isinstance(part, ToolResult) for part in answer.parts) else answer.sources


def rounds_in(parts: Sequence[Part]) -> list[tuple[Part, ...]]:
    """The parts of an answer, cut behind the results of tools: the model was asked once for each."""
    found: list[tuple[Part, ...]] = [()]
    for part in parts:
        if not isinstance(part, ToolResult) and found[-1] and isinstance(found[-1][-1], ToolResult):
            found.append(())
        found[-1] = (*found[-1], part)
    return found
