"""PDF: text page by page, the reasons of failure, and pictures with the passage lit where it stands."""

from __future__ import annotations

import io

import pypdfium2
import pytest

from desktop_llm.errors import BadRequest, DocumentError
from desktop_llm.knowledge.readers import Source
from desktop_llm.knowledge.readers.pdf import draw
from desktop_llm.knowledge.readers.pdf_text import stored_text
from tests.knowledge.readers.making import pdf, picture_pdf, read


def test_each_page_gives_its_own_text_and_number() -> None:
    pages, kind, summary = read("two.pdf", pdf(["First page.", "Second line."], ["Other page."]))
    assert [(page.number, page.text) for page in pages] == [(1, "First page.\nSecond line."), (2, "Other page.")]
    assert (kind.format, summary.pages) == ("PDF", 2)


def test_a_page_without_text_between_others_is_kept_in_the_count() -> None:
    pages, _, summary = read("gap.pdf", pdf(["One."], [], ["Three."]))
    assert [page.text for page in pages] == ["One.", "", "Three."]
    assert summary.pages == 3


def test_bookmarks_become_headings_where_their_words_stand() -> None:
    data = pdf(["Preface text."], ["Some end.", "7. Repairs", "The landlord repairs."], bookmarks=[(1, "7. Repairs")])
    pages, _, _ = read("book.pdf", data)
    assert pages[0].headings == ()
    assert pages[1].headings == ((pages[1].text.index("7. Repairs"), 1, "7. Repairs"),)


@pytest.mark.parametrize(
    ("data", "password", "reason"),
    [
        (b"", None, "Empty"),
        (b"\x89PNG\r\n\x1a\n not a pdf at all", None, "Damaged or not a PDF"),
        (pdf(["text"])[:300], None, "Damaged: it ends too early"),
        (pdf(["text"], password="sesame"), None, "Protected by a password"),
        (pdf(["text"], password="sesame"), "open", "Wrong password"),
        (pdf([]), None, "Empty"),
        (picture_pdf(), None, "Pictures of pages, no text"),
    ],
)
def test_a_pdf_that_can_not_be_read_says_why(data: bytes, password: str | None, reason: str) -> None:
    with pytest.raises(DocumentError, match=f"^{reason}$"):
        read("a.pdf", data, password)


def test_a_broken_title_is_no_reason_to_fail() -> None:
    data = pdf(["text"]).replace(b"(untitled)", b"(\xfe\xff\xd8\x01\x00a\x00b)")
    assert read("lease.pdf", data)[2].title == "lease"


def test_the_right_password_opens() -> None:
    pages, _, _ = read("a.pdf", pdf(["behind the door"], password="sesame"), "sesame")
    assert pages[0].text == "behind the door"


def test_a_word_broken_at_a_line_end_is_one_word_and_every_place_leads_back() -> None:
    raw = "the com\ufffepany in COVID\ufffe19 \ue000\r\nﬁnds  \r\nit\x02\r\nself\x00🙂end"
    stored = stored_text(raw)
    assert stored.text == "the company in COVID-19 \ue000\nfinds\nitself 🙂end"
    for letter in ("m", "p", "9", "n", "s", "🙂", "d"):
        assert raw[stored.raw_index(stored.text.index(letter))] == letter
    assert raw[stored.raw_index(stored.text.index("finds") + 1)] == "ﬁ"


def test_the_picture_has_the_asked_width_and_opaque_paper() -> None:
    picture = draw(Source("a.pdf", pdf(["Hello"])), 1, 200, 0, 0)
    assert (picture.width, picture.height, picture.pages) == (200, 300, 1)
    assert len(picture.pixels) == 200 * 300 * 4
    assert picture.pixels[:4] == b"\xff\xff\xff\xff"
    assert picture.boxes == ()


def test_the_boxes_lie_on_the_ink_of_the_passage_alone() -> None:
    data = pdf(["aaaa HHHH bbbb", "IIII cccc"])
    (page,), _, _ = read("a.pdf", data)
    start, end = page.text.index("HHHH"), page.text.index("IIII") + 4
    picture = draw(Source("a.pdf", data), 1, 800, start, end)
    assert len(picture.boxes) == 2
    assert [_text_under(data, box, 800 / 400) for box in picture.boxes] == ["HHHH bbbb", "IIII"]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_the_boxes_follow_a_rotated_page(rotation: int) -> None:
    document = pypdfium2.PdfDocument(pdf(["left HHHH right"]))
    document[0].set_rotation(rotation)
    out = io.BytesIO()
    document.save(out)
    document.close()
    data = out.getvalue()
    (page,), _, _ = read("a.pdf", data)
    start = page.text.index("HHHH")
    picture = draw(Source("a.pdf", data), 1, 600, start, start + 4)
    (box,) = picture.boxes
    dark = _dark_pixels(picture.pixels, picture.width, picture.height)
    inside = sum(box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3] for x, y in dark)
    assert 0.2 < inside / len(dark) < 0.6  # four of fourteen letters, and the widest


def test_a_page_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(BadRequest, match="1 pages"):
        draw(Source("a.pdf", pdf(["x"])), 2, 100, 0, 1)


def _text_under(data: bytes, box: tuple[float, float, float, float], scale: float) -> str:
    document = pypdfium2.PdfDocument(data)
    text_page = document[0].get_textpage()
    left, top, right, bottom = box[0] / scale, box[1] / scale, (box[0] + box[2]) / scale, (box[1] + box[3]) / scale
    text = text_page.get_text_bounded(left + 0.5, 600 - bottom, right - 0.5, 600 - top)
    document.close()
    return str(text).strip()


def _dark_pixels(pixels: bytes, width: int, height: int) -> list[tuple[int, int]]:
    return [(at % width, at // width) for at in range(width * height) if pixels[4 * at] < 128]
