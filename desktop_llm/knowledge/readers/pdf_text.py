"""A PDF page's stored text, and the way back from a place in it to the characters on the page.

Stored text is pdfium's text after a few replacements (line ends, hyphens at line ends, ligatures, control
characters). `stored_text` makes them both for reading and for drawing, and keeps the origin of each piece, so a passage
is highlighted exactly where it stands.
"""

from __future__ import annotations

import ctypes
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import pypdfium2.raw as pdfium

_REPLACED = re.compile(
    r"(?P<hyphen>[\ufffe\x02\xad](?:\r\n)?)"
    r"|(?P<newline>[ \t]*(?:\r\n|\r|\n))"
    r"|(?P<ligature>[\ufb00-\ufb06])"
    r"|(?P<control>[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff])"
)
_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text, the raw text it was made of, and the pieces: (start in the text, start in the raw text, kept as is)."""

    text: str
    raw: str
    pieces: tuple[tuple[int, int, bool], ...]

    def raw_index(self, position: int) -> int:
        """The code point of the raw text that `position` of the stored text came from."""
        start, raw_start, kept = self.pieces[bisect_right(self.pieces, position, key=_start) - 1]
        return raw_start + (position - start if kept else 0)


def _start(piece: tuple[int, int, bool]) -> int:
    return piece[0]


def stored_text(raw: str) -> StoredText:
    """Normalise pdfium's text of a page; the same page always gives the same text."""
    parts: list[str] = []
    pieces: list[tuple[int, int, bool]] = []
    length = raw_at = 0

    def add(part: str, raw_start: int, *, kept: bool) -> None:
        nonlocal length
        if part:
            parts.append(part)
            pieces.append((length, raw_start, kept))
            length += len(part)

    for match in _REPLACED.finditer(raw):
        add(raw[raw_at : match.start()], raw_at, kept=True)
        add(_replacement(match), match.start(), kept=False)
        raw_at = match.end()
    add(raw[raw_at:], raw_at, kept=True)
    return StoredText("".join(parts), raw, tuple(pieces))


def _replacement(match: re.Match[str]) -> str:
    if match.lastgroup == "newline":
        return "\n"
    if match.lastgroup == "ligature":
        return _LIGATURES[match[0]]
    if match.lastgroup == "control":
        return " "
    # A word broken at a line's end is one word; before a capital or a digit the hyphen belongs to it (COVID-19).
    following = match.string[match.end() : match.end() + 1]
    return "" if match[0][0] == "\xad" or following.islower() else "-"


def raw_text(text_page: ctypes.c_void_p) -> str:
    """All text of a page as pdfium gives it; lone halves of surrogate pairs stay, so that no index shifts."""
    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return ""
    # Characters beyond the basic plane take two units, characters that pdfium inserts take some, and the NUL takes one.
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    return bytes(memoryview(buffer)[: max(0, written - 1)]).decode("utf-16-le", "surrogatepass")


def line_boxes(
    text_page: ctypes.c_void_p, stored: StoredText, start: int, end: int, to_picture: Callable[[Box], Box]
) -> list[Box]:
    """The rectangles (left, top, right, bottom in the picture) of `stored.text[start:end]`, one for each line.

    Characters without a place on the page give none; a span with no such character gives an empty list.
    """
    lines: list[Box] = []
    fresh = True
    for position in range(max(0, start), min(end, len(stored.text))):
        if stored.text[position].isspace():
            fresh = fresh or stored.text[position] == "\n"
            continue
        box = _character_box(text_page, _character_index(text_page, stored, position))
        if box is None:
            continue
        placed = to_picture(box)
        if not fresh and _same_line(lines[-1], placed):
            lines[-1] = _union(lines[-1], placed)
        else:
            lines.append(placed)
        fresh = False
    return lines


def _character_index(text_page: ctypes.c_void_p, stored: StoredText, position: int) -> int:
    raw_index = stored.raw_index(position)
    astral = 0 if stored.raw.isascii() else sum(letter > "\uffff" for letter in stored.raw[:raw_index])
    return int(pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, raw_index + astral))


def _character_box(text_page: ctypes.c_void_p, index: int) -> Box | None:
    """A character's left, bottom, right, top in page units, as high as its font so that a line is even."""
    if index < 0:
        return None
    rectangle = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(text_page, index, rectangle):
        return None
    box = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
    return box if box[2] > box[0] and box[3] > box[1] else None


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
