"""Archives, office packages and books that unpack, repeat, nest or point where they should not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.knowledge.bombs.making import MB, Bombs, made, text

_ZEROS = b"\0" * MB
_FODT = (
    '<office:document xmlns:office="o" xmlns:text="t" xmlns:table="b" xmlns:xlink="x" xmlns:draw="d">'
    "<office:body><office:{kind}>{inner}</office:{kind}></office:body></office:document>"
)


def zipped(parts: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file with these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return packed.getvalue()


def tarred(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A tar file with these members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def odf(inner: str, kind: str = "text") -> str:
    """A flat OpenDocument file with this XML in its body."""
    return _FODT.format(kind=kind, inner=inner)


def _zeros(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.txt", "w") as member:
        for _ in range(150):
            member.write(_ZEROS)


def _packed_zeros(packer: type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile], path: Path) -> None:
    with packer(path, "wb") as file:
        for _ in range(150):
            file.write(_ZEROS)


def _nested(levels: int) -> bytes:
    data = b"The harbour is closed. " * 100
    for _ in range(levels):
        data = gzip.compress(data)
    return data


def _overlapping() -> bytes:
    """900 members that share the bytes of one."""
    data = zipped([("a.txt", b"x" * 50 * MB)])
    place, end = data.rindex(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    entry = data[place:end]
    entries = [entry[:28] + struct.pack("<H", 7) + entry[30:46] + b"%03d.txt" % number for number in range(900)]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 900, 900, sum(map(len, entries)), place, 0)
    return data[:place] + b"".join(entries) + tail


def _lying_size() -> bytes:
    data = zipped([("a.txt", b"x" * 150 * MB)])
    place = data.rindex(b"PK\x01\x02")
    return data[: place + 24] + struct.pack("<I", 1000) + data[place + 28 :]


def _strange_size(field: bytes) -> bytes:
    """The second member of a tar file says that it has this size."""
    data = bytearray(tarred([("a.txt", b""), ("b.txt", b"hello")]))
    header = data[512:1024]
    header[124:136] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    data[512:1024] = header
    return bytes(data)


def _endless_pax() -> bytes:
    """A header of records, each of which is one byte too short to be one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.txt")
        member.pax_headers = {f"k{number}": "1" * 20_000 for number in range(2_000)}
        archive.addfile(member)
    return packed.getvalue()


def _sparse() -> bytes:
    """A member that says it has eight exabytes, none of which is there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a.txt")
        size = str(2**62)
        member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": size}
        member.pax_headers |= {"GNU.sparse.map": "0,0", "GNU.sparse.name": "a.txt", "GNU.sparse.realsize": size}
        archive.addfile(member)
    return packed.getvalue()


def _not_files() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE)
        for number, kind in enumerate(kinds):
            member = tarfile.TarInfo(f"{number}.txt")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    return packed.getvalue()


_OUTSIDE = (
    "../../../../tmp/out.txt",
    "/etc/out.txt",
    "C:\\out.txt",
    "\\\\host\\share\\out.txt",
    "a\x1b[2J\u202ecod.txt",
)

_MANIFEST = (
    '<manifest xmlns="m"><file-entry full-path="/" media-type="application/vnd.oasis.opendocument.text"/></manifest>'
)
_OPF = '<package xmlns="p"><manifest>{items}</manifest><spine>{spine}</spine></package>'
_CONTAINER = b'<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
_ITEM = '<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>'
_LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)


def _book(chapters: dict[str, bytes], spine: Iterable[str], toc: bytes = b"") -> bytes:
    items = "".join(_ITEM.format(n=name) for name in chapters)
    if toc:
        items += '<item id="toc" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    opf = _OPF.format(items=items, spine="".join(f'<itemref idref="{name}"/>' for name in spine))
    parts = [("META-INF/container.xml", _CONTAINER), ("book.opf", opf.encode()), ("toc.ncx", toc)]
    return zipped([*parts, *((f"{name}.xhtml", data) for name, data in chapters.items())])


def _contents(count: int) -> bytes:
    points = "".join(
        f'<navPoint><navLabel><text>x{n}</text></navLabel><content src="a.xhtml#{n}"/></navPoint>' for n in range(count)
    )
    return f"<ncx><navMap>{points}</navMap></ncx>".encode()


def _workbook(sheet: bytes, **parts: bytes) -> bytes:
    book = b'<workbook xmlns:r="r"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>'
    link = b'<Relationships><Relationship Id="r1" Type="x/worksheet" Target="%s"/></Relationships>'
    target = next((name for name in parts if name.startswith("media/")), "worksheets/sheet1.xml")
    named = [(f"xl/{name}", data) for name, data in parts.items()]
    return zipped(
        [
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", link % target.encode()),
            ("xl/worksheets/sheet1.xml", sheet),
            *named,
        ]
    )


def _sheet(inner: bytes, after: bytes = b"") -> bytes:
    return b"<worksheet><sheetData>" + inner + b"</sheetData>" + after + b"</worksheet>"


_CELL = b'<row r="%d"><c r="%s%d"><v>1</v></c></row>'
_SLIDE = b'<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree>%s</p:spTree></p:cSld></p:sld>'


def _deck(slides: list[bytes], shown: Iterable[int]) -> bytes:
    show = b"".join(b'<p:sldId id="1" r:id="r%d"/>' % number for number in shown)
    deck = b'<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>' + show + b"</p:sldIdLst></p:presentation>"
    links = b"".join(
        b'<Relationship Id="r%d" Type="x/slide" Target="slides/slide%d.xml"/>' % (number, number)
        for number in range(len(slides))
    )
    parts = [(f"ppt/slides/slide{number}.xml", slide) for number, slide in enumerate(slides)]
    rels = b"<Relationships>" + links + b"</Relationships>"
    return zipped([("ppt/presentation.xml", deck), ("ppt/_rels/presentation.xml.rels", rels), *parts])


_REPEATED = (
    '<table:table-row table:number-rows-repeated="{rows}"><table:table-cell table:number-columns-repeated="{columns}">'
    "<text:p>x</text:p></table:table-cell></table:table-row>"
)


def _tables_in_tables(levels: int) -> str:
    inner = "<text:p>x</text:p>"
    for _ in range(levels):
        cell = f'<table:table-cell table:number-columns-repeated="1000">{inner}</table:table-cell>'
        inner = f"<table:table><table:table-row>{cell}</table:table-row></table:table>"
    return inner


PACKED: Bombs = {
    # Archives
    "zeros.zip": _zeros,
    "zeros.gz": lambda path: _packed_zeros(gzip.GzipFile, path),
    "zeros.bz2": lambda path: _packed_zeros(bz2.BZ2File, path),
    "zeros.xz": lambda path: _packed_zeros(lzma.LZMAFile, path),
    "many-parts.tgz": made(lambda: gzip.compress(tarred((f"{n}.txt", b"x" * 9 * MB) for n in range(10)), 1)),
    "levels.gz": made(lambda: _nested(50)),
    "overlapping.zip": made(_overlapping),
    "lying-size.zip": made(_lying_size),
    "many-names.zip": made(lambda: zipped((f"{n}.txt", b"") for n in range(20_000))),
    "many-names.tgz": made(lambda: gzip.compress(tarred((f"{n}.txt", b"") for n in range(40_000)), 1)),
    "unknown-kinds.tgz": made(lambda: gzip.compress(tarred((f"{n}.zzz", b"") for n in range(40_000)), 1)),
    "negative-size.tar": made(lambda: _strange_size(b"\xff" * 10 + b"\xfe\x00")),
    "huge-size.tar": made(lambda: _strange_size(b"\x80" + b"\x00" * 3 + b"\x7f" * 8)),
    "pax.tar": made(_endless_pax),
    "sparse.tar": made(_sparse),
    "no-files.tar": made(_not_files),
    "outside.zip": made(lambda: zipped((name, b"A name that points out of the archive.") for name in _OUTSIDE)),
    "books.zip": made(
        lambda: zipped((f"{n}.docx", zipped([("word/document.xml", b" " * 90 * MB)])) for n in range(100))
    ),
    "deep-headings.zip": made(lambda: zipped((f"{n}.md", b"# a\n" * 9_000) for n in range(250))),
    "hidden.txt": made(lambda: zipped((f"{n}.txt", b"x" * 90 * MB) for n in range(3))),
    "big-dictionary.xz": made(
        lambda: lzma.compress(b"hello", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}])
    ),
    # OpenDocument
    "laughs.fodt": text(lambda: _LAUGHS + "]>" + odf("<text:p>&j;</text:p>")),
    "foreign-entity.fodt": text(
        lambda: '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + odf("<text:p>&a;</text:p>")
    ),
    "repeats.fods": text(
        lambda: odf(f"<table:table>{_REPEATED.format(rows=10**9, columns=10**9)}</table:table>", "spreadsheet")
    ),
    "long-number.fods": text(
        lambda: odf(f"<table:table>{_REPEATED.format(rows='9' * 9_000, columns=1)}</table:table>", "spreadsheet")
    ),
    "tables-in-tables.fodt": text(lambda: odf(_tables_in_tables(6))),
    "spaces.fodt": text(lambda: odf("<text:p>" + '<text:s text:c="999999999"/>' * 200_000 + "x</text:p>")),
    "lists.fodt": text(lambda: odf("<text:list><text:list-item>" * 20_000 + "</text:list-item></text:list>" * 20_000)),
    "in-itself.odt": made(
        lambda: zipped(
            (name, odf('<draw:object xlink:href="./."/><draw:object xlink:href="./A"/><text:p>hi</text:p>').encode())
            for name in ("content.xml", "A/content.xml", "./content.xml")
        )
    ),
    # Books, workbooks, slides
    "laughs.epub": made(lambda: _book({"a": b""}, "a", f"{_LAUGHS}]><ncx>&j;</ncx>".encode())),
    "one-chapter-again.epub": made(lambda: _book({"a": b"<p>" + b"x" * 3 * MB}, "a" * 1_000)),
    "contents.epub": made(lambda: _book({"a": b"<p>x " * MB}, "a", _contents(50_000))),
    "chapters.epub": made(
        lambda: _book({f"c{n}": b"<p>hello" for n in range(20_000)}, (f"c{n}" for n in range(20_000)))
    ),
    "corners.xlsx": made(lambda: _workbook(_sheet(_CELL % (1, b"A", 1) + _CELL % (1048576, b"XFD", 1048576)))),
    "shared-strings.xlsx": made(
        lambda: _workbook(
            _sheet(b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
            **{"sharedStrings.xml": b'<sst count="4000000000" uniqueCount="4000000000"><si><t>a</t></si></sst>'},
        )
    ),
    "sheet-elsewhere.xlsx": made(
        lambda: _workbook(_sheet(b""), **{"media/a.xml": b"<worksheet><sheetData>" + b"<row/>" * 150 * MB})
    ),
    "merged.xlsx": made(
        lambda: _workbook(
            _sheet(
                b"".join(_CELL % (n, b"A", n) for n in range(1, 50_000)),
                b"<mergeCells>" + b'<mergeCell ref="A1:A1048576"/>' * 500_000 + b"</mergeCells>",
            )
        )
    ),
    "one-slide-again.pptx": made(
        lambda: _deck(
            [_SLIDE % (b"<p:sp><p:txBody><a:p><a:r><a:t>hi</a:t></a:r></a:p></p:txBody></p:sp>" * 20_000)], [0] * 500
        )
    ),
    "groups.pptx": made(lambda: _deck([_SLIDE % (b"<p:grpSp>" * 50_000 + b"</p:grpSp>" * 50_000)], [0])),
}
