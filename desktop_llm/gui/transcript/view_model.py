"""What the transcript is given: plain values, one a message. It knows no store and no worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from PySide6.QtCore import QLocale

from desktop_llm.gui.widgets import Action
from desktop_llm.words import tr

Status = Literal["draft", "streaming", "complete", "interrupted", "error"]


class CitationLike(Protocol):
    """A citation of chats or knowledge; both have these."""

    @property
    def number(self) -> int: ...
    @property
    def document(self) -> str: ...
    @property
    def page(self) -> int | None: ...
    @property
    def text(self) -> str: ...
    @property
    def verified(self) -> bool: ...


class SourceLike(Protocol):
    """A passage that was given to the model."""

    @property
    def number(self) -> int: ...
    @property
    def document(self) -> str: ...
    @property
    def page(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as it is shown.

    `foot` is the line of figures under an answer, `foot_tip` its tooltip; `error` and `notice` are sentences, the
    first is set in bold, and `actions` belong to the error or, without one, to the notice.
    """

    id: str
    role: str
    text: str
    status: Status = "complete"
    thinking: str = ""
    thinking_note: str = ""
    citations: tuple[CitationLike, ...] = ()
    sources: tuple[SourceLike, ...] = ()
    unsupported: tuple[str, ...] = ()
    foot: str = ""
    foot_tip: str = ""
    error: str = ""
    notice: str = ""
    notice_icon: str = ""
    branch: int = 1
    branches: int = 1
    attachments: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """Prompt processing: tokens done of all, passages among them, seconds left once they can be told."""

    done: int
    total: int
    passages: int = 0
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total > 0 else 0.0

    def title(self) -> str:
        """ "Reading your message and 6 passages"."""
        if not self.passages:
            return tr("Reading your message")
        if self.passages == 1:
            return tr("Reading your message and 1 passage")
        return tr("Reading your message and {count} passages").format(count=self.passages)

    def detail(self) -> str:
        """ "1,790 of 2,900 tokens, about 4 s left"."""
        counts = tr("{done} of {total} tokens").format(done=_number(self.done), total=_number(self.total))
        if self.seconds_left is None:
            return counts
        return tr("{counts}, about {time} left").format(counts=counts, time=rounded_time(self.seconds_left))


def rounded_time(seconds: float) -> str:
    """A time left as people say it: 4 s, 40 s, 2 min, 1 h 20 min."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 60:
        return f"{round(seconds / 10) * 10} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def foot_words(
    tokens: int, tokens_per_s: float | None, first_after_s: float | None, finish_reason: str = "stop"
) -> str:
    """ "231 tokens, 38.2 tokens/s, first after 0.6 s", and in words if the answer did not end by itself."""
    parts = [tr("{count} tokens").format(count=_number(tokens)) if tokens != 1 else tr("1 token")]
    if tokens_per_s:
        parts.append(tr("{speed} tokens/s").format(speed=f"{tokens_per_s:.1f}"))
    if first_after_s is not None:
        parts.append(tr("first after {seconds} s").format(seconds=f"{first_after_s:.1f}"))
    if finish_reason == "length":
        parts.append(tr("stopped at the longest length"))
    elif finish_reason == "cancelled":
        parts.append(tr("stopped early"))
    return ", ".join(parts)


def _number(value: int) -> str:
    return QLocale(QLocale.Language.English).toString(value)
