"""The values that the transcript shows, one for each message. They know no store and no worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desktop_llm.gui.chat.transcript.checked import CheckedSentence
from desktop_llm.gui.look.formats import duration, file_name, number
from desktop_llm.gui.look.model_state import place_words
from desktop_llm.gui.look.widgets import Action
from desktop_llm.message import Citation, File, Image, Part, text_of
from desktop_llm.tokens import Token
from desktop_llm.words import plural, tr

Status = Literal["draft", "streaming", "complete", "interrupted", "error"]


@dataclass(frozen=True, slots=True)
class ThinkingFigures:
    """How long a model thinks or has thought, and the most tokens that it may take, 0 without a limit. `end` says that
    the limit or the person ended it; it is "" if it ended by itself.
    """

    seconds: float = 0.0
    tokens: int = 0
    limit: int = 0
    end: Literal["", "limit", "stopped"] = ""

    def words(self, *, running: bool) -> tuple[str, str]:
        """The words of the row, and what stands behind them in figures."""
        time = duration(self.seconds)
        if running:
            if not self.tokens:
                return tr("Thinking"), ""
            tokens = plural("%n token", "%n tokens", self.tokens)
            if self.limit:
                tokens = tr("{count} of at most {most} tokens", count=number(self.tokens), most=number(self.limit))
            return tr("Thinking, {time}", time=time), tokens
        if self.end == "stopped":
            return tr("Thinking stopped after {time}, no answer", time=time), ""
        if self.end == "limit":
            return tr("Thought up to the limit of {limit} tokens", limit=number(self.limit)), ""
        if not self.tokens:
            return tr("Thought"), ""
        tokens = plural("%n token", "%n tokens", self.tokens)
        return tr("Thought for {time}, {tokens}", time=time, tokens=tokens), ""


@dataclass(frozen=True, slots=True)
class WordChoices:
    """The word choices of an answer, which are switched on: its tokens, or a title, a text and actions that say why
    there are none yet.
    """

    tokens: tuple[Token, ...] = ()
    title: str = ""
    text: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as it is shown.

    `thinking` are the figures of its thinking. `foot` is the line of figures under an answer, `foot_tip` its tooltip.
    `error` and `notice` are bold titles, each with its text; `actions` belong to the error or, without one, to the
    notice. `checked` is what the documents say about each sentence. `continued` says where the answer goes on from an
    earlier one. An answer `by_file` has rows from every file. `choices` are its word choices while they are switched
    on.
    """

    id: str
    role: str
    parts: tuple[Part, ...] = ()
    status: Status = "complete"
    thinking: ThinkingFigures = ThinkingFigures()
    citations: tuple[Citation, ...] = ()
    sources: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()
    checked: tuple[CheckedSentence, ...] = ()
    by_file: bool = False
    foot: str = ""
    foot_tip: str = ""
    error: str = ""
    error_text: str = ""
    notice: str = ""
    notice_text: str = ""
    branch: int = 1
    branches: int = 1
    actions: tuple[Action, ...] = ()
    continued: str = ""
    choices: WordChoices | None = None

    @property
    def text(self) -> str:
        """The message itself, in Markdown."""
        return text_of(self.parts)

    @property
    def name(self) -> str:
        """The name of the message: "Question", "Answer 2 of 2"."""
        names = {"user": tr("Question"), "tool": tr("Tool")}
        name = names.get(self.role, tr("Answer"))
        if self.branches > 1:
            return tr("{message} {branch} of {branches}", message=name, branch=self.branch, branches=self.branches)
        return name

    @property
    def file_names(self) -> list[str]:
        """The names of the files and pictures attached to the message."""
        return [file_name(part.path) for part in self.parts if isinstance(part, File | Image)]

    @property
    def document_names(self) -> list[str]:
        """The names of the files attached to the message."""
        return [file_name(part.path) for part in self.parts if isinstance(part, File)]

    @property
    def pictures(self) -> list[str]:
        """The paths of the pictures attached to the message."""
        return [part.path for part in self.parts if isinstance(part, Image)]


@dataclass(frozen=True, slots=True)
class WaitingInLine:
    """The place in line of an answer that waits for others; `for_memory`: its model needs the memory of theirs."""

    place: int
    for_memory: bool = False

    @property
    def fraction(self) -> None:
        return None

    def title(self) -> str:
        """ "2nd in line"."""
        return place_words(self.place)

    def detail(self) -> str:
        """Why it waits."""
        if self.for_memory:
            return tr("There is no room for its model beside the one that is answering another chat.")
        return tr("Other chats are being answered first.")


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """The progress of prompt processing: tokens done and in all, passages among them, seconds left once known; `what`
    is read if it is not a message.
    """

    done: int
    total: int
    passages: int = 0
    seconds_left: float | None = None
    what: str = ""

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total > 0 else 0.0

    def title(self) -> str:
        """ "Reading your message and 6 passages"."""
        if self.what:
            return self.what
        if not self.passages:
            return tr("Reading your message")
        return plural("Reading your message and %n passage", "Reading your message and %n passages", self.passages)

    def detail(self) -> str:
        """ "1,790 of 2,900 tokens, about 4 s left"."""
        counts = tr("{done} of {total} tokens", done=number(self.done), total=number(self.total))
        if self.seconds_left is None:
            return counts
        return tr("{counts}, about {time} left", counts=counts, time=duration(self.seconds_left))


def foot_words(
    tokens: int, tokens_per_s: float | None, first_after_s: float | None, finish_reason: str = "stop"
) -> str:
    """ "231 tokens, 38.2 tokens/s, first after 0.6 s", and why the answer ended if the model did not end it."""
    parts = [plural("%n token", "%n tokens", tokens)]
    if tokens_per_s:
        parts.append(tr("{speed} tokens/s", speed=f"{tokens_per_s:.1f}"))
    if first_after_s is not None:
        parts.append(tr("first after {seconds} s", seconds=f"{first_after_s:.1f}"))
    if finish_reason == "length":
        parts.append(tr("stopped at the length limit"))
    elif finish_reason == "cancelled":
        parts.append(tr("stopped early"))
    return ", ".join(parts)
