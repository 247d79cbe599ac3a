"""PowerPoint: a slide is a page, read as people read it; notes, tables, charts and diagrams are there."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import packed, read

TITLE_AND_BODY, ONLY_TITLE, BLANK = 1, 5, 6


def made(*slides: int) -> tuple[Any, list[Any]]:
    presentation: Any = Presentation()
    return presentation, [presentation.slides.add_slide(presentation.slide_layouts[each]) for each in slides]


def saved(presentation: Any) -> bytes:
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def box(slide: Any, text: str, left: float, top: float, width: float = 2, height: float = 1) -> None:
    slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height)).text_frame.text = text


def test_a_slide_is_a_page_and_names_its_number_and_title() -> None:
    presentation, (first, second) = made(TITLE_AND_BODY, BLANK)
    first.shapes.title.text = "Plan for May"
    body = first.placeholders[1].text_frame
    body.text = "Paint the boat"
    for text, level in (("in blue", 1), ("Sell the old one", 0)):
        paragraph = body.add_paragraph()
        paragraph.text, paragraph.level = text, level
    first.notes_slide.notes_text_frame.text = "Ask Ann about blue."
    box(second, "Only words", 1, 1)
    pages, kind, summary = read("plan.pptx", saved(presentation))
    assert pages[0].text == (
        "Plan for May\n\n• Paint the boat\n  • in blue\n• Sell the old one\n\nNotes: Ask Ann about blue."
    )
    assert [page.headings[0][2] for page in pages] == ["Slide 1: Plan for May", "Slide 2"]
    assert [(page.number, page.total) for page in pages] == [(1, 2), (2, 2)]
    assert (kind.format, summary.title, summary.pages) == ("PowerPoint", "Plan for May", 2)


def test_shapes_are_read_in_columns_whatever_their_order_in_the_file() -> None:
    presentation, (slide,) = made(ONLY_TITLE)
    box(slide, "cheap", 6, 3)
    box(slide, "fast", 1, 3)
    box(slide, "Below both", 1, 5, width=8)
    box(slide, "Con", 6, 2)
    box(slide, "Pro", 1, 2)
    slide.shapes.title.text = "Choice"
    (page,), _, _ = read("a.pptx", saved(presentation))
    assert page.text.split("\n") == ["Choice", "", "Pro", "fast", "Con", "cheap", "Below both"]


def test_groups_stay_together() -> None:
    presentation, (slide,) = made(BLANK)
    group = slide.shapes.add_group_shape()
    for text, top in (("second", 3), ("first", 2)):
        group.shapes.add_textbox(Inches(5), Inches(top), Inches(2), Inches(0.5)).text_frame.text = text
    box(slide, "beside", 1, 2, height=3)
    (page,), _, _ = read("a.pptx", saved(presentation))
    assert page.text.split("\n") == ["beside", "first", "second"]


def test_tables_and_charts_are_rows_with_their_header() -> None:
    presentation, (slide, other) = made(BLANK, BLANK)
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for index, text in enumerate(("Town", "Rain", "Lyon", "840")):
        table.cell(index // 2, index % 2).text = text
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["2021", "2022"]
    data.add_series("Turnover", (4.6, 5.1))
    data.add_series("Cost", (4.0, 4.2))
    chart = other.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(5), Inches(4), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "In millions"
    pages, _, _ = read("a.pptx", saved(presentation))
    assert [page.text for page in pages] == [
        "Town | Rain\nLyon | 840",
        "In millions\n\n | Turnover | Cost\n2021 | 4.6 | 4\n2022 | 5.1 | 4.2",
    ]
    assert [page.tables[0].header for page in pages] == ["Town | Rain", " | Turnover | Cost"]


def slide_of(shapes: str, relations: str = "", **parts: str) -> bytes:
    """A presentation of one slide with this XML."""
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    names = 'xmlns:p="p" xmlns:a="a" xmlns:r="r" xmlns:dgm="dgm"'
    related = "".join(
        f'<Relationship Id="{each}" Type="{types}/x" Target="../{each}.xml"/>' for each in relations.split()
    )
    return packed(
        {
            "ppt/presentation.xml": f'<p:presentation {names}><p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst>'
            "</p:presentation>",
            "ppt/_rels/presentation.xml.rels": f'<Relationships><Relationship Id="r1" Type="{types}/slide"'
            ' Target="slides/slide1.xml"/></Relationships>',
            "ppt/slides/slide1.xml": f'<p:sld show="0" {names}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>',
            "ppt/slides/_rels/slide1.xml.rels": f"<Relationships>{related}</Relationships>",
            **{f"ppt/{name}.xml": f"<root {names}>{xml}</root>" for name, xml in parts.items()},
        }
    )


def test_automatic_numbers_and_breaks_are_shown_and_the_slides_number_is_not() -> None:
    numbered = '<a:p><a:pPr><a:buAutoNum type="alphaLcParenR" startAt="3"/></a:pPr><a:r><a:t>{}</a:t></a:r></a:p>'
    shapes = (
        f"<p:sp><p:txBody>{numbered.format('third')}{numbered.format('fourth')}<a:p><a:r><a:t>one</a:t></a:r><a:br/><a:r>"
        '<a:t>two</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:nvSpPr><p:nvPr><p:ph type="sldNum"/></p:nvPr></p:nvSpPr>'
        '<p:txBody><a:p><a:fld type="slidenum"><a:t>7</a:t></a:fld></a:p></p:txBody></p:sp>'
    )
    (page,), _, _ = read("a.pptx", slide_of(shapes))
    assert page.text == "c) third\nd) fourth\n\none\ntwo"
    assert page.headings == ((0, 1, "Slide 1 (hidden)"),)


def test_a_diagram_is_a_list_with_levels() -> None:
    points = "".join(
        f'<dgm:pt modelId="{name}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        for name, text in (("0", ""), ("2", "Sales"), ("1", "Board"), ("3", "Tools"))
    )
    links = "".join(
        f'<dgm:cxn srcId="{upper}" destId="{lower}" srcOrd="{order}"/>'
        for upper, lower, order in (("0", "1", 0), ("1", "3", 1), ("1", "2", 0))
    )
    frame = (
        '<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm="d1"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    (page,), _, _ = read("a.pptx", slide_of(frame, "d1", d1=points + links))
    assert page.text == "• Board\n  • Sales\n  • Tools"


def test_a_broken_slide_or_note_leaves_the_rest() -> None:
    presentation, (first, second) = made(BLANK, BLANK)
    box(first, "broken", 1, 1)
    box(second, "whole", 1, 1)
    second.notes_slide.notes_text_frame.text = "a note"
    broken = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(presentation))) as whole, zipfile.ZipFile(broken, "w") as out:
        for name in whole.namelist():
            cut = name in {"ppt/slides/slide1.xml", "ppt/notesSlides/notesSlide1.xml"}
            out.writestr(name, whole.read(name)[: 300 if cut else None])
    pages, _, _ = read("a.pptx", broken.getvalue())
    assert [page.text for page in pages] == ["", "whole"]


def test_a_presentation_without_words_is_empty() -> None:
    with pytest.raises(DocumentError, match=r"^Empty$"):
        read("a.pptx", saved(made(BLANK)[0]))
