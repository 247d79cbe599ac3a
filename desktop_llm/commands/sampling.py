"""Makes the sampling of an answer from the options of `chat`."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from desktop_llm import settings
from desktop_llm.commands.terminal import read_text
from desktop_llm.conversation import presets
from desktop_llm.engine.client import Sampling
from desktop_llm.errors import BadRequest
from desktop_llm.models.fit.catalog import makers_sampling
from desktop_llm.models.library import Model
from desktop_llm.paths import Folders
from desktop_llm.words import tr

_VALUES = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "top_n_sigma",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
    "mirostat",
    "seed",
    "max_tokens",
    "thinking",
    "alternatives",
)


def sampling_of(options: Namespace, model: Model, home: Folders) -> Sampling:
    """The sampling from the options, otherwise from the preset, otherwise as the model's makers recommend it, otherwise
    the app's. Raises BadRequest or NotFound with a sentence if an option makes no sense.
    """
    stored = settings.load(home.settings)[0]
    name = presets.in_use({}, stored.model_presets.get(model.id), stored.presets)
    if options.preset is not None:
        name = presets.find(options.preset, stored.presets)
    usual = presets.usual(name, stored.presets, makers_sampling(model, home.data))
    return usual.changed(_stated(options))


def _stated(options: Namespace) -> dict[str, Any]:
    stated = {name: value for name in _VALUES if (value := getattr(options, name)) is not None}
    for text in options.set:
        name, value = _pair(text, "--set")
        stated[name.strip().replace("-", "_")] = _json(value)
    if options.xtc is not None:
        chance, _, threshold = options.xtc.partition(":")
        stated |= {"xtc_probability": _number(chance, "--xtc")}
        stated |= {"xtc_threshold": _number(threshold, "--xtc")} if threshold else {}
    if options.dry is not None:
        stated["dry_multiplier"] = options.dry
    if options.samplers is not None:
        stated["order"] = [name.strip().replace("-", "_") for name in options.samplers.split(",") if name.strip()]
    if options.stop:
        stated["stop"] = options.stop
    if options.logit_bias:
        stated["logit_bias"] = [_bias(text) for text in options.logit_bias]
    for name in ("grammar", "json_schema"):
        if (path := getattr(options, name)) is not None:
            stated[name] = read_text(path)
    return stated


def _bias(text: str) -> tuple[str | int, float]:
    word, value = _pair(text, "--logit-bias")
    bias = _number(value, "--logit-bias")
    return (int(word[1:]) if word[:1] == "#" and word[1:].isdecimal() else word), bias


def _pair(text: str, option: str) -> tuple[str, str]:
    """The parts before and after the last equals sign; raises BadRequest."""
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise _wrong(text, option)
    return name, value


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _wrong(text, option) from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _wrong(text: str, option: str) -> BadRequest:
    return BadRequest(
        tr("{option} can't be {text}.", option=option, text=text),
        tr("`{command}` shows how it is written.", command="desktop-llm chat --help"),
    )
