"""What stands under "Search details" of an answer: the search for its passages, and the exact prompt, part by part.

Both are kept with the answer as one small piece of compressed JSON, which the store need not understand.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise

from desktop_llm.conversation.prompt import RULE
from desktop_llm.engine.client import ChatMessage, ExactPrompt
from desktop_llm.knowledge.client import SearchTrace

_MOST_BYTES = 256 * 1024  # of a kept prompt, compressed: about a million characters of prose

INSTRUCTIONS, EARLIER, PASSAGES, MESSAGE, RESULTS = "instructions", "earlier", "passages", "message", "results"


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of the prompt, with the template's marks in it and its number of tokens.

    `kind`: "instructions", "earlier" messages, "passages", the "message" itself, or "results" of tools; `count` says
    how many messages or passages it holds.
    """

    kind: str
    text: str
    tokens: int
    count: int = 0


@dataclass(frozen=True, slots=True)
class SearchDetails:
    """The search, None if the answer used no documents; and the parts of the prompt, which together are the prompt byte
    for byte. There are none if no model ran, or if they were too long to be kept.
    """

    trace: SearchTrace | None = None
    prompt: tuple[PromptPart, ...] = ()

    @property
    def text(self) -> str:
        """The exact prompt."""
        return "".join(part.text for part in self.prompt)

    @property
    def tokens(self) -> int:
        """The tokens of the prompt."""
        return sum(part.tokens for part in self.prompt)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return self.trace is None and not self.prompt

    def to_bytes(self) -> bytes:
        """The details for the store; without the prompt if that is very long."""
        trace = self.trace and self.trace.to_json()
        prompt = [asdict(part) for part in self.prompt]
        packed = zlib.compress(json.dumps({"trace": trace, "prompt": prompt}).encode())
        return packed if len(packed) <= _MOST_BYTES or not prompt else SearchDetails(self.trace).to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> SearchDetails | None:
        """The details that `to_bytes` wrote; None if they are damaged."""
        try:
            told = json.loads(zlib.decompress(data))
            trace = None if told["trace"] is None else SearchTrace.from_json(told["trace"])
            return cls(trace, tuple(PromptPart(**part) for part in told["prompt"]))
        except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None


NO_DETAILS = SearchDetails()


def parts_of(
    exact: ExactPrompt, messages: Sequence[ChatMessage], asked: int, passages: int = 0
) -> tuple[PromptPart, ...]:
    """Cut the prompt that was rendered from these messages into its parts; `messages[asked]` is the question, with its
    `passages`, and what follows it are calls of tools and their results.

    Templates trim messages and write marks around them, so each text is looked for; marks before a text belong to the
    part before it. If the question is not found, all of the prompt is one part.
    """
    text, question = exact.text, messages[asked].text.strip()
    start = text.rfind(question) if question else -1
    if not text:
        return ()
    if start < 0:
        return _counted(exact, [(MESSAGE, 0, 0)])
    cuts = [(INSTRUCTIONS, 0, 0)]
    if found := _places(text[:start], messages[:asked]):
        cuts.append((EARLIER, found[0], len(found)))
    if (rule := question.rfind(f"\n\n{RULE}")) > 0:
        cuts += [(PASSAGES, start, passages), (MESSAGE, start + rule, 0)]
    else:
        cuts.append((MESSAGE, start, 0))
    if len(messages) > asked + 1:
        cuts.append((RESULTS, start + len(question), 0))
    return _counted(exact, cuts)


def _places(text: str, messages: Sequence[ChatMessage]) -> list[int]:
    """Where the messages begin that are in the prompt, but for the instructions; the oldest may be left out."""
    at, found = 0, []
    for message in messages:
        if (said := message.text.strip()) and (place := text.find(said, at)) >= 0:
            at = place + len(said)
            if message.role != "system":
                found.append(place)
    return found


def _counted(exact: ExactPrompt, cuts: Sequence[tuple[str, int, int]]) -> tuple[PromptPart, ...]:
    """The parts that begin at the given characters, by kind; each token counts where its first byte stands."""
    text = exact.text
    starts = [len(text[:start].encode("utf-8", "replace")) for _, start, _ in cuts]
    tokens = [0] * len(cuts)
    for byte in accumulate(exact.token_lengths[:-1], initial=0) if exact.token_lengths else ():
        tokens[bisect_right(starts, byte) - 1] += 1
    ends = pairwise([*(start for _, start, _ in cuts), len(text)])
    return tuple(
        PromptPart(kind, text[start:end], own, count)
        for (kind, _, count), (start, end), own in zip(cuts, ends, tokens, strict=True)
        if end > start
    )
