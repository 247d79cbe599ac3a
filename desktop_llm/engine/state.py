"""What the model keeps in mind between two turns, so that only what is new has to be processed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from desktop_llm.engine.backends import bindings
from desktop_llm.engine.vocabulary import Vocabulary


@dataclass(slots=True)
class KeptState:
    """The KV cache of one sequence, told in tokens, and the text they stand for (prompt and answer)."""

    context: Any
    tokens: list[int] = field(default_factory=list)
    text: str = ""

    def tokens_of(self, prompt: str, vocabulary: Vocabulary) -> list[int]:
        """The prompt's tokens; where it goes on from the kept text, the kept tokens are taken as they are.

        An answer that is tokenized again may fall into other tokens than were generated, and all after it would
        have to be processed again. The seam is taken only at a control token, where tokenizers break anyway.
        """
        if self.text and prompt.startswith(self.text):
            rest = vocabulary.tokens(prompt[len(self.text) :])
            if rest and vocabulary.is_control(rest[0]):
                return [*self.tokens, *rest]
        return vocabulary.prompt_tokens(prompt)

    def reuse(self, tokens: Sequence[int]) -> int:
        """Drop what differs from `tokens`; returns how many of them need no processing (never all: the last one is
        needed to go on from)."""
        count = min(common_prefix(self.tokens, tokens), len(tokens) - 1)
        return self.cut(count)

    def cut(self, count: int) -> int:
        """Forget everything after `count` tokens; returns what could be kept (models with a running state: nothing)."""
        native = bindings()
        memory = native.llama_get_memory(self.context)
        if not native.llama_memory_seq_rm(memory, 0, count, -1):
            native.llama_memory_clear(memory, True)
            count = 0
        self.tokens = self.tokens[:count]
        self.text = ""
        return count


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(index for index in range(shorter) if one[index] != other[index])
