"""What the transcript shows of an answer while it is being written, and of one that the disk would not take."""

from __future__ import annotations

from dataclasses import replace

from desktop_llm.answer import Cited, Sources, TurnEvent
from desktop_llm.chats.records import StoredMessage
from desktop_llm.engine.client import LeftOut, PromptProgress, TextDelta, ThinkingDelta
from desktop_llm.gui.transcript import Transcript
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress
from desktop_llm.gui.turn import Turn
from desktop_llm.gui.views import view_of
from desktop_llm.gui.widgets import Action
from desktop_llm.words import tr


class AnswerView:
    """Follows one running turn in the transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._view: MessageView | None = None

    def running(self, message: StoredMessage, turn: Turn) -> MessageView:
        """The stored message with what has been written since."""
        state = turn.state
        self._view = replace(view_of(message), text=state.text, thinking=state.thinking, sources=state.sources)
        return self._view

    def show(self, turn: Turn, event: TurnEvent) -> None:
        """Bring the transcript up to date with an event."""
        id = turn.order.message_id
        match event:
            case TextDelta(text):
                self._transcript.set_progress(id, None)
                self._transcript.append_text(id, text)
            case ThinkingDelta(text):
                self._transcript.set_progress(id, None)
                self._transcript.append_thinking(id, text)
            case PromptProgress(done, total, seconds_left):
                progress = ReadingProgress(done, total, len(turn.state.sources), seconds_left)
                self._transcript.set_progress(id, progress)
            case Sources(passages):
                self._update(turn, sources=passages)
            case LeftOut(count):
                notice = tr("The first {count} messages are left out of what the model reads; they stay saved.")
                self._update(turn, notice=notice.format(count=count))
            case Cited(text, citations, unsupported):
                sentences = tuple(text[start:end] for start, end in unsupported)
                self._update(turn, citations=citations, unsupported=sentences)

    def ended(self, turn: Turn, stored: StoredMessage) -> None:
        """Show the answer whole."""
        self._transcript.finish(view_of(stored))

    def _update(self, turn: Turn, **fields: object) -> None:
        if self._view is not None and self._view.id == turn.order.message_id:
            fields |= {"text": turn.state.text, "thinking": turn.state.thinking}
            self._view = replace(self._view, **fields)  # type: ignore[arg-type]
            self._transcript.update_message(self._view)


def unsaved_view(message: StoredMessage, turn: Turn) -> MessageView:
    """An answer that is only here: its text, why it was not saved, and the way to save it after all."""
    state = turn.state
    return replace(
        view_of(message),
        status="interrupted",
        text=state.text,
        thinking=state.thinking,
        sources=state.sources,
        citations=state.citations,
        error=turn.unsaved_reason,
        notice="",
        actions=(Action("save_again", tr("Save again"), "retry"),),
    )
