"""Grammars for numbers within limits."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

MAX_DIGITS = 15  # JSON's readers keep whole numbers exactly up to here


def integers(lowest: int | None, highest: int | None) -> str:
    """An expression in GBNF for all whole numbers from `lowest` to `highest`, both included; None is no limit.

    Numbers have at most 15 digits and no leading zeros.
    """
    limit = 10**MAX_DIGITS - 1
    low = -limit if lowest is None else max(lowest, -limit)
    high = limit if highest is None else min(highest, limit)
    parts = []
    if low < 0:
        parts += [f'"-" {part}' for part in _from_to(max(1, -high), -low)]
    if high >= 0:
        parts += _from_to(max(0, low), high)
    return "(" + " | ".join(parts) + ")"


class Limit(NamedTuple):
    """A limit of numbers, itself included or not."""

    value: Decimal
    included: bool = True


MOST = Decimal(10**9)  # with six digits behind the point, JSON's readers keep what was written
_PLACES = 6


def decimals(lowest: Limit | None, highest: Limit | None, places: int = _PLACES) -> str:
    """An expression in GBNF for all numbers within limits, "" if there are none; None is no limit.

    Numbers are below 1,000,000,000, either way, and have at most `places` digits behind the point, and no exponent.
    """
    low, high = lowest or Limit(-MOST, included=False), highest or Limit(MOST, included=False)
    low, high = max(low, Limit(-MOST, included=False)), min(high, Limit(MOST, included=False))
    zero, parts = Decimal(0), []
    if low.value > high.value:
        return ""
    if low.value < 0:
        nearest = Limit(-high.value, high.included) if high.value < 0 else Limit(zero, included=high.value > 0)
        parts += [f'"-" {part}' for part in _magnitudes(nearest, Limit(-low.value, low.included), places)]
    if high.value >= 0:
        parts += _magnitudes(low if low.value >= 0 else Limit(zero), high, places)
    return f"({' | '.join(parts)})" if parts else ""


def _magnitudes(low: Limit, high: Limit, places: int) -> list[str]:
    """Expressions for the numbers from `low` to `high`, both 0 or more: by their whole part."""
    first, last = int(low.value), int(high.value)
    begin, end = Limit(low.value - first, low.included), Limit(high.value - last, high.included)
    if first == last:
        return [f'"{first}" {rest}'.strip() for rest in _fractions(begin, end, places)]
    found = [f'"{first}" {rest}'.strip() for rest in _fractions(begin, Limit(Decimal(1), included=False), places)]
    if last - first > 1:
        rest = f'("." [0-9]{{1,{places}}})?' if places else ""
        found.append(f"{integers(first + 1, last - 1)} {rest}".strip())
    return found + [f'"{last}" {rest}'.strip() for rest in _fractions(Limit(Decimal(0)), end, places)]


def _fractions(low: Limit, high: Limit, places: int) -> list[str]:
    """Expressions for what follows the whole part, from `low` to `high`, from 0 to 1: for each number of digits."""
    found = []
    if low.value == 0 and low.included and (high.value > 0 or high.included):
        found.append("")
    for digits in range(1, places + 1):
        begin, end = low.value.scaleb(digits), high.value.scaleb(digits)
        first, last = int(begin.to_integral_value(ROUND_CEILING)), int(end.to_integral_value(ROUND_FLOOR))
        first += first == begin and not low.included
        last -= last == end and not high.included
        if first <= last:
            found += [f'"." {part}' for part in _same_length(f"{first:0{digits}}", f"{last:0{digits}}")]
    return found


def _from_to(low: int, high: int) -> list[str]:
    """Expressions for `low` to `high`, both 0 or more: for each number of digits, ranges with a common beginning."""
    found = []
    for digits in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 0 if digits == 1 else 10 ** (digits - 1))
        last = min(high, 10**digits - 1)
        found += _same_length(str(first), str(last))
    return found


def _same_length(low: str, high: str) -> list[str]:
    """Expressions for the numbers from `low` to `high`, which have the same number of digits."""
    if low == high:
        return [f'"{low}"'] if low else [""]
    if set(low) == {"0"} and set(high) == {"9"}:
        return [_any(len(low))]
    if low[0] == high[0]:
        return [f'"{low[0]}" {rest}' for rest in _same_length(low[1:], high[1:])]
    rest = len(low) - 1
    begin, end = int(low[0]), int(high[0])
    found: list[str] = []
    if low[1:].strip("0"):
        found += [f'"{low[0]}" {part}' for part in _same_length(low[1:], "9" * rest)]
        begin += 1
    last: list[str] = []
    if high[1:].strip("9"):
        last = [f'"{high[0]}" {part}' for part in _same_length("0" * rest, high[1:])]
        end -= 1
    if begin <= end:
        found.append(f"[{begin}-{end}] {_any(rest)}".strip())
    return found + last


def _any(digits: int) -> str:
    return f"[0-9]{{{digits}}}" if digits else ""
