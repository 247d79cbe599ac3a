"""How a question becomes an answer: stored, run by the model, stored again; one at a time, whichever chat is open."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, Signal

from desktop_llm.answer import TurnEvent
from desktop_llm.chats.records import StoredMessage
from desktop_llm.engine.client import Loading, PromptProgress, Sampling, TextDelta, ThinkingDelta
from desktop_llm.errors import NotFound, UserError
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.questions import Begun, Question, prompt_of, store_question
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.turn import Turn, TurnOrder
from desktop_llm.models.library import Model


class Answering(QObject):
    """Signals: `begun(question, begun)` once the question is stored, or `not_begun(question, error)`; then
    `happened(turn, event)`, and at last `ended(turn, stored)` or `unsaved(turn, error)`. `changed` whenever `turn` is
    another one.
    """

    begun = Signal(object, object)
    not_begun = Signal(object, object)
    happened = Signal(object, object)
    ended = Signal(object, object)
    unsaved = Signal(object, object)
    changed = Signal()

    def __init__(self, resources: Resources, models: ModelsController, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._models = resources, models
        self._storing = False
        self._not_saved: dict[str, Turn] = {}
        self.turn: Turn | None = None

    @property
    def busy(self) -> bool:
        """Whether a question is being stored or answered."""
        return self.turn is not None or self._storing

    @property
    def conversation_id(self) -> str | None:
        """The chat that is being answered."""
        return self.turn.order.conversation_id if self.turn is not None else None

    def begin(self, question: Question) -> None:
        """Answer a question with the chosen model."""
        model = self._models.model
        if model is None:
            sentence = self.tr("No model is chosen, so nothing was sent. Choose one in the header, then send again.")
            self.not_begun.emit(question, NotFound(sentence))
            return
        self._storing = True
        self._resources.chats.write(
            functools.partial(store_question, question, model),
            functools.partial(self._on_stored, question, model),
            functools.partial(self._on_not_stored, question),
        )

    def stop(self) -> None:
        """Stop the running answer; what was written stays."""
        if self.turn is not None:
            self.turn.stop()

    def close(self) -> None:
        """The window closes: keep what was written."""
        if self.turn is not None:
            self.turn.close()
        for turn in self._not_saved.values():
            turn.save_again()

    def not_saved(self, message_id: str) -> Turn | None:
        """The turn whose answer the disk would not take."""
        return self._not_saved.get(message_id)

    def _on_stored(self, question: Question, model: Model, begun: Begun) -> None:
        self._storing = False
        conversation = begun.conversation
        order = TurnOrder(
            conversation.id,
            begun.messages[-1].id,
            tuple(prompt_of(begun)),
            Sampling.known(conversation.sampling),
            conversation.collections if question.with_documents else (),
            model,
            self._models.load,
        )
        self._run(Turn(self._resources, order, self))
        self.begun.emit(question, begun)
        self.changed.emit()

    def _on_not_stored(self, question: Question, error: UserError) -> None:
        self._storing = False
        self.not_begun.emit(question, error)

    def _run(self, turn: Turn) -> None:
        self.turn = turn
        turn.happened.connect(functools.partial(self._on_event, turn))
        turn.ended.connect(functools.partial(self._on_ended, turn))
        turn.unsaved.connect(functools.partial(self._on_unsaved, turn))
        turn.start()

    def _on_event(self, turn: Turn, event: TurnEvent) -> None:
        if isinstance(event, Loading):
            self._models.show_loading(event)
        elif isinstance(event, PromptProgress | TextDelta | ThinkingDelta):
            self._models.show_loaded(self._resources.engine.loaded)
        self.happened.emit(turn, event)

    def _on_ended(self, turn: Turn, stored: StoredMessage) -> None:
        self._not_saved.pop(stored.id, None)
        self._leave(turn)
        loaded = self._resources.engine.loaded
        self._models.show_loaded(loaded)
        if loaded is None and stored.error:
            self._models.show_stopped(UserError(stored.error))
        self.ended.emit(turn, stored)

    def _on_unsaved(self, turn: Turn, error: UserError) -> None:
        self._not_saved[turn.order.message_id] = turn
        self._leave(turn)
        self.unsaved.emit(turn, error)

    def _leave(self, turn: Turn) -> None:
        """An answer that is saved again later is not the running one any more."""
        if turn is self.turn:
            self.turn = None
            self.changed.emit()
