"""What a file is by its content: names of office files are often wrong, because programs and people rename them."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers.encodings import decode

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Only files of these formats are looked into; a ZIP file or a picture is read as what its name says.
_OFFICE = frozenset({"docx", "ole", "pptx", "spreadsheet", "opendocument", "rtf", "epub"})
# A name without a suffix, or one that programs give to anything: a file that begins with a mark of its own is no text.
_UNTOLD = frozenset({"text", "image"})
_MARKS = (
    (b"%PDF-", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
)
_FOLDERS = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "spreadsheet"))
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|table|meta)\b", re.IGNORECASE | re.DOTALL)
_FLAT_OPENDOCUMENT = b"<office:document"
_MAX_MEMBERS = 100_000


def module_of(data: bytes, named: str) -> str:
    """The reader for this content; `named` is the one that the file's name means, and stays if nothing speaks against
    it.
    """
    if named in _UNTOLD:
        return _by_mark(data) or named
    if named not in _OFFICE:
        return named
    if data.startswith(b"PK"):
        return _packed(data) or named
    if data.startswith(_OLE):
        return _ole(data)
    start = data[:4096]
    if b"{\\rtf" in start[:100]:
        return "rtf"
    if b"%PDF-" in start[:1024]:
        return "pdf"
    if _FLAT_OPENDOCUMENT in start:
        return "opendocument"
    if _HTML.match(start.removeprefix(b"\xef\xbb\xbf")):
        return "html"
    return _text(data, named)


def _by_mark(data: bytes) -> str:
    """The reader for content that begins with the mark of a format, "" if it does not."""
    if data.startswith(b"PK\x03\x04"):
        return _packed(data) or "archive"
    if data.startswith(_OLE):
        return _ole(data)
    return next((module for mark, module in _MARKS if data.startswith(mark)), "")


def _packed(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = {info.filename.replace("\\", "/").lower(): info for info in file.infolist()[:_MAX_MEMBERS]}
            kind = members.get("mimetype")
            said = file.read(kind) if kind is not None and kind.file_size < 200 else b""
    except (zipfile.BadZipFile, ValueError, RuntimeError, LookupError, EOFError, OSError, zlib.error):
        return ""
    if b"epub" in said or "meta-inf/container.xml" in members:
        return "epub"
    if b"opendocument" in said or "content.xml" in members:
        return "opendocument"
    return next((module for folder, module in _FOLDERS if any(name.startswith(folder) for name in members)), "")


def _ole(data: bytes) -> str:
    """Excel's old workbooks and Outlook's messages have readers of their own; `ole` knows the others."""
    names = [name for name in ("Workbook", "Book", "__substg1.0_") if name.encode("utf-16-le") in data]
    if "EncryptedPackage".encode("utf-16-le") in data or "WordDocument".encode("utf-16-le") in data or not names:
        return "ole"
    return "msg" if names == ["__substg1.0_"] else "ole"


def _text(data: bytes, named: str) -> str:
    """A list or letter that a program wrote as plain text under the name of an office file."""
    if b"\x00" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return named
    try:
        decode(data[:4096])
    except DocumentError:
        return named
    return "csv" if named == "spreadsheet" else "text"
