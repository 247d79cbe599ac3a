"""Options of the command line: the kinds of numbers, and the group of options for sampling."""

from __future__ import annotations

import argparse
import contextlib
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from desktop_llm.engine.shapes import THINKING_TOKENS
from desktop_llm.knowledge.shapes import Only
from desktop_llm.words import tr


def positive(text: str) -> int:
    """A whole number of at least 1, as a type of argparse."""
    if not text.isdecimal() or (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(tr("must be a whole number, at least 1"))
    return number


def add_no_update(sub: ArgumentParser) -> None:
    """Add the option that leaves a collection as it was read."""
    text = "search what was read before, without looking for changed files first"
    sub.add_argument("--no-update", action="store_true", help=text)


def add_filters(sub: ArgumentParser) -> None:
    """Add the options that limit a search to some documents."""
    group = sub.add_argument_group("what is searched")
    group.add_argument("--file", metavar="NAME", default="", help='only files of this name, or pattern: "lease-*.pdf"')
    group.add_argument("--folder", metavar="NAME", default="", help="only files in this folder, or below it")
    group.add_argument(
        "--type",
        metavar="TYPE",
        default="",
        help="only files of this type: pdf, docx, …, or spreadsheets, presentations, letters, mails, pictures, notes",
    )
    dates = "2023, 2023-05 or 2023-05-17"
    group.add_argument("--since", type=_date, metavar="DATE", help=f"only files changed on this day or later: {dates}")
    group.add_argument("--before", type=_date, metavar="DATE", help="only files changed before this day")


def filters(options: Namespace) -> Only | None:
    """What the options limit a search to; None if they don't."""
    names = ("file", "folder", "type")
    told = [f"--{name} {getattr(options, name)}" for name in names if getattr(options, name)]
    told += [f"--{name} {day:%Y-%m-%d}" for name in ("since", "before") if (day := getattr(options, name))]
    since, before = (day and day.timestamp() for day in (options.since, options.before))
    kind = options.type.lower().lstrip("*.")
    return Only(options.file, options.folder, kind, since, before, ", ".join(told)) if told else None


def _date(text: str) -> datetime:
    """The beginning of a year, month or day, here, as a type of argparse."""
    for form in ("%Y", "%Y-%m", "%Y-%m-%d"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form).astimezone()
    raise argparse.ArgumentTypeError(tr("must be a date like 2023, 2023-05 or 2023-05-17"))


def within(low: float, high: float) -> Callable[[str], float]:
    """Numbers from `low` to `high`, as a type of argparse."""

    def number(text: str) -> float:
        with contextlib.suppress(ValueError):
            if low <= (value := float(text)) <= high:
                return value
        raise argparse.ArgumentTypeError(tr("must be a number from {low:g} to {high:g}", low=low, high=high))

    return number


def add_sampling_options(sub: ArgumentParser) -> None:
    """Add the options that say how words are chosen and what form the answer has, in groups."""
    words = sub.add_argument_group(
        "which words may come", "without these: the preset, then what the model's makers recommend"
    )
    words.add_argument("--preset", metavar="NAME", help="Precise, Balanced, Creative, or one of your own")
    words.add_argument(
        "--temperature", type=within(0, 5), metavar="T", help="how daring; 0 always takes the likeliest word"
    )
    words.add_argument("--top-k", type=int, metavar="N", help="only the N likeliest; 0 is off")
    words.add_argument(
        "--top-p", type=within(0, 1), metavar="P", help="only the likeliest that reach this share; 1 is off"
    )
    words.add_argument("--min-p", type=within(0, 1), metavar="P", help="at least this share of the likeliest; 0 is off")
    words.add_argument("--typical", type=within(0, 1), metavar="P", dest="typical_p", help="locally typical; 1 is off")
    words.add_argument(
        "--top-n-sigma", type=within(0, 100), metavar="N", help="within N deviations of the best; 0 is off"
    )
    words.add_argument("--xtc", metavar="CHANCE[:THRESHOLD]", help="drop the obvious words, as 0.5:0.1")
    words.add_argument(
        "--mirostat", type=int, choices=(0, 1, 2), help="keeps the surprise even, in place of the others"
    )
    words.add_argument(
        "--logit-bias",
        action="append",
        default=[],
        metavar="WORD=BIAS",
        help="make a word likelier or, with -100, impossible; #N is the token N; may be repeated",
    )
    words.add_argument("--samplers", metavar="LIST", help="their order, as top_k,min_p,temperature; others are off")
    words.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other value, as dry_base=1.5, penalty_last_n=-1, mirostat_tau=4; may be repeated",
    )
    again = sub.add_argument_group("against repeating")
    again.add_argument(
        "--dry", type=within(0, 100), metavar="MULT", help="against repeated phrases, usually 0.8; 0 is off"
    )
    again.add_argument("--repeat-penalty", type=within(0.1, 10), metavar="X", help="1 is off")
    again.add_argument("--frequency-penalty", type=within(-10, 10), metavar="X", help="0 is off")
    again.add_argument("--presence-penalty", type=within(-10, 10), metavar="X", help="0 is off")
    form = sub.add_argument_group("length and form")
    form.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same answer")
    form.add_argument(
        "--thinking",
        choices=("off", *THINKING_TOKENS),
        help="how long it may think first (as the model likes): up to 256, 1,024 or 8,192 tokens",
    )
    form.add_argument("--max-tokens", type=positive, metavar="N", help="the longest answer")
    form.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before it; may be repeated")
    form.add_argument(
        "--alternatives", type=int, metavar="N", help="with --json: the N likeliest tokens at each place, at most 20"
    )
    form.add_argument("--grammar", type=Path, metavar="FILE", help="the answer follows this grammar (GBNF)")
    form.add_argument("--json-schema", type=Path, metavar="FILE", help="the answer is JSON that fits this schema")
