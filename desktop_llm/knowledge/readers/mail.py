"""Email as a person reads it: who, to whom, when and about what, then the message, then what is attached.

Of a message written twice, the plain text is read, and the HTML only if there is none worth reading. Attached files,
forwarded messages among them, are read by their own formats' readers. Pictures inside a message's text are left out.
"""

from __future__ import annotations

import binascii
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from pathlib import PurePath

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge import readers
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode
from desktop_llm.knowledge.readers.parts import Parts
from desktop_llm.words import tr

_SHOWN = ("From", "To", "Cc", "Bcc", "Date", "Subject")
_NEIGHBOURS = re.compile(rb"[\x80-\xff]{2}")
_PGP_BLOCK = re.compile(r"-----BEGIN PGP MESSAGE-----.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
# A plain text this short beside an HTML text this many times as long only says "use a program that can show HTML".
_STUB_LENGTH = 200
_STUB_TIMES = 5
_MAX_DEPTH = 50
# The headers of a list with hundreds of recipients are shorter; decoding takes the square of their length.
_LONGEST_HEADER = 50_000
_MOST_OF_A_HEADER = 20


class _AsWritten(policy.Compat32):
    """Headers as they stand: what was no ASCII stays as escaped bytes, whose encoding is then found out."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


_PARSER = BytesParser(policy=_AsWritten())


@dataclass(slots=True)
class Attached:
    """A file that comes with a message; `quiet`: nobody would miss it if it can't be read."""

    name: str
    data: bytes
    quiet: bool = False


@dataclass(slots=True)
class Letter:
    """A message taken apart: its headers in the order they are shown, its text, and the files with it.

    `sealed` says why the message's text can't be read, "" if it can.
    """

    headers: list[tuple[str, str]]
    text: str = ""
    attached: list[Attached] = field(default_factory=list)
    sealed: str = ""

    @property
    def subject(self) -> str:
        """The subject, "" if there is none."""
        return next((value for name, value in self.headers if name == "Subject"), "")


def read(source: Source) -> Parsing:
    """The message and its attachments as parts of one page.

    Raises DocumentError "Empty" for one without text, headers and attachments.
    """
    letter = opened(_message_in(source.data))
    parts = Parts(source)
    yield from pages_of(letter, parts, source.stem)
    return Summary(letter.subject or source.stem, left_out=parts.left_out)


def pages_of(letter: Letter, parts: Parts, name: str) -> Iterator[Page]:
    """A message's own page, and those of its attachments. Raises DocumentError if there is nothing to read."""
    head = [f"{name}: {value}" for name, value in letter.headers]
    text = "\n\n".join(filter(None, ("\n".join(head), letter.text.strip("\n"))))
    if not text.strip() and not letter.attached:
        raise DocumentError(letter.sealed or tr("Empty"), cause="protected" if letter.sealed else "empty")
    if letter.sealed:
        parts.leave_out(letter.subject or name, DocumentError(letter.sealed, cause="protected"))
    if text.strip():
        yield Page(None, text, ((0, 1, letter.subject),) if letter.subject else ())
    for each in letter.attached:
        yield from parts.pages(each.name, each.data, f"attachment {each.name}", quiet=each.quiet)


def opened(data: bytes) -> Letter:
    """A message taken apart. Broken ones give what can be read of them."""
    message = _PARSER.parsebytes(data)
    letter = Letter(list(_headers(message)))
    texts: list[str] = []
    for part in _chosen(message, letter):
        if text := part.strip("\n"):
            texts.append(text)
    letter.text = "\n\n".join(texts)
    if "-----BEGIN PGP MESSAGE-----" in letter.text:
        letter.text = _PGP_BLOCK.sub("", letter.text).strip()
        letter.sealed = _encrypted()
    return letter


def header_text(value: str) -> str:
    """A header's value in one line, its encoded words decoded (RFC 2047), its raw bytes by the encoding they are in."""
    value = " ".join(value[:_LONGEST_HEADER].split())
    try:
        pieces = decode_header(value) if "=?" in value else [(value, None)]
    except (MessageError, binascii.Error, ValueError):
        pieces = [(value, None)]
    text = "".join(_piece(piece, charset) for piece, charset in pieces)
    return " ".join(text.replace("\x00", "").split())


def text_of(data: bytes, charset: str | None) -> str:
    """The text of a part's bytes: in the encoding that it names, if it fits, else in the one found out.

    Lines end with \\n. "" for what is no text.
    """
    charset = (charset or "").strip("\"' ").partition("*")[0]
    try:
        return decode(data, charset or None)
    except DocumentError:
        return ""


def _message_in(data: bytes) -> bytes:
    """The message itself, without what a mail program or an editor put before it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        data = text_of(data, None).encode()
    data = data.lstrip(b"\r\n \t") if data[:1].isspace() else data
    first, _, rest = data.partition(b"\n")
    if first.strip().isdigit():  # Apple Mail's .emlx: the length, the message, then a property list
        length = int(first.strip()[:12])
        return rest[:length]
    return data


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    for name in _SHOWN:
        values = [header_text(str(value)) for value in message.get_all(name, [])[:_MOST_OF_A_HEADER]]
        if text := ", ".join(filter(None, values)):
            yield name, text


def _piece(piece: str | bytes, charset: str | None) -> str:
    if isinstance(piece, str):
        if piece.isascii():
            return piece
        piece = piece.encode("utf-8", "surrogateescape")
    if not charset or charset == "unknown-8bit":
        charset = None
        if piece.isascii():
            return piece.decode("ascii")
        if not _NEIGHBOURS.search(piece):
            charset = "cp1252"  # single letters beyond ASCII, which a guess takes for Chinese in so short a text
    # decode() drops what stands at the ends for white space alone, so that is kept beside it.
    return text_of(piece, charset) if piece.strip() else piece.decode("ascii", "replace")


def _chosen(part: Message, letter: Letter, depth: int = 0) -> Iterator[str]:
    """The texts of a part that make up the message, in order; files go to the letter."""
    kind = part.get_content_type()
    if depth > _MAX_DEPTH:
        return
    if kind == "multipart/encrypted" or (kind in _SEALED and not _is_signed(part)):
        letter.sealed = _encrypted()
    elif kind in _SEALED:
        yield from _signed(part, letter, depth)
    elif kind == "multipart/alternative":
        yield from _best(_children(part), letter, depth)
    elif part.is_multipart() and part.get_content_maintype() == "multipart":
        for child in _children(part):
            yield from _chosen(child, letter, depth + 1)
    elif kind in ("message/rfc822", "message/global"):
        letter.attached.append(_forwarded(part))
    elif part.is_multipart():  # message/delivery-status: groups of headers
        yield "\n\n".join(
            "\n".join(f"{name}: {header_text(str(value))}" for name, value in each.items()) for each in _children(part)
        )
    elif kind in _SIGNATURES or kind in ("message/external-body", "text/x-amp-html"):
        return
    elif part.get_content_maintype() == "text" and not _is_file(part):
        yield _text(part)
    else:
        letter.attached.extend(_file(part))


def _best(children: list[Message], letter: Letter, depth: int) -> Iterator[str]:
    """Of several versions of one text: the plain one if it says something, else the richest."""
    versions: list[tuple[str, str, Letter]] = []
    for child in children:
        own = Letter([])
        text = "\n\n".join(filter(None, (each.strip("\n") for each in _chosen(child, own, depth + 1))))
        versions.append((child.get_content_type(), text, own))
    for _, _, own in versions:
        letter.attached.extend(own.attached)
        letter.sealed = letter.sealed or own.sealed
    plain = next((text for kind, text, _ in versions if kind == "text/plain" and text.strip()), "")
    others = [text for kind, text, _ in versions if kind not in ("text/plain", "text/calendar") and text.strip()]
    rich = others[-1] if others else ""
    stub = len(plain) < _STUB_LENGTH and len(rich) > _STUB_TIMES * len(plain)
    calendar = next((text for kind, text, _ in versions if kind == "text/calendar"), "")
    yield (rich if stub else plain) or rich or calendar


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _text(part: Message) -> str:
    data, charset = _bytes(part), part.get_content_charset()
    if part.get_content_subtype() == "html":
        return _html(text_of(data, charset))
    text = text_of(data, charset)
    if part.get_content_type() == "text/plain" and str(part.get_param("format", "")).lower() == "flowed":
        return _unflowed(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _html(text: str) -> str:
    """What an HTML text shows, "" if nothing."""
    if not text.strip():
        return ""
    try:
        return "\n\n".join(page.text for page in readers.read(Source("message.html", b"\xef\xbb\xbf" + text.encode())))
    except DocumentError:
        return ""


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Lines that were broken for sending put together again (RFC 3676)."""
    lines: list[str] = []
    flows, depth = False, 0
    for line in text.split("\n"):
        quoted = len(line) - len(line.lstrip(">"))
        content = line[quoted:].removeprefix(" ")
        ends = content == "-- " or not content.endswith(" ")
        shown = content if ends or not delete_space else content[:-1]
        if flows and quoted == depth and content != "-- ":
            lines[-1] += shown
        else:
            lines.append(f"{'>' * quoted} {shown}" if quoted else shown)
        flows, depth = not ends, quoted
    return "\n".join(line.rstrip() for line in lines)


def _bytes(part: Message) -> bytes:
    """A part's content without its transfer encoding."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):  # a broken transfer encoding
        raw = part.get_payload()
        payload = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""
    return payload if isinstance(payload, bytes) else b""


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError):
        name = None
    return PurePath(header_text(name or "").replace("\\", "/")).name


def _file(part: Message) -> Iterator[Attached]:
    """An attached file. Pictures that the text shows are none."""
    shown = part.get_content_disposition() != "attachment"
    if part.get_content_maintype() in ("image", "audio", "video", "font") and shown and part.get("Content-ID"):
        return
    name = _named(_file_name(part), part.get_content_type())
    data = _bytes(part)
    if data.strip():
        yield Attached(name, data, quiet=part.get_content_maintype() == "image")


def _named(name: str, kind: str) -> str:
    """The file's name, with a suffix that a reader knows if its own is unknown and the content type tells one."""
    told = mimetypes.guess_extension(kind) or (".txt" if kind.startswith("text/") else "")
    if not name:
        return f"unnamed{told}"
    known = readers.suffix_of(name) and readers.kind_of(name)
    return f"{name}{told}" if told and not known and readers.kind_of(f"a{told}") else name


def _forwarded(part: Message) -> Attached:
    """A message inside a message, as a file of its own."""
    inner = _children(part)
    if not inner:  # sent in a transfer encoding, which the standard forbids and programs use
        data = _bytes(part)
        subject = header_text(str(_PARSER.parsebytes(data, headersonly=True).get("Subject", "")))
    else:
        data = inner[0].as_bytes(policy=policy.compat32.clone(max_line_length=0))
        subject = header_text(str(inner[0].get("Subject", "")))
    name = _file_name(part) or subject or "message"
    return Attached(name if name.lower().endswith(".eml") else f"{name}.eml", data)


def _encrypted() -> str:
    return tr("The message is encrypted; open it in your mail program and save it decrypted to read it here")


def _is_signed(part: Message) -> bool:
    return "signed-data" in str(part.get_param("smime-type", "")).lower()


def _signed(part: Message, letter: Letter, depth: int) -> Iterator[str]:
    """The message inside an opaque S/MIME signature, if it lies there in one piece."""
    data = _bytes(part)
    start = re.search(rb"(?:MIME-Version|Content-Type|Content-Transfer-Encoding):", data, re.IGNORECASE)
    if start is None:
        letter.sealed = tr("The message is signed in a way this app can't open")
        return
    # Behind the text come certificates; the text itself has no NULs.
    inner = data[start.start() :].partition(b"\x00")[0]
    yield from _chosen(_PARSER.parsebytes(inner), letter, depth + 1)
