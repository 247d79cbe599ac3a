"""Word: everything that is shown, in order; nothing that was deleted; no bomb unpacks."""

from __future__ import annotations

import io
import zipfile

import pytest

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import WORD_NAMESPACE, packed, read, read_page, word, word_of


def test_headings_lists_and_tables_keep_their_order() -> None:
    (page,), kind, summary = read("lease.docx", word())
    assert page.text == (
        "Lease\n\nRent\n\nThe rent is 900 euros.\n\n• heating\n• water\n\n"
        "Month | Paid\nMay | 900\n\nEnd of the tenancy\n\nThree months’ notice."
    )
    assert [(level, title) for _, level, title in page.headings] == [
        (1, "Lease"),
        (1, "Rent"),
        (1, "End of the tenancy"),
    ]
    assert all(page.text[start:].startswith(title) for start, _, title in page.headings)
    assert (kind.format, summary.pages) == ("Word", None)


def test_deleted_text_is_left_out_and_inserted_text_is_kept() -> None:
    body = (
        "<w:p><w:r><w:t>We </w:t></w:r><w:del><w:r><w:delText>never </w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>always</w:t></w:r></w:ins><w:r><w:t> pay</w:t></w:r></w:p>"
    )
    assert read_page("a.docx", word_of(body)).text == "We always pay"


def test_text_boxes_content_controls_and_notes_are_read() -> None:
    body = (
        "<w:p><w:r><w:t>Body</w:t><w:pict><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>"
        "</w:pict></w:r></w:p><w:sdt><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    note = "<w:footnote><w:p><w:r><w:t>A note</w:t></w:r></w:p></w:footnote>"
    header = "<w:p><w:r><w:t>On top</w:t></w:r></w:p>"
    page = read_page("a.docx", word_of(body, footnotes=note, header1=header))
    assert page.text.split("\n\n") == ["Body", "In a box", "In a control", "A note", "On top"]


def numbered(level: int, text: str, list_id: int = 1) -> str:
    """A paragraph of a list."""
    properties = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def level_of_list(index: int, form: str, text: str, more: str = "") -> str:
    counts = f'<w:start w:val="1"/><w:numFmt w:val="{form}"/>'
    return f'<w:lvl w:ilvl="{index}">{counts}{more}<w:lvlText w:val="{text}"/></w:lvl>'


CONTRACT = (
    '<w:abstractNum w:abstractNumId="0">'
    + level_of_list(0, "upperRoman", "Article %1.", '<w:pStyle w:val="Article"/>')
    + level_of_list(1, "decimal", "%1.%2", "<w:isLgl/>")
    + level_of_list(2, "lowerLetter", "(%3)")
    + level_of_list(3, "decimal", "%4)", '<w:lvlRestart w:val="0"/>')
    + '</w:abstractNum><w:abstractNum w:abstractNumId="1">'
    + level_of_list(0, "bullet", "\uf0b7")
    + '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="2"><w:startOverride w:val="5"/>'
    "</w:lvlOverride></w:num>"
)
ARTICLE = (
    '<w:style w:type="paragraph" w:styleId="Article"><w:name w:val="Article"/><w:pPr><w:numPr><w:numId w:val="1"/>'
    '</w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    '<w:style w:type="character" w:styleId="Secret"><w:name w:val="Secret"/><w:rPr><w:vanish/></w:rPr></w:style>'
)


def test_lists_have_the_numbers_that_word_shows() -> None:
    article = '<w:p><w:pPr><w:pStyle w:val="Article"/></w:pPr><w:r><w:t>%s</w:t></w:r></w:p>'
    body = (
        article % "Keys"
        + numbered(1, "One key each.")
        + numbered(2, "It is lent.")
        + numbered(3, "Not sold.")
        + numbered(2, "It is numbered.")
        + article % "Fees"
        + numbered(1, "A lost key costs forty euros.")
        + numbered(2, "Paid at once.")
        + numbered(3, "In cash.")
        + numbered(2, "Begins anew.", 3)
        + numbered(0, "a point", 2)
        + '<w:p><w:pPr><w:pStyle w:val="Article"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr><w:r><w:t>Annex</w:t>'
        "</w:r></w:p>"
    )
    page = read_page("a.docx", word_of(body, numbering=CONTRACT, styles=ARTICLE))
    assert page.text == (
        "Article I. Keys\n\n1.1 One key each.\n    (a) It is lent.\n      1) Not sold.\n    (b) It is numbered.\n\n"
        "Article II. Fees\n\n2.1 A lost key costs forty euros.\n    (a) Paid at once.\n      2) In cash.\n"
        "    (e) Begins anew.\n• a point\n\nAnnex"
    )
    assert [title for _, _, title in page.headings] == ["Article I. Keys", "Article II. Fees", "Annex"]


def test_a_numbered_paragraph_that_is_hidden_or_deleted_does_not_count() -> None:
    hidden = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r>'
        "<w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r></w:p>"
    )
    deleted = (
        hidden.replace("<w:vanish/>", "<w:del/>", 1).replace("<w:r>", "<w:del><w:r>").replace("w:t>", "w:delText>")
    )
    deleted = deleted.replace("</w:r></w:p>", "</w:r></w:del></w:p>")
    body = numbered(1, "first") + hidden + deleted + numbered(1, "second")
    text = read_page("a.docx", word_of(body, numbering=CONTRACT, styles=ARTICLE)).text
    assert text == "1.1 first\n1.2 second"


def test_hidden_text_is_left_out_by_itself_and_by_its_style() -> None:
    body = (
        "<w:p><w:r><w:t>All </w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>but this </w:t></w:r><w:r><w:rPr>"
        '<w:rStyle w:val="Secret"/></w:rPr><w:t>nor that </w:t></w:r><w:r><w:rPr><w:rStyle w:val="Secret"/>'
        '<w:vanish w:val="0"/></w:rPr><w:t>is shown</w:t></w:r></w:p>'
    )
    assert read_page("a.docx", word_of(body, styles=ARTICLE)).text == "All is shown"


def test_paragraphs_whose_end_is_deleted_are_one() -> None:
    ended = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>We </w:t></w:r></w:p>"
    body = ended + "<w:p><w:r><w:t>always pay</w:t></w:r></w:p>" + ended
    assert read_page("a.docx", word_of(body)).text == "We always pay\n\nWe"


def test_a_heading_on_the_line_of_its_text_is_a_heading() -> None:
    body = (
        '<w:p><w:pPr><w:outlineLvl w:val="1"/><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>Rent.</w:t></w:r></w:p>'
        "<w:p><w:r><w:t>It is due on the first.</w:t></w:r></w:p>"
    )
    page = read_page("a.docx", word_of(body))
    assert (page.text, page.headings) == ("Rent. It is due on the first.", ((0, 2, "Rent."),))


def test_notes_and_comments_follow_their_paragraph() -> None:
    body = (
        '<w:p><w:r><w:t>A claim</w:t><w:footnoteReference w:id="2"/><w:commentReference w:id="0"/></w:r></w:p>'
        "<w:p><w:r><w:t>The next.</w:t></w:r></w:p>"
    )
    note = (
        '<w:footnote w:type="separator" w:id="0"><w:p><w:r><w:t>line</w:t></w:r></w:p></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/><w:t>Its source</w:t></w:r></w:p></w:footnote>'
    )
    comment = '<w:comment w:id="0" w:author="Ann"><w:p><w:r><w:t>Is it so?</w:t></w:r></w:p></w:comment>'
    text = read_page("a.docx", word_of(body, footnotes=note, comments=comment)).text
    assert text.split("\n\n") == ["A claim", "Note 1: Its source", "Comment by Ann: Is it so?", "The next."]


def test_fields_show_their_results_and_forms_their_state() -> None:
    body = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/><w:instrText>IF </w:instrText></w:r><w:r><w:fldChar'
        ' w:fldCharType="begin"/><w:instrText>X</w:instrText><w:fldChar w:fldCharType="separate"/><w:t>inner</w:t>'
        '<w:fldChar w:fldCharType="end"/></w:r><w:r><w:fldChar w:fldCharType="separate"/><w:t>shown </w:t><w:fldChar'
        ' w:fldCharType="end"/></w:r><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/>'
        "</w:checkBox></w:ffData></w:fldChar><w:instrText>FORMCHECKBOX</w:instrText>"
        '<w:fldChar w:fldCharType="end"/></w:r><w:r><w:t> yes</w:t></w:r></w:p>'
    )
    assert read_page("a.docx", word_of(body)).text == "shown ☒ yes"


def test_a_table_hands_over_its_header_and_keeps_its_columns() -> None:
    cell = "<w:tc>{}<w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>'

    def row(*cells: str, properties: str = "") -> str:
        return f"<w:tr>{properties}{''.join(cells)}</w:tr>"

    body = (
        "<w:tbl>"
        + row(cell.format("", "Month"), cell.format("", "Paid"), cell.format("", "On"))
        + row(cell.format(wide, "May"), cell.format("", "the 3rd"))
        + row(cell.format("", "gone"), properties="<w:trPr><w:del/></w:trPr>")
        + "</w:tbl>"
    )
    page = read_page("a.docx", word_of(body))
    assert page.text == "Month | Paid | On\nMay |  | the 3rd"
    (table,) = page.tables
    assert (page.text[table.start : table.end], table.header) == ("May |  | the 3rd", "Month | Paid | On")


def test_parts_of_other_formats_and_embedded_files_are_named_or_read() -> None:
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = (
        f'<Relationship Id="r1" Type="{types}/aFChunk" Target="part.html"/>'
        f'<Relationship Id="r2" Type="{types}/package" Target="embeddings/Budget.xlsx"/>'
    )
    body = (
        f'<w:p xmlns:r="{types}"><w:r><w:t>Before</w:t><w:object><w:OLEObject ProgID="Excel.Sheet.12" r:id="r2"/>'
        f'</w:object></w:r></w:p><w:altChunk xmlns:r="{types}" r:id="r1"/>'
    )
    data = packed(
        {
            "word/document.xml": f'<w:document xmlns:w="{WORD_NAMESPACE}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": f"<Relationships>{relations}</Relationships>",
            "word/part.html": "<p>From a <b>page</b></p>",
        }
    )
    assert read_page("a.docx", data).text.split("\n\n") == [
        "Before",
        "Embedded document: Excel.Sheet.12 (Budget.xlsx)",
        "From a page",
    ]


def test_a_formula_is_one_line() -> None:
    body = (
        '<w:p xmlns:m="x"><m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den>'
        "</m:f><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath></w:p>"
    )
    assert read_page("a.docx", word_of(body)).text == "(a+b)/2x^2"


def test_a_strict_document_is_read_like_any_other() -> None:
    namespace = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    assert read_page("a.docx", word_of("<w:p><w:r><w:t>Strict</w:t></w:r></w:p>", namespace=namespace)).text == "Strict"


def test_a_part_that_declares_entities_is_refused() -> None:
    doctype = '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(DocumentError, match="declares entities"):
        read("a.docx", word_of("<w:p><w:r><w:t>&b;</w:t></w:r></w:p>", before=doctype))


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package, package.open("word/document.xml", "w") as part:
        for _ in range(110):
            part.write(b" " * 1_000_000)
    with pytest.raises(DocumentError, match=r"^Too large: it unpacks to 110 MB"):
        read("bomb.docx", out.getvalue())


def test_elements_nested_without_end_are_damage() -> None:
    with pytest.raises(DocumentError, match="nested too deeply"):
        read("deep.docx", word_of("<w:sdt>" * 50_000 + "</w:sdt>" * 50_000))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x01just bytes", "Damaged, or not what its name says"),
        (word()[:2000], "Damaged: it ends too early"),
        (word_of("<w:p/>"), "Empty"),
        (word_of("<w:p>"), "Damaged: a part of it is not readable"),
    ],
)
def test_a_word_file_that_can_not_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=f"^{reason}$"):
        read("a.docx", data)
