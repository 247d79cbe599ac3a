"""A text as clauses: what each one says, with the subject it inherits and what its pronouns stand for.

A clause ends at a mark or a joining word if there is a verb on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desktop_llm.knowledge.agreement.clause import IRREGULAR, Clause, is_past, is_verb
from desktop_llm.knowledge.agreement.figures import UNITS
from desktop_llm.knowledge.agreement.grammar import Grammar, grammar, word_set
from desktop_llm.knowledge.agreement.terms import Term


@dataclass(slots=True)
class _Segment:
    joint: str
    terms: list[Term]
    verb: int


def clauses(sentences: Sequence[Sequence[Term]], language: str) -> list[Clause]:
    """The clauses of a text's sentences, in order."""
    reader = _Reader(language)
    for number, sentence in enumerate(sentences):
        reader.read(sentence, number)
    return reader.found


class _Reader:
    """Reads sentences one after the other, and remembers what pronouns may stand for."""

    def __init__(self, language: str) -> None:
        self.found: list[Clause] = []
        self._language = language
        self._words = grammar(language)
        self._label: list[Term] = []
        self._persons: dict[str, list[Term]] = {}
        self._bound: set[str] = set()

    def read(self, sentence: Sequence[Term], number: int) -> None:
        """Add the clauses of a sentence."""
        self._label = []
        first = len(self.found)
        current = Clause(sentence=number, language=self._language)
        table = any(term.text == "|" for term in sentence)
        for place, segment in enumerate(_segments(sentence, self._language), 1):
            if segment.joint == ":" and current.terms:
                self._label = [term for term in current.terms if term.has_content and not table]
                if current.verb < 0:
                    current = Clause(joint=current.joint, sentence=number, language=self._language)
                else:
                    self._close(current, first)
                    current = Clause(sentence=number, language=self._language)
            elif current.terms and _starts_clause(current, segment, self._words):
                self._close(current, first)
                if table and not self._label:
                    self._label = [term for term in current.terms if term.has_content]
                current = Clause(joint=segment.joint, sentence=number, language=self._language)
                current.dependent = segment.joint in self._words.subordinating
            elif not current.terms and segment.joint != ":":
                current.joint = segment.joint
                current.dependent = segment.joint in self._words.subordinating
            elif segment.joint.isalpha():
                current.terms.append(Term(segment.joint, 0, 0, "function", {}, frozenset()))
                current.segments.append(place if segment.joint in self._words.before | self._words.after else place - 1)
            if current.verb < 0 and segment.verb >= 0:
                current.verb = len(current.terms) + segment.verb
            current.joints[place] = segment.joint
            current.terms += segment.terms
            current.segments += [place] * len(segment.terms)
        if current.terms:
            self._close(current, first)
        elif self._label and len(self.found) == first:
            self._close(Clause(self._label, [0] * len(self._label), sentence=number, language=self._language), first)

    def _close(self, clause: Clause, first: int) -> None:
        """Add the clause, with what it inherits put in its place."""
        before = self.found[-1] if self.found else None
        same = before is not None and len(self.found) > first and clause.joint != "\n"
        self._bind_owner(clause)
        added: dict[int, list[tuple[Term, str]]] = {}
        if self._label:
            added[0] = [(term, "label") for term in self._label]
        if before is not None:
            self._resolve(clause, before, added)
            if same or _counts_only(clause):
                part = "antecedent" if clause.joint in self._words.relative else ""
                added[0] = [*added.get(0, []), *((term, part) for term in self._shared(clause, before))]
        if added:
            _insert(clause, added)
        self.found.append(clause)

    def _bind_owner(self, clause: Clause) -> None:
        """Settle whom "he" or "she" stands for by what the subject of a clause owns: "Marta lent him her camera"."""
        names = [group for group in _names(clause) if group[-1] in clause.terms[: max(clause.verb, 0)]]
        owned = {term.plain for term in clause.terms} & self._words.possessives
        for person, words in (("f", self._words.feminine | {"her"}), ("m", self._words.masculine)):
            if len(names) == 1 and owned & words and person not in self._persons and self._language == "en":
                self._persons[person] = names[0]
                self._bound.add(names[0][0].text)

    def _resolve(self, clause: Clause, before: Clause, added: dict[int, list[tuple[Term, str]]]) -> None:
        """Put in what the clause's pronouns stand for."""
        words = self._words
        for place, term in enumerate(clause.terms):
            plain = term.plain
            if plain not in words.pronouns or term.kind == "figure" or self._stands_alone(clause, place):
                continue
            following = clause.terms[place + 1] if place + 1 < len(clause.terms) else None
            owner = plain in words.possessives and following is not None and following.has_content
            done_to = plain in words.object_pronouns and not owner
            stands = self._stands_for(plain, before, subject=not done_to)
            if done_to and stands and stands[0] in clause.terms[:place]:
                continue  # nobody is both: it would be "herself"
            if stands:
                part = "owner" if owner else "patient" if done_to else ""
                added[place] = [*added.get(place, []), *((each, part) for each in stands)]

    def _stands_alone(self, clause: Clause, place: int) -> bool:
        """Whether a pronoun stands for nothing: "no one", "it was decided that", "this book"."""
        before = clause.terms[place - 1].plain if place else ""
        after = clause.terms[place + 1] if place + 1 < len(clause.terms) else None
        if after is not None and clause.segments[place + 1] != clause.segments[place]:
            after = None
        plain = clause.terms[place].plain
        if plain in ("one", "ones"):
            return before in ("no", "any", "every", "some", "each") or (after is not None and after.plain == "of")
        return (
            plain in ("this", "these", "those", "diese", "dieser", "dieses") and after is not None and after.has_content
        )

    def _shared(self, clause: Clause, before: Clause) -> list[Term]:
        """What a clause has in common with the one before it in its sentence: its subject if it has none, and more if
        it has no verb; otherwise what stands before the first comma."""
        if _is_command(clause):
            return []
        own = [term for term in clause.terms[: max(clause.verb, 0)] if term.has_content]
        pronouns = any(term.plain in self._words.pronouns for term in clause.terms[: max(clause.verb, 0)])
        if clause.verb < 0:
            return [term for term in before.terms if term.has_content and term.kind != "figure"]
        if (own and not _counts_only(clause)) or pronouns:
            return _adjunct(before)
        subject = [term for term in before.terms[: max(before.verb, 0)] if term.kind != "figure"]
        if clause.joint in self._words.relative and (nearest := _antecedent(before)):
            return nearest
        if any(term.has_content for term in subject) and clause.joint not in self._words.relative:
            return subject
        return [
            term
            for place, term in enumerate(before.terms)
            if term.has_content and term.kind != "figure" and not is_verb(before.terms, place, self._language)
        ]

    def _free_names(self, clause: Clause, person: str) -> list[list[Term]]:
        """The names in a clause that no pronoun stands for yet and that are not told to be of the other sex."""
        return [
            group
            for group in _names(clause)
            if group[0].text not in self._bound and all(_SEX.get(term.plain, person) == person for term in group)
        ]

    def _stands_for(self, plain: str, before: Clause, *, subject: bool) -> list[Term]:
        words = self._words
        person = "f" if plain in words.feminine else "m" if plain in words.masculine else ""
        if person:
            self._find_person(person, before, subject=subject)
            if person in self._persons:
                return self._persons[person]
            if self._language == "en":
                return []
        main = next((clause for clause in self.found if clause.sentence == before.sentence), before)
        return [*_things(before), *(_things(main) if main is not before else [])]

    def _find_person(self, person: str, before: Clause, *, subject: bool) -> None:
        """Settle whom "he" or "she" stands for: who is told to be of that sex, or else a name that is still free."""
        told = [[term] for term in before.terms if _SEX.get(term.plain) == person and term.kind == "word"]
        if told:
            self._persons[person] = told[-1]
        if person in self._persons:
            return
        free = self._free_names(before, person)
        for clause in reversed(self.found[-4:]):
            free = free or self._free_names(clause, person)
        if free:
            self._persons[person] = free[0] if subject else free[-1]
            self._bound.add(self._persons[person][0].text)


_SEX = {
    **dict.fromkeys(word_set("mr sir herr king father brother husband son uncle man boy vater bruder sohn mann"), "m"),
    **dict.fromkeys(word_set("ms mrs miss frau mme mother sister wife daughter aunt woman girl mutter tochter"), "f"),
}


def _things(clause: Clause) -> list[Term]:
    """What "it" or "they" may stand for: the names in the clause's subject, or others, and its nouns."""
    names = [term for term in clause.subject if term.kind == "name"]
    things = [
        term
        for place, term in enumerate(clause.terms)
        if term.kind in ("word", "character")
        and not is_verb(clause.terms, place, clause.language)
        and term.plain not in UNITS
    ]
    things = names + things if names or things else [term for term in clause.terms if term.kind == "name"]
    return list({term.plain: term for term in things}.values())


def _is_command(clause: Clause) -> bool:
    """Whether an English clause tells to do something, so that it has no subject: "unplug it"."""
    if clause.verb != 0 or clause.language != "en":
        return False
    plain = clause.terms[0].plain
    return not (plain.endswith(("s", "ed")) or is_past(plain) or plain in clause.grammar.auxiliaries)


def _counts_only(clause: Clause) -> bool:
    """Whether the subject is a bare number: "58 received a placebo"."""
    own = [term for term in clause.terms[: max(clause.verb, 0)] if term.has_content]
    return bool(own) and all(term.kind == "figure" for term in own)


def _names(clause: Clause) -> list[list[Term]]:
    """The names in a clause; words of a name that stand side by side are one."""
    groups: list[list[Term]] = []
    last = -2
    for place, term in enumerate(clause.terms):
        if term.kind == "name" or (place == 0 and term.capital and term.kind == "word"):
            if last == place - 1 and groups:
                groups[-1].append(term)
            else:
                groups.append([term])
            last = place
    return groups


def _adjunct(clause: Clause) -> list[Term]:
    """What stands before the first comma of a sentence without a verb, as "In the trial,"; it holds for all of it."""
    if not clause.terms or clause.terms[0].plain not in clause.grammar.prepositions:
        return []
    first = clause.segments[0]
    if 0 <= clause.verb < clause.segments.count(first) or first == clause.segments[-1]:
        return []
    return [
        term
        for term, segment in zip(clause.terms, clause.segments, strict=True)
        if segment == first and term.has_content
    ]


def _antecedent(clause: Clause) -> list[Term]:
    """What a relative clause belongs to: the last noun with its article, and the name that it explains: "Ann, the
    nurse who …".
    """
    phrases = _phrases(clause)
    if not phrases:
        return []
    last = phrases[-1]
    explains = (
        len(phrases) > 1 and last[0].plain in clause.grammar.articles and clause.segments[-1] != clause.segments[0]
    )
    if explains and len({number for number in clause.segments if number == clause.segments[-1]}) == 1:
        inside = [
            term for term, number in zip(clause.terms, clause.segments, strict=True) if number == clause.segments[-1]
        ]
        if inside == last and any(term.kind == "name" for term in phrases[-2]):
            return [*phrases[-2], *last]
    return last


def _phrases(clause: Clause) -> list[list[Term]]:
    """The runs of articles, adjectives, nouns and names in a clause."""
    found: list[list[Term]] = []
    last = -1
    for place, (term, number) in enumerate(zip(clause.terms, clause.segments, strict=True)):
        article = term.plain in clause.grammar.articles
        if clause.verbs[place] or place in clause.inherited or not (term.has_content or article):
            last = -1
            continue
        if last != number or article:
            found.append([])
        found[-1].append(term)
        last = number
    return [run for run in found if any(term.has_content for term in run)]


def _insert(clause: Clause, added: dict[int, list[tuple[Term, str]]]) -> None:
    terms: list[Term] = []
    segments: list[int] = []
    inherited: set[int] = set()
    verb = clause.verb
    for place, (term, segment) in enumerate(zip(clause.terms, clause.segments, strict=True)):
        for other, part in added.get(place, ()):
            inherited.add(len(terms))
            clause.parts[len(terms)] = part
            terms.append(other)
            segments.append(segment)
        if place == clause.verb:
            verb = len(terms)
        terms.append(term)
        segments.append(segment)
    clause.terms, clause.segments, clause.inherited, clause.verb = terms, segments, inherited, verb


def _starts_clause(current: Clause, segment: _Segment, words: Grammar) -> bool:
    if segment.joint in (";", "\n") or segment.joint in _CONTRASTING:
        return True
    if segment.verb < 0:
        return False
    if segment.joint in words.joining and segment.verb == 0 and current.verb == len(current.terms) - 1:
        return False  # "repairs or replaces the parts": they share what stands behind them
    return current.verb >= 0 or (current.joint in words.subordinating and segment.joint == ",")


def _segments(sentence: Sequence[Term], language: str) -> list[_Segment]:
    words = grammar(language)
    found: list[_Segment] = []
    joint = ""
    held: list[Term] = []

    def close(following: str) -> None:
        nonlocal joint, held
        if held:
            verb = next((place for place in range(len(held)) if is_verb(held, place, language)), -1)
            if joint == "," and held[0].plain in _PREDICATES:
                verb = 0
            if joint in words.joining and (leading := _leading_verb(held, language)) >= 0:
                verb = leading
            if joint == "," and language == "en" and is_past(held[0].plain):
                verb = 0
            if verb < 0 and _has_joint_subject(held, joint):
                verb = 1
            found.append(_Segment(joint, held, verb))
            held, joint = [], following
        elif not joint or joint in ",;" or (following in (";", ":", "\n") and joint != ":"):
            joint = following

    for place, term in enumerate(sentence):
        plain = term.plain
        if term.kind == "break":
            if plain not in ("(", ")", "[", "]") and not _tells_figure(sentence, place, held):
                close(_MARKS.get(plain[0], plain[0]))
        elif term.kind == "function" and (
            (plain in words.joining and not _is_bound_behind(sentence, place))
            or _is_subordinating(plain, sentence, place, words)
        ):
            close(plain)
        else:
            held.append(term)
    close("")
    return found


def _is_bound_behind(sentence: Sequence[Term], place: int) -> bool:
    """Whether "or" belongs to a bound: "aged 18 or over", "20 minutes or more"."""
    following = sentence[place + 1].plain if place + 1 < len(sentence) else ""
    return place > 0 and sentence[place - 1].kind == "figure" and following in _BOUNDING


_BOUNDING = word_set(
    """over above older more longer greater higher under below younger less fewer shorter lower earlier later mehr älter
    darüber weniger jünger darunter plus moins más menos più meno"""
)
_PREDICATES = word_set("due located situated based born available valid known called named built made held")
_CONTRASTING = word_set("while whereas although though während obwohl tandis mientras aunque хотя")
_MARKS = dict(zip("，；：、。", ",;:,;", strict=True))


def _tells_figure(sentence: Sequence[Term], place: int, held: Sequence[Term]) -> bool:
    """Whether a comma or dash stands between a thing and its figure: "students — 200 roubles"."""
    following = sentence[place + 1] if place + 1 < len(sentence) else None
    if following is None or following.kind != "figure" or sentence[place].text not in ",–—" or not held:
        return False
    last = (
        place + 2 >= len(sentence)
        or sentence[place + 2].kind == "break"
        or sentence[place + 2].plain in ("and", "und", "et", "y")
    )
    rival = any(term.kind == "figure" and term.unit for term in held)
    return last and not rival and any(term.has_content for term in held)


def _has_joint_subject(held: Sequence[Term], joint: str) -> bool:
    """Whether what follows "and" is a noun and the verb of both: "(tea and) coffee inhibit it"."""
    return (
        joint == "and"
        and len(held) > 2
        and held[0].has_content
        and held[1].kind == "word"
        and held[2].plain in _OBJECTS
        and not held[1].plain.endswith("s")
    )


_OBJECTS = word_set("it them the a an this these")


def _leading_verb(held: Sequence[Term], language: str) -> int:
    """The place of the verb that what follows "and" or "but" begins with, as "(now) keeps the password"; else -1."""
    place = next((at for at, term in enumerate(held) if term.plain not in _LEADING), 0)
    if len(held) < place + 2 or held[place].kind != "word" or held[place].capital:
        return -1
    plain, following = held[place].plain, held[place + 1]
    words = grammar(language)
    determined = following.plain in words.articles | words.all | words.prepositions
    determined = determined or following.kind in ("figure", "name")
    if language == "en":
        verbal = plain in IRREGULAR or plain.endswith(("s", "ed"))
    else:
        verbal = following.plain not in ("de", "d", "von", "del", "des", "du", "di")
    return place if verbal and determined else -1


_LEADING = word_set("now then also later still soon therefore thus again finally never")


def _is_subordinating(plain: str, sentence: Sequence[Term], place: int, words: Grammar) -> bool:
    if plain not in words.subordinating:
        return False
    if plain in ("as", "so", "que", "da"):
        return place > 0 and sentence[place - 1].text == ","
    if plain == "that":
        return place > 0 and (sentence[place - 1].has_content or sentence[place - 1].plain in words.object_pronouns)
    return True
