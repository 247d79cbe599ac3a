"""Random conversations on a model in this very process, answered with kept states and, to compare, without any."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.engine import backends, loading, prompt
from desktop_llm.engine.answer import Answer
from desktop_llm.engine.inference import Inference
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.parameters import LoadRequest
from desktop_llm.engine.shapes import LoadSettings, Sampling
from desktop_llm.engine.state import state_key
from desktop_llm.engine.state_files import StateFiles
from desktop_llm.engine.versions import Message

SYSTEM = ("Be brief.", "You are the keeper of a lighthouse, and you answer sailors.")
WORDS = ["wind", "tide", "ship", "night", "fog", "lamp", "storm", "rope", "bell", "sea", "gull", "harbour"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A running model, and the request that loaded it."""

    running: loading.RunningModel
    asked: LoadRequest

    def inference(self, states: Path | None = None) -> Inference:
        """A new inference with an empty KV cache; `states` is the folder for stored states."""
        native = bindings()
        native.llama_memory_clear(native.llama_get_memory(self.running.context), True)
        files = StateFiles(states, state_key(self.asked, self.running.model)) if states is not None else None
        return Inference(self.running, files)


@contextmanager
def loaded(path: Path, context_length: int, batch: int = 64) -> Iterator[Loaded]:
    """Load a model into this process."""
    native, modules, log = bindings(), backends.Modules(), EngineLog()
    module = next(module.name for module in modules.found() if "amx" not in module.name)
    settings = LoadSettings(context_length=context_length, threads=1, batch=batch)
    asked = LoadRequest(path, settings, (module,), extra_buffers=False)
    steps = loading.load(asked, modules, threading.Event(), log)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            running: loading.RunningModel = end.value
            break
    try:
        yield Loaded(running, asked)
    finally:
        native.llama_free(running.context)
        native.llama_model_free(running.model)
        native.llama_log_set(native.llama_log_callback(), None)


def fitted(inference: Inference, running: loading.RunningModel, messages: Sequence[Message]) -> prompt.Prompt:
    """The prompt for these messages, as the worker makes it."""

    def render(kept: Sequence[Message]) -> tuple[Rendered, list[int]]:
        rendered = running.vocabulary.marks.reveal(running.template.render(kept))
        return rendered, inference.tokens_of(rendered)

    return prompt.fit(messages, render, running.context_length, None)


def begin(inference: Inference, asked: prompt.Prompt, slot: str, max_tokens: int, **sampling: Any) -> Answer:
    """Begin a greedy answer."""
    settings = Sampling(**{"temperature": 0, "max_tokens": max_tokens, "seed": 1, **sampling})
    return inference.begin(asked, settings, threading.Event(), slot=slot)


def text_of(events: Iterator[dict[str, Any] | None]) -> str:
    """The text of an answer that is followed to its end."""
    return "".join(event["text"] for event in events if event is not None and event["event"] == "text")


def answered(inference: Inference, asked: prompt.Prompt, slot: str, max_tokens: int) -> tuple[str, dict[str, int]]:
    """The text of an answer, and its usage."""
    answer = begin(inference, asked, slot, max_tokens)
    text = text_of(inference.follow(answer))
    return text, answer.summary()["usage"]


class Histories:
    """Chats that go on at random: a question more, the last answer anew, an earlier question changed."""

    def __init__(self, draw: random.Random, chats: int, longest_question: int) -> None:
        self._draw, self._longest = draw, longest_question
        self.chats: list[list[Message]] = [
            [{"role": "system", "content": SYSTEM[number % len(SYSTEM)]}] for number in range(chats)
        ]

    def next(self) -> tuple[int, list[Message]]:
        """The chat that is asked, and its messages up to the question."""
        number = self._draw.randrange(len(self.chats))
        chat = self.chats[number]
        turn = self._draw.random()
        if len(chat) > 1 and turn < 0.15:
            chat = chat[:-1]  # the last answer anew
        else:
            if len(chat) > 1 and turn < 0.3:
                chat = chat[: self._draw.randrange(1, len(chat), 2)]  # an earlier question changed
            length = self._draw.randint(1, self._longest)
            chat = [*chat, {"role": "user", "content": " ".join(self._draw.choices(WORDS, k=length))}]
        self.chats[number] = chat
        return number, chat

    def answer(self, number: int, text: str) -> None:
        """Note the answer."""
        self.chats[number] = [*self.chats[number], {"role": "assistant", "content": text}]
