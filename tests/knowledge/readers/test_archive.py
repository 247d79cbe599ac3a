"""Archives: members by their own readers, names of every age, and archives that mean harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile

import pytest

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge import limits, readers
from desktop_llm.knowledge.readers import Source
from desktop_llm.knowledge.readers.allowance import Allowance
from desktop_llm.knowledge.readers.parts import sentence
from desktop_llm.steps import Run
from tests.knowledge.readers.making import pdf, read, word


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def places(name: str, data: bytes) -> list[tuple[str, str]]:
    return [(page.place, page.text.strip().split("\n")[-1]) for page in read(name, data)[0]]


def test_each_file_is_read_by_its_own_reader_and_its_name_is_its_place() -> None:
    data = zipped(
        {
            "leases/one.pdf": pdf(["Clause one."], ["Clause two."]),
            "leases/two.docx": word(),
            "leases/": b"",
            "notes.md": b"# Keys\n\nFour keys.\n",
            "__MACOSX/._notes.md": b"\x00\x05",
            ".DS_Store": b"\x00",
            "old/archive.zip": zipped({"deep/rent.csv": b"Month;Rent\nMay;900\n"}),
        }
    )
    pages, kind, summary = read("all.zip", data)
    assert [(page.place, page.text.strip().split("\n")[-1]) for page in pages] == [
        ("leases/one.pdf, page 1", "Clause one."),
        ("leases/one.pdf, page 2", "Clause two."),
        ("leases/two.docx", "Three months’ notice."),
        ("notes.md", "Four keys."),
        ("old/archive.zip, deep/rent.csv", "May | 900"),
    ]
    assert pages[3].headings == ((0, 1, "Keys"),)
    assert all(page.number is None for page in pages)
    assert (kind.format, summary.title, summary.pages, summary.left_out) == ("ZIP", "all", None, ())


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.tar", bytes),
        ("a.tar.gz", gzip.compress),
        ("a.tgz", gzip.compress),
        ("a.tar.bz2", bz2.compress),
        ("a.tar.xz", lzma.compress),
    ],
)
def test_tar_archives_are_read(name: str, pack: type[bytes]) -> None:
    data = pack(tarred({"a/one.txt": b"first", "../../two.txt": b"second"}))
    assert places(name, data) == [("a/one.txt", "first"), ("two.txt", "second")]


def test_a_file_packed_by_itself_is_read_by_the_name_it_has_without_that() -> None:
    assert places("server.log.gz", gzip.compress(b"it failed\n")) == [("server.log", "it failed")]


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["Übergabe.txt", "naïve café.txt"], "cp437"),
        (["Договор аренды.txt", "Квартира на улице.txt"], "cp866"),
        (["租赁合同文件.txt", "房屋钥匙交接记录.txt"], "gbk"),
        (["Übergabe.txt", "租赁.txt"], "utf-8"),
    ],
)
def test_names_are_read_in_the_encoding_of_the_program_that_wrote_them(names: list[str], encoding: str) -> None:
    raw = [name.encode(encoding) for name in names]
    stand_ins = [(b"%03d" % number).ljust(len(name) - 4, b"_") + b".txt" for number, name in enumerate(raw)]
    data = zipped({stand_in.decode(): b"words" for stand_in in stand_ins})
    for stand_in, name in zip(stand_ins, raw, strict=True):
        data = data.replace(stand_in, name)
    assert [place for place, _ in places("a.zip", data)] == names


def test_names_that_point_out_of_the_archive_are_only_names() -> None:
    data = zipped({"../../../tmp/a.txt": b"one", "/etc/b.txt": b"two", "C:\\Users\\c.txt": b"three"})
    assert [place for place, _ in places("a.zip", data)] == ["tmp/a.txt", "etc/b.txt", "Users/c.txt"]


def test_what_can_not_be_read_is_named_and_the_rest_is_read() -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("good.txt", "good words")
        archive.writestr("broken.docx", b"PK nonsense")
        archive.writestr("tool.exe", b"MZ")
        archive.writestr("blank.txt", b" ")
        archive.writestr(link, "/etc/passwd")
    pages, _, summary = read("a.zip", out.getvalue())
    assert [page.text for page in pages] == ["good words"]
    assert sentence(summary.left_out) == (
        "4 parts of it were not read: broken.docx (Damaged: it ends too early); "
        "tool.exe (Not a kind of document this app can read (.exe)); blank.txt (Empty); link.txt (A link)."
    )


def test_what_lies_deeper_is_named_with_the_way_to_it() -> None:
    mail = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nwords\n--b\n"
    mail += b"Content-Type: application/octet-stream; name=tool.exe\n\nMZ\n--b--\n"
    left_out = read("a.zip", zipped({"in/b.zip": zipped({"c.eml": mail})}))[2].left_out
    assert [name for name, _ in left_out] == ["in/b.zip, c.eml, attachment tool.exe"]


def test_many_unreadable_files_are_counted_and_some_named() -> None:
    data = zipped({f"{number}.exe": b"MZ" for number in range(40)} | {"good.txt": b"words"})
    left_out = sentence(read("a.zip", data)[2].left_out)
    assert left_out.startswith("40 parts of it were not read, among them 0.exe (")
    assert left_out.count(".exe (") == 5


def test_a_damaged_member_costs_only_itself() -> None:
    data = zipped({"a.txt": b"first words", "b.txt": b"second words"}, zipfile.ZIP_STORED)
    pages, _, summary = read("a.zip", data.replace(b"first words", b"fjrst words"))
    assert [page.place for page in pages] == ["b.txt"]
    assert sentence(summary.left_out) == "one part of it was not read: a.txt (Damaged)."


def encrypted(member: bytes = b"secret words") -> bytes:
    """An archive whose member says that it is encrypted."""
    data = bytearray(zipped({"a.txt": member, "b.txt": b"open words"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def test_an_encrypted_member_is_named() -> None:
    pages, _, summary = read("a.zip", encrypted())
    assert [page.place for page in pages] == ["b.txt"]
    assert sentence(summary.left_out) == "one part of it was not read: a.txt (Protected by a password)."
    assert "Wrong password" in sentence(read("a.zip", encrypted(), "guess")[2].left_out)


def test_archives_in_archives_end_somewhere() -> None:
    data = zipped({"words.txt": b"words"})
    for _ in range(6):
        data = zipped({"a.zip": data, "b.txt": b"on the way"})
    pages, _, summary = read("a.zip", data)
    assert [page.place.count("a.zip") for page in pages] == [2, 1, 0]
    assert "More than 3 files deep" in sentence(summary.left_out)


def within(allowance: Allowance, data: bytes) -> tuple[list[str], str]:
    """The places and the sentence on what was left out of an archive that is read within an allowance."""
    run = Run(readers.read(Source("a.zip", data, allowance=allowance)))
    return [page.place for page in run], sentence(run.result[1].left_out)


def test_a_bomb_is_left_out_and_the_rest_is_read() -> None:
    assert limits.MAX_PART_BYTES == 100_000_000
    bomb = zipped({"bomb.txt": b"0" * 100_000_001})
    assert len(bomb) < 200_000
    with pytest.raises(DocumentError, match=r"^bomb.txt: Too large: it unpacks to more than 100 MB$"):
        read("a.zip", bomb)
    pages, _, summary = read("a.zip", zipped({"bomb.zip": bomb, "good.txt": b"good words"}))
    assert [page.place for page in pages] == ["good.txt"]
    assert "bomb.zip" in sentence(summary.left_out)


def test_all_files_inside_share_what_one_document_may_cost() -> None:
    inner = zipped({"a.txt": b"a" * 400, "b.txt": b"b" * 400})
    data = zipped({"inner.zip": inner, "c.txt": b"c" * 400, "d.txt": b"d" * 50})
    places, left_out = within(Allowance(bytes=len(inner) + 1000), data)
    assert places == ["inner.zip, a.txt", "inner.zip, b.txt", "d.txt"]
    assert left_out.startswith("one part of it was not read: c.txt (Too large: all files inside unpack to more than ")
    assert within(Allowance(files=3), data)[0] == ["inner.zip, a.txt", "inner.zip, b.txt"]
    assert within(Allowance(characters=500), data)[0] == ["inner.zip, a.txt", "d.txt"]


def test_a_size_that_lies_does_not_help_a_bomb() -> None:
    data = bytearray(zipped({"a.txt": b"0" * 1_000_000, "b.txt": b"words"}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    pages, _, summary = read("a.zip", bytes(data))
    assert [page.place for page in pages] == ["b.txt"]
    assert "a.txt" in sentence(summary.left_out)


def test_a_tar_archive_that_leads_back_to_its_own_beginning_ends() -> None:
    """Python's tarfile believes a negative size, and comes to the same member again and again (CVE-2025-8194)."""
    data = bytearray(tarred({"a.txt": b"", "b.txt": b"words", "c.txt": b"more"}))
    header = data[512:1024]
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"  # -512
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    data[512:1024] = header
    with pytest.raises(DocumentError, match=r"^Damaged or not an archive$"):
        read("a.tar", bytes(data))


def test_an_archive_without_a_readable_file_says_why() -> None:
    for name, data, reason in (
        ("a.zip", zipped({}), "Empty"),
        ("a.zip", zipped({"tool.exe": b"MZ"}), r"tool.exe: Not a kind of document this app can read \(.exe\)"),
        ("a.zip", b"PK\x03\x04 and no more", "Damaged or not an archive"),
        ("a.zip", b"plain text", "Damaged or not an archive"),
        ("a.tar", b"plain text", "Damaged or not an archive"),
        ("a.gz", b"\x1f\x8b and no more", "Damaged or not an archive"),
    ):
        with pytest.raises(DocumentError, match=f"^{reason}$"):
            read(name, data)


def test_an_archive_cut_short_gives_its_beginning() -> None:
    whole = tarred({"a.txt": b"first words", "b.txt": b"x" * 50_000})
    pages, _, summary = read("a.tar", whole[:5_000])
    assert pages[0].place == "a.txt"
    assert summary.left_out
