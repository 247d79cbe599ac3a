"""Decodes a stranger's picture and makes the app's copy of it: upright, 8 bits of RGB, of bounded size, without
metadata such as the place where a photo was taken.

The libraries behind Pillow have had faults that a picture could use, so this runs in `worker` alone.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from desktop_llm.errors import UserError
from desktop_llm.picture_files import LARGEST_EDGE
from desktop_llm.words import tr

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 120_000_000  # a camera of today takes up to 100
_SMALLEST_EDGE = 32  # encoders cut a picture into patches, and none of them is larger
_QUALITY = 90
_SMOOTH = ("L", "LA", "RGB", "RGBA", "CMYK")  # others, such as palettes, have no values in between to shrink with
_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture as the app keeps it; `original` is the upright size that it had."""

    data: bytes
    suffix: str
    size: tuple[int, int]
    original: tuple[int, int]


def copy_of(data: bytes) -> Copy:
    """The app's copy of a picture; of an animation, the first frame. Raises UserError if it can't be read."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        raise _unreadable(tr("it is a HEIC picture, which only its maker's programs read"), as_what="JPEG")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit is lower; ours follows
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return _copied(picture, photo=picture.format == "JPEG")
    except UnidentifiedImageError as error:
        raise _unreadable("") from error
    except Image.DecompressionBombError as error:
        most = MAX_PIXELS // 1_000_000
        raise _unreadable(tr("it has more than {pixels} million pixels", pixels=most)) from error
    except MemoryError as error:
        raise _unreadable(tr("it takes too much memory")) from error
    except (OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        raise _unreadable(tr("it is damaged or ends too early")) from error  # what Pillow raises for broken files


def _copied(picture: Image.Image, *, photo: bool) -> Copy:
    original = _upright_size(picture)
    picture.draft("RGB", (LARGEST_EDGE, LARGEST_EDGE))  # a JPEG is decoded at a fraction of its size
    picture = ImageOps.exif_transpose(picture)
    if picture.mode not in _SMOOTH:
        picture = _on_white(picture)
    picture.thumbnail((LARGEST_EDGE, LARGEST_EDGE), Image.Resampling.LANCZOS)
    picture = _on_white(picture)
    width, height = (max(_SMALLEST_EDGE, edge) for edge in picture.size)
    if (width, height) != picture.size:
        canvas = Image.new("RGB", (width, height), "white")
        canvas.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
        picture = canvas
    out = io.BytesIO()
    plain = Image.frombytes("RGB", picture.size, picture.tobytes())  # without any metadata
    if photo:
        plain.save(out, "JPEG", quality=_QUALITY)
    else:
        plain.save(out, "PNG")
    return Copy(out.getvalue(), ".jpg" if photo else ".png", plain.size, original)


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    turned = picture.getexif().get(0x0112) in (5, 6, 7, 8)  # EXIF: orientation
    return (picture.height, picture.width) if turned else picture.size


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture in RGB; what is transparent becomes white, and 16 bits become 8."""
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


def _unreadable(why: str, as_what: str = "PNG") -> UserError:
    title = (
        tr("This file is not a picture the app can read: {why}.", why=why)
        if why
        else tr("This file is not a picture the app can read.")
    )
    return UserError(title, tr("It was not added. Save it as {format} and add that.", format=as_what))
