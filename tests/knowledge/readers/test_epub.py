"""EPUB: chapters in the order of reading, under the titles of the table of contents."""

from __future__ import annotations

import pytest

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import packed, read

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
TWO = "<html><head><title/></head><body><h2>The river</h2><p>It was wide.&nbsp;Very.</p></body></html>"
ONE = "<html><body><a id='x'/><p>It began in May.</p><p id='later'>Later on</p><p>it rained.</p></body></html>"


def epub(contents: str, properties: str, **parts: str) -> bytes:
    """A book whose second file is read first; `contents` is its table of contents, in the file toc.xml."""
    items = "".join(
        f'<item id="{name}" href="{name.replace(" ", "%20")}.xhtml" media-type="application/xhtml+xml"/>'
        for name in ("ch two", "ch1", "cover")
    )
    opf = (
        f'<package xmlns:dc="dc"><metadata><dc:title>A year</dc:title></metadata><manifest>{items}<item id="toc"'
        f' href="toc.xml" {properties}/></manifest><spine toc="toc"><itemref idref="cover"/><itemref idref="toc"/>'
        '<itemref idref="ch1"/><itemref idref="ch two"/><itemref idref="lost"/></spine></package>'
    )
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": opf,
            "OPS/toc.xml": contents,
            "OPS/cover.xhtml": "<html><body><img src='a.jpg'/></body></html>",
            "OPS/ch two.xhtml": TWO,
            "OPS/ch1.xhtml": ONE,
            **parts,
        }
    )


NCX = (
    '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx><navMap>'
    "<navPoint><navLabel><text>Spring &nbsp;days</text></navLabel><content src='ch1.xhtml'/><navPoint><navLabel>"
    "<text>Later on</text></navLabel><content src='ch1.xhtml#later'/></navPoint></navPoint><navPoint><navLabel>"
    "<text>The River</text>"
    "</navLabel><content src='ch%20two.xhtml'/></navPoint></navMap></ncx>"
)
NAV = (
    "<html xmlns:epub='e'><body><nav epub:type='landmarks'><ol><li><a href='x'>no</a></li></ol></nav>"
    "<nav epub:type='toc'>"
    "<ol><li><a href='ch1.xhtml'>Spring days</a><ol><li><a href='ch1.xhtml#later'>Later on</a></li></ol></li><li>"
    "<a href='ch%20two.xhtml'>The River</a></li></ol></nav></body></html>"
)


@pytest.mark.parametrize(
    ("contents", "properties"), [(NCX, 'media-type="application/x-dtbncx+xml"'), (NAV, 'properties="nav"')]
)
def test_chapters_are_read_in_order_and_named_by_the_contents(contents: str, properties: str) -> None:
    (page,), kind, summary = read("a.epub", epub(contents, properties))
    assert page.text == "It began in May.\n\nLater on\n\nit rained.\n\nThe river\n\nIt was wide.\xa0Very."
    assert [(page.text[start:].split("\n")[0], level, title) for start, level, title in page.headings] == [
        ("It began in May.", 1, "Spring days"),
        ("Later on", 2, "Later on"),
        ("The river", 1, "The River"),
    ]
    assert (kind.format, summary.title) == ("EPUB", "A year")


def test_a_book_that_a_shop_protects_says_so() -> None:
    encryption = '<encryption><CipherReference URI="OPS/ch1.xhtml"/></encryption>'
    data = epub(NCX, "", **{"META-INF/encryption.xml": encryption})
    with pytest.raises(DocumentError, match="Protected by the shop") as caught:
        read("a.epub", data)
    assert caught.value.cause == "protected"


def test_entities_of_the_file_itself_are_refused() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">]><ncx/>'
    with pytest.raises(DocumentError, match="declares entities"):
        read("a.epub", epub(laughs, 'media-type="application/x-dtbncx+xml"'))
