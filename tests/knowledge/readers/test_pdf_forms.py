"""What people wrote into a PDF: fields, notes and free text are read in their places, drawn, and lit."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from reportlab.pdfgen.canvas import Canvas

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Source
from desktop_llm.knowledge.readers.pdf import draw
from desktop_llm.knowledge.readers.pictures import Picture
from tests.knowledge.readers.making import read, read_page


def form(make: Callable[[Canvas], None]) -> bytes:
    """A PDF of one page, 400 by 600 points."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 600), invariant=1)
    make(canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def field(canvas: Canvas, name: str, value: str, x: float, y: float, **more: object) -> None:
    canvas.acroForm.textfield(name=name, value=value, x=x, y=y, width=150, height=20, borderWidth=0, **more)


def club(canvas: Canvas) -> None:
    canvas.drawString(40, 550, "Membership form")
    canvas.drawString(40, 520, "Family name:")
    field(canvas, "f1", "Castellan", 150, 514)
    canvas.drawString(40, 490, "Born:")
    field(canvas, "f2", "1987", 80, 484, maxlen=8)
    canvas.drawString(250, 490, "in:")
    field(canvas, "f3", "Tours", 270, 484)
    canvas.drawString(40, 460, "Street and number")
    field(canvas, "f4", "Quay Lane 12", 40, 436)
    canvas.drawString(40, 400, "Wants a key:")
    canvas.acroForm.checkbox(name="key", checked=True, x=150, y=398, size=14)
    canvas.acroForm.checkbox(name="boat", checked=False, x=40, y=370, size=14)
    canvas.drawString(60, 372, "Owns a boat")
    canvas.drawString(40, 340, "Boat:")
    canvas.acroForm.choice(name="kind", value="S", options=[("Skiff", "S"), ("Canoe", "C")], x=150, y=334, width=90)


def test_fields_are_read_behind_their_labels() -> None:
    page = read_page("form.pdf", form(club))
    assert page.text.splitlines() == [
        "Membership form",
        "Family name: Castellan",
        "Born: 1987 in: Tours",
        "Street and number Quay Lane 12",
        "Wants a key: [x]",
        "[ ] Owns a boat",
        "Boat: Skiff",
    ]


def test_a_field_without_a_label_has_its_tooltip_or_its_name() -> None:
    def make(canvas: Canvas) -> None:
        field(canvas, "f1", "5519", 100, 500, tooltip="Code of the boiler")
        field(canvas, "only", "two", 100, 400)
        for value in ("red", "blue"):
            chosen = value == "blue"
            canvas.acroForm.radio(name="colour", value=value, selected=chosen, x=100, y=300 - 40 * chosen, size=14)

    lines = read_page("form.pdf", form(make)).text.splitlines()
    assert lines == ["Code of the boiler: 5519", "only: two", "[ ] colour: red", "[x] colour: blue"]


def test_empty_fields_and_passwords_are_no_text() -> None:
    def make(canvas: Canvas) -> None:
        field(canvas, "name", "", 100, 500)
        field(canvas, "secret", "sesame", 100, 400, fieldFlags="password")

    with pytest.raises(DocumentError, match=r"^Empty$"):
        read("form.pdf", form(make))


def test_notes_and_free_text_follow_the_page_and_hidden_ones_do_not() -> None:
    def make(canvas: Canvas) -> None:
        canvas.drawString(40, 550, "The rent is 900 euros.")
        canvas.textAnnotation("Ask about\rthe heating", Rect=(300, 540, 320, 560))
        canvas.highlightAnnotation("Too much", Rect=(40, 545, 160, 565))
        canvas.freeTextAnnotation("PAID", "/Helv 12 Tf", Rect=(200, 300, 260, 320))
        canvas.textAnnotation("hidden", Rect=(10, 10, 20, 20), F=2)

    text = read_page("a.pdf", form(make)).text
    assert text == "The rent is 900 euros.\nNote: Ask about\nthe heating\nNote: Too much\nPAID"


def test_a_field_is_drawn_and_lit_where_it_stands() -> None:
    data = form(club)
    text = read_page("form.pdf", data).text
    start = text.index("Castellan")
    picture = draw(Source("form.pdf", data), 1, 400, start, start + len("Castellan"))
    (box,) = picture.boxes
    assert [round(side) for side in box] == [150, 66, 150, 20]
    assert dark_inside(picture) > 50
    whole = draw(Source("form.pdf", data), 1, 400, text.index("Family"), start + 4)
    assert len(whole.boxes) == 2


def dark_inside(picture: Picture) -> int:
    """How many dark pixels the lit places hold."""
    return sum(
        picture.pixels[4 * (y * picture.width + x) + 1] < 100
        for left, top, width, height in picture.boxes
        for y in range(round(top), round(top + height))
        for x in range(round(left), round(left + width))
    )


@pytest.mark.parametrize("words", ["Please wait... If this message is not eventually replaced", ""])
def test_a_form_for_adobe_alone_says_so(words: str) -> None:
    data = form(lambda canvas: canvas.drawString(40, 550, words))
    entries = b"/NeedsRendering true /AcroForm << /XFA (x) /Fields [] >>"
    with pytest.raises(DocumentError, match="only Adobe's own programs can show"):
        read("form.pdf", data.replace(b"/Type /Catalog", entries + b" /Type /Catalog"))
