"""The stored facts of a conversation as values, and how to make them from rows of chats.db and back.

Nothing here touches the database.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict, TypeVar

from desktop_llm.chats.schema import from_sql, to_sql
from desktop_llm.message import (
    Check,
    Citation,
    File,
    Image,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    text_of,
    thinking_of,
)


@dataclass(frozen=True, slots=True)
class ChatAdapter:
    """An adapter of a chat or of an answer, and how strongly it counts; one that is off keeps its scale.

    `problem` says in a sentence why an answer was written without it, "" if it was not.
    """

    id: str
    name: str
    scale: float
    on: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat in the list; `state` is "idle", "answering" or "interrupted", times are seconds since 1970.

    `tools` says by "on" whether the model may use tools here, and by a tool's name whether it may use that one. `way`
    is how the documents are used: "" chooses by question, "passages", "every_file"; "every_file_if_asked" chooses by
    question too, and does not ask again whether to read every file.
    """

    id: str
    title: str
    created_at: float
    updated_at: float
    pinned: bool = False
    collections: tuple[str, ...] = ()
    system_prompt: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)
    model_id: str | None = None
    state: str = "idle"
    adapters: tuple[ChatAdapter, ...] = ()
    tools: dict[str, bool] = field(default_factory=dict)
    way: str = ""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message; `branch` of `branches` counts it among the children of its parent.

    `unsupported` holds the (start, end) of the sentences in `text` that no source supports. `error` says in one
    sentence what went wrong, and `error_text` what is safe and what to do; both are "" if nothing went wrong. If the
    answer goes on from an earlier one, `continued` has the "word" that comes "instead" of another one. `coverage` says
    how far it looked into the documents (`conversation.coverage`), `checks` what these say about each sentence.
    """

    id: str
    parent_id: str | None
    role: str
    status: str
    parts: tuple[Part, ...]
    error: str
    error_text: str
    model_id: str | None
    model_name: str | None
    sampling: dict[str, Any]
    seed: int | None
    created_at: float
    finish_reason: str | None
    usage: dict[str, Any]
    timings: dict[str, Any]
    citations: tuple[Citation, ...]
    sources: tuple[Citation, ...]
    unsupported: tuple[tuple[int, int], ...]
    branch: int
    branches: int
    adapters: tuple[ChatAdapter, ...] = ()
    continued: dict[str, Any] = field(default_factory=dict)
    coverage: dict[str, Any] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @property
    def text(self) -> str:
        """The message itself, without thinking and attachments."""
        return text_of(self.parts)

    @property
    def thinking(self) -> str:
        """Everything the model thought."""
        return thinking_of(self.parts)

    @property
    def attachments(self) -> tuple[str, ...]:
        """The paths of the attached documents."""
        return tuple(part.path for part in self.parts if isinstance(part, File))


class ConversationFields(TypedDict, total=False):
    """The fields of a conversation that may be set."""

    title: str
    pinned: bool
    collections: tuple[str, ...]
    system_prompt: str
    sampling: dict[str, Any]
    model_id: str | None
    adapters: tuple[ChatAdapter, ...]
    tools: dict[str, bool]
    way: str


class MessageFields(TypedDict, total=False):
    """The facts about an answer that are known at its start or its end, beside its parts."""

    error: str
    error_text: str
    model_id: str | None
    model_name: str | None
    model_sha256: str | None
    adapters: tuple[ChatAdapter, ...]
    sampling: dict[str, Any]
    seed: int | None
    finish_reason: str | None
    usage: dict[str, Any]
    timings: dict[str, Any]
    unsupported: Sequence[tuple[int, int]]
    continued: dict[str, Any]
    coverage: dict[str, Any]
    checks: Sequence[dict[str, Any]]


_LAST_MOMENT = 253_402_214_400.0  # in the year 9999

_Json = TypeVar("_Json", dict[str, Any], list[Any])


def grouped(rows: Iterable[sqlite3.Row]) -> dict[int, list[sqlite3.Row]]:
    """Rows of parts or citations, grouped by the message they belong to."""
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
        created_at=_moment(row["created_at"]),
        updated_at=_moment(row["updated_at"]),
        pinned=bool(row["pinned"]),
        collections=tuple(json_of(row["collections"], [])),
        system_prompt=from_sql(row["system_prompt"]),
        sampling=json_of(row["sampling"], {}),
        model_id=_optional(row["model_id"]),
        state=states.get(row["status"], "idle"),
        adapters=_adapters(row["adapters"]),
        tools=json_of(row["tools"], {}),
        way=from_sql(row["way"]),
    )


def to_message(
    row: sqlite3.Row, parts: list[sqlite3.Row], citations: list[sqlite3.Row], place: tuple[int, int]
) -> StoredMessage:
    """A message from its row, its parts, its citations and its place among its siblings."""
    return StoredMessage(
        id=row["id"],
        parent_id=row["parent_id"],
        role=row["role"],
        status=row["status"],
        parts=tuple(joined(map(to_part, parts))),
        error=from_sql(row["error"]),
        error_text=from_sql(row["error_text"]),
        model_id=_optional(row["model_id"]),
        model_name=_optional(row["model_name"]),
        sampling=json_of(row["sampling"], {}),
        seed=row["seed"],
        created_at=_moment(row["created_at"]),
        finish_reason=row["finish_reason"],
        usage=json_of(row["usage"], {}),
        timings=json_of(row["timings"], {}),
        citations=tuple(_citation(citation) for citation in citations if citation["cited"]),
        sources=tuple(_citation(citation) for citation in citations if not citation["cited"]),
        unsupported=_spans(row["unsupported"]),
        branch=place[0],
        branches=place[1],
        adapters=_adapters(row["adapters"]),
        continued=json_of(row["continued"], {}),
        coverage=json_of(row["coverage"], {}),
        checks=tuple(check for each in json_of(row["checks"], []) if (check := Check.from_json(each)) is not None),
    )


def to_part(row: sqlite3.Row) -> Part:
    """A part from its row. If the JSON of a tool part is damaged, it becomes a result that holds the raw text."""
    kind, content = row["kind"], from_sql(row["content"])
    match kind:
        case "thinking":
            return Thinking(content)
        case "image":
            return Image(content)
        case "file":
            return File(content)
        case "tool_call" | "tool_result":
            try:
                return ToolCall(**json.loads(content)) if kind == "tool_call" else ToolResult(**json.loads(content))
            except (ValueError, TypeError, RecursionError):
                return ToolResult("", content)
    return Text(content)  # also if the kind is damaged


def part_values(part: Part) -> tuple[str, str | bytes]:
    """A part as its row's kind and content."""
    match part:
        case Text(content) | Thinking(content) | Image(content) | File(content):
            return part.kind, to_sql(content)
    return part.kind, json.dumps(asdict(part))


def _citation(row: sqlite3.Row) -> Citation:
    return Citation(
        number=row["number"],
        document=from_sql(row["document"]),
        page=row["page"],
        start=row["start"],
        end=row["end"],
        text=from_sql(row["text"]),
        score=row["score"],
        verified=bool(row["verified"]),
        place=from_sql(row["place"]),
        context=from_sql(row["context"]),
        also_in=tuple(map(str, json_of(from_sql(row["also_in"]), []))),
    )


def _adapters(text: str) -> tuple[ChatAdapter, ...]:
    try:
        return tuple(
            ChatAdapter(str(one["id"]), str(one["name"]), float(one["scale"]), bool(one["on"]), str(one["problem"]))
            for one in json_of(text, [])
        )
    except (TypeError, KeyError, ValueError):  # damaged
        return ()


def _spans(text: str) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((int(start), int(end)) for start, end in json_of(text, []))
    except (TypeError, ValueError):  # damaged
        return ()


def json_of(text: str, empty: _Json) -> _Json:
    """The value of a column of JSON; `empty` if it is that, or damaged."""
    # Most fields of most messages are empty, and a long conversation has thousands of them.
    if text in ("{}", "[]"):
        return empty
    try:
        value = json.loads(text)
    except ValueError:  # damaged
        return empty
    return value if isinstance(value, type(empty)) else empty


def _moment(seconds: float) -> float:
    """The time, or one that has a date if it is damaged."""
    return min(max(seconds, 0.0), _LAST_MOMENT)


def _optional(value: str | bytes | None) -> str | None:
    return None if value is None else from_sql(value)


def joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Neighbouring pieces of text or of thinking as one part; all other parts stay as they are."""
    for kind, run in itertools.groupby(parts, key=type):
        if kind is Text or kind is Thinking:
            yield kind("".join(piece.text for piece in run if isinstance(piece, Text | Thinking)))
        else:
            yield from run


def column(value: Any) -> Any:
    """A field's value as its column keeps it: text, a number, or JSON."""
    if isinstance(value, str):
        return to_sql(value)
    return json.dumps(value, default=asdict) if isinstance(value, dict | list | tuple) else value


def citation_values(citation: Citation) -> tuple[Any, ...]:
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
        to_sql(citation.context),
        json.dumps(citation.also_in),
    )
