"""Between rows of chats.db and the values of `records`: both directions, and nothing that touches the database."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from desktop_llm.chats.records import Conversation, StoredCitation, StoredMessage
from desktop_llm.chats.schema import from_sql, to_sql

_STREAMED = ("text", "thinking")
_Json = TypeVar("_Json", dict[str, Any], list[Any])


def grouped(rows: Iterable[sqlite3.Row]) -> dict[int, list[sqlite3.Row]]:
    """Rows of parts or citations by the message they belong to."""
    groups: dict[int, list[sqlite3.Row]] = {}
    for row in rows:
        groups.setdefault(row["message"], []).append(row)
    return groups


def to_conversation(row: sqlite3.Row) -> Conversation:
    """A row of the list; `status` is that of the last message on the active branch."""
    states = {"streaming": "answering", "interrupted": "interrupted"}
    return Conversation(
        id=row["id"],
        title=from_sql(row["title"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        pinned=bool(row["pinned"]),
        collections=tuple(_json(row["collections"], [])),
        system_prompt=from_sql(row["system_prompt"]),
        sampling=_json(row["sampling"], {}),
        model_id=_optional(row["model_id"]),
        state=states.get(row["status"], "idle"),
    )


def to_message(
    row: sqlite3.Row, parts: list[sqlite3.Row], citations: list[sqlite3.Row], place: tuple[int, int]
) -> StoredMessage:
    """A message from its row, its parts, its citations and its place among its siblings."""
    pieces = [(part["kind"], from_sql(part["content"])) for part in parts]
    return StoredMessage(
        id=row["id"],
        parent_id=row["parent_id"],
        role=row["role"],
        status=row["status"],
        text="".join(content for kind, content in pieces if kind == "text"),
        thinking="".join(content for kind, content in pieces if kind == "thinking"),
        error=from_sql(row["error"]),
        model_id=_optional(row["model_id"]),
        model_name=_optional(row["model_name"]),
        sampling=_json(row["sampling"], {}),
        seed=row["seed"],
        created_at=row["created_at"],
        finish_reason=row["finish_reason"],
        usage=_json(row["usage"], {}),
        timings=_json(row["timings"], {}),
        citations=tuple(_citation(citation) for citation in citations if citation["cited"]),
        sources=tuple(_citation(citation) for citation in citations if not citation["cited"]),
        unsupported=_spans(row["unsupported"]),
        attachments=tuple(content for kind, content in pieces if kind == "file"),
        branch=place[0],
        branches=place[1],
    )


def _citation(row: sqlite3.Row) -> StoredCitation:
    return StoredCitation(
        number=row["number"],
        document=from_sql(row["document"]),
        page=row["page"],
        start=row["start"],
        end=row["end"],
        text=from_sql(row["text"]),
        score=row["score"],
        verified=bool(row["verified"]),
        place=from_sql(row["place"]),
    )


def _spans(text: str) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((int(start), int(end)) for start, end in _json(text, []))
    except (TypeError, ValueError):  # damaged
        return ()


def _json(text: str, empty: _Json) -> _Json:
    # Most fields of most messages are empty, and a long conversation has thousands of them.
    if text in ("{}", "[]"):
        return empty
    try:
        value = json.loads(text)
    except ValueError:  # damaged
        return empty
    return value if isinstance(value, type(empty)) else empty


def _optional(value: str | bytes | None) -> str | None:
    return None if value is None else from_sql(value)


def joined(pieces: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Neighbouring pieces of text or thinking as one; files stay apart."""
    for kind, run in itertools.groupby(pieces, key=lambda piece: piece[0]):
        contents = [content for _, content in run]
        yield from ((kind, content) for content in (["".join(contents)] if kind in _STREAMED else contents))


def column(value: Any) -> Any:
    """A field's value as its column keeps it: text, a number, or JSON."""
    if isinstance(value, str):
        return to_sql(value)
    return json.dumps(value) if isinstance(value, dict | list | tuple) else value


def citation_values(citation: StoredCitation) -> tuple[Any, ...]:
    """A citation in the order of its columns."""
    return (
        citation.number,
        to_sql(citation.document),
        citation.page,
        citation.start,
        citation.end,
        to_sql(citation.text),
        citation.score,
        citation.verified,
        to_sql(citation.place),
    )
