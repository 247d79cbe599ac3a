"""Words without their endings, and what they share with other words: a meaning, or its opposite.

Words of one group of `lexicon.RELATED` or `synonyms.SYNONYMS` share a key, with a sign that tells a word from its
opposite; those of
`lexicon.CONVERSE` tell one event from its two ends.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from desktop_llm.knowledge.agreement.forms import IRREGULAR_VERBS, OTHER_FORMS
from desktop_llm.knowledge.agreement.grammar import grammar
from desktop_llm.knowledge.agreement.lexicon import CONVERSE, RELATED
from desktop_llm.knowledge.agreement.synonyms import SYNONYMS

# The endings of each language, longer ones before those that they end in.
_ENDING_TABLES = {
    "de": """
ungen ung ernd end sten ste ten tet te en em er es et e n t s""",
    "fr": """
issements issement ements ement ations ation antes ante ants ant eront erait era irait ira aient ait ées és ée é
euses euse eurs eur ives ive
ifs if ent ez er ir ie is it ra es e s x""",
    "es": """
amientos amiento imientos imiento aciones ación iciones ición ciones ción mente ados adas ado ada idos idas ido ida
aron ieron aba arla arlo ará erá irá ar er ir ió ó an en es os as o a e s""",
    "it": """
amenti amento imenti imento azioni azione izioni izione zioni zione mente ati ate ato ata iti ite ito ita uti ute
uto uta
ando endo ano ono erà irà are ere ire ava iva i e a o""",
    "ru": """
ировать ование ывать ться ется ются ского ский ские ческий ение ения ости ость ами ями ого его ому ему ыми ими ать
ять ить еть ает яет ают яют ил ила ило или ал ала ало али ит ят ена ено ены ен ных ный ная ное ные ной ов ев ей ах
ях ам ям ом ем ый ий ая яя ое ее ые ие ла ло
ли ся а я о е и ы у ю ь й""",
}
_ENDINGS = {language: tuple(table.split()) for language, table in _ENDING_TABLES.items()}
_ENGLISH_TABLE = """
isations izations isation ization ications ication ations ation itions ition ments ment ances ance ences ence ness
ities ity ancy ency anc enc ative ativ ives ive iv ables able abl ibles ible ibl ions ion ures ure ur ers er ors or
est als al ful ous ant ent ic"""
_ENGLISH_ENDINGS = tuple(_ENGLISH_TABLE.split())
_ENGLISH_INFLECTIONS = ("ingly", "edly", "ing", "ed", "ly")
_AFTER_THREE = frozenset(("er", "or", "al", "ment", "est"))  # endings that leave a stem of three letters
# Who does it, beside to whom it is done: employer and employee are two.
_WHOLE = frozenset(("employer", "lender", "lessor", "mortgagor", "trainer", "payer", "donor", "licensor"))
_SHORTEST_STEM = 4
_REMEMBERED = 20_000  # words
_PARTY = re.compile("(?:geber|nehmer)(?:in|innen|s|n)?$")  # who orders and who carries out begin alike
_PREFIX = 6  # letters that a longer word shares with others made from the same stem
_OPPOSITE_PREFIX = re.compile(r"^(?:un|non)(?=[^\W\d_]{4})")
_PREFIXES = re.compile(
    "(?:^|[^aeiouäöü])(?:unter|über|gegen|wider|hinter|zurück|neben|nicht|ver|ent|zer|miss|be|er|ge)$"
)
DIACRITICS = re.compile("[\u064b-\u0652\u0670\u0640]")  # of Arabic, which are mostly left out


@lru_cache(_REMEMBERED)
def keys_of(word: str, language: str) -> dict[str, int]:
    """The keys of a word: itself without its ending, the groups it belongs to, and the word it is the opposite of."""
    base = stem(word, language)
    signs = {base: 1}
    groups = _groups(language)
    signs.update({**groups.get(base, {}), **groups.get(word, {})})
    if opposite := _OPPOSITE_PREFIX.match(word):
        signs.setdefault(stem(word[opposite.end() :], language), -1)
    if language == "de" and (verb := _infinitive(word)):
        for key, sign in {verb: 1, **groups.get(verb, {})}.items():
            signs.setdefault(key, sign)
    if language in ("ru", "fr", "es", "it") and len(base) > _PREFIX:
        signs.setdefault(base[:_PREFIX], 1)
    if language == "de" and len(word) > 8:
        if not _PARTY.search(word):
            signs.setdefault(base[:7], 1)
        for cut in range(_SHORTEST_STEM, len(base) - _SHORTEST_STEM):
            if not _PREFIXES.search(base[:cut]):
                signs.setdefault(f"+{base[cut:]}", 1)
    return signs


_SEPARABLE = re.compile("^(zurück|zusammen|ab|an|auf|aus|bei|ein|nach|vor|weg|zu|um)(?=.{4})")


def _infinitive(word: str) -> str:
    """The stem of the verb that a German participle is made from: "abgelehnt", "angenommen"; "" if it is none."""
    prefix = found[0] if (found := _SEPARABLE.match(word)) else ""
    rest = word[len(prefix) :]
    if rest in _irregular() and prefix:
        return stem(prefix + _irregular()[rest], "de")
    if rest.startswith(("ge", "zuge")) and len(rest) > 5:
        return stem(prefix + rest.removeprefix("zu").removeprefix("ge"), "de")
    return ""


@lru_cache(_REMEMBERED)
def stem(word: str, language: str) -> str:
    """A word without its ending, so that its forms are equal."""
    word = _irregular().get(word, word)
    if language == "ar":
        word = DIACRITICS.sub("", word)
        word = re.sub("^(?:[وفبلك]?ال|لل)(?=..)", "", word)
        return re.sub("(?:ات|ون|ين|ها|ية|ه|ة)$", "", word) if len(word) > 3 else word
    if language == "ru":
        word = word.replace("ё", "е")
    endings = _ENDINGS.get(language)
    if endings is None:
        return _english(word)
    for _round in range(2):
        for ending in endings:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM - (language == "fr"):
                word = word[: -len(ending)]
                break
    return _undoubled(word)


def _english(word: str) -> str:
    if len(word) <= 3 or word.removesuffix("s") in _WHOLE:
        return word
    if word.endswith(("ies", "ied")) and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in _ENGLISH_INFLECTIONS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and re.search("[aeiouy]", word[: -len(ending)]):
            word = word[: -len(ending)]
            break
    word = _irregular().get(word, word)
    if word.endswith("y") and len(word) > 4:
        word = word[:-1]
    word = _undoubled(word.removesuffix("e") if len(word) > 4 else word)
    for ending in _ENGLISH_ENDINGS:
        shortest = 3 if ending in _AFTER_THREE else _SHORTEST_STEM
        if (
            word.endswith(ending)
            and len(word) - len(ending) >= shortest
            and re.search("[aeiouy]", word[: -len(ending)])
        ):
            word = word[: -len(ending)]
            break
    return _undoubled(word.removesuffix("e") if len(word) > 3 else word).removesuffix("i")


def _undoubled(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


@cache
def _irregular() -> dict[str, str]:
    return {
        form: line.split()[0]
        for line in (IRREGULAR_VERBS + OTHER_FORMS).strip().splitlines()
        if line
        for form in line.split()[1:]
    }


@cache
def _groups(language: str) -> dict[str, dict[str, int]]:
    """The signed keys of each word in the lexicon, by its form without endings; "=" marks a pair of converses."""
    groups: dict[str, dict[str, int]] = {}
    small = grammar(language).articles | grammar(language).pronouns  # "lessee" without its ending is French "les"
    for mark, table in (("~", RELATED + SYNONYMS), ("=", CONVERSE)):
        for number, line in enumerate(re.sub(r"\n (?=\S)", " ", table).strip().splitlines()):
            for sign, side in zip((1, -1), line.split("|"), strict=False):
                for word in side.split():
                    base = stem(word, language)
                    for form in {word} if base in small else {base, word}:
                        groups.setdefault(form, {}).setdefault(f"{mark}{number}", sign)
    return groups
