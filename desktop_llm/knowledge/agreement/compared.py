"""A clause of a sentence beside a clause of a passage: which of their terms are the same."""

from __future__ import annotations

import re
from functools import cached_property

from desktop_llm.knowledge.agreement.clause import Clause
from desktop_llm.knowledge.agreement.negation import negations

_MOST_CANDIDATES = 20  # places where a clause has the same term


class Compared:
    """A claim's clause beside its evidence.

    `pairs` are the places of terms that are the same, in the claim and in the evidence; `opposite` are those in the
    claim whose partner is the opposite; `converse` means that the verbs tell one event from its two ends.
    """

    def __init__(self, claim: Clause, evidence: Clause) -> None:
        self.claim = claim
        self.evidence = evidence
        self.pairs: dict[int, int] = {}
        self.taken: set[int] = set()
        self.opposite: set[int] = set()
        self.converse = False
        self._segment = -1  # of the last term that was found
        offered: dict[str, list[int]] = {}
        for place, term in enumerate(evidence.terms):
            for key in term.offers:
                offered.setdefault(key, []).append(place)
        for place in claim.content:
            self._pair(place, offered)

    @cached_property
    def negated(self) -> tuple[int, int]:
        """How many negations hold in the claim, and how many in the evidence for what the claim has of it."""
        return negations(self.claim, range(len(self.claim.terms))), negations(self.evidence, self.taken)

    def _pair(self, place: int, offered: dict[str, list[int]]) -> None:
        term = self.claim.terms[place]
        candidates = {other for key in term.wanted for other in offered.get(key, ())}
        best: tuple[tuple[bool, ...], int] | None = None
        for other in sorted(candidates)[:_MOST_CANDIDATES]:
            sign = term.sign_of(self.evidence.terms[other])
            own = other not in self.evidence.inherited
            beside = place > 0 and self.pairs.get(place - 1) == other - 1
            if other in self.taken and not self._is_repeated(place, other):
                continue
            free = other not in self.taken
            near = self.evidence.segments[other] == self._segment
            same = term.plain == self.evidence.words[other]
            owner = self.evidence.parts.get(other) == "owner"
            rank = (sign > 0, beside, same, near, free, own, not owner)
            if best is None or rank > best[0]:
                best = rank, other
        if best is None:
            return
        other = best[1]
        self.pairs[place] = other
        if other not in self.evidence.inherited:
            self._segment = self.evidence.segments[other]
        self.taken.add(other)
        if term.sign_of(self.evidence.terms[other]) < 0:
            shared = {key for key in term.wanted if key in self.evidence.terms[other].offers}
            if any(key.startswith("=") for key in shared):
                self.converse = True
            else:
                self.opposite.add(place)

    def _is_repeated(self, place: int, other: int) -> bool:
        """Whether a term of the evidence that is taken is the same word as the claim's, not one that means it too."""
        if other in self.evidence.inherited:
            return True
        before = next(at for at, partner in self.pairs.items() if partner == other)
        shared = self.claim.terms[place].wanted & self.claim.terms[before].wanted
        return any(key[0] not in "~=" for key in shared) or self.claim.terms[place].kind == "figure"

    def left_over(self) -> list[str]:
        """The nouns of the evidence that the claim has not got: one of them may be what another noun stands for."""
        evidence = self.evidence
        joined = any(
            self.claim.joints.get(self.claim.segments[place], "") in self.claim.grammar.joining
            for place in self.claim.content
            if place not in self.pairs
        )
        touched = {evidence.segments[place] for place in self.taken}
        return [
            term.text
            for place, term in enumerate(evidence.terms)
            if place not in self.taken
            and place not in evidence.inherited
            and place not in evidence.captions
            and (joined or evidence.segments[place] in touched or not self._is_apart(evidence.segments[place]))
            and term.kind in ("word", "name", "figure")
            and not evidence.general_word(place)
            and not evidence.verbs[place]
            and not term.text.endswith("ly")
        ]

    def _is_apart(self, segment: int) -> bool:
        """Whether a segment is another item of a list, or an address before the clause."""
        joint = self.evidence.joints.get(segment, "")
        first = self.evidence.words[self.evidence.segments.index(segment)]
        if not joint and first in self.evidence.grammar.prepositions | self.evidence.grammar.because:
            return False  # "Because of the rain, …"
        return (
            joint in ("", "|") or joint in self.evidence.grammar.joining or joint in self.evidence.grammar.subordinating
        )

    def has_free_name(self) -> bool:
        """Whether the evidence has a name that the claim has not got."""
        return any(term.kind == "name" and at not in self.taken for at, term in enumerate(self.evidence.terms))

    def has_other_particle(self, place: int) -> bool:
        """Whether the claim's verb has a particle that the evidence has not: "goes out"."""
        following = self.claim.words[place + 1] if place + 1 < len(self.claim.words) else ""
        return following in _PARTICLES and following not in self.evidence.word_set

    def has_free_figure(self) -> bool:
        """Whether the evidence has a figure without a unit that the claim has not got."""
        return any(
            term.kind == "figure" and not term.unit and at not in self.taken | self.evidence.inherited
            for at, term in enumerate(self.evidence.terms)
        )

    def has_other_subject(self, place: int) -> bool:
        """Whether the claim's term is a subject or a name where the evidence has another one."""
        term = self.claim.terms[place]
        if term.kind == "name" and self.has_free_name():
            return True
        labels = [at for at, part in self.evidence.parts.items() if part == "label"]
        if labels and self.taken.isdisjoint(labels):
            return True
        if not 0 <= place < self.claim.verb or follows_preposition(self.claim, place):
            return False
        own = [at for at in range(max(self.evidence.verb, 0)) if self.evidence.terms[at].has_content]
        if not _SPEAKERS.isdisjoint(self.evidence.words[: max(self.evidence.verb, 0)]):
            return True
        shared = {self.pairs[at] for at in range(self.claim.verb + 1) if at in self.pairs}
        said = self.pairs.get(self.claim.verb, self.evidence.verb)
        same_voice = is_passive(self.claim, self.claim.verb) == is_passive(self.evidence, said)
        return bool(own) and not shared & set(own) and same_voice

    def replaces(self, place: int) -> bool:
        """Whether the claim's term stands behind the same word as another term of the evidence."""
        before = next((at for at in range(place - 1, -1, -1) if self.claim.terms[at].has_content), -1)
        other = self.pairs.get(before, -1)
        if before < 0:
            first = next((at for at, term in enumerate(self.evidence.terms) if term.has_content), -1)
            return first >= 0 and first not in self.taken and first not in self.evidence.inherited
        behind = next(
            (at for at in range(other + 1, len(self.evidence.terms)) if self.evidence.terms[at].has_content), -1
        )
        return 0 <= other < behind and behind not in self.taken | self.evidence.inherited

    def has_other_attribute(self, place: int) -> bool:
        """Whether the claim's term stands before a noun that the evidence has with another adjective or name."""
        following = place + 1
        other = self.pairs.get(following, 0) - 1
        if other < 0 or self.claim.verbs[following] or self.claim.segments[following] != self.claim.segments[place]:
            return False
        term = self.evidence.terms[other]
        return (
            term.kind in ("word", "name")
            and other not in self.taken
            and other not in self.evidence.inherited
            and not self.evidence.verbs[other]
            and not self.evidence.general_word(other)
            and self.evidence.segments[other] == self.evidence.segments[other + 1]
        )

    def takes_over(self) -> bool:
        """Whether the claim says of something said before what the evidence says of a subject of its own."""
        evidence = self.evidence
        if not any(other in evidence.inherited and evidence.parts.get(other) == "" for other in self.pairs.values()):
            return False
        until = evidence.verb if evidence.verb >= 0 else len(evidence.terms)
        return any(
            at not in self.taken
            and at not in evidence.inherited
            and evidence.terms[at].kind in ("word", "name")
            and not evidence.general_word(at)
            for at in range(until)
        )


_PARTICLES = frozenset(("on", "off", "up", "down", "out"))
_SPEAKERS = frozenset(("we", "i", "you", "wir", "ich", "nous", "je", "vous"))  # who that is stands nowhere


def is_passive(clause: Clause, verb: int) -> bool:
    """Whether a verb, or the auxiliary it begins with, is in the passive."""
    if verb < 0:
        return False
    words = clause.words
    segment = clause.segments[verb]
    near = [at for at in range(max(0, verb - 3), min(verb + 5, len(words))) if clause.segments[at] == segment]
    auxiliary = next((at for at in near if words[at] in clause.grammar.be and at <= verb + 1), -1)
    if auxiliary < 0:
        return False
    return any(PARTICIPLE.search(words[at]) for at in near if auxiliary < at and at >= verb)


PARTICIPLE = re.compile(r"(?:ed|en|[^n]t|né|ée?s?|ad[oa]s?|id[oa]s?|[aiu]t[oaie]|old|ade|aid)$")


def follows_preposition(clause: Clause, place: int) -> bool:
    """Whether a preposition stands before the term, or before the words in front of it."""
    for before in range(place - 1, max(place - 4, -1), -1):
        plain = clause.terms[before].plain
        if plain in clause.grammar.prepositions:
            return True
        if clause.terms[before].kind == "function" and plain not in clause.grammar.articles:
            return False
    return False
