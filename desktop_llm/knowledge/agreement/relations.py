"""Whether two clauses differ in direction, in order or cause, or in who does what to whom."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.compared import PARTICIPLE, Compared, follows_preposition
from desktop_llm.knowledge.agreement.grammar import TITLES, word_set
from desktop_llm.knowledge.agreement.lexicon import EXCLUSIVE
from desktop_llm.knowledge.agreement.negation import is_contrast
from desktop_llm.knowledge.agreement.stems import stem

_OPPOSITE_PREPOSITIONS = """
for against / to from / above below / over under / inside outside / before after
für gegen / von nach / aus nach / über unter / pour contre / sur sous / a desde / por contra / за против
"""
_OPPOSITES = frozenset(
    (one, other)
    for pair in re.split(r"[/\n]", _OPPOSITE_PREPOSITIONS.strip())
    for one, other in (pair.split(), pair.split()[::-1])
)
_DIRECTIONS = frozenset(word for pair in _OPPOSITES for word in pair)
_PLACES = word_set(
    "on in at under over behind to into from with auf an in unter über bei zu aus mit sur dans sous avec en con"
)
_CAUSING = word_set("lead leads led cause causes caused causing result results resulted reason führt führte")
_INSTEAD = word_set("instead statt anstatt")
_AGAINST = word_set("against gegen contre contra")
_INSTRUMENTS = word_set("with through mit durch avec con")  # what does it for somebody may be said to do it
_ORIGINS = word_set("from von de desde")
_NEXT = word_set("then afterwards subsequently later danach anschließend puis ensuite luego después poi потом затем")
_BEFORE = _NEXT | word_set(
    """before prior until till by first ahead earlier previously vor bevor vorher bis zuerst avant jusqu
    d'abord antes hasta primero prima fino до перед прежде сначала"""
)
_AFTER = _NEXT | word_set(
    """after following when once since from within upon on as next until before if first nach nachdem sobald seit wenn
    als binnen innerhalb après dès quand lorsque depuis tras cuando desde dopo quando appena после когда через как"""
)
_AMBIGUOUS = word_set("vor nach до by until till bis hasta")  # of place, of an opinion, of a bound or range too
_ERGATIVE = word_set(
    """double halve increase decrease rise fall open close start begin stop end finish change move break burn
    melt freeze cool heat warm improve worsen turn grow shrink expand pass stand run continue resume
    spread fill empty dry boil"""
)
_IS, _IS_NOT = 2, -2  # the sides of "B instead of A"


_ERGATIVE_STEMS = frozenset(stem(word, "en") for word in _ERGATIVE)


def differ_in_direction(compared: Compared) -> bool:
    """Whether the claim goes to where the evidence comes from, or is for what the evidence is against."""
    if any(_is_against(compared, place, other) for place, other in compared.pairs.items()):
        return True
    if any(_is_elsewhere(compared, place, other) for place, other in compared.pairs.items()):
        return True
    if compared.converse or compared.claim.word_set.isdisjoint(_DIRECTIONS):
        return False
    return any(
        (governing(compared.claim, place), governing(compared.evidence, other)) in _OPPOSITES
        for place, other in compared.pairs.items()
        if compared.claim.terms[place].kind != "figure"  # that is a bound
    )


def _is_elsewhere(compared: Compared, place: int, other: int) -> bool:
    """Whether the evidence has another noun behind the preposition that the claim's noun follows, and the claim's noun
    behind another preposition: "on the ceiling, away from the wall".
    """
    evidence = compared.evidence
    here, there = governing(compared.claim, place), governing(evidence, other)
    if other in evidence.inherited or not here or not there or here == there or here not in _PLACES:
        return False
    if compared.claim.verbs[place] or compared.claim.terms[place].kind == "figure":
        return False
    return any(
        at not in compared.taken | evidence.inherited
        and evidence.terms[at].kind in ("word", "name")
        and not evidence.verbs[at]
        and governing(evidence, at) == here
        and evidence.terms[at - 1].kind == "function"
        for at in range(1, len(evidence.terms))
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
        if clause.segments[before] != clause.segments[place] and before not in clause.starts:
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
        or _has_no_such_order(compared)
        or _orders_what_is_inherited(compared)
        or _exchanged(compared, _cause_sides(claim), _cause_sides(evidence))
        or _has_no_cause(compared)
        or _differ_in_comparison(compared)
        or _differ_in_change(compared)
    )


def _exchanged(compared: Compared, claim: Sequence[int], evidence: Sequence[int]) -> bool:
    """Whether the terms of the claim stand on the other sides in the evidence; 0 is no side."""
    if not any(claim) or not any(evidence):
        return False
    inherited = compared.claim.inherited
    sides = [(claim[place], evidence[other]) for place, other in compared.pairs.items() if place not in inherited]
    sides = [(one, other) for one, other in sides if one and other]
    opposite = [one for one, other in sides if one != other]
    return len(set(opposite)) == 2 or len(opposite) > len(sides) - len(opposite)


def _has_no_such_order(compared: Compared) -> bool:
    """Whether the claim puts one thing before or after another that the evidence has in no such order."""
    claim, said = compared.claim, compared.evidence.word_set | {compared.evidence.joint}
    for words, ordering in ((claim.grammar.before, _BEFORE), (claim.grammar.after, _AFTER)):
        telling = words - _AMBIGUOUS
        places = [at for at, word in enumerate(claim.words) if word in telling and claim.terms[at].kind == "function"]
        place = places[0] if places else -1
        if (places or claim.joint in telling) and said.isdisjoint(ordering | words):
            behind = next((at for at in claim.content if at > place), -1)
            if behind >= 0 and claim.terms[behind].kind != "figure":
                return True
    return False


def _orders_what_is_inherited(compared: Compared) -> bool:
    """Whether the claim puts two events in an order of which the evidence is one, and has the other one's words from
    the clause before it.
    """
    claim, evidence = compared.claim, compared.evidence
    if not claim.starts or evidence.starts or claim.word_set.isdisjoint(claim.grammar.before | claim.grammar.after):
        return False
    for start, end in itertools.pairwise([0, *claim.starts, len(claim.terms)]):
        own = [compared.pairs[at] for at in range(start, end) if at in compared.pairs and at not in claim.inherited]
        if own and all(other in evidence.inherited for other in own):
            return True
    return False


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
        place = -1 if clause.joint in words else _place_of(clause, words)
        if place is None or _is_point_in_time(clause, place):
            continue
        return [side * sign for side in _around(clause, place)]
    following = next((at for at, word in enumerate(clause.words) if at and word in _NEXT), 0)
    return _around(clause, following) if following else [0] * len(clause.terms)


def _is_point_in_time(clause: Clause, place: int) -> bool:
    """Whether only a date or weekday stands behind the word: "we pay if they sign before Friday"."""
    behind = next((at for at in clause.content if at > place), -1)
    return (
        bool(clause.starts)
        and behind > place >= 0
        and (clause.terms[behind].kind == "figure" or clause.words[behind] in EXCLUSIVE)
    )


def _place_of(clause: Clause, words: frozenset[str]) -> int | None:
    """The place of the first of these words that puts one thing before another; not "the following year"."""
    if clause.word_set.isdisjoint(words):
        return None
    for place, word in enumerate(clause.words):
        if word in words and not (word == "following" and place and clause.words[place - 1] in clause.grammar.articles):
            return place
    return None


def _cause_sides(clause: Clause) -> list[int]:
    """1 for the cause."""
    because = clause.grammar.because | {"as"}
    if clause.joint in because and clause.words[:2] != ["a", "result"]:
        return _around(clause, -1)
    if not clause.word_set.isdisjoint(because | clause.grammar.therefore | _CAUSING):
        for place, word in enumerate(clause.words):
            term = clause.terms[place]
            if word in because and term.kind == "function" and not _says_when_or_how(clause, place):
                return _around(clause, place)
            if word in clause.grammar.therefore and place and term.kind == "function":
                return [-side for side in _around(clause, place)]
            if word in _CAUSING and place and clause.words[max(0, place - 2) : place] != ["as", "a"]:
                passive = not word_set("by from").isdisjoint(clause.words[place : place + 2])
                return [side if passive else -side for side in _around(clause, place)]
    return [0] * len(clause.terms)


def _says_when_or_how(clause: Clause, place: int) -> bool:
    """Whether "since" or "as" gives no reason: "since 1990", "as director"."""
    following = clause.terms[place + 1] if place + 1 < len(clause.terms) else None
    if clause.words[place] in ("due", "owing"):
        return following is None or following.plain != "to"
    if clause.words[place] == "as":
        if clause.words[place + 1 : place + 3] == ["a", "result"]:
            return True
        return clause.terms[place].end > 0  # one that joins two clauses was put between them
    return clause.words[place] == "since" and following is not None and following.kind == "figure"


def _than_sides(clause: Clause) -> list[int]:
    """-1 for what is more (or less) than what has 1."""
    if not clause.word_set.isdisjoint(clause.grammar.than):
        for place, word in enumerate(clause.words):
            bound = any(term.kind == "figure" for term in clause.terms[place + 1 : place + 4])
            if (
                word in clause.grammar.than
                and place
                and not bound
                and place not in clause.inherited
                and clause.words[place - 1] not in ("rather", "other")
            ):
                return _around(clause, place)
    return [0] * len(clause.terms)


def _change_sides(clause: Clause) -> list[int]:
    """What is the case, and what is not or no longer, in "B instead of A", "A, not B", "unlike B", "from A to B"."""
    words, count = clause.words, len(clause.words)
    for place, word in enumerate(words):
        if place in clause.inherited:
            continue
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
    if _exchange_prepositions(compared):
        return True
    return any(
        _differ_in_roles_of(compared, place, other) or _has_subject_elsewhere(compared, place, other)
        for place, other in compared.pairs.items()
        if compared.claim.verbs[place]
        and compared.evidence.verbs[other]
        and {compared.claim.words[place - 1], compared.evidence.words[other - 1]} != {"to"}
    )


def _differ_in_roles_of(compared: Compared, verb: int, other: int) -> bool:
    passive, evidence_passive = _is_done_to(compared.claim, verb), _is_done_to(compared.evidence, other)
    if compared.evidence.language == "de" and passive != evidence_passive:
        return False  # in German the object may stand before the verb
    claim = _roles(compared.claim, verb, passive=passive)
    evidence = _roles(compared.evidence, other, passive=evidence_passive)
    for at, to in compared.pairs.items():
        if to not in evidence and at in claim:  # the same word may stand beside the verb too, put in for a pronoun
            same = [
                role
                for place, role in evidence.items()
                if compared.evidence.words[place] == compared.evidence.words[to]
            ]
            if same:
                evidence[to] = same[-1]
    roles = [
        (claim[at], evidence[to], compared.claim.terms[at].kind)
        for at, to in compared.pairs.items()
        if at in claim and to in evidence and compared.claim.terms[at].kind != "figure"
    ]
    changed = [one for one, two, _kind in roles if one != two]
    if compared.converse:
        return bool(roles) and not changed and any(one == "agent" for one, _two, _kind in roles)
    if passive == evidence_passive and ("agent", "patient", "name") in roles:
        return True
    if len(set(changed)) == 2 and len(changed) > len(roles) - len(changed):
        return True
    return not passive and not evidence_passive and _has_other_agent(compared, claim, evidence)


def _exchange_prepositions(compared: Compared) -> bool:
    """Whether two names or nouns behind the verb have exchanged what stands before them: "prefers A to B"."""
    claim, evidence = compared.claim, compared.evidence
    changed = {
        (governing(claim, place), governing(evidence, other))
        for place, other in compared.pairs.items()
        if claim.terms[place].kind in ("name", "word")
        and place > claim.verb
        and other > evidence.verb
        and not claim.verbs[place]
        and not evidence.verbs[other]
        and place not in claim.inherited
        and other not in evidence.inherited
    }
    return any(one != two and (two, one) in changed for one, two in changed)


def _is_done_to(clause: Clause, verb: int) -> bool:
    """Whether what stands before a verb is what is done something to: it is passive, or tells no other object of what
    may be its subject too, as "the delay doubles" beside "doubles the delay".
    """
    if _is_passive(clause, verb):
        return True
    following = clause.terms[verb + 1] if verb + 1 < len(clause.terms) else None
    has_object = following is not None and (following.has_content or following.plain in clause.grammar.articles)
    own_subject = any(clause.terms[at].has_content for at in range(verb))
    return own_subject and not has_object and not _ERGATIVE_STEMS.isdisjoint(clause.terms[verb].offers)


def _is_only_owner(compared: Compared, place: int, other: int) -> bool:
    """Whether the claim says of a person what the evidence says of somebody of theirs: "his nephew Thomas"."""
    claim, evidence = compared.claim, compared.evidence
    if not claim.terms[place].capital or place >= claim.verb or claim.words[place].endswith("'s"):
        return False
    if evidence.words[other].endswith("'s") and governing(claim, place) not in ("of", "de", "du", "von", "by"):
        owned = next((at for at in range(other + 1, len(evidence.terms)) if evidence.terms[at].has_content), -1)
        return owned >= 0 and owned not in compared.taken
    if evidence.parts.get(other) != "owner":
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
    if doers and others and all(evidence.get(at) == "patient" for at in doers):
        return True
    named = [at for at in doers if compared.evidence.terms[at].kind == "name" and at not in compared.evidence.inherited]
    return bool(named and others) and others.isdisjoint(compared.taken) and not any(at in evidence for at in named)


def _is_passive(clause: Clause, verb: int) -> bool:
    words = clause.words
    by = verb + 2 < len(words) and words[verb + 1] in clause.grammar.by and clause.terms[verb + 2].kind != "figure"
    if by and (clause.language == "en" or PARTICIPLE.search(words[verb])):
        return True
    behind = words[verb + 1] if verb + 1 < len(words) else ""
    if clause.language == "en" and PARTICIPLE.search(words[verb]) and behind in clause.grammar.prepositions:
        segment = clause.segments[verb]
        if any(
            words[at] == "by" and clause.segments[at] == segment for at in range(verb + 2, min(verb + 6, len(words)))
        ):
            return True  # "translated into English by"
    auxiliary = not clause.grammar.be.isdisjoint(words[max(0, verb - 3) : verb])
    return auxiliary and not words[verb].endswith("ing")


def _is_free(clause: Clause, place: int) -> bool:
    """Whether a term is a noun or name that no preposition governs."""
    return clause.terms[place].kind in ("word", "name") and not follows_preposition(clause, place)


def _goes_on(clause: Clause, place: int) -> bool:
    """Whether a term belongs to the noun behind a verb: it is an article, an adjective or the noun itself."""
    term = clause.terms[place]
    return term.plain in clause.grammar.articles or term.kind in ("word", "name")


def _roles(clause: Clause, verb: int, *, passive: bool) -> dict[int, str]:
    """Which terms do what the verb says ("agent"), and which ones it is done to ("patient")."""
    words = clause.words
    bounds = clause.grammar.subordinating | clause.grammar.because
    first = next((at + 1 for at in range(verb - 1, -1, -1) if words[at] in bounds), 0)
    last = next((at for at in range(verb + 1, len(words)) if words[at] in bounds), len(words))
    first = max([first, *(start for start in clause.starts if start <= verb)])
    last = min([last, *(start for start in clause.starts if start > verb)])
    by = next((at for at in range(verb + 1, len(words)) if words[at] in clause.grammar.by), len(words))
    inverted = clause.language in ("de", "it", "ru") and not any(_is_free(clause, at) for at in range(first, verb))
    end = next((at for at in range(verb + 1, last) if not _goes_on(clause, at)), last) if inverted else verb
    roles: dict[int, str] = {}
    for at in range(first, last):
        given = clause.parts.get(at, "")
        if given in ("owner", "label") or words[at] in TITLES:
            continue
        if given == "patient":
            roles[at] = given
        elif not clause.terms[at].has_content or at == verb or clause.verbs[at] or words[at].endswith("'s"):
            continue
        elif at < verb or at < end:
            roles[at] = "patient" if passive else "agent"
        elif not passive:
            roles[at] = "patient"
        elif at > by:
            roles[at] = "agent"
    return roles
