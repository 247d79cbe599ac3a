"""Text in scanned pages and pictures is recognised, offline, and what can't be read is said."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from PIL import Image, ImageDraw
from rapidocr.utils.download_file import DownloadFile

from desktop_llm.errors import BadRequest, DocumentError
from desktop_llm.knowledge.readers import Source, image, ocr, pdf
from tests.knowledge.readers.making import pdf as pdf_of
from tests.knowledge.readers.making import read, read_page, saved, scan, scanned_pdf

LETTER = "The boiler is serviced in October."
NO_TEXT = "A picture in which no text was found"
PIXELS = "Too large: a picture of more than 120 million pixels"
GERMAN = "Der Schlüssel für die Tür kostet größere Beträge."


def test_the_models_come_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it wants to download something")

    monkeypatch.setattr(DownloadFile, "run", refuse)
    ocr._engine.cache_clear()
    assert read_page("a.png", saved(scan(LETTER), "PNG")).text == LETTER


def test_scanned_pages_are_read_and_pages_with_text_are_not_recognised() -> None:
    with pypdfium2.PdfDocument(scanned_pdf(scan(GERMAN, "Le maçon paiera à Noël."))) as document:
        document.import_pages(pypdfium2.PdfDocument(pdf_of(["Typed."])))
        out = io.BytesIO()
        document.save(out)
    pages, _, summary = read("lease.pdf", out.getvalue())
    assert [page.text for page in pages] == [f"{GERMAN}\nLe maçon paiera à Noël.", "Typed."]
    assert [page.recognised for page in pages] == [True, False]
    assert summary.left_out == ()


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_page_is_read_however_it_lay_on_the_glass(turned: int) -> None:
    picture = scan(LETTER, "It was installed in 1998.", "Ask the landlord.").rotate(turned, expand=True)
    assert read_page("a.png", saved(picture, "PNG")).text.splitlines()[:2] == [LETTER, "It was installed in 1998."]


def test_a_photo_is_turned_as_its_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn it to the right
    data = saved(scan(LETTER).rotate(90, expand=True), "JPEG", exif=exif)
    assert read_page("photo.jpg", data).text == LETTER
    picture = image.draw(Source("photo.jpg", data), 1, 400, 0, 5)
    assert (picture.width, picture.height, picture.pages) == (400, 90, 1)
    assert picture.boxes == ((0, 0, 400, 90),)


def test_each_page_of_a_fax_is_a_page() -> None:
    pictures = [scan("First page of it."), scan("Second page of it.")]
    data = saved(pictures[0].convert("1"), "TIFF", save_all=True, append_images=[pictures[1].convert("1")])
    pages, kind, summary = read("fax.tif", data)
    assert [(page.number, page.text) for page in pages] == [(1, "First page of it."), (2, "Second page of it.")]
    assert (kind.format, summary.pages) == ("Picture", 2)


@pytest.mark.parametrize("kind", ["BMP", "WEBP", "GIF"])
def test_other_pictures_are_read(kind: str) -> None:
    assert read_page(f"a.{kind.lower()}", saved(scan(LETTER), kind)).text == LETTER


def test_columns_are_read_one_after_the_other() -> None:
    page = Image.new("RGB", (1300, 560), "white")
    page.paste(scan("A title over both of the columns of it").crop((0, 60, 834, 140)), (250, 20))
    lines = [f"of the {side} column, number {line}" for side in ("left", "right") for line in range(1, 6)]
    page.paste(scan(*lines[:5]), (0, 200))
    page.paste(scan(*lines[5:]), (450, 200))
    assert read_page("a.png", saved(page, "PNG")).text.split("\n\n") == [
        "A title over both of the columns of it",
        "\n".join(lines[:5]),
        "\n".join(lines[5:]),
    ]


def test_pages_whose_glyphs_are_no_letters_are_recognised() -> None:
    data = pdf_of([LETTER, "Ask the landlord about it."])
    garbled = data.replace(b"/Encoding /WinAnsiEncoding", b"/ToUnicode 99 0 R").replace(b"xref", b"") + GARBLING
    pages, _, summary = read("garbled.pdf", garbled)
    assert pages[0].text == f"{LETTER}\nAsk the landlord about it."
    picture = pdf.draw(Source("garbled.pdf", garbled), 1, 400, 0, 5)
    assert picture.boxes == ((0, 0, 400, 600),)
    assert summary.left_out == ()


def test_pages_that_hold_no_readable_text_are_named() -> None:
    noise = Image.new("RGB", (1240, 800), "white")
    strokes = ImageDraw.Draw(noise)
    for row in range(8):
        for column in range(30):
            x, y = 60 + 37 * column, 60 + 80 * row
            strokes.arc((x, y, x + 30, y + 26), 40 * column, 40 * column + 200, fill="black", width=4)
            strokes.line((x, y + 10, x + 20, y + 30 * (column % 2)), fill="black", width=4)
    _, _, summary = read("a.pdf", scanned_pdf(scan(LETTER), noise))
    assert summary.left_out == (("page 2", "no readable text"),)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("white.png", saved(Image.new("RGB", (300, 300), "white"), "PNG"), NO_TEXT),
        ("half.png", saved(scan(LETTER), "PNG")[:3000], "Damaged: it ends too early, or parts of it are broken"),
        ("text.png", b"this is no picture", "Damaged or not a picture"),
        ("stripe.png", saved(Image.effect_noise((30_000, 12), 90), "PNG"), NO_TEXT),
        ("huge.png", saved(Image.new("1", (20_000, 20_000)), "PNG"), PIXELS),
    ],
)
def test_a_picture_that_can_not_be_read_says_why(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=f"^{reason}$"):
        read(name, data)


def test_a_page_that_a_picture_lacks_is_a_sentence() -> None:
    with pytest.raises(BadRequest, match="1 pages"):
        image.draw(Source("a.png", saved(scan("x"), "PNG")), 2, 100, 0, 1)


# A map of the letters into the private use area, as fonts without any map give them.
GARBLING = b"""
99 0 obj
<< /Length 330 >>
stream
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
1 begincodespacerange
<00> <FF>
endcodespacerange
1 beginbfrange
<21> <7E> <E021>
endbfrange
endcmap
end
end
endstream
endobj
"""
