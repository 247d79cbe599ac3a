"""A ZIP of XML parts, as Office, OpenDocument and EPUB files are: its parts one at a time, within the limits.

A part is unpacked only up to the size that is declared for it, and only if that is within the limits for each and for
all parts together; a part that declares entities is refused because no office program writes one. So no bomb unpacks
and no entity expands. Namespaces are ignored: transitional and strict files, and those of all versions, read alike.
"""

from __future__ import annotations

import io
import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_PART_BYTES, MAX_UNPACKED_BYTES
from desktop_llm.knowledge.readers import Source, too_large
from desktop_llm.words import tr

# What the libraries and readers raise for broken files. NotImplementedError is a RuntimeError: an unknown packing.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, LookupError)
_CORE_TITLES = ("docProps/core.xml", "meta.xml")
# Titles that programs write by themselves.
_NO_TITLE = re.compile(r"(?:microsoft )?(?:word|powerpoint|excel)? ?(?:document|presentation|untitled)?\d*", re.I)
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: the last word of the relation's type, and the name of the other part."""

    kind: str
    part: str


class Package:
    """The parts of an opened file, by name."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._left_bytes = MAX_UNPACKED_BYTES
        # Some programs write backslashes, a leading slash, or other letters than they refer to.
        self._infos = {_folded(info.filename): info for info in file.infolist()}

    def __contains__(self, name: str) -> bool:
        return _folded(name) in self._infos

    def names(self) -> list[str]:
        """The names of all parts, in their order."""
        return [info.filename.replace("\\", "/").lstrip("/") for info in self._infos.values()]

    def data(self, name: str) -> bytes:
        """A part's bytes. Raises DocumentError for a part that explodes or is not there."""
        info = self._infos.get(_folded(name))
        if info is None:
            raise DocumentError(tr("Damaged: a part of it is missing"), cause="damaged")
        limit = min(MAX_PART_BYTES, self._left_bytes)
        if info.file_size > limit:
            raise too_large(
                tr(
                    "it unpacks to {size:,.0f} MB, and {limit:,.0f} MB is the limit",
                    size=(MAX_UNPACKED_BYTES - self._left_bytes + info.file_size) / 1e6,
                    limit=(MAX_UNPACKED_BYTES if limit < MAX_PART_BYTES else MAX_PART_BYTES) / 1e6,
                )
            )
        self._left_bytes -= info.file_size
        # The unpacker stops at the size that was declared, so a lie ends as damage and not as memory.
        return self._file.read(info)

    def parsed(self, name: str) -> ET.Element:
        """The root of a part's XML. Raises DocumentError as `data` does, and for a part that declares entities."""
        return parse(self.data(name))

    def side_part(self, name: str) -> ET.Element | None:
        """A part without which the rest can be read; None if it is missing or broken."""
        try:
            return self.parsed(name) if name in self else None
        except (ET.ParseError, zipfile.BadZipFile, zlib.error, EOFError):
            return None

    def relations(self, part: str) -> dict[str, Relation]:
        """What a part ("" for the package) refers to inside the file, by the identity that it uses for it."""
        folder, _, stem = part.rpartition("/")
        name = posixpath.join(folder, "_rels", f"{stem}.rels")
        if name not in self:
            return {}
        found = {}
        for relation in self.parsed(name):
            target = unquote(relation.get("Target", ""))
            if relation.get("TargetMode") != "External" and target:
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[relation.get("Id", "")] = Relation(relation.get("Type", "").rpartition("/")[2], path)
        return found

    def title(self) -> str:
        """The title in the file's properties, "" if there is none or a program wrote it by itself."""
        for name in _CORE_TITLES:
            if (root := self.side_part(name)) is not None:
                found = " ".join(next((e.text or "" for e in root.iter() if local(e) == "title"), "").split())[:300]
                return "" if _NO_TITLE.fullmatch(found) else found
        return ""


@contextmanager
def opened(source: Source) -> Iterator[Package]:
    """The package of a document. What goes wrong inside the block because of the file becomes a DocumentError."""
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as file:
            yield Package(file)
    except _DAMAGES as error:
        if isinstance(error, RecursionError):
            raise
        raise damage(source.data) from error
    except ET.ParseError:
        raise DocumentError(tr("Damaged: a part of it is not readable"), cause="damaged") from None


def damage(data: bytes) -> DocumentError:
    """The error for a file that should be a package and can't be opened as one."""
    if not data.startswith(b"PK"):
        return DocumentError(tr("Damaged, or not what its name says"), cause="damaged")
    whole = b"PK\x05\x06" in data[-66_000:]
    return DocumentError(tr("Damaged") if whole else tr("Damaged: it ends too early"), cause="damaged")


def parse(data: bytes, *, doctype: bool = False) -> ET.Element:
    """The root of an XML text. Raises DocumentError if it declares entities, or without `doctype` a document type."""
    # UTF-16 in either order; otherwise a NUL is damage anyway.
    plain = data.replace(b"\x00", b"") if b"\x00" in data[:4] else data
    if (_ENTITY if doctype else _DOCTYPE).search(plain):
        raise DocumentError(tr("Damaged: it declares entities, which no office document does"), cause="damaged")
    return ET.fromstring(data)


def local(element: ET.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: ET.Element | None, *path: str) -> ET.Element | None:
    """The first child called `path[0]`, of that the first called `path[1]`, and so on."""
    for name in path:
        if element is None:
            return None
        element = next((each for each in element if local(each) == name), None)
    return element


def attribute(element: ET.Element | None, name: str) -> str:
    """An attribute by its name without its namespace; "" if there is none."""
    if element is None:
        return ""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def descendants(element: ET.Element | None, *names: str) -> Iterator[ET.Element]:
    """All elements inside `element` that are called one of `names`."""
    return (each for each in element.iter() if local(each) in names) if element is not None else iter(())


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()
