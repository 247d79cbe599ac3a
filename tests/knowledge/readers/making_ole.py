"""Compound files (the container of Outlook messages and old Office files) made for the tests, by [MS-CFB]."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

Tree = Mapping[str, "bytes | Tree"]

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass(slots=True)
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    sibling: int = _FREE
    child: int = _FREE

    def stored(self, start: int, size: int) -> bytes:
        name = self.name.encode("utf-16-le") + b"\0\0"
        facts = (len(name), self.kind, 1, _FREE, self.sibling, self.child)
        return struct.pack("<64sHBB3I36xIQ", name, *facts, start, size)


def compound(tree: Tree) -> bytes:
    """A compound file with these streams (bytes) and storages (mappings); small streams lie in the mini stream."""
    entries = [_Entry("Root Entry", _ROOT)]
    _add(tree, 0, entries)
    sectors: list[bytes] = []
    table: list[int] = []
    mini, mini_table = b"", list[int]()

    def stored(data: bytes) -> int:
        if not data:
            return _END
        first, count = len(sectors), -(-len(data) // _SECTOR)
        sectors.extend(data[at * _SECTOR :][:_SECTOR].ljust(_SECTOR, b"\0") for at in range(count))
        table.extend([*range(first + 1, first + count), _END])
        return first

    places: list[tuple[int, int]] = []
    for entry in entries:
        content = entry.content
        if entry.kind != _STREAM:
            places.append((0, 0))
        elif len(content) >= _CUTOFF:
            places.append((stored(content), len(content)))
        else:
            count = -(-len(content) // _MINI)
            first = len(mini_table)
            places.append((first if count else _END, len(content)))
            mini += content.ljust(count * _MINI, b"\0")
            mini_table.extend([*range(first + 1, first + count), _END] if count else [])
    places[0] = (stored(mini), len(mini))
    mini_at = stored(struct.pack(f"<{len(mini_table)}I", *mini_table).ljust(_SECTOR, b"\xff"))
    directory = b"".join(entry.stored(*place) for entry, place in zip(entries, places, strict=True))
    directory_at = stored(directory)
    fat_at = len(sectors)
    table.append(_FAT)
    assert len(table) <= _SECTOR // 4
    sectors.append(struct.pack(f"<{len(table)}I", *table).ljust(_SECTOR, b"\xff"))
    header = struct.pack(
        "<8s16x5H6x8I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, directory_at, 0, _CUTOFF, mini_at, -(-len(mini_table) * 4 // _SECTOR), _END),
    ) + struct.pack("<II", 0, fat_at)
    return header.ljust(_SECTOR, b"\xff") + b"".join(sectors)


def _add(tree: Tree, parent: int, entries: list[_Entry]) -> None:
    before = -1
    for name, content in tree.items():
        index = len(entries)
        entries.append(_Entry(name, _STREAM, content) if isinstance(content, bytes) else _Entry(name, _STORAGE))
        if before < 0:
            entries[parent].child = index
        else:
            entries[before].sibling = index
        before = index
        if not isinstance(content, bytes):
            _add(content, index, entries)


def message(
    properties: Mapping[int, str | bytes],
    *attachments: Tree,
    header: int = 32,
    inside: Tree | None = None,
    **fixed: int,
) -> dict[str, bytes | Tree]:
    """The streams of an Outlook message, or of an attachment: text as Unicode, bytes as they are; `inside` is an
    attached message, `fixed` are numbers by "xPID".
    """
    streams: dict[str, bytes | Tree] = {"__properties_version1.0": b"\0" * header + numbers(fixed)}
    for each, value in properties.items():
        if isinstance(value, str):
            streams[f"__substg1.0_{each:04X}001F"] = value.encode("utf-16-le")
        else:
            streams[f"__substg1.0_{each:04X}0102"] = value
    if inside is not None:
        streams["__substg1.0_3701000D"] = inside
    return streams | {f"__attach_version1.0_#{number:08X}": each for number, each in enumerate(attachments)}


def numbers(fixed: Mapping[str, int]) -> bytes:
    """Properties of a fixed size: a moment (0x40) for what is large, else a number (3)."""
    return b"".join(
        struct.pack("<HHIQ", 0x40 if value > 1 << 40 else 3, int(name[1:], 16), 6, value)
        for name, value in fixed.items()
    )
