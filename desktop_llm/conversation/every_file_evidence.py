"""Finds the place in a file that has what a model noted, and tells whether that place is about what was asked.

Small models note words of the question, things that stand nowhere, and things about other matters. So code looks for
the sentence that has the words of the note; one that has none of the question's matter is shown as not confirmed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from desktop_llm.characters import one_line
from desktop_llm.conversation.coverage import Finding
from desktop_llm.knowledge.client import FilePiece, Knowledge
from desktop_llm.message import Citation

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
# Scripts without blanks between words: two characters stand for one.
_NO_BLANKS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_TIME_OR_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]|20)\d\d(?![\d.,]*\d)|\b\d{1,2}:\d\d\b")
_LEAST_LETTERS, _STEM = 4, 5
_MOST_OF = 0.6  # of the words of a note, if no sentence has all
_LONGEST_ANSWER = 200
# Words of questions in some languages that say nothing about their matter.
_ASKING_WORDS = (
    "list every each which what that this these those there where when whose have does many much from with into "
    "about name names tell show give find documents document files file please their them they were will would "
    "compare summarise summarize everything between "
    "alle aller allen jede jeder jedes jeden welche welcher welches welchen nenne liste zähle viele wieviele gibt "
    "haben eine einen einer eines sind wird werden dokumente dateien "
    "tous toutes tout toute chaque quels quelles quel quelle combien liste listez dans avec sont pour documents "
    "todos todas cada cuáles cuales cuántos cuantos cuántas cuantas enumera lista tiene tienen para documentos"
)
_ASKING = frozenset(_ASKING_WORDS.split())


@dataclass(frozen=True, slots=True)
class Matter:
    """What a question is about: the stems of its words, and the years and times in it."""

    stems: frozenset[str]
    figures: frozenset[str]
    words: frozenset[str]

    @classmethod
    def of(cls, question: str) -> Matter:
        """The matter of a question."""
        words = frozenset(_words(question))
        return cls(
            frozenset(_stem(word) for word in words if word not in _ASKING and _tells(word)),
            frozenset(_TIME_OR_YEAR.findall(question)),
            words,
        )

    def is_in(self, path: str, pieces: Sequence[FilePiece]) -> bool:
        """Whether a file's text mentions it."""
        text = " ".join([PurePath(path).stem, *(f"{piece.header} {piece.text}" for piece in pieces)])
        return bool(_overlap(self, text)) and self.figures <= _figures(text)


def findings(
    knowledge: Knowledge, matter: Matter, path: str, pieces: Sequence[FilePiece], notes: Sequence[str]
) -> tuple[Finding, ...]:
    """The notes that stand in these pieces of a file, each with its place; equal ones come once."""
    found: dict[str, Finding] = {}
    name = PurePath(path).stem
    for note in notes:
        if (finding := _located(matter, path, name, pieces, one_line(note).strip(" .;,#|>*-"))) is not None:
            known = found.setdefault(key_of(finding.answer), finding)
            if finding.confirmed and not known.confirmed:
                found[key_of(finding.answer)] = finding
    return _checked(knowledge, list(found.values()))


def key_of(answer: str) -> str:
    """What equal answers have in common: their letters and figures."""
    words = [word for word in _words(answer) if word not in ("the", "der", "die", "das", "la", "le", "les", "el")]
    return " ".join(words) or answer


def passage_of(number: int, path: str, piece: FilePiece) -> Citation:
    """A piece of a file as a passage that an answer can be checked against."""
    return Citation(number, path, piece.page, piece.start, piece.end, piece.text, 1.0, True, piece.place)


def _located(matter: Matter, path: str, name: str, pieces: Sequence[FilePiece], note: str) -> Finding | None:
    words = [word for word in _words(note) if word]
    if not words:
        return None
    best: tuple[tuple[float, int, int], FilePiece, int, int] | None = None
    for piece in pieces:
        around = f"{name} {piece.place} {piece.header}"
        for start, end in piece.sentences:
            sentence = piece.text[start - piece.start : end - piece.start]
            there = set(_words(sentence))
            share = sum(word in there for word in words) / len(words)
            if share < _MOST_OF:
                continue
            rank = (share, len(matter.figures & _figures(f"{sentence} {around}")), _overlap(matter, sentence))
            if best is None or rank > best[0]:
                best = rank, piece, start, end
    if best is None:
        return None
    (share, figures, overlap), piece, start, end = best
    sentence = piece.text[start - piece.start : end - piece.start]
    around = f"{name} {piece.place} {piece.header}"
    is_about = bool(overlap or _overlap(matter, around)) or not matter.stems
    answer = note if share == 1 and not set(words) <= matter.words else one_line(sentence)
    citation = Citation(0, path, piece.page, start, end, sentence, round(share, 4), False, piece.place)
    return Finding(answer[:_LONGEST_ANSWER], citation, is_about and figures == len(matter.figures))


def _checked(knowledge: Knowledge, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings after the check that all citations get: one that fails it is not confirmed."""
    quotes = [replace(each.citation, number=number) for number, each in enumerate(found, 1)]
    said = "\n".join(f"{each.answer.rstrip('.:?!')} [{number}]" for number, each in enumerate(found, 1))
    verified = {each.number for each in knowledge.cite(said, quotes).citations if each.verified} if quotes else set()
    return tuple(
        replace(
            each,
            citation=replace(quote, verified=quote.number in verified),
            confirmed=each.confirmed and quote.number in verified,
        )
        for each, quote in zip(found, quotes, strict=True)
    )


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        at = 0
        for run in _NO_BLANKS.finditer(word):
            found += [word[at : run.start()]] if run.start() > at else []
            found += _pairs(run.group())
            at = run.end()
        found += [word[at:]] if at < len(word) else []
    return found


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def _tells(word: str) -> bool:
    return len(word) >= _LEAST_LETTERS or bool(_NO_BLANKS.match(word))


def _stem(word: str) -> str:
    return word[:_STEM]


def _overlap(matter: Matter, text: str) -> int:
    return len(matter.stems & {_stem(word) for word in _words(text)})


def _figures(text: str) -> frozenset[str]:
    return frozenset(_TIME_OR_YEAR.findall(text))
