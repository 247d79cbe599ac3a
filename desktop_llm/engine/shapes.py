"""What goes into the engine, and what it reports of a model, as plain data; the app imports it from `engine.client`.

What happens meanwhile is in `events`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from desktop_llm.errors import BadRequest
from desktop_llm.message import File, Part, Text, part_from_json, part_to_json, text_of
from desktop_llm.words import tr
from desktop_llm.workers.protocol import path_to_wire

USUAL_CONTEXT_LENGTH = 8_192
USUAL_BATCH_TOKENS = 512
KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
UNQUANTIZED_KV_TYPES = ("f32", "f16", "bf16")
USUAL_KV_TYPE = "f16"
ROPE_SCALINGS = ("none", "linear", "yarn")
# How far a context is extended at most if no factor is given: what Qwen's makers tested YaRN with.
_MOST_EXTENSION = 4
THINKING_TOKENS = {"short": 256, "normal": 1_024, "long": 8_192}
"""The most tokens of thinking at each level; "off" has none."""

ThinkingKind = Literal["none", "always", "switch", "effort"]
"""Whether a model thinks: never, always, as it is told, or always but more or less as it is told."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load a model; None lets the engine choose.

    `gpu_layers`: None takes as many as the GPU's free memory holds. `kv_type_k` and `kv_type_v`: the formats of the KV
    cache's keys and values, each one of KV_TYPES. `batch`: how many tokens of a prompt are processed at once.
    `template`: a Jinja chat template in place of the file's own. `rope_scaling`, one of ROPE_SCALINGS, extends the
    context beyond what the model was trained for, by `rope_factor` (None: as much as the context length needs);
    `rope_base` replaces the file's RoPE base frequency. `cpu_moe_layers`: in this many of the first layers, the experts
    stay in main memory even if the layer is on the GPU. `projector`: the file that lets the model see pictures.
    """

    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    kv_type_k: str | None = None
    kv_type_v: str | None = None
    flash_attention: bool | None = None
    batch: int | None = None
    template: str | None = None
    rope_scaling: str | None = None
    rope_factor: float | None = None
    rope_base: float | None = None
    cpu_moe_layers: int | None = None
    projector: str | None = None

    @classmethod
    def known(cls, values: Mapping[str, Any]) -> LoadSettings:
        """The settings in stored values or from the wire; unknown names and values of the wrong type are ignored.

        Earlier versions stored one `kv_type` for keys and values.
        """
        values = {"kv_type_k": values.get("kv_type"), "kv_type_v": values.get("kv_type"), **values}
        types = {"int": (int,), "str": (str,), "bool": (bool,), "float": (float, int)}
        kinds = {field.name: types[str(field.type).split()[0]] for field in fields(cls)}  # the type before "| None"
        return cls(**{name: values[name] for name, kind in kinds.items() if type(values.get(name)) in kind})

    @property
    def kv_types(self) -> tuple[str, str]:
        """The formats of the KV cache's keys and values."""
        return self.kv_type_k or USUAL_KV_TYPE, self.kv_type_v or USUAL_KV_TYPE

    def or_else(self, defaults: LoadSettings) -> LoadSettings:
        """These settings, and those of `defaults` for every None."""
        return replace(defaults, **{name: value for name, value in asdict(self).items() if value is not None})

    def context_for(self, trained: int) -> int:
        """The context length that a model gets: never more than it was trained for (0: unknown) or extended to."""
        wanted = self.context_length or USUAL_CONTEXT_LENGTH
        return min(wanted, self.longest_context(trained)) if trained else wanted

    def longest_context(self, trained: int) -> int:
        """The longest context length for a model that was trained for `trained` tokens."""
        if self.rope_scaling not in ("linear", "yarn"):
            return trained
        return int(trained * (self.rope_factor or _MOST_EXTENSION))


@dataclass(frozen=True, slots=True)
class Device:
    """A processor or GPU for llama.cpp: `name` is llama.cpp's ("Vulkan0"), `description` is for people."""

    name: str
    description: str
    kind: Literal["cpu", "gpu"]
    backend: str
    total_bytes: int
    free_bytes: int


SAMPLER_ORDER = (
    "penalties",
    "dry",
    "top_n_sigma",
    "top_k",
    "typical_p",
    "top_p",
    "min_p",
    "xtc",
    "temperature",
)  # llama.cpp's own (common/common.h)
BANNED = -100.0  # a logit bias from here down keeps a token out altogether, as in OpenAI's API

# The lowest and highest value of each number in `Sampling`, both included.
SAMPLING_LIMITS: dict[str, tuple[float, float]] = {
    "temperature": (0, 5),
    "dynatemp_range": (0, 5),
    "dynatemp_exponent": (0.01, 10),
    "top_k": (0, 1_000_000),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "typical_p": (0, 1),
    "top_n_sigma": (0, 100),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "repeat_penalty": (0.1, 10),
    "frequency_penalty": (-10, 10),
    "presence_penalty": (-10, 10),
    "penalty_last_n": (-1, 1_000_000),
    "dry_multiplier": (0, 100),
    "dry_base": (1, 10),
    "dry_allowed_length": (1, 1_000),
    "dry_penalty_last_n": (-1, 1_000_000),
    "mirostat": (0, 2),
    "mirostat_tau": (0, 20),
    "mirostat_eta": (0, 1),
    "seed": (-(2**63), 2**63),
    "max_tokens": (1, 2**31 - 1),
    "alternatives": (0, 20),
}
_WHOLE_NUMBERS = {
    "top_k",
    "penalty_last_n",
    "dry_allowed_length",
    "dry_penalty_last_n",
    "mirostat",
    "seed",
    "max_tokens",
    "alternatives",
}
_MAX_TEXTS = 300  # stop strings, sequence breakers, biased words
_MAX_TEXT_CHARACTERS = 1_000
_MAX_GRAMMAR_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn, when an answer ends, and what form it must have.

    Off is: 0 for `top_k`, `top_n_sigma`, `min_p`, `xtc_probability`, `dry_multiplier`, `mirostat`, `dynatemp_range`
    and the frequency and presence penalties; 1 for `top_p`, `typical_p` and `repeat_penalty`. Temperature 0 always
    takes the likeliest token. The penalties look at the last `penalty_last_n` tokens, DRY at `dry_penalty_last_n`; -1
    is the whole context. `logit_bias` adds to the logit of a token id, or of each token of a text. `order` names the
    samplers in the order in which they are applied; one that it leaves out is off. `grammar` (GBNF) or `json_schema`
    (JSON text) binds the answer, but not the thinking before it. Without `max_tokens` the model decides when to end.
    `alternatives` is how many of the likeliest tokens to note at each place, which takes time. `thinking` is off,
    short, normal or long; None leaves it to the model, without a limit.
    """

    temperature: float = 0.7
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = 0.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_last_n: int = 64
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = -1
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    logit_bias: tuple[tuple[str | int, float], ...] = ()
    order: tuple[str, ...] = SAMPLER_ORDER
    stop: tuple[str, ...] = ()
    grammar: str = ""
    json_schema: str = ""
    seed: int | None = None
    max_tokens: int | None = None
    thinking: str | None = None
    alternatives: int = 0

    @classmethod
    def known(cls, values: Mapping[str, Any]) -> Sampling:
        """The sampling in stored values; unknown names, and values that make no sense, are ignored."""
        return cls(**{name: _plain(value) for name, value in values.items() if sampling_problem(name, value) == ""})

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Sampling:
        """The sampling that was asked for, with lists in place of tuples if it comes from the wire; raises BadRequest
        if a value makes no sense.
        """
        for name, value in values.items():
            if problem := sampling_problem(name, value):
                raise BadRequest(problem, tr("Nothing was sent to the model. Change this setting and try again."))
        if values.get("grammar") and values.get("json_schema"):
            raise BadRequest(
                tr("An answer can follow a grammar or a JSON Schema, not both."), tr("Leave one of them out.")
            )
        return cls(**{name: _plain(value) for name, value in values.items()})

    def changed(self, values: Mapping[str, Any]) -> Sampling:
        """This sampling with other values; raises BadRequest if one makes no sense."""
        return self.checked({**asdict(self), **values})


def sampling_problem(name: str, value: Any) -> str:
    """A sentence that says why this can't be the value of a field of `Sampling`, "" if it can."""
    if name in SAMPLING_LIMITS:
        return _number_problem(name, value)
    kinds: dict[str, Callable[[Any], bool]] = {
        "dry_sequence_breakers": _are_texts,
        "stop": _are_texts,
        "order": _is_order,
        "logit_bias": _are_biases,
        "grammar": _is_form,
        "json_schema": _is_form,
        "thinking": _is_level,
    }
    if name not in kinds:
        return tr("There is no setting {name}.", name=name)
    return "" if kinds[name](value) else tr("{name} can't be {value}.", name=name, value=repr(value)[:60])


def _number_problem(name: str, value: Any) -> str:
    low, high = SAMPLING_LIMITS[name]
    if value is None and name in ("seed", "max_tokens"):
        return ""
    if type(value) is int or (type(value) is float and name not in _WHOLE_NUMBERS):
        if low <= value <= high:
            return ""
        return tr("{name} must be from {low:g} to {high:g}, not {value:g}.", name=name, low=low, high=high, value=value)
    kind = tr("a whole number") if name in _WHOLE_NUMBERS else tr("a number")
    return tr("{name} must be {kind}, not {value}.", name=name, kind=kind, value=repr(value)[:60])


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) <= _MAX_TEXTS
        and all(isinstance(text, str) and 0 < len(text) <= _MAX_TEXT_CHARACTERS and "\0" not in text for text in value)
    )


def _is_order(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and all(isinstance(name, str) and name in SAMPLER_ORDER for name in value)
        and len(set(value)) == len(value)
    )


def _are_biases(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= _MAX_TEXTS and all(map(_is_bias, value))


def _is_bias(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    token, bias = value
    known = (type(token) is int and 0 <= token < 2**31) or _are_texts([token])
    return known and type(bias) in (int, float) and -1_000 <= bias <= 1_000


def _is_level(value: Any) -> bool:
    return value is None or value == "off" or (isinstance(value, str) and value in THINKING_TOKENS)


def _is_form(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_GRAMMAR_CHARACTERS and "\0" not in value


def _plain(value: Any) -> Any:
    """Lists, as JSON has them, as tuples."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class AdapterUse:
    """A LoRA adapter for an answer: its GGUF file, which was checked against the loaded model, and how strongly it
    counts; 1 is what its maker meant, 0 is the model without it.
    """

    path: Path
    scale: float

    def to_json(self) -> dict[str, Any]:
        """The adapter on the wire."""
        return {"path": path_to_wire(self.path), "scale": self.scale}


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message for the model; `role` is system, user, assistant or tool."""

    role: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, role: str, text: str) -> ChatMessage:
        """A message of text alone."""
        return cls(role, (Text(text),))

    @property
    def text(self) -> str:
        """The text of the message, without thinking and attachments."""
        return text_of(self.parts)

    def to_json(self) -> dict[str, Any]:
        """The message on the wire. Attached files are not sent: the conversation puts their content into the text."""
        return {"role": self.role, "parts": [part_to_json(part) for part in self.parts if not isinstance(part, File)]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ChatMessage:
        """The message that `to_json` wrote."""
        return cls(data["role"], tuple(part_from_json(part) for part in data["parts"]))


@dataclass(frozen=True, slots=True)
class Beginning:
    """What an answer begins with, before the model goes on: tokens of an earlier answer, and a text behind them."""

    tokens: tuple[int, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model in memory and where it runs, as the engine itself reports it.

    `gpu_layers` were really offloaded: `layers` + 1 if all were, since the output counts as one; they take `gpu_bytes`.
    `memory_bytes` is the most main memory that the worker ever held, mapped parts of the file included. `fallback` says
    why it is not on the GPU and how to change that, "" if nobody expects it there. `own_thinking` is the level that it
    takes without being told: "off" or "normal".
    """

    path: Path
    context_length: int
    device: str
    backend: str
    layers: int
    gpu_layers: int
    gpu_bytes: int
    memory_bytes: int
    load_s: float
    fallback: str = ""
    thinking: ThinkingKind = "none"
    own_thinking: str = "off"
    sees_pictures: bool = False


@dataclass(frozen=True, slots=True)
class PromptSize:
    """The tokens that a conversation takes in the context, and those that stay free for the answer."""

    prompt_tokens: int
    context_length: int
    left_out: int
    reserved_tokens: int


def state_name(slot: str) -> str:
    """The name, without its ending, of the file with what a conversation left in the KV cache (`state_files`)."""
    return hashlib.sha256(slot.encode("utf-8", "surrogatepass")).hexdigest()[:32]
