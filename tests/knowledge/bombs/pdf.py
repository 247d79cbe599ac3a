"""PDFs that loop, nest, lie, or hold more than their size says."""

from __future__ import annotations

import random
import zlib

from tests.knowledge.bombs.making import MB, Bombs, made


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


def _unmapped(glyphs: int) -> bytes:
    """Text in a font that does not say which characters its glyphs are."""
    shown = b"<" + b"".join(b"%04x" % (number % 60_000) for number in range(glyphs)) + b"> Tj"
    inner = b"<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)>>>>"
    font = b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[7 0 R]>>"
    return one_page(stream(b"BT /G 12 Tf 50 700 Td " + shown + b" ET"), b"/Font<</G 6 0 R>>", font, inner)


def _font_in_itself() -> bytes:
    """A font whose letter is drawn with the same font."""
    font = (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 97/LastChar 97/Widths[1]"
        b"/Encoding<</Differences[97/a]>>/CharProcs<</a 7 0 R>>/Resources<</Font<</G 6 0 R>>>>>>"
    )
    glyph = stream(b"1 0 d0 BT /G 1 Tf (aaaaaaaaaa) Tj ET")
    return one_page(stream(b"BT /G 12 Tf 50 700 Td (aaaa) Tj ET"), b"/Font<</G 6 0 R>>", font, glyph)


def _one_title_for_all(items: int, title: bytes) -> bytes:
    base = 8
    listed = [
        b"<</Title 7 0 R/Parent 6 0 R/Dest[3 0 R/Fit]%s>>"
        % (b"/Next %d 0 R" % (base + n + 1) if n < items - 1 else b"")
        for n in range(items)
    ]
    root = b"<</Type/Outlines/First 8 0 R/Last %d 0 R/Count %d>>" % (base + items - 1, items)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    tree = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    catalog = b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>"
    return pdf(catalog, tree, page, _said(b"word " * 20_000), font, root, b"(" + title + b")", *listed)


def _updated(times: int) -> bytes:
    """A PDF with so many additions at its end, each with a table that points to the one before."""
    whole = bytearray(one_page(_said()))
    before = int(whole[whole.rindex(b"startxref") + 10 :].split()[0])
    for _ in range(times):
        start = len(whole)
        whole += b"\nxref\n0 1\n0000000000 65535 f \ntrailer<</Size 6/Root 1 0 R/Prev %d>>\n" % before
        whole += b"startxref\n%d\n%%%%EOF" % (start + 1)
        before = start + 1
    return bytes(whole)


def _streams_in_a_circle() -> bytes:
    """Objects inside streams that are said to be inside each other."""
    inner = stream(b"3 0 <</Type/Page>>", b"/Type/ObjStm/N 1/First 4/Extends 4 0 R")
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", inner, inner)


def _fields(count: int, kids: bytes) -> bytes:
    """A form of so many fields with one long value; `kids` are those of its first object, field 7."""
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]/XFA 6 0 R>>>>"
    numbers = b" ".join(b"%d 0 R" % (8 + number) for number in range(count))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<<>>/Annots[%s]>>" % numbers
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/Parent 7 0 R/V 5 0 R/Rect[50 %d 300 %d]>>"
    widgets = [field % (number % 800, number % 800 + 9) for number in range(count)]
    value, top = b"(" + b"word " * 20_000 + b")", b"<</FT/Tx/T(top)/Kids[%s]/Parent 7 0 R>>" % (kids or numbers)
    tree = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    return pdf(catalog, tree, page, _said(), value, stream(b"<xdp>" * MB), top, *widgets)


def _large_picture(edge: int) -> bytes:
    """A page that is one black-and-white picture of this many pixels in height and width."""
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 1/ColorSpace/DeviceGray" % (edge, edge)
    drawn = stream(b"q 600 0 0 800 0 0 cm /P Do Q")
    return one_page(drawn, b"/XObject<</P 6 0 R>>", stream(b"\x0f" * (edge * edge // 8), entries))


PDFS: Bombs = {
    "fields.pdf": made(lambda: _fields(20_000, b"")),
    "fields-in-a-circle.pdf": made(lambda: _fields(3, b"7 0 R 7 0 R")),
    "large-picture.pdf": made(lambda: _large_picture(20_000)),
    "endless.pdf": made(lambda: _many_kids(100_000, 100_000, stream(b"q Q " * 4 * MB))),
    "endless-words.pdf": made(lambda: _many_kids(100_000, 100_000, _glyphs(20_000))),
    "endless-blank.pdf": made(lambda: _many_kids(100_000, 100_000, stream(b""))),
    "count-lie.pdf": made(lambda: _many_kids(1, 1_000_000, stream(b""))),
    "count-lie-words.pdf": made(lambda: _many_kids(1, 1_000_000, _said())),
    "count-negative.pdf": made(lambda: _many_kids(1, -5, _said())),
    "count-huge.pdf": made(lambda: _many_kids(1, 2**40, _said())),
    "kids-loop.pdf": made(lambda: pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>")),
    "kids-deep.pdf": made(lambda: _nested_pages(20_000)),
    "xref-loop.pdf": made(
        lambda: pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>", extra=b"/Prev 9")
    ),
    "flate.pdf": made(lambda: one_page(stream(b" " * 800 * MB))),
    "flate-twice.pdf": made(lambda: one_page(stream(b" " * 800 * MB, filters=2))),
    "operators.pdf": made(lambda: one_page(stream(b"0 0 m 1 1 l S " * 3 * MB))),
    "saved-states.pdf": made(lambda: one_page(stream(b"q " * 5 * MB))),
    "glyphs.pdf": made(lambda: one_page(_glyphs(400_000))),
    "one-string.pdf": made(lambda: one_page(_said(b"A" * 5 * MB))),
    "form-in-itself.pdf": made(
        lambda: one_page(
            stream(b"/X Do"),
            b"/XObject<</X 6 0 R>>",
            stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>"),
        )
    ),
    "forms-doubling.pdf": made(lambda: _forms(12, 10)),
    "cmap.pdf": made(lambda: _cmap(200)),
    "outline-loop.pdf": made(lambda: _outline(3, loop=True)),
    "outline-long.pdf": made(lambda: _outline(100_000, loop=False)),
    "box-huge.pdf": made(lambda: one_page(_said(), box=b"0 0 1e30 1e30")),
    "arrays-deep.pdf": made(lambda: one_page(stream(b"[" * 3 * MB + b"]" * 3 * MB + b" TJ"))),
    "dictionaries-deep.pdf": made(
        lambda: pdf(b"<</Type/Catalog/Pages 2 0 R/X" + b"<</X" * 200_000 + b">>" * 200_001, b"<</Type/Pages/Count 0>>")
    ),
    "object-stream.pdf": made(lambda: pdf(stream(b"9 9 " * 1000, b"/Type/ObjStm/N 1000000000/First 999999999"))),
    "picture-huge.pdf": made(
        lambda: one_page(
            stream(b"/X Do"),
            b"/XObject<</X 6 0 R>>",
            stream(
                b"\0" * MB,
                b"/Type/XObject/Subtype/Image/Width 100000/Height 100000/ColorSpace/DeviceRGB/BitsPerComponent 8",
            ),
        )
    ),
    "font-without-map.pdf": made(lambda: _unmapped(2 * MB)),
    "font-in-itself.pdf": made(_font_in_itself),
    "tiny-objects.pdf": made(lambda: one_page(_said(), b"", *([b"<<>>"] * MB))),
    "long-title-for-all.pdf": made(lambda: _one_title_for_all(5_000, b"word " * 200_000)),
    "updates.pdf": made(lambda: _updated(20_000)),
    "streams-in-a-circle.pdf": made(_streams_in_a_circle),
    "filters.pdf": made(lambda: one_page(stream(b"0 0 m " * MB, filters=300))),
    "many-pictures.pdf": made(
        lambda: one_page(
            stream(b"/X Do " * 2 * MB),
            b"/XObject<</X 6 0 R>>",
            stream(b"\0" * 30_000, b"/Type/XObject/Subtype/Image/Width 100/Height 100/ColorSpace/DeviceRGB"),
        )
    ),
    "annotations.pdf": made(
        lambda: one_page(
            _said(), b">>/Annots[" + b"6 0 R " * MB + b"]/X<<", b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>"
        )
    ),
    "huge-table-of-objects.pdf": made(
        lambda: b"%PDF-1.7\nxref\n0 2147483647\n" + b"0000000009 00000 n \n" * MB + b"trailer<</Root 1 0 R>>"
    ),
    "names-long.pdf": made(lambda: one_page(stream(b"/" + b"x" * 50 * MB + b" gs"))),
    "garbage.pdf": made(lambda: b"%PDF-1.7\n" + random.Random(1).randbytes(20 * MB)),
}
