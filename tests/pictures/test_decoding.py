"""A stranger's picture becomes a plain, upright copy of bounded size, or a sentence says why not."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from desktop_llm.errors import UserError
from desktop_llm.picture_files import LARGEST_EDGE, size_of
from desktop_llm.pictures.decoding import copy_of
from tests.pictures.samples import bomb, encoded, scene, turned

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def corners(data: bytes) -> list[tuple[int, ...]]:
    """The colours of the top left, the top right and the bottom, each to the nearest plain colour."""
    picture = Image.open(io.BytesIO(data))
    places = [(5, 5), (picture.width - 6, 5), (5, picture.height - 6)]
    return [tuple(255 * (value > 127) for value in picture.getpixel(place)) for place in places]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("PNG", mode) for mode in ("RGB", "RGBA", "P")),
        *(("JPEG", mode) for mode in ("RGB", "CMYK")),
        *((kind, "RGB") for kind in ("WEBP", "BMP", "TIFF")),
        ("GIF", "P"),
    ],
)
def test_every_usual_kind_is_read(kind: str, mode: str) -> None:
    copy = copy_of(encoded(scene(mode=mode), kind))
    assert corners(copy.data) == [RED, GREEN, BLUE]
    assert copy.size == copy.original == size_of(copy.data) == (60, 40)
    assert copy.suffix == (".jpg" if kind == "JPEG" else ".png")


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_grey_and_16_bits_become_colours_of_8(mode: str) -> None:
    picture = Image.new("I;16", (64, 64), 65_535) if mode == "I;16" else scene(64, 64, mode)
    read = Image.open(io.BytesIO(copy_of(encoded(picture)).data))
    assert read.mode == "RGB"
    assert mode != "I;16" or read.getpixel((5, 5)) == (255, 255, 255)


def test_a_photo_stands_upright_and_tells_nothing_of_its_camera() -> None:
    copy = copy_of(turned())
    assert (copy.size, copy.original) == ((60, 40), (60, 40))
    assert corners(copy.data) == [RED, GREEN, BLUE]
    assert not Image.open(io.BytesIO(copy.data)).getexif()
    assert b"A camera" not in copy.data


def test_a_large_photo_is_made_smaller() -> None:
    copy = copy_of(encoded(scene(5_000, 4_000), "JPEG"))
    assert (copy.original, copy.size) == ((5_000, 4_000), (LARGEST_EDGE, 1_280))
    assert corners(copy.data) == [RED, GREEN, BLUE]


def test_what_is_transparent_becomes_white() -> None:
    copy = copy_of(encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 0))))
    assert corners(copy.data) == [(255, 255, 255)] * 3


def test_of_an_animation_the_first_picture_is_taken() -> None:
    later = [Image.new("RGB", (60, 40), "black")] * 3
    assert corners(copy_of(encoded(scene(), "GIF", save_all=True, append_images=later)).data) == [RED, GREEN, BLUE]


def test_a_thin_picture_is_put_on_white() -> None:
    copy = copy_of(encoded(Image.new("RGB", (3_200, 2), "black")))
    assert copy.size == (LARGEST_EDGE, 32)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), "it is a HEIC picture.* Save it as JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "not a picture the app can read"),
        (b"no picture at all", "not a picture the app can read"),
        (b"", "not a picture the app can read"),
        (bomb(60_000, 60_000), "more than 120 million pixels"),
        (encoded(scene(300, 300), "JPEG")[:600], "damaged or ends too early"),
        (bomb(400, 400), "damaged or ends too early"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        copy_of(data)
