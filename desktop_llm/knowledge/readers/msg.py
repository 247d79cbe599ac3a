"""Outlook messages (MSG): the same as an email, out of the properties that Outlook stores (MS-OXMSG).

The text is the plain one, else the HTML, else the compressed RTF (MS-OXRTFCP), of which Outlook always keeps one.
"""

from __future__ import annotations

import io
import mimetypes
import struct
from collections.abc import Iterator
from datetime import UTC

from olefile import OleFileIO
from oxmsg.domain.encodings import encoding_from_codepage
from oxmsg.properties import Properties
from oxmsg.storage import Storage

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge import readers
from desktop_llm.knowledge.limits import MAX_PART_BYTES
from desktop_llm.knowledge.readers import Parsing, Source, Summary, too_large
from desktop_llm.knowledge.readers.mail import Attached, Letter, header_text, pages_of, text_of
from desktop_llm.knowledge.readers.parts import Parts
from desktop_llm.words import tr

_SUBJECT, _HEADERS, _BODY, _HTML, _RTF = 0x0037, 0x007D, 0x1000, 0x1013, 0x1009
_SENDER_NAMES = (0x0C1A, 0x0042)
_SENDER_ADDRESSES = (0x5D01, 0x5D02, 0x39FE, 0x0C1F, 0x0065)
_TO, _CC, _BCC = 0x0E04, 0x0E03, 0x0E02
_DATES = (0x0039, 0x0E06, 0x3007)
_CODE_PAGES = (0x3FDE, 0x3FFD)
_CLASS = 0x001A
_FILE_NAMES = (0x3707, 0x3704, 0x3001)
_FILE, _CONTENT_ID, _HIDDEN = 0x3701, 0x3712, 0x7FFE
# The header of the property stream differs in the message itself, a message in it, and an attachment (MS-OXMSG 2.4.1).
_TOP_OFFSET, _INNER_OFFSET, _PART_OFFSET = 32, 24, 8
_EMBEDDED = "__substg1.0_3701000D"
_MAX_DEPTH = 10
_PLAIN_RTF = 0x414C454D
_RING = 4096
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def read(source: Source) -> Parsing:
    """The message and its attachments as parts of one page. Raises DocumentError for what is no Outlook message."""
    try:
        with OleFileIO(io.BytesIO(source.data)) as file:
            storage = Storage.from_ole(file)
    except (OSError, ValueError, IndexError, KeyError, AttributeError, TypeError, struct.error):
        raise DocumentError(tr("Damaged or not an Outlook message"), cause="damaged") from None
    if not any(each.name == "__properties_version1.0" for each in storage.streams):
        raise DocumentError(tr("Damaged or not an Outlook message"), cause="damaged")
    letter = _letter(storage, _TOP_OFFSET)
    parts = Parts(source)
    yield from pages_of(letter, parts, source.stem)
    return Summary(letter.subject or source.stem, left_out=parts.left_out)


class _Properties:
    """The properties of a message or an attachment; one that is broken counts as missing."""

    def __init__(self, storage: Storage, offset: int) -> None:
        self._streams = {each.name: each.bytes_ for each in storage.streams}
        self._fixed = Properties(storage, offset)
        self.encoding = next((found for page in _CODE_PAGES if (found := self._code_page(page))), "cp1252")

    def text(self, *ids: int) -> str:
        """The first of these that is there, as text."""
        for each in ids:
            if wide := self._streams.get(f"__substg1.0_{each:04X}001F"):
                return wide.decode("utf-16-le", "replace").replace("\x00", "").replace("\r\n", "\n")
            if narrow := self._streams.get(f"__substg1.0_{each:04X}001E"):
                return text_of(narrow.rstrip(b"\x00"), self.encoding)
        return ""

    def data(self, each: int) -> bytes:
        """A property that is bytes, b"" if there is none."""
        return self._streams.get(f"__substg1.0_{each:04X}0102", b"")

    def date(self, *ids: int) -> str:
        """The first of these moments that is there, in UTC."""
        for each in ids:
            try:
                if moment := self._fixed.date_prop_value(each):
                    return f"{moment.astimezone(UTC):%a, %d %b %Y %H:%M:%S} UTC"
            except (ValueError, LookupError, TypeError, AttributeError, OverflowError, struct.error):
                continue
        return ""

    def is_set(self, each: int) -> bool:
        """Whether a switch is there and on."""
        try:
            return bool(self._fixed.int_prop_value(each))
        except (ValueError, LookupError, TypeError, AttributeError, struct.error):
            return False

    def _code_page(self, each: int) -> str:
        try:
            number = self._fixed.int_prop_value(each)
            return encoding_from_codepage(number) if number else ""
        except (ValueError, LookupError, TypeError, AttributeError, struct.error):
            return ""


def _letter(storage: Storage, offset: int, depth: int = 0) -> Letter:
    properties = _Properties(storage, offset)
    attached = [each for folder in storage.iter_attachment_storages() for each in _attached(folder, depth)]
    letter = Letter(list(_headers(properties)), _text(properties), attached)
    if not letter.text and properties.text(_CLASS).upper().startswith("IPM.NOTE.SMIME"):
        # The one attachment is the message as it was sent, which the reader of email opens.
        attached[:] = [
            Attached("smime.eml", b"Content-Type: application/pkcs7-mime\n\n" + each.data) for each in attached
        ]
    return letter


def _headers(properties: _Properties) -> Iterator[tuple[str, str]]:
    name, address = properties.text(*_SENDER_NAMES), properties.text(*_SENDER_ADDRESSES)
    sender = f"{name} <{address}>" if "@" in address and address != name else name or address
    sent = {header.lower(): value for header, value in _sent_headers(properties.text(_HEADERS))}
    shown = (
        ("From", sent.get("from", "") or sender),
        ("To", sent.get("to", "") or properties.text(_TO)),
        ("Cc", sent.get("cc", "") or properties.text(_CC)),
        ("Bcc", properties.text(_BCC)),
        ("Date", sent.get("date", "") or properties.date(*_DATES)),
        ("Subject", properties.text(_SUBJECT)),
    )
    return ((header, " ".join(value.split())) for header, value in shown if value.strip())


def _sent_headers(text: str) -> Iterator[tuple[str, str]]:
    """The headers that the message had on its way; folded lines belong to the header before them."""
    unfolded = text.replace("\n\t", " ").replace("\n ", " ")
    for line in unfolded.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.isascii():
            yield name.strip(), header_text(value)


def _text(properties: _Properties) -> str:
    if (plain := properties.text(_BODY)).strip():
        return plain
    html = text_of(properties.data(_HTML), properties.encoding) or properties.text(_HTML)
    if html.strip() and (shown := _shown("message.html", b"\xef\xbb\xbf" + html.encode("utf-8", "replace"))):
        return shown
    rtf = unpacked(properties.data(_RTF))
    return _shown("message.rtf", rtf) if rtf else ""


def _shown(name: str, data: bytes) -> str:
    try:
        return "\n\n".join(page.text for page in readers.read(Source(name, data)))
    except DocumentError:
        return ""


def _attached(storage: Storage, depth: int) -> Iterator[Attached]:
    properties = _Properties(storage, _PART_OFFSET)
    name = properties.text(*_FILE_NAMES).strip() or "unnamed"
    for inner in storage.storages:
        if inner.name == _EMBEDDED and depth < _MAX_DEPTH:
            yield from _forwarded(inner, depth + 1)
            return
    data = properties.data(_FILE)
    is_picture = (mimetypes.guess_type(name)[0] or "").startswith("image/")
    if data.strip() and not (is_picture and (properties.text(_CONTENT_ID) or properties.is_set(_HIDDEN))):
        yield Attached(name, data, quiet=is_picture)


def _forwarded(storage: Storage, depth: int) -> Iterator[Attached]:
    """A message inside a message, as the plain email that it was, and the files that came with it."""
    letter = _letter(storage, _INNER_OFFSET, depth)
    head = "".join(f"{name}: {value}\n" for name, value in letter.headers)
    text = f"{head}Content-Type: text/plain; charset=utf-8\n\n{letter.text}"
    yield Attached(f"{letter.subject or 'message'}.eml", text.encode("utf-8", "replace"))
    yield from letter.attached


def unpacked(data: bytes) -> bytes:
    """Compressed RTF unpacked (MS-OXRTFCP): references of two bytes into the last 4,096 bytes. b"" for what is none."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<4xII", data)
    if size > MAX_PART_BYTES:
        raise too_large(
            tr(
                "it unpacks to {size:,.0f} MB, and {limit:,.0f} MB is the limit",
                size=size / 1e6,
                limit=MAX_PART_BYTES / 1e6,
            )
        )
    if kind == _PLAIN_RTF:
        return data[16 : 16 + size]
    ring, write = bytearray(_DICTIONARY.ljust(_RING, b"\x00")), len(_DICTIONARY)
    out, at = bytearray(), 16
    while at < len(data) and len(out) < size:
        flags, at = data[at], at + 1
        for bit in range(8):
            if flags >> bit & 1:
                reference = int.from_bytes(data[at : at + 2], "big")
                start, length, at = reference >> 4, (reference & 15) + 2, at + 2
                if start == write:  # the mark of the end
                    return bytes(out[:size])
            else:
                ring[write : write + 1] = data[at : at + 1] or b"\x00"
                start, length, at = write, 1, at + 1
            for position in range(start, start + length):
                ring[write] = ring[position % _RING]
                out.append(ring[write])
                write = (write + 1) % _RING
    return bytes(out[:size])
