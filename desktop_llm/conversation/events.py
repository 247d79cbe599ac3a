"""The events that tell a front end about a turn, and the function that adds them up to the state of the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from desktop_llm.chats.records import ChatAdapter, Conversation, StoredMessage
from desktop_llm.conversation.coverage import Coverage
from desktop_llm.conversation.search_details import NO_DETAILS, PromptPart, SearchDetails
from desktop_llm.engine.client import (
    Finished,
    InLine,
    LeftOut,
    Loading,
    PromptProgress,
    Rethought,
    TextDelta,
    ThinkingDelta,
    Unloaded,
)
from desktop_llm.errors import UserError
from desktop_llm.knowledge.client import SearchTrace
from desktop_llm.message import (
    Check,
    Citation,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    appended,
    text_of,
    thinking_of,
)


@dataclass(frozen=True, slots=True)
class QuestionStored:
    """The question is stored: its conversation, and the messages to show; the last one is the answer, still empty."""

    conversation: Conversation
    messages: tuple[StoredMessage, ...]


@dataclass(frozen=True, slots=True)
class Mixed:
    """The adapters that the answer was to have, before the model writes; it goes on without those with a problem."""

    adapters: tuple[ChatAdapter, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages given to the model, before it starts; empty if nothing relevant was found."""

    passages: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """How the passages were found: all that was looked at."""

    trace: SearchTrace


@dataclass(frozen=True, slots=True)
class Prompted:
    """What the model read, known when it has answered."""

    parts: tuple[PromptPart, ...]


@dataclass(frozen=True, slots=True)
class Covering:
    """How far the answer has looked into the documents by now; said again and again, so that it can be stopped."""

    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Offer:
    """The question is about all `files`; whether each is to be read is asked until `Turn.choose` says it. It would take
    about so many `seconds`, None if that is not known.
    """

    files: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The model has asked for a tool, which runs now."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool has run; the answer goes on with its result."""

    result: ToolResult


@dataclass(frozen=True, slots=True)
class Cited:
    """The answer's text after its citations were checked: marks that name no passage are removed, and sentences that a
    passage supports have a mark. `unsupported` are the (start, end) of the sentences that no passage supports, `checks`
    what came out for each sentence. If tools ran, all of it is about the text behind their last result.
    """

    text: str
    citations: tuple[Citation, ...]
    unsupported: tuple[tuple[int, int], ...]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ended with an error; `interrupted` if it had begun."""

    error: UserError
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """The answer is in the store."""

    message: StoredMessage


@dataclass(frozen=True, slots=True)
class NotSaved:
    """The answer could not be stored: only the state holds it, and the turn can save it again."""

    error: UserError


TurnEvent = (
    QuestionStored
    | InLine
    | Unloaded
    | Loading
    | Mixed
    | Sources
    | Searched
    | Prompted
    | Covering
    | Offer
    | LeftOut
    | PromptProgress
    | ThinkingDelta
    | TextDelta
    | Rethought
    | ToolStarted
    | ToolEnded
    | Cited
    | Finished
    | Failed
    | Saved
    | NotSaved
)


@dataclass(frozen=True, slots=True)
class TurnState:
    """Everything known about an answer so far; `progress` is set while it waits, or while a model is loaded or the
    prompt is processed.
    """

    asked: QuestionStored | None = None
    parts: tuple[Part, ...] = ()
    adapters: tuple[ChatAdapter, ...] = ()
    sources: tuple[Citation, ...] = ()
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    checks: tuple[Check, ...] = ()
    coverage: Coverage | None = None
    details: SearchDetails = NO_DETAILS
    thought: ThinkingDelta | None = None  # the last piece of thinking, with the figures of all of it
    left_out: int = 0
    progress: InLine | Loading | PromptProgress | Offer | None = None
    finished: Finished | None = None
    failed: Failed | None = None
    saved: StoredMessage | None = None
    not_saved: UserError | None = None

    @property
    def text(self) -> str:
        """The text of the answer."""
        return text_of(self.parts)

    @property
    def thinking(self) -> str:
        """The model's thinking."""
        return thinking_of(self.parts)

    @property
    def message_id(self) -> str:
        """The id of the stored answer; "" while the question is not stored."""
        return self.asked.messages[-1].id if self.asked else ""

    @property
    def status(self) -> str:
        """The answer's status as the store names it: streaming, complete, interrupted or error."""
        if self.failed is not None:
            begun = self.text or any(isinstance(part, ToolCall) for part in self.parts)
            return "interrupted" if self.failed.interrupted or begun else "error"
        return "streaming" if self.finished is None else "complete"


def fold(state: TurnState, event: TurnEvent) -> TurnState:
    """The state after an event."""
    match event:
        case QuestionStored():
            return replace(state, asked=event)
        case InLine() | Loading() | PromptProgress() | Offer():
            return replace(state, progress=event)
        case Unloaded():
            return state
        case Mixed(adapters):
            return replace(state, adapters=adapters)
        case Sources(passages):
            return replace(state, sources=passages)
        case Covering(coverage):
            return replace(state, coverage=coverage, progress=None)
        case Searched(trace):
            return replace(state, details=replace(state.details, trace=trace))
        case Prompted(parts):
            return replace(state, details=replace(state.details, prompt=parts))
        case LeftOut(count):
            return replace(state, left_out=count)
        case TextDelta(text):
            return replace(state, parts=appended(state.parts, Text(text)), progress=None)
        case ThinkingDelta(text):
            return replace(state, parts=appended(state.parts, Thinking(text)), thought=event, progress=None)
        case Rethought():
            before, last = _at_last_result(state.parts)
            return replace(state, parts=(*before, Thinking(text_of(last))))
        case ToolStarted(call):
            return replace(state, parts=(*state.parts, call), progress=None)
        case ToolEnded(result):
            return replace(state, parts=(*state.parts, result))
        case Cited(text, citations, unsupported, checks):
            before, last = _at_last_result(state.parts)
            others = (part for part in last if not isinstance(part, Text))
            moved = len(text_of(before))
            spans = tuple((start + moved, end + moved) for start, end in unsupported)
            return replace(
                state,
                parts=(*before, *others, Text(text)),
                citations=citations,
                unsupported=spans,
                checks=tuple(check.moved(moved) for check in checks),
            )
        case Finished():
            return replace(state, finished=event, progress=None)
        case Failed():
            return replace(state, failed=event, progress=None)
        case Saved(message):
            return replace(state, saved=message, not_saved=None)
        case NotSaved(error):
            return replace(state, not_saved=error)


def _at_last_result(parts: tuple[Part, ...]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The parts up to the last result of a tool, and those behind it."""
    cut = next((n for n in range(len(parts), 0, -1) if isinstance(parts[n - 1], ToolResult)), 0)
    return parts[:cut], parts[cut:]
