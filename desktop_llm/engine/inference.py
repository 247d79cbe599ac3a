"""The decode loop: prompt processing in batches, then one token at a time, until the model ends or a person stops it.

Generators all through: what they yield goes to the app as it happens, and between two steps the worker can be asked
other things.
"""

from __future__ import annotations

import codecs
import ctypes
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from desktop_llm.engine.backends import bindings
from desktop_llm.engine.loading import RunningModel
from desktop_llm.engine.prompt import Prompt
from desktop_llm.engine.sampling import Sampler
from desktop_llm.engine.shapes import Sampling
from desktop_llm.engine.state import KeptState
from desktop_llm.engine.templates import ThinkingSplitter
from desktop_llm.engine.wanted import SMALLEST_BATCH_TOKENS
from desktop_llm.errors import Cancelled, UserError
from desktop_llm.words import tr

Event = dict[str, Any]

_ABORTED = 2  # llama_decode: the abort callback said so
_STEP_S = 1.0  # how long one step of prompt processing may take, for the progress that a person sees
_WATCH_S = 0.05


class Inference:
    """Answers on one running model; keeps its state between the turns."""

    def __init__(self, running: RunningModel) -> None:
        self._running = running
        self._native = bindings()
        self._kept = KeptState(running.context)
        self._token = (ctypes.c_int32 * 1)()
        self._tokens_per_s = 0.0

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a rendered prompt, by way of what is kept."""
        return self._kept.tokens_of(text, self._running.vocabulary)

    def generate(self, prompt: Prompt, settings: Sampling, cancelled: threading.Event) -> Generator[Event, None, Event]:
        """Answer the prompt; yields progress and text, returns how it ended. A stop is an end too, not an error."""
        splitter = ThinkingSplitter(prompt.text)
        answer = _Answer(len(prompt.tokens))
        with (
            Sampler(settings, self._running.vocabulary.size) as sampler,
            self._stoppable(cancelled),
        ):
            sampler.accept_prompt(prompt.tokens)
            try:
                yield from self._process(prompt.tokens, answer, cancelled)
                self._kept.text = prompt.text
                limit = self._limit(prompt, settings)
                for piece in self._pieces(sampler, answer, limit, cancelled):
                    yield from _deltas(splitter.feed(piece))
            except Cancelled:
                answer.finish_reason = "cancelled"
                self._kept.text = ""  # the last piece of text may not be processed yet
            yield from _deltas(splitter.finish())
        return answer.summary(sampler.seed)

    def bench(
        self, prompt_tokens: int, tokens: int, cancelled: threading.Event
    ) -> Generator[Event | None, None, Event]:
        """Measure prompt processing and generation on a prompt of its own; the kept state is lost."""
        answer = _Answer(prompt_tokens)
        settings = Sampling(temperature=0)
        self._kept.cut(0)
        prompt = [token % self._running.vocabulary.size for token in range(100, 100 + prompt_tokens)]
        with Sampler(settings, self._running.vocabulary.size) as sampler, self._stoppable(cancelled):
            yield from self._process(prompt, answer, cancelled)
            for _ in range(tokens):
                self._decode_one(self._draw(sampler, answer), cancelled)
                yield None
        self._kept.cut(0)
        return answer.summary(sampler.seed)["timings"]  # type: ignore[no-any-return]

    def _process(self, tokens: Sequence[int], answer: _Answer, cancelled: threading.Event) -> Iterator[Event]:
        """Process the prompt's new tokens in batches; yields how far it is."""
        done = answer.cached_tokens = self._kept.reuse(tokens)
        total, begun = len(tokens), time.perf_counter()
        while done < total:
            batch = tokens[done : done + self._batch_size()]
            started = time.perf_counter()
            self._decode((ctypes.c_int32 * len(batch))(*batch), len(batch), cancelled)
            if len(batch) >= SMALLEST_BATCH_TOKENS or not self._tokens_per_s:  # a few tokens say little about many
                self._tokens_per_s = len(batch) / max(time.perf_counter() - started, 1e-6)
            self._kept.tokens.extend(batch)
            done += len(batch)
            yield {
                "event": "prompt",
                "done": done,
                "total": total,
                "seconds_left": (total - done) / self._tokens_per_s,
            }
        answer.prompt_s = time.perf_counter() - begun

    def _pieces(self, sampler: Sampler, answer: _Answer, limit: int, cancelled: threading.Event) -> Iterator[str]:
        """The answer's text as it comes, whole characters only; sets the finish reason.

        An answer that ends within a character (its length was reached) ends before it.
        """
        vocabulary = self._running.vocabulary
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        answer.finish_reason = "length"
        for _ in range(limit):
            token = self._draw(sampler, answer)
            if vocabulary.is_end(token):
                answer.finish_reason = "stop"
                break
            yield self._read(decoder, vocabulary.piece(token))
            self._decode_one(token, cancelled)

    def _read(self, decoder: codecs.IncrementalDecoder, data: bytes) -> str:
        piece = decoder.decode(data)
        self._kept.text += piece
        return piece

    def _draw(self, sampler: Sampler, answer: _Answer) -> int:
        token = sampler.sample(self._running.context)
        answer.count_token()
        return token

    def _decode_one(self, token: int, cancelled: threading.Event) -> None:
        self._token[0] = token
        self._decode(self._token, 1, cancelled)
        self._kept.tokens.append(token)

    def _decode(self, tokens: Any, count: int, cancelled: threading.Event) -> None:
        """Decode one batch. After an abort the state is what it was before it."""
        status = self._native.llama_decode(self._running.context, self._native.llama_batch_get_one(tokens, count))
        if status == 0 and not cancelled.is_set():
            return
        if status == 0:
            self._native.llama_synchronize(self._running.context)
        self._kept.cut(len(self._kept.tokens))
        if status == _ABORTED or cancelled.is_set():
            raise Cancelled
        raise UserError(
            tr(
                "The engine could not process this text (code {status}). Nothing was lost. "
                "Try again, or load the model with a shorter context length.",
                status=status,
            )
        )

    def _limit(self, prompt: Prompt, settings: Sampling) -> int:
        free = self._running.context_length - len(prompt.tokens)
        return max(1, min(free, settings.max_tokens or free))

    def _batch_size(self) -> int:
        """A power of two that takes about a second here; the first batch is small, to learn the speed."""
        wanted = self._tokens_per_s * _STEP_S if self._tokens_per_s else SMALLEST_BATCH_TOKENS
        size = SMALLEST_BATCH_TOKENS
        while size * 2 <= min(wanted, self._running.batch_tokens):
            size *= 2
        return size

    @contextmanager
    def _stoppable(self, cancelled: threading.Event) -> Iterator[None]:
        """Pass a cancel on to native code at once: a small thread waits for it while an answer is under way."""
        over = threading.Event()
        abort = self._running.abort
        abort.clear()

        def watch() -> None:
            while not over.is_set():
                if cancelled.wait(_WATCH_S):
                    abort.set()
                    return

        thread = threading.Thread(target=watch, name="stop", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            abort.clear()


class _Answer:
    """Counts and times of one answer."""

    def __init__(self, prompt_tokens: int) -> None:
        self.prompt_tokens = prompt_tokens
        self.cached_tokens = 0
        self.completion_tokens = 0
        self.prompt_s = 0.0
        self.finish_reason = "cancelled"
        self._first = self._last = 0.0

    def count_token(self) -> None:
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self.completion_tokens += 1

    def summary(self, seed: int) -> Event:
        processed = self.prompt_tokens - self.cached_tokens
        generation_s = self._last - self._first
        return {
            "finish_reason": self.finish_reason,
            "seed": seed,
            "usage": {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
                "cached_tokens": self.cached_tokens,
            },
            "timings": {
                "ttft_s": self.prompt_s,
                "prompt_tps": processed / self.prompt_s if self.prompt_s else 0.0,
                "generation_tps": (self.completion_tokens - 1) / generation_s if generation_s else 0.0,
            },
        }


def _deltas(parts: Iterator[tuple[str, str]]) -> Iterator[Event]:
    for kind, text in parts:
        yield {"event": kind, "text": text}
