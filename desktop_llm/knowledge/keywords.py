"""Words as the keyword index knows them: the same folding for stored text and for questions."""

from __future__ import annotations

import re

# Porter stems English words and hardly changes other languages; accents are removed.
TOKENIZER = "porter unicode61 remove_diacritics 2"

MAX_QUERY_WORDS = 64
# Chinese, Japanese and Korean are written without spaces: pairs of characters stand for words.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0e7f]+")
_WORD = re.compile(r"[^\W_]+")

# Words that say nothing by themselves, in the languages most documents here are in.
_EMPTY = """
a about above after again all also am an and any are as at be because been before being below between both but by
can could did do does doing down during each few for from further had has have having he her here hers him his how
i if in into is it its itself just may me might more most must my no nor not of off on once only or other our out
over own per same shall she should so some such than that the their them then there these they this those through
to too under until up upon very was we were what when where which while who whom why will with would you your
according based mentioned mentions passage passages states stated document documents text source sources provided
given context information answer
aber als am an auch auf aus bei bis da das dass dem den der des die dies diese dieser dieses doch du durch ein eine
einem einen einer eines er es für hat haben ich ihr im in ist ja kann können mit nach nicht noch nur ob oder sein
seine sich sie sind so über um und uns unter vom von vor war waren was wenn werden wie wir wird wurde wurden zu zum
zur laut gemäß
au aux avec ce ces cette dans de des du elle en est et il ils la le les leur ne nous ou par pas plus pour que qui sa
se ses son sont sur un une al como con del el ella en es esta este la las lo los más no para pero por que se su sus
un una y
в во и на не что он она оно они как по из за от до для это был была было были его её их к с у о об но а же
"""
EMPTY_WORDS = frozenset(_EMPTY.split())


def folded(text: str) -> str:
    """The text as it goes into the keyword index."""
    return _UNSPACED.sub(lambda run: f" {_pairs(run.group())} ", text)


def query_words(text: str) -> list[str]:
    """The distinct meaningful words of a question (all words if none is), in lower case, in order, at most 64."""
    found = list(dict.fromkeys(_WORD.findall(folded(text).lower())))
    return ([word for word in found if word not in EMPTY_WORDS] or found)[:MAX_QUERY_WORDS]


def match_any(words: list[str]) -> str:
    """An FTS5 expression that finds any of the words, quoted so that none is taken for an operator."""
    return " OR ".join(f'"{word}"' for word in words)


def _pairs(run: str) -> str:
    return " ".join(run[start : start + 2] for start in range(max(1, len(run) - 1)))
