"""The wire between the app and its children: frames on the child's stdin and stdout.

A frame is the length of a JSON header as a little-endian u32, the header, and as many bytes of body as the header's
`body_bytes` says. The header's `id` names the request. Its `kind` to the child is the request's own or `cancel`; the
child answers with any number of `progress`, then exactly one `done` or `error`. Frames of several ids may interleave.
Between them, `alive` with the id 0 tells that the child lives (`pulse`).
"""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MAX_HEADER_BYTES = 64 * 1024 * 1024
ALIVE = "alive"
MAX_BODY_BYTES = 1024 * 1024 * 1024
_LENGTH = struct.Struct("<I")


class ProtocolError(Exception):
    """Raised for bytes that are not a frame: the other side is broken, or printed into the wire."""


@dataclass(frozen=True, slots=True)
class Message:
    """A frame: the id of its request, its kind, its JSON fields, and an optional binary body."""

    id: int
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write one frame and flush it. If several threads write, the caller holds a lock."""
    fields = {**message.data, "id": message.id, "kind": message.kind}
    if message.body:
        fields["body_bytes"] = len(message.body)
    # ASCII-escaped, so that lone surrogates of broken file names survive.
    header = json.dumps(fields, separators=(",", ":")).encode("ascii")
    stream.write(_LENGTH.pack(len(header)) + header)
    if message.body:
        stream.write(message.body)
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """The next frame; None at the end of the stream. Raises ProtocolError for anything that is not a frame."""
    prefix = _read_exactly(stream, _LENGTH.size)
    if prefix is None:
        return None
    (length,) = _LENGTH.unpack(prefix)
    if length > MAX_HEADER_BYTES:
        raise ProtocolError(f"a header of {length} bytes")
    header = _read_exactly(stream, length)
    if header is None:
        return None
    try:
        fields = json.loads(header)
        number, kind = int(fields.pop("id")), str(fields.pop("kind"))
        body_bytes = int(fields.pop("body_bytes", 0))
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise ProtocolError("a header that is not JSON of ours") from error
    if not 0 <= body_bytes <= MAX_BODY_BYTES:
        raise ProtocolError(f"a body of {body_bytes} bytes")
    body = _read_exactly(stream, body_bytes) if body_bytes else b""
    return None if body is None else Message(number, kind, fields, body)


def path_to_wire(path: Path | str) -> str:
    """The path's bytes as base64: file names need not be text."""
    return base64.b64encode(os.fsencode(path)).decode("ascii")


def path_from_wire(text: str) -> Path:
    """The path that `path_to_wire` wrote."""
    return Path(os.fsdecode(base64.b64decode(text)))


def _read_exactly(stream: BinaryIO, count: int) -> bytes | None:
    # A pipe may return less than was asked for; a buffered reader loops by itself, a raw one doesn't.
    parts: list[bytes] = []
    while count:
        part = stream.read(count)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
