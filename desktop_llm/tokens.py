"""The tokens of an answer, with what else each of them might have been, and how they are kept with the answer."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """A token that might have come, and how likely it was before the samplers, from 0 to 1."""

    id: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an answer. Its `probability` is None if it was given to the model or was never asked for; `likeliest`
    are the tokens that might have come in its place, the likeliest first, none if they are not known.

    The texts of an answer's tokens together are what the model wrote: a token that is only the beginning of a character
    has none, and the next one has all of it.
    """

    id: int
    text: str = ""
    probability: float | None = None
    likeliest: tuple[Choice, ...] = ()


Rounds = tuple[tuple[Token, ...], ...]
"""All tokens of an answer: a tuple for each time that the model was asked, because it goes on after its tools."""


def have_choices(rounds: Rounds) -> bool:
    """Whether it is known what else the tokens might have been."""
    return any(token.likeliest for tokens in rounds for token in tokens)


def ids_of(tokens: Sequence[Token]) -> tuple[int, ...]:
    """The ids of the tokens."""
    return tuple(token.id for token in tokens)


def rounds_of(
    ids: Sequence[Sequence[int]], alternatives: Sequence[Mapping[str, Any]], beginning: Sequence[Token] = ()
) -> Rounds:
    """The tokens of an answer, as the engine tells them (`Finished`): `ids` of each round, and the alternatives to all
    of them behind the `beginning`, or none.
    """
    told = iter(alternatives)
    known = iter(beginning)
    return tuple(tuple(next(known, None) or _token(id, next(told, None)) for id in each) for each in ids)


def _token(id: int, told: Mapping[str, Any] | None) -> Token:
    if told is None:
        return Token(id)
    likeliest = (Choice(each["id"], each["text"], each["probability"]) for each in told["likeliest"])
    return Token(id, told["text"], told["probability"], tuple(likeliest))


def to_bytes(rounds: Rounds) -> bytes:
    """The tokens for the store: compressed JSON, about 30 bytes for a token with five likeliest ones."""
    rows = [list(map(_row, tokens)) for tokens in rounds]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())


def _row(token: Token) -> Any:
    if not (token.text or token.likeliest):
        return token.id
    likeliest = [[each.id, each.text, each.probability] for each in token.likeliest]
    return [token.id, token.text, token.probability, likeliest]


def from_bytes(data: bytes) -> Rounds:
    """The tokens that `to_bytes` got; none if the data is damaged."""
    try:
        rows = json.loads(zlib.decompress(data))
        return tuple(tuple(map(_stored, tokens)) for tokens in rows)
    except (zlib.error, ValueError, TypeError, RecursionError):
        return ()


def _stored(row: Any) -> Token:
    if isinstance(row, int):
        return Token(row)
    id, text, probability, likeliest = row
    return Token(id, text, probability, tuple(Choice(*each) for each in likeliest))
