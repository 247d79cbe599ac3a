"""Archives: each file in them is read by its own format's reader, and its name stands before its places.

ZIP, tar, and single files packed by gzip, bzip2 or xz. Nothing is ever written: a name that points out of the archive
is only a name. What a member says about its size is not believed, and all members share one allowance.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_INNER_FILES, MAX_PART_BYTES, MAX_UNPACKED_BYTES
from desktop_llm.knowledge.readers import Page, Parsing, Source, Summary, kind_for, too_large
from desktop_llm.knowledge.readers.allowance import Allowance
from desktop_llm.knowledge.readers.encodings import decode
from desktop_llm.knowledge.readers.parts import Parts
from desktop_llm.words import tr

# Made by programs for programs.
_JUNK_FOLDERS = frozenset({"__MACOSX", "__pycache__", "node_modules"})
_JUNK_FILES = frozenset({"Thumbs.db", "desktop.ini"})
_ENCRYPTED, _UTF8 = 0x1, 0x800
_AES = 99
_UNICODE_NAME = 0x7075
# Old ZIP programs wrote names in the encoding of their machine. What code page 437 shows as one of these was another.
_NO_LETTERS = re.compile("[\u2190-\u25ff\u2580-\u259f\u2200-\u22ff\u0370-\u03ff¢£¥₧ƒªº¿⌐¬½¼¡«»°±²·√ⁿ■]")
_MAX_NAME = 200
_Unpacked = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_PACKED_SUFFIX = re.compile(r"\.(?:gz|bz2|xz|gzip)$", re.IGNORECASE)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    struct.error,
)


def read(source: Source) -> Parsing:
    """The files in it as parts of one page. Raises DocumentError if not one of them can be read."""
    parts = Parts(source)
    if source.data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) or source.name.lower().endswith(".zip"):
        yield from _zip(source, parts)
    elif source.data.startswith(_PACKED):
        yield from _packed(source, parts)
    else:
        yield from _tar(source.data, source.allowance, parts)
    if not parts.read_any:
        raise parts.nothing()
    return Summary(source.stem, left_out=parts.left_out)


def _zip(source: Source, parts: Parts) -> Iterator[Page]:
    # Each entry of the directory costs more memory than the bytes it takes in the file.
    if source.data.count(b"PK\x01\x02") > 10 * MAX_INNER_FILES:
        raise too_large(tr("more than {count:,} files", count=10 * MAX_INNER_FILES))
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.data))
    except (*_BROKEN, NotImplementedError, IndexError):
        raise _damaged() from None
    with archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        names = _names(members)
        for member in members:
            if _is_junk(name := names[member.header_offset, member.filename]):
                continue
            try:
                kind_for(name)  # what no reader takes need not be unpacked
                data = _member(archive, member, source)
            except DocumentError as error:
                parts.leave_out(name, error)
                continue
            yield from parts.pages(PurePosixPath(name).name, data, name)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Source) -> bytes:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DocumentError(tr("A link"), cause="format")
    if member.compress_type == _AES:
        raise DocumentError(tr("Protected in a way this app can't open"), cause="protected")
    encrypted = bool(member.flag_bits & _ENCRYPTED)
    if encrypted and not source.password:
        raise DocumentError(tr("Protected by a password"), cause="password")
    _check(member.file_size, source.allowance)
    password = source.password.encode() if encrypted and source.password else None
    try:
        with archive.open(member, pwd=password) as file:
            return _within(file, source.allowance)
    except NotImplementedError:
        raise DocumentError(tr("Packed in a way this app can't open"), cause="format") from None
    except RuntimeError as error:
        if isinstance(error, RecursionError) or not encrypted:
            raise
        raise DocumentError(tr("Wrong password"), cause="password") from None
    except _BROKEN:
        raise DocumentError(tr("Wrong password") if encrypted else tr("Damaged"), cause="damaged") from None


def _packed(source: Source, parts: Parts) -> Iterator[Page]:
    """A file packed by itself, which may be a tar archive."""
    try:
        with _unpacking(source.data) as file:
            data = _within(file, source.allowance)
    except _BROKEN:
        raise _damaged() from None
    if data[257:262] == b"ustar" or source.name.lower().endswith((".tgz", ".tbz2", ".txz", ".tbz")):
        source.allowance.bytes += len(data)  # its members are counted
        yield from _tar(data, source.allowance, parts)
    else:
        name = _PACKED_SUFFIX.sub("", source.name)
        yield from parts.pages(name, data, name)


def _unpacking(data: bytes) -> _Unpacked:
    packed = io.BytesIO(data)
    if data.startswith(_PACKED[0]):
        return gzip.GzipFile(fileobj=packed)
    return bz2.BZ2File(packed) if data.startswith(_PACKED[1]) else lzma.LZMAFile(packed)


def _tar(data: bytes, allowance: Allowance, parts: Parts) -> Iterator[Page]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                if member.size < 0:  # the next member would be this one again
                    raise tarfile.ReadError
                name = _clean(member.name)
                if not member.isfile() or _is_junk(name):
                    continue
                try:
                    kind_for(name)
                    _check(member.size, allowance)
                    file = archive.extractfile(member)
                    content = _within(file, allowance) if file else b""
                except DocumentError as error:
                    parts.leave_out(name, error)
                    continue
                yield from parts.pages(PurePosixPath(name).name, content, name)
    except _BROKEN:
        if not parts.read_any:
            raise _damaged() from None
        parts.leave_out(tr("the rest"), _damaged())


def _check(size: int, allowance: Allowance) -> None:
    """Raises DocumentError for a file that is larger than a part may be, or than what is left for all of them."""
    if size > (limit := min(MAX_PART_BYTES, allowance.bytes)):
        raise _explodes(limit)


def _within(file: IO[bytes] | _Unpacked, allowance: Allowance) -> bytes:
    """What a packed file holds, counted while it is unpacked. Raises DocumentError beyond the limits."""
    limit = min(MAX_PART_BYTES, allowance.bytes)
    data = file.read(limit + 1)
    allowance.bytes -= len(data)
    if len(data) > limit:
        raise _explodes(limit)
    return data


def _explodes(limit: int) -> DocumentError:
    if limit < MAX_PART_BYTES:
        return too_large(tr("all files inside unpack to more than {limit:,.0f} MB", limit=MAX_UNPACKED_BYTES / 1e6))
    return too_large(tr("it unpacks to more than {limit:,.0f} MB", limit=MAX_PART_BYTES / 1e6))


def _damaged() -> DocumentError:
    return DocumentError(tr("Damaged or not an archive"), cause="damaged")


def _names(members: list[zipfile.ZipInfo]) -> dict[tuple[int, str], str]:
    """The members' names as their makers wrote them: in UTF-8 if the archive says so or they fit, else in an old code
    page.
    """
    raw = {
        (each.header_offset, each.filename): each.filename.encode("cp437", "replace")
        for each in members
        if not each.flag_bits & _UTF8 and not each.filename.isascii()
    }
    old = _old_code_page(list(raw.values()))
    names = {}
    for member in members:
        key = member.header_offset, member.filename
        names[key] = _clean(_unicode_name(member.extra) or (old(raw[key]) if key in raw else member.filename))
    return names


def _old_code_page(raw: list[bytes]) -> Callable[[bytes], str]:
    def by_ibm(name: bytes) -> str:
        return name.decode("cp437")

    def by_guess(name: bytes) -> str:
        return guessed.get(name) or by_ibm(name)

    together = b"\n".join(raw)
    try:
        together.decode("utf-8")
        return lambda name: name.decode("utf-8")
    except UnicodeDecodeError:
        if not _NO_LETTERS.search(together.decode("cp437")):
            return by_ibm
    try:
        lines = decode(together).split("\n")
    except DocumentError:
        return by_ibm
    guessed = dict(zip(raw, lines, strict=False)) if len(lines) == len(raw) else {}
    return by_guess


def _unicode_name(extra: bytes) -> str:
    """The name in Info-ZIP's extra field: two bytes of kind, two of length, then version, checksum and UTF-8."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_NAME and length > 5:
            return extra[9 : 4 + length].decode("utf-8", "replace")
        extra = extra[4 + length :]
    return ""


def _clean(name: str) -> str:
    """A member's name as a place: without a drive, a leading slash and steps upwards."""
    steps = [step for step in re.split(r"[/\\]", name) if step not in ("", ".", "..")]
    if steps and re.fullmatch(r"[A-Za-z]:", steps[0]):
        steps = steps[1:]
    shown = "/".join(steps) or "unnamed"
    return shown if len(shown) <= _MAX_NAME else f"{shown[: _MAX_NAME // 2]}…{shown[-_MAX_NAME // 2 :]}"


def _is_junk(name: str) -> bool:
    steps = name.split("/")
    hidden = any(step.startswith(".") for step in steps)
    return hidden or not _JUNK_FOLDERS.isdisjoint(steps) or steps[-1] in _JUNK_FILES or steps[-1].startswith("~$")
