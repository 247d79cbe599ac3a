"""Grammars for whole numbers within limits."""

from __future__ import annotations

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
