"""Pictures of every kind that people have, and files that only look like pictures."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image


def scene(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """A picture whose top left corner is red, top right green, and the rest blue."""
    picture = Image.new("RGB", (width, height), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    picture.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def turned(width: int = 60, height: int = 40) -> bytes:
    """A photo whose camera was held upright: its pixels lie on their side, and EXIF says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    return encoded(scene(width, height).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


def bomb(width: int, height: int) -> bytes:
    """A small PNG that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
