"""Pictures of text: a photo of a letter, a screenshot, a fax of several pages. Their text is recognised (`ocr`)."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from desktop_llm.errors import BadRequest, DocumentError
from desktop_llm.knowledge.limits import MAX_PICTURE_HEIGHT, MAX_PICTURE_PIXELS, MAX_PICTURE_WIDTH
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary, too_large
from desktop_llm.knowledge.readers.ocr import MAX_PIXELS, recognise
from desktop_llm.knowledge.readers.pictures import Picture, no_readable_text
from desktop_llm.words import tr

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
# What Pillow raises for files that are broken in some way.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError)


def read(source: Source) -> Parsing:
    """Yield the text of each page: a TIFF may have several; of an animation, the first frame is read.

    Raises DocumentError if the file can't be opened or no text was found.
    """
    with _opened(source) as picture:
        count = _pages(picture)
        unreadable: list[int] = []
        any_text = False
        for index in range(count):
            found = recognise(_blue_first(_upright(picture, index, MAX_PIXELS)))
            if found.unreadable:
                unreadable.append(index + 1)
            any_text = any_text or bool(found.text)
            yield Page(index + 1, found.text, total=count, recognised=True)
    if not any_text:
        raise DocumentError(tr("A picture in which no text was found"), cause="no_text")
    return Summary(source.stem, count, left_out=no_readable_text(unreadable))


def draw(source: Source, page: int, width_px: int, start: int, end: int) -> Picture:
    """Draw page `page` (from 1) at most `width_px` wide; all of it is lit, as the places of its lines are not kept.

    Raises DocumentError for a page that can't be drawn, BadRequest for one that is not there.
    """
    with _opened(source) as picture:
        count = _pages(picture)
        if not 1 <= page <= count:
            raise BadRequest(
                tr("This document has {pages} pages, and page {page} is not one of them.", pages=count, page=page)
            )
        upright = _upright(picture, page - 1, MAX_PICTURE_PIXELS)
    width = max(16, min(width_px, MAX_PICTURE_WIDTH))
    height = max(1, min(round(width * upright.height / upright.width), MAX_PICTURE_HEIGHT))
    drawn = upright.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("RGBA")
    boxes = ((0.0, 0.0, float(width), float(height)),) if end > start else ()
    return Picture(width, height, drawn.tobytes(), boxes, count)


def _opened(source: Source) -> Image.Image:
    with _broken_is_named(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit is lower; `_upright` has ours
        return Image.open(io.BytesIO(source.data), formats=_FORMATS)


@contextlib.contextmanager
def _broken_is_named() -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise DocumentError(tr("Damaged or not a picture"), cause="damaged") from None
    except _BROKEN:
        raise DocumentError(tr("Damaged: it ends too early, or parts of it are broken"), cause="damaged") from None


def _too_many_pixels() -> DocumentError:
    return too_large(tr("a picture of more than {limit} million pixels", limit=MAX_PICTURE_PIXELS // 1_000_000))


def _pages(picture: Image.Image) -> int:
    with _broken_is_named():
        return int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1


def _upright(picture: Image.Image, index: int, pixels: int) -> Image.Image:
    """A page in RGB as it is held to be read; a large JPEG is decoded at a fraction of its size."""
    with _broken_is_named():
        picture.seek(index)
        if picture.width * picture.height > MAX_PICTURE_PIXELS:
            raise _too_many_pixels()
        edge = round((pixels * max(picture.size) / min(picture.size)) ** 0.5)
        picture.draft("RGB", (edge, edge))
        return _on_white(ImageOps.exif_transpose(picture))


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture in RGB: what is transparent becomes white, and 16 bits become 8."""
    if picture.mode.startswith("I"):
        picture = picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    elif picture.mode == "F":
        picture = picture.convert("L")
    if "A" in picture.getbands() or "transparency" in picture.info:
        above = picture.convert("RGBA")
        below = Image.new("RGBA", above.size, "white")
        below.alpha_composite(above)
        return below.convert("RGB")
    return picture.convert("RGB")


def _blue_first(picture: Image.Image) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
