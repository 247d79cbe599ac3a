"""Every setting of a chat that is a number: its name, a plain word for it, and when it does nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from desktop_llm.engine.client import Sampling
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the panel: `name` ends its object name, `field` is the one of Sampling; `low` and `high` are the ends of
    the slider. `shown` are words for single values, such as off. `terms` are found by a search beside title and plain.
    """

    name: str
    field: str
    title: str
    plain: str
    low: float
    high: float
    step: float = 0.01
    decimals: int = 2
    shown: Mapping[float, str] = dataclasses.field(default_factory=dict)
    terms: str = ""


def choosing() -> tuple[Setting, ...]:
    """The samplers."""
    off, one_is_off = {0.0: tr("off")}, {1.0: tr("off")}
    return (
        Setting("temperature", "temperature", tr("Temperature"), tr("how daring"), 0, 2, 0.05, terms="creativity risk"),
        Setting("top_p", "top_p", tr("Top-p"), tr("the likely share"), 0.05, 1, shown=one_is_off, terms="nucleus"),
        Setting("top_k", "top_k", tr("Top-k"), tr("the k likeliest"), 0, 200, 1, 0, shown=off),
        Setting("min_p", "min_p", tr("Min-p"), tr("least against best"), 0, 1, shown=off),
        Setting("top_n_sigma", "top_n_sigma", tr("Top-n-sigma"), tr("near the best"), 0, 5, 0.1, shown=off),
        Setting("typical", "typical_p", tr("Typical"), tr("neither dull nor odd"), 0.05, 1, shown=one_is_off),
        Setting(
            "xtc_chance",
            "xtc_probability",
            tr("XTC chance"),
            tr("drop the obvious word"),
            0,
            1,
            shown=off,
            terms="exclude top choices probability",
        ),
        Setting("xtc_threshold", "xtc_threshold", tr("XTC threshold"), tr("from this likelihood"), 0, 0.5),
        Setting(
            "dynamic_temperature",
            "dynatemp_range",
            tr("Dynamic range"),
            tr("more or less daring"),
            0,
            2,
            0.05,
            shown=off,
            terms="dynamic temperature entropy dynatemp",
        ),
        Setting(
            "mirostat",
            "mirostat",
            tr("Mirostat"),
            tr("even surprise, 1 or 2"),
            0,
            2,
            1,
            0,
            shown=off,
            terms="perplexity",
        ),
        Setting("mirostat_tau", "mirostat_tau", tr("Mirostat tau"), tr("how surprising"), 0, 10, 0.1, terms="entropy"),
        Setting("mirostat_eta", "mirostat_eta", tr("Mirostat eta"), tr("how fast it adapts"), 0, 1),
    )


def repeating() -> tuple[Setting, ...]:
    """What is held against repetitions."""
    off, window = {0.0: tr("off")}, {0.0: tr("off"), -1.0: tr("all")}
    return (
        Setting(
            "dry_strength",
            "dry_multiplier",
            tr("DRY strength"),
            tr("repeated phrases"),
            0,
            2,
            0.05,
            shown=off,
            terms="multiplier loop",
        ),
        Setting("dry_length", "dry_allowed_length", tr("DRY length"), tr("free up to, tokens"), 1, 20, 1, 0),
        Setting("dry_base", "dry_base", tr("DRY base"), tr("how fast it grows"), 1, 4, 0.05),
        Setting("dry_window", "dry_penalty_last_n", tr("DRY window"), tr("last tokens"), -1, 8192, 1, 0, shown=window),
        Setting(
            "repeat_penalty",
            "repeat_penalty",
            tr("Repeat penalty"),
            tr("said before"),
            0.8,
            2,
            shown={1.0: tr("off")},
            terms="repetition",
        ),
        Setting("presence_penalty", "presence_penalty", tr("Presence penalty"), tr("said at all"), -2, 2, shown=off),
        Setting("frequency_penalty", "frequency_penalty", tr("Frequency penalty"), tr("said often"), -2, 2, shown=off),
        Setting(
            "penalty_window",
            "penalty_last_n",
            tr("Penalty window"),
            tr("last tokens"),
            -1,
            2048,
            1,
            0,
            shown=window,
            terms="repeat last n",
        ),
    )


_CHOOSING = ("top_p", "top_k", "min_p", "top_n_sigma", "typical_p", "xtc_probability", "xtc_threshold")


def idle(values: Sampling) -> dict[str, str]:
    """The fields that change nothing with these values, and why."""
    found: dict[str, str] = {}
    if not values.xtc_probability:
        found["xtc_threshold"] = tr("XTC chance is off")
    if not values.mirostat:
        found |= dict.fromkeys(("mirostat_tau", "mirostat_eta"), tr("Mirostat is off"))
    else:
        found |= dict.fromkeys((*_CHOOSING, "dry_multiplier"), tr("Mirostat is on"))
        found |= dict.fromkeys(("repeat_penalty", "presence_penalty", "frequency_penalty"), tr("Mirostat is on"))
    if not values.dry_multiplier or values.mirostat:
        found |= dict.fromkeys(("dry_allowed_length", "dry_base", "dry_penalty_last_n"), tr("DRY is off"))
    if (values.repeat_penalty, values.presence_penalty, values.frequency_penalty) == (1, 0, 0) or values.mirostat:
        found["penalty_last_n"] = tr("No penalty is on")
    if values.temperature <= 0:
        still = (*_CHOOSING, "dynatemp_range", "mirostat", "mirostat_tau", "mirostat_eta")
        found = {name: reason for name, reason in found.items() if reason != tr("Mirostat is on")}
        found |= dict.fromkeys(still, tr("Temperature is 0"))
    return found
