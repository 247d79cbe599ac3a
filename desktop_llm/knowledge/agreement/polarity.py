"""Whether two clauses differ in negation, in duty or in time."""

from __future__ import annotations

import re

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.grammar import word_set
from desktop_llm.knowledge.agreement.negation import is_bound
from desktop_llm.knowledge.agreement.stems import keys_of
from desktop_llm.knowledge.agreement.terms import Term

_FORBIDDEN = next(key for key in keys_of("forbid", "en") if key.startswith("~"))
_HAVE_TO = re.compile(r"\b(?:has|have|had) to\b")
_MAYBE = word_set("may might could possibly perhaps")
_DOUBTFUL = word_set(
    """probably likely possibly perhaps maybe presumably apparently allegedly reportedly supposedly wahrscheinlich
    vermutlich vielleicht möglicherweise angeblich wohl probablement peut-être apparemment probablemente quizás
    quizá posiblemente probabilmente forse возможно вероятно наверное"""
)
_BELIEVING = word_set(
    """believe believes believed think thinks thought suspect suspects suspected assume assumes assumed suppose supposes
    fear fears feared speculate speculates speculated alleges alleged glaubt glauben glaubte vermutet vermuten vermutete
    croit croient croyait pense pensent cree creen creía piensa piensan crede credono pensa pensano считает считают
    полагает полагают"""
)
_AGREED = word_set("agreed decided voted promised resolved")
_PLANNED = word_set("planned scheduled expected intended proposed")
_PLANS = word_set("plan plans intends wants hopes")
_PLANS_TO = re.compile(r"\b(?:plan|want|hope|aim|wish)s? to\b|\bgoing to\b")
_PAST_FORMS = word_set(
    """began broke brought built bought chose came drew drove ate fell felt fought found flew gave grew held kept knew
    led left lent lost made met paid ran said saw sold sent shrank sank sat spoke spent stood stole took taught told
    thought     threw went won wrote rose became"""
)
_CONTRARY_PARTICLES = {"on": "off", "off": "on", "up": "down", "down": "up", "in": "out", "out": "in"}
_ALL_THE_SAME = "all the same"
_WHETHER = word_set("whether ob")
_FUTURE_ENDING = re.compile(r"(?:era|eront|ront|tra|dra|ará|erá|irá|arán|erán|irán|erà|irà|anno)$")
_SPANISH_PAST_ENDING = re.compile(r"(?:ó|aron|ieron)$")


def differ_in_negation(compared: Compared) -> bool:
    """Whether one clause says what the other one denies; opposite words and prohibitions count as negations."""
    claim, evidence = compared.claim.terms, compared.evidence.terms
    prohibitions = sum(_is_prohibition(term) for place, term in enumerate(claim) if place not in compared.pairs)
    prohibitions += sum(_is_prohibition(term) for place, term in enumerate(evidence) if place not in compared.taken)
    denied = (sum(compared.negated) + prohibitions) % 2
    if len(compared.opposite) == denied == 1 and prohibitions == 0 and not _reaches_opposite(compared):
        return True  # a negation in another clause does not turn an opposite into the same
    return len(compared.opposite) != denied


def _reaches_opposite(compared: Compared) -> bool:
    """Whether a negation stands in the same part of its clause as the words that are opposites."""
    for place in compared.opposite:
        for clause, at in ((compared.claim, place), (compared.evidence, compared.pairs[place])):
            part = _part(clause, at)
            if any(_part(clause, negation) == part for negation in clause.negative):
                return True
    return False


def _part(clause: Clause, place: int) -> int:
    """The number of the clause that a place belongs to, of those that were joined to one."""
    return sum(start <= place for start in clause.starts)


def differ_in_particle(compared: Compared) -> bool:
    """Whether what goes on, up or in goes off, down or out in the other clause."""
    claim, evidence = _particles(compared.claim), _particles(compared.evidence)
    own = [at for at, word in enumerate(evidence) if word and at not in compared.evidence.inherited]
    for place, word in enumerate(claim):
        if word not in _CONTRARY_PARTICLES or place in compared.claim.inherited:
            continue
        if any(evidence[at] == _CONTRARY_PARTICLES[word] for at in own) and not any(evidence[at] == word for at in own):
            return True
    return False


def _particles(clause: Clause) -> list[str]:
    """The word at each place that is a particle of a verb before it or at the end of its segment, "" elsewhere."""
    last = len(clause.words) - 1
    return [
        word
        if word in _CONTRARY_PARTICLES
        and place
        and (clause.verbs[place - 1] or place == last or clause.segments[place + 1] != clause.segments[place])
        else ""
        for place, word in enumerate(clause.words)
    ]


def differ_in_condition(compared: Compared) -> bool:
    """Whether the claim holds even if, and the evidence only if or unless."""
    claim, evidence = _condition(compared.claim), _condition(compared.evidence)
    return bool(claim and evidence and claim != evidence and (_ALL_THE_SAME in (claim, evidence)))


def _condition(clause: Clause) -> str:
    words = clause.words
    if any(word in ("regardless", "auch", "selbst", "même", "incluso", "anche") for word in words) and not (
        clause.word_set.isdisjoint(clause.grammar.conditions | {"of", "wenn", "si", "se"})
    ):
        return _ALL_THE_SAME
    if "even" in clause.word_set and not clause.word_set.isdisjoint(("if", "when", "though")):
        return _ALL_THE_SAME
    return "if" if not clause.word_set.isdisjoint(clause.grammar.conditions) else ""


def is_asked(compared: Compared) -> bool:
    """Whether the evidence only asks what the claim says."""
    evidence = compared.evidence
    if compared.claim.word_set & _WHETHER or evidence.word_set.isdisjoint(_WHETHER):
        return False
    place = next(at for at, word in enumerate(evidence.words) if word in _WHETHER)
    return sum(other > place for other in compared.taken) > sum(other < place for other in compared.taken)


def _is_prohibition(term: Term) -> bool:
    return term.kind == "word" and term.offers.get(_FORBIDDEN) == -1


def differ_in_duty(compared: Compared) -> bool:
    """Whether the claim makes a duty of what is allowed, or a fact of what may be, or the other way round."""
    claim, evidence = _duty(compared.claim), _duty(compared.evidence)
    if claim == evidence or len(set(compared.negated)) > 1:
        return False
    if {claim, evidence} == {"must", "may"}:
        if compared.negated[0]:
            return False  # "may not" is "must not"
        if any(is_bound(compared.evidence, place) for place in compared.evidence.negative):
            return False  # "must not take more than one" is "may take at most one"
    if claim == "must":
        return evidence in ("may", "should")
    if claim == "may":
        return evidence == "must"
    if not claim and evidence == "may":
        return "will" in compared.claim.word_set or _is_hedged(compared)
    return False


def _duty(clause: Clause) -> str:
    """What the clause says of a duty: "must", "may", "should" or nothing."""
    words = clause.grammar
    if not clause.word_set.isdisjoint(("to",)) and _HAVE_TO.search(" ".join(clause.words)):
        return "must"
    for name, group in (("should", words.should), ("may", words.may), ("must", words.must)):
        if any(
            word in group and clause.terms[place].kind != "figure"  # the month of May
            for place, word in enumerate(clause.words)
        ):
            return name
    return ""


def _is_hedged(compared: Compared) -> bool:
    """Whether the evidence says only that something may be of what the claim says that it is."""
    evidence = compared.evidence
    for place, word in enumerate(evidence.words):
        if word in _MAYBE and evidence.terms[place].kind == "function":
            verb = next((at for at in evidence.content if at > place), -1)
            return verb in compared.taken and any(at < evidence.verb for at in compared.taken)
    return False


def differ_in_certainty(compared: Compared) -> bool:
    """Whether the claim says as a fact what somebody only believes in the evidence, or what is only likely."""
    claim, evidence = compared.claim, compared.evidence
    if is_doubted(claim) or _duty(claim) in ("may", "should"):
        return False
    doubts = [place for place in doubted(evidence) if place not in compared.taken]
    return any(
        evidence.segments[place] == evidence.segments[other] if evidence.words[place] in _DOUBTFUL else other > place
        for place in doubts
        for other in compared.taken
    )


def is_doubted(clause: Clause) -> bool:
    """Whether a clause says that something is only believed or likely."""
    return bool(doubted(clause))


def doubted(clause: Clause) -> list[int]:
    """The places of the words that say so."""
    if clause.word_set.isdisjoint(_DOUBTFUL | _BELIEVING):
        return []
    return [
        place
        for place, word in enumerate(clause.words)
        if place not in clause.inherited and (word in _DOUBTFUL or (word in _BELIEVING and clause.verbs[place]))
    ]


def differ_in_time(compared: Compared) -> bool:
    """Whether one clause says what has happened and the other one what is still to come."""
    if {_time(compared.claim), _time(compared.evidence)} != {"past", "future"}:
        return False
    return not any(
        _is_past_form(compared.claim, place) and _is_past_form(compared.evidence, other)
        for place, other in compared.pairs.items()
        if place == compared.claim.verb
    )


def _time(clause: Clause) -> str:
    future, past = _is_future(clause), _is_past(clause)
    if future and past:
        planned = not clause.word_set.isdisjoint(_PLANNED)
        return "future" if planned or ("will" in clause.word_set and "been" not in clause.word_set) else ""
    return "future" if future else "past" if past else ""


def _is_future(clause: Clause) -> bool:
    telling = clause.grammar.future
    if any(
        word in telling and not (word == "will" and place and clause.words[place - 1] in clause.grammar.articles)
        for place, word in enumerate(clause.words)
    ):
        return True
    if clause.verb >= 0 and clause.words[clause.verb] in _PLANS:
        return True
    if clause.language in ("fr", "es", "it"):
        return any(map(_FUTURE_ENDING.search, clause.words))
    return bool(_PLANS_TO.search(" ".join(clause.words)))


def _is_past(clause: Clause) -> bool:
    if not clause.word_set.isdisjoint(clause.grammar.past):
        return True
    if clause.language == "es" and any(map(_SPANISH_PAST_ENDING.search, clause.words)):
        return True
    return any(
        place not in clause.inherited and (word in clause.grammar.past_auxiliaries or _is_past_form(clause, place))
        for place, word in enumerate(clause.words)
    )


def _is_past_form(clause: Clause, place: int) -> bool:
    """Whether an English word is a verb in the past: no participle behind "is", no adjective behind an article."""
    word = clause.words[place]
    if clause.language != "en" or not place or clause.terms[place].kind != "word":
        return False
    if not (word in _PAST_FORMS or (word.endswith("ed") and len(word) > 3)):
        return False
    before = clause.words[max(0, place - 2) : place]
    leading = clause.grammar.be | {"to", "will"}
    if before[-1] in clause.grammar.articles or not leading.isdisjoint(before):
        return False
    # What is agreed is still to come, and what is voted on is not decided.
    return not (word in _AGREED and clause.words[place + 1 : place + 2] == ["to"])
