"""The decode loop: processes prompts in batches, then generates one token at a time, for several answers at once, until
the model ends or a person stops it.

Each answer is a generator: the events it yields go to the app at once, and between two steps the worker can serve other
requests. Whichever answer has nothing to tell moves all of them on by one step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from desktop_llm.engine.adapters import Mix
from desktop_llm.engine.answer import Answer, Event
from desktop_llm.engine.loading import RunningModel
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.parameters import SMALLEST_BATCH_TOKENS
from desktop_llm.engine.prompt import Prompt
from desktop_llm.engine.sampling import Sampler
from desktop_llm.engine.shapes import Sampling
from desktop_llm.engine.state import Memory
from desktop_llm.engine.state_files import StateFiles
from desktop_llm.engine.thinking import ThinkingLimit
from desktop_llm.engine.vision import Vision
from desktop_llm.errors import Cancelled, UserError
from desktop_llm.words import tr

NO_ROOM, ABORTED = 1, 2  # what llama_decode returns: no free cells; stopped by the abort callback
_AT_ONCE = 2  # answers; more of them would only make each slower
_STEP_S = 2.0  # how long one step of prompt processing may take, for the progress that a person sees
_SHARED_STEP_S = 0.25  # and while another answer is being written, which must not stand still
_LEAST_BATCH = 64  # tokens, once the speed is known
_WATCH_S = 0.05


class Inference:
    """Generates answers on one running model, and keeps their state for the next turns."""

    def __init__(self, running: RunningModel, files: StateFiles | None = None) -> None:
        """`files` keep states on the disk."""
        self._running = running
        self._native = bindings()
        self.memory = Memory(running.model, running.context, files, running.vision)
        self._batch = _Batch(running.batch_tokens, self.memory)
        self._answers: list[Answer] = []  # under way, the oldest first
        self._ahead: Answer | None = None  # one of them: what is read before anybody asks
        self._mix: Mix = ()
        self._tokens_per_s = running.prompt_tps

    def tokens_of(self, prompt: Rendered) -> list[int]:
        """The tokens of a rendered prompt, using those that are kept."""
        return self.memory.tokens_of(prompt, self._running.vocabulary)

    def answer_now(self, slot: str) -> None:
        """End the thinking in the answer of this conversation, if it is under way."""
        for answer in self._asked:
            if answer.state.slot == slot:
                answer.thinking.answer_now()

    @property
    def is_idle(self) -> bool:
        """Whether no answer is under way."""
        return not self._asked

    def has_place(self, mix: Mix = ()) -> bool:
        """Whether another answer may be under way beside the others, as far as its length allows."""
        return self.is_idle or (mix == self._mix and len(self._asked) < _AT_ONCE)

    def has_room(self, prompt: Prompt) -> bool:
        """Whether this prompt and its answer fit into the context beside the answers under way."""
        needed = prompt.reserved_tokens + len(prompt.tokens)
        needed += sum(max(answer.least_tokens, len(answer.tokens)) for answer in self._asked)
        return self.is_idle or needed <= self._running.context_length

    def begin(
        self,
        prompt: Prompt,
        settings: Sampling,
        cancelled: threading.Event,
        *,
        slot: str = "",
        mix: Mix = (),
        tools: Sequence[Mapping[str, Any]] = (),
        beginning: Sequence[int] = (),
        new: int = 0,
    ) -> Answer:
        """Begin to answer the prompt of the conversation `slot`, if there is a place and room for it; `follow` tells
        what comes of it. The answer goes on from the tokens `beginning`, for which the prompt has to leave room; the
        last `new` of them were not drawn before.

        `mix` are the adapters that the model has for this answer. If it calls one of the `tools`, the answer ends with
        its calls. Raises BadRequest if the grammar in the settings can't be used.
        """
        self._end_ahead()
        free = self._running.context_length - len(prompt.tokens)
        limit = max(len(beginning) + 1, min(free, settings.max_tokens or free))
        answer = self._begin(
            prompt, settings, cancelled, slot=slot, mix=mix, tools=tools, limit=limit, beginning=beginning
        )
        answer.begin_with(beginning, new)
        return answer

    def follow(self, answer: Answer) -> Generator[Event | None, None, Event]:
        """Work on the answer up to its end: yields progress and text, returns how it ended. Being stopped is not an
        error.
        """
        try:
            with self._stoppable(answer):
                while not answer.finish_reason or answer.events:
                    try:
                        if (event := answer.told()) is None:
                            self._step()
                            event = answer.told()
                        yield event
                    except Cancelled:
                        answer.end("cancelled")
            return answer.summary()
        finally:
            self._leave(answer)
            answer.close()

    def read_ahead(self, prompt: Prompt, slot: str, mix: Mix = ()) -> Iterator[None]:
        """Process a prompt that will be asked for later with these adapters, until somebody asks for an answer."""
        self._end_ahead()
        self._ahead = answer = self._begin(prompt, Sampling(), threading.Event(), slot=slot, mix=mix, limit=0)
        with closing(self.follow(answer)) as steps:
            for _ in steps:
                if answer.cancelled.is_set():
                    answer.end("cancelled")
                yield None

    def hurry(self) -> None:
        """Stop reading ahead at once, because somebody asks for an answer. From any thread."""
        if (ahead := self._ahead) is not None:
            ahead.cancelled.set()

    def bench(
        self, prompt_tokens: int, tokens: int, cancelled: threading.Event
    ) -> Generator[Event | None, None, Event]:
        """Measure prompt processing and generation on an invented prompt; yields the progress of the prompt, then None
        for each token. The kept states go to the disk.
        """
        self._end_ahead()
        self.memory.clear()
        size = self._running.vocabulary.size
        prompt = Prompt(Rendered(""), [token % size for token in range(100, 100 + prompt_tokens)], 0, 0)
        answer = self._begin(prompt, Sampling(temperature=0), cancelled, limit=tokens, endless=True)
        with closing(self.follow(answer)) as steps:
            for event in steps:
                yield event if event is not None and event["event"] == "prompt" else None
        self.memory.cut(answer.state, 0)
        return answer.summary()["timings"]  # type: ignore[no-any-return]

    def _begin(
        self,
        prompt: Prompt,
        settings: Sampling,
        cancelled: threading.Event,
        *,
        slot: str = "",
        mix: Mix = (),
        tools: Sequence[Mapping[str, Any]] = (),
        limit: int,
        endless: bool = False,
        beginning: Sequence[int] = (),
    ) -> Answer:
        running, self._mix = self._running, mix
        sampler = Sampler(settings, running.vocabulary, running.context_length, prompt.text)
        answer = Answer(
            prompt,
            self.memory.take(slot, mix, [*prompt.tokens, *beginning]),
            sampler,
            cancelled,
            running.vocabulary,
            stop_texts=() if endless else (*running.stop_texts, *settings.stop),
            thinking=ThinkingLimit(settings.thinking, limit),
            tools=tools,
            limit=limit,
            endless=endless,
        )
        self._answers.append(answer)
        return answer

    @property
    def _asked(self) -> list[Answer]:
        """The answers that somebody waits for."""
        return [answer for answer in self._answers if answer is not self._ahead]

    def _end_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.end("cancelled")
            self._leave(self._ahead)

    def _leave(self, answer: Answer) -> None:
        if answer in self._answers:
            self._answers.remove(answer)
            answer.name_text()
            self.memory.give_back(answer.state)
        if answer is self._ahead:
            self._ahead = None

    def _step(self) -> None:
        """Process one batch for the answers under way, and draw the next tokens."""
        self._running.abort.clear()
        while (plan := self._plan()) and (status := self._decode(plan)) != 0:
            if status == ABORTED:
                return
            if status != NO_ROOM or not self._make_room():
                raise cannot_process(status)
        index = -1
        for answer, tokens in plan:
            index += len(tokens)
            answer.processed(len(tokens), self._tokens_per_s)
            if not answer.waiting_tokens:
                answer.draw(self._running.context, index)
        if self._running.vision is not None:
            self._look(self._running.vision)

    def _look(self, vision: Vision) -> None:
        """Process the piece of a picture that an answer comes to next."""
        for answer in self._going:
            held = len(answer.state.tokens)
            if not answer.waiting_tokens or answer.tokens[held] >= 0:
                continue
            try:
                position = self.memory.position(answer.state.tokens)
                places = vision.process(
                    self._running.context, answer.tokens, held, position, answer.state.id, answer.cancelled
                )
            except (Cancelled, UserError):
                self.memory.cut(answer.state, held)
                if not answer.cancelled.is_set() and not self._make_room():
                    raise
            else:
                answer.processed(places, self._tokens_per_s)
            return

    @property
    def _going(self) -> list[Answer]:
        return [answer for answer in self._answers if not (answer.cancelled.is_set() or answer.finish_reason)]

    def _plan(self) -> list[tuple[Answer, list[int]]]:
        """What each answer has in the next batch: its last drawn token, or a piece of its prompt up to a picture.

        One prompt is read at a time. An answer that had to make room waits until it is the oldest.
        """
        going = self._going
        plan = [(answer, answer.tokens[-1:]) for answer in going if answer.is_writing]
        for answer in going:
            held = len(answer.state.tokens)
            if not answer.is_writing and (held or answer is going[0] or not answer.has_made_room):
                size = self._piece_tokens(_SHARED_STEP_S if plan else _STEP_S) - len(plan)
                piece = answer.tokens[held : held + size]
                if piece := piece[: next((place for place, token in enumerate(piece) if token < 0), len(piece))]:
                    plan.append((answer, piece))
                break
        return plan

    def _decode(self, plan: Sequence[tuple[Answer, list[int]]]) -> int:
        """Process one batch; returns llama.cpp's status. An abort leaves the sequences as they were before."""
        self._batch.fill(plan)
        begun = time.perf_counter()
        for answer, _ in plan:
            answer.computing = True
        status: int = self._native.llama_decode(self._running.context, self._batch.native)
        for answer, _ in plan:
            answer.computing = False
        if any(answer.cancelled.is_set() for answer, _ in plan):
            self._native.llama_synchronize(self._running.context)
            status = ABORTED
        if status not in (0, NO_ROOM):
            for answer, _ in plan:
                self.memory.cut(answer.state, len(answer.state.tokens))
        elif status == 0:
            self._note_speed(plan, time.perf_counter() - begun)
        return status

    def _note_speed(self, plan: Sequence[tuple[Answer, list[int]]], took_s: float) -> None:
        count = len(plan[-1][1])
        # The speed of a few tokens says little.
        if len(plan) == 1 and not plan[0][0].is_writing and (count >= SMALLEST_BATCH_TOKENS or not self._tokens_per_s):
            self._tokens_per_s = count / max(took_s, 1e-6)

    def _make_room(self) -> bool:
        """Free cells: those of a conversation that waits for its next turn, otherwise those of the youngest answer,
        which goes on when it is the oldest.
        """
        if self.memory.drop_oldest():
            return True
        for answer in reversed(self._answers[1:]):
            if answer.state.tokens:
                answer.has_made_room = True
                self.memory.cut(answer.state, 0)
                return True
        return False

    def _piece_tokens(self, step_s: float) -> int:
        """A power of two that takes about so long here; the first piece is small, to learn the speed.

        Batches of 64 tokens take 5 % more processor time than those of 128 or more, batches of 32 take 20 % more.
        """
        least = _LEAST_BATCH if step_s == _STEP_S else SMALLEST_BATCH_TOKENS
        wanted = max(least, self._tokens_per_s * step_s) if self._tokens_per_s else SMALLEST_BATCH_TOKENS
        size = SMALLEST_BATCH_TOKENS
        while size * 2 <= min(wanted, self._running.batch_tokens):
            size *= 2
        return size

    @contextmanager
    def _stoppable(self, answer: Answer) -> Iterator[None]:
        """While an answer is under way, a thread waits for a cancel and passes it to native code at once. The one of
        the oldest answer also looks whether other programs use the processors.
        """
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                if self._answers[:1] == [answer]:
                    self._running.spinning.look()
                if answer.cancelled.wait(_WATCH_S):
                    if answer.computing:
                        self._running.abort.set()
                    return

        threading.Thread(target=watch, name="stop", daemon=True).start()
        try:
            yield
        finally:
            over.set()


def cannot_process(status: int) -> UserError:
    """The error if llama_decode fails with this status, and there is nothing left to free."""
    return UserError(
        tr("The engine could not process this text (code {status}).", status=status),
        tr("Nothing was lost. Try again, or load the model with a shorter context length."),
    )


class _Batch:
    """A batch in native memory: tokens of several sequences, each at its place."""

    def __init__(self, size: int, memory: Memory) -> None:
        self.native: Any = bindings().llama_batch_init(size, 0, 1)
        self._memory = memory
        batch = self.native
        self._token, self._position, self._logits = batch.token, batch.pos, batch.logits
        self._sequences = [batch.seq_id[index] for index in range(size)]
        for index in range(size):
            batch.n_seq_id[index] = 1

    def fill(self, plan: Sequence[tuple[Answer, list[int]]]) -> None:
        """Take what each answer has in the batch; numbers are computed for its last token if nothing waits then."""
        index = 0
        for answer, tokens in plan:
            held, sequence = len(answer.state.tokens), answer.state.id
            for position, token in enumerate(tokens, self._memory.position(answer.state.tokens)):
                self._token[index], self._position[index] = token, position
                self._sequences[index][0], self._logits[index] = sequence, False
                index += 1
            self._logits[index - 1] = held + len(tokens) == len(answer.tokens)
        self.native.n_tokens = index
