"""What is stored, put into the words and values that the transcript shows."""

from __future__ import annotations

from desktop_llm.chats.records import StoredMessage
from desktop_llm.gui.transcript.view_model import MessageView, Status, foot_words
from desktop_llm.gui.widgets import Action
from desktop_llm.words import tr


def view_of(message: StoredMessage) -> MessageView:
    """A message for the transcript."""
    nothing_found = _no_model_ran(message)
    return MessageView(
        id=message.id,
        role=message.role,
        text="" if nothing_found else message.text,
        status=_status(message.status),
        thinking=message.thinking,
        citations=message.citations,
        sources=message.sources,
        unsupported=tuple(message.text[start:end] for start, end in message.unsupported),
        foot=_foot(message),
        foot_tip=_foot_tip(message),
        error=message.error,
        notice=message.text if nothing_found else _why_short(message),
        branch=message.branch,
        branches=message.branches,
        attachments=message.attachments,
        actions=_actions(message, nothing_found),
    )


def _status(text: str) -> Status:
    return text if text in ("draft", "streaming", "complete", "interrupted", "error") else "complete"  # type: ignore[return-value]


def _no_model_ran(message: StoredMessage) -> bool:
    """Whether the answer says that the documents hold nothing: it is complete and no token was generated for it."""
    whole = message.role == "assistant" and message.status == "complete" and message.finish_reason == "stop"
    return whole and bool(message.text) and message.usage.get("completion_tokens") == 0


def _why_short(message: StoredMessage) -> str:
    if message.status == "interrupted" and not message.error:
        return tr("This answer was interrupted. What came is kept.")
    if message.status == "complete" and message.finish_reason == "cancelled" and not message.text:
        return tr("Stopped before the first word.")
    return ""


def _actions(message: StoredMessage, nothing_found: bool) -> tuple[Action, ...]:
    if message.role != "assistant":
        return ()
    if message.status in ("interrupted", "error") or (not message.text and message.finish_reason == "cancelled"):
        return (Action("regenerate", tr("Try again"), "retry"),)
    if nothing_found:
        return (Action("without_documents", tr("Answer without documents"), "chat"),)
    return ()


def _foot(message: StoredMessage) -> str:
    tokens = message.usage.get("completion_tokens", 0)
    if message.role != "assistant" or not tokens:
        return ""
    timings = message.timings
    return foot_words(tokens, timings.get("generation_tps"), timings.get("ttft_s"), message.finish_reason or "stop")


def _foot_tip(message: StoredMessage) -> str:
    lines = [message.model_name or ""]
    if message.usage:
        lines.append(
            tr("{prompt} prompt tokens, {cached} of them kept from before").format(
                prompt=f"{message.usage.get('prompt_tokens', 0):,}", cached=f"{message.usage.get('cached_tokens', 0):,}"
            )
        )
    if speed := message.timings.get("prompt_tps"):
        lines.append(tr("prompt processing {speed} tokens/s").format(speed=f"{speed:.1f}"))
    if message.seed is not None:
        lines.append(tr("seed {seed}").format(seed=message.seed))
    return "\n".join(line for line in lines if line)
