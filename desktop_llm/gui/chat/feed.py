"""Puts the messages of the open chat into the transcript: the stored ones, and those that turns are still writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from desktop_llm.chats.records import ChatAdapter, StoredMessage
from desktop_llm.conversation.coverage import EVERY_FILE, PASSAGES, Coverage
from desktop_llm.conversation.events import (
    Cited,
    Covering,
    Mixed,
    NotSaved,
    Saved,
    Sources,
    ToolEnded,
    ToolStarted,
    TurnEvent,
    TurnState,
)
from desktop_llm.engine.client import InLine, LeftOut, Loading, PromptProgress, Rethought, TextDelta, ThinkingDelta
from desktop_llm.gui.chat.transcript import Transcript
from desktop_llm.gui.chat.transcript.checked import quotes_of, sentences_of, with_marks
from desktop_llm.gui.chat.transcript.view_model import (
    MessageView,
    ReadingProgress,
    Status,
    ThinkingFigures,
    WaitingInLine,
    WordChoices,
    foot_words,
)
from desktop_llm.gui.look.formats import moment, number
from desktop_llm.gui.look.widgets import Action
from desktop_llm.message import Check, ToolResult
from desktop_llm.words import plural, tr


class Feed:
    """Keeps the transcript in step with the store and the turns.

    `messages` is the active branch of the open chat, first to last; `state_of` holds the state of each answer that is
    under way or was not saved, by message id.
    """

    def __init__(self, transcript: Transcript, state_of: Callable[[str], TurnState | None]) -> None:
        self._transcript, self._state_of = transcript, state_of
        self.messages: tuple[StoredMessage, ...] = ()
        self.choices: Callable[[str], WordChoices | None] = lambda _: None
        """The word choices of a message, by its id, if they are switched on."""
        self.looked_at_last: Callable[[StoredMessage | None, TurnState | None], None] = lambda *_: None
        """Hears of the last message and the state of its turn whenever either changes."""

    def refresh(self, message_id: str) -> None:
        """Show a message anew."""
        if (message := self.find(message_id)) is not None:
            self._transcript.update_message(self._view(message))

    def replace(self, message: StoredMessage) -> None:
        """Show a message as it is stored now."""
        self.messages = tuple(message if each.id == message.id else each for each in self.messages)
        self.refresh(message.id)

    def set(self, messages: Sequence[StoredMessage]) -> None:
        """Show these messages."""
        self.messages = tuple(messages)
        self._transcript.set_messages([self._view(message) for message in messages])
        last = self.messages[-1] if self.messages else None
        self.looked_at_last(last, self._state_of(last.id) if last else None)

    def find(self, message_id: str) -> StoredMessage | None:
        """The message with this id, or None if it is not shown."""
        return next((message for message in self.messages if message.id == message_id), None)

    def last(self, role: str) -> StoredMessage | None:
        """The last message of this role."""
        return next((message for message in reversed(self.messages) if message.role == role), None)

    def markdown(self, message: StoredMessage) -> str:
        """The text of a message as it is shown, for copying."""
        state = self._state_of(message.id)
        return state.text if state is not None else message.text

    def show(self, event: TurnEvent, state: TurnState) -> None:
        """Show an event of a turn and the state after it; ignore turns of other chats."""
        message = self.find(state.message_id)
        if message is None:
            return
        match event:
            case TextDelta(text):
                self._transcript.set_progress(message.id, None)
                self._transcript.append_text(message.id, text)
            case ThinkingDelta(text):
                self._transcript.set_progress(message.id, None)
                self._transcript.append_thinking(message.id, text, _figures_now(event))
            case ToolStarted(part) | ToolEnded(part):
                self._transcript.set_progress(message.id, None)
                self._transcript.append_step(message.id, part)
            case InLine(place, for_memory):
                self._transcript.set_progress(message.id, WaitingInLine(place, for_memory=for_memory))
            case Loading():
                self._transcript.set_progress(message.id, None)
            case PromptProgress(done, total, seconds_left):
                progress = ReadingProgress(done, total, len(state.sources), seconds_left)
                self._transcript.set_progress(message.id, progress)
            case Mixed() | Sources() | Covering() | LeftOut() | Cited() | Rethought():
                self._transcript.update_message(running_view(message, state))
            case Saved(stored):
                self.messages = tuple(stored if each.id == stored.id else each for each in self.messages)
                self._transcript.finish(self._view(stored))
            case NotSaved():
                self._transcript.finish(running_view(message, state))
        if message.id == self.messages[-1].id:
            self.looked_at_last(self.messages[-1], state)

    def _view(self, message: StoredMessage) -> MessageView:
        state = self._state_of(message.id)
        if state is not None:
            return running_view(message, state)
        return replace(view_of(message), choices=self.choices(message.id))


def view_of(message: StoredMessage) -> MessageView:
    """A stored message as the transcript shows it."""
    nothing_found = _no_model_ran(message)
    checked = sentences_of(message.parts, message.checks)
    notice, notice_text = _nothing_found(message) if nothing_found else _why_short(message)
    return MessageView(
        id=message.id,
        role=message.role,
        parts=() if nothing_found else with_marks(message.parts, message.checks),
        status=_status(message.status),
        thinking=_figures(message),
        citations=quotes_of(checked, message.citations),
        sources=message.sources,
        unsupported=_unsupported(message.text, message.unsupported, message.checks),
        checked=checked,
        by_file=message.coverage.get("way") == EVERY_FILE,
        foot=_foot(message),
        foot_tip=_foot_tip(message),
        error=message.error,
        error_text=message.error_text,
        notice=notice,
        notice_text=notice_text,
        branch=message.branch,
        branches=message.branches,
        actions=_actions(message, nothing_found),
        continued=_continued(message),
    )


def _unsupported(text: str, spans: Sequence[tuple[int, int]], checks: Sequence[Check]) -> tuple[str, ...]:
    """The sentences that no passage says; those that one contradicts are marked in another way."""
    opposed = {(check.start, check.end) for check in checks if check.verdict == "contradicts"}
    return tuple(text[start:end] for start, end in spans if (start, end) not in opposed)


def _continued(message: StoredMessage) -> str:
    """ "Continued from “ordinary” instead of “registered”, 3 Nov", or "Without documents"."""
    if message.continued.get("without"):
        return tr("Without documents")
    if not message.continued:
        return ""
    return tr(
        "Continued from “{word}” instead of “{instead}”, {when}",
        word=message.continued.get("word", ""),
        instead=message.continued.get("instead", ""),
        when=moment(message.created_at),
    )


def running_view(message: StoredMessage, state: TurnState) -> MessageView:
    """An answer that is not completely stored yet, as the turn knows it.

    If saving failed, it says why and offers to try again.
    """
    checked = sentences_of(state.parts, state.checks)
    view = replace(
        view_of(message),
        parts=with_marks(state.parts, state.checks),
        thinking=_figures_now(state.thought) if state.thought else view_of(message).thinking,
        sources=state.sources,
        citations=quotes_of(checked, state.citations),
        unsupported=_unsupported(state.text, state.unsupported, state.checks),
        checked=checked,
        by_file=state.coverage is not None and state.coverage.way == EVERY_FILE,
    )
    if (reason := state.not_saved) is not None:
        actions = (Action("save_again", tr("Save again"), "retry"),)
        return replace(view, status="interrupted", error=reason.title, error_text=reason.text, actions=actions)
    if without := [adapter for adapter in state.adapters if adapter.problem]:
        notice, text = _without(without)
        return replace(view, notice=notice, notice_text=text)
    if state.left_out:
        notice = plural(
            "The model no longer reads the first message.",
            "The model no longer reads the first %n messages.",
            state.left_out,
        )
        return replace(view, notice=notice, notice_text=tr("The whole chat stays saved."))
    return view


def _figures(message: StoredMessage) -> ThinkingFigures:
    usage, stopped = message.usage, message.finish_reason == "cancelled" and not message.text
    limit = usage.get("thinking_limit", 0)
    return ThinkingFigures(
        seconds=message.timings.get("thinking_s", 0.0),
        tokens=usage.get("thinking_tokens", 0),
        limit=limit,
        end="stopped" if stopped else "limit" if limit else "",
    )


def _figures_now(piece: ThinkingDelta) -> ThinkingFigures:
    return ThinkingFigures(piece.seconds, piece.tokens, piece.limit)


def _status(text: str) -> Status:
    return text if text in ("draft", "streaming", "complete", "interrupted", "error") else "complete"  # type: ignore[return-value]


def _no_model_ran(message: StoredMessage) -> bool:
    """Whether the answer says that nothing was found in the documents: it is complete without any generated token."""
    whole = message.role == "assistant" and message.status == "complete" and message.finish_reason == "stop"
    by_files = message.coverage.get("way") == EVERY_FILE
    return whole and bool(message.text) and message.usage.get("completion_tokens") == 0 and not by_files


def _nothing_found(message: StoredMessage) -> tuple[str, str]:
    """The two paragraphs that `prompt.nothing_found` wrote."""
    title, _, rest = message.text.partition("\n\n")
    return title, rest


def _why_short(message: StoredMessage) -> tuple[str, str]:
    if message.status == "interrupted" and not message.error:
        return tr("This answer was interrupted."), tr("The text so far is kept.")
    if message.status == "complete" and (without := [each for each in message.adapters if each.problem]):
        return _without(without)
    if _could_miss_some(message) and _looked(message):
        return _looked(message), tr("The question is about all of them, so a list could miss some.")
    if message.status == "complete" and message.role == "assistant" and not message.text:
        if message.finish_reason == "cancelled":
            return ("", "") if message.thinking else (tr("Stopped before the first word."), "")  # the row says it
        if message.finish_reason == "length":
            return tr("The model kept thinking until there was no room left."), tr(
                "The thinking is kept, there is no answer."
            )
        if any(isinstance(part, ToolResult) for part in message.parts):
            return tr("The model asked for tools and wrote no answer."), tr("Try again, or with a larger model.")
        return tr("The model ended without an answer."), tr("Try again, or ask in other words.")
    return "", ""


def _looked(message: StoredMessage) -> str:
    """ "From the best 8 passages, in 3 of 40 files"; "" if no passages were used, or all files gave some."""
    coverage = Coverage.from_json(message.coverage)
    if coverage is None or coverage.way != PASSAGES or not coverage.passages or coverage.total < 2:
        return ""
    passages = plural("From the best passage", "From the best %n passages", coverage.passages)
    files = plural("in one of {total} files", "in %n of {total} files", coverage.done, total=number(coverage.total))
    return tr("{passages}, {files}", passages=passages, files=files)


def _could_miss_some(message: StoredMessage) -> bool:
    """Whether a question about all files was answered from a few of them."""
    coverage = Coverage.from_json(message.coverage)
    whole = message.status == "complete" and bool(message.text) and coverage is not None
    return whole and coverage is not None and coverage.asks_for_all and coverage.done < coverage.total


def _without(adapters: Sequence[ChatAdapter]) -> tuple[str, str]:
    """What is said of adapters that an answer had to do without."""
    went_on = plural("The chat goes on without it.", "The chat goes on without these %n adapters.", len(adapters))
    return " ".join(adapter.problem for adapter in adapters), went_on


def _actions(message: StoredMessage, nothing_found: bool) -> tuple[Action, ...]:
    if message.role != "assistant":
        return ()
    if message.status == "complete" and not message.text and message.finish_reason == "length":
        short = Action("think_short", tr("Try again with Short"), "retry")
        return (short, Action("regenerate", tr("Try again"), "retry"))
    if message.status in ("interrupted", "error") or (message.status == "complete" and not message.text):
        return (Action("regenerate", tr("Try again"), "retry"),)
    every_file = (Action("read_every_file", tr("Read every file"), "library"),) if _could_miss_some(message) else ()
    if nothing_found:
        return (
            *every_file,
            Action("closest", tr("Show closest passage"), "quote"),
            Action("without", tr("Answer without documents"), "chat", "quiet"),
        )
    return every_file


def _foot(message: StoredMessage) -> str:
    tokens = message.usage.get("completion_tokens", 0)
    if message.role != "assistant" or not tokens:
        return ""
    timings = message.timings
    figures = foot_words(tokens, timings.get("generation_tps"), timings.get("ttft_s"), message.finish_reason or "stop")
    looked = "" if _could_miss_some(message) else _looked(message)
    return tr("{looked}. {figures}", looked=looked, figures=figures) if looked else figures


def _foot_tip(message: StoredMessage) -> str:
    lines = [message.model_name or ""]
    lines += [
        tr("with {name} {scale}", name=adapter.name or adapter.id, scale=f"{adapter.scale:.2f}")
        for adapter in message.adapters
        if adapter.on and not adapter.problem
    ]
    if message.usage:
        lines.append(
            tr(
                "{prompt} prompt tokens, {cached} of them kept from before",
                prompt=f"{message.usage.get('prompt_tokens', 0):,}",
                cached=f"{message.usage.get('cached_tokens', 0):,}",
            )
        )
    if speed := message.timings.get("prompt_tps"):
        lines.append(tr("prompt processing {speed} tokens/s", speed=f"{speed:.1f}"))
    if message.seed is not None:
        lines.append(tr("seed {seed}", seed=message.seed))
    return "\n".join(line for line in lines if line)
