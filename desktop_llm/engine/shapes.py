"""What goes in and out of the engine, as plain data; the app takes these from `engine.client`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load a model; None leaves the choice to the engine.

    `gpu_layers` None is as many as the free memory of the GPU takes. `kv_type`: "f16", "q8_0" or "q4_0", what keys and
    values are kept as. `batch`: how many tokens of a prompt are processed at once. `template`: a Jinja chat template
    in place of the file's own.
    """

    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    kv_type: str | None = None
    flash_attention: bool | None = None
    batch: int | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """What llama.cpp can compute on here; `name` is its own ("Vulkan0"), `description` what a person calls it."""

    name: str
    description: str
    kind: Literal["cpu", "gpu"]
    backend: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; temperature 0 always takes the likeliest, no `max_tokens` means until the model ends."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int | None = None
    max_tokens: int | None = None

    @classmethod
    def known(cls, values: Mapping[str, Any]) -> Sampling:
        """From stored values: those of another version are passed over, those of the wrong type are the usual ones."""
        whole = {"top_k", "seed", "max_tokens"}
        known: dict[str, Any] = {}
        for field in fields(cls):
            value = values.get(field.name)
            if type(value) is int or (type(value) is float and field.name not in whole):
                known[field.name] = value
        return cls(**known)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as the model sees it; `role` is system, user or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What is loaded and where it runs, as the engine itself reports it.

    `gpu_layers` were really offloaded, `layers` + 1 when all were (the output counts as one); `gpu_bytes` lie there.
    `memory_bytes` is the most main memory that the worker ever held, mapped parts of the file included. `fallback`: why
    not the GPU, with the one thing to do, "" where there is nothing to say. `has_template` is False where neither the
    file nor the settings bring a chat template.
    """

    path: Path
    context_length: int
    trained_context_length: int
    device: str
    backend: str
    layers: int
    gpu_layers: int
    gpu_bytes: int
    memory_bytes: int
    has_template: bool
    load_s: float
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; the cached ones needed no processing."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """How fast one answer was, as the app saw it: seconds, and tokens per second."""

    load_s: float = 0.0
    ttft_s: float = 0.0
    prompt_tps: float = 0.0
    generation_tps: float = 0.0


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded; `fraction` is None while nothing can be said."""

    fraction: float | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """So many of the oldest messages are not sent, since the conversation is longer than the context."""

    messages: int


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Prompt processing: tokens done of all."""

    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """The next piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer; `finish_reason` is stop, length or cancelled."""

    finish_reason: str
    usage: Usage
    timings: Timings
    seed: int | None


Event = Loading | LeftOut | PromptProgress | TextDelta | ThinkingDelta | Finished


@dataclass(frozen=True, slots=True)
class PromptSize:
    """How much of the context a conversation takes, with what is kept free for the answer."""

    prompt_tokens: int
    context_length: int
    left_out: int
    reserved_tokens: int
