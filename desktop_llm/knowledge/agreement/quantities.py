"""Whether two clauses differ in how many, in a bound, or in the item of a list that a figure belongs to."""

from __future__ import annotations

import re

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.grammar import word_set
from desktop_llm.knowledge.agreement.negation import is_bound
from desktop_llm.knowledge.agreement.relations import governing
from desktop_llm.knowledge.agreement.terms import Term

_PERIODS = word_set(
    """full second third day week month year hour time jahr monat woche tag jour mois an année semaine día mes año
    semana"""
)
_ANY = word_set(
    "any anyone anybody whoever irgendein beliebig beliebige cualquier cualquiera n'importe qualsiasi любой"
)
_RARELY = word_set("rarely seldom hardly scarcely selten kaum rarement raramente редко")
# What is said of some: words that cannot stand for each other. All others only say that it is not all.
_AMOUNTS = {
    "most": "most", "meisten": "most", "plupart": "most", "mayoría": "most", "few": "few", "wenige": "few",
    "pocos": "few", "many": "many", "viele": "many", "beaucoup": "many", "muchos": "many", "half": "half",
    "sometimes": "sometimes",
}  # fmt: skip

# Bounds before a figure, by whether it is the lowest or the highest value; those at the top are tried first.
_BOUNDS = """
> at least|a minimum of|minimum(?: of)?|no (?:less|fewer) than|not (?:less|fewer) than
> mindestens|au moins|al menos|como mínimo|(?:un )?m[íi]nimo (?:de|di)|un minimum de|almeno|не менее|минимум
< at most|up to|a maximum of|maximum(?: of)?|no (?:more|longer|later|older) than|not (?:more|longer|later) than
< not exceed(?:ing)?|höchstens|bis zu|maximal|au plus|jusqu'à|como máximo|hasta|не более|максимум
< (?:un )?m[áa]ximo (?:de|di)|(?:un )?massimo (?:di)?|un maximum de|al massimo|fino a
> (?:more|longer|taller|older|larger|bigger|greater|higher|heavier|wider|later|deeper) than|over|above|exceed(?:s|ing)?
> beyond|after|since|nach|seit|ab|mehr als|über|länger als|älter als|plus de|más de
< (?:less|fewer|shorter|younger|smaller|lower|lighter|narrower|earlier) than|before|by|until|till|under|below|beneath
< vor|bis|weniger als|unter|moins de|menos de
"""
_BOUND_PATTERNS = [
    (line[0], re.compile(rf"(?:^|\s)({line[2:]})(?:\s(?:the|a|age|of|für|einer?))*$"))
    for line in _BOUNDS.strip().splitlines()
]
_BEHIND = (
    (
        ">",
        re.compile(
            r"or (?:more|older|longer|above|over|greater|higher)|oder mehr|ou plus|o más|minimum|and (?:over|above)"
        ),
    ),
    ("<", re.compile(r"or (?:less|fewer|younger|under|below|lower|earlier)|oder weniger|ou moins|maximum")),
)
_OF = (["of"], ["de"], ["d"], ["di"])
_FROM = re.compile(r"(?:^|\s)(?:from|ab|desde|dès)$")
# Without one of these, a word such as "over" or "by" may mean something else than a bound.
_STRONG = re.compile(
    r"least|most|minimum|maximum|than|up to|under|exceed"
    r"|mindestens|höchstens|moins|menos|m[áa][xs]+imo|m[íi]nimo|almeno|мин|макс"
)


def differ_in_quantity(compared: Compared) -> bool:
    """Whether the claim says of all, of most or of none but these what the evidence does not."""
    if _is_rare_only(compared):
        return True
    if not compared.claim.word_set.isdisjoint(_ANY) and not compared.evidence.word_set.isdisjoint(
        compared.evidence.grammar.only
    ):
        return True
    if _is_for_others_only(compared):
        return True
    claim, evidence = _quantities(compared.claim), _quantities(compared.evidence)
    if not claim:
        return False
    if ("only" in claim and "only" not in evidence) or (
        "all" in claim and "all" not in evidence and not compared.negated[1]
    ):
        return True
    some, others = claim - {"only", "all"}, evidence - {"only", "all"}
    if some and "all" in evidence and not others:
        return True
    return bool(some - {"some"}) and not some & others


def _is_for_others_only(compared: Compared) -> bool:
    """Whether the evidence holds only for a name or noun that the claim has not got: "by IT staff only"."""
    evidence = compared.evidence
    for place, word in enumerate(evidence.words):
        if word not in evidence.grammar.only or place in evidence.inherited or compared.negated[0]:
            continue
        at_end = place + 1 == len(evidence.words) or evidence.segments[place + 1] != evidence.segments[place]
        beside = place - 1 if at_end else place + 1
        if 0 <= beside < len(evidence.words) and evidence.terms[beside].kind in ("word", "name"):
            return beside not in compared.taken and not evidence.verbs[beside] and at_end
    return False


def _is_rare_only(compared: Compared) -> bool:
    """Whether the evidence says that something is rarely so, and the claim that it is."""
    evidence = compared.evidence
    return any(
        word in _RARELY and place not in compared.taken and evidence.segments[place] == evidence.segments[other]
        for place, word in enumerate(evidence.words)
        for other in compared.taken
        if other not in evidence.inherited
    )


def _quantities(clause: Clause) -> set[str]:
    words = clause.grammar
    if clause.word_set.isdisjoint(words.only | words.all | words.some):
        return set()
    found: set[str] = set()
    own = any(
        place not in clause.inherited and (word in words.only | words.some or clause.terms[place].kind == "figure")
        for place, word in enumerate(clause.words[: max(clause.verb, 0)])
    )
    for place, word in enumerate(clause.words):
        following = clause.terms[place + 1] if place + 1 < len(clause.terms) else None
        if place in clause.inherited and own:
            continue  # "all had read it, but only two had understood it"
        if word in words.only:
            found.add("only")
        elif word in words.all:
            frequency = following is not None and (following.kind == "figure" or following.plain in _PERIODS)
            if not frequency and (place == 0 or clause.words[place - 1] not in ("at", "free")):
                found.add("all")
        elif word in words.some and not (
            following is not None and (following.plain in words.than or following.kind == "figure")
        ):
            found.add(_AMOUNTS.get(word, "some"))
    return found


def differ_in_bound(compared: Compared) -> bool:
    """Whether a figure is the lowest value in one clause and the highest in the other, or bounds only the claim."""
    for place, other in compared.pairs.items():
        if compared.claim.terms[place].kind != "figure":
            continue
        claim, strong = _bound(compared.claim, place)
        if not claim:
            continue
        evidence, _ = _bound(compared.evidence, other)
        if claim != evidence and (evidence or strong):
            return True
    return False


def _bound(clause: Clause, place: int) -> tuple[str, bool]:
    """The bound that a figure is: ">", "<" or "", and whether its words leave no doubt."""
    ahead = " ".join(clause.words[max(0, place - 4) : place])
    for sign, pattern in _BOUND_PATTERNS:
        if match := pattern.search(ahead):
            denied = any(is_bound(clause, at) for at in range(max(0, place - 6), place))
            if denied and not match[1].startswith("no"):
                sign = "<" if sign == ">" else ">"
            return sign, bool(_STRONG.search(match[0]))
    if clause.terms[place].unit in ("date", "time") and _FROM.search(ahead):
        return ">", False
    behind = " ".join(clause.words[place + 1 : place + 4])
    return next(((sign, True) for sign, pattern in _BEHIND if pattern.match(behind)), ("", False))


def differ_in_item(compared: Compared) -> bool:
    """Whether a figure or name of the claim stands in another item of a list than a noun that it is said of."""
    evidence = compared.evidence
    if _counts_another(compared):
        return True
    if len(set(evidence.segments)) == 1:
        return False
    nouns = [
        place
        for place in compared.taken
        if (evidence.terms[place].kind in ("word", "name") or evidence.terms[place].unit == "ordinal")
        and place not in evidence.inherited
        and not evidence.verbs[place]
    ]
    figures = [place for place in compared.taken if _counts(evidence.terms[place])]
    if any(_is_with_other(compared, noun) for noun in nouns):
        return True
    return any(_is_apart(compared, figure, noun) for figure in figures for noun in nouns) or any(
        _has_other_name(compared, name, noun)
        for name in nouns
        for noun in nouns
        if evidence.terms[name].kind == "name" and evidence.terms[noun].kind == "word"
    )


def _counts_another(compared: Compared) -> bool:
    """Whether a figure stands right before a noun that has another figure right before it in the evidence."""
    claim, evidence = compared.claim, compared.evidence
    for place, other in compared.pairs.items():
        counted = place + 1 + (claim.words[place + 1 : place + 2] in _OF)
        if claim.terms[place].kind != "figure" or compared.pairs.get(counted, -1) in evidence.inherited | {-1}:
            continue
        if claim.terms[place].unit and counted == place + 1:
            continue
        before = compared.pairs[counted] - 1
        before -= before > 0 and [evidence.words[before]] in _OF
        counts = before >= 0 and before != other and evidence.terms[before].kind == "figure"
        if counts and claim.terms[place].wanted.isdisjoint(evidence.terms[before].offers):
            return True
    return False


def _is_apart(compared: Compared, figure: int, noun: int) -> bool:
    """Whether the noun stands beside another figure, as another noun stands beside this one."""
    evidence = compared.evidence
    if _shares_segment(evidence, noun, evidence.segments[figure]):
        return False
    rivals = [
        place
        for place, term in enumerate(evidence.terms)
        if evidence.segments[place] == evidence.segments[noun]
        and _counts(term)
        and place not in compared.taken
        and _same_kind(term, evidence.terms[figure])
    ]
    return any(_has_noun_beside(compared, figure, -1 if noun < rival else 1) for rival in rivals)


def _has_noun_beside(compared: Compared, figure: int, step: int) -> bool:
    """Whether a noun that the claim has not got stands on one side of a figure, in its segment."""
    evidence = compared.evidence
    place = figure + step
    while 0 <= place < len(evidence.terms) and evidence.segments[place] == evidence.segments[figure]:
        if evidence.terms[place].kind in ("word", "name") and place not in compared.taken:
            return True
        place += step
    return False


def _is_with_other(compared: Compared, noun: int) -> bool:
    """Whether what else the claim says stands with another noun behind the same preposition: "daily in May, weekly in
    June".
    """
    evidence = compared.evidence
    preposition = governing(evidence, noun)
    if not preposition or preposition in ("of", "de", "von") or evidence.terms[noun].unit == "ordinal":
        return False
    here = evidence.segments[noun]
    if not any(
        number == here and place not in compared.taken and evidence.terms[place].has_content
        for place, number in enumerate(evidence.segments)
    ):
        return False
    others = {
        evidence.segments[place]
        for place in compared.taken
        if place > evidence.verb and place not in evidence.inherited and not evidence.verbs[place]
    } - {here}
    return any(
        number in others
        and place not in compared.taken
        and evidence.terms[place].kind in ("word", "name")
        and evidence.terms[place].unit != "ordinal"
        and governing(evidence, place) == preposition
        for place, number in enumerate(evidence.segments)
    )


def _has_other_name(compared: Compared, name: int, noun: int) -> bool:
    """Whether the noun stands beside another name, and another noun beside this one."""
    evidence = compared.evidence
    here, there = evidence.segments[name], evidence.segments[noun]
    if _shares_segment(evidence, noun, here):
        return False
    free = [place for place in range(len(evidence.terms)) if place not in compared.taken]
    rival = any(
        evidence.segments[place] == there and place not in evidence.inherited and evidence.terms[place].kind == "name"
        for place in free
    )
    return rival and (
        evidence.verb < 0
        or any(evidence.segments[place] == here and evidence.terms[place].kind == "word" for place in free)
    )


def _shares_segment(clause: Clause, place: int, segment: int) -> bool:
    """Whether a term, or another one like it, is in the segment or holds for all of them."""
    if clause.segments[place] == segment:
        return True
    keys = clause.terms[place].offers.keys()
    return any(
        (number == segment or at in clause.inherited) and not keys.isdisjoint(term.offers)
        for at, (term, number) in enumerate(zip(clause.terms, clause.segments, strict=True))
    )


def _counts(term: Term) -> bool:
    return term.kind == "figure" or term.unit == "ordinal"


def _same_kind(one: Term, other: Term) -> bool:
    return one.unit == other.unit or not one.unit or not other.unit
