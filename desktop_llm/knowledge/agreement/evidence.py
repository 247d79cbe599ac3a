"""Whether passages say what a sentence says, told without a model.

The sentence and the passages are cut into clauses. A clause of the sentence is supported by one clause of a passage,
with the subject that it inherits, if that has all of its figures, names and nouns, and nothing speaks against it:
another negation, duty, quantity, time or bound, another order or cause, exchanged roles, a figure that belongs to
another item of a list (`contradictions.py`). A word that the evidence has not got may be a paraphrase if it is no noun
and is not said of something else in the same passage; a noun stands for another matter.

`python -m tests.benchmarks.citations` measures how often that is right.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from desktop_llm.knowledge.agreement.clause import Clause, merged
from desktop_llm.knowledge.agreement.clauses import clauses
from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.contradictions import contradiction
from desktop_llm.knowledge.agreement.grammar import TITLES
from desktop_llm.knowledge.agreement.lexicon import EXCLUSIVE
from desktop_llm.knowledge.agreement.polarity import is_doubted
from desktop_llm.knowledge.agreement.tables import Row, outside, read_rows, table_lines
from desktop_llm.knowledge.agreement.terms import Term, follows_article, language_of, terms
from desktop_llm.knowledge.agreement.verdict import Reason, Support, Verdict
from desktop_llm.knowledge.sentences import Span, sentences

_SAME_MATTER = 0.6  # the share from which on evidence that says otherwise is about the same
_ENOUGH = 0.5  # the share of a clause's words, by weight, that its evidence must have
_WORTH_A_LOOK = 0.4  # the share of its words, by number, below which a clause is not compared at all
_MOST_PARAPHRASES = 3
_MOST_ADDITIONS = 2
_MOST_CLAUSES = 3  # that are read together as one piece of evidence
_LONGEST_SENTENCE = 2_000  # characters; a longer one is no sentence
_FIGURE_WEIGHT = 2.0  # of figures and names; a word weighs 1 or less, the less the more often the passages have it
_GENERAL_WEIGHT = 0.3

# A line break inside a sentence: the line before it is long, or the next one goes on in small letters.
_WRAP = re.compile(r"(?<=[^\n|]{60})\n(?=[^\W\d_](?![^\n]*\|))|\n(?=[a-zäöüß])")
_INTRODUCTION = re.compile(
    r"^\s*(?:(?:yes|no|ja|nein|oui|non|sí)[,.]\s+)?(?:(?:according to|based on|as per|in|laut|gemäß|selon|según)\s+"
    r"(?:the\s+|dem\s+|le\s+|el\s+)?(?:provided\s+|given\s+)?(?:documents?|texts?|passages?|context|sources?|information"
    r"|dokument\w*|texto?|documento?s?|quellen?)(?:\s+(?:provided|given|above|\d+))?,?\s+)?"
    r"(?:the\s+(?:document|text|passage|context|source)s?\s+(?:states?|says?|mentions?|specif(?:y|ies)|notes?)\s+that\s+)?",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"[*`]|(?<!\w)_|_(?!\w)")
_SAYING = frozenset(("that", "dass", "que", "che", "что"))
_ONE = frozenset(("one", "eins", "uno"))
_PREDICATING = frozenset(["too", "very", "so", "zu", "sehr", "trop", "très", "muy"])
_TAGGED = frozenset(("en", "de", "fr", "es", "it"))  # the languages in which nouns are told from other words


@dataclass(frozen=True, slots=True)
class _Match:
    """How much of a claim its evidence has (0 to 1), and what speaks against it."""

    share: float
    against: Reason | None = None


class Evidence:
    """Passages, read once for all sentences that are compared with them. `columns` are the names of a table's columns
    for each passage from one, "" for the others.
    """

    def __init__(self, texts: Sequence[str], columns: Sequence[str] = ()) -> None:
        names = [*columns, *[""] * (len(texts) - len(columns))]
        self._passages = [
            _Passage(number, text, each) for number, (text, each) in enumerate(zip(texts, names, strict=True))
        ]
        self.language = Counter(passage.language for passage in self._passages).most_common(1)[0][0] if texts else "en"
        self._units = [unit for passage in self._passages for unit in passage.units]
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        for number, unit in enumerate(self._units):
            for key in unit.keys:
                self._holding[key].append(number)

    def support(self, sentence: str, among: Collection[int]) -> list[Support]:
        """The evidence for each clause of a sentence in the passages `among`, all of it in one passage if that is
        possible; empty if a clause has none.
        """
        if len(sentence) > _LONGEST_SENTENCE:
            return []
        if quoted := self._quoted(sentence, among):
            return [quoted]
        found = [self._supports(clause, among) for clause in claimed(sentence, self.language)]
        if not all(found):
            return []
        common = [number for number in among if all(number in each for each in found)]
        if common:
            best = max(common, key=lambda number: sum(each[number].share for each in found))
            return [each[best] for each in found]
        return [max(each.values(), key=lambda support: support.share) for each in found]

    def verdict(self, sentence: str, among: Collection[int]) -> Verdict:
        """The same, with the reason if the sentence is not supported: what is said otherwise in the evidence closest to
        a clause that has none.
        """
        if supports := self.support(sentence, among):
            return Verdict(tuple(supports))
        if len(sentence) <= _LONGEST_SENTENCE:
            for clause in claimed(sentence, self.language):
                if not self._supports(clause, among) and (closest := self._closest(clause, among)):
                    reason, against = closest
                    return Verdict(reason=reason, against=against)
        return Verdict(reason=Reason.TOO_LITTLE)

    def _closest(self, clause: Clause, among: Collection[int]) -> tuple[Reason, Support] | None:
        """What speaks against the evidence that has most of a clause, None if there is nothing of the same matter."""
        best: tuple[Reason, Support] | None = None
        for unit in self._worth_a_look(clause, with_figures=False):
            passage = self._passages[unit.passage]
            if unit.passage not in among:
                continue
            match = _compare(clause, unit.clause, passage, self._weight)
            if match.against in (None, Reason.TOO_LITTLE) or match.share < _SAME_MATTER:
                continue
            if best is None or match.share > best[1].share:
                best = match.against, Support(unit.passage, *passage.spans[unit.clause.sentence], match.share)
        return best

    def _quoted(self, sentence: str, among: Collection[int]) -> Support | None:
        """The passage that has the sentence word for word."""
        words = _normalised(_EMPHASIS.sub("", sentence))
        for number in among if words else ():
            if span := self._passages[number].said.get(words):
                return Support(number, *span, 1.0)
        return None

    def _supports(self, clause: Clause, among: Collection[int]) -> dict[int, Support]:
        """The best evidence for a clause in each passage that has any."""
        best: dict[int, Support] = {}
        for unit in self._worth_a_look(clause):
            passage = self._passages[unit.passage]
            if unit.passage not in among:
                continue
            match = _compare(clause, unit.clause, passage, self._weight)
            if match.against is None and (unit.passage not in best or match.share > best[unit.passage].share):
                best[unit.passage] = Support(unit.passage, *passage.spans[unit.clause.sentence], match.share)
        return best

    def _worth_a_look(self, clause: Clause, with_figures: bool = True) -> Iterator[_Unit]:
        """The units that have enough of a clause's words for a closer look, and all of its figures."""
        counts: Counter[int] = Counter()
        needed = 0
        possible: set[int] | None = None
        for place in clause.content:
            term = clause.terms[place]
            holding: set[int] = set()
            for key in term.wanted:
                holding.update(self._holding.get(key, ()))
            counts.update(holding)
            if place in clause.inherited or clause.general_word(place):
                continue
            needed += 1
            if with_figures and term.kind == "figure" and term.plain not in _ONE and not _is_model(clause, place):
                possible = holding if possible is None else possible & holding
        for number, count in counts.items():
            if count >= needed * _WORTH_A_LOOK and (possible is None or number in possible):
                yield self._units[number]

    def _weight(self, term: Term) -> float:
        if term.kind in ("figure", "name"):
            return _FIGURE_WEIGHT
        held = max((len(self._holding.get(key, ())) for key in term.wanted), default=0)
        return 1 / math.sqrt(1 + min(held, 8))


def _normalised(sentence: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", sentence.casefold()))


def claimed(sentence: str, otherwise: str = "en") -> list[Clause]:
    """What a sentence claims: its clauses, and those together of which one says when, why or on what condition the
    other one holds. `otherwise` is the language if its words don't tell.
    """
    text = _INTRODUCTION.sub("", _EMPHASIS.sub("", sentence))
    language = language_of(text, otherwise)
    found: list[Clause] = []
    before: Clause | None = None
    for clause in clauses([terms(text, language)], language):
        if all(clause.general_word(place) for place in clause.content) and (found or clause.dependent):
            continue
        if before is not None and clause.joint in _SAYING and is_doubted(before):
            found[-1] = clause = merged(before, clause)
        else:
            found.append(clause)
        if before is not None and (_orders(clause) or _orders(before)):
            found.append(merged(before, clause))
        before = clause
    return found


def _orders(clause: Clause) -> bool:
    words = clause.grammar
    return clause.joint in words.before | words.after | words.because | words.conditions | {"as", "until", "so"}


@dataclass(frozen=True, slots=True)
class _Unit:
    """One clause of a passage, or several that belong together, as evidence."""

    passage: int
    clause: Clause
    keys: frozenset[str]


class _Passage:
    """One passage: where its sentences are, what its clauses say, and all words in it."""

    def __init__(self, number: int, text: str, columns: str) -> None:
        self.language = language_of(text)
        rows = table_lines(text, columns)
        self.spans: list[Span] = [
            (begin + start, begin + end)
            for begin, until in outside(text, rows)
            for start, end in sentences(text[begin:until])
        ]
        if not (self.spans or rows):
            self.spans = [(0, len(text))]
        unwrapped = _WRAP.sub(" ", text)
        found = clauses([terms(unwrapped[start:end], self.language) for start, end in self.spans], self.language)
        found += read_rows(rows, len(self.spans), self.language)
        self.spans += [(row.start, row.end) for row in rows]
        self.said = {_normalised(text[start:end]): (start, end) for start, end in self.spans}
        self.names = {
            (first.plain, second.plain)
            for clause in found
            for first, second in itertools.pairwise(clause.terms)
            if first.capital and second.capital
        }
        self.keys = frozenset(key for clause in found for term in clause.terms for key in term.offers)
        self.units = [
            _Unit(number, clause, frozenset(key for term in clause.terms for key in term.offers))
            for clause in _together(found)
        ]


def _together(found: Sequence[Clause]) -> Iterator[Clause]:
    """Each clause, and those joined to it that say when, why or on what condition it holds."""
    for place, clause in enumerate(found):
        before = found[place - 1] if place else clause
        if not (clause.joint in _SAYING and before.sentence == clause.sentence and is_doubted(before)):
            yield clause
        whole = clause
        for following in found[place + 1 : place + _MOST_CLAUSES]:
            if following.sentence != whole.sentence or not (following.dependent or whole.dependent):
                break
            whole = merged(whole, following)
            yield whole


def _compare(claim: Clause, evidence: Clause, passage: _Passage, weight: Callable[[Term], float]) -> _Match:
    """How much of a claim its evidence has, and what speaks against its saying the same."""
    compared = Compared(claim, evidence)
    total = matched = additions = 0.0
    paraphrases = 0
    missing: list[int] = []
    for place in claim.content:
        term = claim.terms[place]
        if place in compared.pairs:
            total += weight(term)
            matched += weight(term)
            continue
        if place in claim.inherited and claim.parts.get(place) != "label":
            continue
        match _fate(compared, place, passage):
            case "paraphrase":
                total += weight(term)
                paraphrases += 1
            case "general":
                total += weight(term) * _GENERAL_WEIGHT
            case "addition":
                total += weight(term) / 2
                additions += 0.5 if term.kind == "character" else 1
            case _:
                missing.append(place)
    share = matched / total if total else 0.0
    if missing:
        return _Match(share, _replaced(compared, missing))
    inherited = sum(
        other in evidence.inherited and evidence.parts[other] not in ("label", "antecedent")
        for other in compared.pairs.values()
    )
    if len(compared.pairs) - inherited < inherited / 2:
        return _Match(share, Reason.TOO_LITTLE)  # what is said here is another matter
    most = _MOST_PARAPHRASES if claim.language in _TAGGED else max(1, len(claim.content) // 4)
    if share < _ENOUGH or paraphrases > most:
        return _Match(share, Reason.TOO_LITTLE)
    if additions and (additions > _MOST_ADDITIONS or compared.left_over()):
        return _Match(share, Reason.TOO_LITTLE)
    if compared.takes_over():
        return _Match(share, Reason.SUBJECT)
    return _Match(share, contradiction(compared))


def _replaced(compared: Compared, missing: Sequence[int]) -> Reason:
    """What it is that the evidence has another one of, where the claim has a term that is missing there."""
    claim, evidence = compared.claim, compared.evidence
    free = [
        term
        for place, term in enumerate(evidence.terms)
        if place not in compared.taken and place not in evidence.inherited and term.has_content
    ]
    if len(missing) > 1 and any(claim.terms[place].kind != "name" for place in missing):
        return Reason.TOO_LITTLE
    for place in missing:
        term = claim.terms[place]
        if term.kind == "figure" and any(each.kind == "figure" and each.unit == term.unit for each in free):
            return Reason.DATE if term.unit in ("date", "time") else Reason.FIGURE
        if term.kind == "name" and any(each.kind == "name" for each in free):
            return Reason.NAME
        if term.kind == "word" and (compared.has_other_subject(place) or compared.has_other_attribute(place)):
            return Reason.SUBJECT
    return Reason.TOO_LITTLE


def _fate(compared: Compared, place: int, passage: _Passage) -> str:
    """What it means that the evidence has not got a term: it is "general", a "paraphrase", an "addition" from the
    passage around or to a clause that is there whole, or "missing".
    """
    claim = compared.claim
    term = claim.terms[place]
    known = any(key in passage.keys for key in term.wanted if key[0] not in "~=")
    if term.unit == "ordinal":
        return "missing"
    if term.capital and _is_part_of_name(compared, place, passage):
        return "general"
    if known and _is_model(claim, place):
        return "addition"
    if term.kind == "figure":
        return "general" if term.plain in _ONE and not compared.has_free_figure() else "missing"
    if term.plain in EXCLUSIVE or (
        term.kind == "word" and not claim.verbs[place] and compared.has_other_attribute(place)
    ):
        return "missing"
    if claim.general_word(place):
        if compared.has_other_particle(place) and _has_other_verb(compared, place):
            return "missing"
        other = _has_other_verb(compared, place) or (not claim.verbs[place] and compared.replaces(place))
        return "missing" if known and other else "general"
    if term.kind == "word" and claim.language not in _TAGGED:
        return "missing" if compared.replaces(place) else "paraphrase"
    noun = term.kind != "word" or _is_noun(claim, place)
    if known and isinstance(compared.evidence, Row):
        return "missing"  # it stands in another row
    if known:
        before = claim.terms[place - 1].plain if place else ""
        predicate = term.kind == "word" and (before in claim.grammar.be or before in _PREDICATING)
        other = predicate or compared.has_other_subject(place) or compared.replaces(place)
        return "addition" if noun and not other else "missing"
    if term.kind == "name" or _has_other_verb(compared, place):
        return "missing"
    return "addition" if noun else "paraphrase"


def _is_part_of_name(compared: Compared, place: int, passage: _Passage) -> bool:
    """Whether the term is a title, or a first name that the passage has elsewhere, of a name that the evidence has
    without one or with a title only.
    """
    claim, evidence = compared.claim, compared.evidence
    following = place + 1
    if following not in compared.pairs or not claim.terms[following].capital:
        return False
    other = compared.pairs[following]
    before = evidence.terms[other - 1] if other else None
    bare = before is None or not before.capital or before.kind not in ("name", "word") or other - 1 in compared.taken
    plain = claim.words[place]
    if plain in TITLES:
        return before is None or before.plain not in TITLES
    titled = before is not None and before.plain in TITLES
    return (bare or titled) and (plain, claim.words[following]) in passage.names


def _has_other_verb(compared: Compared, place: int) -> bool:
    """Whether the term is a verb, and the evidence has another one that the claim has not got."""
    verb = compared.evidence.verb
    own = verb >= 0 and verb not in compared.evidence.inherited and compared.evidence.terms[verb].has_content
    return compared.claim.verbs[place] and own and verb not in compared.taken


def _is_model(clause: Clause, place: int) -> bool:
    """Whether a number belongs to the name before it: "Borealis 300"."""
    term = clause.terms[place]
    return term.kind == "figure" and not term.unit and place > 0 and clause.terms[place - 1].capital


def _is_noun(clause: Clause, place: int) -> bool:
    """Whether the word is a noun, or an adjective that belongs to one."""
    term = clause.terms[place]
    if clause.language == "de":
        return term.capital
    if clause.verbs[place]:
        return False
    plain = term.plain
    if clause.language == "en" and plain.endswith("ly"):
        return False
    if follows_article(clause.terms, place, clause.language):
        return not (clause.language == "en" and plain.endswith("ing"))
    return not (clause.language == "en" and plain.endswith(("ing", "ed")))
