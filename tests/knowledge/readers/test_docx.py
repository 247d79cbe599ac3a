"""Word: everything that is shown, in order; nothing that was deleted; no bomb unpacks."""

from __future__ import annotations

import io
import zipfile

import pytest

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import read, read_page, word, word_of


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
