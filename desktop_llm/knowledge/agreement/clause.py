"""One clause: its terms, what it inherits from the clauses before it, and which of its words are verbs.

No grammar is known. Verbs are told by their endings, and by their place between a noun and what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from desktop_llm.knowledge.agreement.forms import IRREGULAR_VERBS
from desktop_llm.knowledge.agreement.grammar import Grammar, grammar, word_set
from desktop_llm.knowledge.agreement.stems import keys_of
from desktop_llm.knowledge.agreement.terms import Term, is_negation

IRREGULAR = frozenset(form for form in IRREGULAR_VERBS.split() if form not in ("sale", "weight"))
_PAST_FORMS = frozenset(
    form for line in IRREGULAR_VERBS.splitlines() for form in line.split()[1:] if form != line.split()[0]
) - {"sale", "weight"}


@dataclass
class Clause:
    """What one clause says: its terms, the segment between marks that each is in, and which of them are inherited.

    `verb` is the place of its first verb, -1 if it has none. `joint` is the word or mark before it, `joints` those
    before its segments; `dependent` means that it says when, why or on what condition the clause before or behind it
    holds. `parts` tells inherited terms apart: "label" ("Price:"), "owner" (whose), "patient" (whom), "antecedent" (the
    doctor who …), or "". `starts` are the places where a clause begins that was joined to it.
    """

    terms: list[Term] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    inherited: set[int] = field(default_factory=set)
    verb: int = -1
    joint: str = ""
    dependent: bool = False
    sentence: int = 0
    language: str = "en"
    parts: dict[int, str] = field(default_factory=dict)
    joints: dict[int, str] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)

    @property
    def captions(self) -> frozenset[int]:
        """The places of the terms that only say what kind of thing the clause is about."""
        return frozenset()

    @cached_property
    def words(self) -> list[str]:
        """The text of its terms in small letters."""
        return [term.plain for term in self.terms]

    @cached_property
    def word_set(self) -> frozenset[str]:
        """The same, each once."""
        return frozenset(self.words)

    @cached_property
    def verbs(self) -> list[bool]:
        """Whether each of its terms is a verb."""
        return [is_verb(self.terms, place, self.language) for place in range(len(self.terms))]

    @cached_property
    def negative(self) -> list[int]:
        """The places of its words of negation."""
        return [place for place, term in enumerate(self.terms) if is_negation(term, self.language)]

    @cached_property
    def grammar(self) -> Grammar:
        """The small words of its language."""
        return grammar(self.language)

    @property
    def subject(self) -> list[Term]:
        """The content terms before the verb, or all of them if there is no verb."""
        until = self.verb if self.verb >= 0 else len(self.terms)
        return [term for term in self.terms[:until] if term.has_content]

    def general_word(self, place: int) -> bool:
        """Whether the word belongs to the sentence's own frame, or is a verb that carries little by itself."""
        plain = self.terms[place].plain
        words = self.grammar.general
        if plain in words or plain.removesuffix("s") in words or plain.removesuffix("es") in words:
            return True
        return any(key in _light_stems(self.language) for key in self.terms[place].offers)

    @cached_property
    def content(self) -> list[int]:
        """The places of the terms that say something by themselves."""
        return [place for place, term in enumerate(self.terms) if term.has_content]


@cache
def _light_stems(language: str) -> frozenset[str]:
    return frozenset(next(iter(keys_of(word, language))) for word in grammar(language).light)


def merged(first: Clause, second: Clause) -> Clause:
    """Two clauses as one, in the order of the text."""
    shift = len(first.terms)
    start = shift
    joint = [Term(second.joint, 0, 0, "function", {}, frozenset())] if second.joint.isalpha() else []
    shift += len(joint)
    last = max(first.segments, default=0) + 1
    return Clause(
        terms=[*first.terms, *joint, *second.terms],
        segments=[*first.segments, *([last] * len(joint)), *(last + number for number in second.segments)],
        inherited=first.inherited | {shift + place for place in second.inherited},
        verb=first.verb if first.verb >= 0 else second.verb + shift if second.verb >= 0 else -1,
        joint=first.joint,
        dependent=first.dependent,
        sentence=first.sentence,
        language=first.language,
        joints={**first.joints, **{last + number: joint for number, joint in second.joints.items()}},
        starts=[*first.starts, start, *(shift + place for place in second.starts)],
        parts={**first.parts, **{shift + place: part for place, part in second.parts.items()}},
    )


def is_verb(terms: Sequence[Term], place: int, language: str) -> bool:
    """Whether the term stands where a verb stands, or is an auxiliary."""
    term = terms[place]
    words = grammar(language)
    plain = term.plain
    if plain in words.auxiliaries or plain.removesuffix("n't") in words.auxiliaries or plain in ("cannot", "won't"):
        return term.kind != "figure"
    if term.kind != "word" or (term.capital and place):
        return False
    after = terms[place + 1] if place + 1 < len(terms) else None
    if place == 0 and language == "en" and after is not None and after.plain in words.articles | {"it", "them"}:
        # A command: no noun stands right before an article.
        return not plain.endswith("ing") and (not plain.endswith("ly") or plain in _VERBS_IN_LY)
    skipped = (
        place > 1 and language == "en" and (terms[place - 1].plain in _ADVERBS or terms[place - 1].plain[-2:] == "ly")
    )
    before_term = terms[place - 1 - skipped] if place else None
    before = before_term.plain if before_term else ""
    if before in words.articles or before in words.all or before in words.some:
        return False
    if before in words.prepositions and before not in ("to", "zu"):
        return False
    if before in words.be:
        return language != "en" or is_participle(plain) or plain.endswith("ing")
    if before == "to" and (
        (plain.endswith("s") and not plain.endswith("ss")) or terms[place - 2].plain in _NO_INFINITIVE
    ):
        return False
    if before in ("to", "zu", "not") or before in words.relative or before in words.auxiliaries or before in _PERSONS:
        return True
    if language == "de":
        return bool(re.search("(?:t|te|ten|en)$", plain)) and not (
            after is not None and after.capital and place > 0 and terms[place - 1].kind == "function"
        )
    if language not in ("en", "fr", "es", "it", "ru"):
        return False
    if language == "en":
        return before_term is not None and _is_english_verb(plain, before_term, after, words)
    if place == 0 or not terms[place - 1].has_content or terms[place - 1].kind == "figure" or after is None:
        return False
    return after.kind in ("figure", "function", "name") and not plain.endswith("ment")


_VERBS_IN_LY = word_set("apply supply reply fly rely comply multiply")
_LINKING = word_set("gets becomes remains stays seems looks feels goes turns grows appears smells tastes sounds keeps")
_ADJECTIVE = re.compile(
    r"(?:en|al|ous|ive|ic|ful|able|ible|less|ish|ary)$|^(?:open|new|old|big|small|large|high|low|long|short|hot|cold|dry|wet"
    r"|red|blue|green|white|black|yellow|brown|grey|good|bad|fresh|raw|warm|deep|wide|thin|thick|young|early|late|main"
    r"|strong|weak|hard|soft|clean|dirty|full|empty|free|other|own|more|most|several|many|few|first|last|next)$"
)
_ADVERBS = word_set("usually often always never also still then now later soon rarely seldom sometimes")
_NO_INFINITIVE = word_set("due owing thanks according prior next close similar subject contrary")
_PERSONS = word_set("i you we they he she it that who which")


def is_past(plain: str) -> bool:
    """Whether an English word is a verb in the past, and cannot be one in the present."""
    return plain in _PAST_FORMS or (plain.endswith("ed") and len(plain) > 4)


def is_participle(plain: str) -> bool:
    """Whether an English word is a verb in the past or a participle."""
    return plain in IRREGULAR or (plain.endswith("ed") and len(plain) > 4)


def _is_english_verb(plain: str, before: Term, after: Term | None, words: Grammar) -> bool:
    if is_participle(plain):
        attribute = before.plain.endswith("'s") or (before.kind == "function" and before.plain not in words.pronouns)
        return not (attribute and after is not None and after.kind == "word")
    if (
        before.kind == "figure"
        or not before.has_content
        or plain.endswith(("ly", "ing"))
        or before.plain.endswith("ing")
    ):
        return False
    if after is not None and (
        after.plain in words.auxiliaries or (after.plain == "of" and not plain.startswith("consist"))
    ):
        return False
    if plain in _LINKING:
        return True
    if before.kind == "word" and _ADJECTIVE.search(before.plain) and plain.endswith("s"):
        return False
    plural = before.kind != "name" and before.plain.endswith("s") and not before.plain.endswith(("ss", "us", "is"))
    if plain.endswith("s") == plural:
        return False
    if after is None:
        return plain.endswith("s") and not plain.endswith("ss") and before.kind == "word" and not before.capital
    if before.kind == "name" and plain.endswith("s") and not plain.endswith("'s"):
        return True
    return after.kind in ("figure", "function", "name") or (after.plain.endswith("ly") and plain.endswith("s"))
