"""Office files that are not what their names say, protected, damaged, or made to explode."""

from __future__ import annotations

import contextlib
import io
import zipfile

import msoffcrypto.format.ooxml
import pytest
import xlsxwriter

from desktop_llm.errors import DocumentError
from tests.knowledge.readers.making import packed, pdf, read, read_page, word

RTF = b"{\\rtf1\\ansi From a letter}"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


def stream(name: str) -> bytes:
    """The name of a stream as it stands in an OLE file."""
    return OLE + (name + "\0").encode("utf-16-le") + bytes(500)


def workbook() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet().write("A1", "From a sheet")
    return out.getvalue()


def protected(data: bytes, password: str) -> bytes:
    out = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(data)).encrypt(password, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "text", "kind"),
    [
        ("a.docx", workbook(), "From a sheet", "Excel"),
        ("a.xlsx", word(), "Lease", "Word"),
        ("a.doc", RTF, "From a letter", "RTF"),
        ("a.doc", word(), "Lease", "Word"),
        ("a.doc", b"<html><body><p>From a page</p></body></html>", "From a page", "HTML"),
        ("a.docx", pdf(["From a print"]), "From a print", "PDF"),
        ("a.rtf", "Plain wörds".encode("utf-16"), "Plain wörds", "Text"),
        ("a.xls", b"Town;Rent\nLyon;900\n", "Town | Rent", "CSV"),
    ],
)
def test_a_file_is_read_as_what_it_is_whatever_its_name(name: str, data: bytes, text: str, kind: str) -> None:
    (page,), found, _ = read(name, data)
    assert page.text.startswith(text)
    assert found.format == kind


def test_a_protected_document_opens_with_its_password_alone() -> None:
    data = protected(word(), "dry dock")
    for password, reason in ((None, "Protected by a password"), ("wet", "Wrong password")):
        with pytest.raises(DocumentError, match=f"^{reason}$") as caught:
            read("a.docx", data, password)
        assert caught.value.cause == "password"
    (page,), kind, _ = read("a.docx", data, "dry dock")
    assert page.text.startswith("Lease")
    assert kind.format == "Word"


def test_a_workbook_with_excels_own_password_opens_by_itself() -> None:
    assert read_page("a.xlsx", protected(workbook(), "VelvetSweatshop")).text == "From a sheet"


@pytest.mark.parametrize(
    ("name", "data", "reason", "cause"),
    [
        ("a.doc", stream("WordDocument"), r"An old Word format \(.doc\)", "format"),
        ("a.docx", stream("WordDocument"), r"An old Word format \(.doc\)", "format"),
        ("a.ppt", stream("PowerPoint Document"), r"An old PowerPoint format \(.ppt\)", "format"),
        ("a.xls", stream("Workbook"), "Damaged", "damaged"),
        ("a.docx", stream("EncryptedPackage"), "Damaged|Protected in a way", ""),
        ("a.pptx", workbook()[:2000], "Damaged: it ends too early", "damaged"),
        ("a.epub", packed({"a.txt": "x"}), "Damaged or not an EPUB book", "damaged"),
        ("a.odt", packed({"a.txt": "x"}), "Damaged, or not what its name says", "damaged"),
        ("a.pptx", packed({"a.txt": "x"}), "Damaged or not a presentation", "damaged"),
        ("a.xlsx", packed({"a.txt": "x"}), "Damaged", "damaged"),
        ("a.xlsx", b"\x00\x01\x02", "Damaged, or not what its name says", "damaged"),
        (
            "a.odt",
            packed({"content.xml": "<!DOCTYPE x [<!ENTITY a 'ha'>]><x>&a;</x>"}),
            "Damaged: it declares",
            "damaged",
        ),
    ],
)
def test_a_file_that_can_not_be_read_says_why_in_one_sentence(name: str, data: bytes, reason: str, cause: str) -> None:
    with pytest.raises(DocumentError, match=f"^(?:{reason})") as caught:
        read(name, data)
    assert cause in ("", caught.value.cause)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("a.pptx", "ppt/presentation.xml"),
        ("a.xlsx", "xl/worksheets/sheet1.xml"),
        ("a.odt", "content.xml"),
        ("a.epub", "META-INF/container.xml"),
    ],
)
def test_a_bomb_of_any_format_is_refused_before_it_unpacks(name: str, part: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package, package.open(part, "w") as file:
        for _ in range(110):
            file.write(b" " * 1_000_000)
    with pytest.raises(DocumentError, match=r"^Too large: it unpacks to 110 MB"):
        read(name, out.getvalue())


ODT = packed({"content.xml": "<document-content><body><text><p>From a text</p></text></body></document-content>"})


@pytest.mark.parametrize(("suffix", "data"), [("docx", word()), ("xlsx", workbook()), ("rtf", RTF), ("odt", ODT)])
def test_damage_anywhere_ends_in_words(suffix: str, data: bytes) -> None:
    assert read_page(f"a.{suffix}", data).text
    for step in range(1, 12):
        place = len(data) * step // 12
        for broken in (data[:place], data[:place] + b"\xff\x00<" + data[place + 3 :]):
            with contextlib.suppress(DocumentError):  # anything else is a fault
                read(f"a.{suffix}", broken)
