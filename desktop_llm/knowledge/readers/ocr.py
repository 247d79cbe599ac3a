"""Text in pictures, recognised by rapidocr: the models of PP-OCRv6 (small) that come inside its package.

They read Latin letters with all the accents of Europe, Chinese and Japanese; Cyrillic, Greek, Arabic, Hebrew, Korean
and the scripts of India and Thailand they do not know, and what they make of those is dropped. A page costs 3 to 15
seconds of one core at 150 dpi, where the letters of a book are read as well as at 200, and 1 GB of memory while it
lasts. The models are loaded with the first picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

# An A4 page at 150 dpi. Finding the lines takes 0.4 KB of memory for each pixel.
MAX_PIXELS = 2_200_000
DPI = 150

# Of the models' own certainty, 0 to 1: a line below the first was no text that they know; a page below the second
# is in a script that they do not know, and reads like noise.
_SURE_LINE, _SURE_PAGE = 0.6, 0.8
# The brightest and the darkest place of an empty sheet are no further apart, of 255.
_BLANK = 30
# So many times as long as wide, a picture holds no letters: rapidocr makes its longer side 2,000 pixels, and fails if
# nothing is left of the other one.
_STRIPE = 100

# In heights of a line: how far left of a column the one before it ends, and how wide its lines are at least.
_GUTTER, _COLUMN = 0.6, 8.0
_FEWEST_LINES = 4  # of a column
_PARAGRAPH = 0.9  # a wider gap between two lines, in heights, begins a paragraph

_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])-\n(?=([^\W\d_]))")


@dataclass(frozen=True, slots=True)
class _Line:
    """A found line: its upright rectangle in pixels, and its text ("" if it could not be read)."""

    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Recognised:
    """The text of a picture in reading order. `unreadable`: there are lines that look like text, and none was read."""

    text: str
    unreadable: bool = False


def recognise(picture: np.ndarray[Any, Any]) -> Recognised:
    """Read a picture: bytes of shape (height, width, 3), blue first. Turned and upside-down pages are read too."""
    sides = picture.shape[:2]
    if max(sides) > _STRIPE * min(sides) or int(picture.max()) - int(picture.min()) < _BLANK:
        return Recognised("")
    found = _found(_smaller(picture))
    letters = sum(len(text) for _, text, _ in found)
    if not letters:
        return Recognised("", unreadable=len(found) >= _FEWEST_LINES)
    if sum(score * len(text) for _, text, score in found) / letters < _SURE_PAGE:
        return Recognised("", unreadable=True)
    lines = [_line(corners, text) for corners, text, score in found if score >= _SURE_LINE and text.strip()]
    text = "\n\n".join(_block(block) for block in _blocks(lines))
    return Recognised(_BROKEN_WORD.sub(lambda match: "" if match[1].islower() else "-", text))


def _smaller(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import cv2

    height, width = picture.shape[:2]
    scale = (MAX_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


@cache
def _engine() -> Any:
    """rapidocr with its own three models by their paths: else it would look for others to download."""
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            # Half of the cores: embedding has the others, and somebody may wait for an answer.
            "EngineConfig.onnxruntime.intra_op_num_threads": max(1, min(4, (os.cpu_count() or 1) // 2)),
        }
    )


def _found(picture: np.ndarray[Any, Any]) -> list[tuple[np.ndarray[Any, Any], str, float]]:
    """The lines of a picture: their corners in the upright picture, their text, and how sure it is."""
    from rapidocr.main import RapidOCRError

    engine = _engine()
    try:
        crops, found = engine.detect_and_crop(picture, {})
        if _is_turned(found.boxes):
            picture = np.ascontiguousarray(np.rot90(picture))
            crops, found = engine.detect_and_crop(picture, {})
        _, directions = engine.cls_and_rotate(list(crops))
        if 2 * sum(label == "180" for label, _ in directions.cls_res) > len(crops):
            picture = np.ascontiguousarray(np.rot90(picture, 2))
            crops, found = engine.detect_and_crop(picture, {})
        read = engine.recognize_txt(crops)
    except RapidOCRError:  # no line was found
        return []
    return list(zip(found.boxes, read.txts, map(float, read.scores), strict=True))


def _is_turned(boxes: np.ndarray[Any, Any]) -> bool:
    """Whether most lines run from the bottom to the top or the other way."""
    width, height = np.ptp(boxes[:, :, 0], axis=1), np.ptp(boxes[:, :, 1], axis=1)
    long = np.maximum(width, height) > 2 * np.minimum(width, height)
    return bool(2 * np.sum(long & (height > width)) > np.sum(long))


def _line(corners: np.ndarray[Any, Any], text: str) -> _Line:
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return _Line(float(left), float(top), float(right), float(bottom), " ".join(text.split()))


def _blocks(lines: Sequence[_Line]) -> Iterator[Sequence[_Line]]:
    """The lines in reading order: between two lines that span the columns, one column after the other."""
    gutter = _gutter(lines)
    if gutter is None:
        if lines:
            yield lines
        return
    ordered = sorted(lines, key=lambda line: line.top + line.bottom)
    together: list[_Line] = []
    for _, group in groupby(ordered, lambda line: line.left < gutter < line.right):
        between = list(group)
        columns = [line for line in between if line.right <= gutter], [line for line in between if line.left >= gutter]
        if min(map(len, columns)) < _FEWEST_LINES:
            together += between
            continue
        if together:
            yield together
        together = []
        for column in columns:
            yield from _blocks(column)
    if together:
        yield together


def _gutter(lines: Sequence[_Line]) -> float | None:
    """Where two columns of text lie side by side, the place between them, which few lines span."""
    if len(lines) < 2 * _FEWEST_LINES:
        return None
    height = float(np.median([line.height for line in lines]))
    best, most = None, 0.6 * len(lines)
    for place in sorted({line.left - _GUTTER * height for line in lines}):
        columns = [line for line in lines if line.right <= place], [line for line in lines if line.left >= place]
        beside = sum(map(len, columns))
        if beside > most and all(_is_column(column, height) for column in columns):
            best, most = place, beside
    return best


def _is_column(lines: Sequence[_Line], height: float) -> bool:
    widths = [line.right - line.left for line in lines]
    return len(lines) >= _FEWEST_LINES and bool(np.median(widths) > _COLUMN * height)


def _block(lines: Sequence[_Line]) -> str:
    """The lines of one column as text: what stands side by side on one line, paragraphs apart."""
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda line: line.top + line.bottom):
        last = rows[-1][-1] if rows else None
        middle = (line.top + line.bottom) / 2
        if last is not None and last.top < middle < last.bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    text = ""
    before: _Line | None = None
    for row in rows:
        first = min(row, key=lambda line: line.left)
        if before is not None:
            text += "\n\n" if first.top - before.bottom > _PARAGRAPH * first.height else "\n"
        text += " ".join(line.text for line in sorted(row, key=lambda line: line.left))
        before = first
    return text
