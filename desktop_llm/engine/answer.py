"""One answer under way: the tokens that are still to be processed, the token that is drawn next, and what becomes of
the text.
"""

from __future__ import annotations

import codecs
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

# A window repaints 30 times a second, so text needs no more frames: each one wakes the app, which takes its time from
# the threads that compute.
_FRAME_S = 0.03
_STREAMED = ("text", "thinking")


class Answer:
    """An answer under way in one sequence of the KV cache. What it has to tell waits in `events` until `told` takes it;
    when it has ended, `finish_reason` says how.

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
        self._prompt_tokens = len(prompt.tokens)
        self._prompt, self._sampler, self._vocabulary = prompt, sampler, vocabulary
        self._limit, self._endless = limit, endless
        self._cached_tokens = len(state.tokens)
        self._beginning = 0  # so many of the answer's tokens were there before
        self._written: list[str] = []  # the text of each drawn token
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._in_character = False  # the last token ended within one
        self._stops, self._splitter = StopTexts(stop_texts), ThinkingSplitter(prompt.text, tools=bool(tools))
        self._tools, self._calls = bool(tools), ToolCalls(tools)
        self.thinking, self._thinking_s = thinking, 0.0
        self._given: deque[int] = deque()  # tokens that come next, whatever the model would draw
        self._begun, self._prompt_s = time.perf_counter(), 0.0
        self._first = self._last = 0.0
        self._told_at = -math.inf
        sampler.accept_prompt([token for token in prompt.tokens if token >= 0])

    @property
    def waiting_tokens(self) -> int:
        """How many tokens are to be processed before the next one can be drawn."""
        return len(self.tokens) - len(self.state.tokens)

    @property
    def is_writing(self) -> bool:
        """Whether only its last drawn token is to be processed; otherwise it is reading."""
        return self.waiting_tokens == 1 and len(self.tokens) > self._prompt_tokens

    def processed(self, count: int, tokens_per_s: float) -> None:
        """Note that the next `count` tokens are in the sequence now."""
        reading, held = not self.is_writing, len(self.state.tokens)
        self.state.tokens += self.tokens[held : held + count]
        if not (self._prompt_s or self.waiting_tokens):
            self._prompt_s = time.perf_counter() - self._begun
        if reading:
            done, total = len(self.state.tokens), len(self.tokens)
            left_s = (total - done) / tokens_per_s if tokens_per_s else None
            self.events.append({"event": "prompt", "done": done, "total": total, "seconds_left": left_s})

    def name_text(self) -> None:
        """Tell the sequence which text its tokens encode, so that a longer prompt finds it again."""
        held = len(self.state.tokens)
        if self._prompt.text and held >= self._prompt_tokens:
            self.state.text = self._prompt.text + "".join(self._written[: held - self._prompt_tokens])
            self.state.text_tokens, self.state.cuts = held, self._prompt.rendered.cuts

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
        if not (self._endless or given) and self._vocabulary.is_end(token):  # gpt-oss ends thinking by such a mark
            self.end("stop")
            return
        piece = self._piece(token)
        self._written.append(piece)
        self._say(self._stops.feed(piece))
        if self._stops.reached or self._calls.ended:
            self.end("stop")
        elif closing := self.thinking.count(self._splitter):
            self._given.extend(self._vocabulary.tokens(Rendered(closing)))

    def _piece(self, token: int) -> str:
        """The text of a token; bytes of a character wait until it is complete. If the length limit cuts an answer
        within one, it is left out.
        """
        data = self._vocabulary.piece(token, tools=self._tools)
        if data.isascii() and not self._in_character:
            return data.decode("ascii")
        piece = self._decoder.decode(data)
        self._in_character = bool(self._decoder.getstate()[0])
        return piece

    def told(self) -> Event | None:
        """The next event to tell; None if there is none, or only text so soon after the last that it can wait."""
        if not self.events:
            return None
        if self.events[0]["event"] in _STREAMED:
            now = time.perf_counter()
            if len(self.events) == 1 and not self.finish_reason and now - self._told_at < _FRAME_S:
                return None
            self._told_at = now
        return self.events.popleft()

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
        """How it ended, its prompt, its tokens and its speed."""
        prompt_tokens = self._prompt_tokens
        processed = prompt_tokens - self._cached_tokens
        generation_s = self._last - self._first
        return {
            "finish_reason": self.finish_reason,
            "seed": self._sampler.seed,
            "tokens": self.tokens[prompt_tokens:],
            "prompt": self._prompt.text,
            "prompt_token_lengths": self._vocabulary.lengths(self._prompt.text, self._prompt.tokens),
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
        return len(self.tokens) - self._prompt_tokens

    def _say(self, piece: str) -> None:
        """Tell a piece of the answer, as the text or thinking that it turns out to be."""
        if (kind := self._splitter.plain(piece)) and not self._calls.looks:
            self._add(((kind, piece),))
        else:
            self._tell(self._splitter.feed(piece))

    def _tell(self, parts: Iterator[tuple[str, str]]) -> None:
        self._add(self._calls.passed(parts))

    def _add(self, parts: Iterable[tuple[str, str]]) -> None:
        """The parts as events, those of thinking with its tokens and seconds."""
        for kind, text in parts:
            event: Event = {"event": kind, "text": text}
            if kind == "rethink":
                self.thinking.tokens = self._drawn
            if kind in ("thinking", "rethink"):
                self._thinking_s = max(0.0, self._last - self._begun - self._prompt_s)
                event |= {"tokens": self.thinking.tokens, "limit": self.thinking.limit, "seconds": self._thinking_s}
            if kind in _STREAMED and self.events and self.events[-1]["event"] == kind:
                event["text"] = self.events.pop()["text"] + text
            self.events.append(event)
