"""Email: headers, texts in every encoding, attachments, mailboxes and Outlook messages."""

from __future__ import annotations

import struct
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers.msg import unpacked
from desktop_llm.knowledge.readers.parts import sentence
from tests.knowledge.readers import making_ole
from tests.knowledge.readers.making import pdf, read, read_page

HEAD = b"From: a@b.example\nTo: c@d.example\nSubject: Rent\nMIME-Version: 1.0\n"


def message(subject: str = "The rent", text: str = "The rent is 900 euros.\n") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Ines Müller <ines@example.org>"
    made["To"] = "Jo <jo@example.org>"
    made["Subject"] = subject
    made.set_content(text)
    return made


def shown(data: bytes, name: str = "a.eml") -> str:
    """The text of a message without its headers."""
    return read_page(name, data).text.partition("\n\n")[2]


def test_the_headers_are_the_first_lines_and_the_subject_names_the_passages() -> None:
    subject = "Zusammenfassung: Übersicht über die Mietverträge und alle Änderungen, die seit Mai beschlossen wurden"
    made = message(subject)
    made["Date"] = "Tue, 01 Oct 2024 12:34:56 -0500"
    made["Cc"] = "三浦 <miura@example.org>"
    assert b"=?utf-8?" in bytes(made)
    (page,), kind, summary = read("a.eml", bytes(made))
    assert page.text == (
        "From: Ines Müller <ines@example.org>\nTo: Jo <jo@example.org>\nCc: 三浦 <miura@example.org>\n"
        f"Date: Tue, 01 Oct 2024 12:34:56 -0500\nSubject: {subject}\n\nThe rent is 900 euros."
    )
    assert page.headings == ((0, 1, subject),)
    assert (kind.format, summary.title, summary.left_out) == ("Email", subject, ())


@pytest.mark.parametrize(
    ("subject", "right"),
    [
        (b"=?iso-8859-1?Q?Gr=FC=DFe?= aus =?utf-8?B?S8O2bG4=?=", "Grüße aus Köln"),
        (b"=?utf-8?B?w7w=?= =?utf-8?B?YmVy?=", "über"),
        (b"=?utf-8?B?44GT44KT44Gr44Gh?=\n =?utf-8?B?44Gv?=", "こんにちは"),
        (b"=?iso-2022-jp?B?GyRCOzM4NxsoQg==?= 5", "山厳 5"),
        (b"=?gb2312?B?1tC5+g==?=", "中国"),
        (b"=?nonsense?Q?plain?=", "plain"),
        (b"=?utf-8?B?broken", "=?utf-8?B?broken"),
        ("Grüße, roh".encode(), "Grüße, roh"),
        ("Miete für März".encode("latin-1"), "Miete für März"),
        (b"folded\n\tover lines", "folded over lines"),
    ],
)
def test_a_subject_is_decoded(subject: bytes, right: str) -> None:
    assert read("a.eml", b"From: a@b.example\nSubject: " + subject + b"\n\ntext\n")[2].title == right


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Grüße aus Köln"),
        ("iso-8859-1", "Grüße aus Köln"),
        ("windows-1251", "Привет мир, как дела"),
        ("iso-2022-jp", "山の上の家を借りました"),
        ("gb2312", "中文文本测试内容"),
        ("utf-7", "Grüße aus Köln"),
    ],
)
@pytest.mark.parametrize("transfer", ["base64", "quoted-printable", "8bit"])
def test_a_text_is_read_in_its_encoding(charset: str, text: str, transfer: str) -> None:
    import base64
    import quopri

    raw = text.encode(charset)
    body = {"base64": base64.encodebytes(raw), "quoted-printable": quopri.encodestring(raw), "8bit": raw}[transfer]
    head = f'Content-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: {transfer}\n\n'
    assert shown(HEAD + head.encode() + body) == text


def test_a_text_without_or_with_a_wrong_encoding_is_read_by_what_it_is() -> None:
    russian = "В деревне жил старый мудрый человек, и все его любили.".encode("cp1251")
    assert "мудрый" in shown(HEAD + b"\n" + russian)
    assert "мудрый" in shown(HEAD + b"Content-Type: text/plain; charset=no-such\n\n" + russian)
    assert shown(HEAD + b"Content-Type: text/plain; charset=us-ascii\n\n" + "Köln".encode()) == "Köln"
    assert "家" in shown(HEAD + b"\n" + "山の上の家を借りました".encode("iso-2022-jp"))


def test_plain_text_is_preferred_and_html_is_read_where_there_is_no_other() -> None:
    both = message(text="The plain one says the rent.")
    both.add_alternative("<p>The rich one says it <b>too</b>.</p>", subtype="html")
    assert shown(bytes(both)) == "The plain one says the rent."
    only = MIMEText("<html><style>p{}</style><p>Only <b>HTML</b>.<p>Two.", "html", "utf-8")
    assert shown(HEAD + bytes(only)) == "Only HTML.\n\nTwo."
    stub = message(text="Open this in a browser.")
    stub.add_alternative(f"<p>{'The whole newsletter. ' * 30}</p>", subtype="html")
    assert "The whole newsletter." in shown(bytes(stub))


def test_lines_broken_for_sending_are_joined() -> None:
    head = HEAD + b"Content-Type: text/plain; format=flowed\n\n"
    body = b"One long \nparagraph.\n\n> quoted \n> words\n>> deeper\n-- \nIn\xc3\xa8s\n  indented\n"
    assert shown(head + body) == "One long paragraph.\n\n> quoted words\n>> deeper\n--\nInès\n indented"
    deleted = HEAD + b"Content-Type: text/plain; format=flowed; delsp=yes\n\nex \nample\n"
    assert shown(deleted) == "example"


def test_attachments_are_read_by_their_own_readers() -> None:
    made = message()
    made.add_attachment(
        pdf(["Clause one."], ["Clause two."]), maintype="application", subtype="pdf", filename="offer.pdf"
    )
    made.add_attachment("a,b\n1,2\n", subtype="csv", filename="Zahlungen März.csv")
    made.add_attachment(
        b"PNG", maintype="image", subtype="png", filename="logo.png", cid="<logo>", disposition="inline"
    )
    made.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="tool.exe")
    made.add_attachment(pdf(["Third."]), maintype="application", subtype="pdf", filename="scan")
    inner = message("Inner subject", "Forwarded words.")
    inner.add_attachment("deep words", filename="deep.txt")
    made.add_attachment(inner)
    pages, _, summary = read("a.eml", bytes(made))
    assert [(page.place, page.text.strip().split("\n")[-1]) for page in pages] == [
        ("", "The rent is 900 euros."),
        ("attachment offer.pdf, page 1", "Clause one."),
        ("attachment offer.pdf, page 2", "Clause two."),
        ("attachment Zahlungen März.csv", "1 | 2"),
        ("attachment scan.pdf, page 1", "Third."),
        ("attachment Inner subject.eml", "Forwarded words."),
        ("attachment Inner subject.eml, attachment deep.txt", "deep words"),
    ]
    assert all(page.number is None for page in pages)
    assert sentence(summary.left_out) == (
        "one part of it was not read: attachment tool.exe (Not a kind of document this app can read (.exe))."
    )


def test_an_attachment_that_is_locked_is_named_with_its_reason() -> None:
    made = message()
    locked = pdf(["x"], password="sesame")
    made.add_attachment(locked, maintype="application", subtype="pdf", filename="locked.pdf")
    pages, _, summary = read("a.eml", bytes(made))
    assert len(pages) == 1
    assert sentence(summary.left_out) == "one part of it was not read: attachment locked.pdf (Protected by a password)."


def test_an_encrypted_message_says_so_and_keeps_its_headers() -> None:
    sealed = MIMEMultipart("encrypted", protocol="application/pgp-encrypted")
    sealed.attach(MIMEBase("application", "pgp-encrypted"))
    sealed.attach(MIMEBase("application", "octet-stream"))
    enveloped = b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\n\nMIIB\n'
    inline = b"\nHello\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"
    for body in (bytes(sealed), enveloped, inline):
        (page,), _, summary = read("a.eml", HEAD + body)
        assert page.text.startswith("From: a@b.example\nTo: c@d.example\nSubject: Rent")
        assert "hQEMA" not in page.text
        assert "Rent (The message is encrypted" in sentence(summary.left_out)


def test_a_signed_message_is_read_without_its_signature() -> None:
    signed = MIMEMultipart("signed", protocol="application/pgp-signature")
    signed.attach(MIMEText("Signed words."))
    signature = MIMEBase("application", "pgp-signature", name="signature.asc")
    signature.set_payload("-----BEGIN PGP SIGNATURE-----")
    signed.attach(signature)
    (page,), _, summary = read("a.eml", HEAD + bytes(signed))
    assert page.text.endswith("Subject: Rent\n\nSigned words.")
    assert sentence(summary.left_out) == ""


def test_a_bounce_and_a_broken_message_give_what_can_be_read() -> None:
    bounce = (
        b'Content-Type: multipart/report; boundary="x"\n\n--x\n\nIt came back.\n--x\n'
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: failed\n--x\n"
        b"Content-Type: message/rfc822\n\nSubject: Sent\n\nThe original.\n--x--\n"
    )
    pages, _, _ = read("a.eml", HEAD + bounce)
    assert "It came back.\n\nReporting-MTA: dns; mx\n\nAction: failed" in pages[0].text
    assert (pages[1].place, pages[1].text) == ("attachment Sent.eml", "Subject: Sent\n\nThe original.")
    unended = b'Content-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/plain\n\nNo end.'
    assert shown(HEAD + unended) == "No end."


@pytest.mark.parametrize("data", [b"\n \n", b"\n\n\n", b"Content-Type: text/plain\n\n \n"])
def test_a_message_without_anything_is_empty(data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^Empty$"):
        read("a.eml", data)


def test_a_message_of_apple_mail_is_read_without_its_list() -> None:
    data = b"Subject: Rent\n\nThe words.\n"
    emlx = str(len(data)).encode() + b"\n" + data + b'<?xml version="1.0"?><plist></plist>'
    assert read_page("1.emlx", emlx).text == "Subject: Rent\n\nThe words."


def test_each_message_of_a_mailbox_is_a_page() -> None:
    mailbox = b"".join(
        b"From ines@example.org Mon Oct  7 10:%02d:00 2024\n" % number
        + bytes(message(f"Subject {number}", f"Text {number}.\n\n>From here on\nall is well.\n"))
        + b"\n"
        for number in range(3)
    )
    pages, kind, summary = read("in.mbox", mailbox)
    assert [(page.number, page.place) for page in pages] == [
        (1, "1. Subject 0"),
        (2, "2. Subject 1"),
        (3, "3. Subject 2"),
    ]
    assert pages[1].text.endswith("Text 1.\n\nFrom here on\nall is well.")
    assert (kind.format, summary.title, summary.pages) == ("Email", "in", 3)
    assert [page.number for page in read("in.mbox", mailbox.replace(b"\n", b"\r\n"))[0]] == [1, 2, 3]


def test_a_message_with_an_attachment_stays_one_page_of_its_mailbox() -> None:
    made = message("With a file")
    made.add_attachment("the file's words", filename="note.txt")
    pages, _, _ = read("in.mbox", b"From - Mon Oct  7 10:00:00 2024\n" + bytes(made))
    assert [(page.number, page.place) for page in pages] == [
        (1, "1. With a file"),
        (1, "1. With a file, attachment note.txt"),
    ]


def test_a_line_that_only_looks_like_the_start_of_a_message_is_text() -> None:
    data = b"From - Mon Oct  7 10:00:00 2024\nSubject: One\n\nHello.\n\nFrom now on\nNote: it is text.\n"
    (page,), _, _ = read("in.mbox", data)
    assert page.text.endswith("From now on\nNote: it is text.")
    with pytest.raises(DocumentError, match=r"^Damaged or not a mailbox$"):
        read("in.mbox", b"only some text\n")


def test_a_large_mailbox_is_cheap() -> None:
    one = b"From a@b Mon Oct  7 10:00:00 2024\nFrom: a@b.example\nSubject: Number\n\nSome words.\n\n"
    pages, _, summary = read("in.mbox", one * 3000)
    assert (len(pages), summary.pages) == (3000, 3000)


def test_compressed_rtf_is_unpacked_as_its_description_shows() -> None:
    # Both examples are those of MS-OXRTFCP 4.1 and 4.2.
    simple = "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    crossing = "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0"
    assert unpacked(bytes.fromhex(simple)) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpacked(bytes.fromhex(crossing)) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert unpacked(b"") == b""


def test_an_outlook_message_is_read_with_what_is_attached() -> None:
    inner = making_ole.message({0x0037: "Inner", 0x1000: "Inner words.", 0x0C1A: "Jo"}, header=24)
    data = making_ole.compound(
        making_ole.message(
            {
                0x0037: "Miete für März",
                0x1000: "The rent is 900.\r\n",
                0x0C1A: "Ines",
                0x5D01: "i@x.example",
                0x0E04: "Jo; Al",
            },
            making_ole.message({0x3707: "offer.pdf", 0x3701: pdf(["Clause one."])}, header=8),
            making_ole.message({0x3707: "logo.png", 0x3701: b"PNG", 0x3712: "<logo>"}, header=8),
            making_ole.message({0x3001: "Inner"}, header=8, inside=inner),
            x0039=133_000_000_000_000_000,
        )
    )
    pages, kind, summary = read("a.msg", data)
    assert pages[0].text == (
        "From: Ines <i@x.example>\nTo: Jo; Al\nDate: Sat, 18 Jun 2022 04:26:40 UTC\nSubject: Miete für März\n\n"
        "The rent is 900."
    )
    assert [(page.place, page.text.split("\n")[-1]) for page in pages[1:]] == [
        ("attachment offer.pdf, page 1", "Clause one."),
        ("attachment Inner.eml", "Inner words."),
    ]
    assert (kind.format, summary.title, summary.left_out) == ("Email", "Miete für März", ())


def test_an_outlook_message_without_plain_text_is_read_from_html_or_rtf() -> None:
    html: dict[int, str | bytes] = {0x0037: "a", 0x1013: "<p>Rich <b>words</b> Ö".encode("cp1252")}
    assert shown(making_ole.compound(making_ole.message(html, x3FDE=1252)), "a.msg") == "Rich words Ö"
    rtf = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    packed = struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    assert shown(making_ole.compound(making_ole.message({0x0037: "a", 0x1009: packed})), "a.msg") == "hello world"


def test_an_outlook_message_that_is_none_says_so() -> None:
    with pytest.raises(DocumentError, match=r"^Damaged or not an Outlook message$"):
        read("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<500I", *range(500)))
