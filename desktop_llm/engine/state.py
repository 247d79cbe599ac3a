"""The KV cache of a context: what conversations leave behind in it, so that their next turns process only what is new.

Each conversation has a sequence of its own, and all of them share the context's cells. A beginning that two of them
have in common, such as the instructions, takes its cells once. If cells run out, the conversation that was least
recently used is dropped; it is found again on the disk (`state_files`).
"""

from __future__ import annotations

import ctypes
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop_llm.engine import parameters
from desktop_llm.engine.adapters import Mix
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.parameters import LoadRequest
from desktop_llm.engine.picture_marks import MARK
from desktop_llm.engine.state_files import FEWEST_TOKENS, StateFiles, StoredState, identity
from desktop_llm.engine.vision import Vision
from desktop_llm.engine.vocabulary import Vocabulary

# Of llama_context_params: these change how a state is computed, not what it is.
_NO_MATTER = frozenset({"n_batch", "n_ubatch", "n_seq_max", "n_threads", "n_threads_batch", "no_perf", "n_outputs_max"})
_WORTH_TOKENS = 64  # what a file must spare, beyond what is in memory


@dataclass(slots=True, eq=False)
class KeptState:
    """One sequence of the KV cache, and the conversation `slot` that it belongs to; "" if nobody named it.

    `tokens` are in the cache. The first `text_tokens` of them encode `text`, the prompt and the answer, as far as that
    is known; `cuts` are those of the prompt. Negative tokens stand for the positions of something that is no text, a
    picture: the same number for all positions of the same one.
    """

    id: int
    slot: str = ""
    mix: Mix = ()
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    text_tokens: int = 0
    cuts: tuple[int, ...] = ()
    in_use: bool = False
    last_used: int = 0
    forgotten: bool = False  # as soon as it is given back
    stored_tokens: int = 0  # as many of them are on the disk, too


class Memory:
    """The sequences of one context, and those that are on the disk."""

    def __init__(self, model: Any, context: Any, files: StateFiles | None, vision: Vision | None = None) -> None:
        self._native = bindings()
        self._context, self._files, self._vision = context, files, vision
        self._memory = self._native.llama_get_memory(context)
        # A model with a recurrent state can't go back to an earlier token, only begin anew.
        self._goes_back = not (
            self._native.llama_model_is_recurrent(model) or self._native.llama_model_is_hybrid(model)
        )
        self._window = int(self._native.llama_model_n_swa(model))  # of attention, in tokens; 0: all tokens
        self._states = [KeptState(number) for number in range(self._native.llama_n_seq_max(context))]
        self._clock = itertools.count(1)

    def tokens_of(self, prompt: Rendered, vocabulary: Vocabulary) -> list[int]:
        """The prompt's tokens; if the prompt begins with a kept text, the kept tokens are used for it."""
        if self._vision is not None:
            for mark in MARK.findall(prompt.text):
                self._vision.tokens_of(mark)  # a stored state tells the places of a picture, not its positions
        return tokens_of(prompt, [*self._states, *self._stored], vocabulary)

    def take(self, slot: str, mix: Mix, tokens: Sequence[int]) -> KeptState:
        """The sequence to answer in, for the caller alone until `give_back`. It holds a beginning of `tokens`, the
        longest that any conversation with this mix has left, but never all: generation needs to process the last one.

        A conversation goes on in its own sequence; from another one, what both have in common is copied.
        """
        fitting = [state for state in self._states if state.mix == mix]
        source = max(fitting, key=lambda state: (self._usable(state, tokens), state.slot == slot), default=None)
        count = self._usable(source, tokens) if source is not None else 0
        state = self._load(slot, mix, tokens, count + _WORTH_TOKENS)
        if state is None:
            goes_on = source is not None and self._goes_on(source, slot, count)
            state = source if goes_on and source is not None else self._place_for(slot, but=source)
            if state is not source:
                self._drop(state)
            self.cut(state, count if state is source else 0)
            if source is not None and source is not state and count:
                self._copy(source, state, count)
        state.slot, state.mix, state.in_use = slot, mix, True
        return state

    def give_back(self, state: KeptState) -> None:
        """Keep the sequence for its conversation's next turn."""
        state.in_use, state.last_used = False, next(self._clock)
        if state.forgotten:
            self.cut(state, 0)
            state.forgotten = False

    def cut(self, state: KeptState, count: int) -> None:
        """Forget everything after `count` tokens; all of them, if the model can't go back."""
        if not self._native.llama_memory_seq_rm(self._memory, state.id, self.position(state.tokens[:count]), -1):
            self._native.llama_memory_seq_rm(self._memory, state.id, -1, -1)
            count = 0
        state.tokens, state.stored_tokens = state.tokens[:count], min(state.stored_tokens, count)
        if count < state.text_tokens:
            state.text, state.text_tokens, state.cuts = "", 0, ()

    def position(self, tokens: Sequence[int]) -> int:
        """The position that follows these tokens: a picture may take fewer positions than places."""
        return self._vision.positions(tokens) if self._vision is not None else len(tokens)

    def drop_oldest(self) -> bool:
        """Take the conversation that was least recently used to the disk, to free its cells; False if there is none."""
        idle = [state for state in self._states if state.tokens and not state.in_use]
        if not idle:
            return False
        self._drop(min(idle, key=lambda state: state.last_used))
        return True

    def clear(self) -> None:
        """Free the cells of everything that is not in use."""
        while self.drop_oldest():
            pass

    def forget(self, slot: str) -> None:
        """Forget this conversation, on the disk too."""
        for state in self._states:
            if state.slot == slot and state.in_use:
                state.forgotten = True
            elif state.slot == slot:
                self.cut(state, 0)
        if self._files is not None:
            self._files.forget(slot)

    def store_one(self) -> bool:
        """Store the conversation that was used last and is not on the disk as it is now; False if all are."""
        changed = [state for state in self._states if self._is_worth_storing(state)]
        if not changed:
            return False
        self._store(max(changed, key=lambda state: state.last_used))
        return True

    def store_all(self, limit_s: float) -> None:
        """Store all conversations, those first that were used last, and stop after that time."""
        begun = time.monotonic()
        while time.monotonic() - begun < limit_s and self.store_one():
            pass

    @property
    def _stored(self) -> list[StoredState]:
        return self._files.stored if self._files is not None else []

    def _drop(self, state: KeptState) -> None:
        if self._is_worth_storing(state):
            self._store(state)
        self.cut(state, 0)

    def _is_worth_storing(self, state: KeptState) -> bool:
        return (
            self._files is not None
            and not state.in_use
            and len(state.tokens) >= max(FEWEST_TOKENS, state.stored_tokens + 1)
        )

    def _store(self, state: KeptState) -> None:
        assert self._files is not None
        state.stored_tokens = len(state.tokens)
        if any(stored.mix == state.mix and stored.tokens == state.tokens for stored in self._stored):
            return
        size = self._native.llama_state_seq_get_size_ext(self._context, state.id, 0)
        if not size or not self._files.takes(size):
            return
        data = (ctypes.c_uint8 * size)()
        if self._native.llama_state_seq_get_data_ext(self._context, data, size, state.id, 0) == size:
            self._files.save(
                StoredState(state.slot, state.mix, state.tokens, state.text, state.text_tokens, state.cuts),
                memoryview(data),
            )

    def _load(self, slot: str, mix: Mix, tokens: Sequence[int], least: int) -> KeptState | None:
        """A sequence with a stored beginning of `tokens`; None if no file has so many of them."""
        fitting = [stored for stored in self._stored if stored.mix == mix]
        stored = max(fitting, key=lambda stored: self._usable_of(stored, tokens), default=None)
        if stored is None or self._usable_of(stored, tokens) < least or self._files is None:
            return None
        if (found := self._files.read(stored)) is None:
            return self._load(slot, mix, tokens, least)  # it was damaged and is gone
        content, start = found
        state = self._place_for(slot, but=None)
        self._drop(state)
        data = (ctypes.c_uint8 * (len(content) - start)).from_buffer(content, start)
        while self._native.llama_state_seq_set_data_ext(self._context, data, len(data), state.id, 0) != len(data):
            self.cut(state, 0)
            if not self.drop_oldest():
                return None
        state.tokens, state.stored_tokens = list(stored.tokens), len(stored.tokens)
        state.text, state.text_tokens, state.cuts = stored.text, stored.text_tokens, stored.cuts
        self.cut(state, self._usable(state, tokens))
        return state

    def _usable_of(self, stored: StoredState, tokens: Sequence[int]) -> int:
        """How many of the first `tokens` this file spares. Of a model with a window, a file holds no older cells."""
        count = min(common_prefix(stored.tokens, tokens), len(tokens) - 1)
        can_be_cut = self._goes_back and (not self._window or len(stored.tokens) <= self._window)
        return count if can_be_cut or count == len(stored.tokens) else 0

    def _usable(self, state: KeptState, tokens: Sequence[int]) -> int:
        """How many of the first `tokens` this sequence spares."""
        count = min(common_prefix(state.tokens, tokens), len(tokens) - 1)
        if self._vision is not None:
            count = self._vision.whole(tokens, count)
        if count == len(state.tokens):
            return count
        if not self._goes_back:
            return 0
        # Of a model with a window, older cells may be gone: what is cut off must leave a whole window.
        first = self._native.llama_memory_seq_pos_min(self._memory, state.id) if self._window else 0
        return count if first <= max(0, count - self._window) else 0

    def _goes_on(self, state: KeptState, slot: str, count: int) -> bool:
        """Whether to answer in this very sequence: it is the conversation's, or all of it is the beginning."""
        return not state.in_use and state.slot == slot and (bool(slot) or count == len(state.tokens))

    def _place_for(self, slot: str, *, but: KeptState | None) -> KeptState:
        """A sequence to begin in: the conversation's own, an empty one, or the one that was least recently used."""

        def order(state: KeptState) -> tuple[bool, bool, bool, int]:
            return not (slot and state.slot == slot), bool(state.tokens), state is but, state.last_used

        return min((state for state in self._states if not state.in_use), key=order)

    def _copy(self, source: KeptState, state: KeptState, count: int) -> None:
        end = self.position(source.tokens[:count]) if self._goes_back else -1
        self._native.llama_memory_seq_cp(self._memory, source.id, state.id, 0 if self._goes_back else -1, end)
        state.tokens = source.tokens[:count]


def state_key(asked: LoadRequest, model: Any) -> str:
    """What a state depends on besides its tokens and adapters: the engine, the model file, the context's settings, and
    the projector that pictures come through.
    """
    settings = parameters.for_context(model, asked)
    values = {name: getattr(settings, name) for name, *_ in settings._fields_ if name not in _NO_MATTER}
    context = {name: value for name, value in values.items() if isinstance(value, int | float)}
    library = Path(bindings()._lib._name).stat()
    engine = [library.st_size, library.st_mtime_ns]
    eyes = asked.settings.projector
    sees = {"projector": identity(Path(eyes))} if eyes is not None and Path(eyes).exists() else {}
    return json.dumps({"engine": engine, "model": identity(asked.path), "context": context, **sees})


def tokens_of(prompt: Rendered, known: Sequence[KeptState | StoredState], vocabulary: Vocabulary) -> list[int]:
    """The prompt's tokens; if the prompt begins with a kept text, the kept tokens are used for it.

    Tokenizing an answer again may yield different tokens, and everything after them would have to be processed
    again. The kept tokens end only before a mark, at which tokenizers split anyway. With other cuts the same text
    is another prompt: a message then quotes what was a mark of the template's before, or the other way round.
    """
    for state in sorted(known, key=lambda state: len(state.text), reverse=True):
        end = len(state.text)
        if end and prompt.text.startswith(state.text) and prompt.cuts_before(end) == state.cuts:
            rest = vocabulary.tokens(prompt, end)
            if rest and vocabulary.is_mark(rest[0]):
                return [*state.tokens[: state.text_tokens], *rest]
    return vocabulary.prompt_tokens(prompt)


def common_prefix(one: Sequence[object], other: Sequence[object]) -> int:
    """The length of the longest common beginning."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(index for index in range(shorter) if one[index] != other[index])
