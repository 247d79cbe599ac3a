"""What a hub's answer to "bytes from here on" really holds, and whether that can be put where it belongs.

Sources: RFC 9110, 14 (ranges) and 13.1.5 (If-Range).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from desktop_llm.errors import TransferError
from desktop_llm.models.download.parts import PartState
from desktop_llm.net import Incoming
from desktop_llm.words import tr

MAGIC = b"GGUF"
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)$")
_NO_SUCH_RANGE = re.compile(r"bytes \*/(\d{1,19})$")
_SHA256 = re.compile(r'"([0-9a-f]{64})"$')


@dataclass(frozen=True, slots=True)
class Body:
    """Where in the file the answer's bytes begin, and before which one they end."""

    start: int
    end: int


def range_headers(state: PartState, start: int, end: int) -> dict[str, str]:
    """Ask for these bytes, of the very file that the others came from."""
    if start == 0 and end == state.size_bytes:
        return {}
    last = "" if end == state.size_bytes else str(end - 1)
    condition = {"If-Range": state.etag} if state.etag else {}
    return {"Range": f"bytes={start}-{last}", **condition}


def body(incoming: Incoming, state: PartState, start: int) -> Body:
    """What an answer with status 200, 206 or 416 holds; `start` was asked for. Notes the file's ETag in `state`.

    Raises TransferError for what can't be used: cause "changed", "wrong_size", "range_ignored" or "server".
    """
    headers, host = incoming.headers, urlsplit(incoming.url).hostname or ""
    _check_identity(incoming.origin_headers, host, state)
    if incoming.status == 416:
        raise _no_such_range(headers, host, state)
    if headers.get("content-encoding", "identity") not in ("", "identity"):
        raise _encoded(host)
    found = _partial(headers, host, state, start) if incoming.status == 206 else _whole(headers, host, state)
    _note_etag(headers, state)
    return found


def login_page(host: str) -> TransferError:
    """A web page came instead of a file."""
    return TransferError(
        tr(
            "A login page or another web page answered instead of {host}. What was downloaded so far is kept. "
            "Open your browser, log in to this network, then start the download again.",
            host=host,
        ),
        "login_page",
    )


def not_gguf(host: str) -> TransferError:
    """The first bytes are those of something else."""
    return TransferError(
        tr(
            "{host} sent something that is not a GGUF model file. None of it was kept. "
            "Try again later, or choose another file.",
            host=host,
        ),
        "not_gguf",
    )


def changed(host: str) -> TransferError:
    """Another file lies at this address now."""
    return TransferError(
        tr(
            "The file on {host} was replaced by another one meanwhile. What was downloaded so far is kept, "
            "but it does not fit the new file. Look at the repository's files again and choose anew.",
            host=host,
        ),
        "changed",
    )


def range_ignored(host: str) -> TransferError:
    """The server does not send the piece it was asked for."""
    return TransferError(
        tr(
            "{host} did not send the missing piece of the file but another one. What was downloaded so far is kept. "
            "Try again later; a proxy in this network may be the reason.",
            host=host,
        ),
        "range_ignored",
    )


def _whole(headers: Mapping[str, str], host: str, state: PartState) -> Body:
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) != state.size_bytes:
        raise _other_size(host, int(length), state)
    return Body(0, state.size_bytes)


def _partial(headers: Mapping[str, str], host: str, state: PartState, start: int) -> Body:
    found = _CONTENT_RANGE.match(headers.get("content-range", "").strip())
    if found is None or int(found[1]) != start or int(found[2]) < start:
        raise range_ignored(host)
    if found[3] != "*" and int(found[3]) != state.size_bytes:
        raise _other_size(host, int(found[3]), state)
    end = min(int(found[2]) + 1, state.size_bytes)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) != end - start:
        raise range_ignored(host)
    return Body(start, end)


def _no_such_range(headers: Mapping[str, str], host: str, state: PartState) -> TransferError:
    found = _NO_SUCH_RANGE.match(headers.get("content-range", "").strip())
    if found and int(found[1]) != state.size_bytes:
        return _other_size(host, int(found[1]), state)
    return range_ignored(host)


def _other_size(host: str, size_bytes: int, state: PartState) -> TransferError:
    return TransferError(
        tr(
            "{host} has {found:,} bytes for this file and had promised {promised:,}. "
            "What was downloaded so far is kept. Look at the repository's files again: it may have been replaced.",
            host=host,
            found=size_bytes,
            promised=state.size_bytes,
        ),
        "wrong_size",
    )


def _encoded(host: str) -> TransferError:
    return TransferError(
        tr(
            "{host} sent the file in a compressed form that was not asked for, so it was not used. "
            "What was downloaded so far is kept. Try again later; a proxy in this network may be the reason.",
            host=host,
        ),
        "server",
    )


def _check_identity(headers: Mapping[str, str], host: str, state: PartState) -> None:
    # Only the hub itself names its files by sha256; the ETags of its storage are made otherwise.
    tag = headers.get("x-linked-etag") or headers.get("etag", "")
    found = _SHA256.match(tag)
    if found and found[1] != state.sha256:
        raise changed(host)


def _note_etag(headers: Mapping[str, str], state: PartState) -> None:
    tag = headers.get("etag", "")
    if not tag.startswith('"'):  # none, or a weak one, which must not be used with If-Range
        # Where a checksum is promised that tells at the end; else the date is all there is to tell files apart by.
        tag = "" if state.promised else headers.get("last-modified", "")
    if not tag:
        return
    state.etag_changed = state.etag_changed or (bool(state.etag) and tag != state.etag)
    state.etag = tag
