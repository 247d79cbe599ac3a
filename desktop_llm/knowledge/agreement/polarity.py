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
_FUTURE_ENDING = re.compile(r"(?:era|eront|ront|tra|dra|ará|erá|irá|arán|erán|irán|erà|irà|anno)$")
_SPANISH_PAST_ENDING = re.compile(r"(?:ó|aron|ieron)$")


def differ_in_negation(compared: Compared) -> bool:
    """Whether one clause says what the other one denies; opposite words and prohibitions count as negations."""
    claim, evidence = compared.claim.terms, compared.evidence.terms
    prohibitions = sum(_is_prohibition(term) for place, term in enumerate(claim) if place not in compared.pairs)
    prohibitions += sum(_is_prohibition(term) for place, term in enumerate(evidence) if place not in compared.taken)
    return len(compared.opposite) != (sum(compared.negated) + prohibitions) % 2


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
