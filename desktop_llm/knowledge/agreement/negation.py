"""What the negations of a clause hold for: all of it, one phrase, one segment, or a bound such as "no more than"."""

from __future__ import annotations

import itertools
from collections.abc import Collection

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.grammar import word_set

_DOUBLED = frozenset(("fr", "es", "it", "ru"))  # in these languages a second word of negation strengthens the first one
_PHRASE = 6  # terms that "without" and the like reach over at most
_CONTRAST = 4  # terms of "not the guns" at most
_COMPARING = word_set("more less fewer mehr weniger plus moins")
_DENYING = word_set("no not never nicht pas не don't can't cannot")
_COSTS = word_set("cost costs charge fee extra")


def negations(clause: Clause, counted: Collection[int]) -> int:
    """How many negations hold for the terms at `counted`: "without" reaches to the end of its phrase, and one in a
    segment beside the main clause holds for that segment only.
    """
    main = scoped = 0
    for place in clause.negative:
        if not _negates(clause, place):
            continue
        if clause.words[place] in clause.grammar.scoped:
            scoped += any(other in counted for other in _phrase(clause, place))
        elif _is_aside(clause, place):
            segment = clause.segments[place]
            scoped += any(clause.segments[other] == segment and other not in clause.inherited for other in counted)
        else:
            main += 1
    return (min(main, 1) if clause.language in _DOUBLED else main) + scoped


def is_contrast(clause: Clause, place: int) -> bool:
    """Whether "not" only sets one thing against another: "hunger, not the guns, …"."""
    segment = clause.segments[place]
    inside = [other for other, number in enumerate(clause.segments) if number == segment]
    return (
        inside[0] == place
        and len(inside) <= _CONTRAST
        and clause.segments[0] != segment
        and not any(clause.words[other] in clause.grammar.auxiliaries for other in inside)
    )


def is_bound(clause: Clause, place: int) -> bool:
    """Whether a negation belongs to a bound: "no more than", "not later than", "not take more than"."""
    if clause.words[place] not in _DENYING:
        return False
    following = clause.words[place + 1 : place + 5]
    if following and following[0].startswith("exceed"):
        return True
    return any(
        then in ("than", "als", "de") and (word in _COMPARING or word.endswith("er"))
        for word, then in itertools.pairwise(following)
    )


def _negates(clause: Clause, place: int) -> bool:
    plain = clause.words[place]
    if plain in ("instead", "nor", "noch"):
        return False
    following = clause.words[place + 1] if place + 1 < len(clause.words) else ""
    if plain in ("no", "not", "nicht", "non") and is_contrast(clause, place):
        return False
    free = following in _COSTS and plain in ("no", "without")  # "at no cost"
    return not (following == "only" or free or is_bound(clause, place))


def _phrase(clause: Clause, place: int) -> list[int]:
    """The content terms behind a word like "without", as far as its phrase reaches."""
    found: list[int] = []
    for other in range(place + 1, min(place + _PHRASE, len(clause.terms))):
        if clause.segments[other] != clause.segments[place] or clause.words[other] in clause.grammar.auxiliaries:
            break
        if clause.terms[other].has_content:
            found.append(other)
    return found


def _is_aside(clause: Clause, place: int) -> bool:
    """Whether a negation stands in a segment beside the main clause: "who was not hurt", "but not the connection"."""
    segment = clause.segments[place]
    if segment == clause.segments[0] and clause.segments[-1] == segment:
        return False
    if clause.joints.get(segment, "") in clause.grammar.relative:
        return True
    inside = [at for at, number in enumerate(clause.segments) if number == segment]
    return segment != clause.segments[0] and not any(clause.verbs[at] for at in inside)
