"""Letters, notebooks, subtitles and pictures that nest, repeat, lie about their size or cost much to take apart."""

from __future__ import annotations

import base64
import io
import struct
import zlib

from PIL import Image

from tests.knowledge.bombs.making import MB, Bombs, made, text
from tests.knowledge.bombs.packed import zipped

_HEAD = "From: ann@example.org\nSubject: Hello\nMIME-Version: 1.0\n"


def _parts_in_parts(levels: int) -> str:
    opened = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(levels))
    return f"{_HEAD}{opened}Content-Type: text/plain\n\nhello"


def _letters_in_letters(levels: int) -> str:
    return "Content-Type: message/rfc822\n\n" * levels + f"{_HEAD}\nhello"


def _attached(data: bytes, name: str, times: int = 1) -> str:
    part = (
        "--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="{name}"\n\n{base64.encodebytes(data).decode()}\n'
    )
    return f'{_HEAD}Content-Type: multipart/mixed; boundary="b"\n\n{part * times}--b--\n'


def _png(width: int, height: int, lines: bytes = b"", extra: bytes = b"") -> bytes:
    """A grey PNG of this size, with as much of it as `lines` says."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(lines or b"\0" * (height * (width + 1)), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + packed + chunk(b"IEND", b"")


def _striped(width: int, height: int) -> bytes:
    """Light and dark stripes, so that the picture is not a blank one."""
    return _png(width, height, (b"\0" + b"\0\xff" * (width // 2) + b"\0" * (width % 2)) * height)


def _text_chunk(size: int) -> bytes:
    data = b"a\0\0" + zlib.compress(b"x" * size, 9)
    return struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))


def _see_through(edge: int) -> bytes:
    file = io.BytesIO()
    Image.new("LA", (edge, edge), (0, 128)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _tiff(pages: int, *, loop: bool) -> bytes:
    """A TIFF of so many pages of one pixel; with `loop`, its last page is followed by its first."""
    entries = (
        (256, 4, 1, 1),
        (257, 4, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 1),
    )
    length = 2 + 12 * len(entries) + 4
    data = b"II*\0" + struct.pack("<I", 12) + b"\0\0\0\0"
    for number in range(pages):
        following = 12 + length * (number + 1) if number + 1 < pages else 12 * loop
        fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        data += struct.pack("<H", len(entries)) + fields + struct.pack("<I", following)
    return data


def _ole(sectors: int, fat: bytes) -> bytes:
    """A container of this many sectors with this table of them."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, 2, 1, 0xFFFFFFFE, 0, 0) + b"\xff" * 432
    name = "__properties_version1.0".encode("utf-16-le")
    root = "Root Entry".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBBIII", 22, 5, 1, 1, 1, 1) + b"\0" * 36
    root += struct.pack("<IQ", 3, 64)
    stream = name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name) + 2, 2, 1, 1, 1, 1) + b"\0" * 36
    stream += struct.pack("<IQ", 3, 2**31 - 1)
    return head + fat.ljust(512, b"\xff") + (root + stream).ljust(512, b"\0") + b"\0" * 512 * sectors


LETTERS: Bombs = {
    "parts-in-parts.eml": text(lambda: _parts_in_parts(20_000)),
    "letters-in-letters.eml": text(lambda: _letters_in_letters(20_000)),
    "many-parts.eml": text(lambda: _HEAD + 'Content-Type: multipart/mixed; boundary="b"\n\n' + "--b\n\nx\n" * MB),
    "parameters.eml": text(
        lambda: f"{_HEAD}Content-Type: text/plain; {';'.join(f'a{n}=1' for n in range(500_000))}\n\nhi"
    ),
    "quotes.eml": text(lambda: f"{_HEAD}Content-Disposition: attachment; filename=" + '";' * 3 * MB + "\n\nhi"),
    "encoded-words.eml": text(lambda: "Subject: " + "=?utf-8?q?a?= " * 500_000 + "\n\nhi"),
    "one-header.eml": text(lambda: "To: " + "a@b, " * 4 * MB + "\n\nhi"),
    "same-header.eml": text(lambda: "To: a@b\n" * 2 * MB + "\nhi"),
    "boundaries.eml": text(lambda: f'{_HEAD}Content-Type: multipart/mixed; boundary="{"-" * MB}"\n\n' + "-" * 20 * MB),
    "attached-bomb.eml": text(lambda: _attached(zipped([("a.txt", b"x" * 300 * MB)]), "a.zip", 50)),
    "attached-names.eml": text(lambda: _attached(b"hello", "../../../\x1b]0;x\x07\u202etxt.sh.txt", 2_000)),
    "uuencoded.eml": text(
        lambda: f"{_HEAD}Content-Transfer-Encoding: x-uuencode\n\n" + "begin 666 x\n" + "M" * 20 * MB
    ),
    "messages.mbox": text(lambda: "From a\nTo: b\n\nhi\n\n" * 500_000),
    "headings.mbox": text(lambda: ("From a\nSubject: " + "x" * 20_000 + "\n\nhi\n\n") * 2_000),
    "from-lines.mbox": text(lambda: "From a\nTo: b\n\nhi\n" + ">" * 10 * MB + "From " * MB),
    "flowed.eml": text(lambda: f"{_HEAD}Content-Type: text/plain; format=flowed\n\n" + "a \n" * 3 * MB),
    "loop.msg": made(lambda: _ole(8, struct.pack("<9I", 0xFFFFFFFD, 0xFFFFFFFE, 2, 4, 3, 3, 3, 3, 3))),
    "long-stream.msg": made(lambda: _ole(8, struct.pack("<9I", 0xFFFFFFFD, 0xFFFFFFFE, 2, 4, 5, 6, 7, 8, 3))),
    "deep.ipynb": text(lambda: '{"cells": ' + "[" * 5 * MB),
    "long-number.ipynb": text(lambda: '{"cells": [' + "1" * 5 * MB + "]}"),
    "outputs.ipynb": text(
        lambda: '{"cells": [{"source": "x", "outputs": [' + '{"text": "y"},' * 2 * MB + '{"text": "y"}]}]}'
    ),
    "deep.json": text(lambda: "[" * MB + "]" * MB),
    "keys.json": text(lambda: "{" + ",".join(f'"k{n}": [1]' for n in range(500_000)) + "}"),
    "escapes.json": text(lambda: '"' + "\\u0041" * 3 * MB + '"'),
    "open-tags.vtt": text(lambda: "00:00:01.000 --> 00:00:02.000\n" + "<a" * 4 * MB),
    "cues.srt": text(lambda: "00:00:01,000 --> 00:00:02,000\nx\n\n" * 500_000),
    "environments.tex": text(lambda: "\\begin{verbatim}" * 500_000),
    "marks.rst": text(lambda: "a\n===\n" * MB),
    "groups.rtf": text(lambda: "{\\rtf1 " + "{" * 5 * MB),
    "binary.rtf": text(lambda: "{\\rtf1 \\bin2147483647 x"),
    "cells.rtf": text(lambda: "{\\rtf1 " + "\\trowd\\cellx1 x\\cell\\row" * 500_000),
    "escapes.rtf": text(lambda: "{\\rtf1 \\uc30000 " + "\\u64 ?" * MB),
    # Pictures
    "sixteen-gigapixels.png": made(lambda: _png(130_000, 130_000, b"\0" * MB)),
    "one-line.png": made(lambda: _striped(20_000_000, 1)),
    "one-column.png": made(lambda: _striped(1, 20_000_000)),
    "stripe.png": made(lambda: _striped(60_000, 12)),
    "stripes.png": made(lambda: _striped(10_900, 10_900)),
    "text-chunk.png": made(lambda: _png(100, 100, extra=_text_chunk(100 * MB))),
    "see-through.png": made(lambda: _see_through(10_900)),
    "pages.tif": made(lambda: _tiff(5_000, loop=False)),
    "loop.tif": made(lambda: _tiff(3, loop=True)),
}
