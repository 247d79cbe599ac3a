"""What happens while a model is loaded and an answer is written, as plain data, which `engine.client` hands on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer; the cached ones needed no processing.

    `thinking_tokens` are those of `completion_tokens` that were thinking; `thinking_limit` is the limit that ended it,
    0 if it ended by itself or because the person wanted the answer.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    thinking_tokens: int = 0
    thinking_limit: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """How fast one answer was, as the app saw it: seconds, and tokens per second."""

    load_s: float = 0.0
    ttft_s: float = 0.0
    prompt_tps: float = 0.0
    generation_tps: float = 0.0
    thinking_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded; `fraction` is None while it is unknown."""

    fraction: float | None


@dataclass(frozen=True, slots=True)
class InLine:
    """The answer waits for others to end; place 1 is next. `for_memory`: it needs the memory that they take."""

    place: int
    for_memory: bool = False


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A model was unloaded to make room for another one."""

    model: Path
    other: Path


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The number of oldest messages that are left out because the conversation is longer than the context."""

    messages: int


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Prompt processing: the tokens done, and all of them."""

    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """The next piece of the thinking before the answer, which has taken so many tokens and seconds by now, of at most
    `limit` tokens (0: no limit).
    """

    text: str
    tokens: int = 0
    seconds: float = 0.0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model asks for a tool; `arguments` is JSON, or what the model wrote in its place."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Rethought:
    """All text so far was thinking: it ended with a closing mark that nothing had opened."""


@dataclass(frozen=True, slots=True)
class ExactPrompt:
    """A prompt as the chat template wrote it, which is what the model read, and the length of each of its tokens in
    bytes of UTF-8: 0 for one that the text lacks, such as those of a picture.
    """

    text: str = ""
    token_lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer; `finish_reason` is stop, length, cancelled, or tool_calls if the model waits for tools.

    `tokens` are those of the answer, one tuple for each time that the model was asked: it goes on after tools.
    `alternatives` has, if they were asked for, each drawn token: its "id", its "text", its "probability" before the
    samplers (None for a token that was given to the model), and the "likeliest" ones at its place, with the same three
    fields. `prompt` is what the model read when it was asked last.
    """

    finish_reason: str
    usage: Usage
    timings: Timings
    seed: int | None
    alternatives: tuple[Mapping[str, Any], ...] = ()
    tokens: tuple[tuple[int, ...], ...] = ()
    prompt: ExactPrompt = ExactPrompt()


Event = Loading | InLine | LeftOut | PromptProgress | TextDelta | ThinkingDelta | ToolCalled | Rethought | Finished


def event_of(data: Mapping[str, Any]) -> Event:
    """An event of an answer under way, from the wire."""
    match data["event"]:
        case "text":
            return TextDelta(data["text"])
        case "thinking":
            return ThinkingDelta(data["text"], data["tokens"], data["seconds"], data["limit"])
        case "tool_call":
            return ToolCalled(**json.loads(data["text"]))
        case "rethink":
            return Rethought()
        case "in_line":
            return InLine(data["place"])
        case "prompt":
            return PromptProgress(data["done"], data["total"], data["seconds_left"])
        case _:
            return LeftOut(data["messages"])


def finished_of(data: Mapping[str, Any], *, load_s: float, ttft_s: float) -> Finished:
    """The end of an answer, from the wire, with the times as the app saw them; without a `ttft_s`, the worker's own."""
    if "usage" not in data:  # it was cancelled before it began
        return Finished("cancelled", Usage(), Timings(), None)
    told = data["timings"]
    timings = Timings(**{**told, "load_s": load_s, "ttft_s": ttft_s or told["ttft_s"]})
    alternatives, tokens = tuple(data.get("alternatives", ())), (tuple(data["tokens"]),)
    prompt = ExactPrompt(data.get("prompt", ""), tuple(data.get("prompt_token_lengths", ())))
    return Finished(data["finish_reason"], Usage(**data["usage"]), timings, data["seed"], alternatives, tokens, prompt)
