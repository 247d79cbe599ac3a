"""A text as the terms that two sentences can be compared by: words, figures, names, and the marks between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from desktop_llm.knowledge.agreement import figures
from desktop_llm.knowledge.agreement.grammar import function_words, grammar, word_set
from desktop_llm.knowledge.agreement.stems import DIACRITICS, keys_of, stem

_TERM = re.compile(
    r"(?P<break>\n\s*|[,;:()\[\]–—|。！？，；：、（）]|\s-\s)"
    r"|(?P<han>[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
    r"|(?P<word>[^\W\d_]+(?:\d[^\W_]*)|(?:[^\W\d_]|[\u064b-\u0652\u0670])+(?:['’][^\W\d_]+)*|[^\W_]+)"
)
_ELIDED = re.compile(r"^(?:[ldjmtscn]|qu|jusqu|lorsqu|puisqu)['’](?=\w)", re.IGNORECASE)
_ELIDED_ITALIAN = re.compile(r"^(?:l|d|un|c|s|dell|nell|all|dall|sull|quest|quell)['’](?=\w)", re.IGNORECASE)
_ARABIC = re.compile("[\u0600-\u06ff]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LETTERS = {
    "it": re.compile("[ìò]"),
    "de": re.compile("[äöüß]"),
    "fr": re.compile("[èêçœàù]"),
    "es": re.compile("[ñ¿¡íóú]"),
}
_LANGUAGE_WORDS = {
    "en": word_set("the of and to in is was for with by on are at be that from it must may not"),
    "de": word_set("der die das und ist nicht den von mit für im dem des ein eine wird werden wurde auf zu"),
    "fr": word_set("le la les des du est et une un dans pour sur au aux de par sont ne pas a"),
    "it": word_set("il lo gli i di che è e non per con del della dei delle nel nella un una sono si da dal alla al"),
    "es": word_set("el la los las del es y una un en para por se de con no al que"),
}
_UNSPACED_NEGATIONS = frozenset("不没沒無无未非别別勿禁")
_SILENT_CHARACTERS = frozenset("的了在是和与被把于到从有都地得着过也就将对为及或每个元号须要可以")
# Phrases that say what a word says, which is never longer, so that everything keeps its place.
_PHRASES = [
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), word)
    for pattern, word in {
        "los(?:e|es|t|ing) (?:their|his|her|its) li(?:fe|ves)": "died",
        "steps? down|stepping down": "resign",
        "stepped down": "resigned",
        "(?:has|have) yet to": "has not",
        "with the exception of|apart from": "except",
        "free of charge|at no (?:extra )?(?:cost|charge)|for free|without (?:charge|cost)": "free",
        "three quarters of an hour": "45 minutes",
        "half a year": "6 months",
        "a year and a half": "18 months",
        "as well as": "and",
        "a couple of": "two",
        "(?:takes?|taking) place": "happens",
        "(?:took|taken) place": "happened",
        "(?:call|calls|called) off": "cancel",
        "(?:hand|hands|handed) in": "submit",
        "turn(?:s|ed)? down": "reject",
        "get rid of|got rid of|(?:throw|thrown|threw) away": "discard",
        "(?:put|puts) off": "delay",
        "(?:carry|carries|carried) out": "perform",
        "play(?:s|ed)? a (?:part|role) in": "contributed to",
        "(?:is|are) allowed to": "may",
        "(?:is|are) (?:required|obliged) to": "must",
        "in order to": "to",
        "due to the fact that": "because",
        "because of|on account of|as a consequence of|as a result of|owing to": "due to",
        "in a row": "running",
        "every other week": "every 2 weeks",
    }.items()
]
_COMPARING = word_set(
    """more less fewer least most above below under over beneath minimum maximum exceeding höchstens mindestens mehr
    weniger über unter plus moins más menos máximo mínimo"""
)
_DETERMINING = word_set("the this that each which no any some")
_FOREIGN_ONE = word_set("ein eine einen einer einem eines un une una")
_REPEATING = word_set("every each chaque cada")
_TIMES = {"twice": 2, "thrice": 3, "zweimal": 2, "dreimal": 3}
_LONGEST_FIGURE = 6  # words
_HALF_OF = re.compile(r"\s+(?:an?|of an?)(?=\s)")


@dataclass(frozen=True, slots=True)
class Term:
    """One word, figure or mark at `[start:end]` of a text.

    `kind`: "word", "function" (a small word), "figure", "name", "character" (of a language without blanks) or "break".
    `offers` are the keys it is found by, with the sign that tells opposites apart; `wanted` those that another must
    have one of. `plain` is the text in small letters, `unit` that of a figure.
    """

    text: str
    start: int
    end: int
    kind: str
    offers: Mapping[str, int]
    wanted: frozenset[str]
    capital: bool = False
    unit: str = ""
    plain: str = field(init=False)
    has_content: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", self.text.casefold().replace("’", "'"))
        object.__setattr__(self, "has_content", self.kind not in ("function", "break"))

    def sign_of(self, other: Term) -> int:
        """How this one is offered by `other`: 1 for the same, -1 for the opposite, 0 for not at all."""
        best = 0
        for key in self.wanted:
            if key in other.offers:
                sign = self.offers.get(key, 1) * other.offers[key]
                if sign > 0:
                    return 1
                best = sign
        return best


def language_of(text: str, otherwise: str = "en") -> str:
    """The language of a text by its small words: "en", "de", "fr", "es", "it", "ru" or "ar"; `otherwise` if they are
    too few to tell.
    """
    if _ARABIC.search(text):
        return "ar"
    if _CYRILLIC.search(text):
        return "ru"
    counts = Counter(re.findall(r"[^\W\d_]+", text.casefold()))
    scores = {language: sum(counts[word] for word in words) for language, words in _LANGUAGE_WORDS.items()}
    for language, letters in _LETTERS.items():
        scores[language] += bool(letters.search(text))
    best = max(scores, key=lambda language: scores[language])
    if scores[best] > max(scores["en"], 1):
        return best
    return "en" if scores["en"] > 1 or otherwise not in scores else otherwise


def terms(text: str, language: str) -> list[Term]:
    """The terms of a text, in order."""
    if language == "en":
        for pattern, word in _PHRASES:
            text = pattern.sub(lambda match, word=word: word.ljust(len(match[0])), text)  # type: ignore[misc]
    found: list[Term] = []
    position = 0
    for figure in figures.figures(text, language):
        found += _words(text, position, figure.start, language)
        term = _figure(text[figure.start : figure.end], figure.start, figure.end, figure.offers, figure.wanted)
        found.append(replace(term, unit=figure.kind))
        position = max(position, figure.end)
    found += _words(text, position, len(text), language)
    return _bounded(_joined(_with_hyphens(found, text, language), text))


def is_negation(term: Term, language: str) -> bool:
    """Whether the term is a word of negation."""
    plain = term.plain
    return plain in grammar(language).negations or plain in _UNSPACED_NEGATIONS or plain.endswith("n't")


def follows_article(found: Sequence[Term], position: int, language: str) -> bool:
    """Whether an article or a preposition stands before the term, so that it is a noun or belongs to one."""
    if position == 0:
        return False
    before = found[position - 1].plain
    words = grammar(language)
    return before in words.articles or before in words.prepositions


def _figure(text: str, start: int, end: int, offers: frozenset[str], wanted: frozenset[str], unit: str = "") -> Term:
    return Term(text, start, end, "figure", dict.fromkeys(offers, 1), wanted, unit=unit)


def _words(text: str, start: int, end: int, language: str) -> Iterator[Term]:
    lead = text[max(0, start - 8) : start].rstrip()
    before = "." if not start or lead.endswith((".", "!", "?", ":")) else ","
    for match in _TERM.finditer(text, start, end):
        if match["break"]:
            mark = match["break"].strip() or "\n"
            yield Term(mark, match.start(), match.end(), "break", {}, frozenset())
            before = "." if mark[0] in ":。！？：\n" else before
            continue
        yield _character(match) if match["han"] else _word(match[0], match.start(), match.end(), language, before)
        before = match[0]


def _character(match: re.Match[str]) -> Term:
    sign = figures.CHINESE_DIGITS.get(match[0], match[0])
    kind = "figure" if sign.isdigit() else "function" if sign in _SILENT_CHARACTERS else "character"
    return Term(match[0], match.start(), match.end(), kind, {sign: 1}, frozenset((sign,)))


def _word(word: str, start: int, end: int, language: str, before: str) -> Term:
    if language == "it" and (elided := _ELIDED_ITALIAN.match(word)):
        word = word[elided.end() :]
    if language == "fr" and (elided := _ELIDED.match(word)):
        if word.casefold().endswith("après"):
            return Term(word, start, end, "function", {}, frozenset())
        word = word[elided.end() :]
    plain = DIACRITICS.sub("", word.casefold().replace("’", "'")).removesuffix("'s").removesuffix("'")
    if figure := _figure_word(word, plain, start, end, language, before):
        return figure
    capital = word[0].isupper()
    if any(character.isdigit() for character in word):
        return Term(word, start, end, "name", {plain: 1}, frozenset((plain,)), capital)
    leads = before in ("", ".")
    small = plain in function_words(language) or plain.endswith("n't") or len(plain) == 1
    if len(word) == 1 and capital and word != "I" and not leads:
        small = False  # a label: "zone C"
    kind = "function" if small else "name" if capital and not leads and language != "de" else "word"
    signs: Mapping[str, int] = keys_of(plain, language)
    if len(plain) > 1 and (unit := figures.UNITS.get(plain)):
        signs = {**signs, f"|{unit}": 1}
    wanted = {key for key in signs if key[0] != "+"}
    if language == "de" and capital:
        wanted.add(f"+{stem(plain, language)}")  # "the contract" may be a tenancy contract, and not the other way round
    return Term(word, start, end, kind, signs, frozenset(wanted), capital)


def _figure_word(word: str, plain: str, start: int, end: int, language: str, before: str) -> Term | None:
    """The figure that a word stands for: a month, a number, an ordinal, "half", "twice"."""
    if named := figures.month(word, before):
        return _figure(word, start, end, named.offers, named.wanted, "date")
    if times := _TIMES.get(plain):
        return _figure(word, start, end, *figures.amount(times, "times"), "times")
    if plain == "half":
        keys = frozenset(("0.5", "half"))
        return _figure(word, start, end, keys, keys)
    if (number := figures.number_word(plain, language)) is not None:
        return _figure(word, start, end, *figures.amount(number))
    if (place := figures.ordinal(plain)) is not None:
        offers, wanted = figures.amount(place, ordinal=True)
        signs = {**dict.fromkeys(offers, 1), **keys_of(plain, language)}
        kind = "figure" if place > 1 else "word"  # the first has an opposite, the last
        return Term(word, start, end, kind, signs, wanted | frozenset(signs), unit="ordinal")
    return None


def _with_hyphens(found: list[Term], text: str, language: str) -> list[Term]:
    """The terms, those with a hyphen between them found by the whole word too: "breast-feeding", "breastfeeding"."""
    for place in range(len(found) - 1):
        first, second = found[place], found[place + 1]
        if second.start - first.end != 1 or text[first.end] != "-" or {first.kind, second.kind} - {"word", "name"}:
            continue
        whole = keys_of(first.plain + second.plain, language)
        for at in (place, place + 1):
            term = found[at]
            found[at] = replace(term, offers={**whole, **term.offers}, wanted=term.wanted | frozenset(whole))
    return found


def _joined(found: list[Term], text: str) -> list[Term]:
    """The terms with figures put together that are written in several words: "thirty-five", "two hundred", "six weeks",
    "half a litre".
    """
    joined: list[Term] = []
    end = 0
    for place, term in enumerate(found):
        if term.start < end:
            continue  # a part of the figure before it
        if term.plain in _FOREIGN_ONE and (unit := figures.unit_behind(text, term.end))[0]:
            term = _figure(text[term.start : unit[1]], term.start, unit[1], *figures.amount(1, unit[0]), unit[0])
        elif term.kind == "figure" and term.unit not in ("date", "time"):
            term = _whole_figure(
                term, found[place + 1 : place + _LONGEST_FIGURE], text, joined[-1].plain if joined else ""
            )
        joined.append(term)
        end = max(end, term.end)
    return joined


def _whole_figure(term: Term, following: Sequence[Term], text: str, before: str) -> Term:
    """A figure with the words that go on with it, and its unit."""
    value, end = _value(term), term.end
    if value is None:
        return term
    for other in following:
        more = _continued(value, other, text[end : other.start])
        if more is None:
            break
        value, end = more, other.end
    if term.plain == "half" and (article := _HALF_OF.match(text, end)):
        end = article.end()
    ordinal = term.unit == "ordinal" and before not in _REPEATING  # "every second year" is every two years
    if end == term.end and (term.text[-1].isdigit() or (term.unit and (ordinal or term.unit != "ordinal"))):
        return term
    unit, end = figures.unit_behind(text, end)
    if term.plain == "half" and not unit:
        return term
    offers, wanted = figures.amount(value, unit, ordinal and not unit)
    return _figure(text[term.start : end], term.start, end, offers, wanted, unit or term.unit)


def _value(term: Term) -> float | None:
    plain = [key for key in term.offers if re.fullmatch(r"\d[\d.e+]*", key) and not key.endswith(".")]
    return float(plain[0]) if plain else None


def _continued(value: float, following: Term, between: str) -> float | None:
    if between.strip() not in ("", "-"):
        return None
    if (times := figures.scale(following.plain)) and following.plain != "k":
        return value * times
    more = figures.number_word(following.plain)
    if more is not None and 20 <= value < 100 and value % 10 == 0 and 0 < more < 10:
        return value + more
    return None


def _bounded(found: list[Term]) -> list[Term]:
    """The terms, with the words of a bound before a figure ("longer than 5 m") as small words: they are no matter."""
    for place, term in enumerate(found):
        if term.plain == "one" and _is_pronoun(found, place):
            found[place] = replace(term, kind="function")
        if term.kind != "figure":
            continue
        for before in range(max(0, place - 3), place):
            plain = found[before].plain
            than = found[before + 1].plain in ("than", "als")
            if found[before].kind == "word" and (plain in _COMPARING or (than and plain.endswith("er"))):
                found[before] = replace(found[before], kind="function")
    return found


def _is_pronoun(found: Sequence[Term], place: int) -> bool:
    """Whether "one" stands for a thing or nobody: "the blue one is", "no one"."""
    before = found[place - 1] if place else None
    after = found[place + 1] if place + 1 < len(found) else None
    if before is None or (after is not None and after.has_content):
        return False
    return before.kind == "word" or before.plain in _DETERMINING
