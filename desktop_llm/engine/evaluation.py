"""Finds what else each token of a finished answer might have been: the model reads the answer, as it reads a prompt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from desktop_llm.engine.adapters import Mix
from desktop_llm.engine.alternatives import Alternatives
from desktop_llm.engine.inference import ABORTED, NO_ROOM, cannot_process
from desktop_llm.engine.loading import RunningModel
from desktop_llm.engine.native import bindings
from desktop_llm.engine.prompt import Prompt
from desktop_llm.engine.state import KeptState, Memory
from desktop_llm.errors import Cancelled

_BATCH_TOKENS = 128  # so few that a question, which comes first, need not wait long
_OUTPUT_BYTES = 16 << 20  # of a batch: each token of an answer leaves a number for every token of the vocabulary


class Evaluation:
    """The evaluation of one answer; it can be left between two batches and gone on with. `close` frees it.

    `found` has an entry for each token so far, as in `Alternatives`.
    """

    def __init__(
        self, running: RunningModel, memory: Memory, prompt: Prompt, answer: Sequence[int], count: int
    ) -> None:
        self._running, self._memory, self._native = running, memory, bindings()
        self._prompt, self._answer = prompt, list(answer)
        self._tokens = [*prompt.tokens, *answer]
        self._alternatives = Alternatives(count, running.vocabulary)
        self._most_outputs = max(1, min(_BATCH_TOKENS, _OUTPUT_BYTES // (4 * running.vocabulary.size)))
        self._batch: Any = self._native.llama_batch_init(_BATCH_TOKENS, 0, 1)
        self._begun, self._read = 0.0, 0  # when the present work began, and how many tokens it has read
        self.found = self._alternatives.found

    def close(self) -> None:
        """Free the native memory."""
        self._alternatives.close()
        self._native.llama_batch_free(self._batch)

    @property
    def is_finished(self) -> bool:
        """Whether every token is evaluated."""
        return len(self.found) == len(self._answer)

    def work(
        self, slot: str, mix: Mix, cancelled: threading.Event, may_go_on: Callable[[], bool]
    ) -> Iterator[dict[str, Any]]:
        """Evaluate in the state of the conversation `slot`, a batch at a time, as long as it may; yields the progress.

        Raises UserError if the context has no room.
        """
        with self._state(slot, mix) as state:
            self._begun, self._read = time.perf_counter(), 0
            while not self.is_finished and may_go_on():
                held = len(state.tokens)
                if self._tokens[held] < 0:
                    self._look(state, cancelled)
                else:
                    self._decode(state)
                self._read += len(state.tokens) - held
                yield self._progress(len(state.tokens))
            if self.is_finished:
                self._name(state)

    @contextmanager
    def _state(self, slot: str, mix: Mix) -> Iterator[KeptState]:
        """The sequence to work in: it holds nothing beyond the last token that has been evaluated."""
        state = self._memory.take(slot, mix, self._tokens[: len(self._prompt.tokens) + len(self.found)])
        try:
            yield state
        finally:
            self._memory.give_back(state)

    def _progress(self, done: int) -> dict[str, Any]:
        total = len(self._tokens) - 1  # nothing is asked of the last one
        took_s = time.perf_counter() - self._begun
        left_s = (total - done) * took_s / self._read if self._read else None
        return {"event": "prompt", "done": done, "total": total, "seconds_left": left_s}

    def _decode(self, state: KeptState) -> None:
        """Process the next batch, and note what its tokens were followed by."""
        held = len(state.tokens)
        first = len(self._prompt.tokens) - 1 + len(self.found)  # the first token to be asked what follows it
        end = min(held + _BATCH_TOKENS, first + self._most_outputs, len(self._tokens) - 1)
        end = next((place for place in range(held, end) if self._tokens[place] < 0), end)
        self._fill(state, end, first)
        self._running.abort.clear()
        while (status := self._native.llama_decode(self._running.context, self._batch)) == NO_ROOM:
            if not self._memory.drop_oldest():
                break
        if status == 0:
            state.tokens += self._tokens[held:end]
            for place in range(max(held, first), end):
                self._alternatives.look(self._running.context, place - held)
                self._alternatives.chose(self._tokens[place + 1])
            return
        self._memory.cut(state, held)
        if status != ABORTED:
            raise cannot_process(status)

    def _fill(self, state: KeptState, end: int, first: int) -> None:
        batch, held = self._batch, len(state.tokens)
        position = self._memory.position(state.tokens)
        for index, place in enumerate(range(held, end)):
            batch.token[index], batch.pos[index] = self._tokens[place], position + index
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, state.id
            batch.logits[index] = place >= first
        batch.n_tokens = end - held

    def _look(self, state: KeptState, cancelled: threading.Event) -> None:
        """Process the picture that comes next in the prompt."""
        held, vision = len(state.tokens), self._running.vision
        assert vision is not None
        position = self._memory.position(state.tokens)
        try:
            places = vision.process(self._running.context, self._tokens, held, position, state.id, cancelled)
        except Cancelled:
            self._memory.cut(state, held)
            raise
        state.tokens += self._tokens[held : held + places]

    def _name(self, state: KeptState) -> None:
        """Note which text the state holds, so that the chat's next prompt finds the very tokens again."""
        pieces = b"".join(map(self._running.vocabulary.piece, self._answer[:-1]))
        state.text = self._prompt.text + pieces.decode("utf-8", "replace")
        state.text_tokens, state.cuts = len(state.tokens), self._prompt.rendered.cuts
