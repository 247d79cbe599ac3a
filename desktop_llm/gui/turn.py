"""One answer under way in the window: load if needed, generate, save while it streams, keep what came if it breaks."""

from __future__ import annotations

import enum
import functools
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from desktop_llm.answer import Cited, Sources, TurnEvent, answer
from desktop_llm.chats.records import MessageFields, StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.engine.client import (
    ChatMessage,
    Finished,
    LeftOut,
    LoadSettings,
    PromptProgress,
    Sampling,
    TextDelta,
    ThinkingDelta,
)
from desktop_llm.errors import UserError, WorkerDied
from desktop_llm.gui import measured
from desktop_llm.gui.citations import stored_citation, stored_passage
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.knowledge.client import Citation, Passage
from desktop_llm.models.library import Model

# A kill loses at most this much of an answer.
SAVE_EVERY_MS = 700


@dataclass(frozen=True, slots=True)
class TurnOrder:
    """Everything an answer needs; the message `message_id` is stored already, empty and streaming."""

    conversation_id: str
    message_id: str
    messages: tuple[ChatMessage, ...]
    sampling: Sampling
    collections: tuple[str, ...]
    model: Model
    load: LoadSettings


class Phase(enum.Enum):
    """Where a turn stands: only a generating engine can be asked to stop, before that the turn is simply dropped."""

    PREPARING = enum.auto()
    GENERATING = enum.auto()
    ENDED = enum.auto()


@dataclass(frozen=True, slots=True)
class TurnState:
    """What is known of the answer so far."""

    text: str = ""
    thinking: str = ""
    citations: tuple[Citation, ...] = ()
    sources: tuple[Passage, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    finished: Finished | None = None


class Turn(QObject):
    """Runs one order. Signals: `happened` for each TurnEvent; at last `ended` with the stored message, or `unsaved`
    with the error where the disk would not take it: the text is still in `state`.
    """

    happened = Signal(object)
    ended = Signal(object)
    unsaved = Signal(object)

    def __init__(self, resources: Resources, order: TurnOrder, parent: QObject) -> None:
        super().__init__(parent)
        self.order = order
        self.state = TurnState()
        self.phase = Phase.PREPARING
        self._resources = resources
        self._unsaved = ("", "")
        self._saving = QTimer(self)
        self._saving.setInterval(SAVE_EVERY_MS)
        self._saving.timeout.connect(self._save)
        self._task: Task | None = None
        self._last_words: tuple[str, MessageFields] = ("interrupted", MessageFields())
        self.unsaved_reason = ""

    def start(self) -> None:
        """Begin; the answer comes by signals."""
        self._saving.start()
        self._task = self._resources.tasks.run(
            self._work, progress=self._on_event, done=self._on_done, failed=self._on_failed, lane="engine"
        )

    def stop(self) -> None:
        """Stop at once; what was written stays."""
        if self.phase is Phase.GENERATING:
            self._resources.engine.stop()
        elif self.phase is Phase.PREPARING and self._task is not None:
            self._task.cancel()
            self._resources.engine.stop()
            self._end("complete", finish_reason="cancelled")

    def close(self) -> None:
        """The window closes: keep what came, tell nobody."""
        if self._task is not None:
            self._task.cancel()
        self._resources.engine.stop()
        self._end("interrupted", error="The window was closed while this was being written. What came is kept.")

    def save_again(self) -> None:
        """Try once more what the disk would not take; tells `ended` or `unsaved` again."""
        status, values = self._last_words
        finish = functools.partial(self._finish, status, values)
        self._resources.chats.write(finish, self.ended.emit, self._on_unsaved)

    def _work(self) -> Generator[TurnEvent, None, None]:
        engine, order = self._resources.engine, self.order
        yield from engine.load(order.model.path, order.load)
        self._resources.library.mark_used(order.model.id)
        yield from answer(engine, order.messages, order.sampling, self._resources.knowledge, order.collections)

    @Slot(object)
    def _on_event(self, event: TurnEvent) -> None:
        if self.phase is Phase.ENDED:
            return
        match event:
            case TextDelta(text):
                self.phase = Phase.GENERATING
                self.state = replace(self.state, text=self.state.text + text)
                self._unsaved = (self._unsaved[0] + text, self._unsaved[1])
            case ThinkingDelta(text):
                self.phase = Phase.GENERATING
                self.state = replace(self.state, thinking=self.state.thinking + text)
                self._unsaved = (self._unsaved[0], self._unsaved[1] + text)
            case Sources(passages):
                self.state = replace(self.state, sources=passages)
            case Cited(text, citations, unsupported):
                self.state = replace(self.state, text=text, citations=citations, unsupported=unsupported)
            case Finished():
                self.state = replace(self.state, finished=event)
            case PromptProgress() | LeftOut():
                self.phase = Phase.GENERATING
        self.happened.emit(event)

    def _on_done(self, _: None) -> None:
        finished = self.state.finished
        if finished is None:
            self._end("interrupted", error="The answer ended before it was finished. What came is kept. Try again.")
            return
        measured.learn_answer(self._resources, self.order.model, self.order.load, finished)
        self._end(
            "complete",
            finish_reason=finished.finish_reason,
            usage=asdict(finished.usage),
            timings=asdict(finished.timings),
            seed=finished.seed,
            unsupported=self.state.unsupported,
        )

    def _on_failed(self, error: UserError) -> None:
        broken = isinstance(error, WorkerDied) or bool(self.state.text)
        self._end("interrupted" if broken else "error", error=error.message)

    def _save(self) -> None:
        text, thinking = self._unsaved
        self._unsaved = ("", "")
        if text or thinking:
            message_id = self.order.message_id
            self._resources.chats.write(lambda store: store.append(message_id, text, thinking), failed=_kept_in_memory)

    def _end(self, status: str, *, error: str = "", **fields: object) -> None:
        if self.phase is Phase.ENDED:
            return
        self.phase = Phase.ENDED
        self._saving.stop()
        self._save()
        self._last_words = (status, MessageFields(error=error, **fields))  # type: ignore[typeddict-item]
        self.save_again()

    def _on_unsaved(self, error: UserError) -> None:
        self.unsaved_reason = error.message
        self.unsaved.emit(error)

    def _finish(self, status: str, values: MessageFields, store: ChatStore) -> StoredMessage:
        state = self.state
        return store.finish(
            self.order.message_id,
            status,
            text=state.text,
            citations=[stored_citation(citation, state.sources) for citation in state.citations],
            sources=[stored_passage(source) for source in state.sources],
            **values,
        )


def _kept_in_memory(_: UserError) -> None:
    """A piece could not be saved while the answer goes on; the end of the turn saves the whole text, or tells."""
