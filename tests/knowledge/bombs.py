"""Files made to break a reader: small ones that grow, loop, nest, lie or never end. Each is made by one function.

`BOMBS` names them all; `write` puts one into a folder. The benchmark `tests.benchmarks.bombs` reads every one, the
tests a tenth of them.
"""

from __future__ import annotations

import base64
import os
import random
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

MB = 1_000_000
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

Make = Callable[[], bytes]


def write(name: str, folder: Path) -> Path:
    """Make a bomb in the folder; returns its path."""
    path = folder / name
    content = BOMBS[name](path)
    if content is not None:
        path.write_bytes(content)
    return path


# PDF


def pdf(*objects: bytes, root: int = 1, extra: bytes = b"") -> bytes:
    """A PDF with these objects, numbered from 1."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, root, extra, start)
    return bytes(out)


def stream(data: bytes, entries: bytes = b"", filters: int = 1) -> bytes:
    """A stream object, compressed `filters` times."""
    for _ in range(filters):
        data = zlib.compress(data, 9)
    names = b"/FlateDecode " * filters
    return b"<</Length %d/Filter[%s]%s>>stream\n" % (len(data), names, entries) + data + b"\nendstream"


def one_page(content: bytes, resources: bytes = b"", *more: bytes, box: bytes = b"0 0 600 800") -> bytes:
    """A PDF of one page; its font is object 5, `more` objects begin at 6."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>%s>>>>" % (
        box,
        resources,
    )
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page, content, font, *more)


def _said(text: bytes = b"Hello there") -> bytes:
    return stream(b"BT /F 12 Tf 50 700 Td (" + text + b") Tj ET")


def _many_kids(count: int, said: int, content: bytes) -> bytes:
    kids = b"3 0 R " * count
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    tree = b"<</Type/Pages/Count %d/Kids[%s]>>" % (said, kids)
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", tree, page, content, font)


def _nested_pages(depth: int) -> bytes:
    nodes = [b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (number + 1) for number in range(2, depth + 2)]
    page = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 600 800]>>" % (depth + 1)
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", *nodes, page)


def _forms(levels: int, calls: int) -> bytes:
    more = []
    for level in range(levels):
        inner = (b"/X Do " * calls) if level < levels - 1 else b"BT /F 9 Tf (x) Tj ET"
        names = b"/Resources<</XObject<</X %d 0 R>>/Font<</F 5 0 R>>>>" % (7 + level)
        more.append(stream(inner, b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]" + names))
    return one_page(stream(b"/X Do"), b"/XObject<</X 6 0 R>>", *more)


def _outline(items: int, *, loop: bool) -> bytes:
    base = 7
    listed = []
    for index in range(items):
        after = b"/Next %d 0 R" % (base if loop else base + index + 1) if loop or index < items - 1 else b""
        listed.append(b"<</Title(Item)/Parent 6 0 R/Dest[3 0 R/Fit]%s>>" % after)
    root = b"<</Type/Outlines/First 7 0 R/Last %d 0 R/Count %d>>" % (base + items - 1, items)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    tree = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    return pdf(b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>", tree, page, _said(), font, root, *listed)


def _glyphs(count: int) -> bytes:
    return stream(b"BT /F 1 Tf " + b"(abcdefgh) Tj 0 -1 Td " * count + b"ET")


def _cmap(ranges: int) -> bytes:
    lines = b"".join(b"<%04x> <%04x> <%s>\n" % (0, 0xFFFF, b"0041" * 200) for _ in range(ranges))
    table = stream(b"begincmap %d beginbfrange\n" % ranges + lines + b"endbfrange endcmap")
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 7 0 R>>"
    return one_page(stream(b"BT /G 12 Tf 50 700 Td (Hello) Tj ET"), b"/Font<</G 6 0 R>>", font, table)


# Word


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

# Files of the file system itself


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        # Its name may have about a hundred bytes, so it is made from inside its folder.
        before = Path.cwd()
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(before)


def _link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _links_in_a_circle(path: Path) -> None:
    path.symlink_to(path.with_suffix(".b"))
    path.with_suffix(".b").symlink_to(path)


def _folder_in_itself(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to(path)


def _deep_folders(path: Path) -> None:
    path.mkdir()
    handle = os.open(path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=handle)
        deeper = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = deeper
    os.close(handle)


def _sparse(size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


def _text(make: Callable[[], str]) -> Callable[[Path], bytes]:
    return lambda _: make().encode("utf-8", "surrogatepass")


def _made(make: Make) -> Callable[[Path], bytes]:
    return lambda _: make()


def _words(count: int) -> str:
    chance = random.Random(9)
    return " ".join("".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(count))


BOMBS: dict[str, Callable[[Path], bytes | None]] = {
    # PDF
    "endless.pdf": _made(lambda: _many_kids(100_000, 100_000, stream(b"q Q " * 4 * MB))),
    "endless-words.pdf": _made(lambda: _many_kids(100_000, 100_000, _glyphs(20_000))),
    "endless-blank.pdf": _made(lambda: _many_kids(100_000, 100_000, stream(b""))),
    "count-lie.pdf": _made(lambda: _many_kids(1, 1_000_000, stream(b""))),
    "count-lie-words.pdf": _made(lambda: _many_kids(1, 1_000_000, _said())),
    "count-negative.pdf": _made(lambda: _many_kids(1, -5, _said())),
    "count-huge.pdf": _made(lambda: _many_kids(1, 2**40, _said())),
    "kids-loop.pdf": _made(lambda: pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>")),
    "kids-deep.pdf": _made(lambda: _nested_pages(20_000)),
    "xref-loop.pdf": _made(
        lambda: pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>", extra=b"/Prev 9")
    ),
    "flate.pdf": _made(lambda: one_page(stream(b" " * 800 * MB))),
    "flate-twice.pdf": _made(lambda: one_page(stream(b" " * 800 * MB, filters=2))),
    "operators.pdf": _made(lambda: one_page(stream(b"0 0 m 1 1 l S " * 3 * MB))),
    "saved-states.pdf": _made(lambda: one_page(stream(b"q " * 5 * MB))),
    "glyphs.pdf": _made(lambda: one_page(_glyphs(400_000))),
    "one-string.pdf": _made(lambda: one_page(_said(b"A" * 5 * MB))),
    "form-in-itself.pdf": _made(
        lambda: one_page(
            stream(b"/X Do"),
            b"/XObject<</X 6 0 R>>",
            stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>"),
        )
    ),
    "forms-doubling.pdf": _made(lambda: _forms(12, 10)),
    "cmap.pdf": _made(lambda: _cmap(200)),
    "outline-loop.pdf": _made(lambda: _outline(3, loop=True)),
    "outline-long.pdf": _made(lambda: _outline(100_000, loop=False)),
    "box-huge.pdf": _made(lambda: one_page(_said(), box=b"0 0 1e30 1e30")),
    "arrays-deep.pdf": _made(lambda: one_page(stream(b"[" * 3 * MB + b"]" * 3 * MB + b" TJ"))),
    "dictionaries-deep.pdf": _made(
        lambda: pdf(b"<</Type/Catalog/Pages 2 0 R/X" + b"<</X" * 200_000 + b">>" * 200_001, b"<</Type/Pages/Count 0>>")
    ),
    "object-stream.pdf": _made(lambda: pdf(stream(b"9 9 " * 1000, b"/Type/ObjStm/N 1000000000/First 999999999"))),
    "picture-huge.pdf": _made(
        lambda: one_page(
            stream(b"/X Do"),
            b"/XObject<</X 6 0 R>>",
            stream(
                b"\0" * MB,
                b"/Type/XObject/Subtype/Image/Width 100000/Height 100000/ColorSpace/DeviceRGB/BitsPerComponent 8",
            ),
        )
    ),
    "garbage.pdf": _made(lambda: b"%PDF-1.7\n" + random.Random(1).randbytes(20 * MB)),
    # Word
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
    "wrong-checksum.docx": _wrong_checksum,
    # HTML
    "deep.html": _text(lambda: "<div>" * MB + "hello"),
    "unclosed.html": _text(lambda: "<b><i><p>x" * 200_000),
    "tables.html": _text(lambda: "<table><tr><td>" * 100_000 + "hello"),
    "articles.html": _text(lambda: "<article>x" * 20_000),
    "entities.html": _text(lambda: "<p>" + "&amp;" * 4 * MB),
    "attributes.html": _text(lambda: "<p " + " ".join(f"a{n}=1" for n in range(MB)) + ">hello"),
    "angles.html": _text(lambda: "<" * 10 * MB),
    "paragraphs.html": _text(lambda: "<p>x" * 2 * MB),
    "headings.html": _text(lambda: "<h1>x</h1>" * 500_000),
    "script.html": _text(lambda: "<script>" + "x" * 50 * MB),
    # Text
    "run.txt": _text(lambda: "Z" * 131_072),
    "base64.txt": _made(lambda: base64.b64encode(random.Random(2).randbytes(3 * MB))),
    "newlines.txt": _text(lambda: "\n" * 10 * MB + "hello"),
    "one-letter-words.txt": _text(lambda: "a " * 4 * MB),
    "joined-emoji.txt": _text(lambda: "\U0001f468\u200d" * MB),
    "many-emoji.txt": _text(lambda: "\U0001f468 " * 4 * MB),
    "combining.txt": _text(lambda: "a" + "\u0301" * 2 * MB),
    "overrides.txt": _text(lambda: "\u202e\u202d" * MB),
    "words.txt": _made(lambda: _words(MB).encode()),
    "broken-utf8.txt": _made(lambda: b"abc \xff\xfe " * MB),
    "wide.txt": _made(lambda: b"\xff\xfe" + b"\x00\xd8" * 3 * MB),
    "too-long.txt": _text(lambda: "hello " * 10 * MB),
    "punycode.py": _text(lambda: "# coding: punycode\n" + "a" * MB + "-" + "b" * 3 * MB + "\xff"),
    "hashes.md": _text(lambda: "# a\n" * MB),
    "brackets.md": _text(lambda: "# " + "[" * 5 * MB + "\n\n" + "`" * MB),
    "open-comment.md": _text(lambda: "<!--" * MB),
    # Tables
    "open-quote.csv": _text(lambda: 'a,b\n"' + "x,y\n" * MB),
    "one-line.csv": _text(lambda: "a," * 5 * MB),
    "endless.csv": _text(lambda: "name,age\n" + "Ann,7\n" * 1_500_000),
    "rows.csv": _made(lambda: "".join(f"{n},{n * 7 % 1000}\n" for n in range(700_000)).encode()),
    "cell.csv": _text(lambda: "a,b\n" + "x" * 3 * MB + ",y\n"),
    # The file system
    "pipe.txt": _fifo,
    "socket.txt": _socket,
    "zero.txt": _link_to("/dev/zero"),
    "terminal.txt": _link_to("/dev/tty"),
    "memory.txt": _link_to("/proc/self/mem"),
    "circle.txt": _links_in_a_circle,
    "itself": _folder_in_itself,
    "deep": _deep_folders,
    "sparse.txt": _sparse(199 * MB),
    "sparse-too-large.txt": _sparse(50_000 * MB),
}
