"""One answer under way: the tokens that are still to be processed, the token that is drawn next, and what becomes of
the text.
"""

from __future__ import annotations

import codecs
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.prompt import Prompt
from desktop_llm.engine.sampling import Sampler
from desktop_llm.engine.state import KeptState
from desktop_llm.engine.streaming import StopTexts, ThinkingSplitter
from desktop_llm.engine.thinking import ThinkingLimit
from desktop_llm.engine.tool_calls import ToolCalls
from desktop_llm.engine.vocabulary import Vocabulary

Event = dict[str, Any]


class Answer:
    """An answer under way in one sequence of the KV cache. What it has to tell waits in `events`; when it has ended,
    `finish_reason` says how.

    `tokens` are the prompt and what was drawn so far; those that the sequence does not hold yet are to be processed.
    At most `limit` tokens are drawn; with `endless` that many are, whatever they mean.
    """

    def __init__(
        self,
        prompt: Prompt,
        state: KeptState,
        sampler: Sampler,
        cancelled: threading.Event,
        vocabulary: Vocabulary,
        *,
        stop_texts: tuple[str, ...] = (),
        tools: Sequence[Mapping[str, Any]] = (),
        thinking: ThinkingLimit,
        limit: int,
        endless: bool = False,
    ) -> None:
        self.state, self.cancelled = state, cancelled
        self.tokens = list(prompt.tokens)
        self.events: deque[Event] = deque()
        self.finish_reason = ""
        self.computing = False  # part of the batch that is being processed now
        self.has_made_room = False  # it has lost its state to an older answer
        self.least_tokens = len(prompt.tokens) + prompt.reserved_tokens
        self._prompt, self._sampler, self._vocabulary = prompt, sampler, vocabulary
        self._limit, self._endless = limit, endless
        self._cached_tokens = len(state.tokens)
        self._beginning = 0  # so many of the answer's tokens were there before
        self._text = prompt.text  # what all tokens encode
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops, self._splitter = StopTexts(stop_texts), ThinkingSplitter(prompt.text, tools=bool(tools))
        self._tools, self._calls = bool(tools), ToolCalls(tools)
        self.thinking, self._thinking_s = thinking, 0.0
        self._given: deque[int] = deque()  # tokens that come next, whatever the model would draw
        self._begun, self._prompt_s = time.perf_counter(), 0.0
        self._first = self._last = 0.0
        sampler.accept_prompt([token for token in prompt.tokens if token >= 0])

    @property
    def waiting_tokens(self) -> int:
        """How many tokens are to be processed before the next one can be drawn."""
        return len(self.tokens) - len(self.state.tokens)

    @property
    def is_writing(self) -> bool:
        """Whether only its last drawn token is to be processed; otherwise it is reading."""
        return self._drawn > 0 and self.waiting_tokens == 1

    def processed(self, count: int, tokens_per_s: float) -> None:
        """Note that the next `count` tokens are in the sequence now."""
        reading = not self.is_writing
        held = len(self.state.tokens)
        self.state.tokens += self.tokens[held : held + count]
        if not self.waiting_tokens:
            if self._text:
                self.state.text, self.state.cuts = self._text, self._prompt.rendered.cuts
                self.state.text_tokens = len(self.state.tokens)
            self._prompt_s = self._prompt_s or time.perf_counter() - self._begun
        if reading:
            done, total = len(self.state.tokens), len(self.tokens)
            left_s = (total - done) / tokens_per_s if tokens_per_s else None
            self.events.append({"event": "prompt", "done": done, "total": total, "seconds_left": left_s})

    def draw(self, context: Any, index: int) -> None:
        """Draw the next token from the numbers that the token at `index` of the last batch has left."""
        if self._drawn == self._limit:  # the last one is processed, so the next turn finds it
            self.end("length")
            return
        if given := bool(self._given):
            self._sampler.take(token := self._given.popleft())
        else:
            token = self._sampler.sample(context, index)
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self._put(token, given=given)

    def begin_with(self, tokens: Sequence[int], new: int) -> None:
        """Begin with these tokens, which the model goes on from; the last `new` of them were not drawn before."""
        self._beginning = len(tokens)
        for number, token in enumerate(tokens, 1):
            self._given.clear()  # a limit of the thinking that was reached in between has its tokens here
            self._sampler.take(token, noted=number > len(tokens) - new)
            self._put(token, given=number < len(tokens))

    def _put(self, token: int, *, given: bool) -> None:
        """Take a token as the next one of the answer."""
        self.tokens.append(token)
        if self._vocabulary.is_end(token) and not (self._endless or given):  # gpt-oss ends thinking by such a mark
            self.end("stop")
            return
        # If the length limit cuts an answer within a character, that character is left out.
        piece = self._decoder.decode(self._vocabulary.piece(token, tools=self._tools))
        self._text += piece
        self._tell(self._splitter.feed(self._stops.feed(piece)))
        if self._stops.reached or self._calls.ended:
            self.end("stop")
        elif closing := self.thinking.count(self._splitter):
            self._given.extend(self._vocabulary.tokens(Rendered(closing)))

    def end(self, reason: str) -> None:
        """End the answer, unless it has ended: what was held back is told."""
        if self.finish_reason:
            return
        self._tell(self._splitter.feed(self._stops.finish()))
        self._tell(self._splitter.finish())
        self._add(self._calls.rest(cut=reason != "stop"))
        self.finish_reason = "tool_calls" if self._calls.called and reason == "stop" else reason

    def close(self) -> None:
        """Free the sampler, which is native memory."""
        self._sampler.close()

    def summary(self) -> Event:
        """How it ended, its tokens and its speed."""
        prompt_tokens = len(self._prompt.tokens)
        processed = prompt_tokens - self._cached_tokens
        generation_s = self._last - self._first
        return {
            "finish_reason": self.finish_reason,
            "seed": self._sampler.seed,
            "tokens": self.tokens[prompt_tokens:],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": self._drawn,
                "cached_tokens": self._cached_tokens,
                "thinking_tokens": self.thinking.tokens,
                "thinking_limit": self.thinking.limit if self.thinking.reached else 0,
            },
            "timings": {
                "ttft_s": self._prompt_s,
                "prompt_tps": processed / self._prompt_s if self._prompt_s else 0.0,
                "generation_tps": (self._drawn - self._beginning - 1) / generation_s if generation_s else 0.0,
                **({"thinking_s": self._thinking_s} if self.thinking.tokens else {}),
            },
            **({"alternatives": found} if (found := self._sampler.alternatives) else {}),
        }

    @property
    def _drawn(self) -> int:
        return len(self.tokens) - len(self._prompt.tokens)

    def _tell(self, parts: Iterator[tuple[str, str]]) -> None:
        self._add(self._calls.passed(parts))

    def _add(self, parts: Iterator[tuple[str, str]]) -> None:
        """The parts as events, those of thinking with its tokens and seconds."""
        for kind, text in parts:
            event: Event = {"event": kind, "text": text}
            if kind == "rethink":
                self.thinking.tokens = self._drawn
            if kind in ("thinking", "rethink"):
                self._thinking_s = max(0.0, self._last - self._begun - self._prompt_s)
                event |= {"tokens": self.thinking.tokens, "limit": self.thinking.limit, "seconds": self._thinking_s}
            self.events.append(event)
