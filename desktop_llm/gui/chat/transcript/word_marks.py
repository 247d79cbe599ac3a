"""The words of an answer that can be looked into: which token each piece of the shown text is, and its marks."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QTextDocument

from desktop_llm.gui.look.rich_text import Typography, letters_of, range_rects, rects_of
from desktop_llm.gui.look.widgets.painting import draw_box
from desktop_llm.tokens import Token
from desktop_llm.words import plural, tr

Level = Literal["certain", "fairly", "open", "guess"]
_LEAST: tuple[tuple[float, Level], ...] = ((0.9, "certain"), (0.6, "fairly"), (0.3, "open"))
_PROBES = ((12, 4_000), (6, 400), (3, 40))
"""So many letters that are shown next are looked for among so many of the answer's."""
_MARKS = "*_`~#>|[]\\"
_NO_MARKS = str.maketrans("", "", _MARKS)
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", ":")
_LONGEST_SENTENCE = 120  # tokens


def level_of(probability: float) -> Level:
    """How sure the model was of a token."""
    return next((level for least, level in _LEAST if probability >= least), "guess")


def level_words(level: Level) -> str:
    """A level in words."""
    words: dict[Level, str] = {
        "certain": tr("Certain"),
        "fairly": tr("Fairly certain"),
        "open": tr("Open"),
        "guess": tr("A guess"),
    }
    return words[level]


def counted(levels: Counter[Level]) -> str:
    """ "37 words certain, 5 fairly certain, 2 open"."""
    words: dict[Level, str] = {
        "certain": plural("%n token certain", "%n tokens certain", levels["certain"]),
        "fairly": plural("%n fairly certain", "%n fairly certain", levels["fairly"]),
        "open": plural("%n open", "%n open", levels["open"]),
        "guess": plural("%n a guess", "%n guesses", levels["guess"]),
    }
    return ", ".join(text for level, text in words.items() if levels[level] or level == "certain")


def sentence_around(tokens: Sequence[Token], at: int) -> range:
    """The tokens of the sentence that the token `at` belongs to."""
    first, last = at, at
    while first > 0 and at - first < _LONGEST_SENTENCE and not _ends(tokens[first - 1]):
        first -= 1
    while last + 1 < len(tokens) and last - at < _LONGEST_SENTENCE and not _ends(tokens[last]):
        last += 1
    return range(first, last + 1)


def _ends(token: Token) -> bool:
    return "\n" in token.text or token.text.endswith(_SENTENCE_ENDS)


class WordFinder:
    """Finds the tokens of an answer in the documents that show it, which are asked for in order.

    What is shown is what the model wrote without the marks of Markdown, addresses of links, thinking and calls of
    tools, so the letters of both are compared, without blanks and marks. Where they part, the next letters that are
    shown tell where it goes on.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._owners: list[int] = []
        pieces = []
        for number, token in enumerate(tokens):
            letters = "".join(token.text.translate(_NO_MARKS).split())
            pieces.append(letters)
            self._owners += [number] * len(letters)
        self._letters = "".join(pieces)
        self._at = 0
        self.levels: Counter[Level] = Counter()
        self._counted: set[int] = set()

    def marks(self, document: QTextDocument) -> WordMarks:
        """The words of the next document."""
        shown = [(letter, at) for letter, at in zip(*letters_of(document), strict=True) if letter not in _MARKS]
        letters, positions = "".join(letter for letter, _at in shown), [at for _letter, at in shown]
        spans: list[tuple[int, int, int]] = []
        for place, owner in enumerate(self._owners_of(letters)):
            if owner < 0 or self._tokens[owner].probability is None:
                continue
            start = positions[place]
            if spans and spans[-1][2] == owner:
                spans[-1] = (spans[-1][0], start + 1, owner)
            else:
                spans.append((start, start + 1, owner))
        for _start, _end, owner in spans:
            probability = self._tokens[owner].probability
            if owner not in self._counted and probability is not None:
                self._counted.add(owner)
                self.levels[level_of(probability)] += 1
        return WordMarks(document, spans, self._tokens)

    def _owners_of(self, letters: str) -> list[int]:
        """The number of the token of each of these letters, -1 for those that are not the answer's."""
        found: list[int] = []
        source, place = self._letters, 0
        while place < len(letters):
            at, start = self._at, place
            while place < len(letters) and at < len(source) and letters[place] == source[at]:
                place, at = place + 1, at + 1
            found += self._owners[self._at : at]
            self._at = at
            if place == len(letters):
                break
            following = self._next(letters, place, at)
            if following >= 0:
                self._at = following
            elif place == start:
                found.append(-1)
                place += 1
        return found

    def _next(self, letters: str, place: int, at: int) -> int:
        """Where the answer goes on with the letters from `place` on, -1 if it does not."""
        for length, reach in _PROBES:
            probe = letters[place : place + length]
            following = self._letters.find(probe, at, at + (reach if len(probe) == length else _PROBES[-1][1]))
            if following >= 0:
                return following
        return -1


class WordMarks:
    """The words in one document. `lit` is the token that is looked at, -1 if it is none of this answer's, and
    `sentence` are those around it.
    """

    def __init__(self, document: QTextDocument, spans: list[tuple[int, int, int]], tokens: Sequence[Token]) -> None:
        self._document, self._spans, self._tokens = document, spans, tokens
        self._starts = [start for start, _end, _owner in spans]
        self._places: dict[int, list[int]] = {}
        for place, (_start, _end, owner) in enumerate(spans):
            self._places.setdefault(owner, []).append(place)
        self.lit = -1
        self.sentence = range(0)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the tokens in this document, in order."""
        return [owner for _start, _end, owner in self._spans]

    def rects(self, token: int) -> list[QRectF]:
        """The rectangles of a token in the document, one for each line."""
        return [rect for place in self._places.get(token, ()) for rect in self._rects_at(place)]

    def token_at(self, point: QPointF) -> int:
        """The token at a point of the document, -1 if there is none."""
        position = self._document.documentLayout().hitTest(point, Qt.HitTestAccuracy.FuzzyHit)
        near = bisect_right(self._starts, position) - 1
        for place in (near, near - 1, near + 1):
            if 0 <= place < len(self._spans) and any(rect.contains(point) for rect in self._rects_at(place)):
                return self._spans[place][2]
        return -1

    def _rects_at(self, place: int) -> list[QRectF]:
        start, end, _owner = self._spans[place]
        return range_rects(self._document, start, end)

    def paint_below(self, painter: QPainter, type_: Typography) -> None:
        """Paint the box of the token that is looked at, below the text."""
        if self.lit >= 0:
            for rect in self.rects(self.lit):
                box = rect.adjusted(-3, -2, 3, 3).toRect()
                draw_box(painter, box, 4, type_.colour("accent_soft"), type_.colour("accent"))

    def paint_above(self, painter: QPainter, type_: Typography) -> None:
        """Paint the ends of the tokens of the sentence, and dashed lines under those that the model was unsure of."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        dashes, ends = QPen(type_.colour("text_secondary"), 1), QPen(type_.colour("border"), 1)
        dashes.setDashPattern([4, 3])
        marked = [span for span in self._spans_in(painter) if self._is_unsure(span[2]) or span[2] in self.sentence]
        rects = rects_of(self._document, [(start, end) for start, end, _owner in marked])
        for (_start, _end, owner), boxes in zip(marked, rects, strict=True):
            for rect in boxes if owner != self.lit else ():
                if self._is_unsure(owner):
                    painter.setPen(dashes)
                    painter.drawLine(rect.bottomLeft() + QPointF(0, 2), rect.bottomRight() + QPointF(0, 2))
                if owner in self.sentence:
                    painter.setPen(ends)
                    painter.drawLine(rect.topRight() + QPointF(2, -3), rect.bottomRight() + QPointF(2, 3))

    def _is_unsure(self, token: int) -> bool:
        probability = self._tokens[token].probability
        return probability is not None and level_of(probability) in ("open", "guess")

    def _spans_in(self, painter: QPainter) -> list[tuple[int, int, int]]:
        """The words in the region that is painted; thousands of others may lie above and below it."""
        if not painter.hasClipping():
            return self._spans
        clip, find = painter.clipBoundingRect(), self._document.documentLayout().hitTest
        first = find(QPointF(0, clip.top()), Qt.HitTestAccuracy.FuzzyHit)
        last = find(QPointF(self._document.size().width(), clip.bottom()), Qt.HitTestAccuracy.FuzzyHit)
        return self._spans[max(0, bisect_right(self._starts, first) - 1) : bisect_right(self._starts, last)]
