"""The app's own copies of pictures: plain PNG or JPEG files, whose size can be read without decoding them."""

from __future__ import annotations

import struct

LARGEST_EDGE = 1_600  # of a copy, in pixels: letters of a page stay readable, and few models look closer
MAX_BYTES = 32 << 20  # of a copy
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})  # tables and extensions among the markers of frames
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG or JPEG file; None if it is neither, or larger than any copy of ours."""
    size = _png_size(data) if data.startswith(_PNG) else _jpeg_size(data) if data.startswith(_JPEG) else None
    if size is None or not all(0 < edge <= LARGEST_EDGE for edge in size):
        return None
    return size


def _png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 24 or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The size in the first frame header (ITU T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None
