"""Whether two clauses differ in direction, in order or cause, or in who does what to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.grammar import word_set
from desktop_llm.knowledge.agreement.negation import is_contrast

_OPPOSITE_PREPOSITIONS = """
for against / to from / above below / over under / inside outside / before after
für gegen / von nach / aus nach / über unter / pour contre / sur sous / a desde / por contra
"""
_OPPOSITES = frozenset(
    (one, other)
    for pair in re.split(r"[/\n]", _OPPOSITE_PREPOSITIONS.strip())
    for one, other in (pair.split(), pair.split()[::-1])
)
_DIRECTIONS = frozenset(word for pair in _OPPOSITES for word in pair)
_CAUSING = word_set("lead leads led cause causes caused causing result results resulted reason führt führte")
_INSTEAD = word_set("instead statt anstatt")
_AGAINST = word_set("against gegen contre contra")
_INSTRUMENTS = word_set("with through mit durch avec con")  # what does it for somebody may be said to do it
_ORIGINS = word_set("from von de desde")
_IS, _IS_NOT = 2, -2  # the sides of "B instead of A"


def differ_in_direction(compared: Compared) -> bool:
    """Whether the claim goes to where the evidence comes from, or is for what the evidence is against."""
    if any(_is_against(compared, place, other) for place, other in compared.pairs.items()):
        return True
    if compared.converse or compared.claim.word_set.isdisjoint(_DIRECTIONS):
        return False
    return any(
        (governing(compared.claim, place), governing(compared.evidence, other)) in _OPPOSITES
        for place, other in compared.pairs.items()
        if compared.claim.terms[place].kind != "figure"  # that is a bound
    )


def _is_against(compared: Compared, place: int, other: int) -> bool:
    """Whether the evidence is against what the claim says nothing like that of."""
    against = governing(compared.evidence, other)
    if against not in _AGAINST or governing(compared.claim, place) == against:
        return False
    position = max(at for at in range(other) if compared.evidence.words[at] == against)
    return position not in compared.taken


def governing(clause: Clause, place: int) -> str:
    """The preposition that a term follows, with nothing but an article and its own adjective or name between them."""
    for before in range(place - 1, max(place - 4, -1), -1):
        term = clause.terms[before]
        if clause.segments[before] != clause.segments[place]:
            return ""
        if term.plain in clause.grammar.prepositions or term.plain in _DIRECTIONS:
            return term.plain
        adjective = term.kind == "word" and before == place - 1
        if not (adjective or term.kind in ("name", "figure") or term.plain in clause.grammar.articles):
            return ""
    return clause.joint if clause.joint in _DIRECTIONS and place < 4 else ""


# --- order and cause --------------------------------------------------------------------------------------------------


def differ_in_order(compared: Compared) -> bool:
    """Whether what comes first, what is the cause, what is more or what is the case has changed sides."""
    claim, evidence = compared.claim, compared.evidence
    return (
        _exchanged(compared, _time_sides(claim), _time_sides(evidence))
        or _exchanged(compared, _cause_sides(claim), _cause_sides(evidence))
        or _has_no_cause(compared)
        or _differ_in_comparison(compared)
        or _differ_in_change(compared)
    )


def _exchanged(compared: Compared, claim: Sequence[int], evidence: Sequence[int]) -> bool:
    """Whether the terms of the claim stand on the other sides in the evidence; 0 is no side."""
    if not any(claim) or not any(evidence):
        return False
    sides = [(claim[place], evidence[other]) for place, other in compared.pairs.items()]
    sides = [(one, other) for one, other in sides if one and other]
    opposite = [one for one, other in sides if one != other]
    return len(set(opposite)) == 2 or len(opposite) > len(sides) - len(opposite)


def _has_no_cause(compared: Compared) -> bool:
    """Whether the claim gives a reason, and the evidence one of the two only, with what it inherits."""
    if not any(_cause_sides(compared.claim)) or any(_cause_sides(compared.evidence)):
        return False
    return any(other in compared.evidence.inherited for other in compared.taken)


def _differ_in_comparison(compared: Compared) -> bool:
    claim, evidence = _than_sides(compared.claim), _than_sides(compared.evidence)
    if any(claim) and not any(evidence):
        return True  # what the evidence does not compare
    return _exchanged(compared, claim, evidence) and len(compared.opposite) % 2 == 0


def _differ_in_change(compared: Compared) -> bool:
    claim, evidence = _change_sides(compared.claim), _change_sides(compared.evidence)
    if any(evidence) and not any(claim):
        return _takes_what_is_not(compared, evidence)
    sides = [(claim[place], evidence[other]) for place, other in compared.pairs.items()]
    excluded = [(one, other) for one, other in sides if one and other and _IS_NOT in (one, other)]
    opposite = sum(one != other for one, other in excluded)
    return opposite > len(excluded) - opposite


def _takes_what_is_not(compared: Compared, evidence: Sequence[int]) -> bool:
    """Whether the claim says of something what the evidence says of another thing instead."""
    if not compared.claim.word_set.isdisjoint(_ORIGINS) or compared.claim.negative:
        return False
    subject = [compared.pairs[place] for place in range(max(compared.claim.verb, 0)) if place in compared.pairs]
    if subject and all(evidence[other] == _IS_NOT for other in subject):
        return True
    chosen = [other for other in compared.taken if evidence[other] == _IS]
    return any(evidence[other] == _IS_NOT for other in compared.taken) and not any(
        compared.evidence.terms[other].kind in ("figure", "name") for other in chosen
    )


def _around(clause: Clause, place: int) -> list[int]:
    """-1 for what stands before a word, 1 for what stands behind it; if the clause begins with the word (`place` below
    1), what it belongs to ends at the first mark.
    """
    if place > 0:
        return [-1 if at < place else 1 for at in range(len(clause.terms))]
    if not clause.segments or clause.segments[-1] == clause.segments[0]:
        return [0] * len(clause.terms)
    return [1 if number == clause.segments[0] else -1 for number in clause.segments]


def _time_sides(clause: Clause) -> list[int]:
    """1 for what comes later."""
    for words, sign in ((clause.grammar.before, 1), (clause.grammar.after, -1)):
        if clause.joint not in words and clause.word_set.isdisjoint(words):
            continue
        place = -1 if clause.joint in words else next(at for at, word in enumerate(clause.words) if word in words)
        return [side * sign for side in _around(clause, place)]
    return [0] * len(clause.terms)


def _cause_sides(clause: Clause) -> list[int]:
    """1 for the cause."""
    because = clause.grammar.because | {"as"}
    if clause.joint in because:
        return _around(clause, -1)
    if not clause.word_set.isdisjoint(because | clause.grammar.therefore | _CAUSING):
        for place, word in enumerate(clause.words):
            term = clause.terms[place]
            if word in because and term.kind == "function" and not _says_when_or_how(clause, place):
                return _around(clause, place)
            if word in clause.grammar.therefore and place and term.kind == "function":
                return [-side for side in _around(clause, place)]
            if word in _CAUSING and place:
                passive = not word_set("by from").isdisjoint(clause.words[place : place + 2])
                return [side if passive else -side for side in _around(clause, place)]
    return [0] * len(clause.terms)


def _says_when_or_how(clause: Clause, place: int) -> bool:
    """Whether "since" or "as" gives no reason: "since 1990", "as director"."""
    following = clause.terms[place + 1] if place + 1 < len(clause.terms) else None
    if clause.words[place] in ("due", "owing"):
        return following is None or following.plain != "to"
    if clause.words[place] == "as":
        return clause.terms[place].end > 0  # one that joins two clauses was put between them
    return clause.words[place] == "since" and following is not None and following.kind == "figure"


def _than_sides(clause: Clause) -> list[int]:
    """-1 for what is more (or less) than what has 1."""
    if not clause.word_set.isdisjoint(clause.grammar.than):
        for place, word in enumerate(clause.words):
            bound = any(term.kind == "figure" for term in clause.terms[place + 1 : place + 4])
            if word in clause.grammar.than and place and not bound and clause.words[place - 1] != "rather":
                return _around(clause, place)
    return [0] * len(clause.terms)


def _change_sides(clause: Clause) -> list[int]:
    """What is the case, and what is not or no longer, in "B instead of A", "A, not B", "unlike B", "from A to B"."""
    words, count = clause.words, len(clause.words)
    for place, word in enumerate(words):
        if place and (word in _INSTEAD or words[place : place + 2] == ["rather", "than"]):
            return [_IS if at < place else _IS_NOT for at in range(count)]
        if word == "unlike" or (word == "not" and is_contrast(clause, place)):
            segment = clause.segments[place]
            return [_IS_NOT if number == segment else _IS for number in clause.segments]
    if "from" in clause.word_set and "to" in words[words.index("from") :]:
        start = words.index("from")
        middle = words.index("to", start)
        return [_IS_NOT if start < at < middle else _IS if at > middle else 0 for at in range(count)]
    return [0] * count


# --- roles ------------------------------------------------------------------------------------------------------------


def differ_in_roles(compared: Compared) -> bool:
    """Whether who does something and whom it is done to have changed places."""
    if any(_is_only_owner(compared, place, other) for place, other in compared.pairs.items()):
        return True
    return any(
        _differ_in_roles_of(compared, place, other) or _has_subject_elsewhere(compared, place, other)
        for place, other in compared.pairs.items()
        if compared.claim.verbs[place] and compared.evidence.verbs[other]
    )


def _differ_in_roles_of(compared: Compared, verb: int, other: int) -> bool:
    passive, evidence_passive = _is_passive(compared.claim, verb), _is_passive(compared.evidence, other)
    if compared.evidence.language == "de" and passive != evidence_passive:
        return False  # in German the object may stand before the verb
    claim = _roles(compared.claim, verb, passive=passive)
    evidence = _roles(compared.evidence, other, passive=evidence_passive)
    roles = [
        (claim[at], evidence[to], compared.claim.terms[at].kind)
        for at, to in compared.pairs.items()
        if at in claim and to in evidence and compared.claim.terms[at].kind != "figure"
    ]
    changed = [one for one, two, _kind in roles if one != two]
    if compared.converse:
        return len(roles) - len(changed) >= 2 and not changed
    if passive == evidence_passive and ("agent", "patient", "name") in roles:
        return True
    if len(set(changed)) == 2 and len(changed) > len(roles) - len(changed):
        return True
    return not passive and not evidence_passive and _has_other_agent(compared, claim, evidence)


def _is_only_owner(compared: Compared, place: int, other: int) -> bool:
    """Whether the claim says of a person what the evidence says of somebody of theirs: "his nephew Thomas"."""
    claim = compared.claim
    if compared.evidence.parts.get(other) != "owner" or claim.terms[place].kind != "name":
        return False
    run = [word for word, term in zip(claim.words[place:], claim.terms[place:], strict=True) if term.kind == "name"][:3]
    owns = any(word.endswith("'s") for word in run) or governing(claim, place) in ("of", "de", "du", "von")
    return not owns and place < claim.verb and compared.has_free_name()


def _has_subject_elsewhere(compared: Compared, verb: int, other: int) -> bool:
    """Whether the claim's subject stands in another item behind the verb, which has a subject of its own."""
    evidence = compared.evidence
    segment = evidence.segments[other]
    subject = [compared.pairs[at] for at in range(verb) if at in compared.pairs]
    own = [at for at in range(other) if evidence.segments[at] == segment and evidence.terms[at].has_content]
    return (
        bool(subject and own)
        and all(at > other and evidence.segments[at] != segment for at in subject)
        and compared.taken.isdisjoint(own)
        and not _is_passive(evidence, other)
        and not _is_passive(compared.claim, verb)
    )


def _has_other_agent(compared: Compared, claim: dict[int, str], evidence: dict[int, str]) -> bool:
    """Whether all that the claim says does something is what it is done to, and somebody else does it."""
    doers = [compared.pairs[at] for at, role in claim.items() if role == "agent" and at in compared.pairs]
    if any(governing(compared.evidence, at) in _INSTRUMENTS for at in doers):
        return False
    others = {at for at, role in evidence.items() if role == "agent" and compared.evidence.terms[at].kind != "figure"}
    return bool(doers and others) and all(evidence.get(at) == "patient" for at in doers)


def _is_passive(clause: Clause, verb: int) -> bool:
    words = clause.words
    if verb + 2 < len(words) and words[verb + 1] in clause.grammar.by and clause.terms[verb + 2].kind != "figure":
        return True
    auxiliary = not clause.grammar.be.isdisjoint(words[max(0, verb - 3) : verb])
    return auxiliary and not words[verb].endswith("ing")


def _roles(clause: Clause, verb: int, *, passive: bool) -> dict[int, str]:
    """Which terms do what the verb says ("agent"), and which ones it is done to ("patient")."""
    words = clause.words
    bounds = clause.grammar.subordinating | clause.grammar.because
    first = next((at + 1 for at in range(verb - 1, -1, -1) if words[at] in bounds), 0)
    last = next((at for at in range(verb + 1, len(words)) if words[at] in bounds), len(words))
    by = next((at for at in range(verb + 1, len(words)) if words[at] in clause.grammar.by), len(words))
    roles: dict[int, str] = {}
    for at in range(first, last):
        given = clause.parts.get(at, "")
        if given in ("owner", "label"):
            continue
        if given == "patient":
            roles[at] = given
        elif not clause.terms[at].has_content or at == verb or clause.verbs[at] or words[at].endswith("'s"):
            continue
        elif at < verb:
            roles[at] = "patient" if passive else "agent"
        elif not passive:
            roles[at] = "patient"
        elif at > by:
            roles[at] = "agent"
    return roles
