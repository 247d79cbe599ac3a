"""Whether a claim is its evidence word for word but for one word that stands in the place of another.

Who restates a passage changes several things or only leaves out some; who has mistaken one thing keeps all the others.
So what may pass for a paraphrase in a sentence of its own words is another matter in one that copies.
"""

from __future__ import annotations

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.compared import Compared

_KNOWN_WELL = frozenset(("en", "de"))  # the languages of which the tables have most words that mean the same
_MOST_WORDS = 2  # in one place
_FEWEST_KEPT = 3


def is_one_replaced(compared: Compared) -> bool:
    """Whether all content words of the claim stand in the evidence in the same order, but for those in one place, where
    the evidence has others.
    """
    claim, evidence = compared.claim, compared.evidence
    unspaced = _is_unspaced(claim)
    if claim.language in _KNOWN_WELL and not unspaced:
        return False
    if unspaced and _has_other_number(compared):
        return True
    places = [at for at in claim.content if at not in claim.inherited]
    kept = [at for at in places if at in compared.pairs]
    changed = [at for at in places if at not in compared.pairs]
    partners = [compared.pairs[at] for at in kept]
    if not changed or len(changed) > _MOST_WORDS or len(kept) < _FEWEST_KEPT or partners != sorted(partners):
        return False
    first, last = places.index(changed[0]), places.index(changed[-1])
    if last - first + 1 != len(changed) or all(claim.general_word(at) for at in changed):
        return False
    before = compared.pairs[places[first - 1]] if first else -1
    after = compared.pairs[places[last + 1]] if last + 1 < len(places) else len(evidence.terms)
    there = [
        at
        for at in range(before + 1, after)
        if evidence.terms[at].has_content and at not in evidence.inherited | compared.taken
    ]
    if after == len(evidence.terms):
        there = there[: len(changed)] if there and not _is_cut(compared, before, there[0]) else []
    elif before == -1:
        there = there[-len(changed) :]
    return 0 < len(there) <= _MOST_WORDS and not all(evidence.general_word(at) for at in there)


def _is_unspaced(clause: Clause) -> bool:
    return any(term.kind == "character" for term in clause.terms)


def _has_other_number(compared: Compared) -> bool:
    """Whether a digit of the claim has no partner at the place where the evidence has another one: 三个月, 两个月."""
    claim, evidence = compared.claim, compared.evidence
    for place in compared.pairs:
        behind = next((at for at in claim.content if at > place), -1)
        if claim.terms[place].kind != "figure" or behind not in compared.pairs:
            continue
        ahead = [at for at in range(compared.pairs[behind]) if evidence.terms[at].has_content]
        if ahead and ahead[-1] not in compared.taken and evidence.terms[ahead[-1]].kind == "figure":
            return True
    return False


def _is_cut(compared: Compared, before: int, place: int) -> bool:
    """Whether a new segment of the evidence begins between two places."""
    return compared.evidence.segments[before] != compared.evidence.segments[place]
