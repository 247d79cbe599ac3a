"""OpenDocument: what LibreOffice shows of texts, slides and sheets."""

from __future__ import annotations

import io

import odfdo
import pytest

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import packed, read, read_page

NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("style", "style"),
        ("draw", "drawing"),
        ("svg", "svg-compatible"),
        ("presentation", "presentation"),
        ("dc", "dc"),
    )
)


def opendocument(kind: str, body: str, styles: str = "", *, shared: str = "", manifest: str = "") -> bytes:
    """A file with this body and these automatic styles; `shared` goes into the part of shared styles."""
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles><office:body>"
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    parts = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content}
    if shared:
        parts["styles.xml"] = f"<office:document-styles {NAMES}>{shared}</office:document-styles>"
    if manifest:
        parts["META-INF/manifest.xml"] = f"<manifest>{manifest}</manifest>"
    return packed(parts)


def level(kind: str, number: int, more: str = "") -> str:
    return f'<text:{kind} text:level="{number}" {more}/>'


LISTS = (
    '<text:list-style style:name="L1">'
    + level("list-level-style-number", 1, 'style:num-format="1" style:num-suffix="."')
    + level("list-level-style-number", 2, 'style:num-format="a" style:num-suffix=")" style:num-prefix="("')
    + '</text:list-style><text:list-style style:name="L2">'
    + level("list-level-style-bullet", 1)
    + "</text:list-style>"
)
OUTLINE = (
    "<text:outline-style>"
    + level("outline-level-style", 1, 'style:num-format="I" style:num-suffix="."')
    + level("outline-level-style", 2, 'style:num-format="1" text:display-levels="2" style:num-suffix="."')
    + "</text:outline-style>"
)


def item(*paragraphs: str, start: str = "") -> str:
    return f"<text:list-item {start}>{''.join(paragraphs)}</text:list-item>"


def p(text: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def h(text: str, level: int) -> str:
    return f'<text:h text:outline-level="{level}">{text}</text:h>'


def test_a_file_of_another_program_is_read() -> None:
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Lease"))
    document.body.append(odfdo.Paragraph("The rent is 900 euros."))
    table = odfdo.Table("Paid", width=2, height=2)
    for place, text in {"A1": "Month", "B1": "Paid", "A2": "May", "B2": "yes"}.items():
        table.set_value(place, text)
    document.body.append(table)
    out = io.BytesIO()
    document.save(out)
    (page,), kind, _ = read("lease.odt", out.getvalue())
    assert page.text == "1. Lease\n\nThe rent is 900 euros.\n\nMonth | Paid\nMay | yes"
    assert (page.headings, page.tables[0].header, kind.format) == (
        ((0, 1, "1. Lease"),),
        "Month | Paid",
        "OpenDocument",
    )


def test_lists_and_headings_have_their_numbers() -> None:
    inner = f"<text:list>{item(p('small'))}{item(p('smaller'))}</text:list>"
    body = (
        h("Keys", 1)
        + h("Lent", 2)
        + f'<text:list text:style-name="L1">{item(p("one"), p("more of one"))}{item(p("two"), inner)}</text:list>'
        + p("Between")
        + f'<text:list text:style-name="L1" text:continue-numbering="true">{item(p("three"))}</text:list>'
        + h("Fees", 1)
        + f'<text:list text:style-name="L1">{item(p("anew"), start=chr(32))}</text:list>'
        + f'<text:list text:style-name="L2">{item(p("a point"))}</text:list>'
    )
    page = read_page("a.odt", opendocument("text", body, LISTS, shared=OUTLINE))
    assert page.text == (
        "I. Keys\n\nI.1. Lent\n\n1. one\n\nmore of one\n\n2. two\n  (a) small\n  (b) smaller\n\nBetween\n\n3. three\n\n"
        "II. Fees\n\n1. anew\n• a point"
    )
    assert [title for _, _, title in page.headings] == ["I. Keys", "I.1. Lent", "II. Fees"]


def test_deleted_and_hidden_text_is_left_out_and_notes_follow() -> None:
    styles = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Its source</text:p>"
        "</text:note-body></text:note>"
    )
    comment = (
        "<office:annotation><dc:creator>Ann</dc:creator><dc:date>2024</dc:date><text:p>So?</text:p></office:annotation>"
    )
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>never</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        + p(
            f'A<text:s text:c="2"/>claim{note}{comment}<text:span text:style-name="H"> secret</text:span>.'
            "<text:tab/>End"
        )
        + p("secret too", "H")
        + '<text:section text:display="none"><text:p>and this</text:p></text:section>'
    )
    assert read_page("a.odt", opendocument("text", body, styles)).text == (
        "A  claim.\tEnd\n\nNote 1: Its source\n\nComment by Ann: So?"
    )


def test_headers_and_footers_come_last_and_once() -> None:
    page_style = "<style:master-page><style:header><text:p>Draft</text:p></style:header></style:master-page>"
    shared = f"<office:master-styles>{page_style * 2}</office:master-styles>"
    assert read_page("a.odt", opendocument("text", p("Text"), shared=shared)).text == "Text\n\nDraft"


def test_a_text_as_one_file_is_read() -> None:
    flat = (
        f"<office:document {NAMES}><office:body><office:text>{p('Flat')}</office:text></office:body></office:document>"
    )
    assert read_page("a.fodt", flat.encode()).text == "Flat"


def test_a_slide_is_a_page_with_its_notes() -> None:
    def frame(text: str, left: int, top: int, more: str = "") -> str:
        place = f'svg:x="{left}cm" svg:y="{top}cm" svg:width="8cm" svg:height="3cm" {more}'
        return f"<draw:frame {place}><draw:text-box>{p(text)}</draw:text-box></draw:frame>"

    title = 'presentation:class="title"'
    notes = (
        f"<presentation:notes>{frame('Ask Ann.', 0, 0, chr(32) + title.replace('title', 'notes'))}</presentation:notes>"
    )
    slide = f"<draw:page>{frame('right', 12, 5)}{frame('left', 1, 5)}{frame('Plan', 1, 1, title)}{notes}</draw:page>"
    pages, _, summary = read("a.odp", opendocument("presentation", slide + "<draw:page/>"))
    assert [(page.number, page.text) for page in pages] == [(1, "Plan\n\nleft\n\nright\n\nNotes: Ask Ann."), (2, "")]
    assert (pages[0].headings, summary.pages, summary.title) == (((0, 1, "Slide 1: Plan"),), 2, "Plan")


def cell(text: str, more: str = "") -> str:
    return f"<table:table-cell {more}>{p(text) if text else ''}</table:table-cell>"


def test_a_sheet_has_values_as_people_read_them() -> None:
    def value(kind: str, content: str, shown: str) -> str:
        name = {"float": "value", "date": "date-value", "percentage": "value"}[kind]
        return cell(shown, f'office:value-type="{kind}" office:{name}="{content}"')

    rows = (
        f"<table:table-row>{cell('Town')}{cell('Rent')}{cell('Since')}{cell('Share')}</table:table-row>",
        f"<table:table-row>{cell('Lyon')}{value('float', '900.0', '900,00 €')}{value('date', '2019-03-01', '1.3.19')}"
        f"{value('percentage', '0.125', '12.5 %')}"
        + cell("", 'table:number-columns-repeated="16000"')
        + "</table:table-row>",
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>',
    )
    page = read_page(
        "a.ods", opendocument("spreadsheet", f'<table:table table:name="Prices">{"".join(rows)}</table:table>')
    )
    assert page.text == "Town | Rent | Since | Share\nLyon | 900 | 2019-03-01 | 12.5 %"
    assert (page.headings, page.tables[0].columns, page.tables[0].first_row) == (((0, 1, "Prices"),), "A:D", 2)


def test_a_sheet_that_repeats_its_cells_without_end_is_refused() -> None:
    many = cell("x", 'table:number-columns-repeated="16384"')
    rows = f'<table:table-row table:number-rows-repeated="1048576">{many}</table:table-row>'
    with pytest.raises(DocumentError, match="more than 20 million cells"):
        read("a.ods", opendocument("spreadsheet", f"<table:table>{rows}</table:table>"))


def test_a_file_with_a_password_says_so() -> None:
    entry = '<file-entry full-path="content.xml"><encryption-data/></file-entry>'
    with pytest.raises(DocumentError, match=r"^Protected by a password$") as caught:
        read("a.odt", opendocument("text", "", manifest=entry))
    assert caught.value.cause == "protected"
