"""The ordered parts of a message, and the citations of an answer.

Everything that handles messages uses these: the conversation, the store, the engine's wire, the transcript, exports.
The order of the parts is the order in which they were written or said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the message itself, in Markdown."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of a model's thinking before it answers or calls a tool."""

    kind: ClassVar[str] = "thinking"
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, by the path of its file."""

    kind: ClassVar[str] = "image"
    path: str


@dataclass(frozen=True, slots=True)
class File:
    """An attached document, by its path."""

    kind: ClassVar[str] = "file"
    path: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool; `arguments` is the JSON it wrote, `id` ties the result to the call."""

    kind: ClassVar[str] = "tool_call"
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's answer to the call `id`, as text, after `seconds`; if it `failed`, the text says why."""

    kind: ClassVar[str] = "tool_result"
    id: str
    text: str
    seconds: float = 0.0
    failed: bool = False


Part = Text | Thinking | Image | File | ToolCall | ToolResult

_TYPES: dict[str, type] = {"str": str, "float": float, "bool": bool}
_KINDS: dict[str, type[Part]] = {kind.kind: kind for kind in (Text, Thinking, Image, File, ToolCall, ToolResult)}


def text_of(parts: Iterable[Part]) -> str:
    """The text of the message, without thinking and attachments."""
    return "".join(part.text for part in parts if isinstance(part, Text))


def thinking_of(parts: Iterable[Part]) -> str:
    """Everything the model thought."""
    return "".join(part.text for part in parts if isinstance(part, Thinking))


def appended(parts: tuple[Part, ...], piece: Text | Thinking) -> tuple[Part, ...]:
    """The parts with one more streamed piece, which continues the last part if that is of the same kind."""
    if parts and type(parts[-1]) is type(piece):
        return (*parts[:-1], type(piece)(parts[-1].text + piece.text))
    return (*parts, piece)


def part_to_json(part: Part) -> dict[str, Any]:
    """A part as JSON, for the wire and the store."""
    return {"kind": part.kind, **asdict(part)}


def part_from_json(data: Mapping[str, Any]) -> Part:
    """The part that `part_to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    kind = _KINDS[data["kind"]]
    given = [field for field in fields(kind) if field.name in data or field.default is MISSING]
    return kind(**{field.name: _TYPES[str(field.type)](data[field.name]) for field in given})


@dataclass(frozen=True, slots=True)
class Citation:
    """A span of a document: a passage that a model was given, or a quote that supports its answer.

    `text` is exactly `[start:end]` (code points) of that page's stored text; `page` counts from 1, None if the format
    has none; `place` names slide, sheet, heading or line. `context` is what a model reads with it: the title and the
    headings above it on the first line, the column names of its rows on the second. `score` is 0 to 1. `verified` means
    that the span was read again from the store and is equal. `also_in` are the paths of other documents that hold the
    same text.
    """

    number: int
    document: str
    page: int | None
    start: int
    end: int
    text: str
    score: float
    verified: bool = False
    place: str = ""
    context: str = ""
    also_in: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Citation:
        """The citation of which `asdict` was stored as JSON. Raises TypeError for anything else."""
        return cls(**{**data, "also_in": tuple(data.get("also_in", ()))})


def marked_citations(marks: Sequence[int], citations: Sequence[Citation]) -> list[Citation | None]:
    """The citation behind each mark of an answer; `marks` are the numbers of its marks in the order of the text."""
    return [citations[at] if at is not None else None for at in places_of_marks(marks, citations)]


def places_of_marks(marks: Sequence[int], citations: Sequence[Citation]) -> list[int | None]:
    """The place in `citations` of the one behind each mark of an answer.

    A passage that is cited several times has one citation per mark, in the same order. Answers of an earlier version
    keep a quote that several marks share only once: if the counts differ, every mark gets the first one.
    """
    places: dict[int, list[int]] = {}
    for at, citation in enumerate(citations):
        places.setdefault(citation.number, []).append(at)
    counts = Counter(marks)
    waiting = {number: iter(found) for number, found in places.items() if len(found) == counts[number]}
    return [
        next(waiting[number]) if number in waiting else places[number][0] if number in places else None
        for number in marks
    ]


Verdict = Literal["word_for_word", "small_differences", "contradicts", "not_found", "not_checked"]


@dataclass(frozen=True, slots=True)
class Check:
    """What the documents say about the sentence `[start:end]` (code points) of an answer's text.

    The verdict: its words stand in a quote one after the other, or a quote says the same in other words; a quote says
    otherwise; no passage says it; or it was not checked, or its quote was not found again. `reason` tells in what a
    quote says otherwise: figure, date, name, negation, subject, order, roles, bound or certainty. `accepted` if a
    person has said that the sentence is right all the same.
    """

    start: int
    end: int
    verdict: Verdict
    quotes: tuple[Citation, ...] = ()
    reason: str = ""
    accepted: bool = False

    @property
    def is_found(self) -> bool:
        """Whether a quote says what the sentence says."""
        return self.verdict in ("word_for_word", "small_differences")

    @property
    def needs_a_look(self) -> bool:
        """Whether a person should look at it: a passage says otherwise, or its quote could not be checked."""
        return bool(self.quotes) and not self.is_found and not self.accepted

    def moved(self, by: int) -> Check:
        """The same check in a text with `by` more characters before it."""
        return replace(self, start=self.start + by, end=self.end + by)

    def to_json(self) -> dict[str, Any]:
        """The check as it is stored with the answer."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Check | None:
        """The check that `to_json` wrote; None if it is damaged."""
        try:
            quotes = tuple(Citation.from_json(quote) for quote in data["quotes"])
            start, end, reason = int(data["start"]), int(data["end"]), str(data["reason"])
            return cls(start, end, data["verdict"], quotes, reason, bool(data["accepted"]))
        except (KeyError, TypeError, ValueError):
            return None
