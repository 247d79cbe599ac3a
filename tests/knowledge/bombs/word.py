"""Word files that unpack, expand or nest without an end."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.knowledge.bombs.making import MB, Bombs, Make

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(parts: dict[str, bytes] | Iterable[tuple[str, bytes]], path: Path) -> None:
    """A Word file with these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for name, data in parts.items() if isinstance(parts, dict) else parts:
            package.writestr(name, data)


def body(inner: bytes, prolog: bytes = b"") -> bytes:
    """A main part with this XML in its body."""
    return prolog + b'<w:document xmlns:w="%s"><w:body>' % _WORD.encode() + inner + b"</w:body></w:document>"


def _word(main: Make, styles: Make | None = None) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        docx({"word/document.xml": main(), **({"word/styles.xml": styles()} if styles else {})}, path)

    return make


def _paragraph(text: bytes) -> bytes:
    return b"<w:p><w:r><w:t>" + text + b"</w:t></w:r></w:p>"


def _lying_size(path: Path) -> None:
    docx({"word/document.xml": body(_paragraph(b"x" * 300 * MB))}, path)
    data = path.read_bytes()
    place = data.rindex(b"PK\x01\x02")
    path.write_bytes(data[: place + 24] + struct.pack("<I", 1000) + data[place + 28 :])


def _overlapping(path: Path) -> None:
    docx({"word/document.xml": body(_paragraph(b"x" * 50 * MB))}, path)
    data = path.read_bytes()
    place = data.rindex(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    entry = data[place:end]
    fixed = b"".join(_renamed(entry, b"word/header%d.xml" % number) for number in range(1, 900))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 900, 900, len(entry) + len(fixed), place, 0)
    path.write_bytes(data[:place] + entry + fixed + tail)


def _renamed(entry: bytes, name: bytes) -> bytes:
    old = struct.unpack("<H", entry[28:30])[0]
    return entry[:28] + struct.pack("<H", len(name)) + entry[30:46] + name + entry[46 + old :]


def _wrong_checksum(path: Path) -> None:
    docx({"word/document.xml": body(_paragraph(b"hello"))}, path)
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place + 16] ^= 0xFF
    path.write_bytes(bytes(data))


def _many_members(path: Path) -> None:
    docx([("word/document.xml", body(_paragraph(b"hello"))), *((f"m/{n}", b"") for n in range(60_000))], path)


def _styles(count: int, *, loop: bool) -> bytes:
    style = b'<w:style w:type="paragraph" w:styleId="S%d"><w:name w:val="n%d"/><w:basedOn w:val="S%d"/></w:style>'
    each = (style % (number, number, (number + 1) % count if loop else number + 1) for number in range(count))
    return b'<w:styles xmlns:w="%s">' % _WORD.encode() + b"".join(each) + b"</w:styles>"


_LAUGHS = (
    b'<!DOCTYPE w [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
)


def _entity(value: bytes) -> bytes:
    return b"<!DOCTYPE w [<!ENTITY a " + value + b">]>"


_NESTED_TABLE = b"<w:tbl><w:tr><w:tc>"
_TABLE_ENDS = b"</w:tc></w:tr></w:tbl>"


def _archives_in_archives(path: Path) -> None:
    """Sixteen archives in each archive, five deep, and a main part that is an archive itself."""
    content = b"\0" * 10 * MB
    for _ in range(5):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(16):
                archive.writestr(f"{number}.zip", content)
        content = packed.getvalue()
    docx({"word/document.xml": content, "word/embeddings/1.docx": content}, path)


def _packed_by(method: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as package:
            package.writestr("word/document.xml", body(_paragraph(b"x" * 90 * MB)))

    return make


def _same_name_twice(path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        docx([("word/document.xml", body(_paragraph(b"x" * 30 * MB)))] * 30, path)


_RELATION = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="1" Type="x/officeDocument" Target="%s"/></Relationships>'
)

WORD_FILES: Bombs = {
    "one-gigabyte.docx": lambda path: docx({"word/document.xml": b"\0" * 1000 * MB}, path),
    "lying-size.docx": _lying_size,
    "overlapping.docx": _overlapping,
    "many-headers.docx": lambda path: docx(
        [("word/document.xml", body(_paragraph(b"hello")))]
        + [(f"word/header{n}.xml", body(_paragraph(b"x" * 30 * MB))) for n in range(20)],
        path,
    ),
    "laughs.docx": _word(lambda: body(_paragraph(b"&j;"), _LAUGHS)),
    "quadratic.docx": _word(
        lambda: body(_paragraph(b"&a;" * 100_000), b'<!DOCTYPE w [<!ENTITY a "' + b"x" * 100_000 + b'">]>')
    ),
    "foreign-entity.docx": _word(
        lambda: body(_paragraph(b"&a;"), b'<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>')
    ),
    "wide-doctype.docx": lambda path: docx(
        {"word/document.xml": (_LAUGHS + body(_paragraph(b"&j;"))).decode().encode("utf-16")}, path
    ),
    "deep.docx": _word(lambda: body(b"<w:sdt>" * MB + b"</w:sdt>" * MB)),
    "deep-tables.docx": _word(lambda: body(_NESTED_TABLE * 3_000 + _paragraph(b"hi") + _TABLE_ENDS * 3_000)),
    "attribute.docx": _word(lambda: body(b'<w:p a="' + b"x" * 80 * MB + b'"/>')),
    "attributes.docx": _word(lambda: body(b"<w:p " + b" ".join(b'a%d="1"' % n for n in range(MB)) + b"/>")),
    "paragraphs.docx": _word(lambda: body(b"<w:p/>" * 14 * MB)),
    "style-loop.docx": _word(lambda: body(_paragraph(b"hello")), lambda: _styles(3, loop=True)),
    "style-chain.docx": _word(lambda: body(_paragraph(b"hello")), lambda: _styles(40_000, loop=False)),
    "one-run.docx": _word(lambda: body(_paragraph(b"x" * 60 * MB))),
    "comment.docx": _word(lambda: body(b"<!--" + b"x" * 90 * MB + b"-->" + _paragraph(b"hello"))),
    "many-members.docx": _many_members,
    "archives-in-archives.docx": _archives_in_archives,
    "lzma.docx": _packed_by(zipfile.ZIP_LZMA),
    "bzip2.docx": _packed_by(zipfile.ZIP_BZIP2),
    "same-name-twice.docx": _same_name_twice,
    "main-part-outside.docx": lambda path: docx({"_rels/.rels": _RELATION % b"../../../../etc/passwd"}, path),
    "main-part-in-itself.docx": lambda path: docx({"_rels/.rels": _RELATION % b"_rels/.rels"}, path),
    "cells.docx": _word(
        lambda: body(b"<w:tbl><w:tr>" + b"<w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc>" * MB + b"</w:tr></w:tbl>")
    ),
    "rows.docx": _word(lambda: body(b"<w:tbl>" + b"<w:tr><w:tc/></w:tr>" * 3 * MB + b"</w:tbl>")),
    "tabs.docx": _word(lambda: body(b"<w:p><w:r><w:t>x</w:t>" + b"<w:tab/>" * 9 * MB + b"</w:r></w:p>")),
    "boxes-in-boxes.docx": _word(lambda: body(b"<w:p><w:txbxContent>" * 2_000 + b"</w:txbxContent></w:p>" * 2_000)),
    "namespaces.docx": _word(
        lambda: body(b"".join(b'<w:p xmlns:n%d="u%d">' % (n, n) for n in range(100_000)) + b"</w:p>" * 100_000)
    ),
    "wrong-checksum.docx": _wrong_checksum,
}
