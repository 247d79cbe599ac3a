"""Which words of a question say nothing by themselves, decided by its language and by how they are written.

"war" is empty in German and not in English; "May", "WHO", "IT" and "Will" are empty only in small letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ENGLISH = """
a about above after again all also am an and any are as at be because been before being below between both but by
can could did do does doing down during each few for from further had has have having he her here hers him his how
i if in into is it its itself just may me might more most must my no nor not of off on once only or other our out
over own per same shall she should so some such than that the their them then there these they this those through
to too under until up upon very was we were what when where which while who whom whose why will with would you your
"""
# What people say about documents in general, and what goes around a question.
_ABOUT_DOCUMENTS = """
according based mentioned mentions passage passages states stated document documents text source sources provided
given context information answer please tell say says
laut gemäß bitte
"""
_GERMAN = """
aber als am an auch auf aus bei beim bis da das dass dem den der des die dies diese diesem diesen dieser dieses doch du
durch ein eine einem einen einer eines er es für gibt hat haben hatte ich ihr ihre im in ins ist ja kann können man mehr
mit nach nicht noch nur ob oder sein seine seit sich sie sind so um und uns unter vom von vor war waren warum was welche
welchem welchen welcher welches wenn wer werden wie wieviel wir wird wo worden wurde wurden zu zum zur über
"""
_FRENCH = """
au aux avec ce ces cette dans de des du elle elles en est et il ils je la le les leur leurs mais me ne nous on ont ou où
par pas plus pour quand que quel quelle quelles quels qui sa sans se ses son sont sur un une à été était
"""
_SPANISH = """
al como con cuando cuál cuándo cuánto cuántos cómo de del dónde el ella en es esta este fue ha hay la las lo los más no
o para pero por que qué quién se son su sus un una y
"""
_ITALIAN = """
al alla che chi come con cosa da dal dei del della delle di dove e gli ha i il in la le lo nel nella non o per perché
più quale quali quando quanto quanti sono su un una è
"""
_RUSSIAN = """
а был была были было бы в во для до его ее если её же за и из или их к как какая какие какое какой ко когда кто ли мне
на не ни но о об он она они оно от по при с со так то у что чтобы это эта этот где сколько
"""
_ARABIC = """
في من إلى على عن ما ماذا متى أين كيف كم هل هو هي هم هذا هذه ذلك تلك التي الذي أن إن كان كانت و أو ثم مع لم لا قد
"""
_LISTS = tuple(frozenset(each.split()) for each in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _RUSSIAN, _ARABIC))
_GENERAL = frozenset(_ABOUT_DOCUMENTS.split())
EMPTY_WORDS = _GENERAL.union(*_LISTS)
"""The empty words of all languages."""

# Empty in one language and a word of its own in another: alone, they say nothing about the language.
_DOUBTFUL_WORDS = "war die man hat den son par des sur con come chi per was sein mit also am an so in"
_DOUBTFUL = frozenset(_DOUBTFUL_WORDS.split())
_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)


def empty_words_of(text: str) -> frozenset[str]:
    """The words, in lower case, that are empty in this text: those of the language most of its words are from."""
    words = _WORD.findall(text.lower())
    counts = [sum(word in each for word in words) for each in _LISTS]
    sure = [sum(word in each and word not in _DOUBTFUL for word in words) for each in _LISTS]
    best = max(sure) or max(counts)
    if not best:
        return _GENERAL
    of_best = [
        each
        for each, count, certain in zip(_LISTS, counts, sure, strict=True)
        if (certain if any(sure) else count) == best
    ]
    found = _GENERAL.union(*of_best)
    return found if any(sure) else found - _DOUBTFUL


def named(words: Sequence[str], empty: frozenset[str]) -> frozenset[str]:
    """Those of a question's words, as they are written in it, that are names although they are empty in small letters:
    "May" within a sentence, "IT" and "WHO" unless all is in capitals, "Will" before another name.
    """
    shouted = sum(word.isupper() for word in words) > len(words) / 2
    found = set()
    for at, word in enumerate(words):
        if word.lower() not in empty or not _LATIN.match(word):
            continue
        following = words[at + 1] if at + 1 < len(words) else ""
        before_name = following[:1].isupper() and following.lower() not in empty
        acronym = len(word) > 1 and word.isupper() and not shouted
        inside = at > 0 and len(word) > 1 and word[0].isupper() and not shouted
        first = at == 0 and word in _FIRST_NAMES and before_name
        if acronym or inside or first:
            found.add(word)
    return frozenset(found)


_FIRST_NAMES = frozenset({"Will", "May", "Per", "Son", "Con"})
