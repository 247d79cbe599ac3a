"""Presets: sampling values under a name. What a chat sets itself goes before its preset, then come the values that the
model's makers recommend, then the app's.

A chat stores the name of its preset beside its own values; each model may have a preset for the chats that name none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from desktop_llm.engine.client import Sampling
from desktop_llm.errors import BadRequest, NotFound
from desktop_llm.words import tr

Values = Mapping[str, Any]

BALANCED = "Balanced"
# Balanced is what the makers recommend. Min-p 0.1 keeps a high temperature readable: https://arxiv.org/abs/2407.01082
BUILT_IN: Mapping[str, Values] = {
    "Precise": {"temperature": 0.2, "top_p": 0.9},
    BALANCED: {},
    "Creative": {"temperature": 1.1, "top_k": 0, "top_p": 1.0, "min_p": 0.1, "dry_multiplier": 0.8},
}
KEY = "preset"  # in the sampling that a chat stores
MAX_NAME_CHARACTERS = 60


def find(name: str, own: Mapping[str, Values]) -> str:
    """The preset with this name, in upper or lower case; raises NotFound."""
    known = {each.casefold(): each for each in (*own, *BUILT_IN)}
    if (found := known.get(name.casefold())) is None:
        names = ", ".join([*BUILT_IN, *own])
        raise NotFound(tr("There is no preset {name}.", name=name), tr("There are: {names}.", names=names))
    return found


def in_use(chosen: Values, model_preset: str | None, own: Mapping[str, Values]) -> str:
    """The name of the preset of a chat with these values; one that is gone counts as Balanced."""
    for name in (chosen.get(KEY), model_preset):
        if isinstance(name, str) and (name in BUILT_IN or name in own):
            return name
    return BALANCED


def values_of(name: str, own: Mapping[str, Values]) -> Values:
    """The values of a preset; none if it is gone."""
    return BUILT_IN.get(name) or own.get(name) or {}


def usual(preset: str, own: Mapping[str, Values], makers: Values) -> Sampling:
    """The sampling of a chat that sets nothing itself."""
    return Sampling.known({**makers, **values_of(preset, own)})


def checked_name(name: str, own: Collection[str], *, instead_of: str = "") -> str:
    """The name without spaces around it; raises BadRequest if a preset can't be called so."""
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > MAX_NAME_CHARACTERS:
        raise BadRequest(
            tr("A preset needs a name of 1 to {count} characters.", count=MAX_NAME_CHARACTERS), tr("Type another one.")
        )
    taken = {each.casefold() for each in (*own, *BUILT_IN)} - {instead_of.casefold()}
    if name.casefold() in taken:
        raise BadRequest(tr("There is a preset {name} already.", name=name), tr("Type another name."))
    return name
