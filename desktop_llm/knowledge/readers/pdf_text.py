"""A PDF page's stored text, and the way back from a place in it to the characters on the page.

Stored text is pdfium's text after a few replacements (line ends, hyphens at line ends, ligatures, control characters,
vertical writing), with what people wrote into the page (`Addition`) in its places. `stored_text` makes them both for
reading and for drawing, and keeps the origin of each piece, so a passage is highlighted exactly where it stands.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pypdfium2.raw as pdfium

# Letters of East Asian writing, which stands in columns too: pdfium may give each its own line then.
_UPRIGHT = r"[\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60]"
_REPLACED = re.compile(
    r"(?P<hyphen>[\ufffe\x02\xad](?:\r\n)?)"
    rf"|(?P<vertical>(?:(?<=\n{_UPRIGHT})|(?<=\A{_UPRIGHT}))\r\n(?={_UPRIGHT}(?:\r|\Z)))"
    r"|(?P<newline>[ \t]*(?:\r\n|\r|\n))"
    r"|(?P<ligature>[\ufb00-\ufb06])"
    r"|(?P<control>[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff])"
)
_HYPHENS = "\ufffe\x02\xad"
_SAMPLE = 400  # letters of a page that are looked at
_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Addition:
    """Words that are no part of the page's own text: they are read at `at` of the raw text, and stand in `box`, their
    rectangle on the page (left, bottom, right, top).
    """

    at: int
    words: str
    box: Box


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of stored text: where it starts there and in the raw text, whether it was kept as it is, and for an
    addition, its rectangle.
    """

    start: int
    raw_start: int
    kept: bool
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text, the raw text it was made of, and its pieces in order."""

    text: str
    raw: str
    pieces: tuple[Piece, ...]

    def piece(self, position: int) -> Piece:
        """The piece that holds `position`."""
        return self.pieces[bisect_right(self.pieces, position, key=lambda piece: piece.start) - 1]

    def raw_index(self, position: int) -> int:
        """The code point of the raw text that `position` of the stored text came from."""
        piece = self.piece(position)
        return piece.raw_start + (position - piece.start if piece.kept else 0)


def stored_text(raw: str, additions: Sequence[Addition] = ()) -> StoredText:
    """Normalise pdfium's text of a page; the same page always gives the same text."""
    parts: list[str] = []
    pieces: list[Piece] = []
    length = raw_at = 0

    def add(part: str, raw_start: int, *, kept: bool, box: Box | None = None) -> None:
        nonlocal length
        if part:
            parts.append(part)
            pieces.append(Piece(length, raw_start, kept, box))
            length += len(part)

    waiting = sorted(additions, key=lambda addition: addition.at)[::-1]

    def keep(start: int, end: int, through: int) -> None:
        """Keep raw[start:end], with the additions up to `through`."""
        while waiting and waiting[-1].at <= through:
            addition = waiting.pop()
            at = max(start, min(addition.at, end))
            add(raw[start:at], start, kept=True)
            words = addition.words if length else addition.words.lstrip("\n")
            add(words, at, kept=False, box=addition.box)
            start = at
        add(raw[start:end], start, kept=True)

    for match in _REPLACED.finditer(raw):
        keep(raw_at, match.start(), match.end() - 1)
        add(_replacement(match), match.start(), kept=False)
        raw_at = match.end()
    keep(raw_at, len(raw), len(raw))
    return StoredText("".join(parts), raw, tuple(pieces))


def _replacement(match: re.Match[str]) -> str:
    if match.lastgroup == "newline":
        return "\n"
    if match.lastgroup == "vertical":
        return ""
    if match.lastgroup == "ligature":
        return _LIGATURES[match[0]]
    if match.lastgroup == "control":
        return " "
    # A word broken at a line's end is one word; before a capital or a digit the hyphen belongs to it (COVID-19).
    following = match.string[match.end() : match.end() + 1]
    return "" if match[0][0] == "\xad" or following.islower() else "-"


class RawPage:
    """pdfium's text of a page, and where its characters stand."""

    def __init__(self, text_page: ctypes.c_void_p) -> None:
        self._text_page = text_page
        self.text = _raw_text(text_page)

    def box(self, position: int) -> Box | None:
        """A character's left, bottom, right, top in page units, as high as its font so that a line is even."""
        index = self._index(position)
        rectangle = pdfium.FS_RECTF()
        if index < 0 or not pdfium.FPDFText_GetLooseCharBox(self._text_page, index, rectangle):
            return None
        box = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
        return box if box[2] > box[0] and box[3] > box[1] else None

    def is_legible(self) -> bool:
        """Whether there is text, and most of it is known letters: glyphs without a ToUnicode map are not."""
        visible = [at for at, letter in enumerate(self.text) if not letter.isspace() and letter not in _HYPHENS]
        sample = visible[:: 1 + len(visible) // _SAMPLE]
        return bool(sample) and 2 * sum(map(self._is_unknown, sample)) <= len(sample)

    def _is_unknown(self, position: int) -> bool:
        letter = self.text[position]
        if letter == "\ufffd" or unicodedata.category(letter) in ("Cc", "Cn", "Co", "Cs"):
            return True
        return bool(pdfium.FPDFText_HasUnicodeMapError(self._text_page, self._index(position)) == 1)

    def _index(self, position: int) -> int:
        index = pdfium.FPDFText_GetCharIndexFromTextIndex(self._text_page, position + self._astral_before(position))
        return int(index)

    def _astral_before(self, position: int) -> int:
        """pdfium counts a character beyond the basic plane as two."""
        return bisect_left(self._astral, position)

    @cached_property
    def _astral(self) -> list[int]:
        return [at for at, letter in enumerate(self.text) if letter > "\uffff"] if not self.text.isascii() else []


def _raw_text(text_page: ctypes.c_void_p) -> str:
    """All text of a page as pdfium gives it; lone halves of surrogate pairs stay, so that no index shifts."""
    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return ""
    # Characters beyond the basic plane take two units, characters that pdfium inserts take some, and the NUL takes one.
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    return bytes(memoryview(buffer)[: max(0, written - 1)]).decode("utf-16-le", "surrogatepass")


def line_boxes(page: RawPage, stored: StoredText, start: int, end: int, to_picture: Callable[[Box], Box]) -> list[Box]:
    """The rectangles (left, top, right, bottom in the picture) of `stored.text[start:end]`, one for each line, and one
    for each addition.

    Characters without a place on the page give none; a span with no such character gives an empty list.
    """
    lines: list[Box] = []
    fresh = True
    lit: Piece | None = None
    for position in range(max(0, start), min(end, len(stored.text))):
        if stored.text[position].isspace():
            fresh = fresh or stored.text[position] == "\n"
            continue
        piece = stored.piece(position)
        if piece.box is not None:
            if piece is not lit:
                lines.append(to_picture(piece.box))
                lit, fresh = piece, True
            continue
        box = page.box(stored.raw_index(position))
        if box is None:
            continue
        placed = to_picture(box)
        if not fresh and _same_line(lines[-1], placed):
            lines[-1] = _union(lines[-1], placed)
        else:
            lines.append(placed)
        fresh = False
    return lines


def _same_line(line: Box, box: Box) -> bool:
    """Whether a character continues a line: most of its height lies beside it (or its width, in vertical text)."""
    shared_height = min(line[3], box[3]) - max(line[1], box[1])
    shared_width = min(line[2], box[2]) - max(line[0], box[0])
    across = shared_height > 0.5 * min(line[3] - line[1], box[3] - box[1])
    gap = max(box[0] - line[2], line[0] - box[2])
    if across:
        return gap < 4 * (box[3] - box[1])
    gap = max(box[1] - line[3], line[1] - box[3])
    return shared_width > 0.5 * min(line[2] - line[0], box[2] - box[0]) and gap < 0.5 * (box[2] - box[0])


def _union(one: Box, other: Box) -> Box:
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))
